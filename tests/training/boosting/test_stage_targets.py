"""How stage rates become targets, and what the trees learn from."""

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from training.boosting.stage_targets import compose, rate_data, stage_features, volume_data
from training.labels.outcomes import actual_targets

NET = "net_gmv_cny"
FULL = ["impressions", "clicks", "orders", "spend_cny", "gmv_cny", NET]
RATES = {
    "click": 0.05,
    "order": 0.2,
    "value": 1.5,
    "earn": 3.0,
    "keep": 0.8,
    "cost": 0.3,
    "return": 2.0,
    "net_return": 1.6,
    "volume": 5000.0,
}
PRICE = 40.0


def without(*names: str) -> list[str]:
    return [name for name in FULL if name not in names]


@pytest.mark.parametrize(
    ("columns", "typical", "expected"),
    [
        (
            FULL,
            40.0,
            {"gpm": 1000 * 0.05 * 0.2 * 60, "net_gpm": 1000 * 0.05 * 0.2 * 60 * 0.8, "roi": 0.6 / 0.3, "net_roi": 1.6},
        ),
        (without("clicks"), 40.0, {"gpm": 1000 * 0.2 * 60, "roi": 12 / 0.3}),
        (without("orders"), None, {"gpm": 1000 * 0.05 * 3.0, "net_roi": 0.15 * 0.8 / 0.3}),
        (without("orders", "clicks"), None, {"gpm": 3000.0, "roi": 10.0}),
        (without("impressions"), None, {"roi": 2.0, "net_roi": 1.6}),
        (without("impressions", "gmv_cny"), None, {"net_roi": 1.6}),
        (without("spend_cny"), 40.0, {"gpm": 600.0, "net_gpm": 480.0}),
        (without(NET), 40.0, {"gpm": 600.0, "roi": 2.0}),
    ],
    ids=["full", "no clicks", "no orders", "no orders and clicks", "no impressions", "net only", "no spend", "no net"],
)
def test_targets_are_products_of_the_stages(columns, typical, expected) -> None:
    funnel = build_funnel(columns, NET, typical)
    logs = {name: np.log([rate]) for name, rate in RATES.items()}
    table = compose(logs, funnel, np.array([PRICE if typical else 1.0]))
    for target, value in expected.items():
        assert table[target][0] == pytest.approx(value), target
    assert set(funnel.targets) <= set(table)
    assert table["later_" + funnel.volume_of][0] == pytest.approx(5000.0)
    assert [name for name in table if name in RATES] == [stage.name for stage in funnel.stages]


def test_the_value_stage_is_in_cny() -> None:
    funnel = build_funnel(FULL, NET, PRICE)
    logs = {name: np.log([rate, rate]) for name, rate in RATES.items()}
    assert compose(logs, funnel, np.array([40.0, 100.0]))["value"].tolist() == pytest.approx([60.0, 150.0])


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
    found = actual_targets(OUTCOME, build_funnel(FULL, NET, PRICE))
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
    found = actual_targets(OUTCOME.drop(columns="later:settled_net_cny"), build_funnel(FULL, NET, PRICE))
    assert found["net_roi"].isna().all()
    assert found["roi"].notna().any()


def test_training_rows_have_exposure_and_are_weighted_by_effective_sample_size(train_rows, fitted) -> None:
    features, outcome = train_rows
    stage = next(stage for stage in fitted.funnel.stages if stage.name == "order")
    data = rate_data(stage, features, outcome, fitted)
    clicks = outcome["later:clicks"].to_numpy()
    assert data.rows.tolist() == np.flatnonzero(clicks > 0).tolist()
    np.testing.assert_allclose(data.label, outcome["later:orders"].to_numpy()[data.rows] / clicks[data.rows])
    np.testing.assert_array_equal(data.offset, features.posteriors["order"].log_rate[data.rows])
    prior = fitted.priors["order"]
    size = 1 / (prior.dispersion / (clicks[data.rows] * np.exp(data.offset)) + prior.creative_variance)
    np.testing.assert_allclose(data.effective_sample_size, size / size.mean())
    np.testing.assert_allclose(data.weight, data.effective_sample_size / np.exp(data.offset))
    # However large its exposure, the variance between creatives limits the weight of a row.
    assert data.effective_sample_size.max() <= 1 / prior.creative_variance / size.mean()


def test_a_row_whose_figure_is_missing_is_no_training_row(train_rows, fitted) -> None:
    features, outcome = train_rows
    stage = next(stage for stage in fitted.funnel.stages if stage.name == "order")
    whole = rate_data(stage, features, outcome, fitted)
    gap = outcome.copy()
    gap.loc[whole.rows[:5], "later:orders"] = np.nan
    assert rate_data(stage, features, gap, fitted).rows.tolist() == whole.rows[5:].tolist()


def test_later_volume_is_scaled_to_a_whole_window(train_rows, model, fitted) -> None:
    features, outcome = train_rows
    half = outcome.assign(covered_share=0.5)
    whole = volume_data(features, outcome, fitted.funnel, model.volume)
    halved = volume_data(features, half, fitted.funnel, model.volume)
    np.testing.assert_allclose(halved.label, 2 * whole.label)
    np.testing.assert_allclose(halved.weight, 0.5)


def test_a_stage_uses_its_own_history_and_not_that_of_others(train_rows) -> None:
    columns = stage_features(train_rows[0], "click")
    assert "hist_hook_click" in columns
    assert "hist_hook_order" not in columns
    assert "hist_hook_volume" not in columns
    assert "hist_hook_volume" in stage_features(train_rows[0], "volume")
