"""Fit the funnel model: a log-linear mixed model per stage, on each creative's counts so far.

The method is penalised quasi-likelihood (PQL; Breslow & Clayton 1993): linearise the likelihood around the current log
rates, solve a penalised weighted least-squares problem, update the variances (`features.funnel_model.variances`),
repeat.

Array axes: N creatives (M of them with counts at a stage), P columns of the design matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy import sparse

from features.arrays import Mask, Seconds
from features.funnel import Funnel
from features.funnel_model.design_matrix import TermMatrices, term_matrices
from features.funnel_model.empirical_bayes import safe_rate, stage_counts
from features.funnel_model.interactions import (
    MIN_INTERACTION_VARIANCE,
    Interaction,
    build_interactions,
    candidate_pairs,
    screen_interactions,
)
from features.funnel_model.least_squares import Counts, solve, working_response
from features.funnel_model.model import FunnelModel, StageModel, price_variance
from features.funnel_model.terms import PROMOTION_TYPE, Terms
from features.funnel_model.variances import (
    INITIAL_VARIANCE,
    StageFit,
    dispersion_of_money,
    prior_variance,
    relative_variances,
    row_consistent,
    updated_components,
    updated_dispersion,
)
from features.point_in_time.array_frame import ArrayFrame
from features.stages import Stage

MAX_ITERATIONS, MAX_INTERACTION_ITERATIONS = 30, 8
CONVERGED = 5e-3
"""The iteration ends when no log rate, no standard deviation of a term and not s moves by more than this."""
MAX_LOG_RATE_STEP = 2.0
"""Largest change of any log rate in one iteration; longer steps are scaled down."""


def fit_funnel_model(
    totals: pd.DataFrame,
    creatives: ArrayFrame,
    launch_times: Seconds,
    funnel: Funnel,
    terms: Terms,
    extra_pairs: Sequence[tuple[str, str]],
    origin: pd.Timestamp,
    previous: FunnelModel | None = None,
) -> FunnelModel:
    """Fit the model of every stage.

    Args:
        totals: N rows, each creative's counts as reported by the origin.
        creatives: N rows in the same order: attributes and `launch_hour`.
        launch_times: (N,) int64 seconds since 1970.
        funnel: The funnel.
        terms: Columns of the design matrix, without interactions.
        extra_pairs: Interactions to screen beyond those among promotion type, category and tags.
        origin: Moment of the fit.
        previous: An earlier fit; its variances are the starting values, and one round is then enough.
    """
    matrices = term_matrices(creatives, launch_times, terms)
    interactions = build_interactions(creatives, terms, candidate_pairs(terms, extra_pairs))
    # Order value is relative to the price; without a price its counts do not inform effects on order value.
    priced = price_variance(creatives, terms) == 0.0
    relative: Mapping[str, float] = previous.relative_variances if previous else {}
    stages: Mapping[str, StageModel] = previous.stages if previous else {}
    training = {stage.name: _training_counts(stage, totals, priced) for stage in funnel.stages}
    for _ in range(1 if previous else 2):  # the second round uses the variances that all stages found in the first
        fits = {
            name: _fit_stage(counts, rows, matrices, interactions, stages.get(name), relative)
            for name, (counts, rows) in training.items()
        }
        relative = relative_variances(list(fits.values()))
        stages = {name: fit.to_stage_model(training[name][0].intercept) for name, fit in fits.items()}
    used = {name for stage in stages.values() for name in stage.effects}
    kept = {one.name: tuple(one.cells.tolist()) for one in interactions if one.name in used}
    return FunnelModel(origin, terms.model_copy(update={"interactions": kept}), stages, relative)


def _training_counts(stage: Stage, totals: pd.DataFrame, priced: Mask) -> tuple[Counts, Mask]:
    """Counts of the M creatives that a stage is fitted on, and which of the N these are (bool)."""
    count, exposure, events = stage_counts(stage, totals)
    known = np.isfinite(count) & np.isfinite(exposure) & (exposure > 0) & np.isfinite(events) & (events > 0)
    known &= priced if stage.priced else True
    intercept = float(np.log(safe_rate(count[known].sum(), exposure[known].sum())))
    informing = None if stage.is_poisson else events[known]
    return Counts(count[known], exposure[known], informing, intercept, stage.money_of_orders), known


def _fit_stage(
    counts: Counts,
    rows: Mask,
    matrices: TermMatrices,
    interactions: Sequence[Interaction],
    previous: StageModel | None,
    relative: Mapping[str, float],
) -> StageFit:
    """Fit the main effects, screen the interactions on their residuals, then fit again with those that stand out.

    Args:
        counts: Of M creatives.
        rows: (N,) bool, which creatives these are.
        matrices: Term → (N, columns).
        interactions: Candidates.
        previous: An earlier fit of the stage, for starting values.
        relative: `FunnelModel.relative_variances` so far.
    """
    main = {name: matrix[rows] for name, matrix in matrices.items()}
    known = previous.variance_components if previous else {}
    fit = StageFit(
        effects={name: np.zeros(matrix.shape[1]) for name, matrix in main.items()},
        effect_variances={},
        variance_components={name: known.get(name, INITIAL_VARIANCE) for name in main if name != PROMOTION_TYPE},
        effective_df={},
        creative_variance=previous.creative_variance if previous else 0.1,
        dispersion=previous.dispersion if previous else 1.0,
    )
    if counts.money_of_orders:
        fit = replace(fit, dispersion=dispersion_of_money(counts))
    if not rows.any():  # without data the posterior is the prior
        priors = {
            name: np.full(len(effect), prior_variance(name, fit.variance_components))
            for name, effect in fit.effects.items()
        }
        return replace(fit, effect_variances=priors)
    fit = _iterate(counts, main, fit, MAX_ITERATIONS, relative)
    log_rate = sum((main[name] @ effect for name, effect in fit.effects.items()), np.zeros(len(counts.count)))
    residual, weight, _ = working_response(counts, log_rate, fit.creative_variance, fit.dispersion)
    screened = screen_interactions(interactions, rows, residual, weight)
    wider = {**main, **{one.name: one.matrix[rows] for one, _ in screened.kept}}
    fit = replace(
        fit,
        effects={**fit.effects, **{one.name: np.zeros(len(one.cells)) for one, _ in screened.kept}},
        variance_components={
            **fit.variance_components,
            **{one.name: max(variance, screened.mean_variance) for one, variance in screened.kept},
        },
    )
    weak = set(wider) - set(main)
    while weak:
        fit = _iterate(counts, wider, fit, MAX_INTERACTION_ITERATIONS, relative, screened.mean_variance)
        weak = {name for name in wider if name not in main and fit.variance_components[name] < MIN_INTERACTION_VARIANCE}
        wider, fit = {name: matrix for name, matrix in wider.items() if name not in weak}, fit.without(weak)
    return fit


def _iterate(
    counts: Counts,
    matrices: TermMatrices,
    fit: StageFit,
    iterations: int,
    relative: Mapping[str, float],
    interaction_variance: float = INITIAL_VARIANCE,
) -> StageFit:
    """Repeat: working response, penalised least squares, variances; until nothing moves by more than `CONVERGED`.

    Args:
        counts: Of M creatives.
        matrices: Term → (M, columns).
        fit: Starting values.
        iterations: At most so many.
        relative: As in `_fit_stage`.
        interaction_variance: Pooled variance of interactions.
    """
    names = list(matrices)
    matrix = sparse.hstack([matrices[name] for name in names], format="csr")  # X, (M, P)
    squared = matrix.multiply(matrix).tocsr()
    sizes = [matrices[name].shape[1] for name in names]
    edges = np.cumsum(sizes)[:-1]
    effects = np.concatenate([fit.effects[name] for name in names])  # (P,)
    for _ in range(iterations):
        log_rate = matrix @ effects
        residual, weight, _ = working_response(counts, log_rate, fit.creative_variance, fit.dispersion)
        ridge = np.repeat([1.0 / prior_variance(name, fit.variance_components) for name in names], sizes)
        solution, variance = solve(matrix, sizes, weight, log_rate + residual, ridge, effects)
        step = matrix @ (solution - effects)
        length = float(np.abs(step).max(initial=0.0))
        effects = effects + (solution - effects) * min(1.0, MAX_LOG_RATE_STEP / max(length, MAX_LOG_RATE_STEP))
        determined = 1.0 - ridge * variance  # (P,) share of each effect that the data determine
        variance, leverage = row_consistent(squared, weight, variance, ridge, float(determined.sum()))
        by_term = dict(zip(names, np.split(effects, edges)))
        effective_df = {name: float(part.sum()) for name, part in zip(names, np.split(determined, edges))}
        components = updated_components(by_term, effective_df, fit.variance_components, relative, interaction_variance)
        creative_variance, dispersion = updated_dispersion(counts, matrix @ effects, fit, leverage)
        moved = [abs(np.sqrt(components[name]) - np.sqrt(fit.variance_components[name])) for name in components]
        moved += [length, abs(np.sqrt(creative_variance) - np.sqrt(fit.creative_variance))]
        fit = StageFit(
            effects=by_term,
            effect_variances=dict(zip(names, np.split(variance, edges))),
            variance_components=components,
            effective_df=effective_df,
            creative_variance=creative_variance,
            dispersion=dispersion,
        )
        if max(moved) < CONVERGED:
            break
    return fit
