"""How much data there is against how much training needs, and when there will be enough at the present pace."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Mask
from features.point_in_time.counts import funnel_of
from features.point_in_time.metric_rows import MetricRows, unit_codes
from features.point_in_time.snapshots import launches, snapshot_frame, snapshots
from features.schema import KEY, Loaded
from features.targets import RATE_TARGETS
from training.errors import TooThinError
from training.labels.amount import LEAST_TRAINED, Supported, TrainingAmount, holdout_lengths, least_of, supported
from training.labels.calibration import MOST_WEEKS, PACE_WEEKS, WEEK, Calibration, calibration_of, new_a_week
from training.labels.judged import MIN_GROUP_ROWS, judged_a_day, judged_rows
from training.labels.outcomes import MATURE, outcomes, settle_days
from training.labels.splits import after_first_fit, holdout_split

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
        holdout_days: Days that are held out.
        judged: Rows held out by which GPM and ROI can be judged; MIN_GROUP_ROWS are needed.
        judged_days: Days that have to be held out for that at this pace; None: more than a small model ever does.
        weeks_to_judge: Weeks until so many can be; 0: now; None: not within MOST_WEEKS.
        calibration: What calibrates intervals and chances of the model that can be trained now.
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
    holdout_days: int
    judged: int
    judged_days: int | None
    weeks_to_judge: int | None
    calibration: Calibration

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
    launched, until = pd.Series(born.launched_at), loaded.metrics["period_end"].max()
    table = snapshot_frame(snapshots(rows, settings.ages_hours, weekly=settings.weekly, launched=born), rows.creatives)
    columns = [name for name in map(str, loaded.metrics) if name not in KEY]
    funnel = funnel_of(columns, loaded.creatives, settings)
    outcome = outcomes(table, rows, funnel, settings)
    frame = pd.concat([table[["cutoff", "promotion_type"]], outcome[["closed_at", "state"]]], axis=1)
    mature = (frame["state"] == MATURE).to_numpy(np.bool_)
    codes, orders = unit_codes(table[KEY], loaded.creatives), _orders(loaded)

    def count(train: Mask) -> TrainingAmount:
        chosen = np.unique(codes[train])
        return TrainingAmount(len(chosen), None if orders is None else int(orders[chosen].sum()))

    nothing = np.zeros(len(frame), np.bool_)
    can = Supported("none", settings, nothing, mature, until, count(nothing), 0)
    with suppress(TooThinError):
        can = supported(frame, outcome, funnel, settings, count)
    full, least = least_of(settings.thin, "full"), least_of(settings.thin, "small")
    train, holdout, found = can.train, can.holdout, can.found
    with suppress(TooThinError):  # of what is needed for the full model as much is there as beside its holdout
        usual = holdout_split(frame, settings.split.holdout_days)
        if count(usual[0]).suffices(*least):
            train, holdout, found = usual[0], usual[1], count(usual[0])
    counts = _uses(codes, len(loaded.creatives), [train, holdout, mature, np.ones(len(frame), np.bool_)])
    gap = pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    recent = new_a_week(launched, until)
    pace = _Pace(launched, orders, until, gap, recent)
    judged_days: int | None = can.settings.split.holdout_days
    if can.judged < MIN_GROUP_ROWS:
        known = judged_rows(outcome, funnel, settings.evaluate.min_impressions)
        rates = np.logical_and.reduce([known[name] for name in RATE_TARGETS if name in known])
        a_day = judged_a_day(frame, rates, PACE_WEEKS * 7)
        judged_days = next((days for days in holdout_lengths(settings) if a_day * days >= MIN_GROUP_ROWS), None)
    return Amounts(
        training=counts[0],
        holdout=counts[1],
        between=counts[2],
        waiting=counts[3],
        undelivered=len(loaded.creatives) - sum(counts),
        orders=found.orders,
        first=launched.min(),
        last=until,
        new_a_week=recent,
        needed_creatives=full[0],
        needed_orders=full[1],
        small_creatives=least[0],
        small_orders=least[1],
        weeks_to_full=0 if can.amount == "full" else _weeks(full, pace, settings.split.holdout_days),
        weeks_to_small=0 if can.amount != "none" else _weeks(least, pace, holdout_lengths(settings)[0]),
        holdout_days=can.settings.split.holdout_days,
        judged=can.judged,
        judged_days=judged_days,
        weeks_to_judge=0 if can.judged >= MIN_GROUP_ROWS else _weeks(least, pace, judged_days, LEAST_TRAINED),
        calibration=calibration_of(
            frame,
            outcome,
            funnel,
            can.settings,
            (after_first_fit(frame, (can.train, mature), can.settings.refits.first_days)[0], can.holdout, mature),
            codes,
            recent,
        ),
    )


@dataclass(frozen=True)
class _Pace:
    """What decides how the training data grow; arrays and series have one entry per creative.

    Attributes:
        launched: Launch, NaT before it.
        orders: Orders so far; None where the data count none.
        until: End of the data.
        gap: Time from a cutoff until its outcome is final. A creative trains when its own had closed before a holdout
            began whose outcomes have closed too.
        new_a_week: Creatives launched per week from now on.
    """

    launched: pd.Series
    orders: np.ndarray | None
    until: pd.Timestamp
    gap: pd.Timedelta
    new_a_week: float


def _weeks(needed: tuple[int, int], pace: _Pace, holdout_days: int | None, trained: float = 0.0) -> int | None:
    """Return in how many weeks both amounts, and a share of all closed creatives, are reached beside a holdout.

    None: not within MOST_WEEKS.
    """
    if holdout_days is None:
        return None
    known = pace.launched.notna().to_numpy()
    share = 0.0 if pace.orders is None or not known.any() else float(pace.orders[known].mean())

    def by(edge: pd.Timestamp) -> tuple[float, float | None]:
        """Creatives that will have been launched by then, and their orders."""
        counted = known & (pace.launched <= edge).to_numpy()
        new = max(0.0, (edge - pace.until) / WEEK) * pace.new_a_week
        return counted.sum() + new, None if pace.orders is None else pace.orders[counted].sum() + new * share

    for week in range(1, MOST_WEEKS + 1):
        end = pace.until + week * WEEK
        creatives, orders = by(end - 2 * pace.gap - pd.Timedelta(days=holdout_days))
        if (
            creatives >= needed[0]
            and (orders is None or orders >= needed[1])
            and creatives >= trained * by(end - pace.gap)[0]
        ):
            return week
    return None


def _uses(codes: np.ndarray, creatives: int, masks: list[Mask]) -> list[int]:
    """Count creatives by the first of the masks that holds a row of theirs."""
    left, counts = np.ones(creatives, np.bool_), []
    for mask in masks:
        chosen = np.zeros(creatives, np.bool_)
        chosen[codes[mask]] = True
        counts.append(int((chosen & left).sum()))
        left &= ~chosen
    return counts


def _orders(loaded: Loaded) -> np.ndarray | None:
    """(creatives,) orders of each creative; None where the data count none."""
    if "orders" not in loaded.metrics:
        return None
    codes = unit_codes(loaded.metrics[KEY], loaded.creatives)
    return np.bincount(codes, weights=loaded.metrics["orders"].fillna(0.0).to_numpy(), minlength=len(loaded.creatives))
