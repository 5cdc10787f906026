"""What the ledger records of one request: encoded once, so that its size is known while it waits."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

NOT_STORED = "explanation"
"""Key of an answer that is left out: explanations follow from the features and the model."""
OVERHEAD_BYTES = 1500
"""Memory that one recorded creative takes beside its features and its answer, measured."""

_LENGTH_BYTES = 8
_PLAIN = ("request_id", "at", "caller", "endpoint", "input_sha256")


@dataclass(frozen=True)
class RecordedModel:
    """The model that answered.

    Attributes:
        name: Of the registered model.
        version: Of the model.
        features: Names of its features.
        about: `identity` and `hit` of `serving.inference.loaded_model.LoadedModel`, and `time_zone`.
    """

    name: str
    version: str
    features: Sequence[str]
    about: Mapping[str, object]


class RecordedCreative(NamedTuple):
    """One creative of an answer.

    Attributes:
        promotion_type: Of the creative.
        account_id: Of the creative.
        creative_id: Of the creative.
        age_hours: Hours since launch at the cutoff; 0 before it.
        cutoff: End of what was known of it, ISO 8601, in the model's time zone.
        features: `pack_features`.
        answer: JSON in UTF-8.
    """

    promotion_type: str
    account_id: str
    creative_id: str
    age_hours: float
    cutoff: str
    features: bytes
    answer: bytes


@dataclass(frozen=True)
class LedgerRecord:
    """The answer to one request.

    Attributes:
        request_id: Of the request.
        at: Time of the answer, UTC, ISO 8601.
        caller: Name of the API key.
        endpoint: `predict`, `rank` or `plan`.
        model: That answered.
        input_sha256: Of the request's body.
        creatives: In the order of the answer.
    """

    request_id: str
    at: str
    caller: str
    endpoint: str
    model: RecordedModel
    input_sha256: str
    creatives: tuple[RecordedCreative, ...]

    @property
    def answers(self) -> list[dict[str, object]]:
        """What was answered, parsed anew."""
        return [orjson.loads(one.answer) for one in self.creatives]

    @cached_property
    def size(self) -> int:
        """Bytes that it takes in memory, about."""
        return sum(len(one.features) + len(one.answer) + OVERHEAD_BYTES for one in self.creatives)


def recorded_creatives(
    answers: Sequence[Mapping[str, object]],
    values: npt.NDArray[np.float64],
    age_hours: npt.NDArray[np.float64],
    cutoffs: npt.NDArray[np.datetime64],
) -> tuple[RecordedCreative, ...]:
    """Encode the creatives of an answer.

    Args:
        answers: By creative: its key and its prediction; an explanation is left out.
        values: Feature values; axis 0: creatives in the order of `answers`, axis 1: features; NaN where not known.
        age_hours: (creatives,) hours since launch.
        cutoffs: (creatives,) datetime64, in the model's time zone.
    """
    ends = np.datetime_as_string(cutoffs, unit="s").tolist()
    return tuple(
        RecordedCreative(
            promotion_type=str(answer["promotion_type"]),
            account_id=str(answer["account_id"]),
            creative_id=str(answer["creative_id"]),
            age_hours=age,
            cutoff=end,
            features=pack_features(row),
            answer=orjson.dumps({name: part for name, part in answer.items() if name != NOT_STORED}),
        )
        for answer, row, age, end in zip(answers, values, age_hours.tolist(), ends, strict=True)
    )


def pack_features(values: npt.NDArray[np.float64]) -> bytes:
    """Feature values of one creative (1-D) as they are stored: little-endian float64 in a zlib stream.

    The stream is not compressed: compression would save a quarter of the bytes and take most of the ledger's time.
    """
    return zlib.compress(np.ascontiguousarray(values, dtype="<f8").tobytes(), 0)


def unpack_features(content: bytes) -> list[float | None]:
    """The inverse of `pack_features`; None for NaN."""
    return [None if value != value else value for value in np.frombuffer(zlib.decompress(content), "<f8").tolist()]


def pack_record(record: LedgerRecord) -> bytes:
    """A record as bytes: a head in JSON, whose length stands before it, then features and answers of the creatives."""
    head = orjson.dumps(
        {
            **{name: value for name, value in vars(record).items() if name in _PLAIN},
            "model": asdict(record.model),
            "creatives": [(*one[:-2], len(one.features), len(one.answer)) for one in record.creatives],
        }
    )
    parts = [part for one in record.creatives for part in (one.features, one.answer)]
    return b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, *parts])


def unpack_record(content: bytes) -> LedgerRecord:
    """The inverse of `pack_record`.

    Raises:
        ValueError, KeyError, TypeError: The bytes are no record.
    """
    begin = _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")
    head = orjson.loads(content[_LENGTH_BYTES:begin])
    creatives = []
    for *plain, features, answer in head["creatives"]:
        middle, end = begin + features, begin + features + answer
        creatives.append(RecordedCreative._make([*plain, content[begin:middle], content[middle:end]]))
        begin = end
    model = RecordedModel(**head["model"])
    return LedgerRecord(**{name: head[name] for name in _PLAIN}, model=model, creatives=tuple(creatives))
