"""What came after a cutoff, by hand."""

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.funnel import build_funnel
from features.point_in_time.counts import data_funnel
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import snapshot_frame, snapshots
from features.schema import Loaded
from training.labels.outcomes import (
    IMMATURE,
    MATURE,
    NOT_CLOSED,
    NOT_COVERED,
    NOT_SETTLED,
    actual_targets,
    data_until,
    outcomes,
    settle_days,
)

START = pd.Timestamp("2026-03-02")


def days(creative: str, first: int, count: int, account: str = "a") -> list[tuple]:
    return [(account, creative, "day", START + pd.Timedelta(days=first + day), 24.0, 10.0) for day in range(count)]


@pytest.fixture
def world(checked):
    def make(*periods: tuple, declared: str | None = None) -> Loaded:
        metrics = pd.DataFrame(
            {
                "promotion_type": "live",
                "account_id": [row[0] for row in periods],
                "creative_id": [row[1] for row in periods],
                "grain": [row[2] for row in periods],
                "period_start": [row[3] for row in periods],
                "period_end": [row[3] + pd.Timedelta(hours=row[4]) for row in periods],
                "impressions": [row[5] for row in periods],
                "clicks": 1.0,
                "spend_cny": 2.0,
                "gmv_cny": 8.0,
                "net_gmv_cny": 6.0,
                "settled_gmv_7d_cny": 5.0,
            }
        )
        creatives = metrics[["promotion_type", "account_id", "creative_id"]].drop_duplicates().copy()
        if declared:
            creatives["launched_at"] = pd.Timestamp(declared)
            creatives["launched_at"] = creatives["launched_at"].where(creatives["creative_id"] == "c")
        return checked(metrics, creatives)

    return make


def of(loaded: Loaded, creative: str = "c", **changed: object) -> pd.DataFrame:
    """Outcomes of a creative, by age."""
    settings = Settings.model_validate({"ages_hours": [0, 24, 72], "weekly": False, "open_days": 2} | changed)
    metrics = MetricRows.of(loaded)
    rows = snapshot_frame(snapshots(metrics, settings.ages_hours, weekly=False), metrics.creatives)
    found = outcomes(rows, loaded, data_funnel(loaded, settings), settings)
    return pd.concat([rows, found], axis=1).query("creative_id == @creative").set_index("age_hours")


def test_the_outcome_is_the_sum_of_the_periods_inside_the_window(world) -> None:
    found = of(world(*days("old", -2, 40), *days("c", 0, 9)))
    assert found["later:impressions"].to_dict() == {0: 70.0, 24: 70.0, 72: 60.0}
    assert found.loc[72, "later:settled_net_cny"] == 6 * 6.0
    assert not found["straddled"].any()
    assert (found["state"] == MATURE).all()
    assert (found["closed_at"] == found["cutoff"] + pd.Timedelta(days=9)).all()


def test_a_period_that_straddles_an_edge_belongs_to_neither_side_and_is_counted(world) -> None:
    hour = ("a", "c", "hour", START + pd.Timedelta(hours=9), 1.0, 3.0)
    found = of(world(*days("old", -2, 40), hour, *days("c", 1, 9)), ages_hours=[1, 24, 72])
    assert found.loc[1, "cutoff"] == pd.Timestamp("2026-03-02 10:00")
    assert found.loc[1, "later:impressions"] == 60.0  # not the day that the window closes in at ten o'clock
    assert found["straddled"].to_dict() == {1: True, 72: False}


def test_no_rows_in_the_window_are_no_traffic_for_an_export(world) -> None:
    found = of(world(*days("old", -2, 40), *days("c", 0, 1)))
    assert found.loc[24, "later:impressions"] == 0.0
    assert found.loc[24, "later:gmv_cny"] == 0.0
    assert (found.loc[24, "covered_share"], found.loc[24, "state"]) == (1.0, MATURE)


@pytest.mark.parametrize(
    ("hours", "share", "state"),
    [([24], 0.0, NOT_COVERED), ([24, 48], 2 / 7, NOT_COVERED), ([24, 72], 3 / 7, MATURE), ([24, 168], 1.0, MATURE)],
)
def test_readings_that_cover_too_little_of_the_window_leave_it_unknown(world, hours, share, state) -> None:
    start, periods = START, []
    for length in hours:
        periods.append(("a", "c", "gap", start, float(length), 10.0))
        start += pd.Timedelta(hours=length)
    found = of(world(*days("old", -2, 40), *periods))
    assert found.loc[24, "covered_share"] == pytest.approx(share)
    assert found.loc[24, "state"] == state


@pytest.mark.parametrize(
    ("basis", "open_days", "days_needed"),
    [
        ("payment", 0, 0),
        ("payment", 2, 2),
        ("net_1h", 2, 2),
        ("net_1h", 0, 1 / 24),
        ("settled_7d", 2, 7),
        ("settled_30d", 2, 30),
    ],
)
def test_an_outcome_stands_when_revisions_and_refunds_are_through(basis, open_days, days_needed) -> None:
    assert settle_days(Settings.model_validate({"basis": basis, "open_days": open_days})) == days_needed


@pytest.mark.parametrize(
    ("basis", "until_day", "state"),
    [
        ("payment", 7, NOT_CLOSED),  # the window of age 24 closes on day 8
        ("payment", 9, NOT_SETTLED),
        ("payment", 10, MATURE),
        ("net_1h", 9, NOT_SETTLED),
        ("net_1h", 10, MATURE),
        ("settled_7d", 10, NOT_SETTLED),
        ("settled_7d", 14, NOT_SETTLED),
        ("settled_7d", 15, MATURE),
    ],
)
def test_maturity_by_basis(world, basis, until_day, state) -> None:
    loaded = world(*days("old", -2, until_day + 2), *days("c", 0, 2))
    assert of(loaded, basis=basis).loc[24, "state"] == state
    assert state in [MATURE, *IMMATURE]


def test_each_account_is_known_until_its_own_last_period(world) -> None:
    loaded = world(
        *days("old", -2, 5), *days("c", 0, 2), *days("x", -2, 40, account="b"), *days("later", 0, 2, account="b")
    )
    assert data_until(loaded).to_dict() == {
        ("live", "a"): START + pd.Timedelta(days=3),
        ("live", "b"): START + pd.Timedelta(days=38),
    }
    assert of(loaded).loc[24, "state"] == NOT_CLOSED
    assert of(loaded, "later").loc[24, "state"] == MATURE


def test_a_period_that_misses_a_figure_makes_that_outcome_unknown_and_no_other(world) -> None:
    loaded = world(*days("old", -2, 40), *days("c", 0, 9))
    metrics = loaded.metrics.copy()
    metrics.loc[
        (metrics["creative_id"] == "c") & (metrics["period_start"] == START + pd.Timedelta(days=8)), "clicks"
    ] = None
    found = of(Loaded(metrics, loaded.creatives))
    assert found["later:clicks"].isna().to_dict() == {0: False, 24: False, 72: True}
    assert found["later:impressions"].notna().all()


COLUMNS = ["impressions", "clicks", "orders", "spend_cny", "gmv_cny", "net_gmv_cny"]
OUTCOME = pd.DataFrame(
    {
        "later:impressions": [2000.0, 0.0, 1000.0],
        "later:spend_cny": [400.0, 0.0, np.nan],
        "later:gmv_cny": [600.0, 0.0, 50.0],
        "later:settled_net_cny": [500.0, 0.0, np.nan],
        "covered_share": [0.5, 1.0, 1.0],
    }
)


def test_outcomes_of_the_targets() -> None:
    found = actual_targets(OUTCOME, build_funnel(COLUMNS, "net_gmv_cny", 40.0))
    expected = {
        "gpm": [300.0, np.nan, 50.0],
        "net_gpm": [250.0, np.nan, np.nan],
        "roi": [1.5, np.nan, np.nan],
        "net_roi": [1.25, np.nan, np.nan],
        "later_impressions": [4000.0, 0.0, 1000.0],
    }
    assert list(found) == list(expected)
    for target, values in expected.items():
        np.testing.assert_array_equal(found[target], values)


def test_a_target_without_its_column_is_nan() -> None:
    found = actual_targets(OUTCOME.drop(columns="later:settled_net_cny"), build_funnel(COLUMNS, "net_gmv_cny", 40.0))
    assert found["net_roi"].isna().all()
    assert found["roi"].notna().any()
