"""Backtest: predictions of models trained only on outcomes known at their origin."""

from dataclasses import replace

import pandas as pd
import pytest

from configs.settings import Backtest
from features.schema import KEY, VALUES, Loaded
from training.backtest import backtest, origins, summary
from training.boosting import recipe
from training.data.dataset import prepare
from training.errors import TooThinError
from training.labels.outcomes import MATURE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings(quick):
    return quick.model_copy(update={"trees": quick.trees.model_copy(update={"rounds": 6})})


@pytest.fixture(scope="module")
def rows(small_world, settings):
    return prepare(small_world, settings)


@pytest.fixture(scope="module")
def table(rows) -> pd.DataFrame:
    return backtest(rows)


def test_the_columns_are_those_promised(table, rows) -> None:
    targets = rows.funnel.targets
    expected = {*KEY, "age_hours", "cutoff", "origin", "cold", "covered_share"}
    expected |= {f"{kind}_{target}" for kind in ("predicted", "actual") for target in targets}
    assert expected <= set(table)
    assert {"later_impressions", "later_clicks", "later_spend_cny"} <= set(table)
    assert table[[f"predicted_{target}" for target in targets]].notna().all().all()


def test_each_creative_and_age_is_predicted_once_from_the_last_origin_before_it(table, rows) -> None:
    assert not table.duplicated([*KEY, "age_hours"]).any()
    assert table["origin"].nunique() == 3
    assert (table["cutoff"] >= table["origin"]).all()
    later = pd.Series(origins(rows))
    for cutoff, origin in zip(table["cutoff"], table["origin"]):
        assert origin == later[later <= cutoff].max()


def test_every_mature_row_after_the_first_origin_is_there(table, rows) -> None:
    mature = rows.rows["state"].eq(MATURE) & rows.rows["cutoff"].ge(table["origin"].min())
    assert len(table) == mature.sum()


def test_cold_is_a_creative_without_a_closed_outcome_at_the_origin(table, rows) -> None:
    closed = pd.concat([rows.observed[["creative_id"]], rows.rows[["closed_at", "state"]]], axis=1).query(
        "state == @MATURE"
    )
    first = closed.groupby("creative_id")["closed_at"].min()
    expected = ~(table["creative_id"].map(first) <= table["origin"])
    assert table["cold"].tolist() == expected.tolist()
    assert 0 < table["cold"].sum() < len(table)


def test_no_model_is_trained_on_data_after_its_origin(small_world, settings, table) -> None:
    """Everything after an origin planted anew: that origin's predictions at its first cutoffs stay the same."""
    origin = sorted(table["origin"].unique())[1]
    first = table.loc[table["origin"] == origin, "cutoff"].min()
    metrics = small_world.metrics.copy()
    later = metrics["period_end"] > first
    for name in [name for name in VALUES if name in metrics and name != "impressions"]:
        metrics.loc[later, name] = (metrics.loc[later, name] * 3).round(4)
    metrics.loc[later, "impressions"] *= 9
    planted = backtest(prepare(Loaded(metrics, small_world.creatives), settings))
    before, after = (found[found["cutoff"] <= first].reset_index(drop=True) for found in (table, planted))
    assert (before["origin"] == origin).any()
    predicted = [name for name in table if name.startswith("predicted_")]
    pd.testing.assert_frame_equal(
        before[[*KEY, "age_hours", *predicted]], after[[*KEY, "age_hours", *predicted]], check_exact=True
    )
    assert not before["actual_gpm"].equals(after["actual_gpm"])


def test_a_leak_would_be_seen(small_world, settings, table, monkeypatch) -> None:
    """The test above must fail where models learn from all there is."""
    first = table["cutoff"].min()
    monkeypatch.setattr(
        recipe,
        "fit_features",
        lambda dataset, train, until, fit=recipe.fit_features: fit(dataset, train, pd.Timestamp("2030-01-01")),
    )
    leaky = backtest(prepare(small_world, settings))
    metrics = small_world.metrics.copy()
    later = metrics["period_end"] > first
    metrics.loc[later, "clicks"] = 0.0
    planted = backtest(prepare(Loaded(metrics, small_world.creatives), settings))
    same = [found.loc[found["cutoff"] == first, "predicted_gpm"].tolist() for found in (leaky, planted)]
    assert same[0] != same[1]


def test_progress_reports_every_origin(rows) -> None:
    reports = []
    short = rows.settings.model_copy(update={"backtest": Backtest(every_days=14, min_train_days=42)})
    fits = []
    dataset = replace(rows, settings=short)
    backtest(dataset, lambda *step: fits.append(step), lambda done, count, origin: reports.append((done, count)))
    for steps in (reports, fits):
        assert steps == [(place, len(steps)) for place in range(len(steps))]
        assert steps


def test_too_little_data_before_every_origin_is_refused_with_the_cure(small_world, settings) -> None:
    early = small_world.metrics[small_world.metrics["period_end"] < "2026-03-20"].reset_index(drop=True)
    dataset = prepare(Loaded(early, small_world.creatives), settings)
    with pytest.raises(TooThinError) as refused:
        backtest(dataset)
    assert "30 mature creatives" in str(refused.value)
    assert "backtest.min_train_days" in str(refused.value)


def test_the_summary_compares_predictions_with_outcomes(table, rows) -> None:
    found = summary(table, rows.funnel, 50.0).set_index("target")
    assert list(found.index) == rows.funnel.targets
    compared = table[(table["later_impressions"] >= 50.0) & table["actual_gpm"].notna()]
    came = (compared["actual_gpm"] * compared["later_impressions"]).sum()
    assert found.loc["gpm", "rows"] == len(compared)
    assert found.loc["gpm", "total"] == pytest.approx(
        (compared["predicted_gpm"] * compared["later_impressions"]).sum() / came
    )
    assert found.loc["later_impressions", "rows"] == len(table)
    exact = table.assign(predicted_roi=table["actual_roi"]).drop(columns="typical_roi", errors="ignore")
    told = summary(exact, rows.funnel, 50.0).set_index("target").loc["roi"]
    assert told["rank"] == pytest.approx(1.0)
    assert told["total"] == pytest.approx(1.0)
