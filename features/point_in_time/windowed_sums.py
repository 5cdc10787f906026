"""Sums over stretches of time: the only place that cuts time.

A period belongs to a window when it lies inside it whole; one that straddles an edge belongs to neither side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import MONEY_DECIMALS

Codes = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.int64]
Span = tuple[Codes, Codes]
"""Of each question: where its rows begin and end, in the order that sums are kept in."""

_SECONDS_BITS = 33  # seconds since 1970 until the year 2242
_SCALE = 10.0**MONEY_DECIMALS
_EXACT = 2.0**53

MANY = 10_000
"""Rows from which it is worth looking whether many of them share their group and moment."""
LEAST_EACH = 100
"""Rows a group must have in the mean for that."""


def seconds(times: pd.Series) -> Seconds:
    """Naive times as whole seconds since 1970; missing times are refused."""
    moments = times.to_numpy("datetime64[s]")
    if np.isnat(moments).any():
        raise ValueError("a missing time has no place on the time axis")
    return moments.astype(np.int64)


class TimedSums:
    """Sums of value columns by group over any window of time, many windows at once.

    Sums are exact and the same in whatever order or company rows come: values are kept in whole units of 1e-4, which
    a float64 adds without rounding up to 2**53. So a creative's features alone equal its features in a batch, bit
    for bit.
    """

    def __init__(
        self,
        groups: Codes,
        starts: Seconds,
        ends: Seconds,
        values: pd.DataFrame | dict[str, npt.NDArray[np.float64]],
    ) -> None:
        """Rows of one group must not overlap if windows are to be cut at their starts.

        Args:
            groups: Group code of each row, 0 or greater; rows with a negative code are left out.
            starts: When each row's period starts.
            ends: When each row's period ends (or is known), after its start.
            values: One column per value; NaN makes every sum that includes it NaN.
        """
        for name in values:
            if np.shape(values[name]) != groups.shape:
                raise ValueError(f"{name} has {np.shape(values[name])} values for {groups.shape} rows")
        rows = _together(groups, ends) if starts is ends else None
        rows = _one_by_one(groups, ends) if rows is None else rows
        self._ends = rows.keys
        self._starts = rows.keys if starts is ends else np.sort(_key(groups, starts)[groups >= 0])
        self._first = np.searchsorted(self._ends, np.arange(groups.max(initial=-1) + 2) << _SECONDS_BITS)
        self._sums: dict[str, npt.NDArray[np.float64]] = {}
        self._missing: dict[str, npt.NDArray[np.int64]] = {}
        for name in values:
            units = rows.kept(np.asarray(values[name], dtype=np.float64))
            np.rint(np.multiply(units, _SCALE, out=units), out=units)
            least = units.min(initial=0.0)  # NaN where one is missing
            if np.isnan(least):
                absent = np.isnan(units)
                units[absent] = 0.0
                self._missing[name] = _running(rows.of_keys(absent.astype(np.float64))).astype(np.int64)
            self._sums[name] = _running(rows.of_keys(units))
            # The last is the sum of all sizes, if none is below 0.
            whole = self._sums[name][-1] if least >= 0 else np.abs(units, out=units).sum()
            if whole >= _EXACT:
                raise ValueError(f"the sum of {name} is too large to be exact; split the data by account")

    @property
    def names(self) -> Sequence[str]:
        """The value columns."""
        return list(self._sums)

    def until(self, groups: Codes, moments: Seconds) -> dict[str, npt.NDArray[np.float64]]:
        """Sums of each group's rows that ended at or before the moment."""
        return self._difference(*self.span(groups, moments))

    def span(self, groups: Codes, moments: Seconds) -> Span:
        """Where those rows lie: for `total`, column by column, where all columns at once would be too much."""
        low = self._first[np.clip(groups, 0, len(self._first) - 1)]  # where the group's rows begin
        return low, np.searchsorted(self._ends, _key(groups, moments), side="right")

    def between(self, groups: Codes, after: Seconds, until: Seconds) -> dict[str, npt.NDArray[np.float64]]:
        """Sums of each group's rows that started at or after `after` and ended at or before `until`."""
        low = np.searchsorted(self._starts, _key(groups, after), side="left")
        high = np.searchsorted(self._ends, _key(groups, until), side="right")
        return self._difference(low, np.maximum(low, high))

    def last_end(self, groups: Codes, moments: Seconds) -> Seconds:
        """End of each group's last row that ended at or before the moment; -1 where there is none."""
        return self._last(self._ends, groups, moments)

    def straddles(self, groups: Codes, moments: Seconds) -> npt.NDArray[np.bool_]:
        """Whether a row of the group started before the moment and ended after it."""
        started = np.searchsorted(self._starts, _key(groups, moments), side="left")
        ended = np.searchsorted(self._ends, _key(groups, moments), side="right")
        return started > ended

    def _last(self, keys: npt.NDArray[np.int64], groups: Codes, moments: Seconds) -> Seconds:
        high = np.searchsorted(keys, _key(groups, moments), side="right")
        last = keys[np.maximum(high - 1, 0)] if len(keys) else np.full(len(groups), -1, dtype=np.int64)
        own = (high > 0) & (last >> _SECONDS_BITS == groups)
        return np.where(own, last & ((1 << _SECONDS_BITS) - 1), -1)

    def _difference(self, low: Codes, high: Codes) -> dict[str, npt.NDArray[np.float64]]:
        return {name: self.total(name, (low, high)) for name in self._sums}

    def total(self, name: str, span: Span) -> npt.NDArray[np.float64]:
        """Sum of one value column over the rows of each span."""
        low, high = span
        running = self._sums[name]
        total = running[high]
        total -= running[low]
        total /= _SCALE
        if name in self._missing:
            missing = self._missing[name]
            total[missing[high] > missing[low]] = np.nan
        return total


@dataclass(frozen=True)
class _Rows:
    """Rows in the order of their groups and ends.

    Attributes:
        keys: Group and end, rising.
        taken: Which rows, in which order; None for all as they stand.
        cells: Where several rows have one key: the key of each row in `taken`, as a place in a table of `held`.
        held: Places in that table that are keys.
    """

    keys: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64] | None
    cells: npt.NDArray[np.int64] | None = None
    held: npt.NDArray[np.bool_] | None = None

    def kept(self, column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """A copy of the rows that are taken: these are the largest arrays of a run, and worked on in place."""
        return column.copy() if self.taken is None else column[self.taken]

    def of_keys(self, units: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """What rows of one key add up to."""
        if self.cells is None or self.held is None:
            return units
        summed = np.bincount(self.cells, units, len(self.held))[self.held]
        return np.asarray(summed, dtype=np.float64)


def _one_by_one(groups: Codes, ends: Seconds) -> _Rows:
    keys, taken = _key(groups, ends), None
    if groups.min(initial=0) < 0:
        taken = np.flatnonzero(groups >= 0)
        keys = keys[taken]
    if (keys[1:] < keys[:-1]).any():
        # Sums are exact, so the order of rows with one end does not matter: no stable sort, which is slower.
        order = np.argsort(keys)
        keys, taken = keys[order], order if taken is None else taken[order]
    return _Rows(keys, taken)


def _together(groups: Codes, moments: Seconds) -> _Rows | None:
    """The rows of a few groups and moments: as many keys as differ, found without sorting; None where many differ."""
    count = int(groups.max(initial=-1)) + 1
    if len(groups) < MANY or not 0 < count <= len(groups) // LEAST_EACH:
        return None
    taken = None if groups.min() >= 0 else np.flatnonzero(groups >= 0)
    if taken is not None:
        groups, moments = groups[taken], moments[taken]
    places, found = pd.factorize(np.maximum(moments, 0))
    if count * len(found) > len(groups):
        return None
    rising = np.argsort(found)
    rank = np.empty(len(found), dtype=np.int64)
    rank[rising] = np.arange(len(found))
    cells = groups * len(found) + rank[places]
    held = np.bincount(cells, minlength=count * len(found)) > 0
    group, place = np.divmod(np.flatnonzero(held), len(found))
    return _Rows(_key(group, found[rising][place]), taken, cells, held)


def _running(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    sums = np.zeros(len(values) + 1)
    np.cumsum(values, out=sums[1:])
    return sums


def _key(groups: Codes, moments: Seconds) -> npt.NDArray[np.int64]:
    return (groups << _SECONDS_BITS) | np.maximum(moments, 0)
