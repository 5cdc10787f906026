"""What the creatives spent and earned on each of the last days: tiles, lists and sparklines of the page."""

import numpy as np
import pandas as pd

from configs.settings import BASES
from features.arrays import Floats, Ints
from features.schema import KEY
from features.targets import TARGETS
from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from training.decision.status import RUNNING_DAYS

PERIODS = (7, 14)
"""Days of the periods that a reader chooses from."""
DAYS = 2 * max(PERIODS)
"""Days that are kept: the longest period and the one before it."""
SPEND, IMPRESSIONS, EARNED, EARNING_SPEND = "spend", "impressions", "earned", "earning_spend"


class Daily(ReportPart):
    """Sums by day of the creatives that had delivery in the last DAYS days.

    Attributes:
        days: ISO dates, the oldest first; the last one is that of the end of the data.
        creatives: Their indices.
        series: Measure → (creatives, days) sums; a period of several days counts in equal parts. `spend` and `earned`
            (the money of the ROI target) in CNY, `impressions`; `earning_spend` is the spend of periods whose money is
            settled, where that differs from `spend`. Only those that the data have.
        ran: Days back → indices of the creatives that were running at that time.
    """

    days: list[str]
    creatives: list[int]
    series: dict[str, list[list[float]]]
    ran: dict[int, list[int]]


def daily(context: ReportContext) -> Daily:
    """Sums by day, up to the last reported one."""
    metrics = context.loaded.metrics
    index = indices(context, metrics)
    last = (context.now - pd.Timedelta(microseconds=1)).normalize()
    days = pd.date_range(last - pd.Timedelta(days=DAYS - 1), last)
    recent = ((metrics["period_end"] > days[0]) & (index >= 0)).to_numpy()
    rows, of_rows = metrics[recent], index[recent]
    shares = _shares_of_days(rows, days)
    found = {name: _sums(shares, values, of_rows, len(context.observed)) for name, values in _measures(context, rows)}
    delivered = sum(found.values(), np.zeros((len(context.observed), DAYS))).any(axis=1)
    creatives = np.flatnonzero(delivered)
    return Daily(
        days=[f"{day:%Y-%m-%d}" for day in days],
        creatives=creatives.tolist(),
        series={name: np.round(sums[creatives], 2).tolist() for name, sums in found.items()},
        ran={back: _ran(metrics, index, back) for back in PERIODS},
    )


def indices(context: ReportContext, rows: pd.DataFrame) -> Ints:
    """(rows,) Index of each row's creative (KEY); −1 where it is not chosen."""
    order = context.order
    keys = pd.MultiIndex.from_frame(context.observed[KEY].iloc[order].astype(str))
    place = pd.Series(range(len(order)), index=keys)
    return place.reindex(pd.MultiIndex.from_frame(rows[KEY].astype(str))).fillna(-1).to_numpy().astype(np.int64)


def _measures(context: ReportContext, rows: pd.DataFrame) -> list[tuple[str, Floats]]:
    """Values of the rows, NaN as 0."""
    net = BASES[context.settings.basis][0]
    earned = net if context.roi and TARGETS[context.roi].net and net else "gmv_cny"
    found = [
        (name, rows[column]) for name, column in ((SPEND, "spend_cny"), (IMPRESSIONS, "impressions")) if column in rows
    ]
    if earned in rows:
        found.append((EARNED, rows[earned]))
        if "spend_cny" in rows and rows[earned].isna().any():
            found.append((EARNING_SPEND, rows["spend_cny"].where(rows[earned].notna())))
    return [(name, np.nan_to_num(values.to_numpy(np.float64))) for name, values in found]


def _shares_of_days(rows: pd.DataFrame, days: pd.DatetimeIndex) -> Floats:
    """(rows, days) Part of each row's period that lies in each day."""
    start, end = (
        rows[name].to_numpy("datetime64[us]").astype(np.int64)[:, None] for name in ("period_start", "period_end")
    )
    first = days.to_numpy("datetime64[us]").astype(np.int64)[None, :]
    day = np.int64(pd.Timedelta(days=1) / pd.Timedelta(microseconds=1))
    return np.clip(np.minimum(end, first + day) - np.maximum(start, first), 0, None) / (end - start)


def _sums(shares: Floats, values: Floats, of_rows: Ints, count: int) -> Floats:
    """(creatives, days) Sums."""
    found = np.zeros((count, shares.shape[1]))
    np.add.at(found, of_rows, shares * values[:, None])
    return found


def _ran(metrics: pd.DataFrame, index: Ints, back: int) -> list[int]:
    """Creatives that were running so many days before the end of their account's data."""
    until = metrics.groupby(KEY[:2])["period_end"].transform("max") - pd.Timedelta(days=back)
    silent = until - metrics["period_end"]
    was = (silent >= pd.Timedelta(0)) & (silent <= pd.Timedelta(days=RUNNING_DAYS)) & (index >= 0)
    return np.unique(index[was.to_numpy()]).tolist()
