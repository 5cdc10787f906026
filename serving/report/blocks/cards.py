"""JSON of the cards: steps, life, waterfalls, reasons of little traffic, same ideas, neighbours; texts stand once."""

from collections.abc import Sequence
from datetime import date

from features.attributes import ATTRIBUTE_OF
from features.bilingual import Words
from serving.report.blocks.numbers import short
from serving.report.cards.card import CARD_ATTRIBUTES, Card
from serving.report.cards.life import FADING, NEW, RISING, STEADY, Life
from serving.report.cards.neighbours import Neighbour
from serving.report.cards.waterfall import Waterfall
from serving.report.data import ReportData
from serving.report.wording.cards import STEP_LABELS
from serving.report.wording.common import group, tag, target
from training.decision.similar import IDEA_TAGS
from training.decision.status import STOPPED, WAITING

PHASES = (NEW, RISING, STEADY, FADING, STOPPED, WAITING)
LOG_UNIT = 1e4
"""Logs are stored as whole numbers of 1/LOG_UNIT: a factor shown with two decimals is exact."""
FIRST_DAY = date(2020, 1, 1)
"""Days are stored as numbers since then."""
WHOLE_MONEY = 10.0
"""Daily sums from here on are stored without decimals."""
SHAP_FROM = 0.005
"""SHAP parts from here on are told beside their bar."""
RATE_DIGITS = 4
UNTOLD = "3"
PRINTED = 30


def embedded(data: ReportData) -> dict[str, object]:
    """Columns in the order of `ReportData.creatives`, or tables that the columns refer to."""
    cards = data.cards
    explained = list(dict.fromkeys(name for card in cards for name in card.waterfalls))
    groups = list(dict.fromkeys(name for card in cards for one in card.waterfalls.values() for name, _, _ in one.bars))
    causes = [cause for card in cards if card.low_volume for cause in card.low_volume.causes]
    groups = list(dict.fromkeys([*groups, *(cause.name for cause in causes if cause.kind == "group")]))
    place = {name: number for number, name in enumerate(groups)}
    stages = [stage.name for stage in data.stages]
    roi, gpm = (target(name or fallback) for name, fallback in ((data.roi, "roi"), (data.gpm, "gpm")))
    return {
        "roiLabel": roi,
        "gpmLabel": gpm,
        "windowDays": data.model_quality.outcome_days,
        "stages": [[name, kind_of(name, data), *step_label(name, data)] for name in stages],
        "benchmarks": _benchmarks(data),
        "steps": [_steps(cards, name) for name in stages],
        "leak": [stages.index(card.leak) if card.leak else -1 for card in cards],
        "dailyColumn": data.daily_column,
        "phases": list(PHASES),
        "phase": [PHASES.index(card.life.phase) for card in cards],
        "days": [card.life.days for card in cards],
        "firstDay": [_day(card.life) for card in cards],
        "daily": [packed_days(card.life.daily) for card in cards],
        "recent": [short(card.life.recent) for card in cards],
        "peak": [short(card.life.peak) for card in cards],
        "peakEnd": [card.life.peak_end for card in cards],
        "groupNames": groups,
        "groups": [group(name) for name in groups],
        "attributeOf": {ATTRIBUTE_OF[name].report_group: name for name in CARD_ATTRIBUTES},
        "launch": [[short(card.at_launch[name]) for card in cards] for name in explained],
        "falls": [[_fall(card, name, place) if name in card.waterfalls else 0 for card in cards] for name in explained],
        "low": {number: _low(card) for number, card in enumerate(cards) if card.low_volume},
        "ideaTags": [tag(name) for name in IDEA_TAGS],
        **_ideas(cards),
        **_neighbours(cards),
        "printed": printed(cards),
    }


def step_label(stage: str, data: ReportData) -> Words:
    """What the trade calls a stage of this funnel."""
    clicks = any(one.name == "click" for one in data.stages)
    if stage == "order" and not clicks:
        return STEP_LABELS["order_per_impression"]
    own = next(one for one in data.stages if one.name == stage)
    return STEP_LABELS[stage] if stage in STEP_LABELS and (clicks or stage != "earn") else Words(own.zh, own.en)


def kind_of(stage: str, data: ReportData) -> str:
    """How its rate is shown: `refund` (the complement), `cost` (of 1 000), `rate` (percent) or `number`."""
    if stage in ("keep", "cost"):
        return {"keep": "refund", "cost": "cost"}[stage]
    return "rate" if next(one.unit for one in data.stages if one.name == stage) == "rate" else "number"


def printed(cards: Sequence[Card]) -> list[int]:
    """The PRINTED creatives that are printed: by what their decision is worth, then waiting ones in their order."""
    running = sorted(
        (place for place, card in enumerate(cards) if card.stake_cny is not None),
        key=lambda place: -abs(cards[place].stake_cny or 0.0),
    )
    waiting = [place for place, card in enumerate(cards) if card.test_cny is not None]
    rest = [place for place in range(len(cards)) if place not in {*running, *waiting}]
    return [*running, *waiting, *rest][:PRINTED]


def _benchmarks(data: ReportData) -> dict[str, dict[str, object]]:
    """Account and promotion type → stage → rate and number of creatives compared."""
    found: dict[str, dict[str, object]] = {}
    for one in data.benchmarks:
        own = found.setdefault(f"{one.account_id} {one.promotion_type}", {})
        own[one.stage] = [short(one.rate), one.creatives]
    return found


def _steps(cards: Sequence[Card], stage: str) -> dict[str, object]:
    """Columns of one step: rate, percentile in whole percent, and a digit for each creative.

    The digit is 0: the rate is predicted, because too little was observed; 1: observed; 2: and clearly unlike the
    account's; 3: nothing is told, because too little was observed of a creative that has stopped.
    """
    rates: list[float | int | None] = []
    places: list[int | None] = []
    seen = ""
    for card in cards:
        step = card.steps[stage]
        untold = step.observed is None and card.life.phase == STOPPED
        rates.append(0 if untold else short(step.predicted if step.observed is None else step.observed, RATE_DIGITS))
        places.append(0 if untold else None if step.percentile is None else round(100 * step.percentile))
        seen += UNTOLD if untold else str((step.observed is not None) + step.clear)
    return {"rate": rates, "place": places, "seen": seen}


def _day(life: Life) -> int | None:
    return (date.fromisoformat(life.first_day) - FIRST_DAY).days if life.first_day else None


def packed_days(daily: Sequence[float]) -> list[float | int]:
    """Daily sums with one decimal below WHOLE_MONEY and none above; −n stands for n days in a row without any.

    >>> packed_days([0.0, 0.0, 0.0, 3.14, 0.0, 120.7])
    [-3, 3.1, -1, 121]
    """
    found: list[float | int] = []
    for value in daily:
        rounded = round(value) if value >= WHOLE_MONEY or value == round(value) else round(value, 1)
        if rounded:
            found.append(rounded)
        elif found and found[-1] < 0:
            found[-1] -= 1
        else:
            found.append(-1)
    return found


def _fall(card: Card, target: str, place: dict[str, int]) -> list[object]:
    """Start, 1 if it is actual, level, others, own, then group, log and its SHAP part of each bar."""
    fall: Waterfall = card.waterfalls[target]
    bars = [(place[name], _unit(log), _unit(shap) if abs(shap) >= SHAP_FROM else 0) for name, log, shap in fall.bars]
    start, others, own = _unit(fall.start), _unit(fall.others), _unit(fall.own)
    total = fall.start + fall.level + fall.others + fall.own + sum(log for _, log, _ in fall.bars)
    # The level takes what rounding leaves, so that the whole numbers add up to the prediction.
    level = _unit(total) - start - others - own - sum(log for _, log, _ in bars)
    return [start, int(fall.actual), level, others, own, *(number for bar in bars for number in bar)]


def _unit(log: float) -> int:
    return round(log * LOG_UNIT)


def _low(card: Card) -> list[object]:
    assert card.low_volume is not None
    low = card.low_volume
    causes = [[cause.kind, cause.name, short(cause.factor)] for cause in low.causes]
    return [short(low.expected), short(low.usual), short(low.usual_roi_target), causes]


def _ideas(cards: Sequence[Card]) -> dict[str, object]:
    """Groups of creatives with the same idea, and of each creative its group, likeness and near-duplicate copy."""
    groups: dict[int, list[int]] = {card.idea.first: card.idea.members for card in cards if card.idea.members}
    place = {first: number for number, first in enumerate(groups)}
    return {
        "ideaGroups": list(groups.values()),
        "idea": [place[card.idea.first] if card.idea.members else -1 for card in cards],
        "ideaLikeness": {
            number: [
                _percent(card.idea.copy_similarity),
                *(IDEA_TAGS.index(name) for name in card.idea.shared),
            ]
            for number, card in enumerate(cards)
            if card.idea.members and card.idea.first != number
        },
        "nearCopy": {
            number: [card.idea.near_copy, _percent(card.idea.near_copy_similarity)]
            for number, card in enumerate(cards)
            if card.idea.near_copy >= 0
        },
    }


def _neighbours(cards: Sequence[Card]) -> dict[str, object]:
    """Index and likeness in percent of each neighbour; those without a card stand in `past`, from −1 down."""
    outcomes: dict[int, list[object]] = {}
    past: dict[str, int] = {}
    others: list[list[object]] = []
    rows: list[list[int]] = []
    for card in cards:
        line: list[int] = []
        for near in card.neighbours:
            if near.row >= 0:
                outcomes[near.row] = _outcome(near)
                line += [near.row, round(100 * near.similarity)]
                continue
            if near.key not in past:
                past[near.key] = len(past)
                others.append([near.name, *_outcome(near)])
            line += [-1 - past[near.key], round(100 * near.similarity)]
        rows.append(line)
    return {"near": rows, "outcomes": outcomes, "past": others}


def _outcome(near: Neighbour) -> list[object]:
    return [short(near.roi), short(near.gpm), short(near.impressions)]


def _percent(value: float | None) -> int | None:
    return None if value is None else round(100 * value)
