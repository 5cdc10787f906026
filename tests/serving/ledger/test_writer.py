"""Every answer is kept: once, in order, through failures and deaths."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from serving.ledger.spool import Spool, from_bytes, to_bytes
from serving.ledger.tables import LedgerRecord, connect, read, write
from serving.ledger.writer import KEPT, LOST, WAITING, Ledger


def record(number: int, creatives: int = 1) -> LedgerRecord:
    answers = [
        {
            "creative_id": f"c{number}-{place}",
            "promotion_type": "live",
            "account_id": "acc\u0000unt",
            "targets": {"gpm": {"value": number + 0.1, "low": None, "high": None}},
        }
        for place in range(creatives)
    ]
    values = np.array([[number + 0.25, np.nan]] * creatives)
    at = f"2026-05-01T00:00:{number % 60:02d}"
    return LedgerRecord(
        f"r{number:05d}", at, "anyone", "predict", "m", "1", "0" * 64, ["a", "b"], answers, values
    )  # fmt: skip


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/deep/ledger.db"


def until(condition, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.02)


def test_what_is_added_can_be_read_with_its_features_by_name(url, tmp_path) -> None:
    ledger = Ledger(url, tmp_path / "spool", 100)
    assert ledger.add(record(1, creatives=2)) == KEPT
    ledger.close()
    rows = list(read(connect(url)))
    assert [row["creative_id"] for row in rows] == ["c1-0", "c1-1"]
    assert rows[0]["features"] == {"a": 1.25, "b": None}
    assert rows[0]["answer"]["targets"]["gpm"]["value"] == 1.1
    assert (rows[0]["caller"], rows[0]["version"]) == ("anyone", "1")


def test_a_record_as_bytes_comes_back_and_half_a_record_does_not() -> None:
    content = to_bytes(record(1)) + to_bytes(record(2, 3))
    whole = list(from_bytes(content))
    assert [one.request_id for one in whole] == ["r00001", "r00002"]
    np.testing.assert_array_equal(whole[1].values, record(2, 3).values)
    assert [one.request_id for one in from_bytes(content[:-1])] == ["r00001"]
    assert list(from_bytes(content[:5])) == []


def test_writing_twice_keeps_one(url) -> None:
    engine = connect(url)
    from serving.ledger.tables import TABLES

    TABLES.create_all(engine)
    write(engine, [record(1), record(2)])
    write(engine, [record(2), record(3)])
    assert sorted(row["request_id"] for row in read(engine)) == ["r00001", "r00002", "r00003"]


def test_it_can_be_read_by_time_creative_and_request(url) -> None:
    engine = connect(url)
    from serving.ledger.tables import TABLES

    TABLES.create_all(engine)
    write(engine, [record(number) for number in range(5)])
    assert [row["request_id"] for row in read(engine, limit=2)] == ["r00004", "r00003"]
    assert [row["request_id"] for row in read(engine, since="2026-05-01T00:00:03")] == ["r00004", "r00003"]
    assert [row["request_id"] for row in read(engine, creative_id="c2-0")] == ["r00002"]
    assert [row["request_id"] for row in read(engine, request_id="r00001")] == ["r00001"]


def test_a_database_failure_is_reported_and_everything_is_written_once_it_is_back(tmp_path) -> None:
    place = tmp_path / "ledger.db"
    place.mkdir()  # no database can be there
    outcomes: list[bool] = []
    ledger = Ledger(f"sqlite:///{place}", tmp_path / "spool", 3, outcomes.append)
    ledger.add(record(1))
    until(lambda: not ledger.healthy)
    assert ledger.add(record(2)) == WAITING
    assert ledger.add(record(3)) == WAITING
    assert ledger.add(record(4)) == LOST  # bounded
    place.rmdir()
    until(lambda: ledger.healthy and ledger.waiting == 0)
    assert ledger.add(record(5)) == KEPT
    ledger.close()
    engine = connect(f"sqlite:///{place}")
    assert sorted(row["request_id"] for row in read(engine)) == ["r00001", "r00002", "r00003", "r00005"]
    assert outcomes[0] is False
    assert outcomes[-1] is True
    assert not list((tmp_path / "spool").iterdir())


def test_a_ledger_that_closes_writes_what_waits(url, tmp_path) -> None:
    ledger = Ledger(url, tmp_path / "spool", 10_000)
    for number in range(1000):
        assert ledger.add(record(number)) == KEPT
    ledger.close()
    assert ledger.add(record(1001)) == LOST
    assert len(list(read(connect(url)))) == 1000


@pytest.mark.slow
def test_what_a_killed_process_had_answered_is_taken_in_by_the_next(url, tmp_path) -> None:
    script = """
import os, sys
from pathlib import Path
sys.path.insert(0, os.environ["HERE"])
from test_writer import record
from serving.ledger.spool import Spool
spool = Spool(Path(os.environ["SPOOL"]))
for number in range(20):
    spool.append(record(number))
    if number == 7:
        spool.turn()
os._exit(9)
"""
    root = Path(__file__).parents[3]
    env = {**os.environ, "HERE": str(Path(__file__).parent), "SPOOL": str(tmp_path / "spool"), "PYTHONPATH": str(root)}
    assert subprocess.run([sys.executable, "-c", script], env=env, check=False, cwd=root).returncode == 9
    alive = Spool(tmp_path / "spool")  # of a process that lives: not to be touched
    alive.append(record(99))
    ledger = Ledger(url, tmp_path / "spool", 100)
    until(lambda: ledger.waiting == 0 and len(list((tmp_path / "spool").iterdir())) == 2)
    ledger.close()
    assert len(list(read(connect(url)))) == 20
    alive.close()


def test_two_processes_may_write_one_ledger(url, tmp_path) -> None:
    one, two = (Ledger(url, tmp_path / "spool", 1000) for _ in range(2))
    for number in range(200):
        (one if number % 2 else two).add(record(number))
    one.close()
    two.close()
    assert len(list(read(connect(url)))) == 200


def test_a_folder_is_let_go_only_when_it_is_looked_at_no_more(tmp_path: Path, monkeypatch) -> None:
    spool, other = Spool(tmp_path), Spool(tmp_path)
    looked = []

    def remove(folder: Path, **_: object) -> None:
        looked.append([found for found, _ in other.orphans()])

    monkeypatch.setattr("serving.ledger.spool.shutil.rmtree", remove)
    spool.close()
    monkeypatch.undo()
    assert looked == [[]]  # another process could not take it in yet
    assert [found for found, _ in other.orphans()] == [spool._folder]
    other.close()
