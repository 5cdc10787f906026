"""Recalibration of predicted probabilities on out-of-fold rows, by group.

The probability integral transform of outcomes is uniform where predictive distributions are right; where it is not, its
own distribution function is the correction (distributional conformal prediction, Chernozhukov, Wüthrich and Zhu 2021).
One map per group: age step, quarter of early volume among rows of that age, promotion type. The map of a group with few
rows is shrunk towards that of the group which contains it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from training.uncertainty.covariates import Covariates
from training.uncertainty.interface import Floats

Names = npt.NDArray[np.object_]

GRID = np.linspace(0.0, 1.0, 129)
"""Predicted probabilities at which maps are tabulated; linear between them."""
ALL_ROWS = ""
"""The group of all rows."""
ROOT_ROWS = 20.0
"""Rows' weight of the identity in the map of all rows."""
MOST_REDUCTION = 0.05
"""Largest reduction of the level of a group's intervals that offsets intervals which cannot help covering more."""
TIES_AT_ONCE = 4096
DEPTHS = 4
"""Of groups: all, age step, quarter of early volume, promotion type."""


class Groups(BaseModel):
    """How rows are grouped: by age step, then by quarter of early volume, then by promotion type.

    Attributes:
        edges: Age step → edges between the quarters of early volume.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    edges: Mapping[int, tuple[float, ...]]

    def names(self, covariates: pd.DataFrame | Covariates) -> list[Names]:
        """Name of each row's group at every depth, the widest first: DEPTHS arrays (rows,)."""
        found = np.full((DEPTHS, len(covariates)), ALL_ROWS, dtype=object)
        for row, names in enumerate(self.chains(covariates)):
            found[:, row] = names
        return list(found)

    def chains(self, covariates: pd.DataFrame | Covariates) -> Iterator[tuple[str, str, str, str]]:
        """Of each row: names of its groups, the widest first."""
        columns = (np.asarray(covariates[name]).tolist() for name in ("step", "early_volume", "promotion_type"))
        for step, early, promotion_type in zip(*columns):
            quarter = bisect_left(self.edges.get(step, ()), early)
            yield ALL_ROWS, f"{step}", f"{step}/{quarter}", f"{step}/{quarter}/{promotion_type}"


@dataclass(frozen=True, eq=False)
class MapTable:
    """A calibration's maps as one array.

    Attributes:
        places: Group → its row in `maps`.
        maps: (groups, len(GRID)).
    """

    places: Mapping[str, int]
    maps: Floats


class Calibration(BaseModel):
    """Maps of predicted to calibrated probabilities, by group.

    Attributes:
        groups: How rows are grouped.
        maps: Group → calibrated probability at each point of GRID.
        creatives: Group → creatives in its calibration rows.
        reduction: Group → by how much the level of its intervals is reduced, so that all of them together hold it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Groups
    maps: Mapping[str, tuple[float, ...]]
    creatives: Mapping[str, int]
    reduction: Mapping[str, float]

    @cached_property
    def table(self) -> MapTable:
        """The maps as one array."""
        table = np.array(list(self.maps.values())).reshape(len(self.maps), len(GRID))
        return MapTable({name: place for place, name in enumerate(self.maps)}, table)

    def group_of(self, covariates: pd.DataFrame | Covariates) -> Names:
        """(rows,) Name of the narrowest group of each row that has a map."""
        found = np.empty(len(covariates), dtype=object)
        for row, names in enumerate(self.groups.chains(covariates)):
            found[row] = next(name for name in reversed(names) if name in self.maps)
        return found

    def __call__(self, predicted: Floats, group: Names) -> Floats:
        """Calibrated probabilities; `predicted` is (rows, …) with the rows of `group` (rows,)."""
        return apply_maps(self.table.maps, self.places(group), predicted)

    def places(self, group: Names) -> npt.NDArray[np.int64]:
        """(rows,) Row of each group's map in `table`."""
        known = self.table.places
        return np.array([known[name] for name in group.tolist()], dtype=np.int64)

    def level_of(self, level: float, group: Names) -> Floats:
        """(rows,) The level of each row's interval with which the intervals of its group hold `level` on average."""
        return level - np.array([self.reduction[name] for name in group], dtype=np.float64)

    def inverse(self, calibrated: Floats, group: Names) -> Floats:
        """The predicted probabilities that map to these (rows, …)."""
        found = np.zeros(calibrated.shape)
        for name in dict.fromkeys(group.tolist()):
            rows = group == name
            found[rows] = np.interp(calibrated[rows], self.table.maps[self.table.places[name]], GRID)
        return found


def apply_maps(maps: Floats, places: npt.NDArray[np.int64], predicted: Floats) -> Floats:
    """Interpolate predicted probabilities (rows, …) in the map of each row, `maps[places[row]]`."""
    at = np.maximum(np.minimum(predicted, 1.0), 0.0) * (len(GRID) - 1)
    left = np.minimum(at.astype(np.int64), len(GRID) - 2)
    share = at - left
    rows = places.reshape(-1, *[1] * (predicted.ndim - 1))
    return np.asarray(maps[rows, left] * (1.0 - share) + maps[rows, left + 1] * share, dtype=np.float64)


def fit_groups(covariates: pd.DataFrame) -> Groups:
    """Quarters of early volume among the rows of each age step; equal edges are merged."""
    edges = {}
    for step, rows in covariates.groupby("step"):
        quartiles = np.unique(rows["early_volume"].quantile([0.25, 0.5, 0.75]))
        edges[int(str(step))] = tuple(float(edge) for edge in quartiles)
    return Groups(edges=edges)


def fit_calibration(
    covariates: pd.DataFrame,
    below: Floats,
    zero: Floats,
    is_zero: npt.NDArray[np.bool_],
    weight: Floats,
    shrinkage_rows: float,
    level: float,
) -> Calibration:
    """Fit the maps on out-of-fold rows; all arrays are (rows,).

    Args:
        covariates: With `step`, `early_volume`, `promotion_type` and `creative`.
        below: Predicted probability of at most the outcome.
        zero: Predicted probability of 0.
        is_zero: The outcome is 0. Its transform is spread evenly between 0 and `zero`: the expectation of a randomised
            tie, without a random draw.
        weight: Of each row; older rows count less.
        shrinkage_rows: Rows at which a group's own map has the same weight as that of the group which contains it.
        level: Share of outcomes that the intervals of a group are to hold.
    """
    groups = fit_groups(covariates)
    by_depth = groups.names(covariates)
    maps: dict[str, Floats] = {}
    creatives: dict[str, int] = {}
    for depth, names in enumerate(by_depth):
        for name in sorted(set(names)):
            rows = np.flatnonzero(names == name)
            parent = GRID if depth == 0 else maps[str(by_depth[depth - 1][rows[0]])]
            own = _distribution(below[rows], zero[rows], is_zero[rows], weight[rows])
            count = float(weight[rows].sum())
            lean = ROOT_ROWS if depth == 0 else shrinkage_rows
            mixed = (count * own + lean * parent) / (count + lean)
            mixed[0], mixed[-1] = 0.0, 1.0
            maps[str(name)] = mixed
            creatives[str(name)] = int(covariates["creative"].iloc[rows].nunique())
    calibration = Calibration(
        groups=groups,
        maps={name: tuple(float(value) for value in np.round(found, 6)) for name, found in maps.items()},
        creatives=creatives,
        reduction=dict.fromkeys(maps, 0.0),
    )
    reduction = {}
    for names in by_depth:
        for name in set(names):
            rows = names == name
            certain = calibration(zero[rows], np.full(int(rows.sum()), name, dtype=object))
            reduction[str(name)] = _reduction(certain, weight[rows], level)
    return calibration.model_copy(update={"reduction": reduction})


def _reduction(zero: Floats, weight: Floats, level: float) -> float:
    """By how much the level of intervals may fall so that those of all rows together still hold it (bisection).

    Where P(0) exceeds the level, the interval 0–0 covers more than it should and cannot be narrowed. The others may
    cover a little less: conformal coverage is a promise on the average of a group.
    """
    least, most = 0.0, MOST_REDUCTION
    for _ in range(40):
        middle = (least + most) / 2.0
        covered = float(np.average(np.maximum(zero, level - middle), weights=weight))
        least, most = (middle, most) if covered > level else (least, middle)
    return round(least, 6)


def _distribution(below: Floats, zero: Floats, is_zero: npt.NDArray[np.bool_], weight: Floats) -> Floats:
    """(len(GRID),) Weighted distribution function of the transforms at the points of GRID."""
    order = np.argsort(below[~is_zero], kind="stable")
    summed = np.concatenate([[0.0], np.cumsum(weight[~is_zero][order])])
    total = summed[np.searchsorted(below[~is_zero][order], GRID, side="right")]
    ties = np.maximum(zero[is_zero], 1e-9)
    for first in range(0, len(ties), TIES_AT_ONCE):
        part = slice(first, first + TIES_AT_ONCE)
        ramp = np.minimum(GRID[None, :] / ties[part, None], 1.0)
        total = total + (weight[is_zero][part, None] * ramp).sum(axis=0)
    return np.asarray(total / weight.sum(), dtype=np.float64)
