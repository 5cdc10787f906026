"""The life of a creative: what it spent (or was shown) each day, and whether it rises, runs or fades.

A mean over three days is compared with the three days before and with the highest such mean so far:

- `rising`: RISING_TIMES times the three days before or more, and at most RISING_DAYS days old;
- `fading`: less than FADING_SHARE of its highest three-day mean;
- `steady`: else;
- `new`: fewer than LEAST_DAYS days of delivery; `stopped` and `waiting`: its status.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.point_in_time.metric_rows import unit_codes
from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from training.decision.status import RUNNING, STOPPED, WAITING

NEW, RISING, STEADY, FADING = "new", "rising", "steady", "fading"
SPAN_DAYS = 3
RISING_TIMES, RISING_DAYS = 1.3, 14
FADING_SHARE = 0.5
LEAST_DAYS = 4
MOST_DAYS = 45
"""Days of a life that are kept, the last ones."""
DAY = np.timedelta64(1, "D")


class Life(ReportPart):
    """What a creative's days were.

    Attributes:
        first_day: ISO date of the first of `daily`; empty before launch.
        daily: What it spent (was shown, where spend is not known) each day until its last delivery, of a running one
            until the last day that its account reports; at most MOST_DAYS, the last ones.
        days: Days since launch.
        phase: `rising`, `steady`, `fading`, `new`, `stopped` or `waiting`.
        recent: Mean of the last SPAN_DAYS days; None before launch.
        peak: Highest mean of SPAN_DAYS days in a row; None with fewer.
        peak_end: Place of the last of these days in `daily`; None where `peak` is.
    """

    first_day: str
    daily: list[float]
    days: int
    phase: str
    recent: float | None
    peak: float | None
    peak_end: int | None


@dataclass(frozen=True)
class DailySums:
    """Daily sums of all creatives, one after the other.

    Attributes:
        values: Sums of days, those of one creative in order of time.
        begins: (creatives + 1,) Where the days of a creative begin.
        first: (creatives,) Its first day; NaT without delivery.
    """

    values: Floats
    begins: npt.NDArray[np.int64]
    first: npt.NDArray[np.datetime64]


def lives(context: ReportContext) -> list[Life]:
    """Lives of the chosen creatives, in their order in the context."""
    daily = daily_sums(context)
    return [
        _life(context.status[row], daily.values[begin:end], daily.first[row])
        for row, (begin, end) in enumerate(zip(daily.begins[:-1].tolist(), daily.begins[1:].tolist()))
    ]


def daily_sums(context: ReportContext) -> DailySums:
    """Spend (impressions, where there is none) of each day; a longer period counts evenly on its days."""
    metrics, column = context.loaded.metrics, daily_column(context)
    rows = unit_codes(metrics, context.observed)
    kept = np.flatnonzero((rows >= 0) & metrics[column].notna().to_numpy())
    rows, values = rows[kept], metrics[column].to_numpy(np.float64)[kept]
    start = metrics["period_start"].to_numpy("datetime64[D]")[kept]
    end = (metrics["period_end"].to_numpy("datetime64[us]")[kept] - np.timedelta64(1, "us")).astype("datetime64[D]")
    lengths = np.maximum((end - start) // DAY + 1, 1)
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    of, day = np.repeat(rows, lengths), np.repeat(start, lengths) + within * DAY
    count = len(context.observed)
    first, last = (np.full(count, np.datetime64("NaT", "D")) for _ in range(2))
    np.fmin.at(first, of, day)
    np.fmax.at(last, of, day)
    running = np.array([status == RUNNING for status in context.status])
    last = np.where(running, np.fmax(last, _account_ends(context)), last)
    known = ~np.isnat(first)
    days = np.zeros(count, dtype=np.int64)
    days[known] = (last[known] - first[known]) // DAY + 1
    begins = np.concatenate([[0], np.cumsum(days)])
    places = begins[of] + (day - first[of]) // DAY
    sums = np.bincount(places, np.repeat(values / lengths, lengths), int(begins[-1])).astype(np.float64)
    return DailySums(sums, begins, first)


def daily_column(context: ReportContext) -> str:
    """Column that days are summed of: spend, or what later volume counts where spend is not known."""
    return "spend_cny" if "spend_cny" in context.loaded.metrics else context.funnel.volume_of


def _account_ends(context: ReportContext) -> npt.NDArray[np.datetime64]:
    """(creatives,) Last day that the creative's account reports."""
    ends = context.loaded.metrics.groupby("account_id")["period_end"].max() - pd.Timedelta(microseconds=1)
    return context.observed["account_id"].map(ends).to_numpy("datetime64[D]")


def _life(status: str, daily: Floats, first: np.datetime64) -> Life:
    if status == WAITING or not len(daily):
        return Life(first_day="", daily=[], days=0, phase=WAITING, recent=None, peak=None, peak_end=None)
    cut = max(len(daily) - MOST_DAYS, 0)
    spans = np.convolve(daily, np.ones(SPAN_DAYS) / SPAN_DAYS, "valid") if len(daily) >= SPAN_DAYS else daily[:0]
    peak_end = int(spans.argmax()) + SPAN_DAYS - 1 - cut if len(spans) else None
    return Life(
        first_day=str(first + cut * DAY),
        daily=[float(value) for value in daily[cut:]],
        days=len(daily),
        phase=STOPPED if status == STOPPED else phase(daily),
        recent=float(daily[-SPAN_DAYS:].mean()),
        peak=float(spans.max()) if len(spans) else None,
        peak_end=peak_end if peak_end is not None and peak_end >= 0 else None,
    )


def phase(daily: Floats) -> str:
    """Whether a running creative rises, runs or fades, by the rule of this module.

    Args:
        daily: (days,) Daily sums since launch.
    """
    if len(daily) < LEAST_DAYS:
        return NEW
    recent = daily[-SPAN_DAYS:].mean()
    before = daily[-2 * SPAN_DAYS : -SPAN_DAYS].mean()
    if recent >= RISING_TIMES * before and len(daily) <= RISING_DAYS:
        return RISING
    peak = np.convolve(daily, np.ones(SPAN_DAYS) / SPAN_DAYS, "valid").max()
    return FADING if recent < FADING_SHARE * peak else STEADY
