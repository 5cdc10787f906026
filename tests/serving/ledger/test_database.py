"""Written once, removed by age, and found where the file is that the settings name."""

from pathlib import Path

import pytest

from serving.ledger import database as module
from serving.ledger.database import Database
from serving.ledger.reading import read
from serving.ledger.tables import connect


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def database(url: str):
    database = Database(url)
    yield database
    database.close()


def ids(url: str) -> list[str]:
    engine = connect(url)
    found = sorted(str(row["request_id"]) for row in read(engine))
    engine.dispose()
    return found


def test_writing_twice_keeps_one(database, url, record) -> None:
    database.write([record(1), record(2)])
    database.write([record(2), record(3)])
    assert ids(url) == ["r00001", "r00002", "r00003"]


def test_a_probe_leaves_nothing(database, url, record) -> None:
    database.probe()
    database.write([record(1)])
    database.probe()
    assert ids(url) == ["r00001"]


def test_the_oldest_answers_are_removed_some_at_a_time(database, url, record, monkeypatch) -> None:
    monkeypatch.setattr(module, "PRUNED_ROWS", 4)
    database.write([record(number) for number in range(10)])
    before = "2026-05-01T00:00:00.000006+00:00"
    assert [database.prune(before) for _ in range(3)] == [4, 2, 0]
    assert ids(url) == [f"r{number:05d}" for number in range(6, 10)]


def test_a_file_that_was_removed_meanwhile_is_made_anew(database, url, record, tmp_path) -> None:
    database.write([record(1)])
    for file in tmp_path.glob("ledger.db*"):
        file.unlink()
    database.write([record(2)])
    assert ids(url) == ["r00002"]
