"""What a frame of `training.evaluation.holdout.judge` holds, and which of its rows a target is judged on."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, VOLUME_TARGETS
from training.evaluation.metrics import METHODS

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

PARTS = dict(zip(METHODS, ("carried", "bayes", "predicted")))
"""Method → prefix of its columns."""
VOLUMES = tuple(f"actual_{name}" for name in VOLUME_TARGETS)


def judged_targets(beside: pd.DataFrame) -> list[str]:
    """The targets that were predicted and for which something came, in the order of the frame."""
    names = [name.removeprefix("predicted_") for name in beside if name.startswith("predicted_")]
    return [name for name in names if f"actual_{name}" in beside]


def judged_rows(beside: pd.DataFrame, target: str, least_volume: float) -> Mask:
    """The rows of `training.evaluation.metrics.evaluate`: what came is known; of a rate, on at least so much later
    volume."""
    truth, exposure = (beside[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = np.isfinite(truth) & (exposure > 0)
    if TARGETS[target].is_volume:
        return known
    return known & (beside[volume_name(beside)].to_numpy(np.float64) >= least_volume)


def volume_name(beside: pd.DataFrame) -> str:
    """The column of later volume that came."""
    return next(name for name in VOLUMES if name in beside)
