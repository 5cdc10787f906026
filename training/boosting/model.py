"""The model of later rates, volume, GPM and ROI: fit and predict.

Level 0 is the funnel model: a posterior log rate of every stage. Level 1 are the heads: LightGBM trees on the funnel's
product, stacked with it. Targets are products of heads: gpm = 1 000 · gmv, roi = gmv / cost,
net_roi = gmv · keep / cost.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import lightgbm as lgb
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Settings, Trees
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features, Fitted
from features.schema import KEY
from features.stages import VOLUME
from features.targets import TARGETS, Head
from training.boosting.heads import HeadRows, can_train, head_level, head_rows, lgb_dataset, parameters
from training.boosting.stack import FUNNEL_ALONE, Stack
from training.boosting.volume import CHOICES, VolumeHead, fit_volume_head
from training.engine import Engine
from training.labels.calibration import Calibration
from training.uncertainty import PredictiveUncertainty

TYPICAL_VOLUME = CHOICES["typical"]
LEAST_TYPICAL = 1e-9
"""Smallest log1p of a typical volume of which a logarithm is taken."""


@dataclass(frozen=True)
class Choice:
    """What cross-validation chose for a head; a refresh trains with it again.

    Attributes:
        trees: Hyperparameters of its trees.
        rounds: Number of trees; 0: none.
        stack: Weights of the stack; unused by the volume head.
        tuned: Whether the hyperparameters are the study's, and not the hand setting.
        deviance: Pooled out-of-fold deviance; None where it was not measured.
        funnel_deviance: The same of the funnel alone (volume: of its offset).
        alternative: The setting that was not taken: the best of the study where the hand setting is used, the hand
            setting where a tuned one is; None where the study found nothing better.
        gain: Fall of the out-of-fold deviance by the tuned setting against the hand setting.
        gain_error: Standard error of that fall over creatives.
    """

    trees: Trees
    rounds: int
    stack: Stack = FUNNEL_ALONE
    tuned: bool = False
    deviance: float | None = None
    funnel_deviance: float | None = None
    alternative: "Choice | None" = None
    gain: float | None = None
    gain_error: float | None = None

    @property
    def hand(self) -> "Choice":
        """The hand setting."""
        return self.alternative if self.tuned and self.alternative else self

    @property
    def found(self) -> "Choice | None":
        """The best setting of the study; None where it found nothing better than the hand setting."""
        return self if self.tuned else self.alternative


@dataclass(frozen=True)
class FittedHead:
    """A head as it predicts.

    Attributes:
        head: The ratio it predicts.
        stack: Weights of its members.
        booster: Trees over all columns of the feature matrix; None without trees.
        level: Added to the log of the funnel beside the trees (`training.boosting.heads.head_level`).
    """

    head: Head
    stack: Stack = FUNNEL_ALONE
    booster: lgb.Booster | None = None
    level: float = 0.0

    def correction(self, features: Features) -> Floats:
        """(rows,) Level plus sum of the trees."""
        if self.booster is None or not len(features.values):
            return np.full(len(features.values), self.level)
        trees = np.asarray(self.booster.predict(features.values.matrix, raw_score=True, num_threads=1))
        return self.level + trees

    def log(self, features: Features) -> Floats:
        """(rows,) log of the predicted ratio, at most 0 for a share."""
        log_funnel, log_bayes = features.log_product(self.head)
        log = self.stack.log(log_bayes, log_funnel, self.correction(features))
        return np.minimum(log, 0.0) if self.head.share else log


@dataclass(frozen=True)
class CreativeModel:
    """Everything that turns feature rows into predictions.

    Attributes:
        fitted: Funnel, priors and encoders.
        volume: Head of later volume.
        heads: Name → head of a ratio, for every head of the funnel.
        uncertainty: Predictive distributions; None where there were too few out-of-fold rows.
        dispersion: Promotion type and account → bound on the index of dispersion of a creative's daily money
            (`training.decision.plan.dispersion`); accounts with too few creatives are absent.
        calibration: What calibrated `uncertainty`, and what is missing; None: it was not counted.
    """

    fitted: Fitted
    volume: VolumeHead
    heads: Mapping[str, FittedHead] = field(default_factory=dict)
    uncertainty: PredictiveUncertainty | None = None
    dispersion: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None

    @property
    def boosters(self) -> dict[str, lgb.Booster]:
        """Head (`volume` too) → its trees, where it has some."""
        found = {name: head.booster for name, head in self.heads.items() if head.booster is not None}
        expected = self.volume.boosters.get("expected")
        return found if expected is None else {**found, VOLUME: expected}

    def log_heads(self, features: Features, *, trees: bool = True, volume: bool = True) -> dict[str, Floats]:
        """Head → (rows,) log of the predicted ratio, then `volume` and `typical_volume`.

        Args:
            features: Of the rows.
            trees: False: the funnel model alone.
            volume: False: leave later volume out.

        Raises:
            ValueError: The features are of another model: LightGBM would take their columns by place.
        """
        if features.values.names != self.fitted.declared.names:
            raise ValueError("The columns of the feature matrix are not those that the model was trained on.")
        found = {}
        for head in self.fitted.funnel.heads:
            fitted = self.heads.get(head.name) if trees else None
            found[head.name] = (fitted or FittedHead(head)).log(features)
        if volume:
            found[VOLUME], typical = self.volume.volumes(features)
            found[TYPICAL_VOLUME] = np.log(np.expm1(np.maximum(typical, LEAST_TYPICAL)))
        return found

    def predict(self, features: Features, *, trees: bool = True) -> pd.DataFrame:
        """Stage rates and targets of each row.

        Args:
            features: Rows of `features.matrix.feature_matrix`.
            trees: False: targets of the funnel model alone.

        Returns:
            In row order: KEY, age_hours, cutoff, then the columns of `predicted_values`.
        """
        values = predicted_values(features, self.log_heads(features, trees=trees), self.fitted.funnel)
        return pd.concat([features.keys.select([*KEY, "age_hours", "cutoff"]).frame(), pd.DataFrame(values)], axis=1)


def predicted_values(features: Features, log_heads: Mapping[str, Floats], funnel: Funnel) -> dict[str, Floats]:
    """Rate of every stage by the funnel model (`value` in CNY per order), then every target, each (rows,).

    Before the targets stands `typical_volume` where its log is given: what ranks later volume, expm1 of E[log1p].
    `gpm` and `net_gpm` in CNY per 1 000 impressions, `roi` and `net_roi` as ratios, `later_…` over the outcome window.
    """
    rates = dict(zip(features.posteriors.stages, np.exp(features.log_rates[0])))
    if TYPICAL_VOLUME in log_heads:
        rates[TYPICAL_VOLUME] = np.exp(log_heads[TYPICAL_VOLUME])
    return rates | targets_of_heads(log_heads, funnel)


def targets_of_heads(log_heads: Mapping[str, Floats], funnel: Funnel) -> dict[str, Floats]:
    """Target → (rows,) value, from logs of the heads and of `volume`, each (rows,)."""
    found = {}
    for name in funnel.targets:
        target = TARGETS[name]
        if target.is_volume:
            found[name] = np.exp(log_heads[VOLUME])
            continue
        log: Floats | float = 0.0
        for head, sign in funnel.compositions[name].head_signs.items():
            log = log + log_heads[head] if sign > 0 else log - log_heads[head]
        found[name] = target.scale * np.exp(log)
    return found


def fit_model(
    features: Features,
    outcome: pd.DataFrame,
    fitted: Fitted,
    chosen: Mapping[str, Choice],
    settings: Settings,
    engine: Engine | None = None,
) -> CreativeModel:
    """Train a model on these rows.

    Args:
        features: Of the rows.
        outcome: Of the same rows (`training.labels.outcomes`), all mature.
        fitted: Priors and encoders of the features.
        chosen: Head or `volume` → how it is trained; a head that is not named is the funnel model alone.
        settings: Of the run.
        engine: Its workers train the heads side by side; None: this process, one after the other.
    """
    funnel, seed = fitted.funnel, settings.tune.seed
    least = settings.evaluate.min_impressions
    rows = {h.name: head_rows(h, features, outcome, funnel, least) for h in funnel.heads if h.name in chosen}
    jobs = {
        name: HeadJob(data, features, chosen[name], seed)
        for name, data in rows.items()
        if chosen[name].rounds > 0 and can_train(data, chosen[name].trees)
    }
    if engine is None or not engine.trains:
        boosters = {name: job.train() for name, job in jobs.items()}
    else:
        texts = engine.run(_train, None, list(jobs.values()))
        boosters = {name: lgb.Booster(model_str=text) for name, text in zip(jobs, texts)}
    heads = {head.name: FittedHead(head) for head in funnel.heads}
    for name, data in rows.items():
        fitted_head = FittedHead(data.head, chosen[name].stack, boosters.get(name))
        level = head_level(data, fitted_head.correction(features)[data.rows])
        heads[name] = replace(fitted_head, level=level)
    volume = {figure: chosen.get(name, Choice(settings.volume_trees, rounds=0)) for figure, name in CHOICES.items()}
    with threadpool_limits(1):
        of_volume = fit_volume_head(
            (features, outcome),
            funnel,
            {figure: choice.trees for figure, choice in volume.items()},
            {figure: choice.rounds for figure, choice in volume.items()},
            seed,
        )
    return CreativeModel(fitted=fitted.newest, volume=of_volume, heads=heads)


@dataclass(frozen=True)
class HeadJob:
    """The training of one head's trees, complete enough to be sent to a worker."""

    data: HeadRows
    features: Features
    choice: Choice
    seed: int

    def train(self) -> lgb.Booster:
        """Train the trees."""
        settings = parameters(self.choice.trees, self.seed)
        return lgb.train(settings, lgb_dataset(self.data, self.features), num_boost_round=self.choice.rounds)


def _train(_: None, job: HeadJob) -> str:
    return job.train().model_to_string()
