"""The design matrix of the funnel model, in compact form: the non-zero columns of each row instead of a row of zeros.

Prediction uses the compact form (`TermEntries`); the fit uses one sparse matrix per term (`term_matrices`).
"""

from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from scipy import sparse

from features.arrays import Codes, Floats, Seconds
from features.funnel_model.terms import (
    HOUR_WAVES,
    MAX_DEVIATIONS,
    PROMOTION_TYPE,
    TIME,
    TermArrays,
    Terms,
    category_code_table,
)
from features.point_in_time.array_frame import ArrayFrame
from features.schema import MULTI

TermMatrices = dict[str, sparse.csr_matrix]
"""Term → its columns of the design matrix, (N, number of columns of the term)."""


@dataclass(frozen=True)
class TermEntries:
    """Non-zero entries of the design matrix for N rows and T terms, in K slots: mostly one slot per term.

    Time takes two slots (two hat functions overlap at any moment), a multi-valued tag as many as a row has values.

    Attributes:
        names: T term names.
        edges: T + 1 positions: term t has the slots edges[t] to edges[t + 1] − 1.
        columns: (N, K) int64, column within the slot's term; −1 where a slot is empty. Empty slots of a term come
            after its used ones.
        values: (N, K), value in that column.
        sizes: T numbers of columns.

    >>> entries = TermEntries(
    ...     names=("hook", "time"),
    ...     edges=(0, 1, 3),
    ...     columns=np.array([[1, 0, 1], [-1, 1, 2]]),
    ...     values=np.array([[1.0, 0.5, 0.5], [1.0, 0.25, 0.75]]),
    ...     sizes=(2, 3),
    ... )
    >>> entries.matrices()["hook"].toarray().tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    >>> entries.matrices()["time"].toarray().tolist()
    [[0.5, 0.5, 0.0], [0.0, 0.25, 0.75]]
    """

    names: tuple[str, ...]
    edges: tuple[int, ...]
    columns: Codes
    values: Floats
    sizes: tuple[int, ...]

    def matrices(self) -> TermMatrices:
        """The same entries as one sparse matrix per term."""
        found = {}
        for name, size, first, last in zip(self.names, self.sizes, self.edges, self.edges[1:]):
            columns, values = self.columns[:, first:last], self.values[:, first:last]
            row, slot = np.nonzero((columns >= 0) & (values != 0.0))
            entries = values[row, slot], (row, columns[row, slot])
            found[name] = sparse.csr_matrix(entries, shape=(len(columns), size))
        return found


def term_matrices(frame: ArrayFrame, times: Seconds, terms: Terms) -> TermMatrices:
    """Every term's columns for these rows as a sparse matrix (see `term_entries`)."""
    return term_entries(frame, times, terms).matrices()


def term_entries(frame: ArrayFrame, times: Seconds, terms: Terms) -> TermEntries:
    """Every term's columns for these rows.

    Where a value is missing or new to the model the term contributes 0, the effect of the average creative.

    Args:
        frame: N rows with creatives' attributes, `promotion_type` and `launch_hour`.
        times: (N,) int64 seconds since 1970: the moment at which the time effect is evaluated.
        terms: Of `fit_terms`.
    """
    arrays, count = terms.arrays, len(times)
    codes = category_code_table(frame, terms)
    slope_names, slopes = _slopes(frame, terms)
    time_columns, heights = _time_basis(times, codes[arrays.single.index(PROMOTION_TYPE)], terms)
    shares = [_value_shares(frame, name, terms) for name in terms.multi]
    columns = [codes.T, _pair_columns(codes, arrays).T, np.zeros((count, len(slopes)), dtype=np.int64), time_columns]
    values = [np.ones((count, len(codes) + len(arrays.interactions))), slopes.T]
    names, edges, sizes = _layout(terms, slope_names, tuple(part.shape[1] for part, _ in shares))
    return TermEntries(
        names=names,
        edges=edges,
        columns=np.concatenate([*columns, *(part for part, _ in shares)], axis=1),
        values=np.concatenate([*values, heights, *(share for _, share in shares)], axis=1),
        sizes=sizes,
    )


def _layout(
    terms: Terms, slopes: tuple[str, ...], widths: tuple[int, ...]
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]:
    """Names, edges and sizes of `TermEntries` with these slopes and widths of multi-valued tags; made once."""
    arrays, key = terms.arrays, (slopes, widths)
    if key not in arrays.layouts:
        names = (*arrays.single, *arrays.interactions, *slopes, TIME, *terms.multi)
        slots = [1] * (len(names) - 1 - len(widths)) + [2, *widths]
        of_multi = (len(terms.categories[name]) for name in terms.multi)
        sizes = (*arrays.sizes, *[1] * len(slopes), arrays.time_columns, *of_multi)
        arrays.layouts[key] = names, tuple(accumulate(slots, initial=0)), sizes
    return arrays.layouts[key]


def _slopes(frame: ArrayFrame, terms: Terms) -> tuple[tuple[str, ...], Floats]:
    """Names of the L slopes, and (L, N) regressors, standardised to mean 0 and deviation 1; 0 where it is unknown."""
    arrays, known = terms.arrays, np.zeros((0, len(frame)))
    if terms.scaling:
        numbers = frame.known(arrays.scaled)
        scaled = (np.log(np.where(numbers > 0, numbers, np.nan)) - arrays.means) / arrays.deviations
        known = np.maximum(np.minimum(scaled, MAX_DEVIATIONS), -MAX_DEVIATIONS)
    # x² − 1 has mean 0 for a standardised x: the second Hermite polynomial, uncorrelated with x itself.
    parts = [known, known[arrays.squared] ** 2 - 1.0]
    if "launch_hour" in frame:
        angle = frame.floats("launch_hour") * (2.0 * np.pi / 24.0)
        parts += [wave(angle)[None] for wave in HOUR_WAVES.values()]
    slopes = np.concatenate(parts)
    return arrays.slopes[: len(slopes)], np.where(np.isnan(slopes), 0.0, slopes)


def _pair_columns(codes: Codes, arrays: TermArrays) -> Codes:
    """(I, N) column of each row's pair of categories within its interaction; −1 where the pair has no column.

    Args:
        codes: (G, N) category codes.
        arrays: Of the terms.
    """
    left, right = codes[arrays.left], codes[arrays.right]
    key = left * arrays.right_sizes[:, None] + right + arrays.offsets[:, None]
    at = np.minimum(arrays.pair_codes.searchsorted(key), max(len(arrays.pair_codes) - 1, 0))
    known = (left >= 0) & (right >= 0)
    if len(arrays.pair_codes):
        known &= arrays.pair_codes[at] == key
    return np.where(known, at - arrays.first_pair[:, None], -1)


def _value_shares(frame: ArrayFrame, name: str, terms: Terms) -> tuple[Codes, Floats]:
    """Columns and shares of a multi-valued tag: each of a row's m values counts 1/m.

    Returns:
        Two arrays (N, most values of one row): column of each value, −1 for none, and its share. A value that is new
        to the model has no column, and its share is dropped.
    """
    column, codes = terms.columns[name], terms.category_codes[name]
    if column not in frame:
        return np.full((len(frame), 1), -1, dtype=np.int64), np.zeros((len(frame), 1))
    tags = frame.categories(column)
    shares: list[dict[int, float]] = []
    for text in tags.values:
        parts = text.split(MULTI)
        shares.append({})
        for code in (codes[part] for part in parts if part in codes):
            shares[-1][code] = shares[-1].get(code, 0.0) + 1.0 / len(parts)
    most = max([1, *(len(one) for one in shares)])
    # One line more than there are values: code −1 (missing) selects that last, empty line.
    columns, values = np.full((len(shares) + 1, most), -1, dtype=np.int64), np.zeros((len(shares) + 1, most))
    for row, one in enumerate(shares):
        columns[row, : len(one)], values[row, : len(one)] = list(one), list(one.values())
    return columns[tags.codes], values[tags.codes]


def _time_basis(times: Seconds, promotion_types: Codes, terms: Terms) -> tuple[Codes, Floats]:
    """Hat functions on the knots (linear interpolation between knot values), a set for each promotion type.

    A moment between two knots has the two hat functions around it, with heights that add up to 1; before the first
    and after the last knot the value of that knot applies.

    Args:
        times: (N,) seconds since 1970.
        promotion_types: (N,) category code, −1 where it is new to the model.
        terms: With K knots.

    Returns:
        Two arrays (N, 2): column (type code · K + knot), −1 where the type is new; and height.
    """
    knots = terms.arrays.knots
    at = np.interp(times.astype(np.float64), knots, np.arange(len(knots), dtype=np.float64))
    low = np.floor(at).astype(np.int64)
    columns = np.array([low, np.minimum(low + 1, len(knots) - 1)]) + promotion_types * len(knots)
    return np.where(promotion_types >= 0, columns, -1).T, np.array([1.0 - (at - low), at - low]).T
