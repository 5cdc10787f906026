"""Running totals: readings of a total become increments between two readings."""

import pandas as pd

from features.schema import KEY, MONEY_DECIMALS, PERIOD, VALUES

LONG_GAP = pd.Timedelta(days=7)
"""Longer gaps between readings are counted: values inside them cannot be assigned to an age."""


def increments(readings: pd.DataFrame, launched: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Turn readings of running totals (grain `reading`) into increments between them (grain `gap`).

    The first reading counts from `launched_at` if that is known and earlier; otherwise it is only the base. Where a
    total falls, the highest value so far remains the base, so the increment is 0 until the total exceeds it. A value
    missing from a reading has a missing increment, and the next known increment covers both.

    Args:
        readings: KEY + PERIOD + values; `period_end` is the time of the reading.
        launched: KEY + `launched_at`, one row per creative.

    Returns:
        KEY + PERIOD + values, and counts by name.
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
    """Add a reading of 0 at launch for the creatives whose launch is known and before their first reading."""
    firsts = frame.loc[~frame.duplicated(KEY), [*KEY, "period_end"]]
    firsts = firsts.merge(launched[[*KEY, "launched_at"]], on=KEY, how="inner")
    firsts = firsts[firsts["launched_at"] < firsts["period_end"]]
    births = firsts[KEY].assign(period_end=firsts["launched_at"], **dict.fromkeys(values, 0.0))
    if births.empty:
        return frame, 0
    both = pd.concat([births, frame], ignore_index=True)
    return both.sort_values([*KEY, "period_end"], ignore_index=True), len(births)
