"""Creatives: rows of the table that stands there without a script, and the JSON of table and cards."""

from features.funnel import TARGETS
from serving.report.cards import COUNTED, Card
from serving.report.contribution_groups import OWN
from serving.report.data import ReportData
from serving.report.wording.common import group, tag, target
from training.decision.rules import VERDICT_LABELS

ROWS_PER_PAGE = 50


def values(data: ReportData) -> dict[str, object]:
    """Rows of the first page of the table."""
    return {"rows": [_row(card, data) for card in data.cards[:ROWS_PER_PAGE]]}


def embedded(data: ReportData) -> dict[str, object]:
    """Rows as lists, in the order of `ReportData.creatives`; each text is stored once."""
    groups = list(dict.fromkeys([name for card in data.cards for w in card.waterfalls.values() for name, _ in w.bars]))
    place = {name: number for number, name in enumerate(groups)}
    tags = list(dict.fromkeys(name for card in data.cards for name in card.tags))
    values: dict[str, int] = {}
    targets = [name for name in (data.roi, data.gpm) if name]
    volume = next((name for name in (data.cards[0].targets if data.cards else {}) if TARGETS[name].is_volume), "")
    rows = []
    for card in data.cards:
        falls = [card.waterfalls[name] for name in targets]
        rows.append(
            [
                card.creative_id, card.name, card.account_id, card.promotion_type, card.age_hours, card.verdict,
                card.reason_zh, card.reason_en, _short(card.roi_target), _short(card.chance), _short(card.hit_chance),
                [[_short(v) for v in card.targets[name]] for name in (*targets, volume) if name],
                [_short(card.at_launch[name]) for name in targets],
                [_short(card.evidence.get(name)) for name in COUNTED],
                [[fall.start, [[place[f], v] for f, v in fall.bars], fall.others, fall.own] for fall in falls],
                [[n.row, n.name if n.row < 0 else "", n.similarity, _short(n.roi), _short(n.gpm), _short(n.impressions)]
                 for n in card.neighbours],
                [[tags.index(name), values.setdefault(value, len(values))] for name, value in card.tags.items()],
            ]
        )  # fmt: skip
    return {
        "groups": [group(name) for name in groups],
        "own": group(OWN),
        "tags": [tag(name) for name in tags],
        "values": list(values),
        "targets": [target(name) for name in targets],
        "money": [TARGETS[name].is_money for name in targets],
        "verdicts": VERDICT_LABELS,
        "rows": rows,
        "perPage": ROWS_PER_PAGE,
    }


def _row(card: Card, data: ReportData) -> dict[str, object]:
    volume = next(name for name in card.targets if TARGETS[name].is_volume)
    main = data.roi or data.gpm or next(iter(card.targets))
    return {"card": card, "main": card.targets[main], "volume": card.targets[volume]}


def _short(value: float | None) -> float | None:
    """Five significant digits: the page never shows more."""
    return None if value is None else float(f"{value:.5g}")
