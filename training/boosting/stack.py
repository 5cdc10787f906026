"""The stack of a head: a convex combination, on the log scale, of empirical Bayes, the funnel, and funnel with trees.

Weights minimise the pooled out-of-fold Poisson deviance (stacked generalisation, Wolpert 1992; convex weights, Breiman
1996) with a weak pull to equal weights. The log scale keeps predictions explainable: contributions of the members add
up, each times its weight.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from features.arrays import Floats
from features.targets import Head
from training.boosting.heads import HeadRows

MEMBERS = ("bayes", "funnel", "trees")
"""Members of a stack, by the names of their weights."""
PULL = 0.02
"""Penalty on the squared distance of the weights from equal ones, in units of the deviance per unit of outcome."""


@dataclass(frozen=True)
class Stack:
    """Weights of the members; they are at least 0 and add up to 1.

    Attributes:
        bayes: Of empirical Bayes before own counts.
        funnel: Of the funnel model.
        trees: Of the funnel model corrected by the trees.
        log_bayes_level: Added to the log of empirical Bayes, so that its total is the funnel's: it contributes which
            creatives are better, not how much comes in total.
    """

    bayes: float = 0.0
    funnel: float = 1.0
    trees: float = 0.0
    log_bayes_level: float = 0.0

    def log(self, log_bayes: Floats, log_funnel: Floats, trees: Floats | float) -> Floats:
        """(N,) log prediction.

        Args:
            log_bayes: (N,) log of empirical Bayes.
            log_funnel: (N,) log of the funnel model.
            trees: (N,) level and sum of the trees of the head (`FittedHead.correction`); 0 without any.
        """
        return (
            self.bayes * (log_bayes + self.log_bayes_level)
            + (self.funnel + self.trees) * log_funnel
            + (self.trees * trees)
        )


FUNNEL_ALONE = Stack()


def members_of(head: Head) -> Sequence[str]:
    """Members that may have a weight in a head's stack: empirical Bayes only where the head is a single stage.

    A product of several thin stages is too noisy in empirical Bayes, which has no time either: its weight gained on the
    folds that chose it and lost on the next ones, most where a platform had changed in between.
    """
    return MEMBERS if len(head.stages) == 1 else ("funnel", "trees")


def fit_stack(
    parts: Sequence[HeadRows], trees: Sequence[Floats], members: Sequence[str] = MEMBERS
) -> tuple[Stack, float]:
    """Fit the weights on out-of-fold rows.

    Args:
        parts: Validation rows of each fold.
        trees: Of each fold, (rows,) level and sums of trees that were not fitted on these rows.
        members: Those of MEMBERS that may have a weight.

    Returns:
        The stack, and its deviance with the penalty: twice the mean gain, per unit of outcome. Funnel alone and
        infinity where no row can be evaluated.
    """
    ratio, weight, bayes, funnel = _pooled(parts)
    scores = np.concatenate(list(trees)) if len(trees) else np.zeros(0)
    total = float(weight @ ratio)
    if total <= 0:
        return FUNNEL_ALONE, float("inf")
    level = float(np.log((weight @ np.exp(funnel)) / (weight @ np.exp(bayes))))
    logs = np.array([bayes + level, funnel, funnel + scores])
    allowed = np.array([name in members for name in MEMBERS], dtype=np.float64)
    equal = allowed / allowed.sum()
    fixed = float(weight @ (ratio * np.log(np.where(ratio > 0, ratio, 1.0)) - ratio))

    def objective(shares: Floats) -> tuple[float, Floats]:
        log = shares @ logs
        expected = np.exp(log)
        value = 2.0 * (fixed + weight @ (expected - ratio * log)) / total + PULL * ((shares - equal) ** 2).sum()
        slope = 2.0 * (logs @ (weight * (expected - ratio))) / total + 2.0 * PULL * (shares - equal)
        return float(value), slope

    found = minimize(
        objective,
        equal,
        jac=True,
        method="SLSQP",
        bounds=[(0.0, most) for most in allowed],
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1.0, "jac": lambda _: np.ones(len(MEMBERS))},
        options={"maxiter": 100, "ftol": 1e-9},
    )
    shares = np.clip(found.x, 0.0, 1.0)
    shares = shares / shares.sum()
    return Stack(float(shares[0]), float(shares[1]), float(shares[2]), level), objective(shares)[0]


def deviance(parts: Sequence[HeadRows], logs: Sequence[Floats]) -> float:
    """Pooled Poisson deviance per unit of outcome; NaN where no row can be evaluated.

    Args:
        parts: Rows of each fold.
        logs: Of each fold, (rows,) log predictions.
    """
    losses, amounts = row_losses(parts, logs)
    total = float(amounts.sum())
    return float(losses.sum()) / total if total > 0 else float("nan")


def ratio_with_error(numerator: Floats, denominator: Floats, creative: npt.NDArray[np.uint64]) -> tuple[float, float]:
    """Ratio of two sums over rows, and its standard error over creatives (linearisation, Cochran 1977, 6.13).

    Args:
        numerator: (rows,) such as the fall of each row's deviance.
        denominator: (rows,) such as each row's weighted outcome.
        creative: (rows,) uint64, hash of the row's creative.

    Returns:
        Both; 0 and infinity where the denominators add up to nothing.
    """
    total = float(denominator.sum())
    if total <= 0:
        return 0.0, float("inf")
    ratio = float(numerator.sum()) / total
    codes = np.unique(creative, return_inverse=True)[1]
    residual = np.bincount(codes, numerator - ratio * denominator)
    return ratio, float(np.sqrt(residual @ residual)) / total


def row_losses(parts: Sequence[HeadRows], logs: Sequence[Floats]) -> tuple[Floats, Floats]:
    """(rows,) Poisson deviance of each row, weighted, and (rows,) the weighted outcome.

    Args:
        parts: Rows of each fold.
        logs: Of each fold, (rows,) log predictions.
    """
    ratio, weight, _, _ = _pooled(parts)
    log = np.concatenate(list(logs)) if len(logs) else np.zeros(0)
    gain = ratio * (np.log(np.where(ratio > 0, ratio, 1.0)) - log) - (ratio - np.exp(log))
    return 2.0 * weight * gain, weight * ratio


def _pooled(parts: Sequence[HeadRows]) -> tuple[Floats, Floats, Floats, Floats]:
    """Ratio, deviance weight, log of empirical Bayes and log of the funnel, of all rows of the parts."""
    names = ("ratio", "deviance_weight", "log_bayes", "log_funnel")
    ratio, weight, bayes, funnel = (
        np.concatenate([getattr(part, name) for part in parts]) if len(parts) else np.zeros(0) for name in names
    )
    return ratio, weight, bayes, funnel
