"""Commands in one workspace know of each other, and none removes what another needs."""

import errno
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from filelock import ReadWriteLock

from configs.settings import Settings
from features.partitions.address import MANIFEST_NAME
from features.partitions.manifest import PartitionedDataset, write_manifest
from features.partitions.reader import open_partitioned, read_part
from features.schema import KEY, ExportRead, Loaded
from features.store.duckdb_store import open_store
from features.store.load import load_fingerprint
from training.data.open_source import open_source
from training.engine import LocalEngine
from training.progress import ProgressCallbacks
from training.sharded.session import RUN_LOCK, sharded_session
from training.sharded.source import ShardedSource
from training.sharded.work import Work
from training.sharded.workspace_lock import WorkspaceLock
from training.workspace import workspace

pytestmark = pytest.mark.slow

ANOTHER = """
import sys
from pathlib import Path
from training.sharded.workspace_lock import WorkspaceLock
with WorkspaceLock(Path(sys.argv[1])) as here:
    here.share()
    print("joined", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "space" / "at_work.lock"


def test_the_lock_is_exclusive_only_when_no_other_command_holds_it(file: Path):
    with WorkspaceLock(file) as one:
        one.share()
        with WorkspaceLock(file) as other:
            other.share()
            assert not one.try_exclusive()
            assert other.try_exclusive()
        assert one.try_exclusive()


def test_the_lock_of_a_killed_command_is_released(file: Path):
    run = subprocess.Popen([sys.executable, "-c", ANOTHER, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with run, WorkspaceLock(file) as here:
        assert run.stdout is not None
        assert run.stdout.readline() == b"joined\n"
        assert not here.try_exclusive()
        run.kill()
        run.wait()
        assert here.try_exclusive()


def test_a_command_that_has_to_wait_calls_back_first(file: Path):
    calls = []
    with WorkspaceLock(file) as one:
        assert one.try_exclusive()

        def before_wait() -> None:
            calls.append("waits")
            one.share()

        with WorkspaceLock(file, before_wait) as other:
            other.share()
            assert calls == ["waits"]
            assert not one.try_exclusive()


def test_on_storage_without_locks_no_command_waits_and_none_is_exclusive(file: Path, monkeypatch: pytest.MonkeyPatch):
    def no_locks(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(ReadWriteLock, "acquire_read", no_locks)
    monkeypatch.setattr(ReadWriteLock, "acquire_write", no_locks)
    with WorkspaceLock(file, lambda: pytest.fail("it waited")) as here:
        here.share()
        assert not here.try_exclusive()


def test_without_a_file_the_lock_is_always_free():
    with WorkspaceLock(None) as here:
        here.share()
        assert here.try_exclusive()


@pytest.fixture
def dataset(
    many_accounts: Loaded, as_dataset: Callable[[Loaded, Path], PartitionedDataset], settings: Settings, tmp_path: Path
) -> PartitionedDataset:
    """A dataset that was exported under these settings."""
    dataset = replace(as_dataset(many_accounts, tmp_path / "dataset"), settings_fingerprint=load_fingerprint(settings))
    (tmp_path / "dataset" / MANIFEST_NAME).write_bytes(write_manifest(dataset))
    return dataset


def test_tables_of_another_command_stay_while_it_runs(dataset: PartitionedDataset, settings: Settings):
    space = workspace([dataset.root], settings)
    with WorkspaceLock(space.folder / RUN_LOCK) as other:
        other.share()
        with open_source([dataset.root], space, settings, ProgressCallbacks()) as (source, _):
            assert isinstance(source, ShardedSource)
            source.work.put("of the other/x", source.creatives)
        assert source.work.done("of the other/x")
    with open_source([dataset.root], space, settings, ProgressCallbacks()):
        pass
    assert not source.work.done("of the other/x")


def test_partial_sums_stay_while_another_command_may_request_the_same(
    dataset: PartitionedDataset, settings: Settings, tmp_path: Path
):
    work, exchanging = Work(str(tmp_path / "work")), tmp_path / "exchange.lock"
    source = ShardedSource(dataset, work, LocalEngine(), settings, ProgressCallbacks(), exchanging)
    funnel, shared = source._surveyed.funnel, source._surveyed.shared
    rows = source.snapshots(settings)

    def exchanged() -> list[Path]:
        return [path for what in ("partial_*", "requested", "resolved") for path in Path(work.root).glob(f"*/*/{what}")]

    with WorkspaceLock(exchanging) as other:
        other.share()
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
    with open_store(space.store) as store, sharded_session(space, settings, ProgressCallbacks()) as session:
        store.add(orders("2026-01-01"))
        old = session.partition(store)
        with WorkspaceLock(space.folder / RUN_LOCK) as other:
            other.share()
            store.add(orders("2026-01-03"))
            new = session.partition(store)
            assert len(read_part(old, old.parts[0]).metrics) == 2
            assert len(read_part(new, new.parts[0]).metrics) == 4
        assert open_partitioned(new.root) == session.partition(store)
    files = {path.relative_to(new.root).as_posix() for path in Path(new.root).rglob("*.parquet")}
    assert files == set(new.parts[0].files)
