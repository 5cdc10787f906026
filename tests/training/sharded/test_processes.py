"""Processes of this machine: what they count is what one frame gives, and none outlives the run that started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Settings
from features.errors import PartitionError
from features.partitions.manifest import PartitionedDataset
from features.point_in_time.counts import funnel_of
from features.point_in_time.entity_history import entities
from features.schema import Loaded
from training.data.metrics_source import InMemorySource
from training.engine import Engine, LocalEngine
from training.errors import EngineError
from training.progress import ProgressCallbacks
from training.sharded.processes import processes
from training.sharded.source import ShardedSource
from training.sharded.work import Work

pytestmark = pytest.mark.slow

psutil = pytest.importorskip("psutil")

QUICK = Settings.model_validate({"tags": {"min_creatives": 2}, "text": {"components": 2}, "open_days": 1})

SLEEPERS = """
import os, sys, time
from training.sharded.processes import processes

def sleep(_, item):
    os.write(1, f"{os.getpid()}\\n".encode())  # at once: two lines never mix
    time.sleep(600)

if __name__ == "__main__":
    with processes(2) as engine:
        engine.run(sleep, None, [1, 2])
"""


@pytest.fixture(scope="module")
def two() -> Iterator[Engine]:
    with processes(2) as engine:
        yield engine


@pytest.fixture
def sleepers(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list["psutil.Process"]]]:
    """A run whose two processes are at work, and these processes."""
    script = tmp_path / "sleepers.py"
    script.write_text(SLEEPERS, encoding="utf-8")
    # Where the tests run in a shell's background SIGINT is ignored, and what they start would inherit that.
    run = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    yield run, [psutil.Process(int(run.stdout.readline())) for _ in range(2)]
    run.kill()
    run.communicate()


def twice(factor: int, item: int) -> int:
    return factor * item


def who(_: None, item: int) -> int:
    return os.getpid()


def meet(folder: Path, item: int) -> int:
    """Wait for who does the other of two items."""
    (folder / str(item)).touch()
    until = time.monotonic() + 180
    while len([*folder.iterdir()]) < 2:
        assert time.monotonic() < until, "nobody came"
        time.sleep(0.01)
    return os.getpid()


def die(_: None, item: int) -> int:
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def fail(_: None, item: int) -> None:
    raise PartitionError(f"part {item}: found nothing")


def test_items_come_back_in_their_order_from_processes_side_by_side(two: Engine, tmp_path: Path):
    steps = []
    assert two.run(twice, 3, range(20), lambda done, total: steps.append((done, total))) == [*range(0, 60, 3)]
    assert steps == [(done, 20) for done in range(21)]
    assert len({os.getpid(), *two.run(meet, tmp_path, range(2))}) == 3


def test_an_error_in_a_process_is_the_error_of_the_run(two: Engine):
    with pytest.raises(PartitionError, match="part 7: found nothing"):
        two.run(fail, None, [7])
    assert two.run(twice, 1, [5]) == [5]


def test_counts_of_two_processes_are_those_of_one_frame(
    two: Engine, many_accounts: Loaded, as_dataset: Callable[[Loaded, Path], PartitionedDataset], tmp_path: Path
):
    whole = InMemorySource(many_accounts)
    dataset = as_dataset(many_accounts, tmp_path / "dataset")
    parted = ShardedSource(dataset, Work(str(tmp_path / "work")), two, QUICK, ProgressCallbacks())
    funnel = funnel_of(dataset.values, whole.creatives, QUICK)
    shared = entities(whole.creatives, QUICK.tags.multi, QUICK.tags.crosses)
    rows = parted.snapshots(QUICK)
    assert_frame_equal(rows, whole.snapshots(QUICK), check_exact=True)
    assert_frame_equal(
        parted.observe(rows, funnel, shared, QUICK), whole.observe(rows, funnel, shared, QUICK), check_exact=True
    )


def test_a_lost_process_stops_the_run_with_the_cure():
    with processes(2) as engine, pytest.raises(EngineError, match=r"`processes: 1`.*same command again"):
        engine.run(die, None, range(4))


def test_one_is_this_process():
    with processes(1) as engine:
        assert isinstance(engine, LocalEngine)
        assert engine.run(who, None, [1]) == [os.getpid()]


def test_none_outlives_a_run_that_is_killed(sleepers):
    run, workers = sleepers
    run.kill()
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert not alive


def test_ctrl_c_ends_all_processes_and_only_the_run_prints_a_traceback(sleepers):
    run, workers = sleepers
    for process in (*workers, run):  # as a terminal does: to all of them
        process.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=120)
    assert stderr.count("Traceback") == 1
    assert "KeyboardInterrupt" in stderr.splitlines()[-1]
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert not alive
