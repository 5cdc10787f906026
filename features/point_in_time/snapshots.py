"""Snapshots: one row per creative and age, with the cutoff up to which counts are taken.

A table of snapshots is an ArrayFrame with `unit` (position of the creative), `age_hours`, `launched_at`, `cutoff`,
`elapsed_hours` (launch to cutoff), `launch_observed` and `launch_hour`; a pandas frame of them has KEY in the place of
`unit` (SNAPSHOT).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Codes, Floats, Mask, Times
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.metric_rows import GRAINS, MetricRows, earliest, latest
from features.point_in_time.windowed_sums import HOUR, TimedSums, seconds
from features.schema import KEY

WEEK_HOURS = 7 * 24
ONE_HOUR, ONE_DAY = np.timedelta64(1, "h"), np.timedelta64(1, "D")
NEVER = np.datetime64("NaT", "us")
HOUR_GRAIN, GAP_GRAIN = GRAINS.index("hour"), GRAINS.index("gap")
"""Grains whose first period gives the hour of launch by its start."""

SNAPSHOT = [*KEY, "age_hours", "launched_at", "cutoff", "elapsed_hours", "launch_observed", "launch_hour"]
"""Columns of a frame of snapshots."""


@dataclass(frozen=True)
class Launches:
    """When each creative was first delivered, and whether that was seen; axis 0 of every array: creatives.

    Attributes:
        launched_at: datetime64[us]; NaT before launch.
        launch_observed: Whether the data show the launch itself.
        launch_hour: Hour of the day; NaN where only the day is known.
        last_end: End of the last period, datetime64[us]; NaT without rows.
    """

    launched_at: Times
    launch_observed: Mask
    launch_hour: Floats
    last_end: Times

    def frame(self, creatives: ArrayFrame) -> pd.DataFrame:
        """As a pandas frame with KEY."""
        return creatives.select(KEY).assign(vars(self)).frame()


def launches(rows: MetricRows, delivered: Codes | None = None) -> Launches:
    """Find the launch of every creative.

    A launch is the start of the first period with impressions (with spend, where there are none to count). A time
    that the team declares gives the hour where it lies inside that period. A creative that already runs on the
    account's first day may have started long before: its launch was not observed, unless its upload or its declared
    launch shows it.
    """
    creatives, units = rows.creatives, rows.units
    count, accounts = len(creatives), rows.account_codes
    delivered = delivered_rows(rows) if delivered is None else delivered
    starts, own = rows.starts[delivered], units[delivered]
    first = earliest(own, starts, count)
    is_first = starts == first[own]
    own, is_first = own[is_first], delivered[is_first]
    end, grain = np.full(count, NEVER), np.full(count, -1, dtype=np.int64)
    end[own], grain[own] = rows.ends[is_first], rows.grains[is_first]
    account_start = earliest(accounts[units], rows.starts, int(accounts.max(initial=-1)) + 1)[accounts]
    declared, created = (creatives.times(name) for name in ("launched_at", "created_at"))
    inside = (first <= declared) & (declared < end)
    timed = np.where((grain == HOUR_GRAIN) | (grain == GAP_GRAIN), first, NEVER)
    return Launches(
        launched_at=first,
        launch_observed=(first >= account_start + ONE_DAY)
        | (created >= account_start)
        | (declared >= account_start)
        | (inside & (grain == GAP_GRAIN)),
        launch_hour=_hour(np.where(inside, declared, timed)),
        last_end=latest(units, rows.ends, count),
    )


def snapshots(
    rows: MetricRows, ages_hours: Sequence[int], *, weekly: bool, launched: Launches | None = None
) -> ArrayFrame:
    """Every creative at every age that its data can show, by creative and age.

    The cutoff is the end of the last period that ended at or before launched_at + age. An age that shows nothing
    beyond the one before it is left out; so is age 0 of a creative whose launch was not observed.

    Args:
        rows: Rows of metrics.
        ages_hours: The ages.
        weekly: Whether weekly ages go on as long as a creative lives.
        launched: Of `launches`, where the caller has them.
    """
    born = launches(rows) if launched is None else launched
    units = np.flatnonzero(~np.isnat(born.launched_at))
    begins, ends = seconds(born.launched_at[units]), seconds(born.last_end[units])
    timeline = TimedSums(rows.units, rows.start_seconds, rows.end_seconds, {})
    ages = list(ages_hours)
    if weekly and len(units):
        oldest = int(((ends - begins) / HOUR).max())
        start = (max(ages) // WEEK_HOURS + 1) * WEEK_HOURS
        ages += range(start, oldest + WEEK_HOURS, WEEK_HOURS)

    found: list[tuple[Codes, Codes, Codes]] = []  # unit, age, cutoff
    before = np.full(len(units), -1, dtype=np.int64)
    for age in ages:
        if age == 0:
            cutoff, kept = begins, born.launch_observed[units]
        else:
            cutoff = timeline.last_end(units, begins + age * HOUR)
            kept = (cutoff > before) & (cutoff > begins)
        found.append((units[kept], np.full(int(kept.sum()), age, dtype=np.int64), cutoff[kept]))
        before = np.where(kept, cutoff, before)
    unit, age_hours, cutoff = (np.concatenate(parts) for parts in zip(*found))
    order = np.lexsort((age_hours, unit))
    unit = unit[order]
    moments = cutoff[order].astype("datetime64[s]").astype("datetime64[us]")
    return _table(
        unit, age_hours[order], born.launched_at[unit], moments, born.launch_observed[unit], born.launch_hour[unit]
    )


def latest_snapshots(rows: MetricRows, now: pd.Timestamp) -> ArrayFrame:
    """Every creative once, at the end of its last period; one not launched yet at age 0 and `now`.

    Returns:
        One row per creative, in their order. `age_hours` is the hours since launch, as they are; `launched_at` is the
        declared or planned time of a creative not launched yet, else NaT. One column more than other snapshots have:
        `delivered_until`, the end of the last period in which something was shown; NaT before launch.
    """
    delivered = delivered_rows(rows)
    born, planned = launches(rows, delivered), rows.creatives.times("launched_at")
    running = ~np.isnat(born.launched_at)
    cutoff = np.where(running, born.last_end, now.to_datetime64().astype("datetime64[us]"))
    table = _table(
        np.arange(len(rows.creatives), dtype=np.int64),
        np.where(running, (cutoff - born.launched_at) / ONE_HOUR, 0.0),
        np.where(running, born.launched_at, planned),
        cutoff,
        born.launch_observed | ~running,
        np.where(running, born.launch_hour, _hour(planned)),
    )
    last = latest(rows.units[delivered], rows.ends[delivered], len(rows.creatives))
    return table.assign({"delivered_until": last})


def snapshot_table(frame: pd.DataFrame, units: Codes) -> ArrayFrame:
    """A pandas frame of snapshots (SNAPSHOT) of creatives at these positions."""
    return ArrayFrame.of(frame[SNAPSHOT[len(KEY) :]]).assign({"unit": units})


def snapshot_frame(table: ArrayFrame, creatives: ArrayFrame) -> pd.DataFrame:
    """A table of snapshots as a pandas frame (SNAPSHOT)."""
    return creatives.select(KEY).take(table["unit"]).assign(table.without(["unit"])).frame()


def _table(
    unit: Codes,
    age_hours: Codes | Floats,
    launched_at: Times,
    cutoff: Times,
    launch_observed: Mask,
    launch_hour: Floats,
) -> ArrayFrame:
    """A table of snapshots (see the module); all arrays are (snapshots,)."""
    # A planned time that has passed without delivery is no launch.
    elapsed = np.where(age_hours > 0, (cutoff - launched_at) / ONE_HOUR, 0.0)
    columns = {
        "unit": unit,
        "age_hours": age_hours,
        "launched_at": launched_at,
        "cutoff": cutoff,
        "elapsed_hours": elapsed,
        "launch_observed": launch_observed,
        "launch_hour": launch_hour,
    }
    return ArrayFrame(dict(columns), len(unit))


def delivered_rows(rows: MetricRows) -> Codes:
    """Rows in which something was shown: impressions above 0, or spend where impressions are not known."""
    known = [rows.values[name] for name in ("impressions", "spend_cny") if name in rows.values]
    if not known:
        return np.zeros(0, dtype=np.int64)
    seen = known[0] if len(known) == 1 else np.where(np.isnan(known[0]), known[1], known[0])
    return (seen > 0).nonzero()[0]


def _hour(times: Times) -> Floats:
    """Hour of the day; NaN of a missing time."""
    return np.where(np.isnat(times), np.nan, times.astype("datetime64[h]").astype(np.int64) % 24.0)
