"""Records, and a ledger's answers to many of them."""

import asyncio
import time
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.ledger.writer import Ledger


def _record(number: int, creatives: int = 1, **more: object) -> LedgerRecord:
    answers = [
        {
            "creative_id": f"素材{number}-{place}",
            "promotion_type": "live",
            "account_id": "a",
            "targets": {"gpm": {"value": number + 0.1, "low": None, "high": None}},
            "verdict": {"name": "watch", "zh": "\u0000", "en": ""},
            "explanation": {"targets": {}},
            **more,
        }
        for place in range(creatives)
    ]
    return LedgerRecord(
        request_id=f"r{number:05d}",
        at=f"2026-05-01T00:00:00.{number:06d}+00:00",
        caller="anyone",
        endpoint="predict",
        model=RecordedModel("m", "1", ["a", "b"], {"outcome_days": 7, "time_zone": "Asia/Shanghai"}),
        input_sha256="0" * 64,
        creatives=recorded_creatives(
            answers,
            np.array([[number + 0.25, np.nan]] * creatives),
            np.full(creatives, 3.5),
            np.full(creatives, np.datetime64("2026-05-01T07:00:00.000000", "us")),
        ),
    )


@pytest.fixture
def record() -> Callable[..., LedgerRecord]:
    """Makes the record of a request: its number, how many creatives, and more of their answers."""
    return _record


@pytest.fixture
def outcomes() -> Callable[[Ledger, Iterable[LedgerRecord]], list[str]]:
    """Gives records to a ledger, all at the same time; what it says of each."""

    def of(ledger: Ledger, records: Iterable[LedgerRecord]) -> list[str]:
        async def together() -> list[str]:
            return await asyncio.gather(*(ledger.record(one) for one in records))

        return asyncio.run(together())

    return of


@pytest.fixture
def until() -> Callable[..., None]:
    """Waits for a condition."""

    def wait(condition: Callable[[], bool], seconds: float = 60.0) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, "did not come in time"
            time.sleep(0.02)

    return wait
