"""Where each stage's prediction starts: what is expected of a creative, and what its own counts say to that.

What is expected comes from a mixed model (`features.funnel_model.model`) or from empirical Bayes, from the market
down; folds choose
by stage. Either gives a log rate and how sure it is; the trees correct it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from features.funnel import Funnel
from features.funnel_model.empirical_bayes import MARKET_EVENTS, Floats, Priors, StagePrior, ratios, shrink
from features.funnel_model.model import Expectation, FunnelModel, expectations
from features.funnel_model.stage_arrays import Stacked, stack
from features.point_in_time.array_frame import distinct, lines
from features.point_in_time.counts import RECENT_DAYS
from features.point_in_time.entity_history import CHAIN, MARKET

PriorKind = Literal["empirical Bayes", "funnel model"]
EMPIRICAL_BAYES: PriorKind = "empirical Bayes"
FUNNEL_MODEL: PriorKind = "funnel model"
FEW = 1024
"""Rows up to which all stages are told at once."""


@dataclass(frozen=True)
class StagePosterior:
    """A stage's start for each snapshot.

    Attributes:
        market: Rate of the market (numerator per exposure).
        typical: Log factor of the market's typical creative of late.
        log_empirical_bayes: Log rate that empirical Bayes expects, whatever the start is.
        log_entity_effects: By entity: log factor of its history on the typical creative's rate, whatever the start is.
        level: Rate on which the steps are factors.
        log_effects: By entity (of the mixed model: by term): log factor; 0 where nothing is known.
        log_prior: Log rate expected of a creative of which nothing of its own has been counted: of the level, and all
            steps.
        log_own_evidence: Log factor of the creative's own early counts.
        own_events: Events in these counts.
        variance: How far the creative may still lie from this start, as a squared log factor, after what its own
            counts have told.
    """

    market: Floats
    typical: Floats
    log_empirical_bayes: Floats
    log_entity_effects: dict[str, Floats]
    level: Floats
    log_effects: dict[str, Floats]
    log_prior: Floats
    log_own_evidence: Floats
    own_events: Floats
    variance: Floats

    @property
    def log_rate(self) -> Floats:
        """Log rate expected after its own early counts."""
        return self.log_prior + self.log_own_evidence


def posteriors_of(
    observed: pd.DataFrame,
    funnel: Funnel,
    priors: Priors,
    states: Sequence[FunnelModel] = (),
    prior_kinds: Mapping[str, PriorKind] | None = None,
    stacked: Stacked | None = None,
) -> dict[str, StagePosterior]:
    """The start of every stage of the funnel, in the order of `observed`.

    Args:
        observed: Rows of `features.point_in_time.counts`.
        funnel: The funnel.
        priors: Of every stage, fitted on the same kind of start.
        states: Of the mixed model, in the order of their origins.
        prior_kinds: What each stage starts from; empirical Bayes where it is not named.
        stacked: The priors side by side, where the caller has them.
    """
    prior_kinds = prior_kinds or {}
    mixed = expectations(
        states, observed, [stage for stage in funnel.stages if prior_kinds.get(stage.name) == FUNNEL_MODEL]
    )
    together = stacked or stack(funnel.stages, priors)
    # Of few rows all stages at once; of many one after the other, which takes less memory and gives the same.
    parts = [together] if len(observed) <= FEW else [stack([stage], priors) for stage in funnel.stages]
    begun = [_begin(part, observed, mixed) for part in parts]
    heard = heard_from(np.concatenate([part.said for part in begun]), together.trust)
    return {
        stage.name: StagePosterior(
            market=part.history.market[line],
            typical=part.history.typical[line],
            log_empirical_bayes=part.history.log_rate[line],
            log_entity_effects=dict(zip(part.history.stacked.entities, part.history.log_entity_effects[line])),
            level=part.expected[line].level,
            log_effects=part.expected[line].log_effects,
            log_prior=part.expected[line].log_rate,
            log_own_evidence=heard[place],
            own_events=part.events[line],
            variance=part.variance[line],
        )
        for place, (stage, part, line) in enumerate(
            (stage, part, line) for part in begun for line, stage in enumerate(part.history.stacked.stages)
        )
    }


@dataclass(frozen=True)
class _Begun:
    """Some stages, a line each: history, what is expected, what own counts say of the stage itself, how sure it is."""

    history: "History"
    expected: list[Expectation]
    said: Floats
    events: Floats
    variance: Floats


def _begin(stacked: Stacked, observed: pd.DataFrame, mixed: Mapping[str, Expectation]) -> _Begun:
    history = histories(stacked, observed)
    expected = [mixed.get(stage.name) or historic(history, line) for line, stage in enumerate(stacked.stages)]
    log_rate, variance = (np.array([getattr(one, name) for one in expected]) for name in ("log_rate", "variance"))
    factor, events, left = own_evidence(stacked, observed, np.exp(log_rate), variance)
    return _Begun(history, expected, np.log(factor), events, left)


@dataclass(frozen=True)
class History:
    """What the market and those that share something with a creative did, a line a stage.

    Attributes:
        stacked: The stages.
        market: Rate of the market.
        typical: Log factor of the market's typical creative of late.
        chain: By entity, from what all share down to what few share: log factor on what is above it.
        log_entity_effects: By stage and entity: log factor on the typical creative's rate.
        log_rate: Log rate that empirical Bayes expects.
    """

    stacked: Stacked
    market: Floats
    typical: Floats
    chain: Mapping[str, Floats]
    log_entity_effects: Floats
    log_rate: Floats

    def steps(self, line: int) -> dict[str, Floats]:
        """Log factors of one stage: down the chain, then the weighted ones off it."""
        prior, places = self.stacked.priors[line], self.stacked.entities
        steps = {name: step[line] for name, step in self.chain.items() if name in prior.strengths}
        factors = self.log_entity_effects[line]
        return steps | {name: weight * factors[places.index(name)] for name, weight in prior.weights.items()}


def histories(stacked: Stacked, observed: pd.DataFrame) -> History:
    """Down the chain, then off it.

    The chain starts with the market once more: its rate is that of its hits, its typical creative of late lies
    elsewhere.
    """
    market = market_rate(stacked, observed)
    shape = (len(stacked.stages), len(stacked.entities), len(observed))
    weight, summed = lines(observed, stacked.histories).reshape(2, *shape)
    weight = np.where(stacked.held, weight, 0.0)
    places = {name: place for place, name in enumerate(stacked.entities)}
    expected, chain = np.ones_like(market), {}
    for name in (MARKET.name, *CHAIN):
        if name in places:
            at = places[name]
            factor = _factor(weight[:, at], summed[:, at], expected, stacked.strengths[:, at])
            chain[name] = np.log(factor)
            expected = expected * factor
    typical = chain[MARKET.name]
    log_entity_effects = np.log(_factor(weight, summed, np.exp(typical)[:, None], stacked.strengths))
    # A row's entities beside each other: their sum is the same for one row as for many.
    weighted = np.ascontiguousarray((stacked.weights * log_entity_effects).transpose(0, 2, 1)).sum(axis=2)
    log_rate = sum(chain.values(), np.log(market)) + weighted
    return History(stacked, market, typical, chain, log_entity_effects, log_rate)


def historic(history: History, line: int) -> Expectation:
    """What empirical Bayes expects at one stage; of every creative equally sure."""
    own = np.full_like(history.market[line], history.stacked.priors[line].own)
    return Expectation(history.market[line], history.steps(line), history.log_rate[line], own)


def heard_from(said: Floats, trust: Floats) -> Floats:
    """What the log factors of own counts at all stages (a line each) say of each stage.

    Args:
        said: Log factors.
        trust: By stage, how much of each stage's log factor is believed there (`StagePrior.trust`).
    """
    heard = np.zeros_like(said)
    for place, line in enumerate(said):
        heard = heard + trust[:, place, None] * line
    return heard


def market_rate(stacked: Stacked, observed: pd.DataFrame) -> Floats:
    """The market's rate so far, held by the training period's where its events are few.

    A promotion type that training never saw has no rate: it takes the mean of those known, and the caller warns.
    """
    codes, held = distinct(observed["promotion_type"])
    rate = stacked.rates[:, np.array([*(stacked.kinds.get(kind, -1) for kind in held), -1])[codes]]
    told = lines(observed, stacked.figures("market:", by_stage=True)).reshape(3, *rate.shape)
    ratio, events = ratios(stacked.poisson, rate, *told)
    return rate * shrink(ratio, events, MARKET_EVENTS * stacked.dispersion)


def _factor(weight: Floats, summed: Floats, expected: Floats, strength: Floats) -> Floats:
    """What creatives did against an expected ratio to their market, shrunk; 1 where none spoke."""
    ratio = np.divide(summed, weight * expected, out=np.ones_like(weight), where=weight > 0)
    return shrink(ratio, weight, strength)


def own_evidence(
    stacked: Stacked, observed: pd.DataFrame, rate: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """What a creative's own counts say against what is expected: a Kalman filter of two steps.

    First its life up to the last days, then those days; in between its rate may have drifted. What of any few days
    does not last counts as noise; over a longer life it averages out.

    Args:
        stacked: The stages, a line each.
        observed: The rows.
        rate: That is expected.
        variance: How far the creative may lie from that.

    Returns:
        Factor on the rate, events counted in all, and the variance left.
    """
    last = lines(observed, stacked.figures("last_days:")).reshape(3, *rate.shape)
    ratio, older_events, stretches = before_last_days(stacked, observed, rate)
    heard = muffled(older_events, stacked, stretches)
    strength = stacked.dispersion / variance
    factor = shrink(ratio, heard, strength)
    known_before = heard / (heard + strength)
    variance = stacked.dispersion / (heard + strength) + stacked.drift * known_before
    ratio, last_events = ratios(stacked.poisson, rate * factor, *last)
    heard = muffled(last_events, stacked, 1.0)
    factor = factor * shrink(ratio, heard, stacked.dispersion / variance)
    return factor, older_events + last_events, stacked.dispersion / (heard + stacked.dispersion / variance)


def before_last_days(stacked: Stacked, observed: pd.DataFrame, rate: Floats) -> tuple[Floats, Floats, Floats]:
    """A life up to its last days: ratio to a rate, events, and how many stretches of as many days it has."""
    life, last = (lines(observed, stacked.figures(part)).reshape(3, *rate.shape) for part in ("early:", "last_days:"))
    ratio, events = ratios(stacked.poisson, rate, *np.maximum(life - last, 0.0))
    days = observed["elapsed_hours"].to_numpy(np.float64) / 24.0
    return ratio, events, np.maximum(days / RECENT_DAYS - 1.0, 1.0)


def muffled(events: Floats, prior: StagePrior | Stacked, stretches: Floats | float) -> Floats:
    """Events that would be as sure without flutter: 1/u' = 1/u + flutter/(φ · stretches)."""
    return events / (1.0 + events * prior.flutter / (prior.dispersion * stretches))
