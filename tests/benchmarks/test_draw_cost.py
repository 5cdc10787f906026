"""Is a draw told beside all rows, on the same rows that judge?"""

import numpy as np
import pytest

from benchmarks.draw_cost import drawn_of, run, sheets
from benchmarks.scores import OURS
from benchmarks.tasks import Task, make_task
from configs.settings import Settings
from features.schema import KEY, Loaded


@pytest.fixture(scope="module")
def task(small_world: Loaded) -> Task:
    quick = {
        "open_days": 1,
        "trees": {"rounds": 12, "min_data_in_leaf": 20},
        "split": {"holdout_days": 10, "folds": 2},
        "evaluate": {"min_impressions": 50},
        "tags": {"min_creatives": 2},
        "text": {"components": 2, "buckets": 256},
    }
    return make_task(small_world, Settings.model_validate(quick))


def test_whole_creatives_are_drawn_from_the_rows_that_train(task: Task) -> None:
    half = drawn_of(task, 0.5)
    assert 0.4 * task.train.sum() < half.sum() <= 0.5 * task.train.sum()
    assert not (half & ~task.train).any()
    whole = task.teaches.observed.loc[task.train].groupby(KEY).size()
    left = task.teaches.observed.loc[half].groupby(KEY).size()
    assert (left == whole.loc[left.index]).all()


def test_each_share_is_judged_on_the_same_rows(task: Task) -> None:
    figures = run(task, [0.5], draws=5)
    assert set(figures["method"]) == {OURS, "50% of the rows"}
    counts = figures.groupby(["target", "age_hours", "part", "method"])["rows"].first().unstack()
    assert (counts[OURS] == counts["50% of the rows"]).all()
    ranks = figures[figures["figure"] == "spearman"].pivot_table("value", "target", "method")
    assert not np.allclose(ranks[OURS], ranks["50% of the rows"])
    assert len(sheets(figures)) == len(task.funnel.targets)
