"""Prior and posterior log rate of every stage for each snapshot: what LightGBM takes as offset and as features.

The prior mean is what is expected of a creative before its own counts: the prediction of the funnel model
(`features.funnel_model.model`), or of empirical Bayes (this module) where no funnel model was fitted. The creative's
own counts then update it by a two-step Kalman filter, and the log evidence found at each stage is passed on to the
others (`cross_stage_evidence`):

    log rate = log prior + Σ over stages j of weight[stage, j] · log evidence[j]

`StagePrior.log_level` is added to the log prior after the update, so that own counts do not undo it.

Array axes: S stages, N rows (snapshots), E entities. All variances are variances of a log rate.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.funnel import Funnel
from features.funnel_model.effects import Effects
from features.funnel_model.empirical_bayes import (
    PriorArrays,
    Priors,
    StagePrior,
    ratio_and_events,
    shrink,
    stack_priors,
)
from features.funnel_model.model import ExpectedRate, FunnelModel, predict_as_of
from features.point_in_time.array_frame import ArrayFrame, Floats
from features.point_in_time.counts import RECENT_DAYS

MARKET_PRIOR_EVENTS = 20.0
"""Pseudo-events of the training period's market rate against the events of the market's recent rate."""
ROWS_AT_ONCE = 1024
"""Rows up to which all stages are computed in one step; more rows are computed stage by stage, to save memory."""


@dataclass(frozen=True)
class StagePosterior:
    """Prior and posterior of one stage for N snapshots. All arrays are (N,) float64.

    Attributes:
        market_rate: Rate of the market of the promotion type, numerator per exposure.
        log_empirical_bayes: Log rate predicted by empirical Bayes before own counts, whichever prior is in use.
        empirical_bayes_effects: Entity → log factor; with the log market rate they add up to `log_empirical_bayes`.
        log_entity_effects: Entity → log factor of its history relative to the average creative of the market,
            whichever prior is in use.
        base_rate: Rate that the effects multiply, with the stage's level (`StagePrior.log_level`).
        log_effects: Entity (empirical Bayes) or term (funnel model) → log factor; 0 where nothing is known.
        log_prior: Log rate before the creative's own counts: log base rate plus all effects.
        log_own_evidence: Log factor from the creative's own early counts at all stages.
        own_events: Events in its own counts at this stage.
        variance: Posterior variance of the log rate after its own counts.
    """

    market_rate: Floats
    log_empirical_bayes: Floats
    empirical_bayes_effects: Effects
    log_entity_effects: Effects
    base_rate: Floats
    log_effects: Effects
    log_prior: Floats
    log_own_evidence: Floats
    own_events: Floats
    variance: Floats

    @property
    def log_rate(self) -> Floats:
        """Posterior log rate, axis 0: stages, axis 1: rows: prior plus own evidence."""
        return self.log_prior + self.log_own_evidence


def posteriors_of(
    observed: ArrayFrame,
    funnel: Funnel,
    priors: Priors,
    models: Sequence[FunnelModel] = (),
    arrays: PriorArrays | None = None,
) -> dict[str, StagePosterior]:
    """Compute prior and posterior of every stage of the funnel, for N snapshots.

    Args:
        observed: N rows of `features.point_in_time.counts`.
        funnel: The funnel.
        priors: Of every stage, fitted with the same `models`.
        models: Funnel models by rising origin; each row uses the last one whose origin is not after its cutoff. Without
            any, empirical Bayes is the prior.
        arrays: `stack_priors(funnel.stages, priors)`, where the caller keeps it.
    """
    from_model = predict_as_of(models, observed, funnel.stages if models else ())
    whole = arrays or stack_priors(funnel.stages, priors)
    # Few rows: all stages at once. Many rows: one stage after the other, which gives the same in less memory.
    parts = [whole] if len(observed) <= ROWS_AT_ONCE else [stack_priors([stage], priors) for stage in funnel.stages]
    updates = [_update(part, observed, from_model) for part in parts]
    evidence = cross_stage_evidence(np.concatenate([part.log_evidence for part in updates]), whole.cross_stage_weights)
    posteriors: dict[str, StagePosterior] = {}
    for part in updates:
        history = part.history
        for place, stage in enumerate(history.arrays.stages):
            posteriors[stage.name] = StagePosterior(
                market_rate=history.market_rate[place],
                log_empirical_bayes=history.log_rate[place],
                empirical_bayes_effects=history.effects_on(place),
                log_entity_effects=Effects(history.arrays.entities, history.log_entity_effects[place], history.places),
                base_rate=part.base_rate[place],
                log_effects=part.log_effects[place],
                log_prior=part.log_prior[place],
                log_own_evidence=evidence[len(posteriors)],
                own_events=part.events[place],
                variance=part.variance[place],
            )
    return posteriors


@dataclass(frozen=True)
class _Update:
    """Prior, and result of own counts, at S stages; arrays are (S, N).

    `base_rate` and `log_prior` include the stage's level; `log_evidence` is not passed on to other stages yet.
    """

    history: "EmpiricalBayesRates"
    base_rate: Floats
    log_effects: list[Effects]
    log_prior: Floats
    log_evidence: Floats
    events: Floats
    variance: Floats


def _update(arrays: PriorArrays, observed: ArrayFrame, from_model: Mapping[str, ExpectedRate]) -> _Update:
    history = empirical_bayes_rates(arrays, observed)
    expected = [from_model.get(stage.name) or history.expected_rate(place) for place, stage in enumerate(arrays.stages)]
    log_rate = np.array([one.log_rate for one in expected])
    variance = np.array([one.variance for one in expected])
    factor, events, left = own_evidence(arrays, observed, np.exp(log_rate), variance)
    base_rate = np.array([one.base_rate for one in expected]) * np.exp(arrays.log_levels)
    effects = [one.log_effects for one in expected]
    return _Update(history, base_rate, effects, log_rate + arrays.log_levels, np.log(factor), events, left)


@dataclass(frozen=True)
class EmpiricalBayesRates:
    """Empirical-Bayes log rates of S stages for N rows, with the history they are made of.

    Attributes:
        arrays: Priors of the S stages.
        market_rate: (S, N), rate of the market, shrunk to the training period's.
        log_entity_effects: (S, E, N), log factor of each entity relative to the market's average creative.
        effects: (S, E + C, N), weighted log factor of each entity; then, of each of the C nested entities, the log
            factor on the product of everything above it, from the market, which all share, down to creator × product.
        log_rate: (S, N), predicted log rate.
    """

    arrays: PriorArrays
    market_rate: Floats
    log_entity_effects: Floats
    effects: Floats
    log_rate: Floats

    @property
    def places(self) -> range:
        """Of all entities."""
        return range(len(self.arrays.entities))

    def expected_rate(self, place: int) -> ExpectedRate:
        """The prediction for one stage (index on axis 0); its variance is s², the same for every creative."""
        variance = np.full_like(self.market_rate[place], self.arrays.priors[place].creative_variance)
        return ExpectedRate(self.market_rate[place], self.effects_on(place), self.log_rate[place], variance)

    def effects_on(self, place: int) -> Effects:
        """Effects on one stage; with the log market rate they add up to its log rate."""
        names, places = self.arrays.effects_of[place]
        return Effects(names, self.effects[place], places)


def empirical_bayes_rates(arrays: PriorArrays, observed: ArrayFrame) -> EmpiricalBayesRates:
    """Predict log rates by empirical Bayes: market rate, nested entities, then weighted entities outside the chain.

    The history of an entity is a sum over its creatives of weight w and of w · ratio, where the ratio is a creative's
    rate over the market's and w = u/(u + half) counts each creative for at most one. The market itself is the first
    entity of the chain: its rate is dominated by the few creatives with most traffic, and its factor here moves that
    rate to the average creative's.
    """
    market_rate = market_rates(arrays, observed)
    shape = (len(arrays.stages), len(arrays.entities), len(observed))
    weight, weighted_ratio = observed.stack(arrays.history_columns).reshape(2, *shape)
    weight = np.where(arrays.uses_entity, weight, 0.0)
    expected, chain = np.ones_like(market_rate), []
    for at in arrays.chain.values():
        factor = _shrunk_factor(weight[:, at], weighted_ratio[:, at], expected, arrays.strengths[:, at])
        chain.append(np.log(factor))
        expected = expected * factor
    average = chain[0]
    log_entity_effects = np.log(_shrunk_factor(weight, weighted_ratio, np.exp(average)[:, None], arrays.strengths))
    weighted = arrays.weights * log_entity_effects
    # Copied to (S, N, E) with entities contiguous: the sum over them is then bit-identical for one row and for many.
    log_rate = sum(chain, np.log(market_rate)) + np.ascontiguousarray(weighted.transpose(0, 2, 1)).sum(axis=2)
    effects = np.concatenate([weighted, np.array(chain).swapaxes(0, 1)], axis=1)
    return EmpiricalBayesRates(arrays, market_rate, log_entity_effects, effects, log_rate)


def market_rates(arrays: PriorArrays, observed: ArrayFrame) -> Floats:
    """(S, N) rate of the market so far, shrunk to the training period's rate of the promotion type.

    A promotion type without training data takes the mean of the known ones; the caller warns about it.
    """
    rate = arrays.rates[:, observed.categories("promotion_type").map(arrays.promotion_types)]
    count, exposure, events = observed.stack(arrays.market_columns).reshape(3, *rate.shape)
    ratio, events = ratio_and_events(arrays.poisson, count, exposure, events, rate)
    return rate * shrink(ratio, events, MARKET_PRIOR_EVENTS * arrays.dispersion)


def _shrunk_factor(weight: Floats, weighted_ratio: Floats, expected: Floats, strength: Floats) -> Floats:
    """Shrunk mean ratio of an entity's creatives over an expected ratio; 1 where there are none."""
    ratio = np.divide(weighted_ratio, weight * expected, out=np.ones_like(weight), where=weight > 0)
    return shrink(ratio, weight, strength)


def own_evidence(
    arrays: PriorArrays, observed: ArrayFrame, rate: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Update the expected rate by a creative's own counts: a scalar Kalman filter (Kalman 1960) in two steps.

    Step 1 uses the life up to the last days. Between the steps the log rate drifts: its variance grows by the drift
    variance, times the share of step 1's information in the estimate (without earlier counts, `variance` holds all of
    the uncertainty already). Step 2 uses the last days. A step with variance v, u events and K = φ/v gives

        factor = (u · ratio + K)/(u + K),    new variance = φ/(u + K)

    which is the Kalman update of a ratio observed with variance φ/u. Transient variance is added to the observation
    variance by discounting the events (`discounted_events`).

    Args:
        arrays: Priors of S stages.
        observed: N rows.
        rate: (S, N), expected rate before own counts.
        variance: (S, N), variance of its logarithm.

    Returns:
        (S, N) each: factor on the rate, number of events counted (not discounted), posterior variance.
    """
    count, exposure, last_events = observed.stack(arrays.last_days_columns).reshape(3, *rate.shape)
    ratio, older_events, periods = before_last_days(arrays, observed, rate)
    events = discounted_events(older_events, arrays, periods)
    strength = arrays.dispersion / variance
    factor = shrink(ratio, events, strength)
    share_of_data = events / (events + strength)
    variance = arrays.dispersion / (events + strength) + arrays.drift_variance * share_of_data
    ratio, last_events = ratio_and_events(arrays.poisson, count, exposure, last_events, rate * factor)
    events = discounted_events(last_events, arrays, 1.0)
    factor = factor * shrink(ratio, events, arrays.dispersion / variance)
    return factor, older_events + last_events, arrays.dispersion / (events + arrays.dispersion / variance)


def before_last_days(arrays: PriorArrays, observed: ArrayFrame, rate: Floats) -> tuple[Floats, Floats, Floats]:
    """A creative's life up to its last days, against a rate of shape (S, N).

    Returns:
        Ratio (S, N), events (S, N), and the length of that life (N,) in periods of `RECENT_DAYS`, at least 1.
    """
    life = observed.stack(arrays.early_columns).reshape(3, *rate.shape)
    last_days = observed.stack(arrays.last_days_columns).reshape(3, *rate.shape)
    count, exposure, events = np.maximum(life - last_days, 0.0)
    ratio, events = ratio_and_events(arrays.poisson, count, exposure, events, rate)
    days = observed.floats("elapsed_hours") / 24.0
    return ratio, events, np.maximum(days / RECENT_DAYS - 1.0, 1.0)


def discounted_events(events: Floats, prior: StagePrior | PriorArrays, periods: Floats | float) -> Floats:
    """Events u' that are as informative without transient variance as u events are with it; elementwise.

    1/u' = 1/u + transient variance/(φ · periods): transient deviations average out over independent periods.
    """
    return events / (1.0 + events * prior.transient_variance / (prior.dispersion * periods))


def cross_stage_evidence(log_evidence: Floats, weights: Floats) -> Floats:
    """Combine the log evidence of own counts at all stages into one log factor per stage.

    Args:
        log_evidence: (S, N), log factor of the own counts at each stage.
        weights: (S, S), `PriorArrays.cross_stage_weights`.

    Returns:
        (S, N): weights @ log_evidence. It is summed stage by stage, because a matrix product rounds differently for
        one row than for many.

    >>> evidence = np.log([[2.0], [3.0]])  # clicks twice, orders three times what was expected
    >>> np.exp(cross_stage_evidence(evidence, np.array([[1.0, 0.0], [0.5, 1.0]]))).round(3).ravel().tolist()
    [2.0, 4.243]
    """
    combined = np.zeros_like(log_evidence)
    for place, evidence in enumerate(log_evidence):
        combined = combined + weights[:, place, None] * evidence
    return combined
