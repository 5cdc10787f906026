"""Empirical Bayes: how far a group's or a creative's own counts are believed, estimated by moments.

Every rate is told as a ratio to what would be expected of it. With u the events that make the ratio sure, its variance
around 1 is φ/u + s²: φ is luck of the draw (1 for counts), s² how much groups really differ. Counts are then shrunk as
(u·ratio + K)/(u + K) with K = φ/s² (gamma–Poisson for counts, Bühlmann credibility for sums of money).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Stage

Floats = npt.NDArray[np.float64]

MARKET_EVENTS = 20.0
"""Events that the training period's rate of the whole market is worth against the market's recent rate."""
LEAST_SPREAD = 1e-4
MOST_SPREAD = 25.0


@dataclass(frozen=True)
class StagePrior:
    """What the training period says of one stage.

    Attributes:
        rate: By promotion type: numerator over exposure of the whole training period; of those that had any.
        dispersion: φ.
        own: s² of creatives around what is expected of them.
        drift: s² of a creative's last days around its life before them, as far as it lasts.
        flutter: What of that does not last.
        strengths: By entity: creatives (by weight) at which its history counts as much as what it is shrunk to.
        weights: By entity off the chain: how much of its log factor counts beside the others'.
        trust: By stage: what the log factor of a creative's own counts there says here. 1 for the stage itself and 0
            for others, were stages strangers to each other; but who converts well is bid for, and costs more.
    """

    rate: Mapping[str, float]
    dispersion: float
    own: float
    drift: float
    flutter: float
    strengths: Mapping[str, float]
    weights: Mapping[str, float]
    trust: Mapping[str, float]


Priors = Mapping[str, StagePrior]


def shrink(ratio: Floats, events: Floats, strength: float | Floats) -> Floats:
    """(u·ratio + K)/(u + K); 1 where there are no events."""
    return np.where(events > 0, (events * np.where(events > 0, ratio, 0.0) + strength) / (events + strength), 1.0)


def ratio_and_events(
    stage: Stage, count: Floats, exposure: Floats, events: Floats, rate: Floats
) -> tuple[Floats, Floats]:
    """Observed over expected, and the events that make it sure; 0 events where nothing was exposed or known."""
    return ratios(stage.events == "expected", rate, count, exposure, events)


def ratios(
    poisson: bool | npt.NDArray[np.bool_], rate: Floats, count: Floats, exposure: Floats, events: Floats
) -> tuple[Floats, Floats]:
    """The same of several stages, a line each; `poisson`: where the events expected make a ratio sure."""
    expected = exposure * rate
    known = (expected > 0) & np.isfinite(expected) & np.isfinite(count)
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    return ratio, np.where(known, np.where(poisson, expected, events), 0.0)


def stage_figures(stage: Stage, frame: pd.DataFrame, prefix: str = "") -> tuple[Floats, Floats, Floats]:
    """Numerator, exposure and events of a stage from columns with this prefix."""
    count = frame[prefix + stage.numerator].to_numpy(np.float64)
    exposure = frame[prefix + stage.exposure].to_numpy(np.float64)
    events = exposure if stage.events == "expected" else frame[prefix + stage.events].to_numpy(np.float64)
    return count, exposure, events


def moments(stage: Stage | None, ratio: Floats, events: Floats, dispersion: float | None) -> tuple[float, float]:
    """φ (where it is not given) and s² from squared deviations.

    E[(ratio − 1)²] = φ/u + s², by least squares with weights 1/(φ/u + s²)².
    """
    known = events > 0
    square, inverse = (ratio[known] - 1.0) ** 2, 1.0 / events[known]
    if stage is not None and stage.events == "expected":
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


def safe_rate(count: float, exposure: float) -> float:
    """Count over exposure; above 0 even where nothing happened, so that it has a logarithm."""
    return (count + 0.5) / (exposure + 1.0) if count <= 0 else count / exposure
