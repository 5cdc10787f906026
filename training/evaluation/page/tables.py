"""The tables of an evaluation's page: cells of words, each with a tone for the eye."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.bilingual import Words
from training.evaluation.acceptance import CELL, TENTH
from training.evaluation.calibration_table import DECILES, WHOLE
from training.evaluation.coverage import LEAST_ROWS, QUARTERS
from training.evaluation.lift import IDEAL
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, OWN
from training.evaluation.metrics import LEAST_ROWS as FEW
from training.evaluation.page.text import age_words, method_words, target_words
from training.evaluation.peer_results import FIGURES as PEER_FIGURES
from training.evaluation.peer_results import Proof
from training.evaluation.run_facts import About

FUNDED = 3
"""Tenths of exposure whose gain is told by age."""


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        said: What stands in it.
        tone: `good`, `off` (luck can explain it), `far`, `thin` (too few rows to tell), `own` or nothing.
    """

    said: Words
    tone: str = ""


@dataclass(frozen=True)
class Grid:
    """A table; the first column names the row.

    Attributes:
        columns: Their heads.
        rows: As many cells each.
    """

    columns: Sequence[Words]
    rows: Sequence[Sequence[Cell]]


FIGURES = {
    "spearman": Words("排序相关", "rank"),
    "weighted_spearman": Words("加权排序", "rank by exposure"),
    "log_error": Words("对数误差", "log error"),
    "deviance": Words("偏差度", "deviance"),
    "total": Words("总量 预测/实际", "total p/a"),
    "mean": Words("均值 预测/实际", "mean p/a"),
}
AGE, ROWS, METHOD = Words("投放时长", "age"), Words("行数", "rows"), Words("方法", "method")
ALL = Words("全部", "all")


def figures_grid(figures: pd.DataFrame, targets: Sequence[str], age: float, part: str) -> Grid:
    """Every figure of every method at one age (ALL_AGES for all), for one part of the rows (`all`, `cold`, `warm`)."""
    rows = figures[(figures["age_hours"] == age) & (figures["part"] == part) & (figures["rows"] >= FEW)]
    lines = []
    for target in targets:
        for row in rows[rows["target"] == target].to_dict("records"):
            own = "own" if row["method"] == OWN else ""
            numbers = [Cell(_number(row[figure]), own) for figure in FIGURES]
            name = Cell(method_words(str(row["method"])), f"{own} name")
            lines.append([Cell(target_words(target)), name, Cell(count(row["rows"]), own), *numbers])
    return Grid([Words("目标", "target"), METHOD, ROWS, *FIGURES.values()], lines)


def calibration_grid(deciles: pd.DataFrame, target: str) -> Grid:
    """Both calibrations and every tenth, at every age."""
    of_target = deciles[deciles["target"] == target]
    head = [AGE, ROWS, Words("总量", "total"), Words("均值", "mean")]
    tenths = [Words(f"第{number}档", f"{number}") for number in range(1, DECILES + 1)]
    lines = []
    for age, rows in of_target.groupby("age_hours", sort=False):
        by_decile = rows.set_index("decile")
        whole = by_decile.loc[WHOLE]
        line = [Cell(_age(age)), Cell(count(whole["rows"]))]
        for name in ("total", "mean"):
            low, high = whole[f"{name}_low"], whole[f"{name}_high"]
            band = f" [{number(low)}, {number(high)}]" if np.isfinite(low) else ""
            line.append(Cell(same(number(whole[name]) + band), ratio_tone(whole, name)))
        for decile in range(1, DECILES + 1):
            if decile in by_decile.index:
                one = by_decile.loc[decile]
                line.append(Cell(_number(one["total"]), ratio_tone(one, "total")))
            else:
                line.append(Cell(same("·"), "thin"))
        lines.append(line)
    return Grid([*head, *tenths], lines)


def gained_grid(lifts: pd.DataFrame, target: str) -> Grid:
    """By age: what the first FUNDED tenths of exposure bring, each method."""
    rows = lifts[(lifts["target"] == target) & (lifts["tenth"] == FUNDED)]
    methods = [method for method in (OWN, EMPIRICAL_BAYES, CARRY, IDEAL) if method in set(rows["method"])]
    lines = []
    for age, of_age in rows.groupby("age_hours", sort=False):
        by_method = of_age.set_index("method")
        line = [Cell(_age(age)), Cell(count(by_method["rows"].iloc[0]))]
        for method in methods:
            one = by_method.loc[method]
            band = f" [{one['gained_low']:.0%}, {one['gained_high']:.0%}]" if method == OWN else ""
            said = f"{one['gained']:.0%}{band}"
            line.append(Cell(same(said), "own" if method == OWN else ""))
        lines.append(line)
    return Grid([AGE, ROWS, *(method_words(method) for method in methods)], lines)


def coverage_grid(cells: pd.DataFrame, target: str, level: float) -> Grid:
    """Share of outcomes inside their intervals: ages × promotion type and quarter of early volume."""
    rows = cells[(cells["target"] == target) & cells["judged"].astype(bool)]
    parted = rows[rows["age_hours"] != "all"]
    kinds = sorted(parted["promotion_type"].unique())
    columns = [(kind, quarter) for kind in kinds for quarter in QUARTERS]
    by_cell = parted.set_index(["age_hours", "promotion_type", "quarter"])
    lines = []
    for age in sorted(parted["age_hours"].unique(), key=float):
        line = [Cell(_age(float(age)))]
        for kind, quarter in columns:
            if (age, kind, quarter) not in by_cell.index:
                line.append(Cell(same("·"), "thin"))
                continue
            one = by_cell.loc[(age, kind, quarter)]
            tone = "thin" if one["rows"] < LEAST_ROWS else "good" if one["covered"] >= level + CELL else "far"
            said = f"{one['covered']:.0%} ({int(one['rows']):,})"
            line.append(Cell(same(said), tone))
        lines.append(line)
    return Grid([AGE, *(Words(f"{kind} {quarter}", f"{kind} {quarter}") for kind, quarter in columns)], lines)


def stages_grid(about: About) -> Grid:
    """What the folds chose per stage."""
    starts = {
        "funnel model": Words("混合模型", "mixed model"),
        "empirical Bayes": Words("经验贝叶斯", "empirical Bayes"),
    }
    columns = [
        Words("环节", "stage"), Words("起点", "start"), Words("折上偏差:混合模型", "fold deviance, mixed"),
        Words("折上偏差:经验贝叶斯", "fold deviance, EB"), Words("树", "trees"), Words("树的增益", "gain of trees"),
        Words("参数", "setting"),
    ]  # fmt: skip
    lines = []
    for stage in about.stages:
        losses = [stage.losses.get(kind) for kind in ("funnel model", "empirical Bayes")]
        start = starts.get(stage.start, Words("只有一种", "one only"))
        tuned = Words("调参", "tuned") if stage.tuned else Words("手设", "by hand")
        lines.append(
            [
                Cell(Words(f"{stage.zh}({stage.name})", f"{stage.name}: {stage.en}")),
                Cell(start),
                *(Cell(same("·") if loss is None else same(f"{loss:.4f}")) for loss in losses),
                Cell(count(stage.rounds)),
                Cell(same(f"{stage.gain:.4f}") if stage.rounds else same("·")),
                Cell(tuned if stage.rounds else same("·")),
            ]
        )
    return Grid(columns, lines)


def proof_grid(proof: Proof, against: str, target: str) -> Grid:
    """Every method of a comparison with peers, the best ranked first."""
    lines = []
    for method, row in proof.table(against, target).iterrows():
        own = "own" if method == OWN else ""
        rank = f"{number(row['spearman'])} [{number(row['low'])}, {number(row['high'])}]"
        others = [Cell(_number(row[name]), own) for name in PEER_FIGURES[1:]]
        lines.append([Cell(method_words(str(method)), own), Cell(same(rank), own), *others])
    return Grid([METHOD, *(FIGURES[name] for name in PEER_FIGURES)], lines)


def worst_tenth(deciles: pd.DataFrame) -> pd.Series | None:
    """The tenth farthest from 1, of those with LEAST_ROWS rows; where none has, of all ages together, if not tiny."""
    rows = deciles[(deciles["decile"] != WHOLE) & (deciles["total"] > 0) & (deciles["rows"] >= FEW)]
    enough = rows[rows["rows"] >= LEAST_ROWS]
    chosen = enough if len(enough) else rows[rows["age_hours"] == ALL_AGES]
    return None if chosen.empty else chosen.loc[np.log(chosen["total"]).abs().idxmax()]


def ratio_tone(line: pd.Series, name: str) -> str:
    """A predicted over actual for the eye: `good` inside, `far` where the whole band lies outside, else `off`."""
    ratio, low, high = line[name], line[f"{name}_low"], line[f"{name}_high"]
    if line["rows"] < FEW or not np.isfinite(ratio):
        return "thin"
    return "good" if TENTH[0] <= ratio <= TENTH[1] else "off" if low <= TENTH[1] and high >= TENTH[0] else "far"


def number(value: float) -> str:
    """Two digits, or as much as is read."""
    if value is None or not np.isfinite(value):
        return "–"
    return f"{value:.2f}" if abs(value) < 100 else f"{value:,.0f}"


def count(rows: float) -> Words:
    """How many."""
    return same(f"{int(rows):,}")


def same(said: str) -> Words:
    """What is written alike in both languages."""
    return Words(said, said)


def _number(value: float) -> Words:
    return same(number(value))


def _age(hours: float) -> Words:
    return ALL if hours == ALL_AGES else age_words(hours)
