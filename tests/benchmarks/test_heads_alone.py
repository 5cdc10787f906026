"""Heads alone know nothing of the funnel model, and start from the mean of the training rows."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.heads_alone import fit_heads_alone, from_mean, without_funnel
from benchmarks.tasks import Task, make_task
from configs.settings import Settings
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import Loaded
from training.boosting.heads import head_rows
from training.data.dataset import fit_features, rows_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def task(small_world: Loaded) -> Task:
    quick = Settings.model_validate(
        {
            "open_days": 1,
            "trees": {"rounds": 10, "min_data_in_leaf": 20},
            "split": {"holdout_days": 10, "folds": 2},
            "refits": {"every_days": 30},
            "evaluate": {"min_impressions": 50},
            "text": {"components": 2, "buckets": 256},
        }
    )
    return make_task(small_world, quick)


def test_no_feature_of_the_funnel_is_left(task: Task) -> None:
    features, _ = rows_of(task.training, task.train, fit_features(task.training, task.train, task.until))
    left = without_funnel(features)
    assert left.values.names == left.catalogue.names
    assert {feature.group for feature in left.catalogue} == {feature.group for feature in features.catalogue} - {
        "funnel"
    }
    np.testing.assert_array_equal(left.values["age"], features.values["age"])


def test_rows_start_from_their_weighted_mean(task: Task) -> None:
    fitted = fit_features(task.training, task.train, task.until)
    data = head_rows(task.funnel.heads[0], *rows_of(task.training, task.train, fitted), task.funnel, 1.0)
    level = from_mean(data, data)
    mean = (data.training_weight @ data.ratio) / data.training_weight.sum()
    assert np.exp(level.log_funnel) == pytest.approx(np.full(len(data), mean))


def test_predictions_do_not_change_with_the_funnel_models(task: Task) -> None:
    model = fit_heads_alone(task)
    again = fit_heads_alone(replace(task, training=replace(task.training, funnel_models=())))
    features = build_features(ArrayFrame.of(task.observed), model.base.fitted)
    predicted = model.predict(features)
    assert task.training.funnel_models
    assert np.isfinite(predicted[task.funnel.targets]).all(axis=None)
    assert predicted.equals(again.predict(features))
