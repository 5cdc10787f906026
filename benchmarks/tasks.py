"""Prepare what all methods of a comparison share: training rows, holdout rows and feature tables."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats, Mask
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import estimate_variances
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY, Loaded
from features.targets import TARGETS
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, prepare, rows_of
from training.labels.outcomes import actual_targets
from training.labels.splits import folds, holdout_split

VOLUME_POWER = 1.5
"""Variance power of the loss of later volume, which is more over-dispersed than a count: Tweedie."""


@dataclass(frozen=True)
class Task:
    """One comparison.

    Attributes:
        training: Dataset of the training rows; creatives held out altogether are not in it.
        train: Mask over its rows: those that train.
        until: First cutoff of the holdout.
        evaluation: Dataset of the holdout rows; the same object unless creatives are held out altogether.
        holdout: Mask over its rows: those that are evaluated.
    """

    training: Dataset
    train: Mask
    until: pd.Timestamp
    evaluation: Dataset
    holdout: Mask

    @property
    def funnel(self) -> Funnel:
        """The funnel of the training data."""
        return self.training.funnel

    @property
    def observed(self) -> pd.DataFrame:
        """Counts at the cutoff of the holdout rows."""
        return self.evaluation.observed[self.holdout].reset_index(drop=True)

    @property
    def outcome(self) -> pd.DataFrame:
        """Outcomes of the holdout rows."""
        return self.evaluation.outcome[self.holdout].reset_index(drop=True)

    @property
    def cold(self) -> npt.NDArray[np.bool_]:
        """Per holdout row: whether its creative is in no training row."""
        known = set(self.training.observed.loc[self.train, "creative_id"])
        return ~self.observed["creative_id"].isin(known).to_numpy(np.bool_)


@dataclass(frozen=True)
class TargetTable:
    """Some rows as a peer reads them, for one target.

    A peer learns the ratio of outcome to `baseline`. For a loss with a log link this equals an offset of log baseline
    (XGBoost: `base_margin`), and it works for libraries that have no offset.

    Attributes:
        values: Features, float64; categories are integer codes, NaN where missing.
        codes: Names of the categorical columns.
        groups: Text columns of shared entities for random effects; the last is the creative itself.
        baseline: Prediction of the funnel model alone, one per row: the offset.
        ratio: Outcome over baseline, one per row; NaN on holdout rows.
        weight: Effective sample size, one per row, mean 1; NaN on holdout rows.
    """

    values: pd.DataFrame
    codes: tuple[str, ...]
    groups: pd.DataFrame
    baseline: Floats
    ratio: Floats
    weight: Floats

    def __len__(self) -> int:
        return len(self.values)

    def without_offset(self, level: float, power: float) -> "TargetTable":
        """The same rows and the same loss with one baseline for all rows.

        Args:
            level: That baseline.
            power: Variance power of the loss: 1 Poisson, up to 2 Tweedie.
        """
        weight = self.weight * (level / self.baseline) ** (2 - power)
        return replace(
            self,
            baseline=np.full(len(self), level),
            ratio=self.ratio * self.baseline / level,
            weight=weight / weight.mean(),
        )


@dataclass(frozen=True)
class TargetData:
    """One target's rows: a setting is chosen on the last fold, then trained on all rows.

    Attributes:
        target: Name.
        fit: Training rows of the last fold.
        validation: Validation rows of the last fold, for early stopping and for choosing a setting.
        full: All training rows.
        holdout: Rows to predict, without outcome.
        on_log1p: Whether `ratio` is a difference of log1p, for a squared error; else a quotient, for a log link.
    """

    target: str
    fit: TargetTable
    validation: TargetTable
    full: TargetTable
    holdout: TargetTable
    on_log1p: bool = False

    def without_offset(self) -> "TargetData":
        """The same data with the weighted mean of the training rows as every row's baseline."""
        level = float(np.average(self.full.ratio * self.full.baseline, weights=self.full.weight / self.full.baseline))
        power = VOLUME_POWER if self.is_volume else 1.0
        fit, validation, full = (table.without_offset(level, power) for table in (self.fit, self.validation, self.full))
        holdout = replace(self.holdout, baseline=np.full(len(self.holdout), level))
        return TargetData(self.target, fit, validation, full, holdout)

    def as_log1p(self, offset: bool) -> "TargetData":
        """The same rows for a squared error: `ratio` is log1p of the outcome less `baseline`, with a mean of 0.

        Args:
            offset: Whether `baseline` is log1p of this one and a constant; else it is a constant alone.
        """

        def table(rows: TargetTable, mean: float) -> TargetTable:
            baseline = mean + (np.log1p(rows.baseline) if offset else np.zeros(len(rows)))
            return replace(rows, baseline=baseline, ratio=np.log1p(rows.ratio * rows.baseline) - baseline)

        mean = float(np.average(table(self.full, 0.0).ratio, weights=self.full.weight))
        fit, validation, full, holdout = (
            table(rows, mean) for rows in (self.fit, self.validation, self.full, self.holdout)
        )
        return TargetData(self.target, fit, validation, full, holdout, on_log1p=True)

    @property
    def is_volume(self) -> bool:
        """Whether the target is later volume: more over-dispersed than a count, so its loss is Tweedie."""
        return TARGETS[self.target].is_volume

    @property
    def loss(self) -> Literal["poisson", "tweedie", "squared"]:
        """The loss that fits `ratio`."""
        return "squared" if self.on_log1p else "tweedie" if self.is_volume else "poisson"


def make_task(loaded: Loaded, settings: Settings, cold_share: float = 0.0, seed: int = 7) -> Task:
    """Split the data into training and holdout rows.

    Args:
        loaded: Metrics and creatives of the store.
        settings: Ages, outcome window and holdout of the run.
        cold_share: Share of the creatives that are held out altogether: they are in no training row and in no other
            creative's history, and only they are evaluated. 0: a split by time alone.
        seed: Of the random choice of these creatives.
    """
    evaluation = prepare(loaded, settings)
    train, holdout, until = holdout_split(evaluation.rows, settings.split.holdout_days)
    if not cold_share:
        training, train = _with_funnel_model(evaluation, train, until)
        return Task(training, train, until, evaluation, holdout)
    ids = np.sort(loaded.creatives["creative_id"].unique())
    cold_ids = np.random.default_rng(seed).permutation(ids)[: round(cold_share * len(ids))]
    holdout = holdout & evaluation.observed["creative_id"].isin(cold_ids).to_numpy()
    metrics, creatives = (
        frame[~frame["creative_id"].isin(cold_ids)].reset_index(drop=True)
        for frame in (loaded.metrics, loaded.creatives)
    )
    training = prepare(replace(loaded, metrics=metrics, creatives=creatives), settings)
    rows = training.rows
    mature = holdout_split(rows, settings.split.holdout_days)[0]
    training, train = _with_funnel_model(training, mature & (rows["closed_at"] <= until).to_numpy(), until)
    return Task(training, train, until, evaluation, holdout)


def _with_funnel_model(dataset: Dataset, train: Mask, until: pd.Timestamp) -> tuple[Dataset, Mask]:
    """Add the funnel model's refits, and leave out training rows before the first: all methods use the same rows."""
    ((kept, _),), moments_of_refits = plan_refits(dataset, [(train, until)])
    return with_refits(dataset, moments_of_refits), kept


def target_data(task: Task) -> list[TargetData]:
    """Build every target's tables for the peers."""
    dataset = task.training
    full = fit_on(dataset, task.train, task.until, Recipe())
    fit_rows, validation_rows, since = list(folds(dataset.rows, task.train, dataset.settings.split.folds))[-1]
    inner = fit_on(dataset, fit_rows, since, Recipe())
    parts = {
        "full": (full, *rows_of(dataset, task.train, full.fitted), dataset.observed[task.train]),
        "fit": (inner, *rows_of(dataset, fit_rows, inner.fitted), dataset.observed[fit_rows]),
        "validation": (inner, *rows_of(dataset, validation_rows, inner.fitted), dataset.observed[validation_rows]),
    }
    holdout = build_features(ArrayFrame.of(task.observed), full.fitted)
    found = []
    for target in dataset.funnel.targets:
        of_fit, of_full = (_dispersion(target, *parts[name][:3]) for name in ("fit", "full"))
        found.append(
            TargetData(
                target,
                fit=_training_table(target, *parts["fit"], of_fit),
                validation=_training_table(target, *parts["validation"], of_fit),
                full=_training_table(target, *parts["full"], of_full),
                holdout=_table(full, holdout, task.observed, _baseline(target, full, holdout)),
            )
        )
    return found


def _baseline(target: str, model: CreativeModel, features: Features) -> Floats:
    return model.predict(features, trees=False)[target].to_numpy(np.float64)


def expected_numerator(target: str, outcome: pd.DataFrame, baseline: Floats) -> Floats:
    """Expected numerator at the baseline: CNY over the later exposure, or volume over the covered part of a window."""
    about = TARGETS[target]
    if about.is_volume:
        return baseline * outcome["covered_share"].to_numpy(np.float64)
    return baseline * outcome[f"later:{about.exposure}"].to_numpy(np.float64) / about.scale


def _ratio_and_expected(
    target: str, model: CreativeModel, features: Features, outcome: pd.DataFrame
) -> tuple[Floats, Floats, Floats]:
    """Baseline, outcome over baseline, and expected numerator, one per row."""
    baseline = _baseline(target, model, features)
    ratio = actual_targets(outcome, model.fitted.funnel)[target].to_numpy(np.float64) / baseline
    return baseline, ratio, expected_numerator(target, outcome, baseline)


def _dispersion(target: str, model: CreativeModel, features: Features, outcome: pd.DataFrame) -> tuple[float, float]:
    """Estimate φ and s² of the ratio of outcome to baseline by moments, as empirical Bayes does for stages."""
    _, ratio, expected = _ratio_and_expected(target, model, features, outcome)
    return estimate_variances(ratio, np.nan_to_num(np.where(np.isfinite(ratio), expected, 0.0)))


def _training_table(
    target: str,
    model: CreativeModel,
    features: Features,
    outcome: pd.DataFrame,
    observed: pd.DataFrame,
    dispersion: tuple[float, float],
) -> TargetTable:
    """Rows with a known outcome, weighted by 1/(φ/u + s²); volume by exposure · baseline^(2 − power)."""
    baseline, ratio, expected = _ratio_and_expected(target, model, features, outcome)
    known = np.isfinite(ratio) & (expected > 0)
    baseline, ratio, expected = baseline[known], ratio[known], expected[known]
    phi, variance = dispersion
    weight = 1.0 / (phi / expected + variance)
    if TARGETS[target].is_volume:
        weight = expected / baseline * baseline ** (2 - VOLUME_POWER)
    table = _table(model, features, observed.reset_index(drop=True), np.ones(len(known)))
    return TargetTable(
        values=table.values[known].reset_index(drop=True),
        codes=table.codes,
        groups=table.groups[known].reset_index(drop=True),
        baseline=baseline,
        ratio=ratio,
        weight=weight / weight.mean(),
    )


def _table(model: CreativeModel, features: Features, observed: pd.DataFrame, baseline: Floats) -> TargetTable:
    """Rows without outcome."""
    unknown = np.full(len(baseline), np.nan)
    shared = [entity for entity in model.fitted.entities if len(entity.columns) == 2]
    groups = {
        entity.name: observed[entity.columns[1]].astype("str").fillna("") if entity.columns[1] in observed else ""
        for entity in shared
    }
    creative = observed[KEY[0]].str.cat(observed[KEY[1:]], sep="/")
    return TargetTable(
        values=features.values.frame(),
        codes=tuple(feature.name for feature in features.catalogue if feature.categorical),
        groups=pd.DataFrame({**groups, "creative": creative}, index=observed.index),
        baseline=baseline,
        ratio=unknown,
        weight=unknown,
    )
