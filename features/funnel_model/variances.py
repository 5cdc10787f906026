"""State of the fit of one stage, and the updates of its variances.

Variance components follow MacKay's fixed point (MacKay 1992), which for normal data is that of restricted maximum
likelihood (REML), each pulled towards the mean of its kind, because ten categories carry little information on a
variance.

Array axes: M creatives with counts at a stage, P columns of the design matrix.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from features.arrays import Floats
from features.funnel_model.empirical_bayes import MAX_VARIANCE, MIN_VARIANCE, estimate_variances
from features.funnel_model.least_squares import Counts, working_response
from features.funnel_model.model import StageModel
from features.funnel_model.terms import PROMOTION_TYPE, TIME, is_categorical, is_interaction, is_slope

FIXED_EFFECT_VARIANCE = 25.0
"""Prior variance of promotion-type effects: wide enough to act as fixed effects."""
INITIAL_VARIANCE = 0.01
"""Variance component of every random term at the start of the first fit."""
POOLING_STRENGTH = 4.0
"""Pseudo-categories of the pooled variance: it counts as much as four well-determined effects of the term itself."""


@dataclass(frozen=True)
class StageFit:
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

    def without(self, names: set[str]) -> "StageFit":
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


def row_consistent(
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


def updated_components(
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


def relative_variances(fits: Sequence[StageFit]) -> dict[str, float]:
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


def updated_dispersion(counts: Counts, log_rate: Floats, fit: StageFit, leverage: Floats) -> tuple[float, float]:
    """One step of the REML fixed point for s² and, except for Poisson counts and money of orders, φ.

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
    if counts.events is not None and not counts.money_of_orders:
        dispersion *= float((square / events).sum() / (expected / events).sum())
    return float(np.clip(creative_variance, MIN_VARIANCE, MAX_VARIANCE)), float(np.clip(dispersion, 1e-6, 1e6))


def dispersion_of_money(counts: Counts) -> float:
    """φ of money of orders by the method of moments, at least that of orders all worth the smallest sum of a creative.

    It is not updated with s²: where most sums are 0, Laplace's approximation is poor (Breslow & Lin 1995), φ falls to
    0 in the fixed point, and s² and the effects grow to tell creatives of no order from those of one.

    The bound is for few creatives. The variance of a sum of a Poisson number of amounts V is its mean times
    E[V²]/E[V], which is at least the mean of V; a creative's money is at least one order. The exposure of these stages
    is what informs them (`features.stages`).
    """
    rate = float(np.exp(counts.intercept))
    positive = counts.count[counts.count > 0]
    smallest = float(positive.min()) if len(positive) else 0.5  # as in `safe_rate`
    of_moments, _ = estimate_variances(counts.count / (counts.exposure * rate), counts.exposure)
    return max(of_moments, smallest / rate)


def prior_variance(term: str, components: Mapping[str, float]) -> float:
    """Prior variance of the effects of a term: its variance component; promotion types are as good as fixed effects."""
    return FIXED_EFFECT_VARIANCE if term == PROMOTION_TYPE else components[term]
