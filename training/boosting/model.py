"""A creative's later rates, volume, GPM and ROI: fit, predict, contributions."""

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
from training.boosting.volume_offset import POWER, VolumeStart, fit_volume
from training.engine import Engine
from training.uncertainty import PredictiveUncertainty

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Choice:
    """What a stage's trees are trained with.

    Attributes:
        trees: The setting.
        rounds: How many trees; 0 leaves the stage at its start.
        gain: Mean fall of validation deviance per effective row on the folds, against the start alone; 0 where it was
            not measured.
        tuned: Whether the study's setting took the place of the hand setting.
    """

    trees: Trees
    rounds: int
    gain: float = 0.0
    tuned: bool = False


@dataclass(frozen=True)
class CreativeModel:
    """Everything that turns feature rows into predictions.

    Attributes:
        fitted: Funnel, priors and maps of words.
        volume: Where later volume starts.
        boosters: By stage; a stage whose trees did not help has none and stays at its start.
        columns: By stage: the features its trees use, in order.
        uncertainty: How far off it is; None where too few rows could tell.
    """

    fitted: Fitted
    volume: VolumeStart
    boosters: Mapping[str, lgb.Booster]
    columns: Mapping[str, list[str]]
    uncertainty: PredictiveUncertainty | None = None

    @property
    def stages(self) -> list[str]:
        """Names of the stages, volume last."""
        return [*(stage.name for stage in self.fitted.funnel.stages), VOLUME]

    def log_start(self, features: Features, stage: str) -> Floats:
        """Log rate (log volume) before the trees."""
        return self.volume.log_volume(features) if stage == VOLUME else features.posteriors[stage].log_rate

    @property
    def shares(self) -> set[str]:
        """Stages whose rate is never above 1."""
        return {stage.name for stage in self.fitted.funnel.stages if stage.share}

    def log_rates(self, features: Features, *, trees: bool = True) -> dict[str, Floats]:
        """Log rate of every stage; without the trees, the start alone. Shares are held at 1."""
        rates = {}
        for stage in self.stages:
            rates[stage] = self.log_start(features, stage)
            if trees and stage in self.boosters and len(features.values):
                table = features.values[self.columns[stage]].to_numpy(np.float64)
                rates[stage] = rates[stage] + self.boosters[stage].predict(table, raw_score=True, num_threads=1)
            if stage in self.shares:
                rates[stage] = np.minimum(rates[stage], 0.0)
        return rates

    def predict(self, features: Features, *, trees: bool = True) -> pd.DataFrame:
        """Stage rates and targets of each row.

        Args:
            features: Rows of `features.matrix.feature_matrix`.
            trees: False gives the empirical-Bayes baseline.

        Returns:
            In row order: KEY, age_hours, cutoff, then the columns of `training.boosting.stage_targets.compose`.
        """
        rates = compose(self.log_rates(features, trees=trees), self.fitted.funnel, features.reference_price)
        return pd.concat([features.keys[[*KEY, "age_hours", "cutoff"]].reset_index(drop=True), rates], axis=1)


def fit_model(
    features: Features,
    outcome: pd.DataFrame,
    fitted: Fitted,
    chosen: Mapping[str, Choice],
    seed: int = 0,
    engine: Engine | None = None,
) -> CreativeModel:
    """A model of these training rows.

    Args:
        features: Of the rows.
        outcome: Of the same rows (`training.labels.outcomes`), all mature.
        fitted: What the features stand on.
        chosen: By stage, how its trees are trained; a stage not named stays at its start.
        seed: Of the trees' draws.
        engine: Whose workers train the stages side by side; without one, this process, one after the other.
    """
    begin = fit_volume_start(features, outcome, fitted.funnel)
    columns: dict[str, list[str]] = {}
    lots: list[TreeJob] = []
    for data in stage_data(features, outcome, fitted, begin):
        columns[data.stage] = stage_features(features, data.stage)
        choice = chosen.get(data.stage)
        if choice and choice.rounds > 0 and can_train(data, choice.trees):
            lots.append(tree_job(data, features, columns[data.stage], choice, seed))
    if engine is None or not engine.trains:
        boosters = {lot.stage: lot.train() for lot in lots}
    else:
        texts = engine.run(_train, None, lots)
        boosters = {lot.stage: lgb.Booster(model_str=text) for lot, text in zip(lots, texts)}
    return CreativeModel(fitted=fitted.newest, volume=begin, boosters=boosters, columns=columns)


def fit_volume_start(features: Features, outcome: pd.DataFrame, funnel: Funnel) -> VolumeStart:
    """Where volume starts, from these rows."""
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    with threadpool_limits(1):
        return fit_volume(features, later, outcome["covered_share"].to_numpy(np.float64))


def stage_data(features: Features, outcome: pd.DataFrame, fitted: Fitted, begin: VolumeStart) -> list[StageData]:
    """What every stage learns from these rows, volume last."""
    rates = [rate_data(stage, features, outcome, fitted) for stage in fitted.funnel.stages]
    return [*rates, volume_data(features, outcome, fitted.funnel, begin)]


def can_train(data: StageData, trees: Trees) -> bool:
    """Whether trees can be trained on it: enough rows, and not all of them 0, which LightGBM refuses."""
    return len(data.rows) >= 2 * trees.min_data_in_leaf and bool(data.label.any())


@dataclass(frozen=True)
class TreeJob:
    """Trees to be trained, with all that this takes: what a worker elsewhere is sent.

    Attributes:
        stage: Which the trees are of.
        table: Rows × features.
        data: What is learned from these rows, and no others.
        codes: Places of the features that are codes.
        settings: LightGBM's parameters.
        rounds: How many trees.
    """

    stage: str
    table: Floats
    data: StageData
    codes: list[int]
    settings: Mapping[str, object]
    rounds: int

    def train(self) -> lgb.Booster:
        """Train them."""
        return lgb.train(dict(self.settings), _set(self.table, self.data, self.codes), num_boost_round=self.rounds)


def tree_job(data: StageData, features: Features, columns: list[str], choice: Choice, seed: int = 0) -> TreeJob:
    """The trees of a data, to be trained."""
    table = features.values[columns].to_numpy(np.float64)[data.rows]
    settings = parameters(choice.trees, data.stage, seed)
    return TreeJob(data.stage, table, data, _codes(features, columns), settings, choice.rounds)


def _train(_: None, lot: TreeJob) -> str:
    return lot.train().model_to_string()


def lgb_dataset(
    data: StageData, features: Features, columns: list[str], reference: lgb.Dataset | None = None
) -> lgb.Dataset:
    """A data as LightGBM takes it; a validation set names its training set as reference."""
    table = features.values[columns].to_numpy(np.float64)[data.rows]
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
        objective = {"objective": "tweedie", "metric": "tweedie", "tweedie_variance_power": POWER}
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
