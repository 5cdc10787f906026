"""The teams' rules, creative by creative."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.rules import (
    boosted,
    cohort_median,
    exploring,
    faded,
    own_roi,
    plain_roi,
    rotated,
    rule_scores,
    shrunk_roi,
    stopped,
)


def seen(**columns) -> pd.DataFrame:
    """Creatives at their third day: by default 100 CNY spent, two orders of 100 CNY, nothing refunded."""
    count = max(len(values) for values in columns.values())
    usual = {
        "promotion_type": "live",
        "age_hours": 72,
        "elapsed_hours": 72.0,
        "price_cny": 100.0,
        "early:spend_cny": 100.0,
        "early:orders": 2.0,
        "early:gmv_cny": 200.0,
        "early:settled_gmv_cny": 200.0,
        "early:settled_net_cny": 200.0,
        "last_days:spend_cny": 100.0,
        "last_days:orders": 2.0,
        "last_days:gmv_cny": 200.0,
        "last_days:settled_gmv_cny": 200.0,
        "last_days:settled_net_cny": 200.0,
    }
    return pd.DataFrame(
        {**usual, **{name.replace("__", ":"): values for name, values in columns.items()}}, range(count)
    )


def test_the_net_share_of_settled_gmv_applies_to_all_gmv() -> None:
    rows = seen(early__settled_gmv_cny=[100.0, 0.0], early__settled_net_cny=[80.0, 0.0])
    assert own_roi(rows) == pytest.approx([2.0 * 0.8, 2.0])
    assert np.isnan(own_roi(seen(early__spend_cny=[0.0]))).all()


def test_roi_is_shrunk_to_the_median_of_its_cohort_with_200_cny() -> None:
    cohort = seen(early__gmv_cny=[100.0, 300.0, 500.0, 9000.0], early__spend_cny=[100.0, 100.0, 100.0, 49.0])
    rows = seen(early__spend_cny=[100.0, 0.0], early__gmv_cny=[600.0, 0.0])
    assert cohort_median(rows, cohort) == pytest.approx([3.0, 3.0])  # of 1, 3, 5: the fourth spent too little
    assert shrunk_roi(rows, cohort) == pytest.approx([(6 * 100 + 3 * 200) / 300, 3.0])
    assert plain_roi(rows, cohort) == pytest.approx([6.0, 3.0])


def test_an_age_or_type_without_a_cohort_takes_the_next_wider_one() -> None:
    cohort = seen(early__gmv_cny=[100.0, 300.0], promotion_type=["live", "product"])
    rows = seen(promotion_type=["live", "product", "other"], age_hours=[24, 72, 72])
    assert cohort_median(rows, cohort) == pytest.approx([1.0, 3.0, 2.0])


def test_spend_without_an_order_stops_a_creative() -> None:
    rows = seen(
        early__spend_cny=[50.0, 49.0, 900.0, 900.0, 900.0],
        early__orders=[0.0, 0.0, 1.0, 1.0, 1.0],
        last_days__spend_cny=[50.0, 49.0, 300.0, 299.0, 300.0],
        last_days__orders=[0.0, 0.0, 0.0, 0.0, 0.0],
        elapsed_hours=[72.0, 72.0, 96.0, 96.0, 48.0],
    )
    assert stopped(rows).tolist() == [True, False, True, False, False]


def test_who_spends_500_at_an_roi_above_two_is_boosted() -> None:
    rows = seen(early__spend_cny=[501.0, 501.0, 500.0], early__gmv_cny=[1503.0, 1002.0, 5000.0])
    assert boosted(rows).tolist() == [True, False, False]


def test_a_creative_is_explored_up_to_the_value_of_one_and_a_half_orders() -> None:
    rows = seen(early__spend_cny=[149.0, 150.0, 0.0], price_cny=[100.0, 100.0, np.nan])
    assert exploring(rows).tolist() == [True, False, True]


def test_half_the_roi_of_its_life_is_fading_and_the_eighth_day_is_rotated() -> None:
    rows = seen(last_days__gmv_cny=[100.0, 101.0, 0.0], last_days__spend_cny=[100.0, 100.0, 0.0])
    assert faded(rows).tolist() == [True, False, False]  # without spend of late nothing is known
    assert rotated(seen(elapsed_hours=[168.0, 169.0])).tolist() == [False, True]


def test_every_rule_scores_every_row_before_anything_is_counted_too() -> None:
    zero = [0.0, 0.0]
    nothing = {f"early__{name}": zero for name in ("spend_cny", "orders", "gmv_cny", "settled_gmv_cny")}
    scores = rule_scores(seen(**nothing, early__settled_net_cny=zero), seen(early__gmv_cny=[100.0, 300.0]))
    for name, score in scores.items():
        assert np.isfinite(score).all(), name
        assert score[0] == score[1], name


def test_all_rules_together_put_winners_first_and_losers_last() -> None:
    rows = seen(
        early__spend_cny=[600.0, 600.0, 600.0],
        early__gmv_cny=[1800.0, 600.0, 0.0],
        early__orders=[18.0, 6.0, 0.0],
        last_days__gmv_cny=[1800.0, 600.0, 0.0],
        last_days__spend_cny=[600.0, 600.0, 600.0],
    )
    score = rule_scores(rows, rows)["all rules"]
    assert score[0] > score[1] > score[2] == -1.0
