"""Net money that is still settling is estimated from how days of that age have settled before, and says its share."""

import pandas as pd
import pytest

from configs.settings import Settings
from features.point_in_time.counts import data_funnel
from features.point_in_time.metric_rows import MetricRows
from features.schema import KEY, Loaded
from training.track_record.matured import matured
from training.track_record.settlement import fit_settlement


@pytest.fixture
def settling(settings) -> Settings:
    return settings.model_copy(update={"basis": "settled_7d"})


@pytest.fixture
def loaded(metrics, checked) -> Loaded:
    """Sixty days of 20 creatives whose net money of 160 a day settles in equal parts over seven days."""
    rows = []
    for number in range(20):
        for day in range(60):
            age = 59 - day
            row = metrics(f"c{number:02d}", day, settled_gmv_7d_cny=160.0 * min(age / 7, 1.0))
            del row["net_gmv_cny"]
            rows.append(row)
    creatives = pd.DataFrame([dict(zip(KEY, ("live", "a", f"c{number:02d}"))) for number in range(20)])
    return checked(pd.DataFrame(rows), creatives)


def test_the_curve_is_the_share_that_days_of_that_age_have_settled(loaded, settling) -> None:
    curve = fit_settlement(MetricRows.of(loaded), data_funnel(loaded, settling), settling)
    assert curve is not None
    assert curve.known_share == pytest.approx([day / 7 for day in range(8)], abs=1e-6)
    assert curve.keep == pytest.approx(0.8)


def test_an_outcome_that_has_not_settled_is_what_it_will_be_and_says_how_much_is_estimated(
    loaded, settling, answer, frame
) -> None:
    rows = [answer(f"c{number:02d}", 50, basis="settled_7d") for number in range(5)]
    table = matured(frame(rows), loaded, data_funnel(loaded, settling), settling).table
    row = table.iloc[0]
    assert row["state"] != "mature"
    assert row["actual_net_roi"] == pytest.approx(1.6)
    unknown = sum(1 - min(age / 7, 1.0) for age in range(3, 10)) / 7
    assert row["unsettled"] == pytest.approx(unknown)


def test_a_settled_outcome_is_not_estimated(loaded, settling, answer, frame) -> None:
    rows = [answer("c00", 20, basis="settled_7d")]
    row = matured(frame(rows), loaded, data_funnel(loaded, settling), settling).table.iloc[0]
    assert (row["state"], row["unsettled"]) == ("mature", 0.0)
    assert row["actual_net_roi"] == pytest.approx(1.6)


def test_money_before_refunds_needs_no_curve(world, settings) -> None:
    gross = settings.model_copy(update={"basis": "payment"})
    assert fit_settlement(MetricRows.of(world), data_funnel(world, gross), gross) is None
