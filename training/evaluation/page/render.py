"""Render an evaluation as one HTML page (no network, no script, Chinese and English) and as the model card."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from features.atomic_write import write_text
from features.bilingual import Words
from features.sanitise import markdown_text, template_text
from training.charts.palette import standalone
from training.charts.theme import theme
from training.evaluation.acceptance import (
    COVERAGE_TOLERANCE,
    GROUP_LEVEL_RANGE,
    PROBABILITY_TOLERANCE,
    Judgement,
    judgements,
)
from training.evaluation.coverage import ROI_LEVEL_SHARES
from training.evaluation.deciles import WHOLE
from training.evaluation.files import Evaluation, read_evaluation
from training.evaluation.metrics import ALL_AGES, OWN, evaluated_targets
from training.evaluation.page import charts as plots, tables as page_tables
from training.evaluation.page.head_swarms import HeadSwarm, head_swarms
from training.evaluation.page.sentences import five_sentences, rules
from training.evaluation.page.text import BASIS_LABELS, CHANCES, ROW_PARTS, promotion_words, reason_words, target_words
from training.evaluation.peer_results import PeerComparison, read_peer_results
from training.explanation.head_points import MOST_ROWS
from training.labels.judged import MIN_GROUP_ROWS

PAGE, CARD = "evaluation.html", "model_card.md"
CHARTS = "charts"
"""Folder of charts as files of their own, for MLflow: the page holds the same."""


@dataclass(frozen=True)
class Picture:
    """A chart as SVG, with its title."""

    title: Words
    svg: str


@dataclass(frozen=True)
class Sheet:
    """A table with its title."""

    title: Words
    table: page_tables.PageTable


def write_page(folder: Path, peer_folder: Path) -> list[Judgement]:
    """Write page, charts and model card of an evaluation next to its tables; return what the model can be used for.

    Args:
        folder: Of `training.evaluation.files.write_evaluation`.
        peer_folder: Where `make bench-peers` writes its results.

    Raises:
        BundleError: The folder holds no evaluation.
    """
    found = read_evaluation(folder)
    judged = judgements_of(found)
    peers = read_peer_results(peer_folder, found.facts.data_fingerprint)
    write_text(page(found, judged, peers, head_swarms(found.facts.heads, folder)), folder / PAGE)
    write_text(card(found, judged), folder / CARD)
    for target in evaluated_targets(found.holdout):
        for chart, svg in (("lift", _lift(found, target)), ("calibration", _tenths(found, target))):
            if svg:
                write_text(standalone(svg), folder / CHARTS / f"{chart}_{target}.svg")
    return judged


def judgements_of(found: Evaluation) -> list[Judgement]:
    """Judge what the model of an evaluation can be used for."""
    facts = found.facts
    return judgements(
        found.holdout, found.groups, found.bins, found.deciles, level=facts.level, least_volume=facts.min_impressions
    )


def page(found: Evaluation, judged: list[Judgement], peers: list[PeerComparison], explained: list[HeadSwarm]) -> str:
    """Return the HTML of the page."""
    targets = evaluated_targets(found.holdout)
    return (
        _environment(template_text)
        .get_template("evaluation.html.j2")
        .render(
            **_shared(found, judged),
            style=theme() + files(__package__).joinpath("templates/evaluation.css").read_text("utf-8"),
            moment=_moment,
            basis=BASIS_LABELS[found.facts.basis],
            promotion_types=[promotion_words(one) for one in found.facts.promotion_types],
            brier=list(_brier(found.facts.brier)),
            least_rows=MIN_GROUP_ROWS,
            decile_range=GROUP_LEVEL_RANGE,
            rules=rules(found.facts.level),
            judged=page_tables.judgements_table(judged, found.facts.level),
            whole=page_tables.figures_table(found.figures, targets, ALL_AGES, "all"),
            parts=[
                Sheet(ROW_PARTS[part], page_tables.figures_table(found.figures, targets, ALL_AGES, part))
                for part in ("cold", "warm")
            ],
            unlaunched=page_tables.figures_table(found.figures, targets, 0, "cold"),
            ranks=[Picture(target_words(t), _rank(found, t)) for t in targets],
            gains=list(_gains(found, targets)),
            totals=[Picture(target_words(t), _totals(found, t)) for t in targets],
            tenths=[Picture(target_words(t), _tenths(found, t)) for t in targets],
            calibration=[_sheet(t, page_tables.deciles_table(found.deciles, t)) for t in targets],
            chances=[
                Picture(CHANCES[str(name)], _reliability(str(name), bins))
                for name, bins in found.bins.groupby("chance", sort=False)
                if name in CHANCES
            ],
            covered=list(_covered(found, targets)),
            groups=[
                _sheet(t, page_tables.coverage_table(found.groups, t, found.facts.level))
                for t in targets
                if len(found.groups) and (found.groups["target"] == t).any()
            ],
            early=list(_early(found)),
            peers=[_peers(comparison) for comparison in peers],
            heads=page_tables.heads_table(found.facts),
            explained=explained,
            most_explained=MOST_ROWS,
        )
    )


def card(found: Evaluation, judged: list[Judgement]) -> str:
    """Return the Markdown of the model card."""
    return (
        _environment(markdown_text)
        .get_template("model_card.md.j2")
        .render(**_shared(found, judged), figures=list(_card_rows(found, judged)))
    )


def _shared(found: Evaluation, judged: list[Judgement]) -> dict[str, object]:
    return {
        "facts": found.facts,
        "sentences": five_sentences(judged, found.facts.level),
        "left_out": [(reason_words(reason), count) for reason, count in found.facts.left_out.items()],
    }


def _moment(text: str) -> str:
    """An ISO time to the minute, as people read it."""
    return text[:16].replace("T", " ").removesuffix(" 00:00")


def _brier(scores: Mapping[str, float]) -> Iterator[tuple[Words, float, float]]:
    """Each chance's score with that of its mean frequency."""
    for name, value in scores.items():
        if f"{name}_base" in scores:
            yield CHANCES[name], value, scores[f"{name}_base"]


def _rank(found: Evaluation, target: str) -> str:
    rows = found.figures[(found.figures["target"] == target) & (found.figures["part"] == "all")]
    return plots.by_age(f"rank {target}", rows, "spearman", reference=0.0)


def _lift(found: Evaluation, target: str) -> str:
    rows = found.lifts[(found.lifts["target"] == target) & (found.lifts["age_hours"] == ALL_AGES)]
    return plots.lift_bars(f"lift {target}", rows) if len(rows) else ""


def _gains(found: Evaluation, targets: list[str]) -> Iterator[tuple[Picture, Picture, page_tables.PageTable]]:
    for target in targets:
        rows = found.lifts[(found.lifts["target"] == target) & (found.lifts["age_hours"] == ALL_AGES)]
        if len(rows):
            name = target_words(target)
            drawn = Picture(name, plots.gain_curve(f"gain {target}", rows)), Picture(name, _lift(found, target))
            yield *drawn, page_tables.gained_table(found.lifts, target)


def _totals(found: Evaluation, target: str) -> str:
    whole = found.deciles[(found.deciles["target"] == target) & (found.deciles["decile"] == WHOLE)]
    lines = [
        whole[["age_hours", "rows"]].assign(
            method=name, ratio=whole[name], ratio_low=whole[f"{name}_low"], ratio_high=whole[f"{name}_high"]
        )
        for name in ("mean", "total")
    ]
    return plots.by_age(
        f"totals {target}", pd.concat(lines), "ratio", reference=1.0, allowed=GROUP_LEVEL_RANGE, log=True
    )


def _tenths(found: Evaluation, target: str) -> str:
    rows = found.deciles[(found.deciles["target"] == target) & (found.deciles["age_hours"] == ALL_AGES)]
    return plots.decile_points(f"tenths {target}", rows[rows["decile"] != WHOLE])


def _covered(found: Evaluation, targets: list[str]) -> Iterator[Picture]:
    level = found.facts.level
    for target in targets:
        table = page_tables.coverage_by_age(found.groups, target).assign(method=OWN)
        if len(table):
            allowed = (level - COVERAGE_TOLERANCE, level + COVERAGE_TOLERANCE)
            svg = plots.by_age(f"covered {target}", table, "share", allowed=allowed, share=True)
            yield Picture(target_words(target), svg)


def _early(found: Evaluation) -> Iterator[Picture]:
    if len(found.curve):
        ranks = Words("ROI 排序相关", "rank correlation of ROI")
        yield Picture(ranks, plots.by_age("early rank", found.curve, "spearman", reference=0.0))
        value = Words(
            "决策价值：0 = 平均分配，1 = 事后全知", "decision value: 0 = all alike, 1 = ranked by the outcome"
        )
        yield Picture(value, plots.by_age("early value", found.curve, "captured_share", reference=0.0))


def _peers(comparison: PeerComparison) -> dict[str, object]:
    against = {
        "what came": Words("对实际结果", "against the outcome"),
        "the truth": Words("对真值", "against the truth"),
    }
    slices = []
    for versus, target in comparison.slices():
        name = target_words(target)
        known = against.get(versus, Words(versus, versus))
        title = Words(f"{name.zh}，{known.zh}", f"{name.en}, {known.en}")
        drawn = plots.dots(f"peers {comparison.name} {versus} {target}", comparison.ranks(versus, target))
        slices.append((Picture(title, drawn), page_tables.peer_table(comparison, versus, target)))
    return {"name": comparison.name, "slices": slices, "not_run": comparison.not_run}


def _card_rows(found: Evaluation, judged: list[Judgement]) -> Iterator[dict[str, str]]:
    intervals = {one.of: one.figure for one in judged if one.aspect == "intervals" and one.figure.rows}
    whole = found.figures[(found.figures["age_hours"] == ALL_AGES) & (found.figures["part"] == "all")]
    for target in evaluated_targets(found.holdout):
        rows = whole[whole["target"] == target]
        own = {str(row["method"]): row for row in rows.to_dict("records")}.get(OWN)
        if own is None:
            continue
        inside = intervals.get(target)
        yield {
            "target": target,
            "rows": f"{int(own['rows']):,}",
            "ranks": " / ".join(page_tables.number(rank) for rank in rows["spearman"]),
            "deviances": " / ".join(page_tables.number(value) for value in rows["deviance"]),
            "total": page_tables.number(own["total"]),
            "mean": page_tables.number(own["mean"]),
            "covered": f"{inside.value:.0%} [{inside.low:.0%}, {inside.high:.0%}]" if inside else "–",
        }


def _sheet(target: str, table: page_tables.PageTable) -> Sheet:
    return Sheet(target_words(target), table)


def _reliability(name: str, bins: pd.DataFrame) -> str:
    repeats = len(ROI_LEVEL_SHARES) if name == "roi" else 1
    return plots.reliability_points(f"chance {name}", bins, PROBABILITY_TOLERANCE, repeats)


def _environment(finalize: Callable[[object], object]) -> Environment:
    return Environment(
        loader=PackageLoader("training.evaluation.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
