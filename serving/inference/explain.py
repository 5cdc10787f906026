"""Explanations as JSON: names, labels in both languages, logs and factors of every contribution.

An explanation lists hundreds of contributions, so its text is joined from pieces: what is always the same of a feature
or of an effect (its name and labels) is written once, and orjson writes the numbers of all rows in one call.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import orjson

from features.arrays import Floats
from features.matrix.catalogue import Feature
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from training.explanation.contributions import LogContributions
from training.explanation.labels import effect_label

NUMPY = orjson.OPT_SERIALIZE_NUMPY
LOG, FACTOR = b',"log":', b',"factor":'


@dataclass(frozen=True)
class FeatureTexts:
    """What explanations of a model say of its features, as JSON.

    Attributes:
        begins: Of each feature: the end of an entry before, then its own as far as `"value":`.
        words: Place of a categorical feature → each of its categories, as far as `"log":`.
    """

    begins: list[bytes]
    words: dict[int, list[bytes]]

    @classmethod
    def of(cls, catalogue: Sequence[Feature], encoder: Encoder) -> "FeatureTexts":
        """Write them."""
        return cls(
            [_begin(feature.name, feature.zh, feature.en) + b',"value":' for feature in catalogue],
            {
                place: [orjson.dumps(word) + LOG for word in encoder.codes[feature.name]]
                for place, feature in enumerate(catalogue)
                if feature.categorical
            },
        )

    def with_values(self, values: Floats, places: Sequence[int]) -> dict[int, bytes]:
        """Entries of some features of one row, (features,), as far as `"log":`, by place; null for a missing value."""
        numbers = dict(zip(places, _numbers(values.take(places), LOG))) if len(places) else {}
        for place in self.words.keys() & numbers.keys():
            if (code := values[place]) == code:
                numbers[place] = self.words[place][int(code)]
        return {place: self.begins[place] + number for place, number in numbers.items()}


def explanations(
    features: Features,
    texts: FeatureTexts,
    stages: Mapping[str, LogContributions],
    targets: Mapping[str, LogContributions],
    top: int | None,
) -> list[orjson.Fragment]:
    """The explanation of each row (`serving.api.responses.PredictionExplanation`).

    Args:
        features: Of the rows.
        texts: Of the model.
        stages: Contributions to each stage.
        targets: Contributions to each target.
        top: Features listed one by one, largest first; None: all that are not 0.
    """
    explained = [*stages.values(), *targets.values()]
    openings = [*_openings(b'{"stages":', stages), *_openings(b'},"targets":', targets)]
    effect_begins = [_effect_begins(own.effect_names) for own in explained]
    effects, shap = _Listed.of([own.effects for own in explained]), _Listed.of([own.shap for own in explained], top)
    others = np.zeros_like(shap.rest) if top is None else shap.rest
    sums = [(own.baseline, own.own_evidence, own.clipped + 0.0) for own in explained]  # + 0.0: no negative zero in JSON
    baseline, evidence, held = np.array(sums).transpose(1, 2, 0)
    sums_of_rows = np.stack([baseline, evidence, others, held], axis=-1).reshape(-1)
    pairs = zip(_numbers(sums_of_rows, FACTOR), _numbers(np.exp(sums_of_rows)))
    totals = iter(_numbers(np.array([own.total for own in explained]).T.reshape(-1)))
    found = []
    for row in range(len(features.reference_price)):
        feature_begins = texts.with_values(features.values.matrix[row], shap.columns(row))
        pieces: list[bytes] = []
        for opening, own_effects in zip(openings, effect_begins):
            pieces += opening, next(totals), b',"baseline":{"log":', *next(pairs), b'},"start":'
            pieces += effects.entries(own_effects)
            pieces += b',"early_evidence":{"log":', *next(pairs), b'},"features":'
            pieces += shap.entries(feature_begins)
            pieces += b',"others":{"log":', *next(pairs), b'},"held_at_1":{"log":', *next(pairs), b"}}"
        pieces.append(b"}}")
        found.append(orjson.Fragment(b"".join(pieces)))
    return found


class _Listed:
    """Contributions that are listed one by one, of all rows and in each row of all that is explained."""

    def __init__(self, places: list[int], logs: Floats, counts: npt.NDArray[np.int64], rest: Floats) -> None:
        self._places = places
        self._logs, self._factors = _numbers(logs, FACTOR), _numbers(np.exp(logs))
        self._counts = iter(counts.ravel().tolist())
        self._row_ends = [0, *counts.sum(axis=1).cumsum().tolist()]
        self._begin = 0
        self.rest = rest
        """(rows, explained) Sum of those that are not listed."""

    @classmethod
    def of(cls, tables: Sequence[Floats], top: int | None = None) -> "_Listed":
        """List the contributions that are not 0, largest first.

        Args:
            tables: Of all that is explained: (rows, contributions).
            top: At most how many of a row.
        """
        wide = [place for place, table in enumerate(tables) if table.shape[1]]
        logs = np.zeros((len(tables[0]), len(wide), max([0, *(table.shape[1] for table in tables)])))
        for line, place in enumerate(wide):
            logs[:, line, : tables[place].shape[1]] = tables[place]
        order = np.argsort(-np.abs(logs), axis=-1)
        falling = np.take_along_axis(logs, order, axis=-1)
        found = np.count_nonzero(falling, axis=-1)
        if top is not None:
            found = np.minimum(found, top)
        listed = np.arange(logs.shape[-1]) < found[..., None]
        counts, rest = np.zeros((len(logs), len(tables)), dtype=np.int64), np.zeros((len(logs), len(tables)))
        counts[:, wide] = found
        rest[:, wide] = logs.sum(axis=-1) - falling[..., :top].sum(axis=-1)
        return cls(order[listed].tolist(), falling[listed], counts, rest)

    def columns(self, row: int) -> list[int]:
        """Columns that are listed in a row, each once."""
        return list(set(self._places[self._row_ends[row] : self._row_ends[row + 1]]))

    def entries(self, begins: Sequence[bytes] | Mapping[int, bytes]) -> list[bytes]:
        """Pieces of the next list: of the next row, or of the next that is explained; `begins`: of each column."""
        count = next(self._counts)
        if not count:
            return [b"[]"]
        own = slice(self._begin, self._begin + count)
        self._begin += count
        pieces = [b""] * (3 * count)
        pieces[::3] = map(begins.__getitem__, self._places[own])
        pieces[1::3] = self._logs[own]
        pieces[2::3] = self._factors[own]
        pieces[0] = b"[" + pieces[0][2:]
        pieces.append(b"}]")
        return pieces


def _begin(name: str, zh: str, en: str) -> bytes:
    return b"}," + orjson.dumps({"name": name, "zh": zh, "en": en})[:-1]


@lru_cache(maxsize=256)
def _effect_begins(names: tuple[str, ...]) -> list[bytes]:
    """Of each effect: the end of an entry before, then its own as far as `"log":`."""
    return [_begin(name, *effect_label(name)) + LOG for name in names]


def _openings(part: bytes, names: Mapping[str, object]) -> list[bytes]:
    """Of each stage or target: what stands before the number of its explanation; `part` before the first."""
    before = [part + b"{", *[b","] * (len(names) - 1)]
    return [comma + orjson.dumps(name) + b':{"log_prediction":' for comma, name in zip(before, names)]


def _numbers(values: Floats, end: bytes = b"") -> list[bytes]:
    """Each number, (n,), and what stands after it."""
    text = orjson.dumps(values, option=NUMPY)[1:-1]
    if not end:
        return text.split(b",")
    found = text.replace(b",", end + b";").split(b";")
    found[-1] += end
    return found
