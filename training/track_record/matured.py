"""Join past answers with the outcomes of their windows, and with what simple rules would have said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import BASES, Settings
from features.arrays import Floats, Mask, Seconds
from features.funnel import Funnel
from features.point_in_time.metric_rows import MetricRows, unit_codes
from features.point_in_time.snapshots import launches
from features.point_in_time.windowed_sums import DAY, TimedSums, seconds
from features.schema import KEY, MULTI, Loaded
from features.targets import NET_ROI, TARGETS
from training.labels.outcomes import MATURE, NOT_CLOSED, NOT_SETTLED, actual_targets, outcomes, settle_days
from training.track_record.answers import counted, day_shares, targets_of
from training.track_record.settlement import expected_net, fit_settlement
from training.uncertainty import reached_by

LAUNCH_DAYS = 30
"""An answer about a creative that waits for its launch is about this launch if it comes within so many days."""
ACCOUNT_DAYS = 7
"""Days of the account's ROI, where a rule has none of the creative's own."""

ABSENT = "absent"
WAITING = "waiting"
LATE_LAUNCH = "late_launch"
WITHOUT_METRICS = "without_metrics"
AFTERWARDS = "afterwards"
LEARNT = "learnt"
OPEN = "open"
NO_OUTCOME = "no_outcome"
"""Why an answer cannot be scored (`words.py` says each in a sentence)."""

SHARED = ("account_id", "creator_id", "product_id")
"""Attributes whose unseen values count, besides single-valued tags."""

YESTERDAY, SO_FAR = RULES = ["yesterday", "so_far"]
"""Simple rules: go by the ROI of the day before, or of the life so far."""


@dataclass(frozen=True)
class Matured:
    """Answers that count, with their outcomes.

    Attributes:
        table: The columns of an answer; `state` (MATURE, or NOT_SETTLED: the window has closed and its net money is
            estimated), `opens` and `closed_at` of the window, `share` (`day_shares`), `later_volume`, `spend_cny`,
            `exposure_<target>` and `actual_<target>`, `unsettled` (share of the net money that is an estimate),
            `rule_<rule>` (ROI by which the rule goes), `spent_cny` (so far, at the cutoff), `hit` (1 or 0; NaN where
            the outcome or what a hit is are not known).
        live: Answers that can be scored now or later, with `unit` (place of the creative in the data) and `opens`;
            `unseen` also where an attribute's value was first launched with after the end of the model's data.
        given: Answers before any was left out.
        counted: Answers that count: the last of each creative, version and day.
        left_out: Reason → answers that count and cannot be scored.
        next_at: When the next open answer will have its outcome; None where none is open.
        first_at: When answers given at the end of these data will have theirs.
    """

    table: pd.DataFrame
    live: pd.DataFrame
    given: int
    counted: int
    left_out: Mapping[str, int]
    next_at: pd.Timestamp | None
    first_at: pd.Timestamp


def matured(
    answers: pd.DataFrame, loaded: Loaded, funnel: Funnel, settings: Settings, *, every: bool = False
) -> Matured:
    """Join answers with the outcomes of their windows, by the outcome days and the ROI basis of each answer.

    The outcome of an answer about a creative that waited for its launch is that of the days after its launch.

    Args:
        answers: Columns of `training.track_record.answers`.
        loaded: Metrics and creatives, as newest exports have them: a day that was exported again counts once.
        funnel: Of the data.
        settings: Of the run; outcome days and basis are those of the answers.
        every: Whether all answers count; else the last of each creative, version and day.
    """
    rows = MetricRows.of(loaded)
    chosen = answers if every else counted(answers)
    parts, alive, left = [], [], dict[str, int]()
    until = loaded.metrics["period_end"].max()
    waits: list[pd.Timestamp] = []
    for (days, basis), part in chosen.groupby(["outcome_days", "basis"], sort=False):
        own = settings.model_copy(update={"outcome_days": int(str(days)), "basis": str(basis)})
        joined, reasons = _joined(part.reset_index(drop=True), rows, funnel, own)
        waits += joined["closed_at"][reasons == OPEN].tolist()
        for reason, count in pd.Series(reasons[reasons != ""]).value_counts().items():
            left[str(reason)] = left.get(str(reason), 0) + int(count)
        parts.append(joined[reasons == ""])
        alive.append(joined[np.isin(reasons, ["", OPEN])])
    table, live = (pd.concat(found, ignore_index=True) if found else chosen.iloc[:0] for found in (parts, alive))
    table["share"] = np.zeros(len(table))
    if len(table):
        opens = seconds(table["opens"])
        closes = opens + table["outcome_days"].to_numpy(np.int64) * DAY
        table["share"] = day_shares(table["unit"].to_numpy(np.int64), opens, closes)
    first = until + pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    return Matured(table, live, len(answers), len(chosen), left, min(waits, default=None), first)


def _joined(
    answers: pd.DataFrame, rows: MetricRows, funnel: Funnel, settings: Settings
) -> tuple[pd.DataFrame, npt.NDArray[np.str_]]:
    """Answers with outcomes, and why each cannot be scored; empty where it can."""
    units = unit_codes(answers[KEY], rows.creatives.select(KEY).frame())
    opens, reasons = _opens(answers, units, rows)
    days = pd.Timedelta(days=settings.outcome_days)
    known = units >= 0
    closed = opens + days + pd.Timedelta(days=settle_days(settings))
    reasons = _first(reasons, answers["at"].to_numpy("datetime64[us]") >= (opens + days).to_numpy(), AFTERWARDS)
    reasons = _first(reasons, closed.to_numpy() <= answers["trained_until"].to_numpy("datetime64[us]"), LEARNT)
    first_seen = _first_seen(rows)[np.maximum(units, 0)]
    unseen = answers["unseen"].to_numpy(np.bool_) | (first_seen > answers["trained_until"].to_numpy("datetime64[us]"))
    answers = answers.assign(unit=units, opens=opens, closed_at=closed, unseen=unseen)
    if not known.any():
        return answers.assign(state=""), reasons
    # Rows of unknown creatives are computed for the first creative, and left out by their reason.
    stand_in = rows.creatives.select(KEY).frame().iloc[np.maximum(units, 0)].reset_index(drop=True)
    outcome = outcomes(stand_in.assign(cutoff=opens), rows, funnel, settings)
    state = outcome["state"].to_numpy()
    reasons = _first(reasons, state == NOT_CLOSED, OPEN)
    reasons = _first(reasons, ~np.isin(state, [MATURE, NOT_SETTLED]), NO_OUTCOME)
    windows = np.maximum(units, 0), seconds(opens), seconds(opens + days)
    outcome, unsettled = _with_expected_net(outcome, rows, funnel, settings, windows)
    actual = actual_targets(outcome, funnel)
    volume = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    spend = (
        outcome["later:spend_cny"].to_numpy(np.float64)
        if "later:spend_cny" in outcome
        else np.full(len(volume), np.nan)
    )
    found = {name for name in targets_of(answers) if name in funnel.targets}
    exposure = {
        f"exposure_{name}": np.ones_like(volume)
        if TARGETS[name].is_volume
        else spend
        if TARGETS[name].is_roi
        else volume
        for name in found
    }
    joined = answers.assign(
        state=state,
        unsettled=unsettled,
        later_volume=volume,
        spend_cny=spend,
        hit=_hit(answers, outcome, funnel),
        **exposure,
        **{f"actual_{name}": actual[name].to_numpy() for name in found},
        **_rules(rows, funnel, settings, windows),
    )
    return joined, reasons


def _hit(answers: pd.DataFrame, outcome: pd.DataFrame, funnel: Funnel) -> Floats:
    """(answers,) Whether each outcome is a hit as the model of the answer understood it: 1, 0, NaN."""
    found = np.full(len(answers), np.nan)
    if "hit_of" not in answers:
        return found
    measures, needed = answers["hit_of"].to_numpy(), answers["hit_at"].to_numpy(np.float64)
    for measure in sorted({str(name) for name in measures} - {""}):
        reached = reached_by(measure, outcome, funnel)
        known = (measures == measure) & np.isfinite(reached) & np.isfinite(needed)
        found[known] = reached[known] >= needed[known]
    return found


def _opens(
    answers: pd.DataFrame, units: npt.NDArray[np.int64], rows: MetricRows
) -> tuple[pd.Series, npt.NDArray[np.str_]]:
    """Begin of each outcome window: the cutoff, before launch the launch; and why there is none."""
    launched = launches(rows).launched_at[np.maximum(units, 0)]
    cutoff, at = (answers[name].to_numpy("datetime64[us]") for name in ("cutoff", "at"))
    before = (answers["age_hours"] <= 0).to_numpy(np.bool_)
    reasons = np.where(units < 0, ABSENT, "").astype("<U20")
    reasons = _first(reasons, before & np.isnat(launched), WAITING)
    reasons = _first(reasons, before & (launched < cutoff), WITHOUT_METRICS)
    limit = np.maximum(cutoff, at) + np.timedelta64(LAUNCH_DAYS, "D")
    reasons = _first(reasons, before & (launched > limit), LATE_LAUNCH)
    opens = np.where(before & (reasons == ""), launched, cutoff)
    return pd.Series(opens.astype("datetime64[us]"), index=answers.index), reasons


def _first_seen(rows: MetricRows) -> npt.NDArray[np.datetime64]:
    """(creatives,) When the newest of each creative's values was first launched with, datetime64[us]."""
    launched = pd.Series(launches(rows).launched_at)
    newest = np.full(len(launched), np.datetime64("NaT", "us"))
    for name in rows.creatives:
        if name in SHARED or name.startswith("tag_"):
            column = rows.creatives.categories(name)
            if any(MULTI in value for value in column.values):
                continue  # several values in one
            first = launched.groupby(column.codes).transform("min").to_numpy("datetime64[us]")
            newest = np.fmax(newest, np.where(column.codes < 0, np.datetime64("NaT", "us"), first))
    return newest


def _first(reasons: npt.NDArray[np.str_], where: Mask, reason: str) -> npt.NDArray[np.str_]:
    return np.where((reasons == "") & where, reason, reasons)


def _with_expected_net(
    outcome: pd.DataFrame,
    rows: MetricRows,
    funnel: Funnel,
    settings: Settings,
    windows: tuple[npt.NDArray[np.int64], Seconds, Seconds],
) -> tuple[pd.DataFrame, Floats]:
    """Outcomes whose net money, where it has not settled, is as to be expected; and the share that is an estimate."""
    settling = (outcome["state"] == NOT_SETTLED).to_numpy()
    unsettled = np.zeros(len(outcome))
    settlement = (
        fit_settlement(rows, funnel, settings) if settling.any() and "later:settled_net_cny" in outcome else None
    )
    if settlement is None:
        return outcome, unsettled
    net, estimated = expected_net(settlement, rows, funnel, settings, windows)
    outcome = outcome.assign(**{"later:settled_net_cny": np.where(settling, net, outcome["later:settled_net_cny"])})
    return outcome, np.where(settling, estimated, 0.0)


def _rules(
    rows: MetricRows,
    funnel: Funnel,
    settings: Settings,
    windows: tuple[npt.NDArray[np.int64], Seconds, Seconds],
) -> dict[str, Floats]:
    """`rule_<rule>`: the ROI by which it goes, as a person could read it at the cutoff; and `spent_cny` until then.

    Net money where it is final within a day (else gross money). Where a creative has not spent, that of the other rule,
    else of its account's last days: before launch a simple rule knows no more.
    """
    measured = rows.measures(funnel, settings)
    quick = funnel.main_roi == NET_ROI.name and BASES[settings.basis][1] <= 24 and not funnel.net_only
    money = "settled_net_cny" if quick or funnel.net_only else "gmv_cny"
    if money not in measured or "spend_cny" not in measured:
        return {name: np.full(len(windows[0]), np.nan) for name in [*(f"rule_{rule}" for rule in RULES), "spent_cny"]}
    units, opens, _ = windows
    values = {"money": np.nan_to_num(measured[money]), "spend": np.nan_to_num(measured["spend_cny"])}
    own = TimedSums(rows.units, rows.start_seconds, rows.end_seconds, values)
    accounts = rows.account_codes
    whole = TimedSums(accounts[rows.units], rows.start_seconds, rows.end_seconds, values)

    def roi(sums: Mapping[str, Floats]) -> Floats:
        return np.divide(sums["money"], sums["spend"], out=np.full(len(units), np.nan), where=sums["spend"] > 0)

    so_far = own.until(units, opens)
    day, life = roi(own.between(units, opens - DAY, opens)), roi(so_far)
    now, before = whole.until(accounts[units], opens), whole.until(accounts[units], opens - ACCOUNT_DAYS * DAY)
    account = roi({name: now[name] - before[name] for name in now})
    first, second = (np.where(np.isnan(a), b, a) for a, b in ((day, life), (life, day)))
    rules = {
        f"rule_{name}": np.where(np.isnan(own_roi), account, own_roi) for name, own_roi in zip(RULES, (first, second))
    }
    return {**rules, "spent_cny": so_far["spend"]}
