"""How much more a creative must run until it can be told from another like it."""

from dataclasses import replace

import numpy as np
import pytest

from training.uncertainty.required_events import Evidence, fit_evidence


@pytest.fixture(scope="module")
def rows(held_rows, model):
    """Holdout rows whose creatives have 0, 5 and 50 orders so far, with what a variance of 0.5 and φ = 1 leave."""
    features = held_rows[0]
    own = np.resize([0.0, 5.0, 50.0], len(features.values))
    order = replace(features.posteriors["order"], own_events=own, variance=1.0 / (own + 2.0))
    told = replace(features, posteriors={**features.posteriors, "order": order})
    return told, model.predict(told)


def test_noise_is_learned_from_how_variance_falls_with_orders(rows, dataset) -> None:
    assert fit_evidence([rows[0]], dataset.funnel, "net_roi").dispersion == pytest.approx(1.0)
    assert fit_evidence([rows[0]], dataset.funnel, "net_roi").stage == "order"


def test_orders_needed_are_those_at_which_two_creatives_are_ranked_rightly(rows, dataset) -> None:
    """K = 2 orders; a simulation of pairs says how often their counted order is the true one."""
    features, predicted = rows
    needed = Evidence(target="net_roi", stage="order", dispersion=1.0).needed(predicted, features, dataset.funnel, 0.8)
    orders = needed["more_events"].iloc[0]
    draw = np.random.default_rng(1)
    true = draw.normal(0, np.sqrt(0.5), (200_000, 2))
    counted = true + draw.normal(0, np.sqrt(1.0 / orders), true.shape)
    right = (np.diff(true) > 0) == (np.diff(counted) > 0)
    assert right.mean() == pytest.approx(0.8, abs=0.005)
    assert (needed["more_events"].iloc[1::3] == 0).all()  # 5 orders are more than the 3.8 needed
    assert (needed["more_events"].iloc[2::3] == 0).all()


def test_spend_is_what_these_orders_cost_at_the_predicted_rates(rows, dataset) -> None:
    features, predicted = rows
    needed = Evidence(target="net_roi", stage="order", dispersion=1.0).needed(predicted, features, dataset.funnel, 0.8)
    orders_per_cny = predicted["click"] * predicted["order"] / predicted["cost"]
    np.testing.assert_allclose(needed["more_cny"], needed["more_events"] / orders_per_cny)
    np.testing.assert_allclose(needed["more_volume"], needed["more_cny"] / predicted["cost"])
    assert (needed["more_cny"].iloc[::3] > 0).all()


def test_more_certainty_needs_more(rows, dataset) -> None:
    features, predicted = rows
    evidence = Evidence(target="net_roi", stage="order", dispersion=1.0)
    less, more = (evidence.needed(predicted, features, dataset.funnel, sure)["more_events"] for sure in (0.7, 0.9))
    assert (more.iloc[::3] > less.iloc[::3]).all()
