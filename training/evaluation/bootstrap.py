"""How sure is a figure? Bootstrap over creatives, not rows: the rows of one creative share its luck."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY

Floats = npt.NDArray[np.float64]

LEVEL = 0.9
"""Share of the draws between the two ends of a band."""


def creative_draws(keys: pd.DataFrame, draws: int, seed: int) -> Floats:
    """How often each row is drawn, creatives being drawn with replacement.

    Args:
        keys: KEY of each row; rows of one creative are drawn together.
        draws: How many samples.
        seed: Of the draws: two methods are compared on the same ones.

    Returns:
        Draws × rows, in row order.
    """
    codes = keys.groupby(KEY, sort=True).ngroup().to_numpy()
    count = int(codes.max(initial=-1)) + 1
    if not count:
        return np.empty((draws, 0))
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=draws)
    return drawn[:, codes].astype(np.float64)


def band(values: Floats) -> tuple[float, float]:
    """The two ends between which LEVEL of the values lie; NaN where none is known."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def drawn_spearman(guess: Floats, truth: Floats, drawn: Floats) -> Floats:
    """Spearman's rank correlation of each draw; ties share their mean rank. NaN where a side does not vary."""
    left, right = _drawn_ranks(guess, drawn), _drawn_ranks(truth, drawn)
    total = np.maximum(drawn.sum(axis=1, keepdims=True), 1.0)
    left = left - (drawn * left).sum(axis=1, keepdims=True) / total
    right = right - (drawn * right).sum(axis=1, keepdims=True) / total
    below = np.sqrt((drawn * left**2).sum(axis=1) * (drawn * right**2).sum(axis=1))
    return np.divide((drawn * left * right).sum(axis=1), below, out=np.full(len(drawn), np.nan), where=below > 0)


def _drawn_ranks(values: Floats, drawn: Floats) -> Floats:
    """Mean rank of each row's value in each draw (of a row that is not drawn, whatever its ties would have)."""
    if not len(values):
        return np.empty_like(drawn)
    found, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(found)))
    size = np.add.reduceat(drawn[:, order], edges, axis=1)
    return (np.cumsum(size, axis=1) - size + (size + 1.0) / 2.0)[:, place]
