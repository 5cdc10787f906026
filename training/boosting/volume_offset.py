"""Offset of later volume: a log-linear regression on pace, age and the volume of creatives of the same entities.

Volume is no rate, so neither the funnel model nor empirical Bayes has a prior for it; a Tweedie regression (variance
between Poisson and gamma, Jørgensen 1987) on a few columns takes their place.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.matrix.feature_matrix import Features
from features.point_in_time.entity_history import GROUPS

Floats = npt.NDArray[np.float64]

TWEEDIE_POWER = 1.5
"""Tweedie power: variance ∝ mean^1.5."""
OWN_RIDGE = 0.01
"""L2 penalty of columns of the creative itself."""
OTHERS_RIDGE = 1.0
"""L2 penalty of columns of other creatives: these hardly predict the volume of one creative, but fit its noise."""
AGE_STARTS_HOURS = (0.0, 3.0, 12.0, 24.0, 72.0, 168.0)
TYPE_COLUMN_PREFIX = "promotion_type="
OWN_PREFIXES = ("log_", "age_", TYPE_COLUMN_PREFIX)
"""Prefixes of columns of the creative itself."""
LEAST_VOLUME = 0.1
"""Least predicted volume, in impressions (or CNY of spend)."""


class VolumeOffset(BaseModel):
    """The fitted regression: log volume = intercept + Σ weight · (column − mean) / scale.

    Attributes:
        intercept: Of the log.
        weights: Column → (weight, mean, scale); a missing value counts as the mean.
        ceiling: Largest log volume predicted: the largest of the training rows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, tuple[float, float, float]]
    ceiling: float

    def log_volume(self, features: Features) -> Floats:
        """(rows,) Log of the impressions (or spend) expected in a whole outcome window."""
        own = [name.removeprefix(TYPE_COLUMN_PREFIX) for name in self.weights if name.startswith(TYPE_COLUMN_PREFIX)]
        columns = _columns(features, own)
        unknown = np.full(len(features.values), np.nan)
        values = np.array([columns.get(name, unknown) for name in self.weights]).reshape(
            len(self.weights), len(unknown)
        )
        weight, mean, scale = np.array(list(self.weights.values())).reshape(-1, 3).T
        # A row's columns are contiguous: their sum has the same last bit for one row as for many.
        scaled = (np.ascontiguousarray(values.T) - mean) / scale
        scaled[np.isnan(scaled)] = 0.0
        total = self.intercept + (scaled * weight).sum(axis=-1)
        return np.minimum(np.maximum(total, np.log(LEAST_VOLUME)), self.ceiling)


def fit_volume(features: Features, later: Floats, covered: Floats) -> VolumeOffset:
    """Fit the regression on training rows.

    Args:
        features: Of the rows.
        later: (rows,) Impressions (or spend) in the outcome window.
        covered: (rows,) Share of the window over which they were counted.
    """
    known = np.isfinite(later) & (covered > 0)
    promotion_types = sorted(set(features.keys.categories("promotion_type").texts()))
    columns = {name: values[known] for name, values in _columns(features, promotion_types).items()}
    scaled: dict[str, Floats] = {}
    moments: dict[str, tuple[float, float]] = {}
    for name, values in columns.items():
        if np.isnan(values).all() or np.nanstd(values) < 1e-9:
            continue
        shrink = 1.0 if name.startswith(OWN_PREFIXES) else np.sqrt(OTHERS_RIDGE / OWN_RIDGE)
        moments[name] = float(np.nanmean(values)), float(np.nanstd(values) * shrink)
        mean, scale = moments[name]
        scaled[name] = np.where(np.isnan(values), 0.0, (values - mean) / scale)
    rate = later[known] / covered[known]
    unit = max(float(rate.mean()), LEAST_VOLUME) if len(rate) else LEAST_VOLUME
    if not scaled or not rate.any():  # no volume at all, or no column that varies
        return VolumeOffset(intercept=float(np.log(unit)), weights={}, ceiling=float(np.log(unit)))
    from sklearn.linear_model import TweedieRegressor  # slow to load, and needed only to fit

    model = TweedieRegressor(power=TWEEDIE_POWER, link="log", alpha=OWN_RIDGE, max_iter=1000, tol=1e-6)
    model.fit(pd.DataFrame(scaled), rate / unit, sample_weight=covered[known])
    return VolumeOffset(
        intercept=float(model.intercept_) + float(np.log(unit)),
        weights={name: (float(w), *moments[name]) for name, w in zip(scaled, model.coef_)},
        ceiling=float(np.log(max(rate.max(), unit))),
    )


def _columns(features: Features, promotion_types: Sequence[str]) -> dict[str, Floats]:
    hours = features.keys.floats("elapsed_hours")
    values = features.values
    # A slope shared by all ages plus one per age step: a step without training rows falls back on the shared slope.
    paces = [name for name in ("log_impressions", "log_last_day") if name in values]
    columns = {name: values[name] for name in paces}
    step = np.array(AGE_STARTS_HOURS).searchsorted(hours) - 1
    for place, low in enumerate(AGE_STARTS_HOURS):
        inside = (step == place).astype(np.float64)
        columns[f"age_{low:g}"] = inside
        for name in paces:
            columns[f"{name}_{low:g}"] = inside * columns[name]
    for name in (
        *(f"hist_{group}_volume" for group in GROUPS),
        "live_siblings",
        "recent_launches",
        "roi_target",
    ):
        if name in values:
            columns[name] = values[name]
    own = features.keys.categories("promotion_type").texts()
    unknown = np.array([name not in promotion_types for name in own.tolist()], dtype=np.bool_)
    paced = [name for name in columns if name.startswith(OWN_PREFIXES) and name not in paces]
    for own_type in promotion_types:  # those of the training rows, so that a row alone gets what it gets in a batch
        mine = np.where(unknown, np.nan, (own == own_type).astype(np.float64))
        columns[TYPE_COLUMN_PREFIX + own_type] = mine
        if len(promotion_types) > 1:  # the first traffic pools of promotion types differ in size and duration
            columns |= {f"{name}@{own_type}": columns[name] * mine for name in paced}
    return columns
