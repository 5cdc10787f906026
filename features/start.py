"""Where each stage's prediction starts: what is expected of a creative, and what its own counts say to that.

What is expected comes from a mixed model (`features.mixed`) or from empirical Bayes, from the market down; folds choose
by stage. Either gives a log rate and how sure it is; the trees correct it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.funnel import Plan, Stage
from features.history import CHAIN, MARKET
from features.mixed import Expectation, Mixed, expectations
from features.observe import RECENT_DAYS
from features.priors import (
    MARKET_EVENTS,
    Floats,
    Priors,
    StagePrior,
    ratio_and_events,
    safe_rate,
    shrink,
    stage_figures,
)

Kind = Literal["empirical Bayes", "mixed"]
EMPIRICAL_BAYES: Kind = "empirical Bayes"
MIXED: Kind = "mixed"


@dataclass(frozen=True)
class StageStart:
    """A stage's start for each snapshot.

    Attributes:
        market: Rate of the market (numerator per exposure).
        typical: Log factor of the market's typical creative of late.
        log_history: Log rate that empirical Bayes expects, whatever the start is.
        level: Rate on which the steps are factors.
        log_steps: By entity (of the mixed model: by term): log factor; 0 where nothing is known.
        log_base: Log rate expected of a creative of which nothing of its own has been counted: of the level, and all
            steps.
        log_own: Log factor of the creative's own early counts.
        own_events: Events in these counts.
        variance: How far the creative may still lie from this start, as a squared log factor, after what its own
            counts have told.
    """

    market: Floats
    typical: Floats
    log_history: Floats
    level: Floats
    log_steps: dict[str, Floats]
    log_base: Floats
    log_own: Floats
    own_events: Floats
    variance: Floats

    @property
    def log_rate(self) -> Floats:
        """Log rate expected after its own early counts."""
        return self.log_base + self.log_own


def start(
    observed: pd.DataFrame,
    plan: Plan,
    priors: Priors,
    states: Sequence[Mixed] = (),
    kinds: Mapping[str, Kind] | None = None,
) -> dict[str, StageStart]:
    """The start of every stage of the plan, in the order of `observed`.

    Args:
        observed: Rows of `features.observe`.
        plan: The funnel.
        priors: Of every stage, fitted on the same kind of start.
        states: Of the mixed model, in the order of their origins.
        kinds: What each stage starts from; empirical Bayes where it is not named.
    """
    kinds = kinds or {}
    mixed = expectations(states, observed, [stage for stage in plan.stages if kinds.get(stage.name) == MIXED])
    by_history = {stage.name: market_and_steps(stage, observed, priors[stage.name]) for stage in plan.stages}
    expected, own = {}, {}
    for stage in plan.stages:
        prior = priors[stage.name]
        expected[stage.name] = mixed.get(stage.name) or historic(*by_history[stage.name], prior)
        own[stage.name] = own_evidence(stage, observed, prior, expected[stage.name])
    said = {name: np.log(factor) for name, (factor, _, _) in own.items()}
    return {
        name: StageStart(
            market=market,
            typical=steps[MARKET.name],
            log_history=np.log(expected_rate(market, steps)),
            level=expected[name].level,
            log_steps=expected[name].log_steps,
            log_base=expected[name].log_rate,
            log_own=heard_from(said, priors[name]),
            own_events=own[name][1],
            variance=own[name][2],
        )
        for name, (market, steps) in by_history.items()
    }


def historic(market: Floats, steps: dict[str, Floats], prior: StagePrior) -> Expectation:
    """What empirical Bayes expects; of every creative equally sure."""
    log_rate = np.log(market) + sum(steps.values(), np.zeros_like(market))
    return Expectation(market, steps, log_rate, np.full_like(market, prior.own))


def expected_rate(market: Floats, steps: Mapping[str, Floats]) -> Floats:
    """Rate expected of a creative of which nothing of its own has been counted."""
    return market * np.exp(sum(steps.values(), np.zeros_like(market)))


def heard_from(said: Mapping[str, Floats], prior: StagePrior) -> Floats:
    """What the log factors of own counts at all stages say of one stage."""
    return sum((trust * said[name] for name, trust in prior.trust.items()), np.zeros_like(next(iter(said.values()))))


def market_rate(stage: Stage, observed: pd.DataFrame, prior: StagePrior) -> Floats:
    """The market's rate so far, held by the training period's where its events are few.

    A promotion type that training never saw has no rate: it takes the mean of those known, and the caller warns.
    """
    known = float(np.mean(list(prior.rate.values()) or [safe_rate(0.0, 0.0)]))
    rate = observed["promotion_type"].map(prior.rate).fillna(known).to_numpy(np.float64)
    ratio, events = ratio_and_events(stage, *stage_figures(stage, observed, f"market:{stage.name}:"), rate)
    return rate * shrink(ratio, events, MARKET_EVENTS * prior.dispersion)


def entity_factor(
    stage: Stage, observed: pd.DataFrame, prior: StagePrior, name: str, expected: Floats | float = 1.0
) -> Floats:
    """What the creatives of an entity did against an expected ratio to their market, shrunk; 1 where none spoke."""
    weight = observed[f"hist:{name}:{stage.name}:weight"].to_numpy(np.float64)
    summed = observed[f"hist:{name}:{stage.name}:ratio"].to_numpy(np.float64)
    return _factor(weight, summed, expected, prior.strengths[name])


def entity_factors(
    stage: Stage, observed: pd.DataFrame, prior: StagePrior, names: Sequence[str], expected: Floats | float = 1.0
) -> Floats:
    """The same of several entities: one line each."""
    weight, summed = (np.empty((len(names), len(observed))) for _ in range(2))
    for table, part in ((weight, "weight"), (summed, "ratio")):
        for line, name in zip(table, names):
            line[:] = observed[f"hist:{name}:{stage.name}:{part}"].to_numpy(np.float64)
    return _factor(weight, summed, expected, np.array([prior.strengths[name] for name in names])[:, None])


def _factor(weight: Floats, summed: Floats, expected: Floats | float, strength: Floats | float) -> Floats:
    ratio = np.divide(summed, weight * expected, out=np.ones_like(weight), where=weight > 0)
    return shrink(ratio, weight, strength)


def market_and_steps(stage: Stage, observed: pd.DataFrame, prior: StagePrior) -> tuple[Floats, dict[str, Floats]]:
    """Rate of the market and the log factor of each entity: down the chain, then the weighted ones off it.

    The chain starts with the market once more: its rate is that of its hits, its typical creative of late lies
    elsewhere.
    """
    market = market_rate(stage, observed, prior)
    expected = np.ones_like(market)
    steps: dict[str, Floats] = {}
    for name in (MARKET.name, *CHAIN):
        if name in prior.strengths:
            factor = entity_factor(stage, observed, prior, name, expected)
            steps[name] = np.log(factor)
            expected = expected * factor
    typical = np.exp(steps[MARKET.name])
    factors = entity_factors(stage, observed, prior, list(prior.weights), typical)
    steps |= {name: weight * log for (name, weight), log in zip(prior.weights.items(), np.log(factors))}
    return market, steps


def own_evidence(
    stage: Stage, observed: pd.DataFrame, prior: StagePrior, expected: Expectation
) -> tuple[Floats, Floats, Floats]:
    """What a creative's own counts say against what is expected: a Kalman filter of two steps.

    First its life up to the last days, then those days; in between its rate may have drifted. What of any few days
    does not last counts as noise; over a longer life it averages out.

    Returns:
        Factor on the rate, events counted in all, and the variance left.
    """
    rate = np.exp(expected.log_rate)
    last = stage_figures(stage, observed, "last_days:")
    ratio, older_events, stretches = before_last_days(stage, observed, rate)
    heard = muffled(older_events, prior, stretches)
    strength = prior.dispersion / expected.variance
    factor = shrink(ratio, heard, strength)
    known_before = heard / (heard + strength)
    variance = prior.dispersion / (heard + strength) + prior.drift * known_before
    ratio, last_events = ratio_and_events(stage, *last, rate * factor)
    heard = muffled(last_events, prior, np.ones_like(last_events))
    factor = factor * shrink(ratio, heard, prior.dispersion / variance)
    return factor, older_events + last_events, prior.dispersion / (heard + prior.dispersion / variance)


def before_last_days(stage: Stage, observed: pd.DataFrame, rate: Floats) -> tuple[Floats, Floats, Floats]:
    """A life up to its last days: ratio to a rate, events, and how many stretches of as many days it has."""
    life = stage_figures(stage, observed, "early:")
    last = stage_figures(stage, observed, "last_days:")
    older = [np.maximum(whole - part, 0.0) for whole, part in zip(life, last)]
    ratio, events = ratio_and_events(stage, older[0], older[1], older[2], rate)
    days = observed["elapsed_hours"].to_numpy(np.float64) / 24.0
    return ratio, events, np.maximum(days / RECENT_DAYS - 1.0, 1.0)


def muffled(events: Floats, prior: StagePrior, stretches: Floats) -> Floats:
    """Events that would be as sure without flutter: 1/u' = 1/u + flutter/(φ · stretches)."""
    return events / (1.0 + events * prior.flutter / (prior.dispersion * stretches))
