"""Later volume as a normal of its log1p: mean and standard deviation by ridge regressions on out-of-fold rows."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.arrays import Floats
from training.uncertainty.recalibration import AGE_EDGES_HOURS, Columns

TYPICAL_VOLUME = "typical_volume"
"""Column of predictions: what ranks later volume, where the model predicts it."""
VOLUME_FEATURES = ("log_impressions", "log_last_day", "last_day_share", "late_half_share")
"""Features on which later volume depends beside its prediction."""
RIDGE_ROWS = 60.0
"""L2 penalty of the volume regressions on standardised columns, in rows."""
CLIP = 3.0
"""Standard deviations beyond which a column says no more."""
OUTLIER = 2.0
"""Robust standard deviations from which on a residual counts linearly, not squared (Huber 1964)."""
LEAST = 1e-9
"""Smallest value that is computed with."""


class VolumeModel(BaseModel):
    """log1p of later volume: normal, with everything below 0 an outcome of 0 (Tobin 1958).

    Mean and log standard deviation are ridge regressions on the columns of `_design`.

    Attributes:
        promotion_types: Of the training rows.
        names: Columns that it depends on beside age and promotion type.
        centre: (columns of the design,) Their means.
        scale: Their standard deviations.
        shift: Weights of the mean's distance from the prediction, the intercept first.
        spread: Weights of the log standard deviation, the intercept first.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    promotion_types: tuple[str, ...]
    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    shift: tuple[float, ...]
    spread: tuple[float, ...]

    @cached_property
    def arrays(self) -> tuple[Floats, Floats, Floats]:
        """`centre`, `scale`, and (2, 1 + columns of the design) `shift` and `spread`."""
        return np.array(self.centre), np.array(self.scale), np.array([self.shift, self.spread])

    def mean_and_deviation(self, columns: Columns) -> tuple[Floats, Floats]:
        """(rows,) Mean and standard deviation of log1p of later volume."""
        centre, scale, weights = self.arrays
        design = _standardised(_design(columns, self.names, self.promotion_types), centre, scale)
        # A row's columns are contiguous: their sum has the same last bit for one row as for many.
        shift, log_deviation = (design * weights[:, None, 1:]).sum(axis=2) + weights[:, :1]
        return columns["volume"] + shift, np.exp(log_deviation)


def fit_volume_model(columns: Columns, came: Floats) -> VolumeModel:
    """Fit on out-of-fold rows with later volume `came` (rows,)."""
    promotion_types = tuple(sorted(set(columns["promotion_type"].tolist())))
    names = ("volume", *(name for name in (TYPICAL_VOLUME, *VOLUME_FEATURES) if name in columns))
    design = _design(columns, names, promotion_types)
    centre, scale = design.mean(axis=0), design.std(axis=0)
    scale = np.where(scale < LEAST, np.inf, scale)
    design = _standardised(design, centre, scale)
    residual = np.log1p(came) - columns["volume"]
    shift = _ridge(design, residual)
    distance = np.abs(residual - shift[0] - (design * shift[1:]).sum(axis=1))
    spread = _ridge(design, np.log(distance + 0.1))  # 0.1: rows that are met by chance do not decide
    ratio = distance / np.exp(spread[0] + (design * spread[1:]).sum(axis=1))
    spread[0] += np.log(np.mean(ratio**2) + LEAST) / 2.0
    return VolumeModel(
        promotion_types=promotion_types,
        names=names,
        centre=tuple(centre.tolist()),
        scale=tuple(np.minimum(scale, 1e300).tolist()),  # JSON has no infinity
        shift=tuple(shift.tolist()),
        spread=tuple(spread.tolist()),
    )


def _design(columns: Columns, names: Sequence[str], promotion_types: Sequence[str]) -> Floats:
    """(rows, design) Columns, age steps, columns by age step, promotion types, predicted volume by promotion type."""
    nothing = np.zeros(len(columns["step"]))
    base = np.array([columns.get(name, nothing) for name in names]).T
    step = (columns["step"][:, None] == np.arange(len(AGE_EDGES_HOURS) + 1)).astype(np.float64)
    own_type = (columns["promotion_type"][:, None] == np.array(promotion_types, dtype=object)).astype(np.float64)
    by_step = (step[:, :, None] * base[:, None, :]).reshape(len(base), step.shape[1] * len(names))
    return np.concatenate([base, step, by_step, own_type, own_type * columns["volume"][:, None]], axis=1)


def _standardised(design: Floats, centre: Floats | Sequence[float], scale: Floats | Sequence[float]) -> Floats:
    return np.minimum(np.maximum((design - np.asarray(centre)) / np.asarray(scale), -CLIP), CLIP)


def _ridge(design: Floats, label: Floats) -> Floats:
    """(1 + columns,) Intercept and weights of a Huber ridge regression, by iterated reweighting."""
    found, weight = np.zeros(design.shape[1] + 1), np.ones(len(label))
    penalty = RIDGE_ROWS * np.eye(design.shape[1])
    for _ in range(4):
        found[0] = np.average(label, weights=weight)
        weighted = design * weight[:, None]
        found[1:] = np.linalg.solve(weighted.T @ design + penalty, weighted.T @ (label - found[0]))
        residual = np.abs(label - found[0] - design @ found[1:])
        weight = 1.0 / np.maximum(1.0, residual / (OUTLIER * 1.4826 * np.median(residual) + LEAST))
    return found
