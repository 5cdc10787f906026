"""The small world as it was observed, for tests that read its counts."""

from collections.abc import Callable

import pandas as pd
import pytest

from configs.settings import Settings
from features.funnel import Funnel
from features.point_in_time.counts import data_funnel, entities_of, observe_loaded
from features.schema import Loaded

SnapshotsOf = Callable[..., pd.DataFrame]

QUICK = {"tags": {"min_creatives": 2}, "text": {"components": 2, "buckets": 256}, "open_days": 1}


@pytest.fixture(scope="session")
def quick() -> Settings:
    """Settings for a world as small as ours; nothing is written."""
    return Settings.model_validate(QUICK)


@pytest.fixture(scope="session")
def funnel(small_world: Loaded, quick: Settings) -> Funnel:
    return data_funnel(small_world, quick)


@pytest.fixture(scope="session")
def taken(small_world: Loaded, quick: Settings, snapshots_of: SnapshotsOf) -> pd.DataFrame:
    return snapshots_of(small_world, quick.ages_hours, weekly=True)


@pytest.fixture(scope="session")
def observed(small_world: Loaded, quick: Settings, funnel: Funnel, taken: pd.DataFrame) -> pd.DataFrame:
    return observe_loaded(taken, small_world, funnel, entities_of(small_world.creatives, quick), quick).frame()
