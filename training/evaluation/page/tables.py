"""Tables of an evaluation's page: cells in two languages, each with a tone that sets its colour."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.bilingual import Words
from training.evaluation.acceptance import ASPECTS, GROUP_LEVEL_RANGE, GROUP_TOLERANCE, Judgement, Verdict, share_band
from training.evaluation.coverage import QUARTERS
from training.evaluation.deciles import DECILES, IDEAL, WHOLE
from training.evaluation.files import RunFacts
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, MIN_METRIC_ROWS, OWN
from training.evaluation.page.sentences import ASPECT_LABELS, cell_words, label
from training.evaluation.page.text import age_words, method_words, promotion_words, target_words
from training.evaluation.peer_results import PEER_METRICS, PeerComparison
from training.labels.judged import MIN_GROUP_ROWS

VERDICT_TONES: dict[Verdict, str] = {"usable": "good", "caution": "warn", "unusable": "never", "undecided": "few"}
GAINED_TENTHS = 3
"""Tenths of exposure whose gain is shown by age."""


@dataclass(frozen=True)
class PageCell:
    """One cell.

    Attributes:
        text: Its content.
        tone: `good`, `warn` (outside, but within sampling variance), `never` (outside), `few` (too few rows), `own`
            (of gpmcast) or empty.
    """

    text: Words
    tone: str = ""


@dataclass(frozen=True)
class PageTable:
    """A table; the first column names the row.

    Attributes:
        columns: Headers.
        rows: One cell per column each.
    """

    columns: Sequence[Words]
    rows: Sequence[Sequence[PageCell]]


METRIC_LABELS = {
    "spearman": Words("排序相关", "rank"),
    "weighted_spearman": Words("加权排序", "rank by exposure"),
    "log_error": Words("对数误差", "log error"),
    "deviance": Words("偏差度", "deviance"),
    "total": Words("总量 预测/实际", "total p/a"),
    "mean": Words("均值 预测/实际", "mean p/a"),
}
AGE, ROWS, METHOD = Words("投放时长", "age"), Words("行数", "rows"), Words("方法", "method")
ALL = Words("全部", "all")


def judgements_table(found: Sequence[Judgement], level: float) -> PageTable:
    """What each target, and each chance, can be used for: one column per aspect."""
    names = {(one.of if one.aspect != "chances" else f"chance {one.of}"): label(one) for one in found}
    cells = {
        (one.of if one.aspect != "chances" else f"chance {one.of}", one.aspect): PageCell(
            cell_words(one, level), VERDICT_TONES[one.verdict]
        )
        for one in found
    }
    empty = PageCell(same(""))
    lines = [
        [PageCell(words), *(cells.get((name, aspect), empty) for aspect in ASPECTS)] for name, words in names.items()
    ]
    return PageTable([Words("目标", "target"), *(ASPECT_LABELS[aspect] for aspect in ASPECTS)], lines)


def figures_table(figures: pd.DataFrame, targets: Sequence[str], age: float, part: str) -> PageTable:
    """Every metric of every method at one age (ALL_AGES for all), for one part of the rows (`all`, `cold`, `warm`)."""
    rows = figures[(figures["age_hours"] == age) & (figures["part"] == part) & (figures["rows"] >= MIN_METRIC_ROWS)]
    lines = []
    for target in targets:
        for row in rows[rows["target"] == target].to_dict("records"):
            own = "own" if row["method"] == OWN else ""
            numbers = [PageCell(_number(row[figure]), own) for figure in METRIC_LABELS]
            name = PageCell(method_words(str(row["method"])), f"{own} name")
            lines.append([PageCell(target_words(target)), name, PageCell(count(row["rows"]), own), *numbers])
    return PageTable([Words("目标", "target"), METHOD, ROWS, *METRIC_LABELS.values()], lines)


def deciles_table(deciles: pd.DataFrame, target: str) -> PageTable:
    """Calibration in total, in the mean and by tenth of prediction, at every age."""
    of_target = deciles[deciles["target"] == target]
    head = [AGE, ROWS, Words("总量", "total"), Words("均值", "mean")]
    tenths = [Words(f"第{number}档", f"{number}") for number in range(1, DECILES + 1)]
    lines = []
    for age, rows in of_target.groupby("age_hours", sort=False):
        by_decile = {int(row["decile"]): row for row in rows.drop(columns="target").to_dict("records")}
        whole = by_decile[WHOLE]
        line = [PageCell(_age(float(str(age)))), PageCell(count(whole["rows"]))]
        for name in ("total", "mean"):
            low, high = whole[f"{name}_low"], whole[f"{name}_high"]
            band = f" [{number(low)}, {number(high)}]" if np.isfinite(low) else ""
            line.append(PageCell(same(number(whole[name]) + band), ratio_tone(whole, name)))
        for decile in range(1, DECILES + 1):
            if decile in by_decile:
                one = by_decile[decile]
                line.append(PageCell(_number(one["total"]), ratio_tone(one, "total")))
            else:
                line.append(PageCell(same("·"), "few"))
        lines.append(line)
    return PageTable([*head, *tenths], lines)


def gained_table(lifts: pd.DataFrame, target: str) -> PageTable:
    """Share of the outcome in the first GAINED_TENTHS tenths of exposure, by age and method."""
    rows = lifts[(lifts["target"] == target) & (lifts["tenth"] == GAINED_TENTHS)]
    methods = [method for method in (OWN, EMPIRICAL_BAYES, CARRY, IDEAL) if method in set(rows["method"])]
    lines = []
    for age, of_age in rows.groupby("age_hours", sort=False):
        by_method = {str(row["method"]): row for row in of_age.to_dict("records")}
        line = [PageCell(_age(float(str(age)))), PageCell(count(of_age["rows"].iloc[0]))]
        for method in methods:
            one = by_method[method]
            band = f" [{one['gained_low']:.0%}, {one['gained_high']:.0%}]" if method == OWN else ""
            text = f"{one['gained']:.0%}{band}"
            line.append(PageCell(same(text), "own" if method == OWN else ""))
        lines.append(line)
    return PageTable([AGE, ROWS, *(method_words(method) for method in methods)], lines)


def coverage_table(groups: pd.DataFrame, target: str, level: float) -> PageTable:
    """Share of outcomes inside their intervals: rows are ages, columns promotion type and quarter of early volume."""
    rows = groups[(groups["target"] == target) & groups["enough_volume"].astype(bool)]
    parted = rows[rows["age_hours"] != "all"]
    promotion_types = sorted(parted["promotion_type"].unique())
    columns = [(promotion_type, quarter) for promotion_type in promotion_types for quarter in QUARTERS]
    by_group = {
        (str(row["age_hours"]), str(row["promotion_type"]), str(row["quarter"])): row
        for row in parted.to_dict("records")
    }
    lines = []
    for age in sorted(parted["age_hours"].unique(), key=float):
        line = [PageCell(_age(float(age)))]
        for promotion_type, quarter in columns:
            one = by_group.get((age, promotion_type, quarter))
            if one is None:
                line.append(PageCell(same("·"), "few"))
                continue
            tone = "good" if abs(one["covered"] - level) <= GROUP_TOLERANCE else "never"
            text = same(f"{one['covered']:.0%} ({int(one['rows']):,})")
            line.append(PageCell(text, "few" if one["rows"] < MIN_GROUP_ROWS else tone))
        lines.append(line)
    return PageTable([AGE, *(_group_words(*group) for group in columns)], lines)


def coverage_by_age(groups: pd.DataFrame, target: str) -> pd.DataFrame:
    """Coverage of all groups of an age: `age_hours`, `rows`, `share` with `share_low` and `share_high`."""
    rows = groups[(groups["target"] == target) & groups["enough_volume"].astype(bool) & (groups["age_hours"] != "all")]
    age = rows["age_hours"].astype(np.float64)
    sizes = rows["rows"].astype(np.float64)
    found = pd.DataFrame({"rows": sizes, "inside": rows["covered"].astype(np.float64) * sizes}).groupby(age).sum()
    share = found["inside"].to_numpy() / found["rows"].to_numpy()
    low, high = share_band(share, found["rows"].to_numpy())
    return found.assign(share=share, share_low=low, share_high=high).drop(columns="inside").reset_index()


def heads_table(facts: RunFacts) -> PageTable:
    """What cross-validation chose for each head, and whether it held on the holdout."""
    columns = [
        Words("模型头", "head"), Words("树", "trees"),
        Words("权重：经验贝叶斯/漏斗/树", "weights: EB / funnel / trees"),
        Words("比漏斗：折上", "against the funnel: folds"), Words("比漏斗：留出期", "holdout"),
        Words("调参：折上（±标准误）", "tuning: folds (± standard error)"), Words("调参：留出期", "holdout"),
        Words("参数", "setting"),
    ]  # fmt: skip
    lines = []
    for head in facts.heads:
        weights = " / ".join(f"{head.weights[name]:.2f}" for name in ("bayes", "funnel", "trees") if head.weights)
        chosen = "tuned" if head.tuned else "hand"
        tuning = _fall(head.tuning_gain)
        if head.tuning_error is not None and head.tuning_gain is not None:
            tuning = same(f"{tuning.en} (± {100 * head.tuning_error:.1f} %)")
        lines.append(
            [
                PageCell(Words(f"{head.zh}（{head.name}）", f"{head.name}: {head.en}")),
                PageCell(count(head.rounds)),
                PageCell(same(weights or "·")),
                PageCell(_fall(head.head_gain)),
                PageCell(_fall(head.holdout_gain("funnel", chosen))),
                PageCell(tuning),
                PageCell(_fall(head.holdout_gain("hand", "tuned"))),
                PageCell(Words("调参", "tuned") if head.tuned else Words("手设", "hand")),
            ]
        )
    return PageTable(columns, lines)


def _fall(gain: float | None) -> Words:
    """Change of a deviance in percent, negative where it fell."""
    return same("·" if gain is None else f"{-100 * gain:+.1f} %")


def peer_table(comparison: PeerComparison, against: str, target: str) -> PageTable:
    """Every method of a peer comparison, best rank correlation first."""
    lines = []
    for method, row in comparison.table(against, target).iterrows():
        own = "own" if method == OWN else ""
        rank = f"{number(row['spearman'])} [{number(row['low'])}, {number(row['high'])}]"
        others = [PageCell(_number(row[name]), own) for name in PEER_METRICS[1:]]
        lines.append([PageCell(method_words(str(method)), own), PageCell(same(rank), own), *others])
    return PageTable([METHOD, *(METRIC_LABELS[name] for name in PEER_METRICS)], lines)


def _group_words(promotion_type: str, quarter: str) -> Words:
    named, part = promotion_words(promotion_type), quarter.removeprefix("q")
    return Words(f"{named.zh} 第 {part} 档", f"{named.en}, quarter {part}")


def ratio_tone(line: Mapping[Hashable, float], name: str) -> str:
    """Return the tone of predicted / actual: `good` inside, `never` with the whole band outside, else `warn`."""
    ratio, low, high = line[name], line[f"{name}_low"], line[f"{name}_high"]
    if line["rows"] < MIN_METRIC_ROWS or not np.isfinite(ratio):
        return "few"
    return (
        "good"
        if GROUP_LEVEL_RANGE[0] <= ratio <= GROUP_LEVEL_RANGE[1]
        else "warn"
        if low <= GROUP_LEVEL_RANGE[1] and high >= GROUP_LEVEL_RANGE[0]
        else "never"
    )


def number(value: float) -> str:
    """Format a number with two decimals, or none from 100 on."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def count(rows: float) -> Words:
    """Format a count."""
    return same(f"{int(rows):,}")


def same(text: str) -> Words:
    """Return the same text in both languages."""
    return Words(text, text)


def _number(value: float) -> Words:
    return same(number(value))


def _age(hours: float) -> Words:
    return ALL if hours == ALL_AGES else age_words(hours)
