"""Ways to set the level of cost per impression, each fitted on training rows: no head is involved.

Cost per impression is estimated by effective sample sizes. What sells is shown more, and an impression of it costs
more, so totals come out too low. Every way multiplies the funnel model's rate of a row by a factor.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from features.arrays import Floats
from features.matrix.feature_matrix import Features
from features.stages import COST

PENALTY = 0.01
CAP = 10.0
"""Medians of the expected spend up to which a row weighs in proportion."""
PACE_SCALE = 5.0
"""Logs of volume and age over this are of the size of the other columns, so that one penalty fits all."""

WEIGHTS: dict[str, Callable[[Floats], Floats]] = {
    "raw": lambda expected: expected,
    "capped": lambda expected: np.minimum(expected, CAP * np.median(expected)),
    "saturating": lambda expected: expected / (expected + np.median(expected)),
}
"""Weight of a row by its expected spend."""


@dataclass(frozen=True)
class Way:
    """How the factor of a row is estimated.

    Attributes:
        columns: Of a Poisson regression of later spend over expected spend: `type` (indicators of promotion types, else
            one intercept), `boost` (boosted share of spend), `evidence` (own evidence at every stage), `pace` (volume
            so far, of the last day, and age). Empty: an intercept alone, which is one exposure-weighted factor.
        weight: Of WEIGHTS; empty: no factor.
    """

    columns: tuple[str, ...] = ()
    weight: str = ""


BUILT_IN = "one factor (built in)"
WAYS = {
    "none": Way(),
    BUILT_IN: Way((), "raw"),
    "a factor per promotion type": Way(("type",), "raw"),
    "type, boost": Way(("type", "boost"), "raw"),
    "type, boost, own evidence": Way(("type", "boost", "evidence"), "raw"),
    "type, boost, own evidence, pace": Way(("type", "boost", "evidence", "pace"), "raw"),
    "the same, capped weights": Way(("type", "boost", "evidence", "pace"), "capped"),
    "the same, saturating weights": Way(("type", "boost", "evidence", "pace"), "saturating"),
}


def log_factors(way: Way, fit: tuple[Features, pd.DataFrame], rows: Features, log_level: float) -> Floats:
    """(rows,) log factor on the funnel model's cost per impression without its own level.

    Args:
        way: Of WAYS.
        fit: Features and outcomes of the training rows.
        rows: Features of the rows to predict.
        log_level: The level that is in the features' rate of cost.
    """
    if not way.weight:
        return np.zeros(len(rows.values))
    features, outcome = fit
    spend, shown = (outcome[f"later:{name}"].to_numpy(np.float64) for name in (COST.numerator, COST.exposure))
    expected = shown * np.exp(features.posteriors[COST.name].log_rate - log_level)
    known = np.isfinite(spend) & (expected > 0)
    spend, expected = spend[known], expected[known]
    weight = WEIGHTS[way.weight](expected)
    if not way.columns:
        return np.full(len(rows.values), np.log(spend.sum() / expected.sum()))
    types = sorted(set(features.keys.categories("promotion_type").texts().tolist()))
    model = PoissonRegressor(alpha=PENALTY, fit_intercept=False, max_iter=500)
    model.fit(_columns(way, features, types)[known], spend / expected, sample_weight=weight / weight.mean())
    return np.asarray(_columns(way, rows, types) @ model.coef_)


def _columns(way: Way, features: Features, types: list[str]) -> Floats:
    """(rows, columns) of the regression; what is not known of a row is 0."""
    own_type, values = features.keys.categories("promotion_type").texts(), features.values
    found = [(own_type == name).astype(np.float64) for name in types]
    if "boost" in way.columns and "boost_share" in values:
        found.append(values["boost_share"])
    if "evidence" in way.columns:
        found += [posterior.log_own_evidence for posterior in features.posteriors.values()]
    if "pace" in way.columns:
        found += [values[name] / PACE_SCALE for name in ("log_impressions", "log_last_day", "age") if name in values]
    return np.nan_to_num(np.column_stack(found))
