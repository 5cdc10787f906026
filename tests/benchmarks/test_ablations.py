"""Ablations remove their inputs, and metadata alone at age 0 comes first."""

import numpy as np
import pytest

from benchmarks.ablations import ABLATIONS, figure_tables, run
from configs.settings import Settings
from features.schema import Loaded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def figures(small_world: Loaded):
    quick = Settings.model_validate(
        {
            "open_days": 1,
            "trees": {"rounds": 12, "min_data_in_leaf": 20},
            "split": {"holdout_days": 20, "folds": 2},
            "evaluate": {"min_impressions": 1},
            "tags": {"min_creatives": 2},
            "text": {"components": 0},
        }
    )
    return run(small_world, quick, draws=5)


def test_age_0_comes_first_then_all_ages(figures) -> None:
    order = list(dict.fromkeys(figures["age_hours"]))
    assert order[:2] == [0, -1]
    assert figure_tables(figures)[0].title.startswith("age 0: metadata only")
    assert figure_tables(figures)[0].rows[0][0] == "metadata alone"
    assert set(figures["method"]) == set(ABLATIONS)


def test_without_early_metrics_age_0_is_still_predicted(figures) -> None:
    first = figures[(figures["age_hours"] == 0) & (figures["figure"] == "total") & (figures["target"] == "gpm")]
    assert np.isfinite(first["value"]).all()
    assert len(first) == len(ABLATIONS)


def test_each_ablation_changes_the_predictions(figures) -> None:
    whole = figures[(figures["age_hours"] == -1) & (figures["part"] == "all") & (figures["target"] == "net_gpm")]
    deviances = whole[whole["figure"] == "deviance"].set_index("method")["value"]
    assert deviances.nunique() == len(ABLATIONS)
