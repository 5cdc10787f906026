"""Where a stated probability really lies: the map from a model's probabilities to those at which things came true.

The probability integral transform of what came, among rows that the model had not seen, is uniform where the stated
distributions are right; where it is not, its own distribution is the correction (distributional conformal prediction).
One map per group: age, evidence (quarter of early volume among rows of that age), promotion type. A group with few rows
leans on the group that holds it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from training.uncertainty.covariates import Situation

Floats = npt.NDArray[np.float64]
Names = npt.NDArray[np.object_]

GRID = np.linspace(0.0, 1.0, 129)
ALL = ""
"""The group of all rows."""
ROOT_ROWS = 20.0
"""Rows that the model's own probabilities are worth against those of all rows."""
GIVEN_UP = 0.05
"""Most that a group's intervals give up of the level for those that cannot help holding more."""
CHUNK = 4096
DEPTHS = 4
"""Of groups: all, age, quarter of early volume, promotion type."""


class Groups(BaseModel):
    """How rows are grouped: by age step, then by quarter of early volume, then by promotion type.

    Attributes:
        edges: Age step → what parts the quarters of early volume.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: Mapping[int, tuple[float, ...]]

    def names(self, situation: pd.DataFrame | Situation) -> list[Names]:
        """Name of each row's group at every depth, the widest first."""
        found = np.full((DEPTHS, len(situation)), ALL, dtype=object)
        for row, names in enumerate(self.chains(situation)):
            found[:, row] = names
        return list(found)

    def chains(self, situation: pd.DataFrame | Situation) -> Iterator[tuple[str, str, str, str]]:
        """Of each row: names of its groups, the widest first."""
        for step, early, kind in zip(*(np.asarray(situation[name]).tolist() for name in ("step", "early", "kind"))):
            quarter = bisect_left(self.edges.get(step, ()), early)
            yield ALL, f"{step}", f"{step}/{quarter}", f"{step}/{quarter}/{kind}"


@dataclass(frozen=True, eq=False)
class Ready:
    """A calibration's maps as arrays, made once.

    Attributes:
        places: Group → its place.
        maps: A line a group.
    """

    places: Mapping[str, int]
    maps: Floats


class Calibration(BaseModel):
    """Maps of probabilities by group.

    Attributes:
        groups: How rows are grouped.
        maps: Group → true probability at each point of GRID.
        creatives: Group → creatives that taught it.
        given_up: Group → what its intervals give up of their level, so that all of them together hold it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Groups
    maps: Mapping[str, tuple[float, ...]]
    creatives: Mapping[str, int]
    given_up: Mapping[str, float]

    @cached_property
    def ready(self) -> Ready:
        """The maps as arrays."""
        table = np.array(list(self.maps.values())).reshape(len(self.maps), len(GRID))
        return Ready({name: place for place, name in enumerate(self.maps)}, table)

    def group_of(self, situation: pd.DataFrame | Situation) -> Names:
        """Name of the narrowest known group of each row."""
        found = np.empty(len(situation), dtype=object)
        for row, names in enumerate(self.groups.chains(situation)):
            found[row] = next(name for name in reversed(names) if name in self.maps)
        return found

    def __call__(self, stated: Floats, group: Names) -> Floats:
        """Calibrated probabilities; `stated` has a row per row of `group`, and any number of columns."""
        return through(self.ready.maps, self.places(group), stated)

    def places(self, group: Names) -> npt.NDArray[np.int64]:
        """Place of each row's map among those of `ready`."""
        known = self.ready.places
        return np.array([known[name] for name in group.tolist()], dtype=np.int64)

    def level_of(self, level: float, group: Names) -> Floats:
        """The level at which the interval of each row is told, that `level` of the group may be held."""
        return level - np.array([self.given_up[name] for name in group], dtype=np.float64)

    def stated(self, true: Floats, group: Names) -> Floats:
        """The probability that must have been stated for this calibrated one; a row per row of `group`."""
        found = np.zeros(true.shape)
        for name in dict.fromkeys(group.tolist()):
            rows = group == name
            found[rows] = np.interp(true[rows], self.ready.maps[self.ready.places[name]], GRID)
        return found


def through(maps: Floats, places: npt.NDArray[np.int64], stated: Floats) -> Floats:
    """Stated probabilities through the map at each row's place; `stated` has any number of columns."""
    at = np.maximum(np.minimum(stated, 1.0), 0.0) * (len(GRID) - 1)
    left = np.minimum(at.astype(np.int64), len(GRID) - 2)
    beyond = at - left
    rows = places.reshape(-1, *[1] * (stated.ndim - 1))
    return np.asarray(maps[rows, left] * (1.0 - beyond) + maps[rows, left + 1] * beyond, dtype=np.float64)


def fit_groups(situation: pd.DataFrame) -> Groups:
    """Quarters of early volume among the rows of each age step; equal edges fall together."""
    edges = {}
    for step, rows in situation.groupby("step"):
        edges[int(str(step))] = tuple(float(edge) for edge in np.unique(rows["early"].quantile([0.25, 0.5, 0.75])))
    return Groups(edges=edges)


def fit_calibration(
    situation: pd.DataFrame,
    stated: Floats,
    nothing: Floats,
    is_nothing: npt.NDArray[np.bool_],
    weight: Floats,
    shrinkage_rows: float,
    level: float,
) -> Calibration:
    """Maps from rows the model had not seen.

    Args:
        situation: With `step`, `early`, `kind` and `creative`.
        stated: Probability stated of at most what came.
        nothing: Probability stated of nothing.
        is_nothing: Nothing came: its share lies evenly between 0 and `nothing`, as a tie is broken by chance, without
            drawing.
        weight: Of each row; rows of long ago count less.
        shrinkage_rows: Rows at which a group counts as much as the group that holds it.
        level: Share of outcomes that the intervals of a group are to hold.
    """
    groups = fit_groups(situation)
    by_depth = groups.names(situation)
    maps: dict[str, Floats] = {}
    creatives: dict[str, int] = {}
    for depth, names in enumerate(by_depth):
        for name in sorted(set(names)):
            rows = np.flatnonzero(names == name)
            held_by = GRID if depth == 0 else maps[str(by_depth[depth - 1][rows[0]])]
            own = _distribution(stated[rows], nothing[rows], is_nothing[rows], weight[rows])
            count = float(weight[rows].sum())
            lean = ROOT_ROWS if depth == 0 else shrinkage_rows
            mixed = (count * own + lean * held_by) / (count + lean)
            mixed[0], mixed[-1] = 0.0, 1.0
            maps[str(name)] = mixed
            creatives[str(name)] = int(situation["creative"].iloc[rows].nunique())
    calibration = Calibration(
        groups=groups,
        maps={name: tuple(float(value) for value in np.round(found, 6)) for name, found in maps.items()},
        creatives=creatives,
        given_up=dict.fromkeys(maps, 0.0),
    )
    given_up = {}
    for names in by_depth:
        for name in set(names):
            rows = names == name
            certain = calibration(nothing[rows], np.full(int(rows.sum()), name, dtype=object))
            given_up[str(name)] = _given_up(certain, weight[rows], level)
    return calibration.model_copy(update={"given_up": given_up})


def _given_up(nothing: Floats, weight: Floats, level: float) -> float:
    """What intervals may give up of the level, that those of all rows together hold it.

    Where nothing is likelier than the level, the interval 0–0 holds more than it should and cannot be cut. The others
    may hold a little less: a conformal level is a promise on the average of a group.
    """
    least, most = 0.0, GIVEN_UP
    for _ in range(40):
        middle = (least + most) / 2.0
        held = float(np.average(np.maximum(nothing, level - middle), weights=weight))
        least, most = (middle, most) if held > level else (least, middle)
    return round(least, 6)


def _distribution(stated: Floats, nothing: Floats, is_nothing: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    order = np.argsort(stated[~is_nothing], kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(weight[~is_nothing][order])])
    total = summed[np.searchsorted(stated[~is_nothing][order], GRID, side="right")]
    ties = np.maximum(nothing[is_nothing], 1e-9)
    for first in range(0, len(ties), CHUNK):
        part = slice(first, first + CHUNK)
        ramp = np.minimum(GRID[None, :] / ties[part, None], 1.0)
        total = total + (weight[is_nothing][part, None] * ramp).sum(axis=0)
    return np.asarray(total / weight.sum(), dtype=np.float64)
