"""Empirical Bayes: how far a group's or a creative's own counts are believed, estimated by moments.

Every rate is told as a ratio to what would be expected of it. With u the events that make the ratio sure, its variance
around 1 is φ/u + s²: φ is luck of the draw (1 for counts), s² how much groups really differ. Counts are then shrunk as
(u·ratio + K)/(u + K) with K = φ/s² (gamma–Poisson for counts, Bühlmann credibility for sums of money).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Plan, Stage
from features.history import CHAIN, entity_codes
from features.history import Entity as Entity

Floats = npt.NDArray[np.float64]

MARKET_EVENTS = 20.0
"""Events that the training period's rate of the whole market is worth against the market's recent rate."""
LEAST_SPREAD = 1e-4
MOST_SPREAD = 25.0
OWN = "own"


@dataclass(frozen=True)
class StagePrior:
    """What the training period says of one stage.

    Attributes:
        rate: By promotion type: numerator over exposure of the whole training period.
        dispersion: φ.
        spread: By entity: s² of its groups around their parent (CHAIN) or the market; `own`: of creatives.
    """

    rate: Mapping[str, float]
    dispersion: float
    spread: Mapping[str, float]

    def strength(self, entity: str) -> float:
        """K = φ/s²: the events at which own counts weigh as much as what they are shrunk to."""
        return self.dispersion / self.spread[entity]


Priors = Mapping[str, StagePrior]


def shrink(ratio: Floats, events: Floats, strength: float) -> Floats:
    """(u·ratio + K)/(u + K); 1 where there are no events."""
    return np.where(events > 0, (events * np.where(events > 0, ratio, 0.0) + strength) / (events + strength), 1.0)


def ratio_and_events(stage: Stage, count: Floats, exposure: Floats, events: Floats, rate: Floats) -> tuple[Floats, Floats]:
    """Observed over expected, and the events that make it sure; 0 events where nothing was exposed or known."""
    expected = exposure * rate
    known = (expected > 0) & np.isfinite(expected) & np.isfinite(count)
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    sure = expected if stage.events == "expected" else events
    return ratio, np.where(known, sure, 0.0)


def fit_priors(totals: pd.DataFrame, creatives: pd.DataFrame, plan: Plan, found: Sequence[Entity]) -> dict[str, StagePrior]:
    """Priors of every stage from what each creative had counted when the training period ended.

    Args:
        totals: Figures of each creative until then, in the order of `creatives`.
        creatives: Checked creatives.
        plan: The funnel.
        found: Entities whose spread is wanted.
    """
    groups = {entity.name: entity_codes(creatives, entity) for entity in found}
    kinds = creatives["promotion_type"]
    return {stage.name: _fit_stage(stage, totals, kinds, groups) for stage in plan.stages}


def _fit_stage(
    stage: Stage, totals: pd.DataFrame, kinds: pd.Series, groups: Mapping[str, npt.NDArray[np.int64]]
) -> StagePrior:
    count, exposure, events = stage_figures(stage, totals)
    usable = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0)
    count, exposure, events = (np.where(usable, part, 0.0) for part in (count, exposure, events))
    rate = {
        str(kind): _safe_rate(count[rows].sum(), exposure[rows].sum())
        for kind, rows in ((kind, (kinds == kind).to_numpy()) for kind in kinds.unique())
    }
    market = kinds.map(rate).to_numpy(np.float64)
    dispersion, _ = _moments(stage, *ratio_and_events(stage, count, exposure, events, market), None)

    def spread(group: npt.NDArray[np.int64], expected_rate: Floats) -> tuple[float, Floats]:
        member = group >= 0
        size = int(group.max(initial=-1)) + 1
        expected = np.bincount(group[member], (exposure * expected_rate)[member], size)
        seen = np.bincount(group[member], count[member], size)
        sure = np.bincount(group[member], events[member], size)
        ratio, sureness = ratio_and_events(stage, seen, expected, sure, np.ones(size))
        _, variance = _moments(stage, ratio, sureness, dispersion)
        factor = shrink(ratio, sureness, dispersion / variance)
        return variance, np.where(member, factor[group], 1.0) if size else np.ones_like(exposure)

    spreads = {name: spread(group, market)[0] for name, group in groups.items()}
    base = market.copy()
    for name in CHAIN:
        if name in groups:
            spreads[name], factor = spread(groups[name], base)
            base = base * factor
    _, spreads[OWN] = _moments(stage, *ratio_and_events(stage, count, exposure, events, base), dispersion)
    return StagePrior(rate=rate, dispersion=dispersion, spread=spreads)


def stage_figures(stage: Stage, frame: pd.DataFrame, prefix: str = "") -> tuple[Floats, Floats, Floats]:
    """Numerator, exposure and events of a stage from columns with this prefix."""
    count = frame[prefix + stage.numerator].to_numpy(np.float64)
    exposure = frame[prefix + stage.exposure].to_numpy(np.float64)
    events = exposure if stage.events == "expected" else frame[prefix + stage.events].to_numpy(np.float64)
    return count, exposure, events


def _moments(stage: Stage, ratio: Floats, events: Floats, dispersion: float | None) -> tuple[float, float]:
    """φ and s² from squared deviations: E[(ratio − 1)²] = φ/u + s², by least squares with weights 1/(φ/u + s²)²."""
    known = events > 0
    square, inverse = (ratio[known] - 1.0) ** 2, 1.0 / events[known]
    if stage.events == "expected":
        dispersion = 1.0
    if not len(square):
        return dispersion or 1.0, 1.0
    phi, variance = dispersion or float(np.median(square) / np.median(inverse)) or 1.0, 0.1
    for _ in range(20):
        weight = 1.0 / (phi * inverse + variance) ** 2
        if dispersion is None:
            design = np.column_stack([inverse, np.ones_like(inverse)]) * np.sqrt(weight)[:, None]
            solved = np.linalg.lstsq(design, square * np.sqrt(weight), rcond=None)[0]
            phi = float(max(solved[0], 1e-6))
            variance = float(solved[1])
        else:
            variance = float(np.sum(weight * (square - phi * inverse)) / np.sum(weight))
        variance = float(np.clip(variance, LEAST_SPREAD, MOST_SPREAD))
    return phi, variance


def _safe_rate(count: float, exposure: float) -> float:
    # A stage that never happened in training still needs a rate above 0 to have a logarithm.
    return (count + 0.5) / (exposure + 1.0) if count <= 0 else count / exposure
