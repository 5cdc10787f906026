"""When to stop or scale: tests of "ROI at or above (below) target" that hold however often one looks.

Money R counted on spend S is divided by an order value c, so that n = R / c is a number of orders of value c, and
μ = target · S / c what the target asks for. For every rate ratio r

    e(r) = r^n · exp(μ (1 − r))

is a test supermartingale: if the ROI is at or above the target, e(r) with r < 1 does not grow in expectation; if it
is at or below, e(r) with r > 1 does not. Mixed over r ~ Gamma(1, 1), restricted to the side, it stays so, and by
Ville's inequality it ever exceeds 1/α with probability α at most (Howard, Ramdas, McAuliffe and Sekhon 2021,
"Time-uniform, nonparametric, nonasymptotic confidence sequences": the one-sided gamma-Poisson mixture).

Orders have values of their own, so n is no count; those refunded are none, and the others still come as before. How
unevenly money comes is what the account's own past has shown (`dispersion.py`):

- Below target, with orders that come as a Poisson process, e(r) stays a supermartingale if c is at least E[V²]/E[V] of
  the order value V: of all distributions with these two moments E[exp(−λV)] is largest for one that is 0 or c (Eckberg
  1977, "Sharp bounds on Laplace–Stieltjes transforms"). That c is the index of dispersion of their money over any
  period. Bursts of orders, and rates that waver from day to day, make the index larger, and c with it: a burst then
  counts as one order. What no past day has shown no rule can allow for: of money without any bound, no test of a mean
  exists (Bahadur and Savage 1956).
- Above target, it does if c is at least the largest order value: exp(λV) lies below its chord.

Everything is a function of R and S alone: nothing is remembered between looks, and a call is taken back once the counts
no longer support it.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincc, gammaln

from features.arrays import Floats

STOP, SCALE, WATCH = "stop", "scale", "watch"
LOG_BELOW, LOG_ABOVE = float(np.log(gammainc(1.0, 1.0))), float(np.log(gammaincc(1.0, 1.0)))
"""Logs of P(r < 1) and P(r > 1) under the mixing distribution."""


def log_e_below(orders: Floats, asked: Floats) -> Floats:
    """Log evidence that the ROI is below its target.

    Args:
        orders: (…) Money so far in values of an order, n.
        asked: (…) The same at target, μ.
    """
    with np.errstate(divide="ignore"):
        return _log_mixture(orders, asked) + np.log(gammainc(orders + 1.0, asked + 1.0)) - LOG_BELOW


def log_e_above(orders: Floats, asked: Floats) -> Floats:
    """Log evidence that the ROI is above its target; arguments as of `log_e_below`."""
    with np.errstate(divide="ignore"):
        return _log_mixture(orders, asked) + np.log(gammaincc(orders + 1.0, asked + 1.0)) - LOG_ABOVE


def calls(below: Floats, above: Floats, error: float) -> npt.NDArray[np.object_]:
    """STOP, SCALE or WATCH of each creative.

    Args:
        below: (…) `log_e_below`.
        above: (…) `log_e_above`.
        error: α of each of both tests.
    """
    line = -np.log(error)
    return np.where(below >= line, STOP, np.where(above >= line, SCALE, WATCH)).astype(object)


def orders_before_stop(error: float) -> float:
    """Orders that the target must ask for, μ, before a creative without any is stopped."""
    zero = np.zeros(1)
    return float(brentq(lambda asked: log_e_below(zero, np.array([asked]))[0] + np.log(error), 1e-6, 1e4))


def _log_mixture(orders: Floats, asked: Floats) -> Floats:
    """Log of ∫ e(r) exp(−r) dr over all r > 0."""
    return np.asarray(asked - (orders + 1.0) * np.log1p(asked) + gammaln(orders + 1.0))


def belief(roi: Floats, log_variance: Floats) -> tuple[Floats, Floats]:
    """Shape and rate of a gamma distribution of the true ROI with this mean and this variance of its log.

    A gamma distribution with the mean and the variance of the log-normal one.
    """
    shape = 1.0 / np.expm1(np.maximum(log_variance, 1e-6))
    return shape, shape / roi


def updated(shape: Floats, rate: Floats, money: Floats, spend: Floats, value: Floats) -> tuple[Floats, Floats]:
    """The belief after money from spend: a gamma-Poisson update in orders of `value` (E[V²]/E[V]), so that the
    dispersion of order values counts."""
    return shape + money / value, rate + spend / value
