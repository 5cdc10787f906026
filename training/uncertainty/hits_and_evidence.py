"""The chance of a hit, and the evidence that two creatives still need until they can be ranked.

A hit is within the top share of what creatives of its promotion type reach in an outcome window.

A stage's own counts of u events leave a variance of φ/(u + K) on the log scale, K being φ over the variance before a
creative runs. The counted difference of two candidates then correlates with the true one by r, r² = u/(u + K), and
their order is right with probability ½ + arcsin(r)/π (orthant probability of a bivariate normal, Sheppard 1899). So
ranking them rightly with probability p takes u = K · r²/(1 − r²) events, r = sin(π(p − ½)): 1.9 K for 80 %.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from configs.settings import Interval
from features.funnel import NET_ROI, ROI, TARGETS, Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.covariates import (
    Covariates,
    Logs,
    column,
    log_events,
    log_of,
    rarest_stage,
    shared_columns,
    tree_columns,
)
from training.uncertainty.interface import Floats, Predicted
from training.uncertainty.regressions import CrossFitParts, Regression, cross_fit, probability

LEAST_HITS = 20
"""Hits below which no chance is fitted."""


class HitModel(BaseModel):
    """What a hit is, and its chance.

    Attributes:
        measure: `net_gmv`, `gmv` or `volume`: what creatives are ranked by.
        threshold: Promotion type → what a hit reaches in its window.
        regression: Logistic regression of its chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    threshold: Mapping[str, float]
    regression: Regression

    def chance(self, predicted: Predicted, covariates: pd.DataFrame | Covariates, funnel: Funnel) -> Floats:
        """(rows,) P(hit); NaN for a promotion type without hits in the calibration rows."""
        columns = _hit_columns(self.measure, self.threshold, predicted, covariates, funnel)
        linear = self.regression.linear(columns, len(covariates))
        found = probability(linear + self.regression.correction(covariates))
        return np.where(np.isnan(_thresholds(self.threshold, covariates)), np.nan, found)

    def is_hit(self, outcome: pd.DataFrame, promotion_types: pd.Series, funnel: Funnel) -> Floats:
        """(rows,) 1 where the outcome is a hit, 0 where not, NaN where that is not known."""
        reached = _reached(self.measure, outcome, funnel)
        needed = promotion_types.map(dict(self.threshold)).to_numpy(np.float64)
        unknown = np.isnan(reached) | np.isnan(needed)
        return np.where(unknown, np.nan, (reached >= needed).astype(np.float64))


def fit_hits(
    predicted: pd.DataFrame,
    covariates: pd.DataFrame,
    outcome: pd.DataFrame,
    funnel: Funnel,
    settings: Interval,
    parts: CrossFitParts,
) -> HitModel | None:
    """Fit the thresholds and the chance on out-of-sample rows.

    Args:
        predicted: Predictions of the rows.
        covariates: Of the same rows.
        outcome: Of the same rows.
        funnel: Their funnel.
        settings: `hit_share`, the top share of the rows of a promotion type that are hits, and `hit_of`, what they are
            ranked by: net GMV falls back on gross GMV, and that on volume, where it is not counted.
        parts: Of the rows.

    Returns:
        None with fewer than LEAST_HITS hits.
    """
    measure, wanted = "volume", settings.hit_of
    if wanted == "net_gmv" and any(TARGETS[name].net for name in funnel.rate_targets):
        measure = "net_gmv"
    elif wanted == "net_gmv" and any(not TARGETS[name].net for name in funnel.rate_targets):
        measure = "gmv"
    reached = _reached(measure, outcome, funnel)
    threshold: dict[str, float] = {}
    for name in sorted(covariates["promotion_type"].unique()):
        mine = reached[(covariates["promotion_type"] == name).to_numpy() & np.isfinite(reached)]
        if len(mine) and mine.max() > 0:
            edge = float(np.quantile(mine, 1.0 - settings.hit_share, method="higher"))
            threshold[str(name)] = edge if edge > 0 else float(mine[mine > 0].min())
    needed = covariates["promotion_type"].map(threshold).to_numpy(np.float64)
    known = np.isfinite(reached) & np.isfinite(needed)
    hits: npt.NDArray[np.bool_] = reached[known] >= needed[known]
    if hits.sum() < LEAST_HITS:
        return None
    columns = _hit_columns(measure, threshold, predicted, covariates, funnel)
    given = {name: values[known] for name, values in columns.items()}
    table = tree_columns(covariates)[known]
    fitted = cross_fit("logistic", given, table, hits.astype(np.float64), parts.of(known))
    return HitModel(measure=measure, threshold=threshold, regression=fitted.whole)


def _reached(measure: str, outcome: pd.DataFrame, funnel: Funnel) -> Floats:
    """(rows,) The measure over a whole outcome window."""
    name = {"net_gmv": "settled_net_cny", "gmv": "gmv_cny", "volume": funnel.volume_of}[measure]
    return outcome[f"later:{name}"].to_numpy(np.float64) / outcome["covered_share"].to_numpy(np.float64)


def _thresholds(threshold: Mapping[str, float], covariates: pd.DataFrame | Covariates) -> Floats:
    """(rows,) What a hit of each row's promotion type reaches; NaN where its type has no threshold."""
    own_types = np.asarray(covariates["promotion_type"]).tolist()
    return np.array([threshold.get(name, np.nan) for name in own_types], dtype=np.float64)


def _hit_columns(
    measure: str,
    threshold: Mapping[str, float],
    predicted: Predicted,
    covariates: pd.DataFrame | Covariates,
    funnel: Funnel,
) -> dict[str, Floats]:
    log_volume = column(covariates, "log_volume")
    expected = log_volume
    if measure != "volume":
        roi = NET_ROI if measure == "net_gmv" else ROI
        has_impressions = funnel.volume_of == "impressions"
        per_volume = roi.per_impression if has_impressions and roi.per_impression.name in funnel.targets else roi
        if has_impressions and per_volume.is_roi:
            expected = expected + log_of(predicted["cost"])
        expected = expected + log_of(predicted[per_volume.name])
    excess = expected - np.log(_thresholds(threshold, covariates))
    return {name: column(covariates, name) for name in shared_columns(covariates)} | {
        "excess": excess,
        "excess²": excess**2,
        "log_volume": log_volume,
        "early_volume": np.log1p(column(covariates, "early_volume")),
    }


class RequiredEvidence(BaseModel):
    """The stage that decides the precision of a rate, and its dispersion.

    Attributes:
        target: The rate.
        stage: Its rarest stage.
        dispersion: φ: the variance of the log after one event.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    stage: str
    dispersion: float

    def required(
        self, logs: Logs, features: Features, funnel: Funnel, distinguish_probability: float
    ) -> dict[str, Floats]:
        """What is still missing until two creatives like each row's are ranked rightly with this probability.

        Returns:
            Each (rows,): `own_events` so far, `more_events`, and the `more_cny` (spend; NaN where the data do not give
            the cost of traffic) and `more_volume` (impressions; spend where there are none) expected to bring them.
        """
        posterior = features.posteriors[self.stage]
        own = np.where(np.isnan(posterior.own_events), 0.0, posterior.own_events)
        prior_events = np.maximum(self.dispersion / np.maximum(posterior.variance, 1e-9) - own, 0.0)
        square = float(np.sin(np.pi * (distinguish_probability - 0.5)) ** 2)
        more = np.maximum(prior_events * square / (1.0 - square) - own, 0.0)
        per_volume = np.exp(log_events(logs, funnel, TARGETS[self.target].gross.name))
        if self.stage != "order":
            per_volume = _exposure_events(logs, funnel, self.stage)
        volume = more / np.maximum(per_volume, 1e-12)
        cost = np.full(len(own), np.nan)
        if funnel.volume_of == "spend_cny":
            cost = np.ones(len(own))
        elif "cost" in logs:
            cost = np.exp(logs["cost"])
        return {"own_events": own, "more_events": more, "more_cny": volume * cost, "more_volume": volume}


def fit_required_evidence(features: list[Features], funnel: Funnel, target: str) -> RequiredEvidence:
    """φ of the rate's rarest stage from how the posterior variance falls with events: 1/variance = (u + K)/φ."""
    stage = rarest_stage(funnel, target)
    own = np.concatenate([np.nan_to_num(rows.posteriors[stage].own_events) for rows in features])
    precision = np.concatenate([1.0 / np.maximum(rows.posteriors[stage].variance, 1e-9) for rows in features])
    few = own <= np.quantile(own, 0.9)  # at many events the variance that remains is drift, not sampling
    own, precision = own[few], precision[few]
    spread = float(np.var(own))
    slope = float(np.mean((own - own.mean()) * (precision - precision.mean()))) / spread if spread > 0 else 1.0
    return RequiredEvidence(target=target, stage=stage, dispersion=1.0 / slope if slope > 0 else 1.0)


def _exposure_events(logs: Logs, funnel: Funnel, stage: str) -> Floats:
    """(rows,) Events per unit of volume of a stage whose precision comes from its exposure (clicks or volume)."""
    events = next(known.events for known in funnel.stages if known.name == stage)
    if events == "clicks" and "click" in logs:
        return np.exp(logs["click"])
    return np.ones(len(logs[funnel.volume_target]))
