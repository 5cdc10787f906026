"""What is counted row by row, and what stands only after refunds."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.measures import SETTLED, measures, reference_prices, split_settled

METRICS = pd.DataFrame(
    {
        "creative_id": ["c", "d"],
        "impressions": [100.0, 50.0],
        "orders": [2.0, np.nan],
        "likes": [3.0, np.nan],
        "shares": [np.nan, np.nan],
        "spend_cny": [10.0, 5.0],
        "gmv_cny": [80.0, 20.0],
        "net_gmv_cny": [60.0, np.nan],
    }
)
PRICES = pd.Series([40.0, 99.0])


def test_interactions_are_added_and_missing_only_where_all_are() -> None:
    table = measures(METRICS, PRICES, None)
    np.testing.assert_array_equal(table["engagements"], [3.0, np.nan])


def test_orders_are_worth_their_reference_price() -> None:
    np.testing.assert_array_equal(measures(METRICS, PRICES, None)["reference_gmv_cny"], [80.0, np.nan])


def test_a_net_basis_adds_what_refunds_change_and_what_it_is_compared_with() -> None:
    table = measures(METRICS, PRICES, "net_gmv_cny")
    assert set(SETTLED) <= set(table)
    np.testing.assert_array_equal(table["settled_net_cny"], METRICS["net_gmv_cny"])
    np.testing.assert_array_equal(table["settled_gmv_cny"], METRICS["gmv_cny"])
    np.testing.assert_array_equal(table["settled_orders"], METRICS["orders"])
    np.testing.assert_array_equal(table["settled_spend_cny"], METRICS["spend_cny"])


@pytest.mark.parametrize("basis", [None, "settled_gmv_7d_cny"])
def test_a_basis_that_the_data_lack_adds_nothing(basis) -> None:
    assert not set(SETTLED) & set(measures(METRICS, PRICES, basis))


def test_the_metrics_themselves_are_not_changed() -> None:
    before = METRICS.copy()
    measures(METRICS, PRICES, "net_gmv_cny")
    pd.testing.assert_frame_equal(METRICS, before)


@pytest.mark.parametrize(
    ("typical", "expected"), [(50.0, [40.0, 50.0, 50.0]), (None, [1.0, 1.0, 1.0])], ids=["prices", "no prices"]
)
def test_a_creative_without_a_price_is_measured_by_the_typical_one(typical, expected) -> None:
    creatives = pd.DataFrame({"price_cny": [40.0, np.nan, 0.0]})
    assert reference_prices(creatives, typical).tolist() == expected


def test_figures_are_split_by_when_they_stand() -> None:
    assert split_settled(["clicks", "settled_net_cny", "gmv_cny"]) == (["clicks", "gmv_cny"], ["settled_net_cny"])
