"""How much data there is against how much training needs, and when there will be enough at the present pace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.point_in_time.counts import funnel_of
from features.point_in_time.metric_rows import MetricRows, unit_codes
from features.point_in_time.snapshots import launches, snapshot_frame, snapshots
from features.schema import KEY, Loaded
from training.errors import TooThinError
from training.labels.outcomes import MATURE, outcomes, settle_days
from training.labels.splits import Mask, holdout_split

WEEK = pd.Timedelta(days=7)
PACE_WEEKS = 4
"""Weeks before the end of the data in which new creatives are counted for the pace."""
MOST_WEEKS = 104
"""Beyond two years at this pace nobody waits: no number is given."""

Stage = Literal["full", "small", "none"]


@dataclass(frozen=True)
class Amounts:
    """What there is to train on; creatives count where their rows are used first, in this order.

    Attributes:
        training: Creatives whose outcome closed before the holdout.
        holdout: Others that are evaluated.
        between: Others that closed, in the time between.
        waiting: Others that were delivered and whose outcome has not closed.
        undelivered: Creatives without impressions or spend.
        orders: Orders of the creatives for training; None where the data count none.
        first, last: Launch of the first creative and end of the last period; NaT without any.
        new_a_week: Creatives launched per week at the end of the data.
        needed_creatives, needed_orders: For the full model.
        small_creatives, small_orders: For the funnel model alone.
        weeks_to_full, weeks_to_small: Weeks until there is enough; 0: now; None: not within MOST_WEEKS.
    """

    training: int
    holdout: int
    between: int
    waiting: int
    undelivered: int
    orders: int | None
    first: pd.Timestamp
    last: pd.Timestamp
    new_a_week: float
    needed_creatives: int
    needed_orders: int
    small_creatives: int
    small_orders: int
    weeks_to_full: int | None
    weeks_to_small: int | None

    @property
    def stage(self) -> Stage:
        """What can be trained now."""
        if self.weeks_to_full == 0:
            return "full"
        return "small" if self.weeks_to_small == 0 else "none"


def amounts(loaded: Loaded, settings: Settings) -> Amounts:
    """Count what loaded data give to training, by the snapshots, outcomes and split of a run.

    Args:
        loaded: Metrics and creatives.
        settings: Of the run.
    """
    rows = MetricRows.of(loaded)
    born = launches(rows)
    table = snapshot_frame(snapshots(rows, settings.ages_hours, weekly=settings.weekly, launched=born), rows.creatives)
    columns = [name for name in map(str, loaded.metrics) if name not in KEY]
    funnel = funnel_of(columns, loaded.creatives, settings)
    outcome = outcomes(table, rows, funnel, settings)
    frame = pd.DataFrame({"cutoff": table["cutoff"], "closed_at": outcome["closed_at"], "state": outcome["state"]})
    mature = (frame["state"] == MATURE).to_numpy(np.bool_)
    train, holdout = np.zeros(len(frame), np.bool_), np.zeros(len(frame), np.bool_)
    try:
        train, holdout, _ = holdout_split(frame, settings.split.holdout_days)
    except (TooThinError, ValueError):
        holdout = mature
    codes = unit_codes(table[KEY], loaded.creatives)
    counts, in_training = _uses(codes, len(loaded.creatives), [train, holdout, mature, np.ones(len(frame), np.bool_)])
    orders = _orders(loaded)
    launched = pd.Series(born.launched_at)
    until = loaded.metrics["period_end"].max()
    gap = pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    lag = gap + gap + pd.Timedelta(days=settings.split.holdout_days)
    thin = settings.thin
    recent = (launched > until - PACE_WEEKS * WEEK).sum() / min(PACE_WEEKS, max((until - launched.min()) / WEEK, 1.0))
    found = (int(in_training.sum()), None if orders is None else int(orders[in_training].sum()))
    pace = _Pace(launched, orders, until, lag, float(recent))
    least = (min(thin.small_creatives, thin.min_creatives), min(thin.small_orders, thin.min_orders))
    return Amounts(
        training=counts[0],
        holdout=counts[1],
        between=counts[2],
        waiting=counts[3],
        undelivered=len(loaded.creatives) - sum(counts),
        orders=found[1],
        first=launched.min(),
        last=until,
        new_a_week=float(recent),
        needed_creatives=thin.min_creatives,
        needed_orders=thin.min_orders,
        small_creatives=least[0],
        small_orders=least[1],
        weeks_to_full=_weeks(found, (thin.min_creatives, thin.min_orders), pace),
        weeks_to_small=_weeks(found, least, pace),
    )


@dataclass(frozen=True)
class _Pace:
    """What decides how the training data grow; arrays and series have one entry per creative.

    Attributes:
        launched: Launch, NaT before it.
        orders: Orders so far; None where the data count none.
        until: End of the data.
        lag: Time from a launch until the creative counts for training.
        new_a_week: Creatives launched per week from now on.
    """

    launched: pd.Series
    orders: np.ndarray | None
    until: pd.Timestamp
    lag: pd.Timedelta
    new_a_week: float


def _weeks(found: tuple[int, int | None], needed: tuple[int, int], pace: _Pace) -> int | None:
    """Return in how many weeks both amounts are reached; 0 if they are."""
    if found[0] >= needed[0] and (found[1] is None or found[1] >= needed[1]):
        return 0
    known = pace.launched.notna().to_numpy()
    share = 0.0 if pace.orders is None or not known.any() else float(pace.orders[known].mean())
    for week in range(1, MOST_WEEKS + 1):
        edge = pace.until + week * WEEK - pace.lag  # creatives launched by then count
        counted = known & (pace.launched <= edge).to_numpy()
        new = max(0.0, (edge - pace.until) / WEEK) * pace.new_a_week
        orders = None if pace.orders is None else pace.orders[counted].sum() + new * share
        if counted.sum() + new >= needed[0] and (orders is None or orders >= needed[1]):
            return week
    return None


def _uses(codes: np.ndarray, creatives: int, masks: list[Mask]) -> tuple[list[int], Mask]:
    """Count creatives by the first of the masks that holds a row of theirs; also flag those of the first mask."""
    left = np.ones(creatives, np.bool_)
    counts, first = [], np.zeros(creatives, np.bool_)
    for place, mask in enumerate(masks):
        chosen = np.zeros(creatives, np.bool_)
        chosen[codes[mask]] = True
        counts.append(int((chosen & left).sum()))
        left &= ~chosen
        if place == 0:
            first = chosen
    return counts, first


def _orders(loaded: Loaded) -> np.ndarray | None:
    """(creatives,) orders of each creative; None where the data count none."""
    if "orders" not in loaded.metrics:
        return None
    codes = unit_codes(loaded.metrics[KEY], loaded.creatives)
    return np.bincount(codes, weights=loaded.metrics["orders"].fillna(0.0).to_numpy(), minlength=len(loaded.creatives))
