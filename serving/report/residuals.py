"""What creatives did beyond what the model adds up for them: cell means with their uncertainty across creatives.

Creative i did ratio_i of what its tags, KOC and product let expect at a stage; off_i = ratio_i − 1 has the variance
φ/u_i + s². A cell's mean is shrunk by how much such cells differ in all (τ², by moments as in `features.crosses`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.priors import ratio_and_events, stage_figures
from serving.report.seen import Seen

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEAST_TAU = 1e-4


@dataclass(frozen=True)
class Residual:
    """Of each creative at one stage.

    Attributes:
        off: Observed over expected, less 1; 0 where nothing was counted.
        weight: One over its variance; 0 where nothing was counted.
    """

    off: Floats
    weight: Floats


@dataclass(frozen=True)
class Cell:
    """What the creatives of one cell did beyond the model.

    Attributes:
        code: Of the cell.
        creatives: That say something.
        log: Log factor, shrunk.
        sd: What is not known of it.
        z: Of the mean, before it is shrunk, in its standard errors across creatives.
    """

    code: int
    creatives: int
    log: float
    sd: float
    z: float


def residual(seen: Seen, stage: str) -> Residual:
    """How far each creative is from what is expected of it without its own counts."""
    step = next(one for one in seen.plan.stages if one.name == stage)
    gathered = seen.stages[stage]
    rate = np.exp(gathered.total - gathered.own) / (seen.features.reference_price if step.priced else 1.0)
    prior = seen.served.model.fitted.priors[stage]
    ratio, events = ratio_and_events(step, *stage_figures(step, seen.observed, "early:"), rate)
    weight = np.divide(1.0, prior.dispersion / np.maximum(events, 1e-12) + prior.own)
    return Residual(np.where(events > 0, ratio - 1.0, 0.0), np.where(events > 0, weight, 0.0))


def cells(residuals: Sequence[Residual], codes: Codes, count: int) -> list[Cell]:
    """Of each of so many cells, over one or several stages whose log factors add up; those of nobody are left out.

    Args:
        residuals: Of the stages.
        codes: Cell of each creative; −1 for none.
        count: Of cells.
    """
    held = codes >= 0
    log, variance, z = np.zeros(count), np.zeros(count), np.zeros(count)
    speaks = np.zeros(count, dtype=np.int64)
    for one in residuals:
        off, weight, at = one.off[held], one.weight[held], codes[held]
        said, square, worth, worth_two = (
            np.bincount(at, part, count).astype(np.float64)
            for part in (weight * off, (weight * off) ** 2, weight, weight**2)
        )
        top, bottom = float((said**2 - square).sum()), float((worth**2 - worth_two).sum())
        tau = max(top / bottom, LEAST_TAU) if bottom > 0 else LEAST_TAU
        mean = np.divide(said, worth, out=np.zeros(count), where=worth > 0)
        spread = np.bincount(at, (weight * (off - mean[at])) ** 2, count).astype(np.float64)
        # Across creatives; never surer than the model's own variances say.
        error = np.maximum(np.divide(spread, worth**2, out=np.zeros(count), where=worth > 0), _inverse(worth))
        log += mean * tau / (tau + error)
        variance += tau * error / (tau + error)
        z += mean / np.sqrt(np.maximum(error, 1e-12)) / np.sqrt(len(residuals))
        speaks = np.maximum(speaks, np.bincount(at, weight > 0, count).astype(np.int64))
    return [
        Cell(code, int(speaks[code]), float(log[code]), float(np.sqrt(variance[code])), float(z[code]))
        for code in np.flatnonzero(speaks).tolist()
    ]


def _inverse(worth: Floats) -> Floats:
    return np.divide(1.0, worth, out=np.full_like(worth, 1e6), where=worth > 0)
