"""Sums over windows of time: the only code that cuts time.

A period belongs to a window when it lies inside it whole; one that straddles an edge belongs to neither side.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Codes, Floats, Mask, Seconds, Times
from features.schema import MONEY_DECIMALS

Span = tuple[Codes, Codes]
"""(queries,) first row and end of each query's rows, in the order in which sums are kept."""

HOUR, DAY = 3_600, 86_400
UNITS = 10.0**MONEY_DECIMALS
"""Whole units in which sums are kept: multiples of 1e-4 add without rounding up to 2**53 of them."""

_SECONDS_BITS = 33  # seconds since 1970 until the year 2242
_EXACT = 2.0**53
_BLOCK = 1 << 20
"""Numbers handled by one numpy call: few rows of many columns at once, many rows column by column."""

MANY_ROWS = 10_000
"""Rows from which it pays to check whether many of them share their group and moment."""
LEAST_EACH = 100
"""Mean number of rows per group from which it pays."""


def seconds(times: pd.Series | Times) -> Seconds:
    """Convert naive times, (rows,), to whole seconds since 1970 (int64).

    Raises:
        ValueError: One is missing.
    """
    moments = times.to_numpy("datetime64[s]") if isinstance(times, pd.Series) else times.astype("datetime64[s]")
    if np.isnat(moments).any():
        raise ValueError("a missing time has no place on the time axis")
    return moments.astype(np.int64)


def exact(difference: Floats) -> Floats:
    """Round a difference of exact sums, of any shape, to whole units of 1e-4: then it is exact too."""
    return np.rint(difference * UNITS) / UNITS


class TimedSums:
    """Sums of value columns by group over any window of time, many windows at once.

    Sums are exact and do not depend on the order of rows nor on the other rows of the batch: values are kept in whole
    units of 1e-4, which a float64 adds without rounding up to 2**53. So the features of one creative alone equal those
    that it has in a batch, bit for bit.
    """

    def __init__(self, groups: Codes, starts: Seconds, ends: Seconds, values: Mapping[str, Floats]) -> None:
        """Sort the rows by group and end, and sum them up. Windows cut at starts need rows that do not overlap.

        Args:
            groups: (rows,) group code, 0 or greater; rows with a negative code are left out.
            starts: (rows,) when the row's period starts.
            ends: (rows,) when it ends, or is known.
            values: Name → (rows,) numbers; NaN makes every sum that includes it NaN.

        Raises:
            ValueError: A column has another length, or its sum is too large to be exact.
        """
        self.names = list(values)
        columns = list(values.values())
        if {column.shape for column in columns} - {groups.shape}:
            shapes = {name: column.shape for name, column in values.items() if column.shape != groups.shape}
            raise ValueError(f"not {groups.shape} rows: {shapes}")
        rows = _together(groups, ends) if starts is ends else None
        rows = _one_by_one(groups, ends) if rows is None else rows
        self._ends = rows.keys
        self._starts = rows.keys if starts is ends else np.sort(_key(groups, starts)[groups >= 0])
        # (columns, rows + 1): what all rows before each place add up to; and how many of these are missing.
        self._running = np.zeros((len(self.names), len(rows.keys) + 1))
        self._lacking: Codes = np.zeros(0, dtype=np.int64)  # columns that miss a value, as lines of `_missing`
        self._missing = np.zeros((0, len(rows.keys) + 1), dtype=np.int32)
        self._fill(rows, columns)

    def _fill(self, rows: "_Rows", columns: list[Floats]) -> None:
        missing = rows.fill(columns, self._running[:, 1:])
        if missing:
            self._lacking = np.concatenate([places for places, _ in missing])
            self._missing = np.zeros((len(self._lacking), self._running.shape[1]), dtype=np.int32)
            first = 0
            for places, absent in missing:
                np.cumsum(absent, axis=1, out=self._missing[first : first + len(places), 1:])
                first += len(places)
        for lines in _blocks(*self._running.shape):
            units = self._running[lines, 1:]
            exact = np.abs(units).sum(axis=1) < _EXACT
            if not exact.all():
                name = self.names[lines.start + int(np.argmin(exact))]
                raise ValueError(f"the sum of {name} is too large to be exact; split the data by account")
            np.cumsum(units, axis=1, out=units)

    @cached_property
    def _first(self) -> Codes:
        """(groups + 1,) where each group's rows begin; last, where all end."""
        groups = int(self._ends[-1] >> _SECONDS_BITS) + 1 if len(self._ends) else 0
        return self._ends.searchsorted(np.arange(groups + 1) << _SECONDS_BITS)

    def until(self, groups: Codes, moments: Seconds) -> dict[str, Floats]:
        """Sums of each group's rows that ended at or before the moment."""
        return self._difference(self.span(groups, moments))

    def span(self, groups: Codes, moments: Seconds) -> Span:
        """Where those rows lie: for `total`, column by column, where all columns at once would be too much."""
        low = self._first.take(groups, mode="clip")  # where the group's rows begin
        return low, self._ends.searchsorted(_key(groups, moments), side="right")

    def between(self, groups: Codes, after: Seconds, until: Seconds) -> dict[str, Floats]:
        """Sums of each group's rows that started at or after `after` and ended at or before `until`."""
        return self._difference(self.span_between(groups, after, until))

    def span_between(self, groups: Codes, after: Seconds, until: Seconds) -> Span:
        """Where those rows lie; all three arrays of one shape, or of shapes that fit it."""
        low = self._starts.searchsorted(_key(groups, after), side="left")
        high = self._ends.searchsorted(_key(groups, until), side="right")
        return low, np.maximum(low, high)

    def last_end(self, groups: Codes, moments: Seconds) -> Seconds:
        """End of each group's last row that ended at or before the moment; −1 where there is none."""
        high = np.searchsorted(self._ends, _key(groups, moments), side="right")
        if not len(self._ends):
            return np.full(len(groups), -1, dtype=np.int64)
        last = self._ends[np.maximum(high - 1, 0)]
        own = (high > 0) & (last >> _SECONDS_BITS == groups)
        return np.where(own, last & ((1 << _SECONDS_BITS) - 1), -1)

    def straddles(self, groups: Codes, moments: Seconds) -> Mask:
        """Whether a row of the group started before the moment and ended after it."""
        started = np.searchsorted(self._starts, _key(groups, moments), side="left")
        ended = np.searchsorted(self._ends, _key(groups, moments), side="right")
        return started > ended

    def total(self, name: str, span: Span) -> Floats:
        """(…) sum of one value column over the rows of each span, (…) each."""
        place = self.names.index(name)
        return self._totals(slice(place, place + 1), span)[0]

    def write(self, table: Floats, lines: slice, span: Span) -> None:
        """Write sums of some columns over the rows of each span into a table.

        Args:
            table: (columns, …).
            lines: Which columns.
            span: (…) each: of one or more windows.
        """
        for part in _blocks(lines.stop - lines.start, span[1].size):
            own = slice(lines.start + part.start, lines.start + part.stop)
            table[own] = self._totals(own, span)

    def _difference(self, span: Span) -> dict[str, Floats]:
        found: dict[str, Floats] = {}
        for lines in _blocks(len(self.names), len(span[0])):
            found |= zip(self.names[lines], self._totals(lines, span))
        return found

    def _totals(self, lines: slice, span: Span) -> Floats:
        low, high = span
        running = self._running[lines]
        totals = running.take(high, axis=1)
        totals -= running.take(low, axis=1)
        totals /= UNITS
        first, end = self._lacking.searchsorted((lines.start, lines.stop)).tolist()
        if end > first:
            missing = self._missing[first:end]
            line, *query = np.nonzero(missing.take(high, axis=1) > missing.take(low, axis=1))
            totals[self._lacking[first:end][line] - lines.start, *query] = np.nan
        return totals


@dataclass(frozen=True)
class _Rows:
    """Rows in the order of their groups and ends.

    Attributes:
        keys: (keys,) group and end, rising.
        taken: Which rows, in which order; None for all as they are.
        cells: Where several rows have one key: (taken rows,) the key of each, as a place in a table of `held`.
        held: Places in that table that are keys.
    """

    keys: npt.NDArray[np.int64]
    taken: npt.NDArray[np.int64] | None
    cells: npt.NDArray[np.int64] | None = None
    held: Mask | None = None

    def fill(self, columns: list[Floats], units: Floats) -> list[tuple[Codes, npt.NDArray[Any]]]:
        """Write every column in whole units, 0 where it is missing, into `units` (columns, keys).

        Returns:
            Places of columns that miss values, rising, and (columns, keys) how many they miss; a few columns at a time.
        """
        missing: list[tuple[Codes, npt.NDArray[Any]]] = []
        if self.cells is None or self.held is None:
            for lines in _blocks(*units.shape):
                part = units[lines]
                part[:] = columns[lines] if self.taken is None else [column[self.taken] for column in columns[lines]]
                np.rint(np.multiply(part, UNITS, out=part), out=part)
                absent = np.isnan(part)
                lacking = np.flatnonzero(absent.any(axis=1))
                if len(lacking):
                    part[absent] = 0.0
                    missing.append((lacking + lines.start, absent[lacking]))
            return missing
        for place, column in enumerate(columns):
            one = np.rint((column if self.taken is None else column[self.taken]) * UNITS)
            absent = np.isnan(one)
            if absent.any():
                one[absent] = 0.0
                count = np.bincount(self.cells, absent, len(self.held))[self.held]
                missing.append((np.array([place]), count.astype(np.int32)[None]))
            if one.min(initial=0.0) < 0 and not np.abs(one).sum() < _EXACT:
                one[0] = np.inf  # sums of keys that cancel out are checked in `TimedSums`, those within a key here
            units[place] = np.bincount(self.cells, one, len(self.held))[self.held]
        return missing


def _blocks(lines: int, length: int) -> Iterator[slice]:
    """Slices of so many lines that each holds about `_BLOCK` numbers."""
    step = max(1, _BLOCK // max(length, 1))
    for first in range(0, lines, step):
        yield slice(first, min(first + step, lines))


def _one_by_one(groups: Codes, ends: Seconds) -> _Rows:
    """Rows sorted by group and end, without those of negative groups; both arrays are (rows,)."""
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
    if len(groups) < MANY_ROWS or not 0 < count <= len(groups) // LEAST_EACH:
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


def _key(groups: Codes, moments: Seconds) -> npt.NDArray[np.int64]:
    """Group and moment as one integer that sorts by group, then moment; elementwise."""
    return (groups << _SECONDS_BITS) | np.maximum(moments, 0)


def summed_by(codes: Codes, moments: Seconds, table: Mapping[Any, Any]) -> tuple[Codes, Seconds, dict[str, Floats]]:
    """Add up the rows of one code and moment, exactly.

    Args:
        codes: (rows,) rows with a negative code are left out.
        moments: (rows,) in seconds.
        table: Name → (rows,) numbers.

    Returns:
        Codes and moments, in no order, and the sums of each column.
    """
    kept = np.flatnonzero(codes >= 0) if codes.min(initial=0) < 0 else None
    if kept is not None:
        codes, moments = codes[kept], moments[kept]
    first = int(moments.min()) if len(moments) else 0
    reach = int(moments.max(initial=first)) - first + 1
    place, keys = pd.factorize(codes * reach + (moments - first))  # by hashing: the order of time does not matter
    summed = {}
    for name in table:
        column = np.asarray(table[name], dtype=np.float64)
        units = np.rint((column if kept is None else column[kept]) * UNITS)
        summed[str(name)] = np.bincount(place, units, len(keys)) / UNITS
    return keys // reach, keys % reach + first, summed
