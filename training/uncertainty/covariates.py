"""Covariates of the prediction error: size and age of a prediction, evidence behind it, posterior variance."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.interface import Floats, Predicted

Logs: TypeAlias = Mapping[str, Floats]
"""Logarithms of predicted rates and targets, by name (`logs_of`)."""

AGE_EDGES_HOURS = np.array((0.0, 12.0, 24.0, 72.0))
"""Upper edges of the age steps; the last step has none."""
VOLUME_FEATURES = ("log_impressions", "log_last_day", "last_day_share", "late_half_share", "live_siblings")
"""Features on which the spread of later volume depends."""
TYPE_PREFIX = "is_"
TREE_PREFIX = "tree_"
GUARD = 1e-12
"""Smallest rate and volume of which a logarithm is taken."""


@dataclass(frozen=True)
class Covariates:
    """Named columns, each (rows,); the covariates that only trees use lie in one matrix.

    Attributes:
        columns: By name, each (rows,): `creative`, `promotion_type`, `step` (place among AGE_EDGES_HOURS),
            `early_volume` (so far), `log_volume` (log of predicted later volume), and columns whose names start with
            `is_` (promotion type), `age_` (age step) and `about_` (VOLUME_FEATURES).
        tree_names: Of the columns of `trees`; they start with `tree_`.
        trees: (rows, tree columns) What trees may split on.
    """

    columns: Mapping[str, npt.NDArray[Any]]
    tree_names: tuple[str, ...]
    trees: Floats

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self.columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.trees)

    def of_trees(self, names: tuple[str, ...]) -> Floats:
        """(rows, names) These columns of `trees`; NaN where one is absent."""
        places = _places(names, self.tree_names)
        values = self.trees[:, places]
        values[:, places < 0] = np.nan
        return values

    def part(self, rows: slice) -> "Covariates":
        """The same of some rows."""
        return Covariates({name: v[rows] for name, v in self.columns.items()}, self.tree_names, self.trees[rows])

    def frame(self) -> pd.DataFrame:
        """All columns as a frame."""
        trees = pd.DataFrame(self.trees, columns=list(self.tree_names))
        return pd.concat([pd.DataFrame(dict(self.columns)), trees], axis=1)


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...], among: tuple[str, ...]) -> npt.NDArray[np.int64]:
    known = {name: place for place, name in enumerate(among)}
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)


def covariates_of(logs: Logs, features: Features, funnel: Funnel, promotion_types: Sequence[str]) -> Covariates:
    """The covariates that the spread of later volume and of every rate depends on.

    Args:
        logs: Of the predictions of the same rows.
        features: The rows.
        funnel: Their funnel.
        promotion_types: Of the calibration rows; rows of another type get NaN.
    """
    hours = features.keys.floats("elapsed_hours")
    own_type = features.keys.categories("promotion_type").texts()
    step = AGE_EDGES_HOURS.searchsorted(hours)
    values = features.values
    columns: dict[str, npt.NDArray[Any]] = {
        "creative": features.keys.categories("creative_id").texts(),
        "promotion_type": own_type,
        "step": step,
        "early_volume": early_volume(features),
        "log_volume": logs[funnel.volume_target],
    }
    for place in range(len(AGE_EDGES_HOURS) + 1):
        columns[f"age_{place}"] = (step == place).astype(np.float64)
    unknown = np.array([name not in promotion_types for name in own_type.tolist()], dtype=np.bool_)
    for name in promotion_types:
        columns[TYPE_PREFIX + name] = np.where(unknown, np.nan, (own_type == name).astype(np.float64))
    for name in VOLUME_FEATURES:
        if name in values:
            columns[f"about_{name}"] = values[name]
    steady = features.catalogue.steady
    trees = np.empty((len(hours), len(steady) + len(logs)))
    trees[:, : len(steady)] = values.matrix.take(steady, axis=1)
    for place, log in enumerate(logs.values(), start=len(steady)):
        trees[:, place] = log
    return Covariates(columns, _tree_names(features.catalogue.names, steady, tuple(logs)), trees)


@lru_cache(maxsize=64)
def _tree_names(names: tuple[str, ...], steady: tuple[int, ...], predicted: tuple[str, ...]) -> tuple[str, ...]:
    own = (TREE_PREFIX + names[place] for place in steady)
    return (*own, *(f"{TREE_PREFIX}predicted_{name}" for name in predicted))


def covariate_frame(
    predicted: Predicted, features: Features, funnel: Funnel, promotion_types: Sequence[str]
) -> pd.DataFrame:
    """`covariates_of` as a frame, one column per covariate."""
    return covariates_of(logs_of(predicted, features), features, funnel, promotion_types).frame()


def early_volume(features: Features) -> Floats:
    """(rows,) Impressions (spend where there are none) so far; 0 where they are not known."""
    if "log_impressions" not in features.values:
        return np.zeros(len(features.values))
    early = np.expm1(features.values["log_impressions"])
    return np.where(np.isnan(early), 0.0, early)


@dataclass(frozen=True)
class RateCovariates:
    """Further covariates of the spread of one rate; each (rows,).

    Attributes:
        log_predicted: Log of its prediction.
        log_events: Log of the events expected per unit of later volume.
        log_variance: Log of the posterior variance of its log, summed over its stages.
        own_events: log1p of the events counted so far at its rarest stage.
    """

    log_predicted: Floats
    log_events: Floats
    log_variance: Floats
    own_events: Floats

    def part(self, rows: slice) -> "RateCovariates":
        """The same of some rows."""
        return RateCovariates(*(values[rows] for values in vars(self).values()))


def rate_covariates(logs: Logs, features: Features, funnel: Funnel, target: str) -> RateCovariates:
    """The further covariates of one rate."""
    posteriors, count = features.posteriors, len(features.reference_price)
    variance = sum((posteriors[name].variance for name in stages_of(funnel, target)), np.zeros(count))
    own_events = posteriors[rarest_stage(funnel, target)].own_events
    return RateCovariates(
        log_predicted=logs[target],
        log_events=log_events(logs, funnel, target),
        log_variance=np.log(np.maximum(variance, 1e-9)),
        own_events=np.log1p(np.where(np.isnan(own_events), 0.0, own_events)),
    )


def with_rate_covariates(
    frame: pd.DataFrame, predicted: pd.DataFrame, features: Features, funnel: Funnel, target: str
) -> pd.DataFrame:
    """A frame of covariates with the columns of `RateCovariates` for one rate."""
    return frame.assign(**vars(rate_covariates(logs_of(predicted, features), features, funnel, target)))


def shared_names(promotion_types: Sequence[str]) -> list[str]:
    """Columns on which the spread of every rate depends: age steps and promotion types."""
    ages = (f"age_{place}" for place in range(len(AGE_EDGES_HOURS) + 1))
    return [*ages, *(TYPE_PREFIX + name for name in promotion_types)]


def shared_columns(covariates: pd.DataFrame | Covariates) -> list[str]:
    """The same, of covariates at hand, in their order."""
    return [name for name in map(str, covariates) if name.startswith((TYPE_PREFIX, "age_"))]


def tree_columns(covariates: pd.DataFrame) -> pd.DataFrame:
    """What trees may split on: features whose meaning does not depend on the fit, and log predictions."""
    return covariates[[name for name in map(str, covariates) if name.startswith(TREE_PREFIX)]]


def column(covariates: pd.DataFrame | Covariates, name: str) -> Floats:
    """(rows,) A column as float64."""
    return np.asarray(covariates[name], dtype=np.float64)


def stages_of(funnel: Funnel, target: str) -> list[str]:
    """Names of the stages that a rate is composed of."""
    parts = TARGETS[target].composition(funnel)
    return [*parts.gross, *filter(None, (parts.cost, parts.keep))]


def rarest_stage(funnel: Funnel, target: str) -> str:
    """The stage with the fewest events, which decides the precision of the rate: orders where they are counted."""
    names = stages_of(funnel, target)
    return "order" if "order" in names else names[-1] if not funnel.to_gmv else funnel.to_gmv[-1]


def log_events(logs: Logs, funnel: Funnel, target: str) -> Floats:
    """(rows,) Log of events expected per unit of later volume: orders (kept ones for a net target), else CNY earned."""
    names = stages_of(funnel, target)
    if "order" in names:
        counted = [name for name in names if name in ("click", "order", "keep")]
    else:
        counted = [name for name in names if name != "cost"]
    zeros = np.zeros(len(logs[funnel.volume_target]))
    return sum((logs[name] for name in counted), zeros)


def logs_of(predicted: Predicted, features: Features) -> dict[str, Floats]:
    """Logarithms of predicted rates and targets by name, at least log GUARD; without the rows' keys."""
    names = [name for name in map(str, predicted) if name not in features.keys]
    return dict(zip(names, log_of(np.array([predicted[name] for name in names], dtype=np.float64))))


def log_of(values: pd.Series | Floats) -> Floats:
    """Elementwise natural logarithm, at least log GUARD."""
    return np.log(np.maximum(np.asarray(values, dtype=np.float64), GUARD))
