"""Two workers of Dask: what they count is what one frame gives, and a worker that is killed costs its work, no more."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Dask, Settings
from features.errors import PartitionError
from features.partitions.manifest import PartitionedDataset
from features.point_in_time.counts import funnel_of
from features.point_in_time.entity_history import entities
from features.schema import Loaded
from training.data.metrics_source import InMemorySource
from training.engine import Engine
from training.errors import EngineError
from training.progress import ProgressCallbacks
from training.sharded.cluster import cluster
from training.sharded.source import ShardedSource
from training.sharded.work import Work

pytestmark = pytest.mark.slow

LocalCluster = pytest.importorskip("distributed").LocalCluster

QUICK = Settings.model_validate({"tags": {"min_creatives": 2}, "text": {"components": 2}, "open_days": 1})


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with cluster(Dask(workers=2), Work(str(tmp_path_factory.mktemp("work")))) as engine:
        yield engine


def twice(factor: int, item: int) -> int:
    return factor * item


def die_once(folder: Path, item: int) -> int:
    """Take the whole process down, at the first try of item 3."""
    mark = folder / "died"
    if item == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die(_: None, item: int) -> int:
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def who(_: None, item: int) -> int:
    return os.getpid()


def open_absent(path: str, item: int) -> None:
    Path(path).read_bytes()


def wait_too_long(_: None, item: int) -> int:
    raise TimeoutError("the disk did not answer")


def fail(_: None, item: int) -> int:
    raise PartitionError(f"part {item}: found nothing; expected something.")


def test_items_are_worked_on_elsewhere_and_come_back_in_order(workers: Engine):
    calls: list[tuple[int, int]] = []
    assert workers.run(twice, 3, list(range(20)), lambda done, total: calls.append((done, total))) == list(
        range(0, 60, 3)
    )
    assert calls[0] == (0, 20)
    assert calls[-1] == (20, 20)
    assert os.getpid() not in workers.run(who, None, list(range(8)))
    assert workers.workers == 2


def test_the_work_of_a_killed_worker_is_done_again(workers: Engine, tmp_path: Path):
    assert workers.run(die_once, tmp_path, list(range(12))) == list(range(12))
    assert (tmp_path / "died").exists()


def test_an_item_that_kills_every_worker_is_named_and_the_cure(workers: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("training.sharded.cluster.TRIES", 2)
    with pytest.raises(EngineError, match=r"lost again and again .*\(die.*dask\.memory.*same command again"):
        workers.run(die, None, [1])
    assert workers.run(twice, 1, [5]) == [5]  # the others go on


def test_an_error_in_a_worker_is_the_error_of_the_run(workers: Engine):
    with pytest.raises(PartitionError, match="part 7: found nothing"):
        workers.run(fail, None, [7])


def test_a_wait_that_was_too_long_for_the_work_is_not_taken_for_a_look_at_the_workers(workers: Engine):
    with pytest.raises(TimeoutError, match="the disk did not answer"):
        workers.run(wait_too_long, None, [1])


def test_counts_of_two_workers_are_those_of_one_frame_though_one_is_killed(
    workers: Engine, many_accounts: Loaded, as_dataset: Callable[[Loaded, Path], PartitionedDataset], tmp_path: Path
):
    whole = InMemorySource(many_accounts)
    killed = []

    def kill_one(what: str, done: int, total: int) -> None:
        if what == "counting within the parts" and done == 1 and not killed:
            killed.append(workers.run(who, None, [0])[0])
            os.kill(killed[0], signal.SIGKILL)

    dataset = as_dataset(many_accounts, tmp_path / "dataset")
    parted = ShardedSource(dataset, Work(str(tmp_path / "work")), workers, QUICK, ProgressCallbacks(step=kill_one))
    funnel = funnel_of(dataset.values, whole.creatives, QUICK)
    shared = entities(whole.creatives, QUICK.tags.multi, QUICK.tags.crosses)
    rows = parted.snapshots(QUICK)
    assert_frame_equal(
        parted.observe(rows, funnel, shared, QUICK), whole.observe(rows, funnel, shared, QUICK), check_exact=True
    )
    assert killed


def test_a_scheduler_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("training.sharded.cluster.SECONDS_TO_ANSWER", 1)
    with (
        pytest.raises(EngineError, match=r"tcp://127\.0\.0\.1:9: no scheduler answered within 1 s"),
        cluster(Dask(scheduler="tcp://127.0.0.1:9"), Work(str(tmp_path))),
    ):
        pass


@pytest.mark.parametrize("address", ["tls://127.0.0.1:9", "wss://127.0.0.1:9"])
def test_a_secure_address_without_certificates_is_refused_with_the_cure(tmp_path: Path, address: str):
    with (
        pytest.raises(EngineError, match=rf"{address}: Dask has no certificates.*COMM__TLS__CA_FILE"),
        cluster(Dask(scheduler=address), Work(str(tmp_path))),
    ):
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[LocalCluster]:
    """A scheduler that others started, with a worker of two threads."""
    with LocalCluster(
        n_workers=1,
        threads_per_worker=2,
        processes=False,
        protocol="tcp",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as running:
        yield running


def test_workers_elsewhere_take_part(elsewhere: LocalCluster, tmp_path: Path):
    settings = Dask(scheduler=elsewhere.scheduler_address)
    with cluster(settings, Work(str(tmp_path))) as engine:
        assert engine.workers == 2
        assert engine.run(twice, 2, [1, 2, 3]) == [2, 4, 6]


@pytest.mark.parametrize(
    ("mark", "message"),
    [(None, r"1 of 1 workers.*does not see the folder.*dask\.work"), ("0.0.1", r"has gpmcast .*; expected 0\.0\.1")],
)
def test_workers_that_cannot_take_part_are_named(
    elsewhere: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mark: str | None, message: str
):
    monkeypatch.setattr(Work, "read_mark", lambda _: mark)
    with (
        pytest.raises(EngineError, match=f"(?s){message}"),
        cluster(Dask(scheduler=elsewhere.scheduler_address), Work(str(tmp_path))),
    ):
        pass


def test_a_worker_without_the_package_is_refused_with_the_cure(
    elsewhere: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def absent(_: Work) -> None:
        raise ModuleNotFoundError("No module named 'training'")

    monkeypatch.setattr(Work, "read_mark", absent)
    with (
        pytest.raises(EngineError, match=r"has no gpmcast .*No module named 'training'.*PYTHONPATH"),
        cluster(Dask(scheduler=elsewhere.scheduler_address), Work(str(tmp_path))),
    ):
        pass


def test_a_scheduler_without_the_package_is_refused_likewise(
    elsewhere: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def absent() -> str:
        raise ModuleNotFoundError("No module named 'training'")

    monkeypatch.setattr("training.sharded.cluster._version", absent)
    with (
        pytest.raises(EngineError, match=r"the scheduler has no gpmcast .*No module named 'training'"),
        cluster(Dask(scheduler=elsewhere.scheduler_address), Work(str(tmp_path))),
    ):
        pass


def test_a_lost_scheduler_is_reported_and_an_error_of_a_task_is_not_taken_for_one(tmp_path: Path):
    with (
        LocalCluster(
            n_workers=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as running,
        cluster(Dask(scheduler=running.scheduler_address), Work(str(tmp_path))) as engine,
    ):
        with pytest.raises(FileNotFoundError):
            engine.run(open_absent, str(tmp_path / "absent"), [1])
        engine._client.close()
        with pytest.raises(EngineError, match=r"The scheduler was lost.*same command again"):
            engine.run(twice, 1, [1])


def test_a_scheduler_without_workers_is_no_engine(tmp_path: Path):
    with (
        LocalCluster(
            n_workers=0, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as idle,
        pytest.raises(EngineError, match=r"has no workers.*dask worker"),
        cluster(Dask(scheduler=idle.scheduler_address), Work(str(tmp_path))),
    ):
        pass


def test_the_loss_of_all_workers_is_reported_with_the_cure(tmp_path: Path):
    with (
        LocalCluster(
            n_workers=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address="127.0.0.1:0"
        ) as running,
        cluster(Dask(scheduler=running.scheduler_address), Work(str(tmp_path))) as engine,
    ):
        assert engine.run(twice, 1, [1]) == [1]
        running.scale(0)
        while engine._client.nthreads():
            time.sleep(0.01)
        engine._client._timeout = 1
        with pytest.raises(EngineError, match=r"No worker is left\. Start some, then run the same command again"):
            engine.run(twice, 1, [1])
