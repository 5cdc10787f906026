"""Which columns of a mixed model some creatives have: one place in each term, as a rule, instead of a row of zeros."""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from features.funnel_model.terms import FARTHEST, HOURS, KIND, LOGS, SQUARES, TIME, Ready, Terms, code_table, logarithms
from features.point_in_time.array_frame import distinct
from features.point_in_time.windowed_sums import Codes, Seconds
from features.schema import MULTI

Floats = npt.NDArray[np.float64]
Columns = dict[str, sparse.csr_matrix]


@dataclass(frozen=True)
class Entries:
    """Which columns of each term some rows have, and how much of each: as a rule one column a term.

    Attributes:
        names: Of the terms.
        edges: Where each term's entries begin, and the end: a term's entries lie beside each other.
        places: Of columns within their term, a row a row; −1 where there is none, behind those that are.
        values: In these columns.
        sizes: How many columns each term has.
    """

    names: tuple[str, ...]
    edges: tuple[int, ...]
    places: Codes
    values: Floats
    sizes: tuple[int, ...]

    def columns(self) -> Columns:
        """The same as a matrix a term."""
        found = {}
        for name, size, first, last in zip(self.names, self.sizes, self.edges, self.edges[1:]):
            places, values = self.places[:, first:last], self.values[:, first:last]
            row, slot = np.nonzero((places >= 0) & (values != 0.0))
            told = values[row, slot], (row, places[row, slot])
            found[name] = sparse.csr_matrix(told, shape=(len(places), size))
        return found


def term_columns(frame: pd.DataFrame, moments: Seconds, terms: Terms) -> Columns:
    """Every term's columns for these rows (`term_entries`)."""
    return term_entries(frame, moments, terms).columns()


def term_entries(frame: pd.DataFrame, moments: Seconds, terms: Terms) -> Entries:
    """Every term's columns for these rows; a value that has none leaves its term at 0, that of the mean creative.

    Args:
        frame: Rows with creatives' attributes, `promotion_type` and `launch_hour`.
        moments: The moment whose level of the market counts, for each row.
        terms: Of `fit_terms`.
    """
    ready, count = terms.ready, len(moments)
    codes = code_table(frame, terms)
    slopes = _slopes(frame, terms)
    bumps, heights = _bumps(moments, codes[ready.single.index(KIND)], terms)
    several = [_shares(frame, name, terms) for name in terms.multi]
    places = [codes.T, _crossed(codes, ready).T, np.zeros((count, len(slopes)), dtype=np.int64), bumps]
    values = [np.ones((count, len(codes) + len(ready.crosses))), *([np.array(list(slopes.values())).T] * bool(slopes))]
    names = (*ready.single, *ready.crosses, *slopes, TIME, *terms.multi)
    widths = [1] * (len(names) - 1 - len(several)) + [2] + [shares[0].shape[1] for shares in several]
    return Entries(
        names=names,
        edges=tuple(accumulate(widths, initial=0)),
        places=np.concatenate([*places, *(shares[0] for shares in several)], axis=1),
        values=np.concatenate([*values, heights, *(shares[1] for shares in several)], axis=1),
        sizes=(*ready.sizes, *[1] * len(slopes), ready.bumps, *(len(terms.levels[name]) for name in terms.multi)),
    )


def _slopes(frame: pd.DataFrame, terms: Terms) -> dict[str, Floats]:
    """Of every slope what it multiplies, 0 where that is not known."""
    found: dict[str, Floats] = {}
    for slope, (mean, deviation) in terms.numbers.items():
        scaled = (logarithms(frame, LOGS[slope]) - mean) / deviation
        found[slope] = np.maximum(np.minimum(scaled, FARTHEST), -FARTHEST)
    found |= {square: found[slope] ** 2 - 1.0 for square, slope in SQUARES.items() if slope in found}
    if "launch_hour" in frame:
        turn = frame["launch_hour"].to_numpy(np.float64) * (2.0 * np.pi / 24.0)
        found |= {name: wave(turn) for name, wave in HOURS.items()}
    return {name: np.where(np.isnan(values), 0.0, values) for name, values in found.items()}


def _crossed(codes: Codes, ready: Ready) -> Codes:
    """Place of each row's pair of values among those of each cross; −1 where it is none of them."""
    left, right = codes[ready.left], codes[ready.right]
    key = left * ready.seconds[:, None] + right + ready.base[:, None]
    at = np.minimum(ready.keys.searchsorted(key), max(len(ready.keys) - 1, 0))
    known = (left >= 0) & (right >= 0)
    if len(ready.keys):
        known &= ready.keys[at] == key
    return np.where(known, at - ready.first[:, None], -1)


def _shares(frame: pd.DataFrame, name: str, terms: Terms) -> tuple[Codes, Floats]:
    """Each value of a row counts in part; one that has no column leaves its part out."""
    column, known = terms.columns[name], terms.places[name]
    if column not in frame:
        return np.full((len(frame), 1), -1, dtype=np.int64), np.zeros((len(frame), 1))
    place, held = distinct(frame[column])
    shares: list[dict[int, float]] = []
    for text in held:
        parts = text.split(MULTI)
        shares.append({})
        for code in (known[part] for part in parts if part in known):
            shares[-1][code] = shares[-1].get(code, 0.0) + 1.0 / len(parts)
    most = max([1, *(len(one) for one in shares)])
    places, values = np.full((len(held) + 1, most), -1, dtype=np.int64), np.zeros((len(held) + 1, most))
    for row, one in enumerate(shares):
        places[row, : len(one)], values[row, : len(one)] = list(one), list(one.values())
    return places[place], values[place]


def _bumps(moments: Seconds, kinds: Codes, terms: Terms) -> tuple[Codes, Floats]:
    """Hat functions of time, a set for each promotion type; beyond the last knot its level goes on."""
    knots = terms.knots
    at = np.interp(moments.astype(np.float64), knots, np.arange(len(knots), dtype=np.float64))
    low = np.floor(at).astype(np.int64)
    places = np.array([low, np.minimum(low + 1, len(knots) - 1)]) + kinds * len(knots)
    return np.where(kinds >= 0, places, -1).T, np.array([1.0 - (at - low), at - low]).T
