"""The rules to beat, by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.evaluation.baselines import carry_forward, empirical_bayes


@pytest.fixture
def rows(dataset, model, held_rows, cut):
    """Three holdout rows whose counts are then told by each test."""
    features = held_rows[0]
    places = [0, 1, 2]
    observed = dataset.observed[cut[1]].reset_index(drop=True).iloc[places]
    few = type(features)(
        keys=features.keys.iloc[places],
        values=features.values.iloc[places],
        posteriors={
            stage: replace(begin, market_rate=begin.market_rate[places]) for stage, begin in features.posteriors.items()
        },
        reference_price=features.reference_price[places],
        catalogue=features.catalogue,
    )
    return observed, few


def carried(rows, model, **told: float) -> pd.DataFrame:
    observed, features = rows
    return carry_forward(observed.assign(**told), features, model, outcome_days=7)


COUNTS = {
    "early:impressions": 2000.0,
    "early:spend_cny": 200.0,
    "early:gmv_cny": 500.0,
    "early:settled_gmv_cny": 400.0,
    "early:settled_net_cny": 300.0,
}


def test_what_is_so_goes_on(rows, model) -> None:
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


def test_where_nothing_was_counted_the_market_speaks(rows, model) -> None:
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


def test_volume_before_launch_is_the_models_own_start(rows, model) -> None:
    found = carried(rows, model, elapsed_hours=0.0)
    np.testing.assert_allclose(found["later_impressions"], np.exp(model.volume.log_volume(rows[1])))


def test_empirical_bayes_is_the_start_without_trees(dataset, cut, held_rows, fitted, model) -> None:
    features, _ = held_rows
    found = empirical_bayes(dataset.observed[cut[1]].reset_index(drop=True), fitted, model)
    assert list(found) == model.fitted.funnel.targets
    posteriors = {name: np.exp(begin.log_rate) for name, begin in features.posteriors.items()}
    gross = posteriors["click"] * posteriors["order"] * posteriors["value"] * features.reference_price
    np.testing.assert_allclose(found["gpm"], 1000 * gross)
    assert (found["gpm"] != model.predict(features)["gpm"]).any()
