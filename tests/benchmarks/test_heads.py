"""Designs of the heads are compared on the same rows, and the verdict counts data sets by their folds."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.cost_level import BUILT_IN, WAYS, log_factors
from benchmarks.head_designs import (
    COMPOSED,
    COST_LEVEL,
    DIRECT,
    FOLDS,
    FUNNEL,
    HEADS,
    HOLDOUT,
    STACK,
    STACKS,
    compare,
    direct_heads,
    parts_of,
)
from benchmarks.heads import tables, verdict
from benchmarks.tasks import Task, make_task
from configs.settings import Settings
from features.schema import Loaded


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


@pytest.mark.slow
def test_a_target_s_own_head_is_the_funnel_s_product_of_that_target(task: Task) -> None:
    features, _ = parts_of(task)[-1].judged
    rates = features.log_stage_rates()
    heads = direct_heads(task.funnel)
    assert [head.name for head in heads] == ["net_gpm", "roi", "net_roi"]
    for head in heads:
        signs = task.funnel.compositions[head.name].signs
        assert head.log_product(rates) == pytest.approx(sum(sign * rates[name] for name, sign in signs.items()))


@pytest.mark.slow
def test_the_factor_that_is_built_in_is_found_again(task: Task) -> None:
    part = parts_of(task)[-1]
    level = part.fitted.priors["cost"].log_level
    found = log_factors(WAYS[BUILT_IN], part.fit, part.judged[0], level)
    assert np.ptp(found) == 0.0
    assert found[0] == pytest.approx(level, abs=1e-9)
    assert not log_factors(WAYS["none"], part.fit, part.judged[0], level).any()


@pytest.mark.slow
def test_every_way_is_measured_on_the_folds_and_on_the_holdout(task: Task) -> None:
    found = compare(task)
    assert np.isfinite(found["value"]).all()
    ways = {section: list(dict.fromkeys(rows["way"])) for section, rows in found.groupby("section")}
    assert ways == {COST_LEVEL: list(WAYS), STACK: [FUNNEL, *STACKS], HEADS: [COMPOSED, DIRECT]}
    assert set(found["where"]) == {FOLDS, HOLDOUT}
    values = found.set_index(["section", "way", "where", "target", "figure"])["value"]
    # The built-in level is in the funnel model already.
    assert values[COST_LEVEL, BUILT_IN, HOLDOUT, "roi", "total"] == pytest.approx(
        values[STACK, FUNNEL, HOLDOUT, "roi", "total"]
    )
    assert values[STACK, "as trained", HOLDOUT, "roi", "total"] == values[HEADS, COMPOSED, HOLDOUT, "roi", "total"]
    assert len(tables(found)) == 6


def deviances(folds: float, holdout: float) -> pd.DataFrame:
    """Figures of a data set: own heads' deviance of one target, composed heads having 1."""
    row = {"section": HEADS, "target": "roi", "figure": "deviance"}
    values = {(DIRECT, FOLDS): folds, (DIRECT, HOLDOUT): holdout, (COMPOSED, FOLDS): 1.0, (COMPOSED, HOLDOUT): 1.0}
    return pd.DataFrame([row | {"way": way, "where": where, "value": v} for (way, where), v in values.items()])


def test_own_heads_are_taken_only_where_they_are_clearly_better_on_most_data_sets() -> None:
    clear, slight = deviances(0.96, 1.2), deviances(0.98, 0.5)
    assert verdict({"a": clear, "b": clear, "c": slight}).title.endswith("2 of 3, so own heads")
    refused = verdict({"a": clear, "b": slight})
    assert refused.title.endswith("1 of 2, so composed heads")
    assert list(refused.rows) == [("a", "0.960", "1.200"), ("b", "0.980", "0.500")]
