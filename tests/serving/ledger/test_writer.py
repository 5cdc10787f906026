"""An answer that is sent is in the database: through failures, refused records, full disks and killed processes."""

import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from serving.ledger import tables, writer
from serving.ledger.database import Database
from serving.ledger.reading import read
from serving.ledger.tables import connect
from serving.ledger.writer import KEPT, LOST, WAITING, Ledger

ROOT = Path(__file__).parents[3]
ENV = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture
def opened():
    """Opens ledgers; closes them after the test. `ups` and `lost` are what they told."""
    ledgers = []

    def make(url: str, **more: object) -> Ledger:
        ups: list[bool] = []
        lost: list[int] = []
        ledger = Ledger(url, on_up=ups.append, on_lost=lost.append, **more)
        ledger.ups, ledger.lost = ups, lost
        ledgers.append(ledger)
        return ledger

    yield make
    for ledger in ledgers:
        ledger.close(seconds=0.1)


def command(script: str, url: str) -> list[str]:
    return [sys.executable, "-c", script, url, str(Path(__file__).parent)]


def run(script: str, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(script, url), env=ENV, cwd=ROOT, capture_output=True, text=True, check=True)


def recorded(url: str) -> list[str]:
    engine = connect(url)
    try:
        return sorted({str(row["request_id"]) for row in read(engine)})
    finally:
        engine.dispose()


def test_what_is_kept_is_in_the_database_already(opened, url, record, outcomes) -> None:
    ledger = opened(url)
    for number in range(5):
        assert outcomes(ledger, [record(number)]) == [KEPT]
        assert len(recorded(url)) == number + 1
    assert ledger.waiting_bytes == 0


def test_records_that_come_together_share_a_transaction(opened, url, record, outcomes, monkeypatch) -> None:
    ledger = opened(url)
    outcomes(ledger, [record(0)])
    sizes = []

    def counted(self, records):
        sizes.append(len(records))
        write(self, records)

    write = Database.write
    monkeypatch.setattr(Database, "write", counted)
    assert set(outcomes(ledger, [record(number) for number in range(1, 201)])) == {KEPT}
    assert len(sizes) < 20
    assert len(recorded(url)) == 201


def test_two_processes_may_write_one_ledger(opened, url, record, outcomes) -> None:
    one, two = opened(url), opened(url)
    for number in range(0, 200, 2):
        assert outcomes(one, [record(number)]) == outcomes(two, [record(number + 1)]) == [KEPT]
    assert len(recorded(url)) == 200


def test_a_failure_is_reported_and_everything_that_waited_is_written_once_it_is_over(
    opened, tmp_path, record, outcomes, until
) -> None:
    place = tmp_path / "ledger.db"
    place.mkdir()  # no database can be there
    ledger = opened(f"sqlite:///{place}", queue_bytes=3 * record(1).size)
    until(lambda: not ledger.healthy)
    assert outcomes(ledger, [record(number) for number in (1, 2, 3)]) == [WAITING] * 3
    assert outcomes(ledger, [record(4)]) == [LOST]  # bounded by bytes
    place.rmdir()
    until(lambda: ledger.healthy and ledger.waiting_bytes == 0)
    assert outcomes(ledger, [record(5)]) == [KEPT]
    assert recorded(f"sqlite:///{place}") == ["r00001", "r00002", "r00003", "r00005"]
    assert ledger.ups == [False, True]
    assert ledger.lost == [1]


def test_a_record_that_the_database_refuses_is_isolated_and_the_others_are_written(
    opened, url, record, outcomes, caplog
) -> None:
    ledger = opened(url)
    bad = replace(record(3), caller="secret\ud800")  # a lone surrogate has no UTF-8
    said = outcomes(ledger, [record(1), record(2), bad, *(record(number) for number in range(4, 40))])
    assert said == [KEPT, KEPT, LOST] + [KEPT] * 36
    assert outcomes(ledger, [record(40)]) == [KEPT]
    assert len(recorded(url)) == 39
    assert ledger.healthy
    assert ledger.lost == [1]
    assert "r00003 is refused" in caplog.text
    assert "secret" not in caplog.text


def test_a_ledger_that_closes_writes_what_waits_and_takes_no_more(opened, url, record, outcomes) -> None:
    ledger = opened(url)

    async def ask_and_close() -> list[str]:
        asked = [asyncio.ensure_future(ledger.record(record(number))) for number in range(1000)]
        await asyncio.sleep(0)
        await asyncio.to_thread(ledger.close)
        return await asyncio.gather(*asked)

    assert set(asyncio.run(ask_and_close())) == {KEPT}
    assert outcomes(ledger, [record(1001)]) == [LOST]
    assert len(recorded(url)) == 1000


def test_what_cannot_be_written_before_the_end_is_counted(
    opened, tmp_path, record, outcomes, until, monkeypatch, caplog
) -> None:
    (tmp_path / "ledger.db").mkdir()
    ledger = opened(f"sqlite:///{tmp_path}/ledger.db")
    until(lambda: not ledger.healthy)
    assert outcomes(ledger, [record(1), record(2)]) == [WAITING] * 2
    monkeypatch.setattr(writer, "RETRY_SECONDS", 60.0)  # so long its thread may take to see that it closes
    ledger.close(seconds=0.1)
    assert ledger.lost == [2]
    assert "2 answers were not written" in caplog.text


def test_a_ledger_that_closes_tries_a_few_times_a_second(opened, url, record, outcomes, until, monkeypatch) -> None:
    ledger = opened(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    tries: list[int] = []

    def full(records: object) -> None:
        tries.append(1)
        raise OSError("disk full")

    monkeypatch.setattr(ledger._database, "write", full)
    assert outcomes(ledger, [record(2)]) == [WAITING]
    monkeypatch.setattr(writer, "RETRY_SECONDS", 60.0)  # so long its thread may take to see that it closes
    ledger.close(seconds=1.0)
    assert len(tries) < 10
    assert ledger.lost == [1]


def test_a_write_that_hangs_while_it_closes_keeps_its_records(
    opened, url, record, outcomes, until, monkeypatch, caplog
) -> None:
    ledger = opened(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.1)
    monkeypatch.setattr(writer, "RETRY_SECONDS", 0.1)
    go_on, write = threading.Event(), ledger._database.write
    monkeypatch.setattr(ledger._database, "write", lambda records: go_on.wait(30) and write(records))
    assert outcomes(ledger, [record(2)]) == [WAITING]
    ledger.close(seconds=0.1)
    assert ledger.lost == [1]
    assert "a write hangs; 1 answers may be lost" in caplog.text
    go_on.set()
    ledger._thread.join(30)
    assert recorded(url) == ["r00001", "r00002"]
    assert ledger.waiting_bytes == 0
    assert "cannot be written" not in caplog.text


def test_an_answer_waits_a_second_for_a_locked_database_and_the_next_ones_not_at_all(
    opened, tmp_path, url, record, outcomes, until, monkeypatch
) -> None:
    monkeypatch.setattr(tables, "LOCK_WAIT_SECONDS", 60)  # the thread waits as long as the lock is held
    ledger = opened(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    until(lambda: ledger.ups == [True])
    other = sqlite3.connect(tmp_path / "ledger.db")
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 0.2)
    assert outcomes(ledger, [record(2)]) == [WAITING]
    until(lambda: not ledger.healthy)  # while its thread still waits for the lock
    waited: list[object] = []
    monkeypatch.setattr(ledger, "_too_late", waited.append)
    assert outcomes(ledger, [record(3)]) == [WAITING]
    assert waited == []
    assert ledger.ups == [True, False]
    other.rollback()
    other.close()
    until(lambda: ledger.healthy and ledger.waiting_bytes == 0)
    assert recorded(url) == ["r00001", "r00002", "r00003"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_ends_is_seen(opened, url, record, outcomes, until, monkeypatch, caplog) -> None:
    ledger = opened(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]

    def end(self, records):
        raise SystemExit

    monkeypatch.setattr(Database, "write", end)
    assert outcomes(ledger, [record(2)]) == [LOST]
    assert not ledger.healthy
    assert ledger.ups == [True, False]
    assert outcomes(ledger, [record(3)]) == [LOST]
    assert sum(ledger.lost) == 2
    assert "its thread has ended" in caplog.text


def test_whatever_a_write_raises_the_thread_goes_on(opened, url, record, outcomes, until, monkeypatch) -> None:
    ledger = opened(url)
    outcomes(ledger, [record(1)])
    with monkeypatch.context() as broken:
        broken.setattr(Database, "write", lambda self, records: 1 / 0)
        broken.setattr(Database, "probe", lambda self: 1 / 0)
        assert outcomes(ledger, [record(2)]) == [WAITING]
        until(lambda: not ledger.healthy)
    until(lambda: ledger.healthy and ledger.waiting_bytes == 0)
    assert recorded(url) == ["r00001", "r00002"]


def test_answers_go_on_the_moment_a_write_has_failed(opened, url, record, outcomes, monkeypatch) -> None:
    monkeypatch.setattr(writer, "COMMIT_SECONDS", 3600.0)
    ledger = opened(url)
    outcomes(ledger, [record(1)])
    with monkeypatch.context() as broken:
        broken.setattr(Database, "write", lambda self, records: 1 / 0)
        broken.setattr(Database, "probe", lambda self: 1 / 0)
        assert outcomes(ledger, [record(2), record(3)]) == [WAITING] * 2


def test_a_database_that_is_lost_without_a_request_is_seen_too(opened, url, until, monkeypatch) -> None:
    monkeypatch.setattr(writer, "IDLE_SECONDS", 0.05)
    ledger = opened(url)
    until(lambda: ledger.ups == [True])
    monkeypatch.setattr(Database, "probe", lambda self: 1 / 0)
    until(lambda: not ledger.healthy)


def test_answers_that_are_too_old_are_removed(opened, url, record, outcomes, until, monkeypatch) -> None:
    ledger = opened(url)
    old, new = record(1), replace(record(2), at=datetime.now(UTC).isoformat(timespec="microseconds"))
    outcomes(ledger, [old, new])
    pruning = opened(url, keep_days=30)
    until(lambda: recorded(url) == ["r00002"])
    assert outcomes(pruning, [record(3)]) == [KEPT]


def test_answers_that_cannot_be_removed_do_not_stop_the_recording(
    opened, url, record, outcomes, monkeypatch, caplog
) -> None:
    monkeypatch.setattr(Database, "prune", lambda self, before: 1 / 0)
    ledger = opened(url, keep_days=30)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    assert ledger.healthy
    assert caplog.text.count("cannot be removed") == 1


def test_a_spool_of_an_earlier_version_is_named_in_the_log(opened, tmp_path, url, monkeypatch, caplog) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "var" / "ledger-spool" / "0123"
    folder.mkdir(parents=True)
    (folder / "00000001.spool").touch()
    opened(url)
    assert "ledger-spool" not in caplog.text
    (folder / "00000001.spool").write_bytes(b"answers")
    opened(url)
    assert "var/ledger-spool holds answers" in caplog.text


@pytest.mark.slow
def test_a_full_disk_is_told_and_what_waited_is_written_once_there_is_room(url) -> None:
    script = """
import asyncio, resource, sys
sys.path.insert(0, sys.argv[2])
from conftest import _record
from serving.ledger import writer
from serving.ledger.writer import Ledger

writer.COMMIT_SECONDS = 600.0

def room(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    ledger, told = Ledger(sys.argv[1]), []
    room(1_000_000)
    while told[-20:] != ["waiting"] * 20:
        told.append(await ledger.record(_record(len(told), creatives=10)))
        await asyncio.sleep(0.02)
    print(told.count("kept"), len(told), ledger.healthy)
    room(resource.RLIM_INFINITY)
    while not ledger.healthy:
        await asyncio.sleep(0.1)
    print(ledger.waiting_bytes, await ledger.record(_record(len(told))))
    ledger.close()

asyncio.run(main())
"""
    said = run(script, url).stdout.splitlines()
    kept, asked, healthy = said[0].split()
    assert int(kept) > 5
    assert healthy == "False"
    assert said[1] == "0 kept"
    assert len(recorded(url)) == int(asked) + 1


@pytest.mark.slow
def test_what_a_killed_process_had_answered_is_in_the_database(url) -> None:
    script = """
import asyncio, sys
sys.path.insert(0, sys.argv[2])
from conftest import _record
from serving.ledger import writer
from serving.ledger.writer import Ledger

writer.COMMIT_SECONDS = 600.0

async def answer(ledger, first):
    for number in range(first, first + 10_000):
        print(await ledger.record(_record(number)), number, flush=True)

async def main():
    ledger = Ledger(sys.argv[1])
    await asyncio.gather(*(answer(ledger, first) for first in range(0, 80_000, 10_000)))

asyncio.run(main())
"""
    for _ in range(3):
        with subprocess.Popen(command(script, url), stdout=subprocess.PIPE, text=True, env=ENV, cwd=ROOT) as process:
            sent = [process.stdout.readline() for _ in range(300)]
            process.kill()
            sent += process.stdout.read().splitlines(keepends=True)
        known = set(recorded(url))
        whole = [line for line in sent if line.endswith("\n")]  # the process may be killed within a line
        answered = {f"r{int(line.split()[1]):05d}" for line in whole if line.startswith("kept ")}
        assert len(answered) >= 290
        assert answered <= known
