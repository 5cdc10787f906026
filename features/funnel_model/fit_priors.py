"""What the training period teaches the start: group strengths, how much each entity counts, own luck and drift."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from features.funnel import Funnel, Stage
from features.funnel_model.empirical_bayes import (
    LEAST_SPREAD,
    MOST_SPREAD,
    Floats,
    StagePrior,
    moments,
    ratio_and_events,
    safe_rate,
    shrink,
    stage_figures,
)
from features.funnel_model.model import Expectation, FunnelModel, expectations
from features.funnel_model.posterior import (
    FUNNEL_MODEL,
    PriorKind,
    before_last_days,
    historic,
    histories,
    muffled,
    own_evidence,
)
from features.funnel_model.stage_arrays import stack
from features.point_in_time.counts import RECENT_DAYS
from features.point_in_time.entity_history import CHAIN, MARKET, Entity, entity_codes, ratio_and_weight
from features.point_in_time.windowed_sums import Codes
from features.schema import KEY

RIDGE = 0.1
"""Of the weights below: what tags say overlaps, and overlapping weights fit noise."""
MARKET_CREATIVES = 5.0
"""Creatives (by weight) at which the market's typical creative is told from its hits: two markets have no spread."""
LEAST_ROWS = 50
"""Training outcomes under which entities off the chain are given no weight."""


def fit_priors(
    totals: pd.DataFrame,
    lives: pd.DataFrame,
    creatives: pd.DataFrame,
    funnel: Funnel,
    found: Sequence[Entity],
    states: Sequence[FunnelModel] = (),
    prior_kinds: Mapping[str, PriorKind] | None = None,
) -> dict[str, StagePrior]:
    """Priors of every stage.

    Args:
        totals: Figures of each creative when the training period ended, in the order of `creatives`.
        lives: Training snapshots: counts at the cutoff (`features.point_in_time.counts`) and `later:f`, what came
        after.
        creatives: Checked creatives.
        funnel: The funnel.
        found: Entities whose history is used.
        states: Of the mixed model, one before each of the training snapshots.
        prior_kinds: What each stage starts from; empirical Bayes where it is not named.
    """
    groups = {entity.name: entity_codes(creatives, entity) for entity in found}
    types = creatives["promotion_type"]
    priors = {stage.name: _fit_stage(stage, totals, lives, types, groups) for stage in funnel.stages}
    of_mixed = [stage for stage in funnel.stages if (prior_kinds or {}).get(stage.name) == FUNNEL_MODEL]
    expected = expectations(states, lives, of_mixed)
    for stage in of_mixed:
        priors[stage.name] = _fit_drift(stage, lives, priors[stage.name], expected[stage.name])
    own: dict[str, tuple[Floats, Floats]] = {}
    for stage in funnel.stages:
        prior = priors[stage.name]
        alone = stack([stage], {stage.name: prior})
        whole = expected.get(stage.name) or historic(histories(alone, lives), 0)
        rate = np.exp(whole.log_rate)
        factor, _, _ = own_evidence(alone, lives, rate[None], whole.variance[None])
        own[stage.name] = rate, np.log(factor[0])
    said = {name: log_factor for name, (_, log_factor) in own.items()}
    return {
        stage.name: replace(
            priors[stage.name], trust=_fit_trust(stage, lives, priors[stage.name], own[stage.name][0], said)
        )
        for stage in funnel.stages
    }


def _fit_stage(
    stage: Stage, totals: pd.DataFrame, lives: pd.DataFrame, promotion_types: pd.Series, groups: dict[str, Codes]
) -> StagePrior:
    count, exposure, events = stage_figures(stage, totals)
    usable = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0)
    count, exposure, events = (np.where(usable, part, 0.0) for part in (count, exposure, events))
    exposed = [
        str(kind) for kind in promotion_types.unique() if exposure[(promotion_types == kind).to_numpy()].sum() > 0
    ]
    rate = {
        kind: safe_rate(count[rows].sum(), exposure[rows].sum())
        for kind, rows in ((kind, (promotion_types == kind).to_numpy()) for kind in exposed)
    }
    market = promotion_types.map(rate).fillna(safe_rate(count.sum(), exposure.sum())).to_numpy(np.float64)
    dispersion = _fit_dispersion(stage, lives)
    ratio, sure = ratio_and_events(stage, count, exposure, events, market)
    dispersion, own = moments(stage, ratio, sure, dispersion)
    prior = StagePrior(
        rate=rate,
        dispersion=dispersion,
        own=own,
        drift=LEAST_SPREAD,
        flutter=LEAST_SPREAD,
        strengths=_fit_strengths(*ratio_and_weight(stage, count, exposure, events, market), groups),
        weights={},
        trust={stage.name: 1.0},
    )
    prior = replace(prior, weights=_fit_weights(stage, lives, prior))
    history = histories(stack([stage], {stage.name: prior}), lives)
    expected = np.exp(history.log_rate[0])
    prior = replace(prior, own=_fit_own(stage, lives, prior, expected))
    alone = stack([stage], {stage.name: prior})
    prior = _fit_drift(stage, lives, prior, historic(replace(history, stacked=alone), 0))
    return replace(prior, own=_fit_own(stage, lives, prior, expected))


def _fit_trust(
    stage: Stage, lives: pd.DataFrame, prior: StagePrior, expected: Floats, said: dict[str, Floats]
) -> dict[str, float]:
    """Ridge Poisson regression of later rates on what own counts at every stage said, held to each for itself."""
    ratio, events = ratio_and_events(stage, *stage_figures(stage, lives, "later:"), expected * np.exp(said[stage.name]))
    known = events > 0
    beyond = _ridge_weights(prior, known, np.column_stack(list(said.values())), ratio, events)
    return {
        name: float(slope) + (name == stage.name) for name, slope in zip(said, beyond) if slope or name == stage.name
    }


def _fit_own(stage: Stage, lives: pd.DataFrame, prior: StagePrior, expected: Floats) -> float:
    """s² of creatives around what is expected of them, from each one's last training snapshot."""
    last = ~lives.duplicated(KEY, keep="last").to_numpy()
    ratio, events = ratio_and_events(stage, *stage_figures(stage, lives, "early:"), expected)
    stretches = np.maximum(lives["elapsed_hours"].to_numpy(np.float64) / 24.0 / RECENT_DAYS, 1.0)
    return moments(None, ratio[last], muffled(events, prior, stretches)[last], prior.dispersion)[1]


def _fit_strengths(ratio: Floats, weight: Floats, groups: dict[str, Codes]) -> dict[str, float]:
    """K of every entity: variance of one creative over variance between groups, around the parent or the market.

    A group's ratio has variance φ/W + s² around its parent's, W being the creatives in it by weight and φ the variance
    of one: both as in `features.funnel_model.empirical_bayes`, with creatives in the place of events.
    """

    def level(codes: Codes, parent: Floats, strength: float | None = None) -> tuple[float, Floats]:
        member = codes >= 0
        size = int(codes.max(initial=-1)) + 1
        total, summed, expected = (
            np.bincount(codes[member], part[member], size).astype(np.float64)
            for part in (weight, weight * ratio, weight * parent)
        )
        told = total > 0
        mean = np.divide(summed, expected, out=np.ones(size), where=told & (expected > 0))
        if strength is None:
            strength = luck / moments(None, mean, total, luck)[1]
        return strength, np.where(member, shrink(mean, total, strength)[codes], 1.0) if size else np.ones_like(ratio)

    # A weighted mean of w-weighted ratios has variance Σw²v/W²: told as φ/W, the variance of one creative by weight.
    total_weight = max(float(weight.sum()), LEAST_SPREAD)
    centre = float((weight * ratio).sum()) / total_weight
    luck = max(float((weight**2 * (ratio - centre) ** 2).sum()) / total_weight, LEAST_SPREAD)
    strengths = {MARKET.name: MARKET_CREATIVES}
    typical = parent = level(groups[MARKET.name], np.ones_like(ratio), MARKET_CREATIVES)[1]
    for name in CHAIN:
        if name in groups:
            strengths[name], factor = level(groups[name], parent)
            parent = parent * factor
    for name, codes in groups.items():
        if name not in strengths:
            strengths[name], _ = level(codes, typical)
    return strengths


def _fit_weights(stage: Stage, lives: pd.DataFrame, prior: StagePrior) -> dict[str, float]:
    """Ridge Poisson regression of later rates on the log factors of the entities off the chain."""
    names = [name for name in prior.strengths if name not in (*CHAIN, MARKET.name)]
    if not names:
        return {}
    history = histories(stack([stage], {stage.name: prior}), lives)
    rate = np.exp(history.log_rate[0])
    ratio, events = ratio_and_events(stage, *stage_figures(stage, lives, "later:"), rate)
    known = events > 0
    factors = np.column_stack([history.log_entity_effects[0, history.stacked.entities.index(name)] for name in names])
    weights = _ridge_weights(prior, known, factors, ratio, events)
    return {name: float(weight) for name, weight in zip(names, weights) if abs(weight) > 1e-6}


def _ridge_weights(
    prior: StagePrior, known: npt.NDArray[np.bool_], columns: Floats, ratio: Floats, events: Floats
) -> Floats:
    """Weights of log factors in a log-linear model of the ratio; zeros where too little is known."""
    if known.sum() < LEAST_ROWS:
        return np.zeros(columns.shape[1])
    worth = 1.0 / (prior.dispersion / events[known] + prior.own)
    model = PoissonRegressor(alpha=RIDGE, fit_intercept=False, max_iter=500)
    model.fit(columns[known], ratio[known], sample_weight=worth / worth.mean())
    return np.asarray(model.coef_)


def _fit_dispersion(stage: Stage, lives: pd.DataFrame) -> float | None:
    """φ from how the same creative's last days and later days differ; None where too few have both.

    Creatives differ from each other for good, so only a creative's difference from itself shows the luck of the draw.
    """
    if stage.events == "expected":
        return 1.0
    last, later = stage_figures(stage, lives, "last_days:"), stage_figures(stage, lives, "later:")
    both = (last[1] > 0) & (later[1] > 0) & (last[0] + later[0] > 0) & (last[2] > 0) & (later[2] > 0)
    if both.sum() < LEAST_ROWS:
        return None
    (seen, exposed, sure), (came, open_to, sure_later) = ([part[both] for part in parts] for parts in (last, later))
    pooled = (seen + came) / (exposed + open_to)
    apart = seen / exposed / pooled - came / open_to / pooled
    return moments(stage, 1.0 + apart, 1.0 / (1.0 / sure + 1.0 / sure_later), None)[0]


def _fit_drift(stage: Stage, lives: pd.DataFrame, prior: StagePrior, expected: Expectation) -> StagePrior:
    """The prior with how much a creative's last days leave its life before them: for good, and for the moment.

    What lasts is the covariance of the last days' and the later days' deviation from the life before them (luck of the
    draw is independent in the two); the rest of the last days' variance, beyond luck, flutters.
    """
    rate = np.exp(expected.log_rate)
    last = stage_figures(stage, lives, "last_days:")
    ratio, older_events, _ = (
        told[0] for told in before_last_days(stack([stage], {stage.name: prior}), lives, rate[None])
    )
    strength = prior.dispersion / expected.variance
    factor = shrink(ratio, older_events, strength)
    variance = prior.dispersion / (older_events + strength)
    level = rate * factor
    recent, recent_events = ratio_and_events(stage, *last, level)
    later, later_events = ratio_and_events(stage, *stage_figures(stage, lives, "later:"), level)
    known = (older_events > 0) & (recent_events > 0) & (later_events > 0)
    if known.sum() < LEAST_ROWS:
        return prior
    luck = prior.dispersion / recent_events[known] + variance[known]
    weight = 1.0 / (luck + prior.dispersion / later_events[known] + prior.own)
    deviation = recent[known] - 1.0
    lasting = float(np.average(deviation * (later[known] - 1.0) - variance[known], weights=weight))
    whole = float(np.average(deviation**2 - luck, weights=weight))
    lasting = float(np.clip(lasting, LEAST_SPREAD, MOST_SPREAD))
    return replace(prior, drift=lasting, flutter=float(np.clip(whole - lasting, LEAST_SPREAD, MOST_SPREAD)))
