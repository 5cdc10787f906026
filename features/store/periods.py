"""doc"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY, MONEY_DECIMALS, PERIOD, VALUES

LONG_GAP = pd.Timedelta(days=7)
"""Gaps longer than this are counted: what lies inside them cannot be told apart by age."""


def increments(readings: pd.DataFrame, launched: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows of grain `gap` from rows of grain `reading`, and counts of what was met by name.

    The first reading counts from `launched_at` where that is known and earlier; otherwise it is only the base
    line. A total that falls leaves the highest value so far standing, so its increment is 0. A value missing
    from a reading leaves its increment missing, and the next one that is known holds both.

    Args:
        readings: KEY + PERIOD + values; `period_end` is the moment of the reading.
        launched: KEY + `launched_at`, one row per creative.
    """
    values = [name for name in VALUES if name in readings.columns]
    frame = readings[[*KEY, "period_end", *values]].sort_values([*KEY, "period_end"], ignore_index=True)
    repeated = frame.duplicated([*KEY, "period_end"])
    if repeated.any():
        frame = frame.groupby([*KEY, "period_end"], as_index=False)[values].max()
    frame, from_launch = _with_launch(frame, launched, values)

    unit = frame.groupby(KEY, sort=False).ngroup()
    first = ~unit.duplicated()
    highest = frame[values].groupby(unit).cummax().groupby(unit).ffill()
    before = highest.groupby(unit).shift()
    increment = (highest - before).where(frame[values].notna()).round(MONEY_DECIMALS)
    start = frame["period_end"].groupby(unit).shift()

    gaps = frame[KEY].assign(grain="gap", period_start=start, period_end=frame["period_end"])
    gaps = pd.concat([gaps.astype({"grain": "str"}), increment], axis=1)[~first].reset_index(drop=True)
    notes = {
        "readings_at_the_same_time": int(repeated.sum()),
        "readings_counted_from_launch": from_launch,
        "readings_only_a_base_line": int(first.sum()) - from_launch,
        "totals_that_fell": int((frame[values] < before).to_numpy().sum()),
        "gaps_over_7_days": int((gaps["period_end"] - gaps["period_start"] > LONG_GAP).sum()),
    }
    return gaps[[*KEY, *PERIOD, *values]], {name: count for name, count in notes.items() if count}


def _with_launch(frame: pd.DataFrame, launched: pd.DataFrame, values: list[str]) -> tuple[pd.DataFrame, int]:
    """The readings, and before them a total of 0 at launch for the creatives whose launch is known."""
    firsts = frame.loc[~frame.duplicated(KEY), [*KEY, "period_end"]]
    firsts = firsts.merge(launched[[*KEY, "launched_at"]], on=KEY, how="inner")
    firsts = firsts[firsts["launched_at"] < firsts["period_end"]]
    births = firsts[KEY].assign(period_end=firsts["launched_at"], **dict.fromkeys(values, 0.0))
    if births.empty:
        return frame, 0
    both = pd.concat([births, frame], ignore_index=True)
    return both.sort_values([*KEY, "period_end"], ignore_index=True), len(births)


Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ENOUGH = 0.98
"""Share of the coarser row that the finer rows must reach: exports round, and late events come by the day."""

_DAY = pd.Timedelta(days=1)
_LEVELS = ["hour", "gap", "day", "long gap", "range"]
_FINER = {"gap": "hours", "day": "hours", "long gap": "days", "range": "days"}


class _OverlapRows(NamedTuple):
    """The rows in question; `starts` and `ends` are places on one line on which creatives do not meet."""

    frame: pd.DataFrame
    unit: Ints
    starts: Ints
    ends: Ints
    names: npt.NDArray[np.object_]
    """Level of each row, as a word."""
    order: Ints
    """Level of each row, as a number: longer ranges are coarser."""


def resolve_overlaps(metrics: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The rows that stand, in the order they came, and counts of what was decided by name of the decision."""
    notes: dict[str, int] = {}
    if metrics.empty:
        return metrics, notes
    unit = metrics.groupby(KEY, sort=False).ngroup().to_numpy(np.int64)
    starts, ends = _line(unit, metrics["period_start"], metrics["period_end"])
    tangled = _tangled(unit, starts, ends)
    if not tangled.any():
        return metrics, notes
    told = [name for name in metrics if name not in KEY]
    rows = _rows(metrics.loc[tangled, told], unit[tangled], starts[tangled], ends[tangled])
    standing = np.empty(0, dtype=np.int64)
    for level in np.unique(rows.order):
        coarser = np.flatnonzero(rows.order == level)
        coarser = coarser[np.argsort(rows.starts[coarser], kind="stable")]
        coarser = _first_come(rows, coarser, notes)
        standing = _decide(rows, standing, coarser, notes)
    standing = _give_back(rows, standing, notes)
    kept = ~tangled
    kept[np.flatnonzero(tangled)[standing]] = True
    return metrics[kept], {name: count for name, count in notes.items() if count}


def _line(unit: Ints, starts: pd.Series, ends: pd.Series) -> tuple[Ints, Ints]:
    """Periods of all creatives on one line of whole numbers, in which only order matters."""
    codes, moments = pd.factorize(pd.concat([starts, ends], ignore_index=True), sort=True)
    offset = unit * np.int64(len(moments))
    return offset + codes[: len(unit)], offset + codes[len(unit) :]


def _tangled(unit: Ints, starts: Ints, ends: Ints) -> Bools:
    """Rows of creatives of which any two rows overlap."""
    order = np.lexsort((ends, starts))
    reached = np.maximum.accumulate(ends[order])
    touching = starts[order][1:] < reached[:-1]
    bad = np.zeros(int(unit.max()) + 1, dtype=bool)
    bad[unit[order][1:][touching]] = True
    return bad[unit]


def _rows(frame: pd.DataFrame, unit: Ints, starts: Ints, ends: Ints) -> _OverlapRows:
    length = frame["period_end"] - frame["period_start"]
    place, grains = pd.factorize(frame["grain"])
    level = np.array([_LEVELS.index(grain) for grain in grains])[place]
    level = np.where((level == _LEVELS.index("gap")) & (length > _DAY), _LEVELS.index("long gap"), level)
    longer = np.where(level == _LEVELS.index("range"), pd.factorize(length, sort=True)[0], 0)
    order = pd.factorize(level * (longer.max() + 1) + longer, sort=True)[0].astype(np.int64)
    return _OverlapRows(frame, unit, starts, ends, np.array(_LEVELS, dtype=object)[level], order)


def _first_come(rows: _OverlapRows, picked: Ints, notes: dict[str, int]) -> Ints:
    """Rows of one level without those that overlap an earlier one that stands."""
    starts, ends, unit = rows.starts[picked], rows.ends[picked], rows.unit[picked]
    if not (starts[1:] < np.maximum.accumulate(ends)[:-1]).any():
        return picked
    following = np.searchsorted(starts, ends, side="left")
    stands = np.zeros(len(picked), dtype=bool)
    current = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]]) if len(unit) else following
    while current.size:
        stands[current] = True
        after = following[current]
        inside = after < len(picked)
        inside[inside] = unit[after[inside]] == unit[current[inside]]
        current = after[inside]
    _count_by_level(rows, picked[~stands], "dropped_for_one_of_the_same_length", notes)
    return picked[stands]


def _decide(rows: _OverlapRows, finer: Ints, coarser: Ints, notes: dict[str, int]) -> Ints:
    """What stands of two sets of rows, each in order and without overlaps."""
    if not finer.size:
        return coarser
    starts, ends = rows.starts[finer], rows.ends[finer]
    inside_from = np.searchsorted(starts, rows.starts[coarser], side="left")
    inside_to = np.searchsorted(ends, rows.ends[coarser], side="right")
    touch_from = np.searchsorted(ends, rows.starts[coarser], side="right")
    touch_to = np.searchsorted(starts, rows.ends[coarser], side="left")
    # A finer row that holds the coarser one ends up with inside_to < inside_from: nothing is inside.
    some = inside_to > inside_from
    inside_to = np.maximum(inside_from, inside_to)
    replaced = some & _accounted(rows, finer, coarser, inside_from, inside_to)
    stays = ~replaced & (touch_to > touch_from)

    word = rows.names[coarser[0]]
    lost = 0
    for name in [column for column in VALUES if column in rows.frame] if replaced.any() else []:
        told = rows.frame[name].notna().to_numpy()
        known = np.r_[0, np.cumsum(told[finer])]
        known_inside = known[inside_to] > known[inside_from]
        lost += int((replaced & ~known_inside & told[coarser]).sum())
    steps = np.zeros(len(finer) + 1, dtype=np.int64)
    np.add.at(steps, touch_from[stays], 1)
    np.add.at(steps, touch_to[stays], -1)
    dropped = np.cumsum(steps[:-1]) > 0

    word_ = word.replace(" ", "_")
    _add(notes, f"{word_}s_replaced_by_{_FINER[word]}", int(replaced.sum()))
    _add(notes, f"{word_}s_kept_over_incomplete_{_FINER[word]}", int(stays.sum()))
    _add(notes, "values_only_in_replaced_rows", lost)
    _count_by_level(rows, finer[dropped], "dropped_for_longer_ones", notes)
    standing = np.concatenate([finer[~dropped], coarser[~replaced]])
    return standing[np.argsort(rows.starts[standing], kind="stable")]


def _give_back(rows: _OverlapRows, standing: Ints, notes: dict[str, int]) -> Ints:
    """Rows that went for one that went itself, where nothing stands now; the coarser first."""
    for level in np.unique(rows.order)[::-1]:
        gone = np.ones(len(rows.order), dtype=bool)
        gone[standing] = False
        back = np.flatnonzero(gone & (rows.order == level))
        first = np.searchsorted(rows.ends[standing], rows.starts[back], side="right")
        last = np.searchsorted(rows.starts[standing], rows.ends[back], side="left")
        back = back[last <= first]
        back = _first_come(rows, back[np.argsort(rows.starts[back], kind="stable")], {})
        _count_by_level(rows, back, "given_back", notes)
        standing = np.concatenate([standing, back])
        standing = standing[np.argsort(rows.starts[standing], kind="stable")]
    return standing


def _accounted(rows: _OverlapRows, finer: Ints, coarser: Ints, first: Ints, last: Ints) -> Bools:
    """Whether finer[first:last] account for each coarser row."""
    length = (rows.frame["period_end"] - rows.frame["period_start"]).dt.total_seconds().to_numpy()
    measured = np.full(len(coarser), np.nan)
    reached = np.full(len(coarser), np.nan)
    candidates = [rows.frame[name].to_numpy() for name in ("impressions", "spend_cny") if name in rows.frame]
    for values in [*candidates, length]:
        open_ = np.isnan(measured)
        total = np.r_[0.0, np.cumsum(np.nan_to_num(values[finer]))]
        measured = np.where(open_, values[coarser], measured)
        reached = np.where(open_, total[last] - total[first], reached)
    return np.asarray(reached >= ENOUGH * measured - 1e-6)


def _count_by_level(rows: _OverlapRows, which: Ints, what: str, notes: dict[str, int]) -> None:
    for word, count in Counter(rows.names[which]).items():
        _add(notes, f"{word.replace(' ', '_')}s_{what}", count)


def _add(notes: dict[str, int], name: str, count: int) -> None:
    notes[name] = notes.get(name, 0) + count
