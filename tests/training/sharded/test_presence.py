"""Commands at work in one workspace know of each other, and none takes away what another needs."""

import errno
import fcntl
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from configs.settings import Settings
from features.partitions.manifest import MANIFEST, PartitionedDataset, write_manifest
from features.partitions.reader import open_partitioned, read_part
from features.schema import KEY, ExportRead, Loaded
from features.store.duckdb_store import open_store
from features.store.load import load_fingerprint
from training.data.open_source import AT_WORK, _in_parts, open_source
from training.engine import Here
from training.progress import ProgressCallbacks
from training.sharded.presence import Presence
from training.sharded.source import InParts
from training.sharded.work import Work
from training.workspace import workspace

ANOTHER = """
import sys
from pathlib import Path
from training.sharded.presence import Presence
with Presence(Path(sys.argv[1])) as here:
    here.join()
    print("joined", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "space" / "at_work.lock"


def test_one_is_alone_when_all_others_are_gone(file: Path):
    with Presence(file) as one:
        one.join()
        with Presence(file) as other:
            other.join()
            assert not one.alone()
            assert other.alone()
        assert one.alone()


def test_a_command_that_is_killed_is_gone(file: Path):
    run = subprocess.Popen([sys.executable, "-c", ANOTHER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with run, Presence(file) as here:
        assert run.stdout is not None
        assert run.stdout.readline() == b"joined\n"
        assert not here.alone()
        run.kill()
        run.wait()
        assert here.alone()


def test_who_has_to_wait_is_told_so(file: Path):
    told = []
    with Presence(file) as one:
        assert one.alone()

        def waits() -> None:
            told.append("waits")
            one.join()

        with Presence(file, waits) as other:
            other.join()
            assert told == ["waits"]
            assert not one.alone()


def test_on_storage_without_locks_nobody_waits_and_nobody_is_alone(file: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with Presence(file, lambda: pytest.fail("it waited")) as here:
        here.join()
        assert not here.alone()


def test_without_a_file_there_are_no_others():
    with Presence(None) as here:
        here.join()
        assert here.alone()


@pytest.fixture
def dataset(
    many_accounts: Loaded, as_dataset: Callable[[Loaded, Path], PartitionedDataset], settings: Settings, tmp_path: Path
) -> PartitionedDataset:
    """A dataset that was exported under these settings."""
    dataset = replace(as_dataset(many_accounts, tmp_path / "dataset"), settings_fingerprint=load_fingerprint(settings))
    (tmp_path / "dataset" / MANIFEST).write_bytes(write_manifest(dataset))
    return dataset


def test_tables_of_another_command_stay_while_it_is_at_work(dataset: PartitionedDataset, settings: Settings):
    space = workspace([dataset.root], settings)
    with Presence(space.folder / AT_WORK) as other:
        other.join()
        with open_source([dataset.root], space, settings, ProgressCallbacks()) as (source, _):
            assert isinstance(source, InParts)
            source.work.put("of the other/x", source.creatives)
        assert source.work.done("of the other/x")
    with open_source([dataset.root], space, settings, ProgressCallbacks()):
        pass
    assert not source.work.done("of the other/x")


def test_what_parts_tell_each_other_stays_while_another_command_may_be_asking_the_same(
    dataset: PartitionedDataset, settings: Settings, tmp_path: Path
):
    work, answering = Work(str(tmp_path / "work")), tmp_path / "answering.lock"
    source = InParts(dataset, work, Here(), settings, ProgressCallbacks(), answering)
    funnel, shared = source._surveyed.funnel, source._surveyed.shared
    rows = source.snapshots(settings)

    def exchanged() -> list[Path]:
        return [path for what in ("told_*", "asked", "answers") for path in Path(work.root).glob(f"*/*/{what}")]

    with Presence(answering) as other:
        other.join()
        source.observe(rows, funnel, shared, settings)
        assert exchanged()
    source.clear_up()
    assert not exchanged()
    source.observe(rows.iloc[::2], funnel, shared, settings)
    assert not exchanged()


def orders(first: str) -> ExportRead:
    """Two days of one creative."""
    days = pd.date_range(first, periods=2).astype("datetime64[us]")
    keys = pd.MultiIndex.from_product([["live"], ["a1"], ["c1"], ["day"], days], names=[*KEY, "grain", "period_start"])
    metrics = keys.to_frame(index=False)
    metrics = metrics.assign(period_end=metrics["period_start"] + pd.Timedelta(days=1), orders=2.0, row=2)
    facts = pd.DataFrame([], columns=[*KEY, "name", "value", "origin"], dtype="str")
    return ExportRead(f"{first}.csv", first, "daily", metrics, facts)


def test_parts_that_another_command_reads_stay_when_newer_exports_are_written(settings: Settings):
    space = workspace(["exports"], settings)
    with open_store(space.store) as store, Presence(space.folder / AT_WORK) as here:
        store.add(orders("2026-01-01"))
        old = _in_parts(store, space, settings, ProgressCallbacks(), here)
        with Presence(space.folder / AT_WORK) as other:
            other.join()
            store.add(orders("2026-01-03"))
            new = _in_parts(store, space, settings, ProgressCallbacks(), here)
            assert len(read_part(old, old.parts[0]).metrics) == 2
            assert len(read_part(new, new.parts[0]).metrics) == 4
        assert open_partitioned(new.root) == _in_parts(store, space, settings, ProgressCallbacks(), here)
    files = {path.relative_to(new.root).as_posix() for path in Path(new.root).rglob("*.parquet")}
    assert files == set(new.parts[0].files)
