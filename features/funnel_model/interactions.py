"""Which pairs of words have joint effects: each looked at on what the words alone leave unexplained."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.funnel_model.terms import Terms, codes_of, cross_code
from features.point_in_time.windowed_sums import Codes

Floats = npt.NDArray[np.float64]

LEAST_Z = 2.0
"""Standard errors by which creatives of one pair of values must agree more than chance has them agree."""
LEAST_SPREAD = 0.05**2
MOST_CROSSES = 12
"""Most crosses of a stage: the clearest."""
LEAST_TYPICAL = 1e-4


@dataclass(frozen=True)
class Cross:
    """A pair of words.

    Attributes:
        name: `a*b`.
        levels: Codes of the pairs of values that occur, rising (`features.funnel_model.terms.Terms.crosses`).
        place: Of each creative: position in `levels`, −1 where it has none.
    """

    name: str
    levels: Codes
    place: Codes

    @property
    def columns(self) -> sparse.csr_matrix:
        """One column for each pair of values."""
        rows = np.flatnonzero(self.place >= 0)
        return sparse.csr_matrix(
            (np.ones(len(rows)), (rows, self.place[rows])), shape=(len(self.place), len(self.levels))
        )


@dataclass(frozen=True)
class Screened:
    """What was found: crosses that stand out, with σ² of their effects by moments, and σ² of all in the mean."""

    kept: list[tuple[Cross, float]]
    typical: float


def make_crosses(creatives: pd.DataFrame, terms: Terms, pairs: Sequence[tuple[str, str]]) -> list[Cross]:
    """The pairs as they occur among these creatives; a cell of one creative each says nothing of a pair."""
    codes = codes_of(creatives, terms)
    found = []
    for pair in pairs:
        code = cross_code(codes, terms, pair)
        held = code >= 0
        levels, within = np.unique(code[held], return_inverse=True)
        place = np.full(len(code), -1, dtype=np.int64)
        place[held] = within
        if 1 < len(levels) < held.sum():
            found.append(Cross("*".join(pair), levels, place))
    return found


def screen(crosses: Sequence[Cross], rows: npt.NDArray[np.bool_], off: Floats, weight: Floats) -> Screened:
    """The crosses that may earn their place.

    Creatives i, j of one cell agree by chance alone when E[e_i e_j] = 0, e being how far each is off. So
    Σ w_i w_j e_i e_j / Σ w_i w_j over the pairs of all cells estimates σ², whatever the luck of each.

    Args:
        crosses: To be looked at.
        rows: Which creatives the next two speak of.
        off: How far each is from what the words alone expect, on the log scale.
        weight: Of each, one over its variance.
    """
    said = weight * off
    parts = (said, said**2, said**4, weight, weight**2)
    known = np.flatnonzero(rows)
    found, tops, bottoms = [], 0.0, 0.0
    for cross in crosses:
        place = cross.place[known] + 1  # the first cell takes those that have none
        one, two, four, worth, worth_two = (np.bincount(place, part, len(cross.levels) + 1)[1:] for part in parts)
        top, bottom = float((one**2 - two).sum()), float((worth**2 - worth_two).sum())
        error = float(np.sqrt(2.0 * max(float((two**2 - four).sum()), 0.0)))
        if bottom > 0 and error > 0:
            tops, bottoms = tops + top, bottoms + bottom
            found.append((top / error, cross, top / bottom))
    clear = [(z, cross, spread) for z, cross, spread in found if z >= LEAST_Z and spread >= LEAST_SPREAD]
    kept = sorted(clear, key=lambda entry: -entry[0])[:MOST_CROSSES]
    typical = max(tops / bottoms, LEAST_TYPICAL) if bottoms > 0 else LEAST_TYPICAL
    return Screened([(cross, spread) for _, cross, spread in kept], typical)
