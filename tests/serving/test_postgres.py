"""The ledger in PostgreSQL, where a server is named: GPMCAST_TEST_POSTGRES=postgresql+psycopg://…"""

import os
from pathlib import Path

import numpy as np
import pytest

from serving.ledger import KEPT, Ledger
from serving.ledger_table import TABLES, connect, read
from serving.records import Record

URL = os.environ.get("GPMCAST_TEST_POSTGRES", "")


@pytest.mark.skipif(not URL, reason="no PostgreSQL server is named")
def test_answers_are_kept_in_postgresql(tmp_path: Path) -> None:
    engine = connect(URL)
    TABLES.drop_all(engine)
    one, two = (Ledger(URL, tmp_path / "spool", 1000) for _ in range(2))
    for number in range(300):
        answer = {"creative_id": f"素材{number}", "promotion_type": "live", "account_id": "a", "text": "\u0000"}
        told = Record(
            f"r{number}", "2026-05-01T00:00:00", "anyone", "predict", "m", "1", "0" * 64, ["a", "b"], [answer],
            np.array([[number, np.nan]]),
        )  # fmt: skip
        assert (one if number % 2 else two).add(told) == KEPT
    one.close()
    two.close()
    rows = {row["request_id"]: row for row in read(engine)}
    assert len(rows) == 300
    assert rows["r7"]["features"] == {"a": 7.0, "b": None}
    assert rows["r7"]["answer"]["creative_id"] == "素材7"
    TABLES.drop_all(engine)
    engine.dispose()
