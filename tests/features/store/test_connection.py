"""A store is one file: refused with the cure when it is not ours, and whole after a process was killed."""

import signal
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from features.errors import StoreError
from features.store.duckdb_store import open_store

IMPORTER = """
import sys, time
import pandas as pd
from features.schema import ExportRead
from features.store.duckdb_store import open_store

def read(sha, rows):
    start = pd.Series(pd.Timestamp("2025-07-01"), range(rows)).astype("datetime64[us]")
    metrics = pd.DataFrame({
        "promotion_type": "live", "account_id": "a1", "creative_id": [f"c{i}" for i in range(rows)],
        "grain": "day", "period_start": start, "period_end": start + pd.Timedelta(days=1),
        "orders": float(len(sha)), "row": range(rows),
    })
    attributes = pd.DataFrame(
        columns=["promotion_type", "account_id", "creative_id", "name", "value", "origin"], dtype="str"
    )
    return ExportRead(sha, sha, "daily", metrics, attributes)

with open_store(sys.argv[1]) as store:
    if sys.argv[2] == "hold":
        print("ready", flush=True)
        time.sleep(600)
    store.add(read("first", 5))
    if sys.argv[2] == "inside":
        with store.transaction():
            store.add(read("second", 50_000))
            print("ready", flush=True)
            time.sleep(600)
    store.add(read("second", 50_000))
    print("ready", flush=True)
    if sys.argv[2] == "after":
        time.sleep(600)
    store.add(read("third one", 400_000))
"""


@pytest.fixture
def importer():
    """Starts an importing process and waits until it is where the test wants it; it is killed at the end."""
    running = []

    def start(store: Path, where: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", IMPORTER, str(store), where]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


def rows_and_orders(path):
    with open_store(path) as store:
        metrics = store.table("metrics")
        files = store.table("files")
    return len(metrics), sorted(set(metrics["orders"])), files["sha256"].tolist()


@pytest.mark.slow
def test_a_process_killed_inside_an_import_leaves_the_store_as_before(tmp_path, importer):
    process = importer(tmp_path / "s.duckdb", "inside")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert rows_and_orders(tmp_path / "s.duckdb") == (5, [5.0], ["first"])


@pytest.mark.slow
def test_a_process_killed_right_after_an_import_has_it_kept(tmp_path, importer):
    process = importer(tmp_path / "s.duckdb", "after")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert rows_and_orders(tmp_path / "s.duckdb") == (50_000, [6.0], ["first", "second"])


@pytest.mark.parametrize("seconds", [0.05, 0.4])
@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_whole_imports(tmp_path, importer, seconds):
    process = importer(tmp_path / "s.duckdb", "run")
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
    whole = [
        (50_000, [6.0], ["first", "second"]),
        (400_000, [9.0], ["first", "second", "third one"]),
    ]
    assert rows_and_orders(tmp_path / "s.duckdb") in whole


@pytest.mark.slow
def test_a_killed_process_can_be_followed_by_a_reader(tmp_path, importer):
    process = importer(tmp_path / "s.duckdb", "after")
    process.send_signal(signal.SIGKILL)
    process.wait()
    with open_store(tmp_path / "s.duckdb", read_only=True) as store:
        assert len(store.table("files")) == 2


@pytest.mark.slow
def test_a_store_in_use_is_refused(tmp_path, importer):
    importer(tmp_path / "s.duckdb", "hold")
    with pytest.raises(StoreError, match="is in use"), open_store(tmp_path / "s.duckdb"):
        pass
    with pytest.raises(StoreError, match="is in use"), open_store(tmp_path / "s.duckdb", read_only=True):
        pass


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 100_000])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path, content):
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a store"), open_store(path):
        pass
    assert path.read_bytes() == content


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(StoreError, match="not a store"), open_store(tmp_path):
        pass


def test_a_duckdb_file_of_someone_else_is_refused(tmp_path):
    with duckdb.connect(str(tmp_path / "other.duckdb")) as other:
        other.execute("CREATE TABLE metrics (a INTEGER)")
    with pytest.raises(StoreError, match="not a store of gpmcast"), open_store(tmp_path / "other.duckdb"):
        pass


def test_a_store_of_another_version_is_refused_with_both_versions(tmp_path):
    path = tmp_path / "s.duckdb"
    with open_store(path):
        pass
    with duckdb.connect(str(path)) as raw:
        raw.execute("UPDATE store_meta SET schema_version = 99")
    with pytest.raises(StoreError, match=r"version 99; expected \d+") as refused, open_store(path):
        pass
    assert "99，应为" in refused.value.zh


def test_reading_where_there_is_no_store_asks_to_ingest_first(tmp_path):
    with pytest.raises(StoreError, match="ingest"), open_store(tmp_path / "no.duckdb", read_only=True):
        pass
    assert not list(tmp_path.iterdir())


def test_a_store_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="cannot be made"), open_store(tmp_path / "file" / "s.duckdb"):
        pass


def test_queries_cannot_reach_other_files(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with open_store(tmp_path / "s.duckdb") as store:
        with pytest.raises(duckdb.PermissionException):
            store.select(f"SELECT * FROM read_csv('{secret}')")
        with pytest.raises(duckdb.Error):
            store.select("SET enable_external_access = true")
