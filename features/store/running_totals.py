"""What happened between two readings of a running total."""

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
