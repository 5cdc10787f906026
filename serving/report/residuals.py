"""What creatives did beyond what the model adds up for them: cell means with their uncertainty across creatives.

Creative i did ratio_i of what its tags, KOC and product let expect at a stage; off_i = ratio_i − 1 has the variance
φ/u_i + s². A cell's mean is shrunk by how much such cells differ in all (τ², by moments as in
`features.funnel_model.interactions`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from serving.report.context import Residual

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]

LEAST_TAU = 1e-4


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
