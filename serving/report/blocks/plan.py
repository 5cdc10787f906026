"""The plan: rows with their sentences."""

from collections import Counter

from features.point_in_time.counts import RECENT_DAYS
from serving.report import wording
from serving.report.blocks.numbers import change, whole
from serving.report.data import ReportData
from serving.report.plan import MoneyToday, PlannedLaunch
from training.decision.similar import IDEA_TAGS

MOST_LAUNCHES = 30
OPEN_ROWS, MOST_ROWS = 12, 60
"""Running creatives that are shown, and those that can be opened besides."""

words, rows = wording.plan, wording.plan_rows


def values(data: ReportData) -> dict[str, object]:
    """Sentences, launches, and running creatives: those with a call first, then by change of money."""
    part = data.plan
    running = [_running(data, one) for one in part.split[:MOST_ROWS]]
    differing = Counter(
        data.cards[one.index].verdict
        for one in part.split
        if rows.differs(one, data.cards[one.index].verdict, None, part).zh
    )
    return {
        "launches": [_launch(data, one) for one in part.launches[:MOST_LAUNCHES]],
        "running": running[:OPEN_ROWS],
        "more": running[OPEN_ROWS:],
        "recent_days": RECENT_DAYS,
        "differing": words.differ_counts(dict(differing)),
    }


def _launch(data: ReportData, one: PlannedLaunch) -> dict[str, object]:
    row, card = data.creatives[one.index], data.cards[one.index]
    return {
        "index": one.index,
        "name": row.name,
        "kind": wording.common.promotion_type(row.promotion_type),
        "idea": " · ".join(card.tags[name] for name in IDEA_TAGS if card.tags.get(name)),
        "alike": rows.alike(one.alike),
        "test": whole(one.test),
        "minimum": whole(one.minimum),
        "days": rows.days(one.days_low, one.days_high),
        "why": rows.launch_reason(one, card.verdict, data.roi),
    }


def _running(data: ReportData, one: MoneyToday) -> dict[str, object]:
    row, card = data.creatives[one.index], data.cards[one.index]
    return {
        "index": one.index,
        "name": row.name,
        "kind": wording.common.promotion_type(row.promotion_type),
        "verdict": card.verdict,
        "roi": f"{one.roi:.2f} / {one.target:.2f}",
        "yesterday": whole(one.yesterday),
        "today": whole(one.today),
        "change": change(one.today, one.yesterday) if one.yesterday > 0 else "",
        "funded": rows.funded(one),
        "call": one.call,
        "said": rows.CALLS[one.call],
        "evidence": rows.evidence(one, data.plan.evidence_needed),
        "differs": words.together(
            rows.differs(one, card.verdict, card.chance, data.plan),
            rows.paused(one, card.verdict, card.chance),
            rows.less(one, card.verdict),
        ),
    }
