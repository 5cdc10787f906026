"""What is counted row by row, and what stands only after refunds."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.metric_rows import SETTLED, MetricRows, measures, reference_prices, split_settled
from features.schema import KEY

NONE = np.nan
VALUES = {
    name: np.array(column)
    for name, column in {
        "impressions": [100.0, 50.0],
        "orders": [2.0, NONE],
        "likes": [3.0, NONE],
        "shares": [NONE, NONE],
        "spend_cny": [10.0, 5.0],
        "gmv_cny": [80.0, 20.0],
        "net_gmv_cny": [60.0, NONE],
    }.items()
}
PRICES = np.array([40.0, 99.0])


def test_interactions_are_added_and_missing_only_where_all_are() -> None:
    table = measures(VALUES, PRICES, None)
    np.testing.assert_array_equal(table["engagements"], [3.0, np.nan])


def test_orders_are_worth_their_reference_price() -> None:
    np.testing.assert_array_equal(measures(VALUES, PRICES, None)["reference_gmv_cny"], [80.0, np.nan])


def test_a_net_basis_adds_what_refunds_change_and_what_it_is_compared_with() -> None:
    table = measures(VALUES, PRICES, "net_gmv_cny")
    assert set(SETTLED) <= set(table)
    np.testing.assert_array_equal(table["settled_net_cny"], VALUES["net_gmv_cny"])
    np.testing.assert_array_equal(table["settled_gmv_cny"], VALUES["gmv_cny"])
    np.testing.assert_array_equal(table["settled_orders"], VALUES["orders"])
    np.testing.assert_array_equal(table["settled_spend_cny"], VALUES["spend_cny"])


@pytest.mark.parametrize("basis", [None, "settled_gmv_7d_cny"])
def test_a_basis_that_the_data_lack_adds_nothing(basis) -> None:
    assert not set(SETTLED) & set(measures(VALUES, PRICES, basis))


def test_the_values_themselves_are_not_changed() -> None:
    before = {name: column.copy() for name, column in VALUES.items()}
    measures(VALUES, PRICES, "net_gmv_cny")
    assert list(VALUES) == list(before)
    for name, column in before.items():
        np.testing.assert_array_equal(VALUES[name], column)


@pytest.mark.parametrize(
    ("typical", "expected"), [(50.0, [40.0, 50.0, 50.0]), (None, [1.0, 1.0, 1.0])], ids=["prices", "no prices"]
)
def test_a_creative_without_a_price_is_measured_by_the_typical_one(typical, expected) -> None:
    creatives = ArrayFrame.of(pd.DataFrame({"price_cny": [40.0, np.nan, 0.0]}))
    assert reference_prices(creatives, typical).tolist() == expected


def test_figures_are_split_by_when_they_stand() -> None:
    assert split_settled(("clicks", "settled_net_cny", "gmv_cny")) == (("clicks", "gmv_cny"), ("settled_net_cny",))


def test_rows_of_a_frame_become_arrays_without_copies_of_their_values(small_world) -> None:
    rows = MetricRows.of(small_world)
    keys = rows.creatives.select(KEY).take(rows.units).frame()
    pd.testing.assert_frame_equal(keys, small_world.metrics[KEY])
    for name, column in rows.values.items():
        assert np.shares_memory(column, small_world.metrics[name].to_numpy())
    assert (rows.account_until == small_world.metrics.groupby(KEY[:2])["period_end"].max().to_numpy()[[0]]).any()
