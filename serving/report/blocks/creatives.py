"""Creatives: the first rows of each status for readers without a script, and the JSON of the table."""

from features.bilingual import Words
from serving.report.blocks import cards
from serving.report.blocks.coded import LETTERS, coded
from serving.report.blocks.numbers import short
from serving.report.blocks.templated import templated
from serving.report.cards.card import COUNTED, Card
from serving.report.creative_rows import CreativeRow
from serving.report.data import ReportData
from serving.report.first_screen import LOOK_AT, WATCH
from serving.report.wording.common import tag, target
from training.decision.rules import VERDICT_LABELS
from training.decision.status import RUNNING, STATUS_LABELS, STOPPED, WAITING

ROWS_PER_PAGE = 50
ROWS_WITHOUT_SCRIPT = 15
"""Rows of each status that stand in the page itself."""
STATUSES = (RUNNING, WAITING, STOPPED)


def values(data: ReportData) -> dict[str, object]:
    """Statuses with the number of their creatives and their first rows; targets that rows show."""
    rows = list(zip(data.creatives, data.cards))
    return {
        "statuses": [(status, STATUS_LABELS[status], *_first_rows(rows, status)) for status in STATUSES],
        "main": data.roi or data.gpm,
        "volume": volume_target(data),
        "most": ROWS_WITHOUT_SCRIPT,
    }


def embedded(data: ReportData) -> dict[str, object]:
    """Columns in the order of `ReportData.creatives`; each text is stored once."""
    found = data.cards
    targets = shown_targets(data)
    tags = list(dict.fromkeys(name for card in found for name in card.tags))
    tag_texts, tag_codes = zip(*(coded([card.tags.get(name) for card in found]) for name in tags)) if tags else ((), ())
    reasons, reason = templated(Words(card.reason_zh, card.reason_en) for card in found)
    verdicts = list(VERDICT_LABELS)
    return {
        "perPage": ROWS_PER_PAGE,
        "statuses": list(STATUSES),
        "statusLabels": [STATUS_LABELS[status] for status in STATUSES],
        "verdicts": verdicts,
        "verdictLabels": list(VERDICT_LABELS.values()),
        "verdict": [verdicts.index(card.verdict) for card in found],
        "reasons": reasons,
        "reason": reason,
        "watching": {"code": WATCH, "share": LOOK_AT, "days": data.model_quality.outcome_days},
        "decideCny": [short(card.decide_cny) for card in found],
        "decideDays": [short(card.decide_days) for card in found],
        "rateChance": [short(card.rate_chance) for card in found],
        "stake": [short(card.stake_cny) for card in found],
        "test": [short(card.test_cny) for card in found],
        "asked": [short(card.roi_target) for card in found],
        "chance": [short(card.chance) for card in found],
        "hit": [short(card.hit_chance) for card in found],
        "targetNames": targets,
        "targets": [target(name) for name in targets],
        "volume": targets.index(volume_target(data)) if targets else -1,
        "predicted": [[[short(card.targets[name][end]) for card in found] for end in range(3)] for name in targets],
        "typical": [[short(card.typical[name]) for card in found] for name in targets],
        "actual": [[short(card.actual[name]) for card in found] for name in targets if name != volume_target(data)],
        "counted": list(COUNTED),
        "counts": [[short(card.evidence.get(name)) for card in found] for name in COUNTED],
        "age": [round(card.age_hours, 1) if card.age_hours < 72 else round(card.age_hours) for card in found],
        "tagNames": tags,
        "tagLabels": [tag(name) for name in tags],
        "letters": LETTERS,
        "tagTexts": tag_texts,
        "tags": tag_codes,
        **cards.embedded(data),
    }


def shown_targets(data: ReportData) -> list[str]:
    """ROI and GPM, where they are predicted, and later volume."""
    return [name for name in (data.roi, data.gpm, volume_target(data)) if name]


def volume_target(data: ReportData) -> str:
    """Name of the target of later volume; empty without creatives."""
    return list(data.cards[0].targets)[-1] if data.cards else ""


def _first_rows(rows: list[tuple[CreativeRow, Card]], status: str) -> tuple[int, list[tuple[CreativeRow, Card]]]:
    of_status = [(row, card) for row, card in rows if row.status == status]
    return len(of_status), of_status[:ROWS_WITHOUT_SCRIPT]
