"""The report as one HTML file: numbers of `data`, sentences of `wording`, pictures of `charts`, and the template."""

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import log

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from configs import __version__
from features.bilingual import Words
from features.funnel import TARGETS
from features.sanitise import template_text, visible_texts
from serving.report import charts, wording
from serving.report.cards import COUNTED, Card
from serving.report.contribution_groups import OWN
from serving.report.data import ReportData
from serving.report.effects import TagEffect
from serving.report.five_questions import Question
from serving.report.koc import KocCell
from training.decision.verdict import VERDICT_LABELS

ROWS_PER_PAGE = 50
FEW_CREATIVES = 5
"""A KOC's cell with fewer creatives is hatched."""
TONE_STEPS = (0.02, 0.06, 0.12, 0.22)
"""|log factor| from which a cell's colour deepens."""


@dataclass(frozen=True)
class FactorCell:
    """Texts and CSS classes of a cell in a table of factors."""

    factor: str
    band: str
    tone: str
    title: str


def render(data: ReportData, lang: str = "zh") -> str:
    """The page.

    Args:
        data: Numbers of the report.
        lang: Language that it opens in: zh or en.
    """
    style, script = (
        files("serving.report").joinpath(f"templates/report.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    level = data.model_quality.level
    labels = {stage.name: Words(stage.zh, stage.en) for stage in data.stages}
    labels |= {name: wording.target(name) for name in (data.gpm, data.roi) if name}
    template = _environment().get_template("report.html.j2")
    return template.render(
        lang=lang,
        version=__version__,
        data=data,
        quality=data.model_quality,
        wording=wording,
        text=wording.text,
        level=level,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        labels=labels,
        targets=TARGETS,
        verdicts=VERDICT_LABELS,
        questions=[_question(question, data, level) for question in data.questions],
        heat=[(row, [_effect_cell(row.cells[name], level) for name in data.heat_columns]) for row in data.heat],
        swarms=[
            (labels[one.of], charts.beeswarm(one, [wording.group(group) for group in one.groups], labels[one.of]))
            for one in data.swarms
            if one.groups
        ],
        dependences=[
            (wording.group(one.group), labels[one.of], charts.dependence_curve(one)) for one in data.dependences
        ],
        hit_curve=charts.hit_curve(data.diversity.hits) if data.diversity.hits else None,
        kocs=[
            (
                koc,
                [_effect_cell(koc.stages[name], level) for name in data.heat_columns],
                [_koc_cell(cell, level) for cell in koc.products],
                [_koc_cell(cell, level) for cell in koc.bands],
            )
            for koc in data.kocs.kocs
        ],
        rows=[_row(card, data) for card in data.cards[:ROWS_PER_PAGE]],
        embedded=visible_texts(embedded(data)),
    )


def embedded(data: ReportData) -> dict[str, object]:
    """JSON from which the page's script makes the table and the cards; each text is stored once, rows are lists."""
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
        "words": wording.SCRIPT_TEXTS,
        "groups": [wording.group(name) for name in groups],
        "own": wording.group(OWN),
        "tags": [wording.tag(name) for name in tags],
        "values": list(values),
        "targets": [wording.target(name) for name in targets],
        "money": [TARGETS[name].is_money for name in targets],
        "verdicts": VERDICT_LABELS,
        "rows": rows,
        "perPage": ROWS_PER_PAGE,
    }


def _question(question: Question, data: ReportData, level: float) -> dict[str, object]:
    units = {stage.name: stage.unit for stage in data.stages}
    pairs, phrases = question.interactions, question.phrases
    return {
        "title": wording.QUESTION_TITLES[question.name],
        "answer": wording.answer(question, level),
        "question": question,
        "forest": charts.forest(question.effects),
        "pairs": wording.strongest_pairs(pairs, level) if pairs.examined else None,
        "phrases": wording.strongest_phrases(phrases, level) if question.name == "copy" and phrases else None,
        "unit": units[question.stages[-1]] if question.stages else "rate",
    }


def _row(card: Card, data: ReportData) -> dict[str, object]:
    volume = next(name for name in card.targets if TARGETS[name].is_volume)
    main = data.roi or data.gpm or next(iter(card.targets))
    return {"card": card, "main": card.targets[main], "volume": card.targets[volume]}


def _effect_cell(effect: TagEffect, level: float) -> FactorCell:
    return _factor_cell(effect.factor, effect.low, effect.high, effect.creatives, level, thin=effect.thin)


def _koc_cell(cell: KocCell | None, level: float) -> FactorCell | None:
    if cell is None:
        return None
    return _factor_cell(cell.factor, cell.low, cell.high, cell.creatives, level, thin=cell.creatives < FEW_CREATIVES)


def _factor_cell(factor: float, low: float, high: float, creatives: int, level: float, *, thin: bool) -> FactorCell:
    size = sum(abs(log(factor)) >= step for step in TONE_STEPS)
    tone = f"{'up' if factor > 1 else 'down'}{size}" if size else "flat"
    tone += " thin" if thin else ""
    tone += "" if low > 1.0 or high < 1.0 else " unsure"
    band, count = wording.band(low, high, level), wording.count(creatives)
    title = f"{wording.times(factor)} {band.zh},{count.zh} / {band.en}, {count.en}"
    return FactorCell(f"{factor:.2f}", f"{low:.2f}–{high:.2f}", tone, title)


def _short(value: float | None) -> float | None:
    """Five significant digits: the page never shows more."""
    return None if value is None else float(f"{value:.5g}")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("serving.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=template_text,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    environment.policies["json.dumps_function"] = json.dumps
    return environment
