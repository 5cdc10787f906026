"""Cells of tables of factors: the factor, its interval, and CSS classes that say direction, size and certainty."""

from dataclasses import dataclass
from math import log

from serving.report.effects import TagEffect
from serving.report.wording.common import band, count, times

TONE_STEPS = (0.02, 0.06, 0.12, 0.22)
"""|log factor| from which a cell's colour deepens."""


@dataclass(frozen=True)
class FactorCell:
    """Texts and CSS classes of a cell in a table of factors."""

    factor: str
    band: str
    tone: str
    title: str


def effect_cell(effect: TagEffect, level: float) -> FactorCell:
    """Cell of a tag value's effect."""
    return factor_cell(effect.factor, effect.low, effect.high, effect.creatives, level, thin=effect.thin)


def factor_cell(factor: float, low: float, high: float, creatives: int, level: float, *, thin: bool) -> FactorCell:
    """Cell of a factor with its interval."""
    size = sum(abs(log(factor)) >= step for step in TONE_STEPS)
    tone = f"{'up' if factor > 1 else 'down'}{size}" if size else "flat"
    tone += " thin" if thin else ""
    tone += "" if low > 1.0 or high < 1.0 else " unsure"
    inside, number = band(low, high, level), count(creatives)
    title = f"{times(factor)} {inside.zh},{number.zh} / {inside.en}, {number.en}"
    return FactorCell(f"{factor:.2f}", f"{low:.2f}–{high:.2f}", tone, title)
