"""What is known of a prediction that tells how far off it may be: its size, its age, its evidence, how unsure it is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features

Floats = npt.NDArray[np.float64]
Predicted: TypeAlias = pd.DataFrame | Mapping[str, Floats]
"""Stage rates and targets by name, as `CreativeModel.predict` or as `training.boosting.stage_targets.composed` gives
them."""
Logs: TypeAlias = Mapping[str, Floats]
"""Logarithms of the same (`logs_of`)."""

AGE_STEPS_HOURS = (0.0, 12.0, 24.0, 72.0)
"""Ages up to each of these are alike, and those beyond the last."""
STEPS = np.array(AGE_STEPS_HOURS)
ABOUT = ("log_impressions", "log_last_day", "last_day_share", "late_half_share", "live_siblings")
"""Features that tell how sure later volume is."""
KIND = "is_"
TREE = "tree_"
GUARD = 1e-12
"""Least rate and volume that a logarithm is taken of."""


@dataclass(frozen=True)
class Situation:
    """Arrays by name, one value a row; what only trees look at stands in one array.

    Attributes:
        columns: In row order: `creative`, `kind` (promotion type), `step` (place in AGE_STEPS_HOURS), `early` (volume
            so far), `log_volume` (log of the predicted later volume), and columns that start with `is_`, `age_` and
            `about_`.
        tree_names: Of the columns of `trees`; they start with `tree_`.
        trees: What trees may depend on, rows first.
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
        """These columns of `trees`; one that is absent is missing."""
        places = _places(names, self.tree_names)
        values = self.trees[:, places]
        values[:, places < 0] = np.nan
        return values

    def part(self, rows: slice) -> "Situation":
        """The same of some rows."""
        return Situation({name: v[rows] for name, v in self.columns.items()}, self.tree_names, self.trees[rows])

    def frame(self) -> pd.DataFrame:
        """All columns as a frame."""
        trees = pd.DataFrame(self.trees, columns=list(self.tree_names))
        return pd.concat([pd.DataFrame(dict(self.columns)), trees], axis=1)


@lru_cache(maxsize=64)
def _places(names: tuple[str, ...], among: tuple[str, ...]) -> npt.NDArray[np.int64]:
    known = {name: place for place, name in enumerate(among)}
    return np.array([known.get(name, -1) for name in names], dtype=np.int64)


def situation(predicted: Predicted, features: Features, funnel: Funnel, kinds: Sequence[str]) -> pd.DataFrame:
    """Of each row: what the spread of later volume, and of all rates, depends on, as a frame (`Situation`)."""
    return look(logs_of(predicted, features), features, funnel, kinds).frame()


def look(logs: Logs, features: Features, funnel: Funnel, kinds: Sequence[str]) -> Situation:
    """Of each row: what the spread of later volume, and of all rates, depends on.

    Args:
        logs: Of what was predicted of the same rows.
        features: The rows.
        funnel: Their funnel.
        kinds: Promotion types of the rows that taught; of others nothing is said.
    """
    hours = features.keys["elapsed_hours"].to_numpy(np.float64)
    kind = features.keys["promotion_type"].to_numpy(object)
    step = STEPS.searchsorted(hours)
    values = features.values
    columns: dict[str, npt.NDArray[Any]] = {
        "creative": features.keys["creative_id"].to_numpy(object),
        "kind": kind,
        "step": step,
        "early": early_volume(features),
        "log_volume": logs[funnel.volume_target],
    }
    for place in range(len(AGE_STEPS_HOURS) + 1):
        columns[f"age_{place}"] = (step == place).astype(np.float64)
    strange = np.array([name not in kinds for name in kind.tolist()], dtype=np.bool_)
    for name in kinds:
        columns[KIND + name] = np.where(strange, np.nan, (kind == name).astype(np.float64))
    for name in ABOUT:
        if name in values:
            columns[f"about_{name}"] = values[name].to_numpy(np.float64)
    steady = features.catalogue.steady
    trees = np.empty((len(hours), len(steady) + len(logs)))
    trees[:, : len(steady)] = values.to_numpy(np.float64).take(steady, axis=1)
    for place, log in enumerate(logs.values(), start=len(steady)):
        trees[:, place] = log
    return Situation(columns, _tree_names(features.catalogue.names, steady, tuple(logs)), trees)


@lru_cache(maxsize=64)
def _tree_names(names: tuple[str, ...], steady: tuple[int, ...], predicted: tuple[str, ...]) -> tuple[str, ...]:
    return (*(TREE + names[place] for place in steady), *(f"{TREE}predicted_{name}" for name in predicted))


def early_volume(features: Features) -> Floats:
    """Impressions (spend, where there are none) so far; 0 where they are not known."""
    if "log_impressions" not in features.values:
        return np.zeros(len(features.values))
    early = np.expm1(features.values["log_impressions"].to_numpy(np.float64))
    return np.where(np.isnan(early), 0.0, early)


@dataclass(frozen=True)
class Concern:
    """What concerns one rate, of each row.

    Attributes:
        log_predicted: Log of its prediction.
        log_events: Log of the events expected per unit of later volume.
        unsure: Log of the variance of its log left by what is known, summed over its stages.
        own_events: log1p of the events counted so far at its rarest stage.
    """

    log_predicted: Floats
    log_events: Floats
    unsure: Floats
    own_events: Floats

    def part(self, rows: slice) -> "Concern":
        """The same of some rows."""
        return Concern(*(values[rows] for values in vars(self).values()))


def concern(logs: Logs, features: Features, funnel: Funnel, target: str) -> Concern:
    """What concerns one rate."""
    posteriors, count = features.posteriors, len(features.reference_price)
    unsure = sum((posteriors[name].variance for name in stages_of(funnel, target)), np.zeros(count))
    own_events = posteriors[rarest_stage(funnel, target)].own_events
    return Concern(
        log_predicted=logs[target],
        log_events=log_events(logs, funnel, target),
        unsure=np.log(np.maximum(unsure, 1e-9)),
        own_events=np.log1p(np.where(np.isnan(own_events), 0.0, own_events)),
    )


def shared_of(kinds: Sequence[str]) -> list[str]:
    """Columns that the spread of every rate depends on: ages and promotion types, as a situation has them."""
    return [*(f"age_{place}" for place in range(len(AGE_STEPS_HOURS) + 1)), *(KIND + name for name in kinds)]


def of_target(
    frame: pd.DataFrame, predicted: pd.DataFrame, features: Features, funnel: Funnel, target: str
) -> pd.DataFrame:
    """A situation with what concerns one rate (`Concern`), as a frame."""
    return frame.assign(**vars(concern(logs_of(predicted, features), features, funnel, target)))


def stages_of(funnel: Funnel, target: str) -> list[str]:
    """Names of the stages that a rate is made of."""
    parts = TARGETS[target].composition(funnel)
    return [*parts.gross, *filter(None, (parts.cost, parts.keep))]


def rarest_stage(funnel: Funnel, target: str) -> str:
    """The stage whose events are the fewest, and so decide how sure the rate is: orders where they are counted."""
    names = stages_of(funnel, target)
    return "order" if "order" in names else names[-1] if not funnel.to_gmv else funnel.to_gmv[-1]


def log_events(logs: Logs, funnel: Funnel, target: str) -> Floats:
    """Log of the events expected per unit of later volume: orders (kept ones, of a net target), else CNY earned."""
    names = stages_of(funnel, target)
    if "order" in names:
        counted = [name for name in names if name in ("click", "order", "keep")]
    else:
        counted = [name for name in names if name != "cost"]
    nothing = np.zeros(len(logs[funnel.volume_target]))
    return sum((logs[name] for name in counted), nothing)


def logs_of(predicted: Predicted, features: Features) -> dict[str, Floats]:
    """Logarithms of rates and targets by name, that of GUARD at least; keys of the rows are none."""
    names = [name for name in predicted if name not in features.keys]
    return dict(zip(names, log_of(np.array([predicted[name] for name in names], dtype=np.float64))))


def log_of(values: pd.Series | Floats) -> Floats:
    """Logarithm, that of GUARD at least."""
    return np.log(np.maximum(np.asarray(values, dtype=np.float64), GUARD))
