"""The comparison of engines counts differing cells and compares mean ranks."""

from dataclasses import replace

import pandas as pd
import pytest

from benchmarks.engines import difference_of_means, differing, run
from configs.settings import Settings
from features.schema import Loaded
from training.data.dataset import prepare
from training.data.metrics_source import InMemorySource

# The last three are of MLflow: deprecated calls of its SQL store, and connections left to the garbage collector.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The ``noload`` loader"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_every_cell_that_differs_is_counted(small_world: Loaded, settings: Settings) -> None:
    left = prepare(small_world, settings)
    size = left.observed.size + left.outcome.size
    assert differing(left, left) == (0, size)
    changed = left.observed.copy()
    changed.loc[3, "elapsed_hours"] += 1e-9
    assert differing(left, replace(left, observed=changed)) == (1, size)
    assert differing(left, replace(left, observed=changed.drop(columns="cutoff"))) == (1 + len(changed), size)


def test_a_run_gives_the_rank_of_each_target(small_world: Loaded, settings: Settings, tmp_path) -> None:
    ranks = run(InMemorySource(small_world), settings, tmp_path)
    assert list(ranks.index) == ["gpm", "net_gpm", "roi", "net_roi", "later_impressions"]
    assert ranks.between(-1, 1).all()


def test_the_difference_of_means_is_in_standard_errors_of_the_seeds() -> None:
    one = pd.DataFrame({"gpm": [0.50, 0.52], "roi": [0.3, 0.3]})
    other = pd.DataFrame({"gpm": [0.60, 0.62], "roi": [0.3, 0.3]})
    table = difference_of_means(one, other)
    # Variances of 0.0002 of two runs each: a standard error of √0.0002.
    assert table.loc["gpm"].tolist() == pytest.approx([0.51, 0.61, 0.1, 0.0002**0.5, 0.1 / 0.0002**0.5])
    assert table.loc["roi", "standard errors"] == 0.0
