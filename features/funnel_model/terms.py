"""The terms of the funnel model: which columns its design matrix has, as plain data fitted on the training creatives.

A term is a group of columns whose effects share one variance: one column per slope of a number, one per category of a
categorical term, one per pair of categories of an interaction, and hat functions of time for each promotion type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

import numpy as np
from pydantic import BaseModel, ConfigDict

from features.arrays import Codes, Floats, Seconds
from features.attributes import NUMBER_ATTRIBUTES
from features.point_in_time.array_frame import ArrayFrame, Categories, look_up
from features.point_in_time.entity_history import GROUPS, TAG, entity_name
from features.point_in_time.number_columns import Names
from features.schema import MULTI

PROMOTION_TYPE = "promotion_type"
TIME = "time"
LOG_SLOPES = {attribute.slope_name: attribute.name for attribute in NUMBER_ATTRIBUTES}
"""Slope → the column whose logarithm it multiplies."""
SQUARED_SLOPES = {attribute.square_name: attribute.slope_name for attribute in NUMBER_ATTRIBUTES if attribute.squared}
"""Slope of the square → the slope that is squared."""
HOUR_WAVES = {"hour_sin": np.sin, "hour_cos": np.cos}
KNOT_SECONDS = 14 * 86_400
"""Distance of the knots of the time basis: slower changes are fitted, faster ones are left to the residual."""
MAX_DEVIATIONS = 6.0
"""Standard deviations at which a standardised logarithm is clipped: a price of 1e-300 must not give a rate of 0."""
MIN_CREATIVES_PER_CATEGORY = 2.0
"""Mean number of creatives per category that a term needs: a column that identifies every creative is no predictor."""


class Terms(BaseModel):
    """The columns of the design matrix, as plain data (serialised with the model).

    Attributes:
        scaling: Slope → (mean, standard deviation) of its logarithm among the training creatives.
        columns: Categorical term → column of the frame that holds its values.
        categories: Categorical term → its categories, in the order of its columns.
        multi: Categorical terms of which a creative may have several values; each then counts in part.
        interactions: `a*b` → codes of the pairs that occur, rising: code of a · number of categories of b + code of b.
        knots: Seconds (since 1970) at which the hat functions of time have their maximum.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scaling: Mapping[str, tuple[float, float]]
    columns: Mapping[str, str]
    categories: Mapping[str, tuple[str, ...]]
    multi: tuple[str, ...]
    interactions: Mapping[str, tuple[int, ...]]
    knots: tuple[int, ...]

    @cached_property
    def category_codes(self) -> dict[str, dict[str, int]]:
        """Categorical term → category → its column within the term."""
        return {name: {value: code for code, value in enumerate(values)} for name, values in self.categories.items()}

    @cached_property
    def arrays(self) -> "TermArrays":
        """The single-valued categorical terms and the interactions as arrays."""
        single = tuple(name for name in self.categories if name not in self.multi)
        pairs = [name.split("*") for name in self.interactions]
        left, right = ([single.index(pair[side]) for pair in pairs] for side in (0, 1))
        sizes = [len(self.categories[name]) for name in single]
        possible = [sizes[one] * sizes[other] for one, other in zip(left, right)]
        offsets = np.array([*accumulate(possible, initial=0)], dtype=np.int64)[:-1]
        slopes, squares = list(self.scaling), {s: of for s, of in SQUARED_SLOPES.items() if of in self.scaling}
        occurring = [np.asarray(codes, dtype=np.int64) for codes in self.interactions.values()]
        return TermArrays(
            single=single,
            single_columns=tuple(self.columns[name] for name in single),
            single_codes=tuple(self.category_codes[name] for name in single),
            interactions=tuple(self.interactions),
            sizes=(*sizes, *(len(codes) for codes in occurring)),
            left=np.array(left, dtype=np.int64),
            right=np.array(right, dtype=np.int64),
            right_sizes=np.array([sizes[place] for place in right], dtype=np.int64),
            offsets=offsets,
            pair_codes=np.concatenate([np.zeros(0, dtype=np.int64), *(c + at for c, at in zip(occurring, offsets))]),
            first_pair=np.array([*accumulate(map(len, occurring), initial=0)], dtype=np.int64)[:-1],
            time_columns=len(self.categories[PROMOTION_TYPE]) * len(self.knots),
            knots=np.array(self.knots, dtype=np.float64),
            means=np.array([[mean] for mean, _ in self.scaling.values()]).reshape(-1, 1),
            deviations=np.array([[deviation] for _, deviation in self.scaling.values()]).reshape(-1, 1),
            squared=[slopes.index(slope) for slope in squares.values()],
            slopes=(*slopes, *squares, *HOUR_WAVES),
            scaled=Names(tuple(LOG_SLOPES[slope] for slope in slopes)),
        )

    def __copy__(self) -> "Terms":
        copied = super().__copy__()
        copied.__dict__.pop("arrays", None)  # cached from fields that `model_copy(update=…)` may replace
        copied.__dict__.pop("category_codes", None)
        return copied


@dataclass(frozen=True, eq=False)
class TermArrays:
    """The G single-valued categorical terms and the I interactions of some `Terms`, compiled once for fast look-ups.

    Attributes:
        single: G names of categorical terms with one value per creative.
        single_columns: G columns that they are read from.
        single_codes: Of each, category → code.
        interactions: I names.
        sizes: G + I numbers of columns.
        left: (I,) int64, index of the first factor in `single`.
        right: (I,) int64, index of the second factor.
        right_sizes: (I,) int64, number of categories of the second factor.
        offsets: (I,) int64, added to the pair codes of an interaction, so that codes of all interactions are distinct.
        pair_codes: (P,) int64 rising, offset codes of the P pairs that occur, over all interactions.
        first_pair: (I,) int64, index in `pair_codes` of each interaction's first pair.
        time_columns: Number of columns of the time basis: promotion types · knots.
        knots: (K,), `Terms.knots`.
        means: (slopes, 1), of the logarithms in `Terms.scaling`.
        deviations: (slopes, 1), likewise.
        squared: Indices of the slopes that also occur squared.
        slopes: Names of the slopes, their squares, then the waves of the hour.
        scaled: Columns of the numbers in `Terms.scaling`.
        layouts: Of `features.funnel_model.design_matrix.term_entries`, by names of slopes and widths of tags.
    """

    single: tuple[str, ...]
    single_columns: tuple[str, ...]
    single_codes: tuple[Mapping[str, int], ...]
    interactions: tuple[str, ...]
    sizes: tuple[int, ...]
    left: Codes
    right: Codes
    right_sizes: Codes
    offsets: Codes
    pair_codes: Codes
    first_pair: Codes
    time_columns: int
    knots: Floats
    means: Floats
    deviations: Floats
    squared: list[int]
    slopes: tuple[str, ...]
    scaled: Names
    layouts: dict[tuple[tuple[str, ...], tuple[int, ...]], tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...]]] = (
        field(default_factory=dict)
    )


def is_slope(term: str) -> bool:
    """Whether a term is the slope of a number."""
    return term in (*LOG_SLOPES, *SQUARED_SLOPES, *HOUR_WAVES)


def is_interaction(term: str) -> bool:
    """Whether a term has an effect for each pair of categories of two terms."""
    return "*" in term


def is_categorical(term: str) -> bool:
    """Whether a term has a random effect for each category; promotion type does not count, its effects are fixed."""
    return term not in (PROMOTION_TYPE, TIME) and not is_slope(term) and not is_interaction(term)


def fit_terms(frame: ArrayFrame, launch_times: Seconds, multi: Sequence[str]) -> Terms:
    """Derive the columns from the training creatives; interactions are added by the fit.

    Args:
        frame: N creatives: their attributes and `launch_hour`.
        launch_times: (N,) int64 seconds since 1970.
        multi: Tags, by their bare names, of which a creative may have several values.
    """
    scaling = {}
    for slope, column in LOG_SLOPES.items():
        logs = log_column(frame, column)
        if np.isfinite(logs).any():
            scaling[slope] = float(np.nanmean(logs)), max(float(np.nanstd(logs)), 1e-6)
    columns = {PROMOTION_TYPE: PROMOTION_TYPE}
    columns |= {entity_name(name): name for name in frame if name in GROUPS or name.startswith(TAG)}
    columns |= {"creative_source": "creative_source"} if "creative_source" in frame else {}
    several = tuple(name for name in multi if name in columns)
    categories = {}
    for name, column in columns.items():
        found, count = _categories(frame.categories(column), several=name in several)
        shared = len(found) > 1 and count >= MIN_CREATIVES_PER_CATEGORY * len(found)
        if shared or name == PROMOTION_TYPE:
            categories[name] = found
    first, last = int(launch_times.min(initial=2**40)), int(launch_times.max(initial=0))
    return Terms(
        scaling=scaling,
        columns={name: column for name, column in columns.items() if name in categories},
        categories=categories,
        multi=tuple(name for name in several if name in categories),
        interactions={},
        knots=tuple(range(first, last + KNOT_SECONDS, KNOT_SECONDS)) if last >= first else (0,),
    )


def _categories(column: Categories, *, several: bool) -> tuple[tuple[str, ...], int]:
    """The values of a column, sorted, and how often they occur in all; those of a multi-valued tag one by one."""
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values)).tolist()
    parts = [value.split(MULTI) if several else [value] for value in column.values]
    found = {part for values, count in zip(parts, counts) if count for part in values}
    return tuple(sorted(found)), sum(len(values) * count for values, count in zip(parts, counts))


def log_column(frame: ArrayFrame, column: str) -> Floats:
    """(N,) natural logarithm of a column; NaN where the number is missing or not above 0, or the column is absent."""
    values = frame.floats(column)
    return np.log(np.where(values > 0, values, np.nan))


def category_code_table(frame: ArrayFrame, terms: Terms) -> Codes:
    """(G, N) int64 category code of each row, by single-valued categorical term; −1 for missing or new values."""
    arrays = terms.arrays
    codes = look_up(frame.categories_of(arrays.single_columns), arrays.single_codes, count=len(frame))
    return np.asarray(codes, dtype=np.int64)
