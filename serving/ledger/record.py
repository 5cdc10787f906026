"""One recorded answer: as rows of the ledger, and as bytes that outlive the process."""

import hashlib
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import orjson

FRAME = struct.Struct("<II")


@dataclass(frozen=True)
class Record:
    """What was answered to one request.

    Attributes:
        request_id: Of the request.
        at: When, UTC, ISO 8601.
        caller: Name of the API key.
        endpoint: `predict` or `rank`.
        model: Name of the model.
        version: Of the model.
        input_sha256: Of the request's body.
        features: Names of the features.
        answers: One a creative: its key and what was predicted.
        values: Feature values, one row a creative.
    """

    request_id: str
    at: str
    caller: str
    endpoint: str
    model: str
    version: str
    input_sha256: str
    features: Sequence[str]
    answers: Sequence[dict[str, object]]
    values: npt.NDArray[np.float64]

    def to_bytes(self) -> bytes:
        """A frame: lengths, the words as JSON, the values as they are."""
        words = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "values"}
        told = orjson.dumps(words)
        values = np.ascontiguousarray(self.values, dtype="<f8").tobytes()
        return FRAME.pack(len(told), len(values)) + told + values

    def rows(self) -> list[dict[str, object]]:
        """One row of the ledger a creative."""
        return [
            {
                "request_id": self.request_id,
                "place": place,
                "at": self.at,
                "caller": self.caller,
                "endpoint": self.endpoint,
                "model": self.model,
                "version": self.version,
                "input_sha256": self.input_sha256,
                "promotion_type": answer["promotion_type"],
                "account_id": answer["account_id"],
                "creative_id": answer["creative_id"],
                "features": packed(values),
                "answer": orjson.dumps(answer).decode(),
            }
            for place, (answer, values) in enumerate(zip(self.answers, self.values))
        ]


def from_bytes(content: bytes) -> Iterator[Record]:
    """The records of a file; one that was cut off in the middle ends it."""
    at = 0
    while at + FRAME.size <= len(content):
        words, values = FRAME.unpack_from(content, at)
        begin, at = at + FRAME.size, at + FRAME.size + words + values
        if at > len(content):
            return
        told = orjson.loads(content[begin : begin + words])
        table = np.frombuffer(content[begin + words : at], dtype="<f8")
        yield Record(**told, values=table.reshape(len(told["answers"]), -1))


def fingerprint(body: bytes) -> str:
    """sha256 of a request's body."""
    return hashlib.sha256(body).hexdigest()


def packed(values: npt.NDArray[np.float64]) -> bytes:
    """A row of features as it is kept: little-endian float64, compressed."""
    return zlib.compress(np.ascontiguousarray(values, dtype="<f8").tobytes(), 1)


def unpacked(content: bytes) -> list[float | None]:
    """The row again; None where a feature was not known."""
    return [None if value != value else value for value in np.frombuffer(zlib.decompress(content), "<f8").tolist()]
