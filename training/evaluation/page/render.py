"""The evaluation as one page that a person reads: no network, no script, Chinese and English, and the model card."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from features.bilingual import Words
from features.console import plain
from training.atomic_write import write_text
from training.evaluation.acceptance import CHANCE, INSIDE, TENTH, Check, checks, covered, overall
from training.evaluation.calibration_table import WHOLE
from training.evaluation.coverage import ASKED_SHARES, LEAST_ROWS
from training.evaluation.files import Evaluation, read_evaluation
from training.evaluation.holdout_frame import judged_targets
from training.evaluation.metrics import ALL_AGES, OWN
from training.evaluation.page import charts as plots
from training.evaluation.page import tables as page_tables
from training.evaluation.page.text import (
    CHANCES,
    CURES,
    HEADLINE,
    PARTS,
    QUESTIONS,
    STATUS,
    allowed_words,
    found_words,
    reason_words,
    target_words,
)
from training.evaluation.peer_results import Proof, read_proofs

PAGE, CARD = "evaluation.html", "model_card.md"


@dataclass(frozen=True)
class Picture:
    """A drawing and what it is of."""

    title: Words
    svg: str


@dataclass(frozen=True)
class Sheet:
    """A table and what it is of."""

    title: Words
    grid: page_tables.Grid


def write_page(folder: Path, proofs: Path) -> list[Check]:
    """Write the page and the model card of an evaluation beside its tables; what was checked.

    Args:
        folder: Of `training.evaluation.files.write_evaluation`.
        proofs: Where `make bench-peers` writes.

    Raises:
        BundleError: The folder holds no evaluation.
    """
    found = read_evaluation(folder)
    checked = checks_of(found)
    write_text(page(found, checked, read_proofs(proofs, found.about.data_fingerprint)), folder / PAGE)
    write_text(card(found, checked), folder / CARD)
    return checked


def checks_of(found: Evaluation) -> list[Check]:
    """Every question about an evaluation."""
    about = found.about
    return checks(
        found.beside, found.cells, found.bins, found.deciles, level=about.level, least_volume=about.min_impressions
    )


def page(found: Evaluation, checked: list[Check], proofs: list[Proof]) -> str:
    """The page."""
    targets = judged_targets(found.beside)
    return (
        _environment(_safe)
        .get_template("evaluation.html.j2")
        .render(
            **_shared(found, checked),
            least_rows=LEAST_ROWS,
            tenth=TENTH,
            whole=page_tables.figures_grid(found.figures, targets, ALL_AGES, "all"),
            parts=[
                Sheet(PARTS[part], page_tables.figures_grid(found.figures, targets, ALL_AGES, part))
                for part in ("cold", "warm")
            ],
            unlaunched=page_tables.figures_grid(found.figures, targets, 0, "cold"),
            ranks=[Picture(target_words(t), _rank(found, t)) for t in targets],
            gains=list(_gains(found, targets)),
            gained=[_sheet(t, page_tables.gained_grid(found.lifts, t)) for t in targets],
            totals=[Picture(target_words(t), _totals(found, t)) for t in targets],
            tenths=[Picture(target_words(t), _tenths(found, t)) for t in targets],
            calibration=[_sheet(t, page_tables.calibration_grid(found.deciles, t)) for t in targets],
            chances=[
                Picture(CHANCES[str(name)], plots.reliability_points(f"chance {name}", bins, CHANCE, _asked(str(name))))
                for name, bins in found.bins.groupby("chance", sort=False)
                if name in CHANCES
            ],
            covered=list(_covered(found, targets)),
            cells=[
                _sheet(t, page_tables.coverage_grid(found.cells, t, found.about.level))
                for t in targets
                if len(found.cells) and (found.cells["target"] == t).any()
            ],
            early=list(_early(found)),
            proofs=[_proof(proof) for proof in proofs],
            stages=page_tables.stages_grid(found.about),
        )
    )


def card(found: Evaluation, checked: list[Check]) -> str:
    """The model card."""
    return (
        _environment(_safe_cell)
        .get_template("model_card.md.j2")
        .render(**_shared(found, checked), figures=list(_card_rows(found)))
    )


def _shared(found: Evaluation, checked: list[Check]) -> dict[str, object]:
    return {
        "about": found.about,
        "status": STATUS[overall(checked)],
        "tone": overall(checked).lower(),
        "headline": HEADLINE[overall(checked)],
        "checks": [
            {
                "question": QUESTIONS[check.name], "status": STATUS[check.status], "tone": check.status.lower(),
                "allowed": allowed_words(check), "found": found_words(check), "cure": CURES[check.name],
            }
            for check in checked
        ],
        "left_out": [(reason_words(reason), count) for reason, count in found.about.left_out.items()],
    }  # fmt: skip


def _rank(found: Evaluation, target: str) -> str:
    rows = found.figures[(found.figures["target"] == target) & (found.figures["part"] == "all")]
    return plots.by_age(f"rank {target}", rows, "spearman", reference=0.0)


def _gains(found: Evaluation, targets: list[str]) -> Iterator[tuple[Picture, Picture]]:
    for target in targets:
        rows = found.lifts[(found.lifts["target"] == target) & (found.lifts["age_hours"] == ALL_AGES)]
        if len(rows):
            name = target_words(target)
            gain = Picture(name, plots.gain_curve(f"gain {target}", rows))
            yield gain, Picture(name, plots.lift_bars(f"lift {target}", rows))


def _totals(found: Evaluation, target: str) -> str:
    whole = found.deciles[(found.deciles["target"] == target) & (found.deciles["decile"] == WHOLE)]
    lines = [
        whole[["age_hours", "rows"]].assign(
            method=name, ratio=whole[name], ratio_low=whole[f"{name}_low"], ratio_high=whole[f"{name}_high"]
        )
        for name in ("mean", "total")
    ]
    return plots.by_age(f"totals {target}", pd.concat(lines), "ratio", reference=1.0, allowed=TENTH, log=True)


def _tenths(found: Evaluation, target: str) -> str:
    rows = found.deciles[(found.deciles["target"] == target) & (found.deciles["age_hours"] == ALL_AGES)]
    return plots.decile_points(f"tenths {target}", rows[rows["decile"] != WHOLE])


def _covered(found: Evaluation, targets: list[str]) -> Iterator[Picture]:
    about = found.about
    for target in targets:
        lines = []
        for age, rows in found.beside.groupby("age_hours"):
            one = covered(rows, target, about.min_impressions)
            if one:
                line = {"age_hours": age, "rows": one.rows, "share": one.value}
                lines.append(line | {"share_low": one.low, "share_high": one.high, "method": OWN})
        if lines:
            allowed = (about.level + INSIDE[0], about.level + INSIDE[1])
            svg = plots.by_age(f"covered {target}", pd.DataFrame(lines), "share", allowed=allowed, share=True)
            yield Picture(target_words(target), svg)


def _early(found: Evaluation) -> Iterator[Picture]:
    if len(found.curve):
        ranks = Words("ROI 排序相关", "rank correlation of ROI")
        yield Picture(ranks, plots.by_age("early rank", found.curve, "spearman", reference=0.0))
        worth = Words("决策价值:0 = 平均分配,1 = 事后全知", "decision value: 0 = everyone alike, 1 = knew what came")
        yield Picture(worth, plots.by_age("early worth", found.curve, "captured_share", reference=0.0))


def _proof(proof: Proof) -> dict[str, object]:
    against = {
        "what came": Words("对实际结果", "against what came"),
        "the truth": Words("对真值", "against the truth"),
    }
    slices = []
    for versus, target in proof.slices():
        name = target_words(target)
        known = against.get(versus, Words(versus, versus))
        title = Words(f"{name.zh},{known.zh}", f"{name.en}, {known.en}")
        drawn = plots.dots(f"peers {proof.name} {versus} {target}", proof.ranks(versus, target))
        slices.append((Picture(title, drawn), page_tables.proof_grid(proof, versus, target)))
    return {"name": proof.name, "slices": slices, "not_run": proof.not_run}


def _card_rows(found: Evaluation) -> Iterator[dict[str, str]]:
    whole = found.figures[(found.figures["age_hours"] == ALL_AGES) & (found.figures["part"] == "all")]
    for target in judged_targets(found.beside):
        rows = whole[whole["target"] == target].set_index("method")
        if OWN not in rows.index:
            continue
        own = rows.loc[OWN]
        inside = covered(found.beside, target, found.about.min_impressions)
        yield {
            "target": target,
            "rows": f"{int(own['rows']):,}",
            "ranks": " / ".join(page_tables.number(rank) for rank in rows["spearman"]),
            "deviances": " / ".join(page_tables.number(value) for value in rows["deviance"]),
            "total": page_tables.number(own["total"]),
            "mean": page_tables.number(own["mean"]),
            "covered": f"{inside.value:.0%} [{inside.low:.0%}, {inside.high:.0%}]" if inside else "–",
        }


def _sheet(target: str, grid: page_tables.Grid) -> Sheet:
    return Sheet(target_words(target), grid)


def _asked(chance: str) -> int:
    return len(ASKED_SHARES) if chance == "roi" else 1


def _environment(finalize: object) -> Environment:
    return Environment(
        loader=PackageLoader("training.evaluation.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,  # type: ignore[arg-type]
    )


def _safe(value: object) -> object:
    """Text of a file's making without control characters and changes of direction; jinja escapes it after."""
    return plain(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _safe_cell(value: object) -> object:
    """The same in Markdown: nothing that starts a column, a link or code."""
    if not isinstance(value, str) or hasattr(value, "__html__"):
        return value
    flat = plain(value).replace("\n", " ").replace("|", "/").replace("`", "'")
    return flat.replace("[", "(").replace("]", ")")
