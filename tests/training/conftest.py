"""The small world on its way to a model: made once, read by many."""

from pathlib import Path

import numpy as np
import pytest

from configs.settings import Settings, Trees
from features.schema import Loaded
from features.stages import VOLUME
from training.boosting.model import Choice, fit_model
from training.boosting.stack import Stack
from training.data.dataset import Dataset, fit_features, prepare, rows_of
from training.labels.splits import holdout_split


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings for a world as small as ours."""
    return Settings.model_validate(
        {
            "var": str(tmp_path_factory.mktemp("var")),
            "open_days": 1,
            "tune": {"trials": 2, "jobs": 1},
            "trees": {"rounds": 12, "min_data_in_leaf": 20},
            "volume_trees": {"rounds": 12, "min_data_in_leaf": 20},
            "split": {"holdout_days": 7, "folds": 2},
            "refits": {"every_days": 20},
            "thin": {"min_creatives": 20, "min_orders": 10},
            "evaluate": {"min_impressions": 50},
            "tags": {"min_creatives": 2},
            "text": {"components": 2, "buckets": 256},
        }
    )


@pytest.fixture(scope="session")
def dataset(small_world: Loaded, quick: Settings) -> Dataset:
    return prepare(small_world, quick)


@pytest.fixture(scope="session")
def cut(dataset: Dataset):
    """Training rows, holdout rows and the moment between."""
    return holdout_split(dataset.rows, dataset.settings.split.holdout_days)


@pytest.fixture(scope="session")
def fitted(dataset: Dataset, cut):
    return fit_features(dataset, cut[0], cut[2])


@pytest.fixture(scope="session")
def train_rows(dataset: Dataset, cut, fitted):
    """Features and outcomes of the training rows."""
    return rows_of(dataset, cut[0], fitted)


@pytest.fixture(scope="session")
def holdout_rows(dataset: Dataset, cut, fitted):
    """Features and outcomes of the holdout rows."""
    return rows_of(dataset, cut[1], fitted)


@pytest.fixture(scope="session")
def choices(quick: Settings) -> dict[str, Choice]:
    """Head → choice: all members of the stack for `gmv` and `keep`, no trees for `cost`."""
    trees = quick.trees.model_copy(update={"learning_rate": 0.1, "lambda_l2": 1.0})
    return {
        "gmv": Choice(trees, 12, Stack(bayes=0.2, funnel=0.3, trees=0.5, log_bayes_level=0.1)),
        "cost": Choice(trees, 0, Stack(bayes=0.25, funnel=0.75, log_bayes_level=-0.05)),
        "keep": Choice(trees, 12, Stack(bayes=0.1, funnel=0.3, trees=0.6, log_bayes_level=0.05)),
        VOLUME: Choice(Trees.model_validate(quick.volume_trees.model_dump()), 12),
    }


@pytest.fixture(scope="session")
def model(dataset: Dataset, fitted, train_rows, choices: dict[str, Choice]):
    """A model by `choices`, trained without the holdout."""
    return fit_model(*train_rows, fitted, choices, dataset.settings)


@pytest.fixture(scope="session")
def same_bits():
    """Whether two frames of numbers are equal to the last bit, NaN included."""

    def compare(left, right) -> None:
        assert list(left) == list(right)
        for name in left:
            a, b = left[name].to_numpy(), right[name].to_numpy()
            if a.dtype.kind == "f":
                a, b = a.view(np.int64), b.view(np.int64)
            assert (a == b).all(), name

    return compare


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bundle"
