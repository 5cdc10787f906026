"""What a hit is, and the evidence that two creatives still need until they can be ranked.

A hit is within the top share of what creatives of its promotion type reach in an outcome window.

A stage's own counts of u events leave a variance of φ/(u + K) on the log scale, K being φ over the variance before a
creative runs. The counted difference of two candidates then correlates with the true one by r, r² = u/(u + K), and
their order is right with probability ½ + arcsin(r)/π (orthant probability of a bivariate normal, Sheppard 1899). So
ranking them rightly with probability p takes u = K · r²/(1 − r²) events, r = sin(π(p − ½)): 1.9 K for 80 %.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from configs.settings import Interval
from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.targets import TARGETS
from training.uncertainty.compound import stages_of
from training.uncertainty.interface import Predicted

LEAST_HITS = 20
"""Hits below which no chance is stated."""


class Hits(BaseModel):
    """What a hit is.

    Attributes:
        measure: `net_gmv`, `gmv` or `volume`: what creatives are ranked by.
        rate: The rate target whose prediction gives that money per unit of volume; empty for volume.
        threshold: Promotion type → what a hit reaches in its window.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    measure: str
    rate: str
    threshold: Mapping[str, float]

    def reached(self, outcome: pd.DataFrame, funnel: Funnel) -> Floats:
        """(rows,) The measure over a whole outcome window."""
        return reached_by(self.measure, outcome, funnel)

    def needed(self, promotion_types: npt.NDArray[np.object_]) -> Floats:
        """(rows,) What a hit of each row's promotion type reaches; NaN where its type has no threshold."""
        return np.array([self.threshold.get(name, np.nan) for name in promotion_types.tolist()], dtype=np.float64)

    def is_hit(self, outcome: pd.DataFrame, promotion_types: pd.Series, funnel: Funnel) -> Floats:
        """(rows,) 1 where the outcome is a hit, 0 where not, NaN where that is not known."""
        reached, needed = self.reached(outcome, funnel), self.needed(promotion_types.to_numpy(object))
        return np.where(np.isnan(reached) | np.isnan(needed), np.nan, (reached >= needed).astype(np.float64))


def reached_by(measure: str, outcome: pd.DataFrame, funnel: Funnel) -> Floats:
    """(rows,) What outcomes reach over a whole window, by the measure of hits; NaN where it is not counted."""
    name = {"net_gmv": "settled_net_cny", "gmv": "gmv_cny", "volume": funnel.volume_of}[measure]
    if f"later:{name}" not in outcome:
        return np.full(len(outcome), np.nan)
    return outcome[f"later:{name}"].to_numpy(np.float64) / outcome["covered_share"].to_numpy(np.float64)


def fit_hits(
    outcome: pd.DataFrame, promotion_types: npt.NDArray[np.object_], funnel: Funnel, settings: Interval
) -> Hits | None:
    """Fit the thresholds on out-of-sample rows.

    Args:
        outcome: Of the rows.
        promotion_types: Of the same rows.
        funnel: Their funnel.
        settings: `hit_share`, the top share of the rows of a promotion type that are hits, and `hit_of`, what they are
            ranked by: net GMV falls back on gross GMV, and that on volume, where it is not counted.

    Returns:
        None with fewer than LEAST_HITS hits.
    """
    measure, rate = "volume", ""
    if settings.hit_of == "net_gmv":
        for name in funnel.rate_targets:  # net targets stand behind those before refunds
            measure, rate = "net_gmv" if TARGETS[name].net else "gmv", name
            if TARGETS[name].net:
                break
    hits = Hits(measure=measure, rate=rate, threshold={})
    reached = hits.reached(outcome, funnel)
    threshold: dict[str, float] = {}
    for name in sorted(set(promotion_types.tolist())):
        mine = reached[(promotion_types == name) & np.isfinite(reached)]
        if len(mine) and mine.max() > 0:
            edge = float(np.quantile(mine, 1.0 - settings.hit_share, method="higher"))
            threshold[str(name)] = edge if edge > 0 else float(mine[mine > 0].min())
    hits = hits.model_copy(update={"threshold": threshold})
    is_hit = hits.is_hit(outcome, pd.Series(promotion_types, index=outcome.index), funnel)
    return hits if np.nansum(is_hit) >= LEAST_HITS else None


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

    def so_far(self, predicted: Predicted, features: Features, funnel: Funnel) -> "EvidenceSoFar":
        """What is known of some rows."""
        posteriors, place = features.posteriors, features.posteriors.stages.index(self.stage)
        own = np.where(np.isnan(posteriors.own_events[place]), 0.0, posteriors.own_events[place])
        known = self.dispersion / np.maximum(posteriors.variance[place], 1e-9)
        per_volume, cost = self._per_volume(predicted, funnel, len(own)), self._cost(predicted, funnel, len(own))
        return EvidenceSoFar(own, known, per_volume, cost)

    def _per_volume(self, predicted: Predicted, funnel: Funnel, rows: int) -> Floats:
        """(rows,) Events expected per impression (per CNY where there are none)."""
        events = next(known.events_column for known in funnel.stages if known.name == self.stage)
        per_volume = np.ones(rows)
        for name in ("click", "order") if self.stage == "order" else ("click",) if events == "clicks" else ():
            if funnel.has(name):
                per_volume = per_volume * np.asarray(predicted[name], dtype=np.float64)
        return np.maximum(per_volume, 1e-12)

    def _cost(self, predicted: Predicted, funnel: Funnel, rows: int) -> Floats:
        """(rows,) CNY per unit of volume; NaN where the data do not give the cost of traffic."""
        if funnel.volume_of == "spend_cny":
            return np.ones(rows)
        return np.asarray(predicted["cost"], dtype=np.float64) if "cost" in predicted else np.full(rows, np.nan)


class EvidenceSoFar(NamedTuple):
    """The evidence on some rows, and what more of it takes.

    Attributes:
        own: (rows,) Own events so far.
        known: (rows,) As many as the posterior variance stands for: φ/variance.
        per_volume: (rows,) Events expected per impression (per CNY where there are none).
        cost: (rows,) CNY per unit of volume; NaN where the data do not give the cost of traffic.
    """

    own: Floats
    known: Floats
    per_volume: Floats
    cost: Floats

    def required(self, distinguish_probability: float) -> dict[str, Floats]:
        """What is still missing until two creatives like each row's are ranked rightly with this probability.

        Returns:
            Each (rows,): `own_events` so far, `more_events`, and the `more_cny` (spend; NaN where the data do not give
            the cost of traffic) and `more_volume` (impressions; spend where there are none) expected to bring them.
        """
        square = float(np.sin(np.pi * (distinguish_probability - 0.5)) ** 2)
        more = np.maximum(np.maximum(self.known - self.own, 0.0) * square / (1.0 - square) - self.own, 0.0)
        volume = more / self.per_volume
        return {"own_events": self.own, "more_events": more, "more_cny": volume * self.cost, "more_volume": volume}

    def until(self, share: Floats) -> dict[str, Floats]:
        """Events, and the spend that brings them, until this share of the posterior variance is resolved.

        Args:
            share: (rows,) From 0 to 1; of 1 or more, infinitely many are needed.

        Returns:
            `decide_events` and `decide_cny`, each (rows,).
        """
        with np.errstate(divide="ignore"):
            events = np.where(share < 1.0, self.known * share / np.maximum(1.0 - share, 1e-12), np.inf + share)
        return {"decide_events": events, "decide_cny": events / self.per_volume * self.cost}


def fit_required_evidence(features: Sequence[Features], funnel: Funnel, target: str) -> RequiredEvidence:
    """φ of the rate's rarest stage from how the posterior variance falls with events: 1/variance = (u + K)/φ."""
    stages = stages_of(funnel, target)
    stage = "order" if "order" in stages else funnel.to_gmv[-1] if funnel.to_gmv else stages[-1]
    own = np.concatenate([np.nan_to_num(rows.posteriors[stage].own_events) for rows in features])
    precision = np.concatenate([1.0 / np.maximum(rows.posteriors[stage].variance, 1e-9) for rows in features])
    few = own <= np.quantile(own, 0.9)  # at many events the variance that remains is drift, not sampling
    own, precision = own[few], precision[few]
    spread = float(np.var(own))
    slope = float(np.mean((own - own.mean()) * (precision - precision.mean()))) / spread if spread > 0 else 1.0
    return RequiredEvidence(target=target, stage=stage, dispersion=1.0 / slope if slope > 0 else 1.0)
