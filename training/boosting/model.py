"""The model of later rates, volume, GPM and ROI: fit and predict.

Each stage is a log rate: the posterior of the funnel model (or of empirical Bayes) as offset, plus LightGBM trees.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from threadpoolctl import threadpool_limits

from configs.settings import Trees
from features.funnel import VOLUME, Funnel
from features.matrix.feature_matrix import Features, Fitted
from features.schema import KEY
from training.boosting.stage_targets import StageData, compose, rate_data, stage_features, volume_data
from training.boosting.volume_offset import TWEEDIE_POWER, VolumeOffset, fit_volume
from training.engine import Engine
from training.uncertainty import PredictiveUncertainty

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """How a stage's trees are trained.

    Attributes:
        trees: Their hyperparameters.
        rounds: Number of trees; 0: the stage is its offset alone.
        gain: Mean fall of validation deviance per effective row on the folds, against the offset alone; 0 where it was
            not measured.
        tuned: Whether the hyperparameters are the study's, and not the hand setting.
    """

    trees: Trees
    rounds: int
    gain: float = 0.0
    tuned: bool = False


@dataclass(frozen=True)
class CreativeModel:
    """Everything that turns feature rows into predictions.

    Attributes:
        fitted: Funnel, priors and encoders.
        volume: Offset of later volume.
        boosters: Stage → trees; a stage whose trees did not help has none and is its offset alone.
        columns: Stage → features its trees use, in order.
        uncertainty: Predictive distributions; None where there were too few out-of-fold rows.
    """

    fitted: Fitted
    volume: VolumeOffset
    boosters: Mapping[str, lgb.Booster]
    columns: Mapping[str, list[str]]
    uncertainty: PredictiveUncertainty | None = None

    @property
    def stages(self) -> list[str]:
        """Names of the stages, with volume as the last."""
        return [*(stage.name for stage in self.fitted.funnel.stages), VOLUME]

    def log_offset(self, features: Features, stage: str) -> Floats:
        """(rows,) Log rate (log volume) without the trees."""
        return self.volume.log_volume(features) if stage == VOLUME else features.posteriors[stage].log_rate

    @property
    def shares(self) -> set[str]:
        """Stages whose rate is at most 1."""
        return {stage.name for stage in self.fitted.funnel.stages if stage.share}

    def log_rates(self, features: Features, *, trees: bool = True) -> dict[str, Floats]:
        """Stage → (rows,) log rate; `trees=False` leaves the trees out. Shares are clipped at 1."""
        rates = {}
        for stage in self.stages:
            rates[stage] = self.log_offset(features, stage)
            if trees and stage in self.boosters and len(features.values):
                table = features.values.select(self.columns[stage])
                rates[stage] = rates[stage] + self.boosters[stage].predict(table, raw_score=True, num_threads=1)
            if stage in self.shares:
                rates[stage] = np.minimum(rates[stage], 0.0)
        return rates

    def predict(self, features: Features, *, trees: bool = True) -> pd.DataFrame:
        """Stage rates and targets of each row.

        Args:
            features: Rows of `features.matrix.feature_matrix`.
            trees: False: the offsets alone.

        Returns:
            In row order: KEY, age_hours, cutoff, then the columns of `training.boosting.stage_targets.compose`.
        """
        rates = compose(self.log_rates(features, trees=trees), self.fitted.funnel, features.reference_price)
        return pd.concat([features.keys.select([*KEY, "age_hours", "cutoff"]).frame(), rates], axis=1)


def fit_model(
    features: Features,
    outcome: pd.DataFrame,
    fitted: Fitted,
    chosen: Mapping[str, Choice],
    seed: int = 0,
    engine: Engine | None = None,
) -> CreativeModel:
    """Train a model on these rows.

    Args:
        features: Of the rows.
        outcome: Of the same rows (`training.labels.outcomes`), all mature.
        fitted: Priors and encoders of the features.
        chosen: Stage → how its trees are trained; a stage that is not named gets none.
        seed: Of LightGBM.
        engine: Its workers train the stages side by side; None: this process, one after the other.
    """
    volume = fit_volume_offset(features, outcome, fitted.funnel)
    columns: dict[str, list[str]] = {}
    jobs: list[TreeJob] = []
    for data in stage_data(features, outcome, fitted, volume):
        columns[data.stage] = stage_features(features, data.stage)
        choice = chosen.get(data.stage)
        if choice and choice.rounds > 0 and can_train(data, choice.trees):
            jobs.append(tree_job(data, features, columns[data.stage], choice, seed))
    if engine is None or not engine.trains:
        boosters = {job.stage: job.train() for job in jobs}
    else:
        texts = engine.run(_train, None, jobs)
        boosters = {job.stage: lgb.Booster(model_str=text) for job, text in zip(jobs, texts)}
    return CreativeModel(fitted=fitted.newest, volume=volume, boosters=boosters, columns=columns)


def fit_volume_offset(features: Features, outcome: pd.DataFrame, funnel: Funnel) -> VolumeOffset:
    """Fit the offset of later volume on these rows."""
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    with threadpool_limits(1):
        return fit_volume(features, later, outcome["covered_share"].to_numpy(np.float64))


def stage_data(features: Features, outcome: pd.DataFrame, fitted: Fitted, volume: VolumeOffset) -> list[StageData]:
    """Training data of every stage from these rows, with volume as the last."""
    rates = [rate_data(stage, features, outcome, fitted) for stage in fitted.funnel.stages]
    return [*rates, volume_data(features, outcome, fitted.funnel, volume)]


def can_train(data: StageData, trees: Trees) -> bool:
    """Whether trees can be trained: enough rows, and not all labels 0, which LightGBM refuses."""
    return len(data.rows) >= 2 * trees.min_data_in_leaf and bool(data.label.any())


@dataclass(frozen=True)
class TreeJob:
    """One stage's training of trees, complete enough to be sent to a worker.

    Attributes:
        stage: The stage.
        table: (rows, features) The training rows of `data`.
        data: Their labels, weights and offsets.
        codes: Places of the categorical features.
        settings: LightGBM's parameters.
        rounds: Number of trees.
    """

    stage: str
    table: Floats
    data: StageData
    codes: list[int]
    settings: Mapping[str, object]
    rounds: int

    def train(self) -> lgb.Booster:
        """Train the trees."""
        return lgb.train(dict(self.settings), _set(self.table, self.data, self.codes), num_boost_round=self.rounds)


def tree_job(data: StageData, features: Features, columns: list[str], choice: Choice, seed: int = 0) -> TreeJob:
    """The training of one stage's trees."""
    table = features.values.select(columns)[data.rows]
    settings = parameters(choice.trees, data.stage, seed)
    return TreeJob(data.stage, table, data, _codes(features, columns), settings, choice.rounds)


def _train(_: None, job: TreeJob) -> str:
    return job.train().model_to_string()


def lgb_dataset(
    data: StageData, features: Features, columns: list[str], reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """One stage's data as a LightGBM dataset; a validation set takes its training set as reference."""
    table = features.values.select(columns)[data.rows]
    return _set(table, data, _codes(features, columns), reference)


def _codes(features: Features, columns: list[str]) -> list[int]:
    codes = {feature.name for feature in features.catalogue if feature.categorical}
    return [place for place, name in enumerate(columns) if name in codes]


def _set(table: Floats, data: StageData, codes: list[int], reference: lgb.Dataset | None = None) -> lgb.Dataset:
    return lgb.Dataset(
        table,
        label=data.label,
        weight=data.weight,
        init_score=data.offset,
        feature_name=[f"f{place}" for place in range(table.shape[1])],
        categorical_feature=codes,
        reference=reference,
        params={"feature_pre_filter": False, "max_bin": 63, "verbosity": -1, "num_threads": 1},
        free_raw_data=True,
    )


def parameters(trees: Trees, stage: str, seed: int = 0) -> dict[str, object]:
    """LightGBM's parameters for a stage: a quasi-Poisson rate, or a Tweedie volume."""
    objective: dict[str, object] = {"objective": "poisson", "metric": "poisson"}
    if stage == VOLUME:
        objective = {"objective": "tweedie", "metric": "tweedie", "tweedie_variance_power": TWEEDIE_POWER}
    return {
        **objective,
        **trees.model_dump(exclude={"rounds"}),
        "max_bin": 63,
        "feature_pre_filter": False,
        "boost_from_average": False,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": 1,
        "seed": seed,
        "verbosity": -1,
    }
