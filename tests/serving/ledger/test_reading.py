"""Recorded answers as exports and scoring read them."""

from pathlib import Path

import pytest

from serving.ledger.database import Database
from serving.ledger.reading import read
from serving.ledger.tables import connect


@pytest.fixture
def engine(tmp_path: Path, record):
    """Of a ledger with the answers 0 to 4; 3 has two creatives."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = Database(url)
    database.write([record(number, creatives=2 if number == 3 else 1) for number in range(5)])
    database.close()
    engine = connect(url)
    yield engine
    engine.dispose()


def test_an_answer_has_its_features_by_name_and_all_that_scoring_needs(engine) -> None:
    first, second = read(engine, request_id="r00003")
    assert (first["creative_id"], second["creative_id"]) == ("素材3-0", "素材3-1")
    assert first["features"] == {"a": 3.25, "b": None}
    assert (first["promotion_type"], first["account_id"], first["model"], first["version"]) == ("live", "a", "m", "1")
    assert (first["age_hours"], first["cutoff"]) == (3.5, "2026-05-01T07:00:00")
    assert first["answer"]["targets"]["gpm"] == {"value": 3.1, "low": None, "high": None}
    assert first["answer"]["verdict"]["name"] == "watch"
    assert first["about"] == {"outcome_days": 7, "time_zone": "Asia/Shanghai"}


def test_features_may_be_left_out(engine) -> None:
    assert all("features" not in row for row in read(engine, features=False))


def test_it_can_be_read_by_time_creative_and_request(engine) -> None:
    third, fourth = (f"2026-05-01T00:00:00.{number:06d}+00:00" for number in (3, 4))
    assert [row["request_id"] for row in read(engine, limit=2)] == ["r00004", "r00003"]
    assert [row["request_id"] for row in read(engine, since=third)] == ["r00004", "r00003", "r00003"]
    assert [row["request_id"] for row in read(engine, since=third, until=fourth)] == ["r00003", "r00003"]
    assert [row["request_id"] for row in read(engine, creative_id="素材2-0")] == ["r00002"]
    assert [row["request_id"] for row in read(engine, request_id="r00001")] == ["r00001"]
