"""The plan: rows with their sentences."""

from features.point_in_time.counts import RECENT_DAYS
from serving.report import wording
from serving.report.blocks.numbers import change, whole
from serving.report.data import ReportData
from serving.report.plan import MoneyToday, PlannedLaunch
from training.decision.plan import overview_words, row_words
from training.decision.similar import IDEA_TAGS

MOST_LAUNCHES = 30
OPEN_ROWS, MOST_ROWS = 12, 60
"""Running creatives that are shown, and those that can be opened besides."""


def values(data: ReportData) -> dict[str, object]:
    """Launches, and running creatives: those with a call first, then by change of money."""
    part = data.plan
    running = [_running(data, one) for one in part.split[:MOST_ROWS]]
    said = {}
    if part.summary:
        said = {
            "evidence": overview_words.evidence_meaning(part.settings),
            "platform": overview_words.platform(part.summary),
            "promise": overview_words.promise(part.settings),
        }
    return {
        "launches": [_launch(data, one) for one in part.launches[:MOST_LAUNCHES]],
        "running": running[:OPEN_ROWS],
        "more": running[OPEN_ROWS:],
        "recent_days": RECENT_DAYS,
        **said,
    }


def _launch(data: ReportData, one: PlannedLaunch) -> dict[str, object]:
    row, card = data.creatives[one.index], data.cards[one.index]
    return {
        "index": one.index,
        "name": row.name,
        "kind": wording.common.promotion_type(row.promotion_type),
        "idea": " · ".join(card.tags[name] for name in IDEA_TAGS if card.tags.get(name)),
        "alike": row_words.alike(one.alike),
        "test": whole(one.test),
        "minimum": whole(one.minimum),
        "days": row_words.days(one.days_low, one.days_high),
        "why": row_words.candidate_reason(one, data.roi),
    }


def _running(data: ReportData, one: MoneyToday) -> dict[str, object]:
    row = data.creatives[one.index]
    return {
        "index": one.index,
        "name": row.name,
        "kind": wording.common.promotion_type(row.promotion_type),
        "verdict": one.verdict,
        "roi": f"{one.roi:.2f} / {one.target:.2f}",
        "yesterday": whole(one.yesterday),
        "today": whole(one.today),
        "change": change(one.today, one.yesterday) if one.yesterday > 0 else "",
        "funded": row_words.funded(one),
        "call": one.call,
        "said": row_words.CALLS[one.call],
        "evidence": row_words.evidence(one, 1.0 / data.plan.settings.false_stop),
        "differs": row_words.running_notes(one, data.plan.settings.change),
    }
