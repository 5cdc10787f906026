"""What a creative is, as the columns of a mixed model: slopes of numbers, a level for every value, bumps of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.attributes import NUMBER_ATTRIBUTES
from features.point_in_time.array_frame import coded
from features.point_in_time.entity_history import GROUPS, TAG, entity_name
from features.point_in_time.windowed_sums import Codes, Seconds
from features.schema import MULTI

Floats = npt.NDArray[np.float64]

KIND = "promotion_type"
TIME = "time"
LOGS = {attribute.slope_name: attribute.name for attribute in NUMBER_ATTRIBUTES}
"""Slope → the number whose logarithm it multiplies."""
SQUARES = {attribute.square_name: attribute.slope_name for attribute in NUMBER_ATTRIBUTES if attribute.squared}
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

    @cached_property
    def ready(self) -> "Ready":
        """The word terms and crosses side by side."""
        single = tuple(name for name in self.levels if name not in self.multi)
        pairs = [name.split("*") for name in self.crosses]
        left, right = ([single.index(pair[side]) for pair in pairs] for side in (0, 1))
        sizes = [len(self.levels[name]) for name in single]
        seconds = np.array([sizes[place] for place in right], dtype=np.int64)
        room = [sizes[one] * sizes[other] for one, other in zip(left, right)]
        base = np.array([*accumulate(room, initial=0)], dtype=np.int64)[:-1]
        held = [np.asarray(codes, dtype=np.int64) for codes in self.crosses.values()]
        return Ready(
            single=single,
            crosses=tuple(self.crosses),
            sizes=(*sizes, *(len(codes) for codes in held)),
            left=np.array(left, dtype=np.int64),
            right=np.array(right, dtype=np.int64),
            seconds=seconds,
            base=base,
            keys=np.concatenate([np.zeros(0, dtype=np.int64), *(codes + at for codes, at in zip(held, base))]),
            first=np.array([*accumulate(map(len, held), initial=0)], dtype=np.int64)[:-1],
            bumps=len(self.levels[KIND]) * len(self.knots),
        )

    def __copy__(self) -> "Terms":
        copied = super().__copy__()
        copied.__dict__.pop("ready", None)  # made of what the copy may replace
        copied.__dict__.pop("places", None)
        return copied


@dataclass(frozen=True, eq=False)
class Ready:
    """Word terms and crosses side by side, made once.

    Attributes:
        single: Word terms of one value.
        crosses: Their names.
        sizes: Columns of each of these terms.
        left, right: By cross: place of its words in `single`.
        seconds: By cross: values of its second word.
        base: By cross: what is added to its codes, so that those of all crosses differ.
        keys: Codes of the pairs of values that occur, of all crosses, rising.
        first: By cross: place of its first pair among them.
        bumps: Columns of time.
    """

    single: tuple[str, ...]
    crosses: tuple[str, ...]
    sizes: tuple[int, ...]
    left: Codes
    right: Codes
    seconds: Codes
    base: Codes
    keys: Codes
    first: Codes
    bumps: int


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
        logs = logarithms(frame, column)
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
    return dict(zip(terms.ready.single, code_table(frame, terms)))


def cross_code(codes: Mapping[str, Codes], terms: Terms, pair: tuple[str, str]) -> Codes:
    """Code of each row's pair of values; −1 where one of them has none."""
    left, right = (codes[name] for name in pair)
    return np.where((left >= 0) & (right >= 0), left * len(terms.levels[pair[1]]) + right, -1)


def logarithms(frame: pd.DataFrame, column: str) -> Floats:
    """Of a column of numbers; NaN where they are not known or not above 0."""
    if column not in frame:
        return np.full(len(frame), np.nan)
    values = frame[column].to_numpy(np.float64)
    return np.log(np.where(values > 0, values, np.nan))


def code_table(frame: pd.DataFrame, terms: Terms) -> Codes:
    """Code of each row's value, a line a single-valued word term; −1 where it is missing or has no column."""
    found = np.full((len(terms.ready.single), len(frame)), -1, dtype=np.int64)
    for line, name in zip(found, terms.ready.single):
        if terms.columns[name] in frame:
            line[:] = coded(frame[terms.columns[name]], terms.places[name])
    return found
