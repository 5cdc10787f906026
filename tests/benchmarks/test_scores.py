"""Figures of a comparison equal those of an evaluation, and methods are compared on the same draws."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.scores import OURS, OUTCOME, TRUTH, compare, compare_methods, figures
from features.funnel import build_funnel
from training.evaluation.metrics import ALL_AGES, evaluate

COUNT = 40


@pytest.fixture
def rows():
    """Truth, a good and a poor prediction, exposures and keys of forty creatives."""
    draw = np.random.default_rng(2)
    truth = draw.gamma(1.0, 2.0, COUNT)
    near, far = truth * draw.lognormal(0, 0.3, COUNT), truth * draw.lognormal(0, 2.0, COUNT)
    keys = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(COUNT)],
            "age_hours": np.repeat([0, 24], COUNT // 2),
            "cold": np.arange(COUNT) % 2 == 0,
        }
    )
    return truth, near, far, draw.gamma(0.5, 100.0, COUNT), keys


def test_values_are_those_of_an_evaluation(rows) -> None:
    truth, near, _, exposure, keys = rows
    found = figures(near, near, truth, exposure, np.ones((1, COUNT)))
    table = evaluate(
        {"m": pd.DataFrame({"net_roi": near})},
        pd.DataFrame({"net_roi": truth}),
        {"net_roi": exposure, "volume": exposure},
        keys["age_hours"],
        keys["cold"].to_numpy(),
        0.0,
    ).iloc[0]
    for name, drawn in found.items():
        assert drawn[0] == pytest.approx(table[name]), name


def test_the_difference_of_two_methods_can_exclude_zero_though_their_bands_overlap(rows) -> None:
    truth, near, far, exposure, keys = rows
    methods = {name: pd.DataFrame({"net_roi": guess}) for name, guess in ((OURS, near), ("theirs", far))}
    known = {"net_roi": np.ones(COUNT, dtype=bool)}
    table = compare(methods, pd.DataFrame({"net_roi": truth}), {"net_roi": exposure}, keys, known, draws=200)
    spearman = table[(table["figure"] == "spearman") & (table["part"] == "all") & (table["age_hours"] == ALL_AGES)]
    theirs = spearman.set_index("method").loc["theirs"]
    assert theirs["difference"] < theirs["difference_high"] < 0.0
    assert theirs["low"] < theirs["value"] < theirs["high"]
    assert set(table["part"]) == {"all", "cold", "warm"}
    assert set(table["age_hours"]) == {ALL_AGES, 0, 24}


def test_a_method_without_a_number_is_refused(rows) -> None:
    truth, near, _, exposure, keys = rows
    holed = pd.DataFrame({"net_roi": np.where(np.arange(COUNT) == 3, np.nan, near)})
    with pytest.raises(ValueError, match="holed has no number for 1 rows of net_roi"):
        compare(
            {"holed": holed},
            pd.DataFrame({"net_roi": truth}),
            {"net_roi": exposure},
            keys,
            {"net_roi": np.ones(COUNT, dtype=bool)},
            draws=2,
        )


def test_outcomes_are_ranked_by_the_typical_value_and_all_else_is_that_of_the_expected_one(rows) -> None:
    truth, near, far, exposure, keys = rows
    known = {"net_roi": np.ones(COUNT, dtype=bool)}
    both, near_alone, far_alone = (
        compare(
            {"m": pd.DataFrame(table)}, pd.DataFrame({"net_roi": truth}), {"net_roi": exposure}, keys, known, draws=9
        )
        for table in ({"net_roi": far, "typical_net_roi": near}, {"net_roi": near}, {"net_roi": far})
    )
    rank = both["figure"] == "spearman"
    assert (
        both.loc[rank, "value"].tolist()
        == near_alone.loc[rank, "value"].tolist()
        != far_alone.loc[rank, "value"].tolist()
    )
    assert both.loc[~rank, "value"].tolist() == far_alone.loc[~rank, "value"].tolist()


def test_true_rates_are_expected_values_and_ranked_by_them(rows) -> None:
    truth, near, far, _, keys = rows
    funnel = build_funnel(["spend_cny", "gmv_cny"], None)
    spend = np.full(COUNT, 100.0)
    outcome = pd.DataFrame({"later:spend_cny": spend, "later:gmv_cny": near * spend, "covered_share": 1.0})
    world = keys.assign(cutoff=0, roi=truth, roi_known_effects=truth)
    methods = {OURS: pd.DataFrame({"roi": truth, "typical_roi": near, "later_spend": far})}
    table = compare_methods(
        methods, keys, outcome, keys["cold"].to_numpy(), funnel, least_volume=1.0, draws=2, truth=world
    )
    whole = table[(table["age_hours"] == ALL_AGES) & (table["part"] == "all") & (table["target"] == "roi")]
    rank = whole[(whole["figure"] == "spearman") & (whole["method"] == OURS)].set_index("against")["value"]
    assert rank[OUTCOME] == pytest.approx(1.0)
    assert rank[TRUTH] == pytest.approx(1.0)
