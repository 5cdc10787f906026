"""Fit the funnel model: a log-linear mixed model per stage, on each creative's counts so far.

The method is penalised quasi-likelihood (PQL; Breslow & Clayton 1993): linearise the likelihood around the current log
rates, solve a penalised weighted least-squares problem, update the variances, repeat. Variance components follow
MacKay's fixed point (MacKay 1992), which for normal data is that of restricted maximum likelihood (REML), each pulled
towards the mean of its kind, because ten categories carry little information on a variance.

Array axes: N creatives (M of them with counts at a stage), P columns of the design matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy import sparse

from features.funnel import Funnel
from features.funnel_model.design_matrix import TermMatrices, term_matrices
from features.funnel_model.empirical_bayes import MAX_VARIANCE, MIN_VARIANCE, safe_rate, stage_counts
from features.funnel_model.interactions import (
    MIN_INTERACTION_VARIANCE,
    Interaction,
    build_interactions,
    candidate_pairs,
    screen_interactions,
)
from features.funnel_model.least_squares import Counts, solve, working_response
from features.funnel_model.model import FunnelModel, StageModel, price_variance
from features.funnel_model.terms import PROMOTION_TYPE, TIME, Terms, is_categorical, is_interaction, is_slope
from features.point_in_time.array_frame import ArrayFrame, Floats
from features.point_in_time.windowed_sums import Mask, Seconds
from features.stages import Stage

FIXED_EFFECT_VARIANCE = 25.0
"""Prior variance of promotion-type effects: wide enough to act as fixed effects."""
INITIAL_VARIANCE = 0.01
"""Variance component of every random term at the start of the first fit."""
POOLING_STRENGTH = 4.0
"""Pseudo-categories of the pooled variance: it counts as much as four well-determined effects of the term itself."""
MAX_ITERATIONS, MAX_INTERACTION_ITERATIONS = 30, 8
CONVERGED = 5e-3
"""The iteration ends when no log rate, no standard deviation of a term and not s moves by more than this."""
MAX_LOG_RATE_STEP = 2.0
"""Largest change of any log rate in one iteration; longer steps are scaled down."""


@dataclass(frozen=True)
class _StageFit:
    """State of the iteration of one stage; attributes as in `StageModel`.

    `effective_df` gives for each random term its effective degrees of freedom: how many of its effects the data
    determine (Σ 1 − posterior variance/prior variance); the prior determines the rest.
    """

    effects: dict[str, Floats]
    effect_variances: dict[str, Floats]
    variance_components: dict[str, float]
    effective_df: dict[str, float]
    creative_variance: float
    dispersion: float

    def without(self, names: set[str]) -> "_StageFit":
        """The same fit with some terms removed."""
        return replace(
            self,
            effects={name: effect for name, effect in self.effects.items() if name not in names},
            variance_components={n: part for n, part in self.variance_components.items() if n not in names},
        )

    def to_stage_model(self, intercept: float) -> StageModel:
        """The fitted stage. Adding s²/2 turns the median of a log-normal rate, which the fit gives, into its mean."""
        return StageModel(
            intercept=intercept + self.creative_variance / 2.0,
            creative_variance=self.creative_variance,
            dispersion=self.dispersion,
            effects=self.effects,
            effect_variances=self.effect_variances,
            variance_components=self.variance_components,
        )


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
        relative = _relative_variances(list(fits.values()))
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
    return Counts(count[known], exposure[known], None if stage.is_poisson else events[known], intercept), known


def _fit_stage(
    counts: Counts,
    rows: Mask,
    matrices: TermMatrices,
    interactions: Sequence[Interaction],
    previous: StageModel | None,
    relative: Mapping[str, float],
) -> _StageFit:
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
    fit = _StageFit(
        effects={name: np.zeros(matrix.shape[1]) for name, matrix in main.items()},
        effect_variances={},
        variance_components={name: known.get(name, INITIAL_VARIANCE) for name in main if name != PROMOTION_TYPE},
        effective_df={},
        creative_variance=previous.creative_variance if previous else 0.1,
        dispersion=previous.dispersion if previous else 1.0,
    )
    if not rows.any():  # without data the posterior is the prior
        priors = {
            name: np.full(len(effect), _prior_variance(name, fit.variance_components))
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
    fit: _StageFit,
    iterations: int,
    relative: Mapping[str, float],
    interaction_variance: float = INITIAL_VARIANCE,
) -> _StageFit:
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
        ridge = np.repeat([1.0 / _prior_variance(name, fit.variance_components) for name in names], sizes)
        solution, variance = solve(matrix, sizes, weight, log_rate + residual, ridge, effects)
        step = matrix @ (solution - effects)
        length = float(np.abs(step).max(initial=0.0))
        effects = effects + (solution - effects) * min(1.0, MAX_LOG_RATE_STEP / max(length, MAX_LOG_RATE_STEP))
        determined = 1.0 - ridge * variance  # (P,) share of each effect that the data determine
        variance, leverage = _row_consistent(squared, weight, variance, ridge, float(determined.sum()))
        by_term = dict(zip(names, np.split(effects, edges)))
        effective_df = {name: float(part.sum()) for name, part in zip(names, np.split(determined, edges))}
        components = _update_components(by_term, effective_df, fit.variance_components, relative, interaction_variance)
        creative_variance, dispersion = _update_dispersion(counts, matrix @ effects, fit, leverage)
        moved = [abs(np.sqrt(components[name]) - np.sqrt(fit.variance_components[name])) for name in components]
        moved += [length, abs(np.sqrt(creative_variance) - np.sqrt(fit.creative_variance))]
        fit = _StageFit(
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


def _row_consistent(
    squared: sparse.csr_matrix, weight: Floats, variance: Floats, ridge: Floats, effective_df: float
) -> tuple[Floats, Floats]:
    """Scale the variances of effects so that the rows' leverages add up to the effective degrees of freedom.

    The leverage of row i is h_i = w_i x_i'Vx_i, and Σ h_i equals the effective degrees of freedom. The full covariance
    V would cost as much as the fit, so its diagonal is used, scaled until that identity holds.

    Args:
        squared: (M, P), squares of the design matrix.
        weight: (M,).
        variance: (P,), diagonal of V.
        ridge: (P,), one over the prior variances; no scaled variance exceeds its prior variance.
        effective_df: Σ over all effects of 1 − ridge · variance.

    Returns:
        Scaled variances (P,) and leverages (M,), at most 0.98.
    """
    scaled = variance * effective_df / max(float(weight @ (squared @ variance)), 1e-12)
    scaled = np.minimum(scaled, 1.0 / ridge)
    return scaled, np.minimum(weight * (squared @ scaled), 0.98)


def _update_components(
    effects: Mapping[str, Floats],
    effective_df: Mapping[str, float],
    current: Mapping[str, float],
    relative: Mapping[str, float],
    interaction_variance: float,
) -> dict[str, float]:
    """One step of the fixed point for σ² of every random term, with pooling.

    MacKay's fixed point is σ² = Σ b²/γ with γ the effective degrees of freedom. `POOLING_STRENGTH` pseudo-effects of
    the pooled variance are added to both sums. The pooled variance is: for a categorical term that of all categorical
    terms, times the term's relative variance over all stages; for an interaction that of all candidates; for a slope
    that of all slopes; for time its own current value, so that it is not pooled.
    """
    squares = {name: float(effects[name] @ effects[name]) for name in current}
    categorical, slopes = [name for name in current if is_categorical(name)], [n for n in current if is_slope(n)]
    common = _pooled_variance(squares, {name: effective_df[name] * relative.get(name, 1.0) for name in categorical})
    of_slopes = _pooled_variance(squares, {name: effective_df[name] for name in slopes})
    found = {}
    for name in current:
        if is_categorical(name):
            pooled = common * relative.get(name, 1.0)
        elif is_interaction(name):
            pooled = interaction_variance
        else:
            pooled = current[name] if name == TIME else of_slopes
        variance = (squares[name] + POOLING_STRENGTH * pooled) / (max(effective_df[name], 1e-3) + POOLING_STRENGTH)
        found[name] = float(np.clip(variance, MIN_VARIANCE / 100, MAX_VARIANCE))
    return found


def _pooled_variance(squares: Mapping[str, float], effective_df: Mapping[str, float]) -> float:
    """Σ b² over Σ γ of the terms in `effective_df`."""
    total = sum(effective_df.values())
    return max(sum(squares[name] for name in effective_df) / total, MIN_VARIANCE) if total > 0 else INITIAL_VARIANCE


def _relative_variances(fits: Sequence[_StageFit]) -> dict[str, float]:
    """Categorical term → its variance over that of all categorical terms, over all stages together, pooled towards 1.

    Which terms matter is thereby estimated mainly from stages with many events (clicks), and used at stages with few
    (orders).
    """
    squares: dict[str, float] = {}
    known: dict[str, float] = {}
    for fit in fits:
        names = [name for name in fit.variance_components if is_categorical(name) and name in fit.effective_df]
        of_stage = {name: float(fit.effects[name] @ fit.effects[name]) for name in names}
        common = _pooled_variance(of_stage, {name: fit.effective_df[name] for name in names})
        for name in names:
            squares[name] = squares.get(name, 0.0) + of_stage[name] / common
            known[name] = known.get(name, 0.0) + fit.effective_df[name]
    return {name: (squares[name] + POOLING_STRENGTH) / (known[name] + POOLING_STRENGTH) for name in squares}


def _update_dispersion(counts: Counts, log_rate: Floats, fit: _StageFit, leverage: Floats) -> tuple[float, float]:
    """One step of the REML fixed point for s² and, except for Poisson counts, φ.

    At the optimum Σ (w·e)² = Σ w(1 − h), e being the residual, w = 1/(φ/u + s²) and h the leverage; each step scales
    s² by the ratio of the two sums, and φ by the same ratio of the sums with weights 1/u.

    Args:
        counts: Of M creatives.
        log_rate: (M,) linear predictor.
        fit: Holds the current s² and φ.
        leverage: (M,) h.
    """
    residual, weight, events = working_response(counts, log_rate, fit.creative_variance, fit.dispersion)
    square, expected = (weight * residual) ** 2, weight * (1.0 - leverage)
    creative_variance = fit.creative_variance * float(square.sum() / expected.sum())
    dispersion = fit.dispersion
    if counts.events is not None:
        dispersion *= float((square / events).sum() / (expected / events).sum())
    return float(np.clip(creative_variance, MIN_VARIANCE, MAX_VARIANCE)), float(np.clip(dispersion, 1e-6, 1e6))


def _prior_variance(term: str, components: Mapping[str, float]) -> float:
    return FIXED_EFFECT_VARIANCE if term == PROMOTION_TYPE else components[term]
