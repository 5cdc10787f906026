"""Fit the empirical-Bayes priors of every stage on the training period.

Per stage: market rates, dispersion and variances by the method of moments; strengths of entity histories; weights of
entities outside the nested chain and weights of cross-stage evidence by ridge Poisson regression on later outcomes.

Array axes: N rows (creatives or training snapshots), S stages, C columns of a regression.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from sklearn.linear_model import PoissonRegressor

from features.arrays import Codes, Floats
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import (
    MAX_VARIANCE,
    MIN_VARIANCE,
    StagePrior,
    estimate_variances,
    ratio_and_events,
    safe_rate,
    shrink,
    stack_priors,
    stage_counts,
)
from features.funnel_model.expected_rates import ExpectedRate
from features.funnel_model.history_rates import empirical_bayes_rates
from features.funnel_model.model import FunnelModel, predict_as_of
from features.funnel_model.posterior import (
    before_last_days,
    cross_stage_evidence,
    discounted_events,
    own_evidence,
)
from features.point_in_time.array_frame import ArrayFrame, Categories
from features.point_in_time.counts import RECENT_DAYS
from features.point_in_time.entity_history import CHAIN, MARKET, Entity, entity_codes, ratio_and_weight
from features.schema import KEY
from features.stages import Stage

PRIOR_WEIGHTS_RIDGE = 0.1
"""L2 penalty of both weight regressions: histories of tags overlap, and overlapping weights fit noise."""
MARKET_STRENGTH = 5.0
"""Strength of the market's own history, in creatives: with one or two markets its variance cannot be estimated."""
MIN_SNAPSHOTS = 50
"""Training snapshots with an outcome below which weights, drift and φ are not estimated."""


def fit_priors(
    totals: pd.DataFrame,
    snapshots: ArrayFrame,
    creatives: ArrayFrame,
    funnel: Funnel,
    found: Sequence[Entity],
    models: Sequence[FunnelModel] = (),
) -> dict[str, StagePrior]:
    """Fit the prior of every stage.

    Args:
        totals: One row per creative, in the order of `creatives`: its counts when the training period ended.
        snapshots: Training snapshots: counts at the cutoff (`features.point_in_time.counts`) and `later:<column>`,
            the outcomes.
        creatives: Checked creatives.
        funnel: The funnel.
        found: Entities whose history is used.
        models: Funnel models by rising origin, one before each of the training snapshots; without any, empirical Bayes
            gives the prior mean.

    Returns:
        Stage name → prior. Drift, cross-stage weights and level are estimated around the prior mean in use.
    """
    groups = {entity.name: entity_codes(creatives, entity) for entity in found}
    types = creatives.categories("promotion_type")
    priors = {stage.name: _fit_stage(stage, totals, snapshots, types, groups) for stage in funnel.stages}
    expected: Mapping[str, ExpectedRate] = predict_as_of(models, snapshots, funnel.stages) if models else {}
    for stage in funnel.stages if models else ():
        priors[stage.name] = _fit_drift(stage, snapshots, priors[stage.name], expected[stage.name])
    rates: dict[str, Floats] = {}
    log_evidence: dict[str, Floats] = {}
    for stage in funnel.stages:
        arrays = stack_priors([stage], {stage.name: priors[stage.name]})
        prior_rate = expected.get(stage.name) or empirical_bayes_rates(arrays, snapshots).expected_rates[stage.name]
        rates[stage.name] = np.exp(prior_rate.log_rate)
        factor, _, _ = own_evidence(arrays, snapshots, rates[stage.name][None], prior_rate.variance[None])
        log_evidence[stage.name] = np.log(factor[0])
    with_weights = {
        stage.name: replace(
            priors[stage.name],
            cross_stage_weights=_fit_cross_stage_weights(
                stage, snapshots, priors[stage.name], rates[stage.name], log_evidence
            ),
        )
        for stage in funnel.stages
    }
    weights = stack_priors(funnel.stages, with_weights).cross_stage_weights
    evidence = cross_stage_evidence(np.array([log_evidence[stage.name] for stage in funnel.stages]), weights)
    for stage, own in zip(funnel.stages, evidence):
        if stage.level_by_exposure:
            level = _fit_level(stage, snapshots, rates[stage.name] * np.exp(own))
            with_weights[stage.name] = replace(with_weights[stage.name], log_level=level)
    return with_weights


def _fit_level(stage: Stage, snapshots: ArrayFrame, rate: Floats) -> float:
    """Log of the total that came after the training snapshots over the total expected at `rate` (N,).

    Every other estimate weighs creatives by effective sample size, so that the many creatives with little traffic set
    the level. Of a stage whose rate rises with traffic that is too low a level for totals: what sells is shown more, in
    larger traffic pools and boosted by hand, where an impression costs more. Totals weigh by exposure.
    """
    count, exposure, _ = stage_counts(stage, snapshots, "later:")
    known = np.isfinite(count) & (exposure > 0)
    total, expected = float(count[known].sum()), float((rate * exposure)[known].sum())
    return float(np.log(total / expected)) if known.sum() >= MIN_SNAPSHOTS and total > 0 and expected > 0 else 0.0


def _fit_stage(
    stage: Stage, totals: pd.DataFrame, snapshots: ArrayFrame, promotion_types: Categories, groups: dict[str, Codes]
) -> StagePrior:
    """The empirical-Bayes prior of one stage; its evidence stays at the stage itself."""
    count, exposure, events = stage_counts(stage, totals)
    usable = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0) & np.isfinite(events)
    count, exposure, events = (np.where(usable, part, 0.0) for part in (count, exposure, events))
    rows_of_type = {name: promotion_types.codes == code for code, name in enumerate(promotion_types.values)}
    rate = {
        name: safe_rate(count[rows].sum(), exposure[rows].sum())
        for name, rows in rows_of_type.items()
        if exposure[rows].sum() > 0
    }
    market = promotion_types.map(rate, missing=safe_rate(count.sum(), exposure.sum()))
    ratio, informative = ratio_and_events(stage.is_poisson, count, exposure, events, market)
    dispersion, creative_variance = estimate_variances(ratio, informative, _fit_dispersion(stage, snapshots))
    prior = StagePrior(
        rate=rate,
        dispersion=dispersion,
        creative_variance=creative_variance,
        drift_variance=MIN_VARIANCE,
        transient_variance=MIN_VARIANCE,
        strengths=_fit_strengths(*ratio_and_weight(stage, count, exposure, events, market), groups),
        weights={},
        cross_stage_weights={stage.name: 1.0},
    )
    prior = replace(prior, weights=_fit_entity_weights(stage, snapshots, prior))
    history = empirical_bayes_rates(stack_priors([stage], {stage.name: prior}), snapshots)
    expected = np.exp(history.log_rate[0])
    prior = replace(prior, creative_variance=_fit_creative_variance(stage, snapshots, prior, expected))
    arrays = stack_priors([stage], {stage.name: prior})
    prior = _fit_drift(stage, snapshots, prior, replace(history, arrays=arrays).expected_rates[stage.name])
    # Transient variance is known now, so that s² no longer contains it.
    return replace(prior, creative_variance=_fit_creative_variance(stage, snapshots, prior, expected))


def _fit_cross_stage_weights(
    stage: Stage, snapshots: ArrayFrame, prior: StagePrior, expected: Floats, log_evidence: dict[str, Floats]
) -> dict[str, float]:
    """Weights of all stages' log evidence at one stage, shrunk to 1 for the stage itself and 0 for the others.

    The later rate over (expected rate · own evidence of the stage) is regressed on the log evidence of all stages, so
    that the ridge penalty pulls to "own evidence counts in full, other stages do not".

    Args:
        stage: Whose later rate is explained.
        snapshots: N training snapshots.
        prior: Of the stage.
        expected: (N,) rate expected before own counts.
        log_evidence: Stage → (N,) log factor of own counts.
    """
    own = expected * np.exp(log_evidence[stage.name])
    ratio, events = ratio_and_events(stage.is_poisson, *stage_counts(stage, snapshots, "later:"), own)
    columns = np.column_stack(list(log_evidence.values()))
    slopes = _ridge_poisson(prior, columns, ratio, events)
    return {
        name: float(slope) + (name == stage.name)
        for name, slope in zip(log_evidence, slopes)
        if slope or name == stage.name
    }


def _fit_creative_variance(stage: Stage, snapshots: ArrayFrame, prior: StagePrior, expected: Floats) -> float:
    """s² of creatives around their expected rate (N,), from the last training snapshot of each creative."""
    last = ~snapshots.select(KEY).frame().duplicated(keep="last").to_numpy()
    ratio, events = ratio_and_events(stage.is_poisson, *stage_counts(stage, snapshots, "early:"), expected)
    periods = np.maximum(snapshots.floats("elapsed_hours") / 24.0 / RECENT_DAYS, 1.0)
    return estimate_variances(ratio[last], discounted_events(events, prior, periods)[last], prior.dispersion)[1]


def _fit_strengths(ratio: Floats, weight: Floats, groups: dict[str, Codes]) -> dict[str, float]:
    """K of every entity: variance of a single creative over the variance between groups.

    The model of `features.funnel_model.empirical_bayes` with creatives in the place of events: the weighted mean ratio
    of a group has variance φ/W + s² around its parent's, W being the sum of the weights of its creatives, φ the
    variance of one creative and s² the variance between groups. Nested entities are measured around their parent,
    others around the market's average creative.

    Args:
        ratio: (N,) each creative's rate over the market's.
        weight: (N,) w = u/(u + half), at most 1.
        groups: Entity → (N,) int64 group code of each creative, −1 for none.
    """

    def fit_entity(codes: Codes, parent: Floats, strength: float | None = None) -> tuple[float, Floats]:
        """K, estimated unless given, and each creative's (N,) shrunk group factor on `parent` (N,)."""
        member = codes >= 0
        size = int(codes.max(initial=-1)) + 1
        total, summed, expected = (
            np.bincount(codes[member], part[member], size).astype(np.float64)
            for part in (weight, weight * ratio, weight * parent)
        )
        mean = np.divide(summed, expected, out=np.ones(size), where=(total > 0) & (expected > 0))
        if strength is None:
            strength = one_creative / estimate_variances(mean, total, one_creative)[1]
        return strength, np.where(member, shrink(mean, total, strength)[codes], 1.0) if size else np.ones_like(ratio)

    # The weighted mean of independent ratios with variance v has variance Σw²v/W². Written as φ/W this defines
    # φ = Σw²(r − r̄)²/Σw, the variance of one creative of weight 1.
    total_weight = max(float(weight.sum()), MIN_VARIANCE)
    centre = float((weight * ratio).sum()) / total_weight
    one_creative = max(float((weight**2 * (ratio - centre) ** 2).sum()) / total_weight, MIN_VARIANCE)
    strengths = {MARKET.name: MARKET_STRENGTH}
    average = parent = fit_entity(groups[MARKET.name], np.ones_like(ratio), MARKET_STRENGTH)[1]
    for name in CHAIN:
        if name in groups:
            strengths[name], factor = fit_entity(groups[name], parent)
            parent = parent * factor
    for name, codes in groups.items():
        if name not in strengths:
            strengths[name], _ = fit_entity(codes, average)
    return strengths


def _fit_entity_weights(stage: Stage, snapshots: ArrayFrame, prior: StagePrior) -> dict[str, float]:
    """Weights of the entities outside the nested chain: later rates regressed on the log factors of their history."""
    names = [name for name in prior.strengths if name not in (*CHAIN, MARKET.name)]
    if not names:
        return {}
    history = empirical_bayes_rates(stack_priors([stage], {stage.name: prior}), snapshots)
    ratio, events = ratio_and_events(
        stage.is_poisson, *stage_counts(stage, snapshots, "later:"), np.exp(history.log_rate[0])
    )
    entities = history.arrays.entities
    columns = np.column_stack([history.log_entity_effects[0, entities.index(name)] for name in names])
    weights = _ridge_poisson(prior, columns, ratio, events)
    return {name: float(weight) for name, weight in zip(names, weights) if abs(weight) > 1e-6}


def _ridge_poisson(prior: StagePrior, columns: Floats, ratio: Floats, events: Floats) -> Floats:
    """Ridge Poisson regression without intercept: log E[ratio] = columns @ weights.

    Args:
        prior: Of the stage; its variance of a ratio, φ/u + s², gives the row weights.
        columns: (N, C) log factors.
        ratio: (N,) later rate over expected rate.
        events: (N,) u; rows with 0 are left out.

    Returns:
        (C,) weights; zeros where fewer than `MIN_SNAPSHOTS` rows have an outcome.
    """
    known = events > 0
    if known.sum() < MIN_SNAPSHOTS:
        return np.zeros(columns.shape[1])
    precision = 1.0 / (prior.dispersion / events[known] + prior.creative_variance)
    model = PoissonRegressor(alpha=PRIOR_WEIGHTS_RIDGE, fit_intercept=False, max_iter=500)
    model.fit(columns[known], ratio[known], sample_weight=precision / precision.mean())
    return np.asarray(model.coef_)


def _fit_dispersion(stage: Stage, snapshots: ArrayFrame) -> float | None:
    """φ from the difference between a creative's last days and its later days; None where too few have both.

    Two periods of one creative share its rate, so their difference contains sampling variance only, while a
    difference between creatives contains s² too.
    """
    if stage.is_poisson:
        return 1.0
    last, later = stage_counts(stage, snapshots, "last_days:"), stage_counts(stage, snapshots, "later:")
    both = (last[1] > 0) & (later[1] > 0) & (last[0] + later[0] > 0) & (last[2] > 0) & (later[2] > 0)
    if both.sum() < MIN_SNAPSHOTS:
        return None
    last_count, last_exposure, last_events = (part[both] for part in last)
    later_count, later_exposure, later_events = (part[both] for part in later)
    pooled = (last_count + later_count) / (last_exposure + later_exposure)
    difference = last_count / last_exposure / pooled - later_count / later_exposure / pooled
    # Var(difference) = φ(1/u + 1/u'), so the difference behaves as one ratio with 1/(1/u + 1/u') events.
    return estimate_variances(1.0 + difference, 1.0 / (1.0 / last_events + 1.0 / later_events))[0]


def _fit_drift(stage: Stage, snapshots: ArrayFrame, prior: StagePrior, expected: ExpectedRate) -> StagePrior:
    """The prior with its drift variance and transient variance.

    Both compare the last days (deviation d) and the later days (deviation d') with the estimate from the life before.
    Sampling errors of the two are independent, so the covariance of d and d', less the variance of the common
    estimate, is the drift that lasts. The remaining variance of d beyond sampling variance is transient.

    Args:
        stage: The stage.
        snapshots: N training snapshots.
        prior: Of the stage.
        expected: What is expected of each snapshot before its own counts.
    """
    rate = np.exp(expected.log_rate)
    arrays = stack_priors([stage], {stage.name: prior})
    before_ratio, before_events, _ = before_last_days(arrays, snapshots, rate[None])
    ratio, older_events = before_ratio[0], before_events[0]
    strength = prior.dispersion / expected.variance
    variance = prior.dispersion / (older_events + strength)  # of the log rate, given the life before the last days
    estimate = rate * shrink(ratio, older_events, strength)
    recent, recent_events = ratio_and_events(stage.is_poisson, *stage_counts(stage, snapshots, "last_days:"), estimate)
    later, later_events = ratio_and_events(stage.is_poisson, *stage_counts(stage, snapshots, "later:"), estimate)
    known = (older_events > 0) & (recent_events > 0) & (later_events > 0)
    if known.sum() < MIN_SNAPSHOTS:
        return prior
    sampling = prior.dispersion / recent_events[known] + variance[known]
    weight = 1.0 / (sampling + prior.dispersion / later_events[known] + prior.creative_variance)
    deviation = recent[known] - 1.0
    lasting = float(np.average(deviation * (later[known] - 1.0) - variance[known], weights=weight))
    total = float(np.average(deviation**2 - sampling, weights=weight))
    lasting = float(np.clip(lasting, MIN_VARIANCE, MAX_VARIANCE))
    transient = float(np.clip(total - lasting, MIN_VARIANCE, MAX_VARIANCE))
    return replace(prior, drift_variance=lasting, transient_variance=transient)
