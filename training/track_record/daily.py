"""Day by day: what came beside what past answers expected, by cause; the series that drift is looked for in.

A day of a creative is compared with the newest answer whose outcome window holds it. So a change is seen after one
reported day, long before outcomes mature; only money after refunds waits until it has settled.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats
from features.funnel import Funnel
from features.point_in_time.metric_rows import SETTLED, MetricRows
from features.point_in_time.windowed_sums import DAY
from features.schema import Loaded
from features.stages import COST, Stage
from training.labels.outcomes import settle_days
from training.track_record.settlement import ages_in_days

MIX, NEW_VALUES = "mix", "new_values"
"""Causes besides the stages: how money moves between accounts and products (by the ROI that answers expect of each),
and how much of the traffic goes to values that were not in the model's data."""
MIX_OF = ("account_id", "product_id")
"""Attributes whose shares of the spend are the mix; single creatives come and go, so they are not."""
MIX_LAG_DAYS = 7
"""The mix of a day is compared with that of the same creatives so many days before, on the same day of the week. In the
shares of all creatives, launches and ends pile up over weeks and hide a change."""
MARKET = COST.name
"""The stage whose drift is one of the price of traffic, not of the creatives."""
MOST_OF_MEAN = 5.0
"""A creative counts for at most so many times the mean of its day: one large one is no market."""
LEAST_EACH_DAY = 5
"""Creatives with expected events on a day, below which the day has no value."""
DAMPING = 0.1
"""Share of a median day that is added to observed and expected: a day without any order has a value too."""
DAILY_COLUMNS = ["promotion_type", "cause", "day", "value", "creatives"]


def daily(live: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings, roi: str) -> pd.DataFrame:
    """One value per promotion type, cause and day.

    Args:
        live: Of `training.track_record.matured.Matured`.
        loaded: Metrics and creatives.
        funnel: Of the data.
        settings: Of the run.
        roi: Main ROI target.

    Returns:
        `promotion_type`, `cause` (a stage, MIX, NEW_VALUES), `day`, `value` and `creatives` behind it. Of a stage:
        log of observed over expected; of MIX: log of the expected ROI of accounts and products by spend, minus the
        same by the spend of these creatives MIX_LAG_DAYS before; of NEW_VALUES: arcsine of the root of the share,
        which has the same variance at every share.
    """
    if live.empty:
        return pd.DataFrame(columns=DAILY_COLUMNS)
    rows = MetricRows.of(loaded)
    days = _days(live, rows, funnel, settings)
    if f"predicted_{roi}" in days:
        shared = [loaded.creatives[name].fillna("") for name in MIX_OF if name in loaded.creatives]
        groups = pd.concat(shared, axis=1).agg("/".join, axis=1).to_numpy()[days["unit"].to_numpy(np.int64)]
        days["of_group"] = days[f"predicted_{roi}"].groupby(groups).transform("mean")
    parts = []
    for kind, of_type in days.groupby("promotion_type", sort=True):
        for cause, series in _series(of_type, funnel):
            parts.append(series.assign(cause=cause, promotion_type=kind))
    return pd.concat(parts, ignore_index=True)[DAILY_COLUMNS] if parts else pd.DataFrame(columns=DAILY_COLUMNS)


def _days(live: pd.DataFrame, rows: MetricRows, funnel: Funnel, settings: Settings) -> pd.DataFrame:
    """Sums of each creative and day, with the newest answer whose window holds the day."""
    measured = rows.measures(funnel, settings)
    settling = ages_in_days(rows) < settle_days(settings)
    for name in SETTLED:
        if name in measured:
            measured[name] = np.where(settling, np.nan, measured[name])
    short = rows.end_seconds - rows.start_seconds <= DAY
    frame = pd.DataFrame({"unit": rows.units, "day": pd.Series(rows.starts).dt.floor("D"), **measured})[short]
    sums = frame.groupby(["unit", "day"], sort=False).sum(min_count=1).reset_index().sort_values("day")
    sums["day"] = sums["day"].astype("datetime64[us]")
    if "spend_cny" in sums:
        before = sums[["unit", "day", "spend_cny"]].assign(day=sums["day"] + pd.Timedelta(days=MIX_LAG_DAYS))
        sums = sums.merge(before.rename(columns={"spend_cny": "spend_before"}), on=["unit", "day"], how="left")
    stated = [name for name in map(str, live) if name.startswith(("stage_", "predicted_"))]
    answers = live[["unit", "opens", "promotion_type", "trained_until", "outcome_days", "unseen", *stated]]
    answers = answers.assign(opens=answers["opens"].astype("datetime64[us]")).sort_values("opens")
    found = pd.merge_asof(sums, answers, left_on="day", right_on="opens", by="unit")
    inside = found["day"] + pd.Timedelta(days=1) <= found["opens"] + pd.to_timedelta(found["outcome_days"], unit="D")
    return found[inside].reset_index(drop=True)


def _series(days: pd.DataFrame, funnel: Funnel) -> Iterator[tuple[str, pd.DataFrame]]:
    """Cause, and its series."""
    for stage in funnel.stages:
        if f"stage_{stage.name}" in days and stage.name in funnel.composed_stages:
            exposure = days[_exposure(stage)].to_numpy(np.float64)
            stated = days[f"stage_{stage.name}"].to_numpy(np.float64)
            yield stage.name, _by_day(days["day"], days[stage.numerator].to_numpy(np.float64), stated * exposure)
    if "of_group" in days and "spend_before" in days:
        yield MIX, _mix(days[(days["spend_cny"] > 0) & (days["spend_before"] > 0)])
    volume = days[funnel.volume_of].to_numpy(np.float64)
    yield NEW_VALUES, _by_day(days["day"], volume * days["unseen"].to_numpy(np.float64), volume, log=False, damping=0.0)


def _mix(days: pd.DataFrame) -> pd.DataFrame:
    """The expected ROI of groups by spend, against that by the spend of the same creatives MIX_LAG_DAYS before."""
    group = days["of_group"].to_numpy(np.float64)
    spend, before = (days[name].to_numpy(np.float64) for name in ("spend_cny", "spend_before"))
    now, then = (_by_day(days["day"], group * by, by, damping=0.0) for by in (spend, before))
    return now.assign(value=now["value"] - then["value"])


def _exposure(stage: Stage) -> str:
    """The exposure that a stated rate refers to: of a priced stage, CNY per order, the orders."""
    return stage.events if stage.priced else stage.exposure


def _by_day(
    day: pd.Series, came: Floats, expected: Floats, *, log: bool = True, damping: float = DAMPING
) -> pd.DataFrame:
    """One row per day: log of the ratio of sums, or the arcsine of the root of it."""
    known = np.isfinite(came) & (expected > 0)
    frame = pd.DataFrame({"day": day, "came": came, "expected": expected})[known]
    most = MOST_OF_MEAN * frame.groupby("day")["expected"].transform("mean")
    scale = np.minimum(1.0, most / frame["expected"])
    sums = (
        frame.assign(came=frame["came"] * scale, expected=frame["expected"] * scale)
        .groupby("day")
        .agg(came=("came", "sum"), expected=("expected", "sum"), creatives=("came", "size"))
    )
    added = damping * float(sums["expected"].median())
    ratio = ((sums["came"] + added) / (sums["expected"] + added)).to_numpy(np.float64)
    with np.errstate(divide="ignore"):
        value = np.log(ratio) if log else np.arcsin(np.sqrt(np.clip(ratio, 0.0, 1.0)))
    value = np.where((sums["creatives"] >= LEAST_EACH_DAY) & np.isfinite(value), value, np.nan)
    return pd.DataFrame({"day": sums.index, "value": value, "creatives": sums["creatives"].to_numpy()})
