"""The report as one HTML file: numbers of `report_data`, sentences of `wording_report`, markup of the template."""

import base64
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from math import exp, log

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from configs import __version__
from features.bilingual import Words
from features.funnel import TARGETS
from features.sanitise import template_text, visible_texts
from serving.report import charts as drawn
from serving.report import labels as fixed
from serving.report import text as words
from serving.report.cards import Card
from serving.report.data import ReportData
from serving.report.effects import Effect
from serving.report.feature_groups import OWN
from serving.report.koc import KocCell
from training.evaluation.page.text import CURES

ROWS_SHOWN = 50
COUNTED = ("impressions", "clicks", "orders", "spend_cny", "gmv_cny")
FEW = 5
"""Creatives of a KOC with a product under which the cell is hatched."""
HEAT_STEPS = (0.02, 0.06, 0.12, 0.22)
"""|log factor| from which a cell's colour deepens."""


@dataclass(frozen=True)
class Cell:
    """A cell of a table of factors."""

    factor: str
    band: str
    tone: str
    title: str


def render(data: ReportData, lang: str = "zh") -> str:
    """The page.

    Args:
        data: What it tells.
        lang: The language it opens with: zh or en.
    """
    template = _environment().get_template("report.html.j2")
    style, script = (
        files("serving.report").joinpath(f"templates/report.{kind}").read_text("utf-8") for kind in ("css", "js")
    )
    stages = {stage.name: Words(stage.zh, stage.en) for stage in data.stages}
    named = {**stages, **{name: words.target(name) for name in (data.gpm, data.roi) if name}}
    level = data.belief.level
    return template.render(
        lang=lang,
        version=__version__,
        d=data,
        w=words,
        said=fixed.said,
        fixed=fixed,
        cures=CURES,
        level=level,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
        named=named,
        questions=[
            {
                "title": fixed.TITLES[q.name],
                "answer": words.answer(q, level),
                "q": q,
                "forest": drawn.forest(q.effects),
                "together": words.together(q.interplay, level) if q.interplay.looked_at else None,
                "phrases": words.phrasing(q.phrases, level) if q.name == "copy" and q.phrases else None,
                "unit": _unit(data, q.stages),
            }
            for q in data.questions
        ],
        heat=[(row, [_cell(row.cells[name], level) for name in data.heat_columns]) for row in data.heat],
        swarms=[
            (named[s.of], drawn.swarm(s), [words.family(f) for f in s.families]) for s in data.swarms if s.families
        ],
        dependences=[(words.family(d.family), named[d.stage], drawn.dependence(d)) for d in data.dependences],
        chance=drawn.chances(data.richness.chance) if data.richness.chance else None,
        koc_stages=[(koc, [_cell(koc.stages[name], level) for name in data.heat_columns]) for koc in data.kocs.kocs],
        kocs=[(koc, _koc_cells(koc.products, level), _koc_cells(koc.bands, level)) for koc in data.kocs.kocs],
        rows=[_row(card) for card in data.cards[:ROWS_SHOWN]],
        embedded=visible_texts(embedded(data)),
    )


def embedded(data: ReportData) -> dict[str, object]:
    """What the page's script shows cards and the table from: short, each word once."""
    families = list(dict.fromkeys([f for card in data.cards for w in card.waterfalls.values() for f, _ in w.bars]))
    place = {name: number for number, name in enumerate(families)}
    tags = list(dict.fromkeys(name for card in data.cards for name in card.tags))
    values: dict[str, int] = {}
    targets = [name for name in (data.roi, data.gpm) if name]
    later = next((name for name in (data.cards[0].targets if data.cards else {}) if TARGETS[name].is_volume), "")
    rows = []
    for card in data.cards:
        falls = [card.waterfalls[name] for name in targets]
        rows.append(
            [
                card.creative_id, card.name, card.account_id, card.promotion_type, card.age_hours, card.verdict,
                card.reason_zh, card.reason_en, _short(card.asked_roi), _short(card.chance), _short(card.hit_chance),
                [[_short(v) for v in card.targets[name]] for name in (*targets, later) if name],
                [_short(card.at_launch[name]) for name in targets],
                [_short(card.evidence.get(name)) for name in COUNTED],
                [[fall.start, [[place[f], v] for f, v in fall.bars], fall.others, fall.own] for fall in falls],
                [[n.row, n.name if n.row < 0 else "", n.alike, _short(n.roi), _short(n.gpm), _short(n.impressions)]
                 for n in card.neighbours],
                [[tags.index(name), values.setdefault(value, len(values))] for name, value in card.tags.items()],
            ]
        )  # fmt: skip
    return {
        "words": fixed.SCRIPT,
        "families": [words.family(name) for name in families],
        "own": words.family(OWN),
        "tags": [_tag(name) for name in tags],
        "values": list(values),
        "targets": [words.target(name) for name in targets],
        "money": [TARGETS[name].is_money for name in targets],
        "verdicts": {name: words.verdict(name) for name in ("scale", "test", "hold", "stop", "")},
        "level": data.belief.level,
        "days": data.belief.outcome_days,
        "rows": rows,
        "perPage": ROWS_SHOWN,
    }


NUMBER_WORDS = {
    "price_cny": Words("价格(元)", "price, CNY"),
    "duration_s": Words("时长(秒)", "duration, s"),
    "copy_text": Words("文案", "copy text"),
}


def _tag(name: str) -> Words:
    return NUMBER_WORDS.get(name) or words.tag(name)


def _unit(data: ReportData, stages: Iterable[str]) -> str:
    """Whether a raw rate is shown as a share or in CNY."""
    units = {stage.name: stage.unit for stage in data.stages}
    return next((units[stage] for stage in reversed(list(stages))), "rate")


def _row(card: Card) -> dict[str, object]:
    return {"card": card, "verdict": words.verdict(card.verdict), "targets": list(card.targets.items())}


def _cell(effect: Effect, level: float) -> Cell:
    return _tone_cell(effect.factor, effect.low, effect.high, effect.creatives, level, thin=effect.thin)


def _tone_cell(factor: float, low: float, high: float, count: int, level: float, *, thin: bool) -> Cell:
    size = sum(abs(log(factor)) >= step for step in HEAT_STEPS)
    tone = f"{'up' if factor > 1 else 'down'}{size}" if size else "flat"
    sure = low > 1.0 or high < 1.0
    tone += " thin" if thin else ""
    tone += "" if sure else " unsure"
    inside = words.band(low, high, level)
    number = words.count(count)
    title = f"{words.times(factor)} {inside.zh},{number.zh} / {inside.en}, {number.en}"
    return Cell(f"{factor:.2f}", f"{low:.2f}–{high:.2f}", tone, title)


def _koc_cells(told: Sequence[KocCell | None], level: float) -> list[Cell | None]:
    return [
        None
        if one is None
        else _tone_cell(one.factor, one.low, one.high, one.creatives, level, thin=one.creatives < FEW)
        for one in told
    ]


def _short(value: float | None) -> float | None:
    """Five digits: more is never shown."""
    return None if value is None else float(f"{value:.5g}")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(sha256(text.encode()).digest()).decode()


def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("serving.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=template_text,
    )
    made.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": False}
    made.policies["json.dumps_function"] = json.dumps
    made.globals["exp"] = exp
    return made
