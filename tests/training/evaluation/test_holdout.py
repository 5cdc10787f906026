"""Evaluation on the holdout and the baselines, by hand."""

import numpy as np
import pandas as pd
import pytest

from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY
from training.evaluation.holdout import carry_forward, empirical_bayes, evaluate_holdout
from training.evaluation.metrics import METHODS
from training.labels.outcomes import actual_targets

pytestmark = pytest.mark.slow


def test_metrics_and_the_holdout_frame_are_of_the_same_rows(dataset, cut, fitted, model) -> None:
    known = set(dataset.observed.loc[cut[0], "creative_id"])
    figures, holdout = evaluate_holdout(dataset, cut[1], known, model, fitted)
    assert list(figures["method"].unique()) == METHODS
    assert list(figures["target"].unique()) == model.fitted.funnel.targets
    assert len(holdout) == cut[1].sum()
    expected = dataset.observed[cut[1]].reset_index(drop=True)
    pd.testing.assert_frame_equal(holdout[KEY], expected[KEY])
    assert holdout["cold"].tolist() == (~expected["creative_id"].isin(known)).tolist()
    actual = actual_targets(dataset.outcome[cut[1]].reset_index(drop=True), dataset.funnel)
    np.testing.assert_array_equal(holdout["actual_roi"], actual["roi"])
    np.testing.assert_array_equal(holdout["spent_cny"], dataset.observed.loc[cut[1], "early:spend_cny"])
    assert (holdout["bayes_roi"] != holdout["predicted_roi"]).any()
    assert (holdout["carried_roi"] != holdout["bayes_roi"]).any()


@pytest.fixture
def rows(dataset, model, cut):
    """Counts and features of three holdout rows; each test replaces some of the counts."""
    observed = dataset.observed[cut[1]].reset_index(drop=True).iloc[[0, 1, 2]]
    return observed, build_features(ArrayFrame.of(observed), model.fitted)


def carried(rows, model, **counts: float) -> pd.DataFrame:
    observed, features = rows
    return carry_forward(observed.assign(**counts), features, model, outcome_days=7)


COUNTS = {
    "early:impressions": 2000.0,
    "early:spend_cny": 200.0,
    "early:gmv_cny": 500.0,
    "early:settled_gmv_cny": 400.0,
    "early:settled_net_cny": 300.0,
}


def test_carry_forward_keeps_the_rates_so_far(rows, model) -> None:
    found = carried(rows, model, **COUNTS)
    assert found["gpm"].tolist() == [250.0] * 3
    assert found["roi"].tolist() == [2.5] * 3
    assert found["net_gpm"].tolist() == pytest.approx([250.0 * 0.75] * 3)
    assert found["net_roi"].tolist() == pytest.approx([2.5 * 0.75] * 3)


def test_money_that_is_not_settled_yet_is_not_taken_for_refunded(rows, model) -> None:
    """Before the first refund window has passed, the market's share is kept."""
    found = carried(rows, model, **COUNTS | {"early:settled_gmv_cny": 0.0, "early:settled_net_cny": 0.0})
    market = rows[1].posteriors["keep"].market_rate
    np.testing.assert_allclose(found["net_roi"], 2.5 * market)


def test_without_counts_the_market_mean_is_predicted(rows, model) -> None:
    found = carried(rows, model, **dict.fromkeys(COUNTS, 0.0))
    posteriors, price = rows[1].posteriors, rows[1].reference_price
    gross = posteriors["click"].market_rate * posteriors["order"].market_rate * posteriors["value"].market_rate * price
    np.testing.assert_allclose(found["gpm"], 1000 * gross)
    np.testing.assert_allclose(found["roi"], gross / posteriors["cost"].market_rate)
    np.testing.assert_allclose(
        found["net_roi"], gross * posteriors["keep"].market_rate / posteriors["cost"].market_rate
    )


@pytest.mark.parametrize(("elapsed", "last_day", "expected"), [(48.0, 240.0, 1680.0), (6.0, 60.0, 1680.0)])
def test_volume_goes_on_at_the_pace_of_the_last_day(rows, model, elapsed, last_day, expected) -> None:
    found = carried(rows, model, **{"elapsed_hours": elapsed, "last_day:impressions": last_day})
    assert found["later_impressions"].tolist() == [expected] * 3


def test_volume_before_launch_is_the_models_own_offset(rows, model) -> None:
    found = carried(rows, model, elapsed_hours=0.0)
    np.testing.assert_allclose(found["later_impressions"], np.exp(model.volume.log_expected(rows[1])))


def test_empirical_bayes_is_the_product_of_its_stages(dataset, cut, holdout_rows, fitted, model) -> None:
    features, _ = holdout_rows
    found = empirical_bayes(dataset.observed[cut[1]].reset_index(drop=True), features, fitted, model)
    assert list(found) == model.fitted.funnel.targets
    posteriors = {name: np.exp(begin.log_rate) for name, begin in features.posteriors.items()}
    gross = posteriors["click"] * posteriors["order"] * posteriors["value"] * features.reference_price
    np.testing.assert_allclose(found["gpm"], 1000 * gross)
    assert (found["gpm"] != model.predict(features)["gpm"]).any()
