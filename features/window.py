"""Sums over stretches of time: the only place that cuts time.

A period belongs to a window when it lies inside it whole; one that straddles an edge belongs to neither side.
"""

from collections.abc import Sequence

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
        kept = np.flatnonzero(groups >= 0)
        # Sums are exact, so the order of rows with one end does not matter: no stable sort, which is slower.
        order = kept[np.argsort(_key(groups[kept], ends[kept]))]
        self._ends = _key(groups[order], ends[order])
        self._starts = self._ends if starts is ends else np.sort(_key(groups[order], starts[order]))
        self._first = np.searchsorted(self._ends, np.arange(groups.max(initial=-1) + 2) << _SECONDS_BITS)
        self._sums: dict[str, npt.NDArray[np.float64]] = {}
        self._missing: dict[str, npt.NDArray[np.int64]] = {}
        for name in values:
            column = np.asarray(values[name], dtype=np.float64)
            if column.shape != groups.shape:
                raise ValueError(f"{name} has {column.shape} values for {groups.shape} rows")
            units = column[order]  # a copy, worked on in place: these are the largest arrays of a run
            absent = np.isnan(units)
            if absent.any():
                units[absent] = 0.0
                self._missing[name] = np.concatenate([[0], np.cumsum(absent)])
            np.rint(np.multiply(units, _SCALE, out=units), out=units)
            self._sums[name] = np.zeros(len(units) + 1)
            np.cumsum(units, out=self._sums[name][1:])
            if np.abs(units, out=units).sum() >= _EXACT:
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


def _key(groups: Codes, moments: Seconds) -> npt.NDArray[np.int64]:
    return (groups << _SECONDS_BITS) | np.maximum(moments, 0)
