"""Recalibration of predicted probabilities on out-of-fold rows, by age, evidence and promotion type.

Where predictive distributions are right, the probability integral transform (PIT) of the outcomes is uniform; where it
is not, its own distribution function is the correction (Kuleshov, Fenner and Ermon 2018). Outcomes have a mass at 0, so
the PIT is randomised there (Smith 1985; Czado, Gneiting and Held 2009); maps are fitted to its expectation, without
random draws.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import cycle, product, repeat
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from features.arrays import Floats
from features.matrix.feature_matrix import Features

GRID = np.linspace(0.0, 1.0, 129)
"""Predicted probabilities at which maps are tabulated; linear between them."""
CELLS, LAST_CELL = np.array(len(GRID) - 1.0), np.array(len(GRID) - 2)
"""Between the points of the grid; arrays, which NumPy takes faster than numbers of Python."""
AGE_EDGES_HOURS = np.array((0.0, 12.0, 24.0, 72.0))
"""Upper edges of the age steps; the last step has none."""
STEPS, QUARTERS = len(AGE_EDGES_HOURS) + 1, 4
OTHER = ""
"""Stands for a promotion type that no group has."""
ROOT_ROWS = 20.0
"""Rows' weight of the identity in the map of all rows."""
ITERATIONS = 3
"""Corrections of a map by the PIT that it leaves. One is exact where no outcome is 0: a map moves the mass at 0, over
which the PIT is then randomised anew."""
TIES_AT_ONCE = 4096

Columns: TypeAlias = Mapping[str, npt.NDArray[Any]]
"""Arrays (rows,) by name. Rows are grouped by `step` (place of the age among AGE_EDGES_HOURS), `early_volume` and
`promotion_type` (text)."""


def group_columns(features: Features) -> dict[str, npt.NDArray[Any]]:
    """The columns that rows are grouped by."""
    return {
        "step": AGE_EDGES_HOURS.searchsorted(features.keys.floats("elapsed_hours")),
        "early_volume": early_volume(features),
        "promotion_type": features.keys.categories("promotion_type").texts(),
    }


def early_volume(features: Features) -> Floats:
    """(rows,) Impressions (spend where there are none) so far; 0 where they are not known."""
    if "log_impressions" not in features.values:
        return np.zeros(len(features.values))
    volume = np.expm1(features.values["log_impressions"])
    return np.where(np.isnan(volume), 0.0, volume)


def group_chains(columns: Columns, edges: Mapping[int, Sequence[float]]) -> Iterator[tuple[str, str, str, str]]:
    """Of each row the names of its groups, the widest first: all rows, age step, quarter of evidence, type.

    Args:
        columns: Of the rows.
        edges: Age step → edges between the quarters of early volume.
    """
    lists = (columns[name].tolist() for name in ("step", "early_volume", "promotion_type"))
    for step, early, name in zip(*lists):
        yield _chain(step, bisect_left(edges.get(step, ()), early), name)


def _chain(step: int, quarter: int, promotion_type: str) -> tuple[str, str, str, str]:
    return "", f"{step}", f"{step}/{quarter}", f"{step}/{quarter}/{promotion_type}"


class Recalibration(BaseModel):
    """Maps of predicted to calibrated probabilities, by group.

    Attributes:
        edges: Age step → edges between the quarters of early volume.
        maps: Group → calibrated probability at each point of GRID.
        creatives: Group → creatives in its calibration rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: Mapping[int, tuple[float, ...]]
    maps: Mapping[str, tuple[float, ...]]
    creatives: Mapping[str, int]

    @classmethod
    def identity(cls) -> "Recalibration":
        """Probabilities stay as they are."""
        return cls(edges={}, maps={"": tuple(GRID.tolist())}, creatives={})

    @cached_property
    def groups(self) -> "GroupTables":
        """The same as tables, made once."""
        return GroupTables.of([self])

    def maps_of(self, columns: Columns) -> Floats:
        """(rows, len(GRID)) The map of the narrowest group of each row that has one."""
        return self.groups.maps_of(self.groups.cells(columns))[0]

    def creatives_like(self, columns: Columns) -> npt.NDArray[np.int64]:
        """(rows,) Creatives that calibrated the narrowest group of each row; 0 for a group without rows."""
        return self.groups.creatives.take(self.groups.cells(columns))[0]


@dataclass(frozen=True, eq=False)
class GroupTables:
    """R recalibrations as tables by age step, quarter of early volume and promotion type; the last type is any other.

    Attributes:
        types: Promotion type → its place.
        edges: (R, steps, 3) Between the quarters; infinite where there are fewer.
        places: (R, steps, 4, types + 1) Line in `maps` of the narrowest group that has a map.
        creatives: (R, steps, 4, types + 1) Creatives of the narrowest group.
        maps: (groups, len(GRID)) The maps of all recalibrations.
        first_steps: (R, 1) Place of each one's first step among the steps of all.
    """

    types: Mapping[str, int]
    edges: Floats
    places: npt.NDArray[np.int64]
    creatives: npt.NDArray[np.int64]
    maps: Floats
    first_steps: npt.NDArray[np.int64]

    @classmethod
    def of(cls, recalibrations: Sequence[Recalibration]) -> "GroupTables":
        """Arrange the maps of some recalibrations."""
        names = [name.split("/", 2)[2] for one in recalibrations for name in one.maps if name.count("/") > 1]
        types = {name: place for place, name in enumerate(dict.fromkeys(names))}
        shape = len(recalibrations), STEPS, QUARTERS, len(types) + 1
        edges = np.full((len(recalibrations), STEPS, QUARTERS - 1), np.inf)
        places, creatives = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        maps: list[Sequence[float]] = []
        for number, one in enumerate(recalibrations):
            lines = {name: len(maps) + line for line, name in enumerate(one.maps)}
            maps += one.maps.values()
            for step, between in one.edges.items():
                edges[number, step, : len(between)] = between
            for step, quarter, (name, place) in product(range(STEPS), range(QUARTERS), [*types.items(), (OTHER, -1)]):
                chain = _chain(step, quarter, name)
                places[number, step, quarter, place] = next(lines[one] for one in reversed(chain) if one in lines)
                creatives[number, step, quarter, place] = one.creatives.get(chain[-1], 0)
        first_steps = np.arange(len(recalibrations))[:, None] * STEPS
        return cls(types, edges, places, creatives, np.array(maps).reshape(-1, len(GRID)), first_steps)

    def cells(self, columns: Columns) -> npt.NDArray[np.int64]:
        """(R, rows) Where `places` and `creatives`, taken as flat, have the narrowest group of each row."""
        step, early = columns["step"], columns["early_volume"]
        quarter = (self.edges[:, step] < early[:, None]).sum(axis=2)
        types = [self.types.get(name, len(self.types)) for name in columns["promotion_type"].tolist()]
        groups = ((self.first_steps + step) * QUARTERS + quarter) * (len(self.types) + 1)
        return groups + np.array(types, dtype=np.int64)

    def maps_of(self, cells: npt.NDArray[np.int64]) -> Floats:
        """(R, rows, len(GRID)) The map of the narrowest group of each row that has one; `cells`: of the rows."""
        return self.maps.take(self.places.take(cells), axis=0)


def calibrated(maps: Floats, predicted: Floats) -> Floats:
    """(…, values) Predicted probabilities (…, values) after the map of each line, `maps` (…, len(GRID))."""
    # In place: of few values, new arrays and mixed types take most of the time.
    share = np.minimum(np.maximum(predicted, 0.0), 1.0)
    share *= CELLS
    cell = share.astype(np.int64)
    np.minimum(cell, LAST_CELL, out=cell)
    share -= cell
    cell += _first_cells(maps.shape[:-1])
    low = maps.take(cell)
    cell += 1
    found = maps.take(cell)
    found -= low
    found *= share
    found += low
    return found


@lru_cache(maxsize=64)
def _first_cells(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """(*shape, 1) Place of the first cell of each map among the cells of all maps."""
    return np.arange(prod(shape)).reshape(*shape, 1) * len(GRID)


def predicted_at(maps: Floats, wanted: Floats) -> Floats:
    """The inverse of `calibrated`: predicted probabilities (…, values) of calibrated ones.

    Where `wanted` has more axes than `maps`, the maps serve all along the first ones.
    """
    lines = zip(wanted.reshape(-1, wanted.shape[-1]), cycle(maps.reshape(-1, len(GRID))))
    return np.array([np.interp(line, own, GRID) for line, own in lines]).reshape(wanted.shape)


def interpolated(at: Floats, points: Floats, values: Floats) -> Floats:
    """(…, values) Linear between the points of each line, (…, points), flat beyond.

    `at` and `values` are (…, values) and (…, points), or of one line that serves all.
    """
    lines = [repeat(one) if one.ndim == 1 else one.reshape(-1, one.shape[-1]) for one in (at, points, values)]
    return np.array([np.interp(*line) for line in zip(*lines)]).reshape(*points.shape[:-1], at.shape[-1])


def fit_recalibration(
    columns: Columns,
    below: Floats,
    zero: Floats,
    is_zero: npt.NDArray[np.bool_],
    weight: Floats,
    shrinkage_rows: float,
) -> Recalibration:
    """Fit the maps on out-of-fold rows; all arrays are (rows,).

    Args:
        columns: Those that group the rows, and `creative` (id).
        below: Predicted probability of at most the outcome.
        zero: Predicted probability of 0.
        is_zero: The outcome is 0.
        weight: Of each row.
        shrinkage_rows: Rows at which a group's own map has the same weight as that of the group which contains it.
    """
    edges = {}
    for step in np.unique(columns["step"]):
        quartiles = np.unique(np.quantile(columns["early_volume"][columns["step"] == step], [0.25, 0.5, 0.75]))
        edges[int(step)] = tuple(quartiles.tolist())
    rows_of: dict[str, list[int]] = {}
    parent_of: dict[str, str] = {}
    for row, chain in enumerate(group_chains(columns, edges)):
        for parent, name in zip(("", *chain), chain):
            rows_of.setdefault(name, []).append(row)
            parent_of[name] = parent
    maps: dict[str, Floats] = {}
    for name in sorted(rows_of, key=lambda name: (name.count("/") + bool(name), name)):
        rows = np.array(rows_of[name])
        start = maps[parent_of[name]] if name else GRID
        own = start
        for _ in range(ITERATIONS):
            moved = np.interp(below[rows], GRID, own), np.interp(zero[rows], GRID, own)
            own = np.interp(own, GRID, _pit_distribution(*moved, is_zero[rows], weight[rows]))
        count, lean = weight[rows].sum(), shrinkage_rows if name else ROOT_ROWS
        maps[name] = (count * own + lean * start) / (count + lean)
        maps[name][[0, -1]] = 0.0, 1.0
    return Recalibration(
        edges=edges,
        maps={name: tuple(np.round(values, 6).tolist()) for name, values in maps.items()},
        creatives={name: len(set(columns["creative"][rows])) for name, rows in rows_of.items()},
    )


def _pit_distribution(below: Floats, zero: Floats, is_zero: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """(len(GRID),) Weighted distribution function of the PIT; that of an outcome of 0 is even between 0 and `zero`."""
    order = np.argsort(below[~is_zero], kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(weight[~is_zero][order])])
    total = summed[np.searchsorted(below[~is_zero][order], GRID, side="right")]
    ties, of_ties = np.maximum(zero[is_zero], 1e-9), weight[is_zero]
    for first in range(0, len(ties), TIES_AT_ONCE):
        part = slice(first, first + TIES_AT_ONCE)
        total = total + of_ties[part] @ np.minimum(GRID / ties[part, None], 1.0)
    found = total / weight.sum()
    found[[0, -1]] = 0.0, 1.0
    return np.asarray(found, dtype=np.float64)
