"""The track record of a report: what was told a week and a month ago, and what came (`training.track_record`)."""

import numpy as np
import pandas as pd

from serving.report.context import ReportContext
from serving.report.effects import ReportPart
from training.labels.outcomes import settle_days
from training.track_record.answers import AGAINST, FAVOURS
from training.track_record.quality import AGES
from training.track_record.record import PERIODS, TrackRecord
from training.track_record.refresh import RefreshAdvice
from training.track_record.resampling import LEAST_CREATIVES, Figure, figures_of
from training.track_record.top_lists import MODEL

ALL = "all"
"""Period of everything that has matured."""
MOST_EXAMPLES = 4
"""Creatives named per promotion type, of those told rightly and of those told wrongly."""


class Number(ReportPart):
    """A figure with its 90 % interval, None where it has none, and what it rests on."""

    value: float
    low: float | None
    high: float | None
    answers: int
    creatives: int


class Told(ReportPart):
    """What came of one decision.

    Attributes:
        promotion_type, period, decision: Of the answers; the period is a key of PERIODS, or ALL.
        told: Answers with the decision.
        silent: Of these, creatives that got no traffic afterwards.
        judged: Whether the decision can be right or wrong; else `right` is how many reached their ROI target.
        right: Share that was right.
        base: The same share whatever was decided.
        spend: Spend afterwards, CNY.
        gain: Spend × (ROI − ROI target) afterwards, CNY.
        ahead: Gain over as many picks by yesterday's ROI, CNY.
    """

    promotion_type: str
    period: str
    decision: str
    told: int
    silent: int
    judged: bool
    right: Number | None
    base: Number | None
    spend: Number | None
    gain: Number | None
    ahead: Number | None


class Reliance(ReportPart):
    """How good the numbers of one promotion type were; None where not known.

    Attributes:
        promotion_type: Of the answers.
        rank, ahead: Correlation of order and outcome; the same over that of yesterday's ROI.
        level: Forecast over outcome.
        inside: Share of outcomes in their interval.
        stated, reached: Mean stated chance of the ROI target; how often it was reached.
        lists: Lists of the ten highest of a day.
        told, corrected, came: Their ROI as forecast, as forecast after shrinkage, as it came.
    """

    promotion_type: str
    rank: Number | None
    ahead: Number | None
    level: Number | None
    inside: Number | None
    stated: float | None
    reached: Number | None
    lists: int
    told: Number | None
    corrected: Number | None
    came: Number | None


class Breakdown(ReportPart):
    """How good the ROI forecasts of one group were: `by` is `ages`, `account_id` or `version`, `group` its value."""

    promotion_type: str
    by: str
    group: str
    rank: Number | None
    ahead: Number | None
    level: Number | None
    inside: Number | None


class Example(ReportPart):
    """One creative of which something was told.

    Attributes:
        promotion_type, account_id, creative_id, name: Which.
        decision: That was told.
        on: When, ISO date.
        right: Whether it was right.
        asked_roi, told_roi, came_roi: ROI target, forecast, outcome.
        spend_cny, gain_cny: Of the outcome window.
    """

    promotion_type: str
    account_id: str
    creative_id: str
    name: str
    decision: str
    on: str
    right: bool
    asked_roi: float
    told_roi: float
    came_roi: float
    spend_cny: float
    gain_cny: float


class Drift(ReportPart):
    """A change that stands, and what it means for a refit (`training.track_record.refresh.RefreshAdvice`)."""

    promotion_type: str
    cause: str
    began_on: str
    shift: float
    verdict: str
    creatives: int
    moved: Number | None
    again_on: str

    @property
    def advice(self) -> RefreshAdvice:
        """As the words of `training.track_record.words` want it."""
        moved = self.moved
        nothing = (np.nan, np.nan, np.nan, 0, 0)
        figure = Figure._make(nothing) if moved is None else _figure(moved)
        return RefreshAdvice(
            self.promotion_type, self.cause, self.verdict, self.creatives, figure, pd.Timestamp(self.again_on)
        )


class TrackRecordPart(ReportPart):
    """The section.

    Attributes:
        of_backtest: The answers were made afterwards by models of their time.
        since, until: First cutoff that has matured, end of the data, ISO dates; `since` is empty without any.
        given, counted, scored, settled: Numbers of answers.
        unsettled_share: Share of the net money that is an estimate.
        next_on: When the next outcomes come, ISO date; empty where none is open.
        first_on: When what is told today can be compared, ISO date.
        outcome_days, settle_days: Days of an outcome window, and until its figures are final.
        told: By period, promotion type and decision.
        reliance: By promotion type.
        breakdowns: By promotion type and age, account or version of the model.
        examples: The largest by money.
        drifts: That stand.
    """

    of_backtest: bool
    since: str
    until: str
    given: int
    counted: int
    scored: int
    settled: int
    unsettled_share: float
    next_on: str
    first_on: str
    outcome_days: int
    settle_days: float
    told: list[Told]
    reliance: list[Reliance]
    breakdowns: list[Breakdown]
    examples: list[Example]
    drifts: list[Drift]


def track_record_part(context: ReportContext, record: TrackRecord | None) -> TrackRecordPart:
    """The section's numbers; without a record it says when there will be one.

    Args:
        context: Of the report.
        record: Of past answers about the chosen creatives.
    """
    days, settle = context.settings.outcome_days, settle_days(context.settings)
    first = context.now + pd.Timedelta(days=days + settle)
    found = record.matured if record else None
    table = found.table if found else pd.DataFrame()
    next_at = found.next_at if found else None
    return TrackRecordPart(
        of_backtest=bool(record and record.of_backtest),
        since=f"{table['opens'].min():%Y-%m-%d}" if len(table) else "",
        until=f"{context.now:%Y-%m-%d}",
        given=found.given if found else 0,
        counted=found.counted if found else 0,
        scored=len(table),
        settled=record.settled if record else 0,
        unsettled_share=record.unsettled if record else 0.0,
        next_on=f"{next_at:%Y-%m-%d}" if next_at else "",
        first_on=f"{first:%Y-%m-%d}",
        outcome_days=days,
        settle_days=settle,
        told=_told(record) if record else [],
        reliance=_reliance(record) if record else [],
        breakdowns=_breakdowns(record) if record else [],
        examples=_examples(context, record) if record else [],
        drifts=_drifts(record) if record else [],
    )


def _told(record: TrackRecord) -> list[Told]:
    rows = []
    for period in (*PERIODS, ALL):
        table = record.decisions if period == ALL else record.periods[period]
        for (kind, decision), part in table.groupby(["promotion_type", "decision"], sort=False):
            figures = figures_of(part)
            judged = "right" in figures
            rows.append(
                Told(
                    promotion_type=str(kind),
                    period=period,
                    decision=str(decision),
                    told=int(part["told"].iloc[0]),
                    silent=int(part["silent"].iloc[0]),
                    judged=judged,
                    right=_number(figures["right" if judged else "reached"]),
                    base=_number(figures["base"]),
                    spend=_number(figures["spend_cny"]),
                    gain=_number(figures["gain_cny"]),
                    ahead=_number(figures.get("ahead_gain_cny")),
                )
            )
    return rows


def _reliance(record: TrackRecord) -> list[Reliance]:
    rows = []
    for kind in sorted(set(record.quality["promotion_type"])):
        quality, chances, tops = (
            frame[frame["promotion_type"] == kind] for frame in (record.quality, record.chances, record.top_lists)
        )
        figures = figures_of(quality[(quality["by"] == "all") & (quality["target"] == record.roi)])
        of_all = chances[chances["bin"] == 0].assign(figure="reached")
        top_rows = tops[tops["by"] == MODEL]
        listed = figures_of(top_rows)
        rows.append(
            Reliance(
                promotion_type=str(kind),
                rank=_number(figures.get("rank")),
                ahead=_number(figures.get("ahead_yesterday")),
                level=_number(figures.get("level")),
                inside=_number(figures.get("inside")),
                stated=float(of_all["stated"].iloc[0]) if len(of_all) else None,
                reached=_number(figures_of(of_all).get("reached")),
                lists=int(top_rows["lists"].iloc[0]) if len(top_rows) else 0,
                told=_number(listed.get("told")),
                corrected=_number(listed.get("corrected")),
                came=_number(listed.get("came")),
            )
        )
    return rows


def _breakdowns(record: TrackRecord) -> list[Breakdown]:
    """Groups with enough creatives for an interval, ages in their order."""
    table = record.quality[(record.quality["target"] == record.roi) & (record.quality["by"] != "all")]
    rows = []
    for (kind, by, group), part in table.groupby(["promotion_type", "by", "group"], sort=False):
        figures = figures_of(part)
        if figures["level"].creatives < LEAST_CREATIVES:
            continue
        rows.append(
            Breakdown(
                promotion_type=str(kind),
                by=str(by),
                group=str(group),
                rank=_number(figures.get("rank")),
                ahead=_number(figures.get("ahead_yesterday")),
                level=_number(figures.get("level")),
                inside=_number(figures.get("inside")),
            )
        )
    ages = list(AGES)
    return sorted(rows, key=lambda one: (one.by, ages.index(one.group) if one.by == "ages" else 0))


def _examples(context: ReportContext, record: TrackRecord) -> list[Example]:
    """Of each creative the first such decision; the largest by money, those that were right and those that were not."""
    table, roi = record.matured.table, record.roi
    if table.empty or not roi:
        return []
    table = table[table["decision"].isin(FAVOURS + AGAINST) & (table["spend_cny"] > 0) & table["asked_roi"].notna()]
    table = table.sort_values("opens", kind="stable").drop_duplicates(["unit", "decision"])
    reached = table[f"actual_{roi}"] >= table["asked_roi"]
    gain = table["spend_cny"] * (table[f"actual_{roi}"] - table["asked_roi"])
    table = table.assign(right=reached == table["decision"].isin(FAVOURS), gain=gain)
    largest = table.sort_values("gain", key=abs, ascending=False, kind="stable")
    largest = largest.groupby(["promotion_type", "right"], sort=False).head(MOST_EXAMPLES)
    largest = largest.sort_values(["promotion_type", "right"], ascending=[True, False], kind="stable")
    creatives = context.loaded.creatives.reset_index(drop=True)
    names = creatives.get("creative_name", creatives["creative_id"]).fillna(creatives["creative_id"])
    return [
        Example(
            promotion_type=str(row["promotion_type"]),
            account_id=str(row["account_id"]),
            creative_id=str(row["creative_id"]),
            name=str(names[int(row["unit"])]),
            decision=str(row["decision"]),
            on=f"{row['opens']:%Y-%m-%d}",
            right=bool(row["right"]),
            asked_roi=float(row["asked_roi"]),
            told_roi=float(row[f"predicted_{roi}"]),
            came_roi=float(row[f"actual_{roi}"]),
            spend_cny=float(row["spend_cny"]),
            gain_cny=float(row["gain"]),
        )
        for row in largest.to_dict("records")
    ]


def _drifts(record: TrackRecord) -> list[Drift]:
    standing = record.alarms[record.alarms["standing"]]
    return [
        Drift(
            promotion_type=one.promotion_type,
            cause=one.cause,
            began_on=f"{began:%Y-%m-%d}",
            shift=shift,
            verdict=one.verdict,
            creatives=one.creatives,
            moved=_number(one.moved_cny),
            again_on=f"{one.again_on:%Y-%m-%d}",
        )
        for one, began, shift in zip(record.refresh, standing["began_on"].tolist(), standing["shift"].tolist())
    ]


def _number(figure: Figure | None) -> Number | None:
    if figure is None or not np.isfinite(figure.value):
        return None
    ends = (figure.low, figure.high) if np.isfinite(figure.low) else (None, None)
    return Number(value=figure.value, low=ends[0], high=ends[1], answers=figure.answers, creatives=figure.creatives)


def _figure(number: Number) -> Figure:
    low, high = (np.nan if end is None else end for end in (number.low, number.high))
    return Figure(number.value, low, high, number.answers, number.creatives)
