"""One step of the funnel model's fit: working response and weights of every creative, and the penalised least squares.

Iterating the two is penalised quasi-likelihood (PQL; Breslow & Clayton 1993) for a log-linear model in which every
creative has a random effect of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import linalg, sparse
from scipy.sparse.linalg import LinearOperator, cg

from features.arrays import Floats

NEWTON_STEPS = 6
MAX_NEWTON_STEP = 1.0
"""Largest change of a creative's effect in one Newton step."""
EXACT_COLUMNS = 1500
"""Most columns that are solved by a dense Cholesky factorisation (1 500² doubles are 18 MB)."""
CG_TOLERANCE = 1e-8


@dataclass(frozen=True)
class Counts:
    """Counts of the N creatives that inform a stage.

    Attributes:
        count: (N,) numerator.
        exposure: (N,) exposure, above 0.
        events: (N,) events u that inform count/exposure, above 0; None for Poisson counts, where u is the expected
            count.
        intercept: Log of the pooled rate; log rates are given relative to it.
        money_of_orders: As of the stage (`features.stages.Stage`).
    """

    count: Floats
    exposure: Floats
    events: Floats | None
    intercept: float
    money_of_orders: bool = False


def working_response(
    counts: Counts, log_rate: Floats, creative_variance: float, dispersion: float
) -> tuple[Floats, Floats, Floats]:
    """Linearise the likelihood of every creative's counts around the current log rate.

    The model is count ≈ exposure · exp(intercept + η + e) with linear predictor η and the creative's own effect
    e ~ N(0, s²). The effect is set to its posterior mode ê, which solves

        (u/φ)(r·exp(−ê) − 1) = ê/s²,    r = count / (exposure · exp(intercept + η)),

    where u is the number of events that inform r (for Poisson counts the expected count including ê). Integrating e
    out at its mode (Laplace) leaves a normal observation η + off with variance φ/u + s², where
    off = ê · (1 + φ/(s²·u)): weight · off = ê/s² is then the gradient of the marginal log likelihood by η.

    That is the quasi-likelihood of a variance proportional to the square of the mean. It has no maximum where counts
    are 0: the lower η, the better. The money of orders is 0 for most creatives. It is the sum of a Poisson number of
    amounts (Jørgensen & de Souza 1994); where effects act on the number of orders and not on their value, its variance
    is proportional to the mean. There ê solves, as for Poisson counts,

        (u/φ)(r − exp(ê)) = ê/s²

    with u the events at the expected rate, events · exp(η), so that φ stays the variance of a ratio times the events
    of a creative of average rate (McCullagh & Nelder 1989, ch. 9).

    Without the effect e a creative's weight would grow with its traffic without bound. Traffic follows success here,
    so a few winners would dominate the fit, and effects would be overstated.

    Args:
        counts: Of N creatives.
        log_rate: (N,) η, without the intercept and without the own effect.
        creative_variance: s².
        dispersion: φ.

    Returns:
        Three arrays (N,): off (working response minus η), weight 1/(φ/u + s²), and u.
    """
    expected = counts.exposure * np.exp(np.clip(counts.intercept + log_rate, -40.0, 40.0))
    ratio = counts.count / expected
    if counts.events is None:
        events = expected
    elif counts.money_of_orders:
        events = counts.events * np.exp(np.clip(log_rate, -40.0, 40.0))
    else:
        events = counts.events
    by_mean = counts.events is None or counts.money_of_orders  # variance proportional to the mean, not to its square
    penalty = dispersion / creative_variance
    effect = np.log((ratio * events + penalty) / (events + penalty))  # start: log of the shrunk ratio
    for _ in range(NEWTON_STEPS):
        factor = np.exp(effect)
        if by_mean:
            gradient, curvature = events * (ratio - factor), events * factor
        else:
            gradient, curvature = events * (ratio / factor - 1.0), events * ratio / factor
        step = (gradient - penalty * effect) / (curvature + penalty)
        effect = effect + np.clip(step, -MAX_NEWTON_STEP, MAX_NEWTON_STEP)
    informative = events * np.exp(effect) if by_mean else events
    return (
        effect * (1.0 + penalty / informative),
        1.0 / (dispersion / informative + creative_variance),
        informative,
    )


def solve(
    matrix: sparse.csr_matrix, sizes: Sequence[int], weight: Floats, target: Floats, ridge: Floats, start: Floats
) -> tuple[Floats, Floats]:
    """Solve the normal equations (X'WX + Λ) b = X'Wz, and give the posterior variance of every coefficient.

    Up to `EXACT_COLUMNS` columns are solved exactly by Cholesky factorisation. With more, the largest terms leave the
    exact block, and all coefficients are found by conjugate gradients (Hestenes & Stiefel 1952), preconditioned by
    the exact block and by the diagonal of the rest: memory then grows with the rows, not with the square of the
    columns.

    Args:
        matrix: X, (N, P): one row per creative.
        sizes: Columns of each term, in the order of X; a term is inside or outside the exact block as a whole.
        weight: (N,) diagonal of W.
        target: (N,) z.
        ridge: (P,) diagonal of Λ, above 0: one over the prior variance of each coefficient.
        start: (P,) coefficients from which conjugate gradients start.

    Returns:
        b (P,), and the diagonal of (X'WX + Λ)⁻¹ (P,); outside the exact block one over the diagonal, which is the
        variance if all other coefficients were known (a lower bound).
    """
    weighted = matrix.multiply(weight[:, None]).tocsr()
    right = np.asarray(weighted.T @ target)
    diagonal = np.asarray(weighted.multiply(matrix).sum(axis=0)).ravel() + ridge
    exact = _exact_columns(sizes)
    inner = matrix[:, exact]
    square = np.asarray((weighted[:, exact].T @ inner).todense())
    square[np.diag_indices_from(square)] += ridge[exact]
    factor = linalg.cholesky(square, lower=True, overwrite_a=True, check_finite=False)
    variance = 1.0 / diagonal
    # A = LL' gives A⁻¹ = L⁻ᵀL⁻¹, whose diagonal is the column sums of squares of L⁻¹.
    variance[exact] = (linalg.lapack.dtrtri(factor, lower=1)[0] ** 2).sum(axis=0)
    if len(exact) == matrix.shape[1]:
        return linalg.cho_solve((factor, True), right, check_finite=False), variance

    def precondition(values: Floats) -> Floats:  # (P,) → (P,)
        solved = values / diagonal
        solved[exact] = linalg.cho_solve((factor, True), values[exact], check_finite=False)
        return solved

    shape = (len(right), len(right))
    system = LinearOperator(shape, matvec=lambda b: weighted.T @ (matrix @ b) + ridge * b, dtype=np.float64)
    preconditioner = LinearOperator(shape, matvec=precondition, dtype=np.float64)
    solution, _ = cg(system, right, x0=start, rtol=CG_TOLERANCE, M=preconditioner)
    return solution, variance


def _exact_columns(sizes: Sequence[int]) -> npt.NDArray[np.int64]:
    """Rising column indices of the smallest terms, as many as fit into `EXACT_COLUMNS`."""
    starts = np.concatenate([[0], np.cumsum(sizes)])
    chosen: list[int] = []
    room = EXACT_COLUMNS
    for place in np.argsort(sizes, kind="stable"):
        if sizes[place] > room:
            break
        room -= sizes[place]
        chosen.extend(range(starts[place], starts[place + 1]))
    return np.sort(np.array(chosen, dtype=np.int64))
