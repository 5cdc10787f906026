"""Counts of a snapshot as they were known at its cutoff, by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.point_in_time.counts import data_funnel, entities_of, observe_loaded
from features.schema import Loaded

LAUNCH = pd.Timestamp("2026-03-10")


@pytest.fixture
def one(checked) -> Loaded:
    """One creative of six days: 100, 200, 400 … impressions, an order of 50 CNY a day, half of it kept."""
    days = pd.date_range(LAUNCH, periods=6)
    metrics = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": "c",
            "grain": "day",
            "period_start": days,
            "period_end": days + pd.Timedelta(days=1),
            "impressions": 100.0 * 2.0 ** np.arange(6),
            "clicks": 10.0,
            "orders": 1.0,
            "spend_cny": 5.0,
            "gmv_cny": 50.0,
            "net_gmv_cny": 25.0,
        }
    )
    creatives = pd.DataFrame(
        {
            "promotion_type": ["live"],
            "account_id": ["a"],
            "creative_id": ["c"],
            "price_cny": [40.0],
            "launched_at": [LAUNCH],
            "tag_hook": ["x"],
        }
    )
    return checked(metrics, creatives)


@pytest.fixture
def at(snapshots_of) -> Callable[[Loaded, Settings, int], pd.Series]:
    """Counts of the one snapshot at an age."""

    def make(loaded: Loaded, settings: Settings, age: int) -> pd.Series:
        rows = snapshots_of(loaded, (age,))
        funnel = data_funnel(loaded, settings)
        return observe_loaded(rows, loaded, funnel, entities_of(loaded.creatives, settings), settings).frame().iloc[0]

    return make


@pytest.mark.parametrize(
    ("age", "early", "last_days", "last_day", "late_half"),
    [(0, 0, 0, 0, 0), (24, 100, 100, 100, 0), (48, 300, 300, 200, 200), (96, 1500, 1400, 800, 1200)],
)
def test_early_metrics_are_sums_until_the_cutoff(one, quick, at, age, early, last_days, last_day, late_half) -> None:
    """A period that straddles the middle of a life belongs to neither half."""
    row = at(one, quick, age)
    assert row["early:impressions"] == early
    assert row["last_days:impressions"] == last_days
    assert row["last_day:impressions"] == last_day
    assert row["late_half:impressions"] == late_half


@pytest.mark.parametrize(("basis", "kept_days"), [("net_1h", 3), ("settled_7d", 0)])
def test_kept_money_is_counted_once_its_refund_window_has_passed(one, quick, at, basis, kept_days) -> None:
    settings = quick.model_copy(update={"basis": basis})
    metrics = (
        one.metrics.rename(columns={"net_gmv_cny": "settled_gmv_7d_cny"}) if basis == "settled_7d" else one.metrics
    )
    row = at(Loaded(metrics, one.creatives), settings, 96)
    assert row["early:gmv_cny"] == 200.0
    assert row["early:settled_net_cny"] == 25.0 * kept_days
    assert row["early:settled_gmv_cny"] == 50.0 * kept_days


def test_orders_are_worth_the_creatives_price_where_most_prices_are_known(one, quick, at) -> None:
    assert at(one, quick, 48)["early:reference_gmv_cny"] == 80.0
    assert at(one, quick, 48)["reference_price"] == 40.0
    without = Loaded(one.metrics, one.creatives.drop(columns="price_cny"))
    assert at(without, quick, 48)["early:reference_gmv_cny"] == 2.0
    assert data_funnel(without, quick).typical_price is None


def test_attributes_stand_beside_the_counts(one, quick, at) -> None:
    assert at(one, quick, 48)["tag_hook"] == "x"
    assert at(one, quick, 48)["launched_at"] == LAUNCH


def test_a_figure_that_the_metrics_lack_is_missing_not_zero(one, quick, snapshots_of) -> None:
    funnel = data_funnel(one, quick)
    rows = snapshots_of(one, (48,))
    poorer = Loaded(one.metrics.drop(columns="clicks"), one.creatives)
    row = observe_loaded(rows, poorer, funnel, entities_of(one.creatives, quick), quick).frame().iloc[0]
    assert np.isnan(row["early:clicks"])
    assert row["early:impressions"] == 300.0


def test_no_snapshots_have_no_counts_under_the_same_names(one, quick, snapshots_of) -> None:
    """As in an account of a partitioned dataset of which no snapshot is asked for."""
    rows, funnel, shared = snapshots_of(one, (48,)), data_funnel(one, quick), entities_of(one.creatives, quick)
    some, none = (observe_loaded(part, one, funnel, shared, quick).frame() for part in (rows, rows.iloc[:0]))
    assert list(none) == list(some)
    assert not len(none)


def test_the_funnel_counts_only_columns_that_hold_something(one, quick) -> None:
    empty = Loaded(one.metrics.assign(clicks=np.nan), one.creatives)
    assert not data_funnel(empty, quick).has("click")


def test_nothing_is_edited(one, quick, at) -> None:
    metrics, creatives = one.metrics.copy(), one.creatives.copy()
    at(one, quick, 48)
    pd.testing.assert_frame_equal(one.metrics, metrics)
    pd.testing.assert_frame_equal(one.creatives, creatives)


def test_every_entity_of_the_data_has_a_history_in_their_order(observed, small_world, quick) -> None:
    launched = [name.removeprefix("launched:") for name in observed if name.startswith("launched:")]
    assert launched == [entity.name for entity in entities_of(small_world.creatives, quick)]
