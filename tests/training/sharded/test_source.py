"""Counted part by part, everything is what it is counted at once: to the last bit."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Dask, Settings
from features.errors import PartitionError
from features.funnel import Funnel
from features.partitions.manifest import PartitionedDataset
from features.point_in_time.counts import funnel_of
from features.point_in_time.entity_history import Entity, entities
from features.schema import Loaded
from training.data.metrics_source import InMemorySource
from training.engine import LocalEngine
from training.progress import ProgressCallbacks
from training.run import train_and_register
from training.sharded import tasks
from training.sharded.source import ShardedSource
from training.sharded.tasks import Job
from training.sharded.work import Work
from training.workspace import workspace

pytestmark = pytest.mark.slow

QUICK = Settings.model_validate(
    {"tags": {"min_creatives": 2}, "text": {"components": 2, "buckets": 256}, "open_days": 1}
)


class Two(LocalEngine):
    """This process, as if it were two workers: so that there are several buckets."""

    workers, trains = 2, True


@pytest.fixture(scope="module")
def whole(many_accounts: Loaded) -> InMemorySource:
    return InMemorySource(many_accounts)


@pytest.fixture(scope="module")
def dataset(
    many_accounts: Loaded, as_dataset: Callable, tmp_path_factory: pytest.TempPathFactory
) -> PartitionedDataset:
    return as_dataset(many_accounts, tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def parted(dataset: PartitionedDataset, tmp_path_factory: pytest.TempPathFactory) -> ShardedSource:
    return ShardedSource(dataset, Work(str(tmp_path_factory.mktemp("work"))), Two(), QUICK, ProgressCallbacks())


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert_frame_equal(left, right, check_exact=True)


@pytest.fixture(scope="module")
def funnel(whole: InMemorySource) -> Funnel:
    return funnel_of(sorted({n for names in whole.value_columns().values() for n in names}), whole.creatives, QUICK)


@pytest.fixture(scope="module")
def shared(whole: InMemorySource) -> list[Entity]:
    return entities(whole.creatives, QUICK.tags.multi, QUICK.tags.crosses)


def test_launches_and_totals_equal_those_of_one_frame(whole, parted, funnel, shared):
    same(parted.creatives, whole.creatives)
    same(parted.launches(), whole.launches())
    assert parted.until == whole.until
    assert {kind: sorted(names) for kind, names in whole.value_columns().items()} == parted.value_columns()
    moments = [pd.Timestamp("2026-03-20"), pd.Timestamp("2026-04-20"), whole.until + pd.Timedelta(days=1)]
    counted = list(parted.totals(moments, funnel, QUICK))
    for one, other in zip(counted, whole.totals(moments, funnel, QUICK)):
        same(one, other)
    assert counted[0]["impressions"].sum() < counted[-1]["impressions"].sum()
    one, other = parted.as_of_table(funnel, shared, QUICK), whole.as_of_table(funnel, shared, QUICK)
    same(one.table, other.table)
    assert (one.moment, one.metrics, one.ranges) == (other.moment, other.metrics, other.ranges)


def test_some_snapshots_are_counted_in_the_order_of_the_request(whole, parted, funnel, shared):
    some = whole.snapshots(QUICK).sample(frac=0.3, random_state=4).reset_index(drop=True)
    same(parted.observe(some, funnel, shared, QUICK), whole.observe(some, funnel, shared, QUICK))
    same(parted.outcomes(some, funnel, QUICK), whole.outcomes(some, funnel, QUICK))


def test_a_run_that_was_stopped_finds_what_is_done(dataset, parted, funnel, shared, monkeypatch):
    rows = parted.snapshots(QUICK)
    before = parted.observe(rows, funnel, shared, QUICK)
    monkeypatch.setattr(tasks, "read_part", lambda *_: pytest.fail("a part was read again"))
    again = ShardedSource(dataset, parted.work, Two(), QUICK, ProgressCallbacks())
    same(again.observe(again.snapshots(QUICK), funnel, shared, QUICK), before)
    next(iter(again.totals([pd.Timestamp("2026-04-20")], funnel, QUICK)))


def test_with_more_workers_only_what_goes_by_buckets_is_done_again(dataset, parted, funnel, shared, monkeypatch):
    class Three(Two):
        workers = 3

    rows = parted.snapshots(QUICK)
    before = parted.observe(rows, funnel, shared, QUICK)
    again = ShardedSource(dataset, parted.work, Three(), QUICK, ProgressCallbacks())
    same(again.observe(rows, funnel, shared, QUICK), before)
    monkeypatch.setattr(tasks, "read_part", lambda *_: pytest.fail("a part was read again"))
    same(again.snapshots(QUICK), rows)
    assert again.folders == parted.folders


def test_other_settings_count_again(dataset, parted):
    later = QUICK.model_copy(update={"report_delay_hours": {"hour": 30, "day": 30, "range": 30, "gap": 30}})
    other = ShardedSource(dataset, parted.work, Two(), later, ProgressCallbacks())
    funnel = funnel_of(dataset.values, other.creatives, later)
    shared = entities(other.creatives, later.tags.multi, later.tags.crosses)
    rows = other.snapshots(later)
    mine, theirs = other.observe(rows, funnel, shared, later), parted.observe(rows, funnel, shared, QUICK)
    assert not mine.filter(like="hist:").equals(theirs.filter(like="hist:"))


def test_the_inputs_of_a_task_are_shown_without_the_folder_of_tables(dataset, parted):
    dataset = replace(dataset, root="sftp://me:s3cret@host/set")
    elsewhere = QUICK.model_copy(update={"dask": Dask(work="sftp://me:s3cret@host/work")})
    job = Job(dataset, "sftp://me:s3cret@host/work", parted._funnel(QUICK), (), elsewhere, "facts")
    assert "s3cret" not in repr(job)


def test_a_table_between_steps_that_is_damaged_is_named(parted):
    work = parted.work
    work.put("x/y", pd.DataFrame({"a": [1.0]}))
    Path(work.root, "x", "y.arrow").write_bytes(b"half")
    with pytest.raises(PartitionError, match=r"y\.arrow: found no whole table.*run the same command again"):
        work.get("x/y")


def test_a_broken_part_is_named_by_the_run(many_accounts, as_dataset, tmp_path):
    dataset = as_dataset(many_accounts, tmp_path / "dataset")
    broken = tmp_path / "dataset" / dataset.parts[1].metrics[0]
    broken.write_bytes(broken.read_bytes()[:-100])
    parted = ShardedSource(dataset, Work(str(tmp_path / "work")), Two(), QUICK, ProgressCallbacks())
    with pytest.raises(PartitionError, match=re.escape(dataset.parts[1].metrics[0])):
        parted.snapshots(QUICK)


@pytest.mark.filterwarnings("ignore")  # MLflow's own
def test_a_whole_run_in_parts_is_a_run_on_one_frame(many_accounts, as_dataset, tmp_path, settings: Settings):
    dataset = as_dataset(many_accounts, tmp_path / "dataset")
    results = []
    for name, source in (
        ("whole", InMemorySource(many_accounts)),
        ("parts", ShardedSource(dataset, Work(str(tmp_path / "work")), LocalEngine(), settings, ProgressCallbacks())),
    ):
        own = settings.model_copy(update={"var": tmp_path / name, "name": name})
        results.append(train_and_register(source, workspace([name], own), own, ProgressCallbacks()))
    whole, parts = results
    same(parts.figures, whole.figures)
    assert parts.recipe == whole.recipe
    tables = [pd.read_csv(result.predictions) for result in results]
    same(tables[1], tables[0])
    assert len(tables[0]) == len(many_accounts.creatives)


def test_counts_and_outcomes_are_those_of_one_frame(whole, parted, funnel, shared):
    rows = whole.snapshots(QUICK)
    same(parted.snapshots(QUICK), rows)
    observed = parted.observe(rows, funnel, shared, QUICK)
    same(observed, whole.observe(rows, funnel, shared, QUICK))
    assert observed.filter(like="hist:").to_numpy().any()
    same(parted.outcomes(rows, funnel, QUICK), whole.outcomes(rows, funnel, QUICK))
