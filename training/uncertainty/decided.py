"""How much of the variance of a rate must be resolved until it is clear on which side of a threshold it lies."""

import numpy as np
from scipy.special import ndtr, ndtri

from features.arrays import Floats

SHARES = np.concatenate([np.zeros(1), np.linspace(0.02, 0.98, 49), np.ones(1)])
"""Shares of the resolvable variance that are tried."""


def share_that_decides(
    mean: Floats, variance: Floats, resolvable: Floats, below: float, above: float, probability: float
) -> Floats:
    """(rows,) Share of the resolvable variance after which a decision is reached; infinite if all of it is too little.

    The log of the rate over its threshold is normal. Data that resolve the variance r leave variance − r, around a mean
    that is itself normal with variance r (the preposterior distribution: Raiffa and Schlaifer 1961). A decision is
    reached where P(rate ≥ threshold) is then at most `below` or at least `above`.

    Args:
        mean, variance: (rows,) Of that log today.
        resolvable: (rows,) Part of the variance that more data take away.
        below, above: Chances that decide.
        probability: Of a decision, to be reached.
    """
    resolved = SHARES * np.minimum(resolvable, variance)[:, None]
    left = np.sqrt(np.maximum(variance[:, None] - resolved, 1e-12))
    spread, at = np.sqrt(np.maximum(resolved, 1e-12)), mean[:, None]
    decided = ndtr((at - ndtri(above) * left) / spread) + ndtr((ndtri(below) * left - at) / spread)
    enough = decided >= probability
    return np.where(np.isnan(mean), np.nan, np.where(enough.any(axis=1), SHARES[enough.argmax(axis=1)], np.inf))
