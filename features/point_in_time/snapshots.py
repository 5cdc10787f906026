"""Which moments of a creative's life we look at: one row per creative and age."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.point_in_time.windowed_sums import Codes, TimedSums, seconds
from features.schema import KEY

HOUR = 3600
WEEK_HOURS = 7 * 24

SNAPSHOT = [*KEY, "age_hours", "launched_at", "cutoff", "elapsed_hours", "launch_observed", "launch_hour"]
"""Columns of a snapshot."""


def unit_codes(frame: pd.DataFrame, creatives: pd.DataFrame) -> Codes:
    """Row position in `creatives` of each row's creative; -1 where it is not there."""
    index = pd.MultiIndex.from_frame(creatives[KEY])
    return np.asarray(index.get_indexer(pd.MultiIndex.from_frame(frame[KEY])), dtype=np.int64)


def launches(metrics: pd.DataFrame, creatives: pd.DataFrame) -> pd.DataFrame:
    """When each creative was first delivered, and whether that was seen.

    A launch is the start of the first period with impressions (with spend, where there are none to count). A time
    that the team declares tells the hour where it lies inside that period. A creative that already runs on the
    account's first day may have started long before: its launch was not observed, unless its upload or its declared
    launch shows it.

    Returns:
        One row per row of `creatives`, in its order: KEY, `launched_at` (NaT before launch), `launch_observed`,
        `launch_hour` (NaN where only the day is known) and `last_end` (end of the last period; NaT).
    """
    delivered = _delivered(metrics)
    units = unit_codes(metrics, creatives)
    timed = metrics.assign(unit=units)
    first = timed[delivered].drop_duplicates("unit").set_index("unit")  # metrics are sorted by period_start
    last_end = timed.groupby("unit")["period_end"].max()
    places = [*KEY[:2]]
    account_start = metrics.groupby(places)["period_start"].min().rename("account_start")

    table = creatives[KEY].copy()
    table["start"] = first["period_start"].reindex(table.index)
    table["end"] = first["period_end"].reindex(table.index)
    table["grain"] = first["grain"].reindex(table.index)
    table = table.join(account_start, on=places)
    none = pd.Series(pd.NaT, index=table.index, dtype="datetime64[us]")
    declared = creatives.get("launched_at", none)
    created = creatives.get("created_at", none)
    inside = declared.between(table["start"], table["end"], inclusive="left")
    return creatives[KEY].assign(
        launched_at=table["start"].astype("datetime64[us]"),
        launch_observed=(table["start"] >= table["account_start"] + pd.Timedelta(days=1))
        | (created >= table["account_start"])
        | (declared >= table["account_start"])
        | (inside & (table["grain"] == "gap")),
        launch_hour=declared.where(inside, table["start"].where(table["grain"].isin(["hour", "gap"]))).dt.hour,
        last_end=last_end.reindex(table.index).astype("datetime64[us]"),
    )


def snapshots(
    metrics: pd.DataFrame,
    creatives: pd.DataFrame,
    ages_hours: Sequence[int],
    *,
    weekly: bool,
    launched: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Every creative at every age that its data can show; its launch (`launches`) is looked for where it is not told.

    The cutoff is the end of the last period that ended at or before launched_at + age. An age that shows nothing
    beyond the one before it is left out; so is age 0 of a creative whose launch was not observed.

    Returns:
        KEY, `age_hours`, `launched_at`, `cutoff`, `elapsed_hours` (launch to cutoff), `launch_observed`,
        `launch_hour`; sorted by KEY and age.
    """
    told = launches(metrics, creatives) if launched is None else launched
    born = told.dropna(subset=["launched_at"])
    if born.empty:
        return _finish(born.assign(age_hours=0, cutoff=born["launched_at"]))
    units = born.index.to_numpy(np.int64)
    begins = seconds(born["launched_at"])
    ends = seconds(born["last_end"])
    timeline = TimedSums(
        unit_codes(metrics, creatives), seconds(metrics["period_start"]), seconds(metrics["period_end"]), {}
    )
    ages = list(ages_hours)
    if weekly:
        oldest = int(((ends - begins) / HOUR).max())
        start = (max(ages) // WEEK_HOURS + 1) * WEEK_HOURS
        ages += range(start, oldest + WEEK_HOURS, WEEK_HOURS)

    parts = []
    before = np.full(len(units), -1, dtype=np.int64)
    for age in ages:
        if age == 0:
            cutoff = begins
            kept = born["launch_observed"].to_numpy()
        else:
            cutoff = timeline.last_end(units, begins + age * HOUR)
            kept = (cutoff > before) & (cutoff > begins)
        parts.append(born[kept].assign(age_hours=age, cutoff=cutoff[kept].astype("datetime64[s]")))
        before = np.where(kept, cutoff, before)
    return _finish(pd.concat(parts))


def latest_snapshots(metrics: pd.DataFrame, creatives: pd.DataFrame, now: pd.Timestamp) -> pd.DataFrame:
    """Every creative once, at the end of its last period; one not launched yet at age 0 and `now`.

    Returns:
        As `snapshots`; `age_hours` is the hours since launch, as they are. `launched_at` is the declared or planned
        time of a creative not launched yet, else NaT.
    """
    born = launches(metrics, creatives)
    running = born["launched_at"].notna()
    cutoff = born["last_end"].where(running, now)
    age = ((cutoff - born["launched_at"]) / pd.Timedelta(hours=1)).where(running, 0.0)
    planned = creatives.get("launched_at", born["launched_at"])
    return _finish(
        born.assign(
            age_hours=age,
            cutoff=cutoff,
            launched_at=born["launched_at"].where(running, planned),
            launch_observed=born["launch_observed"] | ~running,
            launch_hour=born["launch_hour"].where(running, planned.dt.hour),
        )
    )


def _delivered(metrics: pd.DataFrame) -> pd.Series:
    seen = pd.Series(np.nan, index=metrics.index)
    for name in ("impressions", "spend_cny"):
        if name in metrics:
            seen = seen.fillna(metrics[name])
    return seen > 0


def _finish(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(cutoff=table["cutoff"].astype("datetime64[us]"))
    elapsed = (table["cutoff"] - table["launched_at"]) / pd.Timedelta(hours=1)
    table["elapsed_hours"] = elapsed.where(table["age_hours"] > 0, 0.0)  # a funnel that has passed is no launch
    return table[SNAPSHOT].sort_values([*KEY, "age_hours"], ignore_index=True)
