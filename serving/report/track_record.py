"""The track record of a report: what was told a week and a month ago, and what came (`training.track_record`)."""

import numpy as np
import pandas as pd

from serving.report.context import ReportContext
from serving.report.track_record_parts import (
    ALL,
    Breakdown,
    Drift,
    Example,
    Number,
    RankedLists,
    Reliance,
    Told,
    TrackRecordPart,
)
from training.labels.outcomes import settle_days
from training.track_record.answers import AGAINST, FAVOURS
from training.track_record.figure_words import CHANCES, figure_of
from training.track_record.quality import AGES, HIT, TARGET
from training.track_record.record import PERIODS, TrackRecord
from training.track_record.resampling import LEAST_CREATIVES, Figure, figures_of
from training.track_record.top_lists import MODEL
from training.track_record.words import GROUPED_BY

MOST_EXAMPLES = 4
"""Creatives named per promotion type, of those told rightly and of those told wrongly."""


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
        stated, reached, skill = _chances(chances, TARGET)
        hit_stated, hit_came, hit_skill = _chances(chances, HIT)
        top_rows = tops[tops["by"] == MODEL]
        listed = figures_of(top_rows)
        rows.append(
            Reliance(
                promotion_type=str(kind),
                rank=_number(figures.get("rank")),
                ahead=_number(figures.get("ahead_yesterday")),
                level=_number(figures.get("level")),
                inside=_number(figures.get("inside")),
                stated=stated,
                reached=reached,
                skill=skill,
                hit_stated=hit_stated,
                hit_came=hit_came,
                hit_skill=hit_skill,
                lists=int(top_rows["lists"].iloc[0]) if len(top_rows) else 0,
                told=_number(listed.get("told")),
                corrected=_number(listed.get("corrected")),
                came=_number(listed.get("came")),
                rankings=_rankings(record.rankings[record.rankings["promotion_type"] == kind]),
            )
        )
    return rows


def _chances(table: pd.DataFrame, of: str) -> tuple[float | None, Number | None, Number | None]:
    """Mean stated chance, how often it came true, and the skill."""
    found = table[(table["bin"] == 0) & (table["of"] == of)]
    if found.empty:
        return None, None, None
    row = found.to_dict("records")[0]
    true, skill = (figure_of(row, names) for names in CHANCES)
    return float(row["stated"]), _number(true), _number(skill)


def _rankings(table: pd.DataFrame) -> list[RankedLists]:
    rows = []
    for by, part in table.groupby("by", sort=False):
        figures = figures_of(part)
        others = {name: _number(figures.get(name)) for name in ("lift", "told", "corrected", "came")}
        if (rank := _number(figures["rank"])) is not None:
            rows.append(RankedLists(by=str(by), lists=int(part["lists"].iloc[0]), rank=rank, **others))
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
    ages, kinds = list(AGES), list(GROUPED_BY)
    return sorted(rows, key=lambda one: (kinds.index(one.by), ages.index(one.group) if one.by == "ages" else 0))


def _examples(context: ReportContext, record: TrackRecord) -> list[Example]:
    """The largest decisions by money, right ones and wrong ones; the first one of each creative counts."""
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
