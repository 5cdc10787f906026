"""Where the prediction of later volume starts: a log-linear model of pace, age and what siblings reached.

Volume is no rate, so empirical Bayes has nothing to shrink it to; a Tweedie regression (variance between Poisson and
gamma, as traffic has) of a few readable columns takes its place.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.matrix.feature_matrix import Features
from features.point_in_time.entity_history import GROUPS

Floats = npt.NDArray[np.float64]

POWER = 1.5
"""Of the variance: Var ∝ mean^1.5, between Poisson and gamma."""
RIDGE = 0.01
OTHERS_RIDGE = 1.0
"""The same for columns that tell of others: these hardly foretell the volume of one creative, but fit its noise."""
AGE_STEPS_HOURS = (0.0, 3.0, 12.0, 24.0, 72.0, 168.0)
KIND = "promotion_type="
OWN = ("log_", "age_", KIND)
"""How columns begin that tell of the creative itself."""
LEAST = 0.1
"""Impressions under which a start is not told."""


class VolumeStart(BaseModel):
    """The fitted regression: log volume = intercept + Σ weight · (column − mean) / scale.

    Attributes:
        intercept: Of the log.
        weights: Column → (weight, mean, scale); a missing value counts as the mean.
        ceiling: Largest log volume told: what training saw.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    intercept: float
    weights: Mapping[str, tuple[float, float, float]]
    ceiling: float

    def log_volume(self, features: Features) -> Floats:
        """Log of the impressions (or spend) expected in a whole outcome window."""
        columns = _columns(features, [name.removeprefix(KIND) for name in self.weights if name.startswith(KIND)])
        unknown = np.full(len(features.values), np.nan)
        held = np.array([columns.get(name, unknown) for name in self.weights]).reshape(len(self.weights), len(unknown))
        weight, mean, scale = np.array(list(self.weights.values())).reshape(-1, 3).T
        # A row's columns lie beside each other: their sum is the same for one row as for many.
        scaled = (np.ascontiguousarray(held.T) - mean) / scale
        scaled[np.isnan(scaled)] = 0.0
        total = self.intercept + (scaled * weight).sum(axis=-1)
        return np.minimum(np.maximum(total, np.log(LEAST)), self.ceiling)


def fit_volume(features: Features, later: Floats, covered: Floats) -> VolumeStart:
    """The regression on training rows.

    Args:
        features: Of the rows.
        later: Impressions (or spend) that came in the outcome window.
        covered: Share of the window over which they were counted.
    """
    known = np.isfinite(later) & (covered > 0)
    kinds = sorted(features.keys["promotion_type"].unique())
    columns = {name: values[known] for name, values in _columns(features, kinds).items()}
    scaled: dict[str, Floats] = {}
    moments: dict[str, tuple[float, float]] = {}
    for name, values in columns.items():
        if np.isnan(values).all() or np.nanstd(values) < 1e-9:
            continue
        shrink = 1.0 if name.startswith(OWN) else np.sqrt(OTHERS_RIDGE / RIDGE)
        moments[name] = float(np.nanmean(values)), float(np.nanstd(values) * shrink)
        mean, scale = moments[name]
        scaled[name] = np.where(np.isnan(values), 0.0, (values - mean) / scale)
    rate = later[known] / covered[known]
    unit = max(float(rate.mean()), LEAST) if len(rate) else LEAST
    if not scaled or not rate.any():  # nothing came, or nothing tells rows apart
        return VolumeStart(intercept=float(np.log(unit)), weights={}, ceiling=float(np.log(unit)))
    from sklearn.linear_model import TweedieRegressor  # slow to load, and needed only to fit

    model = TweedieRegressor(power=POWER, link="log", alpha=RIDGE, max_iter=1000, tol=1e-6)
    model.fit(pd.DataFrame(scaled), rate / unit, sample_weight=covered[known])
    return VolumeStart(
        intercept=float(model.intercept_) + float(np.log(unit)),
        weights={name: (float(w), *moments[name]) for name, w in zip(scaled, model.coef_)},
        ceiling=float(np.log(max(rate.max(), unit))),
    )


def _columns(features: Features, kinds: Sequence[str]) -> dict[str, Floats]:
    hours = features.keys["elapsed_hours"].to_numpy(np.float64)
    values = features.values
    # Slopes are shared between ages, each age adds its own: an age that training did not see falls back on the shared.
    paces = [name for name in ("log_impressions", "log_last_day") if name in values]
    columns = {name: values[name].to_numpy(np.float64) for name in paces}
    step = np.array(AGE_STEPS_HOURS).searchsorted(hours) - 1
    for place, low in enumerate(AGE_STEPS_HOURS):
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
            columns[name] = values[name].to_numpy(np.float64)
    own = features.keys["promotion_type"].to_numpy(object)
    strange = np.array([kind not in kinds for kind in own.tolist()], dtype=np.bool_)
    paced = [name for name in columns if name.startswith(OWN) and name not in paces]
    for kind in kinds:  # those of training, not of the rows at hand: a row alone is told as in a batch
        mine = np.where(strange, np.nan, (own == kind).astype(np.float64))
        columns[KIND + kind] = mine
        if len(kinds) > 1:  # first pools differ in size, and in how long they last
            columns |= {f"{name}@{kind}": columns[name] * mine for name in paced}
    return columns
