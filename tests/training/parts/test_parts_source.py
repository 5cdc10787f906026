"""Counted part by part, everything is what it is counted at once: to the last bit."""

from collections.abc import Callable

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from configs.settings import Settings
from features.history import entities
from features.observe import plan_of
from features.partition_manifest import Partitioned
from features.schema import Loaded
from training.engine import Here
from training.parts.source import InParts
from training.parts.work import Work
from training.source import InMemory
from training.told import Told

QUICK = Settings.model_validate(
    {"tags": {"min_creatives": 2}, "text": {"components": 2, "buckets": 256}, "open_days": 1}
)


class Two(Here):
    """This process, as if it were two workers: so that there are several buckets."""

    workers = 2


@pytest.fixture(scope="module")
def whole(many_accounts: Loaded) -> InMemory:
    return InMemory(many_accounts)


@pytest.fixture(scope="module")
def dataset(many_accounts: Loaded, as_dataset: Callable, tmp_path_factory: pytest.TempPathFactory) -> Partitioned:
    return as_dataset(many_accounts, tmp_path_factory.mktemp("dataset"))


@pytest.fixture(scope="module")
def parted(dataset: Partitioned, tmp_path_factory: pytest.TempPathFactory) -> InParts:
    return InParts(dataset, Work(str(tmp_path_factory.mktemp("work"))), Two(), QUICK, Told())


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    assert_frame_equal(left, right, check_exact=True)


def test_counts_and_outcomes_are_those_of_one_frame(whole: InMemory, parted: InParts):
    plan = plan_of(sorted({n for names in whole.held().values() for n in names}), whole.creatives, QUICK)
    shared = entities(whole.creatives, QUICK.tags.multi, QUICK.tags.crosses)
    rows = whole.snapshots(QUICK)
    same(parted.snapshots(QUICK), rows)
    observed = parted.observe(rows, plan, shared, QUICK)
    same(observed, whole.observe(rows, plan, shared, QUICK))
    assert observed.filter(like="hist:").to_numpy().any()
    same(parted.outcomes(rows, plan, QUICK), whole.outcomes(rows, plan, QUICK))
