"""How many rows can calibrate intervals and chances, how many creatives are missing until they do, and until when.

The doctor foretells it before anything is fitted, a run states it of its model, and the bundle keeps it, so that all
that a person reads says the same. What is needed is counted over all promotion types: they are calibrated together,
and each leans on the others (`training.uncertainty.recalibration`).
"""

from math import ceil
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from configs.settings import Settings
from features.arrays import Mask
from features.attributes import promotion_type_label
from features.bilingual import Words
from features.funnel import Funnel
from features.targets import TARGETS
from training.labels.judged import judged_rows
from training.labels.splits import folds

WEEK = pd.Timedelta(days=7)
PACE_WEEKS = 4
"""Weeks before the end of the data in which new creatives are counted for the pace."""
MOST_WEEKS = 104
"""Beyond two years at this pace nobody waits: no number is given."""
State = Literal["none", "wide", "enough"]


class Calibration(BaseModel):
    """What calibrates intervals and chances of the target that decisions are about.

    Attributes:
        target: That target: net ROI, ROI, or the first rate that the columns allow; empty without any.
        rows: Rows that calibrate it: out-of-fold and held-out ones with a known outcome and enough later volume.
        needed: With fewer there are no intervals and no chances.
        creatives: Of these rows.
        closed: Creatives with a closed outcome, whatever their volume.
        least_volume: Later impressions (spend where there are none) of a row that counts.
        types_below: Promotion type → its rows, of the types with fewer than `enough`: their intervals are wider.
        enough: Rows of a type from which nothing is added to its intervals.
        new_a_week: Creatives launched per week at the end of the data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    rows: int
    needed: int
    creatives: int
    closed: int
    least_volume: float
    types_below: dict[str, int]
    enough: int
    new_a_week: float

    @property
    def state(self) -> State:
        """No intervals yet, wider ones for some promotion type, or enough for all."""
        if not self.target or self.rows < self.needed:
            return "none"
        return "wide" if self.types_below else "enough"

    @property
    def missing(self) -> int | None:
        """Creatives with a closed outcome that are missing at the rows that each brought so far; None: cannot tell."""
        if self.rows >= self.needed:
            return 0
        return ceil((self.needed - self.rows) * self.closed / self.rows) if self.rows else None

    @property
    def weeks(self) -> int | None:
        """Weeks until they have come, at the present pace; None: not within MOST_WEEKS, or it cannot be told."""
        if self.missing is None or (self.missing and self.new_a_week <= 0):
            return None
        weeks = ceil(self.missing / self.new_a_week) if self.missing else 0
        return weeks if weeks <= MOST_WEEKS else None

    @property
    def words(self) -> Words:
        """What is so and what is missing, in a sentence or two."""
        return _words(self)


def new_a_week(launched: pd.Series, until: pd.Timestamp) -> float:
    """Return how many creatives were launched per week, over the last PACE_WEEKS weeks of the data.

    Args:
        launched: Launch of each creative, NaT before it.
        until: End of the data.
    """
    weeks = min(PACE_WEEKS, max((until - launched.min()) / WEEK, 1.0))
    return float((launched > until - PACE_WEEKS * WEEK).sum() / weeks)


def calibration_of(
    rows: pd.DataFrame,
    outcome: pd.DataFrame,
    funnel: Funnel,
    settings: Settings,
    split: tuple[Mask, Mask, Mask],
    creatives: np.ndarray,
    pace: float,
) -> Calibration:
    """Count what calibrates the model that serves.

    Args:
        rows: With `cutoff`, `closed_at`, `state` and `promotion_type`.
        outcome: Outcomes of the same rows.
        funnel: Of the data.
        settings: Of the run, as the amount of data shapes them.
        split: (rows,) each: training rows (without those before the first fit), holdout and mature rows.
        creatives: (rows,) code of the creative.
        pace: Creatives launched per week.
    """
    train, holdout, mature = split
    used = holdout.copy()
    if train.sum() >= settings.interval.min_rows:
        for _, validate, _ in folds(rows, train, settings.split.folds):
            used |= validate
    target = funnel.main_roi or next(iter(funnel.rate_targets), "")
    known = judged_rows(outcome, funnel, max(settings.evaluate.min_impressions, 1.0)).get(target, np.zeros_like(used))
    used &= known
    types = rows["promotion_type"].astype("str")
    by_type = {name: int((used & (types == name).to_numpy()).sum()) for name in sorted(set(types[mature]))}
    enough = settings.interval.enough_rows
    return Calibration(
        target=target,
        rows=int(used.sum()),
        needed=settings.interval.min_rows,
        creatives=len(np.unique(creatives[used])),
        closed=len(np.unique(creatives[mature])),
        least_volume=settings.evaluate.min_impressions,
        types_below={name: count for name, count in by_type.items() if count < enough},
        enough=enough,
        new_a_week=pace,
    )


def _words(found: Calibration) -> Words:
    if not found.target:
        return Words("", "")
    label, least = TARGETS[found.target].label, f"{found.least_volume:g}"
    counted = Words(
        f"结果已出、后续量不少于 {least} 的有 {found.rows:,} 行（{found.creatives:,} 个素材）",
        f"{found.rows:,} rows ({found.creatives:,} creatives) with a closed outcome and a later volume of {least}",
    )
    if found.state == "none":
        return Words(
            f"{label.zh}还没有区间和概率，也就没有判断：{counted.zh}，要 {found.needed} 行；{_missing(found).zh}",
            f"{label.en} has no intervals, no chances and so no verdicts yet: {counted.en}, {found.needed} are needed; "
            f"{_missing(found).en}",
        )
    said = Words(
        f"{label.zh}的区间和概率已校准：{counted.zh}。",
        f"Intervals and chances of {label.en} are calibrated: {counted.en}.",
    )
    if found.state == "enough":
        return said
    zh = "、".join(f"{promotion_type_label(name).zh} {count:,} 行" for name, count in found.types_below.items())
    en = ", ".join(f"{promotion_type_label(name).en} {count:,}" for name, count in found.types_below.items())
    return Words(
        f"{said.zh}其中{zh}，不到 {found.enough} 行，区间放宽了。",
        f"{said.en} Of these {en}: below {found.enough}, so its intervals are wider.",
    )


def _missing(found: Calibration) -> Words:
    pace = Words(
        f"（近几周每周约 {found.new_a_week:.0f} 个新素材）", f" (about {found.new_a_week:.0f} new a week lately)"
    )
    if found.missing is None:
        return Words(
            "还没有一个素材有这么多后续量，要多久说不准。",
            "no creative had so much yet, so that nothing says until when.",
        )
    more = Words(
        f"还差约 {found.missing:,} 个结果已出的素材", f"about {found.missing:,} more creatives with a closed outcome"
    )
    if found.weeks is None:
        return Words(
            f"{more.zh}，按此速度 {MOST_WEEKS} 周内凑不够{pace.zh}。导出更早的日期可以立刻补足。",
            f"{more.en} are missing, more than come within {MOST_WEEKS} weeks at this pace{pace.en}. Earlier exports "
            "help at once.",
        )
    return Words(
        f"{more.zh}，按此速度约 {found.weeks} 周{pace.zh}。导出更早的日期可以立刻补足。",
        f"{more.en} are missing, about {found.weeks} week{'s' * (found.weeks != 1)} at this pace{pace.en}. Earlier "
        "exports help at once.",
    )
