"""Where each stage's prediction starts: empirical Bayes from the market down to the creative's own counts.

This is the seam of the model: whatever stands here gives a log rate and how sure it is; the trees correct it.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.funnel import Plan, Stage
from features.history import CHAIN
from features.priors import MARKET_EVENTS, OWN, Floats, Priors, StagePrior, ratio_and_events, shrink, stage_figures


@dataclass(frozen=True)
class StageStart:
    """A stage's start for each snapshot.

    Attributes:
        market: Rate of the market (numerator per exposure).
        log_steps: By entity of the chain: log factor of its history over its parent; 0 where it has none.
        log_own: Log factor of the creative's own early counts.
        own_events: Events in these counts.
        variance: s² + what is left of it: how far the creative may still lie from this start, as a squared log factor.
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
    return {stage.name: _stage_start(stage, observed, priors[stage.name]) for stage in plan.stages}


def market_rate(stage: Stage, observed: pd.DataFrame, prior: StagePrior) -> Floats:
    """The market's recent rate, held by the training period's where recent events are few.

    A promotion type that training never saw has no rate: it takes the mean of those known, and the caller warns.
    """
    known = float(np.mean(list(prior.rate.values())))
    rate = observed["promotion_type"].map(prior.rate).fillna(known).to_numpy(np.float64)
    figures = stage_figures(stage, observed, "recent:market:")
    ratio, events = ratio_and_events(stage, *figures, rate)
    return rate * shrink(ratio, events, MARKET_EVENTS * prior.dispersion)


def _stage_start(stage: Stage, observed: pd.DataFrame, prior: StagePrior) -> StageStart:
    market = market_rate(stage, observed, prior)
    rate = market
    steps: dict[str, Floats] = {}
    for name in CHAIN:
        if f"hist:{name}:{stage.numerator}" in observed and name in prior.spread:
            figures = stage_figures(stage, observed, f"hist:{name}:")
            ratio, events = ratio_and_events(stage, *figures, rate)
            factor = shrink(ratio, events, prior.strength(name))
            steps[name] = np.log(factor)
            rate = rate * factor
    ratio, events = ratio_and_events(stage, *stage_figures(stage, observed, "early:"), rate)
    strength = prior.strength(OWN)
    return StageStart(
        market=market,
        log_steps=steps,
        log_own=np.log(shrink(ratio, events, strength)),
        own_events=events,
        variance=prior.dispersion / (events + strength),
    )
