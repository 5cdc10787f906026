"""Small regressions kept as plain numbers: what a quantity is, how likely something is, how far off one may be.

Every column is standardised by its training mean and scale; a missing value counts as the mean. Sums run column by
column, so that a row alone gives what it gives in a batch, bit for bit.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import expit
from sklearn.linear_model import GammaRegressor, LogisticRegression, Ridge

Floats = npt.NDArray[np.float64]
Columns = Mapping[str, Floats]

RIDGE = 5.0
"""Rows that a weight of 0 is worth."""
SPREAD_RIDGE = 0.01
"""The same for a gamma regression, per row."""
LEAST_OFF = 1e-3
"""Least absolute residual that teaches a scale."""
BEYOND = 4.0
"""Standard deviations beyond which a column is held: no regression is believed far outside what taught it."""


class Head(BaseModel):
    """intercept + Σ weight · (column − mean) / scale.

    Attributes:
        intercept: Of the sum.
        weights: Column → (weight, mean, scale).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, tuple[float, float, float]]

    def __call__(self, columns: Columns, count: int) -> Floats:
        """The sum for each of `count` rows."""
        total = np.full(count, self.intercept)
        for name, (weight, mean, scale) in self.weights.items():
            total = total + weight * _scaled(columns[name], mean, scale)
        return total

    def likely(self, columns: Columns, count: int) -> Floats:
        """The sum as a probability."""
        return np.asarray(expit(self(columns, count)), dtype=np.float64)


def fit_mean(columns: Columns, label: Floats, alpha: float = RIDGE) -> Head:
    """Least squares, with a ridge of `alpha` rows."""
    scaled, moments = _standardised(columns)
    if scaled.empty:
        return Head(intercept=float(label.mean()), weights={})
    model = Ridge(alpha=alpha).fit(scaled, label)
    return _head(float(model.intercept_), model.coef_, moments)


def fit_likely(columns: Columns, happened: npt.NDArray[np.bool_], alpha: float = RIDGE) -> Head:
    """Logistic regression; where all or none happened, the share with half a row of either kind added."""
    scaled, moments = _standardised(columns)
    if scaled.empty or happened.all() or not happened.any():
        share = (happened.sum() + 0.5) / (len(happened) + 1.0)
        return Head(intercept=float(np.log(share / (1.0 - share))), weights={})
    model = LogisticRegression(C=1.0 / alpha, max_iter=1000, tol=1e-6).fit(scaled, happened)
    return _head(float(model.intercept_[0]), model.coef_[0], moments)


def fit_spread(columns: Columns, off: Floats, alpha: float = SPREAD_RIDGE) -> Head:
    """Log of the mean absolute residual: a gamma regression, which a few wild residuals do not carry away."""
    scaled, moments = _standardised(columns)
    size = np.maximum(np.abs(off), LEAST_OFF)
    if scaled.empty:
        return Head(intercept=float(np.log(size.mean())), weights={})
    model = GammaRegressor(alpha=alpha, max_iter=1000, tol=1e-6).fit(scaled, size)
    return _head(float(model.intercept_), model.coef_, moments)


def _standardised(columns: Columns) -> tuple[pd.DataFrame, dict[str, tuple[float, float]]]:
    moments, scaled = {}, {}
    for name, values in columns.items():
        if np.isnan(values).all() or np.nanstd(values) < 1e-9:
            continue
        moments[name] = float(np.nanmean(values)), float(np.nanstd(values))
        scaled[name] = _scaled(values, *moments[name])
    return pd.DataFrame(scaled), moments


def _scaled(values: Floats, mean: float, scale: float) -> Floats:
    return np.nan_to_num(np.clip((values - mean) / scale, -BEYOND, BEYOND), nan=0.0)


def _head(intercept: float, weights: Floats, moments: Mapping[str, tuple[float, float]]) -> Head:
    return Head(
        intercept=intercept, weights={name: (float(weight), *moments[name]) for name, weight in zip(moments, weights)}
    )
