"""Empirical-Bayes log rates: the market's rate, times what the history of everything that a creative shares says.

Array axes: S stages, N rows (snapshots), E entities. All variances are variances of a log rate.
"""

from dataclasses import dataclass

import numpy as np

from features.arrays import Floats
from features.funnel_model.effects import Effects
from features.funnel_model.empirical_bayes import PriorArrays, ratio_and_events, shrink
from features.funnel_model.expected_rates import ExpectedRates
from features.point_in_time.array_frame import ArrayFrame

MARKET_PRIOR_EVENTS = 20.0
"""Pseudo-events of the training period's market rate against the events of the market's recent rate."""


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
    def tables(self) -> dict[str, Floats]:
        """Its arrays by name."""
        return {name: getattr(self, name) for name in ("market_rate", "log_entity_effects", "effects", "log_rate")}

    @property
    def places(self) -> range:
        """Places of all entities."""
        return range(len(self.arrays.entities))

    @property
    def expected_rates(self) -> ExpectedRates:
        """The prediction of every stage; its variance is s², the same for every creative."""
        variance = np.array([[prior.creative_variance] for prior in self.arrays.priors])
        effects = [self.effects_on(place) for place in range(len(self.arrays.stages))]
        variances = np.repeat(variance, self.log_rate.shape[1], axis=1)
        return ExpectedRates(self.arrays.names, self.market_rate, effects, self.log_rate, variances)

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
    divisor = np.where(weight > 0, weight, 1.0)  # without creatives any number does: it counts nothing

    def factor(of: int | slice, expected: Floats) -> Floats:
        """Shrunk mean ratio of the creatives of entities over an expected ratio; 1 where there are none."""
        return shrink(weighted_ratio[:, of] / (divisor[:, of] * expected), weight[:, of], arrays.strengths[:, of])

    expected, factors = np.ones_like(market_rate), []
    for place in arrays.chain.values():
        factors.append(factor(place, expected))
        expected = expected * factors[-1]
    chain = np.log(factors)
    log_entity_effects = np.log(factor(slice(None), np.exp(chain[0])[:, None]))
    weighted = arrays.weights * log_entity_effects
    # Copied to (S, N, E) with entities contiguous: the sum over them is then bit-identical for one row and for many.
    log_rate = sum(chain, np.log(market_rate)) + np.ascontiguousarray(weighted.transpose(0, 2, 1)).sum(axis=2)
    effects = np.concatenate([weighted, chain.swapaxes(0, 1)], axis=1)
    return EmpiricalBayesRates(arrays, market_rate, log_entity_effects, effects, log_rate)


def market_rates(arrays: PriorArrays, observed: ArrayFrame) -> Floats:
    """(S, N) rate of the market so far, shrunk to the training period's rate of the promotion type.

    A promotion type without training data takes the mean of the known ones; the caller warns about it.
    """
    rate = arrays.rates[:, observed.categories("promotion_type").map(arrays.promotion_types)]
    count, exposure, events = observed.stack(arrays.market_columns).reshape(3, *rate.shape)
    ratio, events = ratio_and_events(arrays.poisson, count, exposure, events, rate)
    return rate * shrink(ratio, events, MARKET_PRIOR_EVENTS * arrays.dispersion)
