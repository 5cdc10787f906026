"""What a creative is, as the columns of a mixed model: slopes of numbers, a level for every value, bumps of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from features.history import GROUPS, TAG, entity_name
from features.schema import MULTI
from features.table import distinct
from features.window import Codes, Seconds

Floats = npt.NDArray[np.float64]
Columns = dict[str, sparse.csr_matrix]

KIND = "promotion_type"
TIME = "time"
LOGS = {
    "log_price": "price_cny",
    "log_duration": "duration_s",
    "log_roi_target": "roi_target",
    "log_followers": "creator_followers",
}
"""Slope → the number whose logarithm it multiplies."""
SQUARES = {"log_price²": "log_price", "log_duration²": "log_duration"}
HOURS = {"hour_sin": np.sin, "hour_cos": np.cos}
KNOT_SECONDS = 14 * 86_400
"""How far the bumps of time lie apart: what is slower is told, what is faster is noise."""
FARTHEST = 6.0
"""Standard deviations beyond which a slope and its square say no more: a price of 1e-300 must not make a rate of 0."""
LEAST_PER_LEVEL = 2.0
"""Creatives a value must have in the mean: a column that names each creative is no description."""


class Terms(BaseModel):
    """The columns, as plain data.

    Attributes:
        numbers: Slope → (mean, standard deviation) of its logarithm.
        columns: Word term → column of the frame that holds it.
        levels: Word term → its values, in the order of its columns.
        multi: Word terms of which a creative may carry several values, each then counting in part.
        crosses: `a*b` → the pairs of values that occur, as code of a · number of values of b + code of b, rising.
        knots: Seconds at the middle of the bumps of time, of each promotion type.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: Mapping[str, tuple[float, float]]
    columns: Mapping[str, str]
    levels: Mapping[str, tuple[str, ...]]
    multi: tuple[str, ...]
    crosses: Mapping[str, tuple[int, ...]]
    knots: tuple[int, ...]

    @cached_property
    def places(self) -> dict[str, dict[str, int]]:
        """Word term → value → its column."""
        return {name: {value: place for place, value in enumerate(held)} for name, held in self.levels.items()}

    @property
    def words(self) -> list[str]:
        """Word terms with an effect of their own; that of the promotion type is its intercept."""
        return [name for name in self.levels if name != KIND]


def is_slope(term: str) -> bool:
    """Whether a term is the slope of a number."""
    return term in (*LOGS, *SQUARES, *HOURS)


def is_word(term: str) -> bool:
    """Whether a term has an effect for each value of a word."""
    return term not in (KIND, TIME) and not is_slope(term) and "*" not in term


def fit_terms(frame: pd.DataFrame, moments: Seconds, multi: Sequence[str]) -> Terms:
    """The columns that these creatives give, without crosses.

    Args:
        frame: Creatives: their attributes and `launch_hour`.
        moments: When each was launched.
        multi: Tags, by their bare names, of which a creative may carry several.
    """
    numbers = {}
    for slope, column in LOGS.items():
        logs = _logs(frame, column)
        if np.isfinite(logs).any():
            numbers[slope] = float(np.nanmean(logs)), max(float(np.nanstd(logs)), 1e-6)
    columns = {KIND: KIND}
    columns |= {entity_name(name): name for name in frame if name in GROUPS or name.startswith(TAG)}
    columns |= {"creative_source": "creative_source"} if "creative_source" in frame else {}
    several = tuple(name for name in multi if name in columns)
    levels = {}
    for name, column in columns.items():
        values = frame[column].dropna()
        values = values.str.split(MULTI, regex=False).explode() if name in several else values
        found = tuple(sorted(values.unique()))
        if (len(found) > 1 and len(values) >= LEAST_PER_LEVEL * len(found)) or name == KIND:
            levels[name] = found
    first, last = int(moments.min(initial=2**40)), int(moments.max(initial=0))
    return Terms(
        numbers=numbers,
        columns={name: column for name, column in columns.items() if name in levels},
        levels=levels,
        multi=tuple(name for name in several if name in levels),
        crosses={},
        knots=tuple(range(first, last + KNOT_SECONDS, KNOT_SECONDS)) if last >= first else (0,),
    )


def candidates(terms: Terms, wanted: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Pairs of words that may have joint effects: of promotion type, category and tags all, others as wanted."""
    single = [name for name in terms.levels if name not in terms.multi]
    plain = [name for name in single if name not in GROUPS or name == "category"]
    pairs = [*combinations(plain, 2), *(pair for pair in wanted if set(pair) <= set(single))]
    ordered = [(left, right) if single.index(left) < single.index(right) else (right, left) for left, right in pairs]
    return list(dict.fromkeys(ordered))


def codes_of(frame: pd.DataFrame, terms: Terms) -> dict[str, Codes]:
    """Code of each row's value, by single-valued word term; −1 where it is missing or has no column."""
    found = {}
    for name, known in terms.places.items():
        if name not in terms.multi:
            column = terms.columns[name]
            found[name] = _code(frame[column], known) if column in frame else np.full(len(frame), -1, dtype=np.int64)
    return found


def cross_code(codes: Mapping[str, Codes], terms: Terms, pair: tuple[str, str]) -> Codes:
    """Code of each row's pair of values; −1 where one of them has none."""
    left, right = (codes[name] for name in pair)
    return np.where((left >= 0) & (right >= 0), left * len(terms.levels[pair[1]]) + right, -1)


@dataclass(frozen=True)
class Entry:
    """One term's columns of some rows: which of them each row has, as a rule one, and how much of it.

    Attributes:
        places: Of columns, a row a row; −1 where there is none.
        values: In these columns.
        size: How many columns the term has.
    """

    places: Codes
    values: Floats
    size: int

    @property
    def columns(self) -> sparse.csr_matrix:
        """The same as a matrix."""
        row, slot = np.nonzero((self.places >= 0) & (self.values != 0.0))
        told = self.values[row, slot], (row, self.places[row, slot])
        return sparse.csr_matrix(told, shape=(len(self.places), self.size))


def term_columns(frame: pd.DataFrame, moments: Seconds, terms: Terms) -> Columns:
    """Every term's columns for these rows (`term_entries`)."""
    return {name: entry.columns for name, entry in term_entries(frame, moments, terms).items()}


def term_entries(frame: pd.DataFrame, moments: Seconds, terms: Terms) -> dict[str, Entry]:
    """Every term's columns for these rows; a value that has none leaves its term at 0, that of the mean creative.

    Args:
        frame: Rows with creatives' attributes, `promotion_type` and `launch_hour`.
        moments: The moment whose level of the market counts, for each row.
        terms: Of `fit_terms`.
    """
    codes = codes_of(frame, terms)
    found = {KIND: _one_hot(codes[KIND], len(terms.levels[KIND]))}
    logs = {}
    for slope, (mean, deviation) in terms.numbers.items():
        scaled = (_logs(frame, LOGS[slope]) - mean) / deviation
        logs[slope] = np.maximum(np.minimum(scaled, FARTHEST), -FARTHEST)
        found[slope] = _slope(logs[slope])
    for square, slope in SQUARES.items():
        if slope in logs:
            found[square] = _slope(logs[slope] ** 2 - 1.0)
    if "launch_hour" in frame:
        turn = frame["launch_hour"].to_numpy(np.float64) * (2.0 * np.pi / 24.0)
        found |= {name: _slope(wave(turn)) for name, wave in HOURS.items()}
    found[TIME] = _bumps(moments, codes[KIND], terms)
    for name in terms.words:
        found[name] = (
            _shares(frame, name, terms) if name in terms.multi else _one_hot(codes[name], len(terms.levels[name]))
        )
    for name, pairs in terms.crosses.items():
        left, right = name.split("*")
        known = np.asarray(pairs, dtype=np.int64)
        code = cross_code(codes, terms, (left, right))
        place = np.minimum(known.searchsorted(code), len(known) - 1)
        found[name] = _one_hot(np.where((code >= 0) & (known[place] == code), place, -1), len(known))
    return found


def _logs(frame: pd.DataFrame, column: str) -> Floats:
    if column not in frame:
        return np.full(len(frame), np.nan)
    values = frame[column].to_numpy(np.float64)
    return np.log(np.where(values > 0, values, np.nan))


def _code(values: pd.Series, known: Mapping[str, int]) -> Codes:
    place, held = distinct(values)
    return np.array([*(known.get(value, -1) for value in held), -1], dtype=np.int64)[place]


def _one_hot(codes: Codes, size: int) -> Entry:
    return Entry(codes[:, None], np.ones((len(codes), 1)), size)


def _slope(values: Floats) -> Entry:
    return Entry(np.zeros((len(values), 1), dtype=np.int64), np.where(np.isnan(values), 0.0, values)[:, None], 1)


def _shares(frame: pd.DataFrame, name: str, terms: Terms) -> Entry:
    """Each value of a row counts in part; one that has no column leaves its part out."""
    column, known = terms.columns[name], terms.places[name]
    if column not in frame:
        nowhere = np.full((len(frame), 1), -1, dtype=np.int64)
        return Entry(nowhere, np.zeros((len(frame), 1)), len(known))
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
    return Entry(places[place], values[place], len(known))


def _bumps(moments: Seconds, kinds: Codes, terms: Terms) -> Entry:
    """Hat functions of time, a set for each promotion type; beyond the last knot its level goes on."""
    knots = terms.knots
    at = np.interp(moments.astype(np.float64), knots, np.arange(len(knots), dtype=np.float64))
    low = np.floor(at).astype(np.int64)
    places = np.stack([low, np.minimum(low + 1, len(knots) - 1)], axis=1) + (kinds * len(knots))[:, None]
    values = np.stack([1.0 - (at - low), at - low], axis=1)
    return Entry(np.where(kinds[:, None] >= 0, places, -1), values, len(terms.levels[KIND]) * len(knots))
