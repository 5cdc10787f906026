"""Overlaps: decide which rows of a creative remain where rows of several lengths cover the same time.

Hours are compared with their day, and what remains (hours, days) with rows over several days. The finer rows remain if
they account for the coarser one: if their impressions reach 98 % of its impressions (spend, where it has no
impressions; time covered, where it has neither). Otherwise the coarser row remains, and the finer rows that overlap it
are dropped.
"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Ints, Mask
from features.schema import KEY, VALUES

ENOUGH = 0.98
"""Share of the coarser row that the finer rows must reach: exports round, and late events are reported by the day."""

_ONE_DAY = pd.Timedelta(days=1)
_LEVELS = ["hour", "gap", "day", "long gap", "range"]
"""From finest to coarsest."""
_FINER = {"gap": "hours", "day": "hours", "long gap": "days", "range": "days"}


class _OverlapRows(NamedTuple):
    """The rows of creatives with overlaps; every array has one entry per row.

    Attributes:
        frame: PERIOD and value columns.
        unit: Number of the creative.
        starts: Start of the period as a position on one line of integers on which creatives do not touch.
        ends: End of the period, likewise.
        names: Level as text.
        order: Level as a number, finest first; each length of a range is a level of its own.
    """

    frame: pd.DataFrame
    unit: Ints
    starts: Ints
    ends: Ints
    names: npt.NDArray[np.object_]
    order: Ints


def resolve_overlaps(metrics: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Drop rows until no two rows of a creative overlap; count each kind of decision.

    Args:
        metrics: KEY + PERIOD + values, in any order.

    Returns:
        The remaining rows in their order, and counts by name.
    """
    notes: dict[str, int] = {}
    if metrics.empty:
        return metrics, notes
    unit = np.asarray(metrics.groupby(KEY, sort=False).ngroup(), dtype=np.int64)
    starts, ends = _positions(unit, metrics["period_start"], metrics["period_end"])
    overlapping = _have_overlaps(unit, starts, ends)
    if not overlapping.any():
        return metrics, notes
    columns = [name for name in metrics if name not in KEY]
    rows = _overlap_rows(metrics.loc[overlapping, columns], unit[overlapping], starts[overlapping], ends[overlapping])
    remaining = np.empty(0, dtype=np.int64)
    for level in np.unique(rows.order):
        coarser = np.flatnonzero(rows.order == level)
        coarser = coarser[np.argsort(rows.starts[coarser], kind="stable")]
        coarser = _without_overlaps(rows, coarser, notes)
        remaining = _decide(rows, remaining, coarser, notes)
    remaining = _restore(rows, remaining, notes)
    kept = ~overlapping
    kept[np.flatnonzero(overlapping)[remaining]] = True
    return metrics[kept], {name: count for name, count in notes.items() if count}


def _positions(unit: Ints, starts: pd.Series, ends: pd.Series) -> tuple[Ints, Ints]:
    """Map the periods of all creatives to one line of integers, in which only the order matters."""
    codes, moments = pd.factorize(pd.concat([starts, ends], ignore_index=True), sort=True)
    offset = unit * np.int64(len(moments))
    return offset + codes[: len(unit)], offset + codes[len(unit) :]


def _have_overlaps(unit: Ints, starts: Ints, ends: Ints) -> Mask:
    """Flag all rows of creatives that have any two overlapping rows."""
    order = np.lexsort((ends, starts))
    reached = np.maximum.accumulate(ends[order])
    overlaps = starts[order][1:] < reached[:-1]
    bad = np.zeros(int(unit.max()) + 1, dtype=bool)
    bad[unit[order][1:][overlaps]] = True
    return bad[unit]


def _overlap_rows(frame: pd.DataFrame, unit: Ints, starts: Ints, ends: Ints) -> _OverlapRows:
    """Level and order of each row by the length of its period; arrays are (rows,)."""
    length = frame["period_end"] - frame["period_start"]
    place, grains = pd.factorize(frame["grain"])
    level = np.array([_LEVELS.index(grain) for grain in grains])[place]
    level = np.where((level == _LEVELS.index("gap")) & (length > _ONE_DAY), _LEVELS.index("long gap"), level)
    longer = np.where(level == _LEVELS.index("range"), pd.factorize(length, sort=True)[0], 0)
    order = pd.factorize(level * (longer.max() + 1) + longer, sort=True)[0].astype(np.int64)
    return _OverlapRows(frame, unit, starts, ends, np.array(_LEVELS, dtype=object)[level], order)


def _without_overlaps(rows: _OverlapRows, picked: Ints, notes: dict[str, int]) -> Ints:
    """Drop rows of one level that overlap an earlier one that remains.

    Args:
        rows: All rows in question.
        picked: Indices of the rows of the level, sorted by start.
        notes: Counts, added to in place.
    """
    starts, ends, unit = rows.starts[picked], rows.ends[picked], rows.unit[picked]
    if not (starts[1:] < np.maximum.accumulate(ends)[:-1]).any():
        return picked
    # Walk through all creatives at once, from a row that remains to the first row that starts after its end.
    following = np.searchsorted(starts, ends, side="left")
    remains = np.zeros(len(picked), dtype=bool)
    current = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]]) if len(unit) else following
    while current.size:
        remains[current] = True
        after = following[current]
        inside = after < len(picked)
        inside[inside] = unit[after[inside]] == unit[current[inside]]
        current = after[inside]
    _count_by_level(rows, picked[~remains], "dropped_for_one_of_the_same_length", notes)
    return picked[remains]


def _decide(rows: _OverlapRows, finer: Ints, coarser: Ints, notes: dict[str, int]) -> Ints:
    """Return the indices of the rows that remain of two sets, each sorted by start and without overlaps."""
    if not finer.size:
        return coarser
    # For each coarser row: finer[inside_from:inside_to] lie inside it, finer[touch_from:touch_to] overlap it.
    starts, ends = rows.starts[finer], rows.ends[finer]
    inside_from = np.searchsorted(starts, rows.starts[coarser], side="left")
    inside_to = np.searchsorted(ends, rows.ends[coarser], side="right")
    touch_from = np.searchsorted(ends, rows.starts[coarser], side="right")
    touch_to = np.searchsorted(starts, rows.ends[coarser], side="left")
    # A finer row that contains the coarser one ends up with inside_to < inside_from: nothing is inside.
    some = inside_to > inside_from
    inside_to = np.maximum(inside_from, inside_to)
    replaced = some & _accounted(rows, finer, coarser, inside_from, inside_to)
    stays = ~replaced & (touch_to > touch_from)

    level = rows.names[coarser[0]]
    lost = 0
    for name in [column for column in VALUES if column in rows.frame] if replaced.any() else []:
        known = rows.frame[name].notna().to_numpy()
        known_so_far = np.r_[0, np.cumsum(known[finer])]
        known_inside = known_so_far[inside_to] > known_so_far[inside_from]
        lost += int((replaced & ~known_inside & known[coarser]).sum())
    # +1 and -1 at the ends of each range of finer rows to drop; the running sum is positive inside any range.
    steps = np.zeros(len(finer) + 1, dtype=np.int64)
    np.add.at(steps, touch_from[stays], 1)
    np.add.at(steps, touch_to[stays], -1)
    dropped = np.cumsum(steps[:-1]) > 0

    prefix = level.replace(" ", "_")
    _add(notes, f"{prefix}s_replaced_by_{_FINER[level]}", int(replaced.sum()))
    _add(notes, f"{prefix}s_kept_over_incomplete_{_FINER[level]}", int(stays.sum()))
    _add(notes, "values_only_in_replaced_rows", lost)
    _count_by_level(rows, finer[dropped], "dropped_for_longer_ones", notes)
    remaining = np.concatenate([finer[~dropped], coarser[~replaced]])
    return remaining[np.argsort(rows.starts[remaining], kind="stable")]


def _restore(rows: _OverlapRows, remaining: Ints, notes: dict[str, int]) -> Ints:
    """Restore rows, coarsest first, that were dropped for a row that was dropped itself, where no row remains now."""
    for level in np.unique(rows.order)[::-1]:
        gone = np.ones(len(rows.order), dtype=bool)
        gone[remaining] = False
        back = np.flatnonzero(gone & (rows.order == level))
        first = np.searchsorted(rows.ends[remaining], rows.starts[back], side="right")
        last = np.searchsorted(rows.starts[remaining], rows.ends[back], side="left")
        back = back[last <= first]
        back = _without_overlaps(rows, back[np.argsort(rows.starts[back], kind="stable")], {})
        _count_by_level(rows, back, "given_back", notes)
        remaining = np.concatenate([remaining, back])
        remaining = remaining[np.argsort(rows.starts[remaining], kind="stable")]
    return remaining


def _accounted(rows: _OverlapRows, finer: Ints, coarser: Ints, first: Ints, last: Ints) -> Mask:
    """Return one flag per coarser row: whether finer[first:last] reach the share ENOUGH of it."""
    length = (rows.frame["period_end"] - rows.frame["period_start"]).dt.total_seconds().to_numpy()
    measured = np.full(len(coarser), np.nan)
    reached = np.full(len(coarser), np.nan)
    candidates = [rows.frame[name].to_numpy() for name in ("impressions", "spend_cny") if name in rows.frame]
    for values in [*candidates, length]:
        unknown = np.isnan(measured)
        total = np.r_[0.0, np.cumsum(np.nan_to_num(values[finer]))]
        measured = np.where(unknown, values[coarser], measured)
        reached = np.where(unknown, total[last] - total[first], reached)
    return np.asarray(reached >= ENOUGH * measured - 1e-6)


def _count_by_level(rows: _OverlapRows, which: Ints, what: str, notes: dict[str, int]) -> None:
    for level, count in Counter(rows.names[which]).items():
        _add(notes, f"{level.replace(' ', '_')}s_{what}", count)


def _add(notes: dict[str, int], name: str, count: int) -> None:
    notes[name] = notes.get(name, 0) + count
