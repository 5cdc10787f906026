"""Where each stage's prediction starts: empirical Bayes from the market down to the creative's own counts.

This is the seam of the model: whatever stands here gives a log rate and how sure it is; the trees correct it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.funnel import Plan, Stage
from features.history import CHAIN, MARKET
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


@dataclass(frozen=True)
class StageStart:
    """A stage's start for each snapshot.

    Attributes:
        market: Rate of the market (numerator per exposure).
        log_steps: By entity: log factor of its history; 0 where it has none.
        log_own: Log factor of the creative's own early counts.
        own_events: Events in these counts.
        variance: How far the creative may still lie from this start, as a squared log factor: s², less what its own
            counts have told.
    """

    market: Floats
    log_steps: dict[str, Floats]
    log_own: Floats
    own_events: Floats
    variance: Floats

    @property
    def log_base(self) -> Floats:
        """Log rate expected of a creative of which nothing of its own has been counted."""
        return np.log(self.market) + sum(self.log_steps.values(), np.zeros_like(self.market))

    @property
    def log_rate(self) -> Floats:
        """Log rate expected after its own early counts."""
        return self.log_base + self.log_own


def start(observed: pd.DataFrame, plan: Plan, priors: Priors) -> dict[str, StageStart]:
    """The start of every stage of the plan, in the order of `observed`."""
    bases, own = {}, {}
    for stage in plan.stages:
        prior = priors[stage.name]
        bases[stage.name] = market, steps = market_and_steps(stage, observed, prior)
        own[stage.name] = own_evidence(stage, observed, prior, expected_rate(market, steps))
    said = {name: np.log(factor) for name, (factor, _, _) in own.items()}
    return {
        name: StageStart(
            market=market,
            log_steps=steps,
            log_own=heard_from(said, priors[name]),
            own_events=own[name][1],
            variance=own[name][2],
        )
        for name, (market, steps) in bases.items()
    }


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
    ratio = np.divide(summed, weight * expected, out=np.ones_like(weight), where=weight > 0)
    return shrink(ratio, weight, prior.strengths[name])


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
    for name, weight in prior.weights.items():
        steps[name] = weight * np.log(entity_factor(stage, observed, prior, name, typical))
    return market, steps


def own_evidence(
    stage: Stage, observed: pd.DataFrame, prior: StagePrior, rate: Floats
) -> tuple[Floats, Floats, Floats]:
    """What a creative's own counts say against an expected rate: a Kalman filter of two steps.

    First its life up to the last days, then those days; in between its rate may have drifted. What of any few days
    does not last counts as noise; over a longer life it averages out.

    Returns:
        Factor on the rate, events counted in all, and the variance left.
    """
    last = stage_figures(stage, observed, "last_days:")
    ratio, older_events, stretches = before_last_days(stage, observed, rate)
    heard = muffled(older_events, prior, stretches)
    factor = shrink(ratio, heard, prior.own_strength)
    known_before = heard / (heard + prior.own_strength)
    variance = prior.dispersion / (heard + prior.own_strength) + prior.drift * known_before
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
