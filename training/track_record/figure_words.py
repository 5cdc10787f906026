"""Figures of a track record in sentences: intervals, chances that came true, rankings that were right."""

from collections.abc import Hashable, Iterator, Mapping
from math import isfinite

import pandas as pd

from features.bilingual import Words
from features.targets import TARGETS
from training.track_record.quality import HIT, TARGET
from training.track_record.resampling import Figure, figures_of

CHANCES = (("value", "low", "high"), ("skill", "skill_low", "skill_high"))
"""Columns of the frequency of chances that came true, and of their skill, with its interval."""
CHANCE_OF = {
    TARGET: (Words("达标概率", "Chances of the target"), Words("达标", "true")),
    HIT: (Words("爆款概率", "Chances of a hit"), Words("是爆款", "true")),
}


def interval(figure: Figure, digits: str) -> Words:
    """The interval of a figure in brackets; empty where there is none."""
    if not isfinite(figure.low):
        return Words("", "")
    low, high = f"{figure.low:{digits}}", f"{figure.high:{digits}}"
    dash = Words("–", "–") if low[0].isdigit() else Words(" 至 ", " to ")  # beside a sign a dash would read as one
    return Words(f"（{low}{dash.zh}{high}）", f" ({low}{dash.en}{high})")


def chance_lines(table: pd.DataFrame) -> Iterator[Words]:
    """One line on chances of the ROI target, and one on those of a hit: stated, true, and better than the frequency?"""
    for row in table[table["bin"] == 0].to_dict("records"):
        true, skill = (figure_of(row, names) for names in CHANCES)
        label, came = CHANCE_OF[str(row["of"])]
        digits = ".0%" if row["of"] == TARGET else ".1%"
        ends, better = interval(true, digits), interval(skill, "+.0%")
        yield Words(
            f"  {label.zh}：平均说 {row['stated']:{digits}} {came.zh}，实际 {true.value:{digits}}{ends.zh}，"
            f"{true.answers:,} 条；Brier 技能（对比都说平均比例）{skill.value:+.0%}{better.zh}。",
            f"  {label.en}: {row['stated']:{digits}} stated on average, {true.value:{digits}}{ends.en} {came.en}; "
            f"{true.answers:,} answers; Brier skill over telling the mean of all {skill.value:+.0%}{better.en}.",
        )


def ranking_lines(table: pd.DataFrame) -> Iterator[Words]:
    """One line per target that lists were ranked by: their order, and the first of them against the whole list."""
    for by, rows in table.groupby("by", sort=False):
        figures, label, lists = figures_of(rows), TARGETS[str(by)].label, int(rows["lists"].iloc[0])
        order = figures["rank"]
        if not isfinite(order.value):
            continue
        ends = interval(order, ".2f")
        zh = f"  排名请求（按{label.zh}，{lists} 份）：名次与实际的相关 {order.value:.2f}{ends.zh}"
        en = f"  Rankings by {label.en} ({lists} lists): correlation of order and outcome {order.value:.2f}{ends.en}"
        if "lift" in figures:
            lift, told, fair, came = (figures[name] for name in ("lift", "told", "corrected", "came"))
            more = interval(lift, ".2f")
            zh += f"；排在前面的实际是整份名单的 {lift.value:.2f} 倍{more.zh}，说 {told.value:.2f}，"
            zh += f"扣除挑最高的偏差后应为 {fair.value:.2f}，实际 {came.value:.2f}"
            en += (
                f"; the first brought {lift.value:.2f} times the whole list{more.en}: told {told.value:.2f}, corrected "
            )
            en += f"for choosing the highest {fair.value:.2f}, came {came.value:.2f}"
        yield Words(f"{zh}。", f"{en}.")


def figure_of(row: Mapping[Hashable, float], names: tuple[str, str, str]) -> Figure:
    """The figure that stands in these columns of a row of `chances`."""
    value, low, high = (float(row[name]) for name in names)
    return Figure(value, low, high, int(row["answers"]), int(row["creatives"]))
