"""What a hit is and its chance; how much evidence two creatives need until they can be ranked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.boosting.recipe import Recipe, out_of_fold
from training.uncertainty.hits_and_evidence import LEAST_HITS, RequiredEvidence, fit_hits, fit_required_evidence

OF_ORDERS = RequiredEvidence(target="net_roi", stage="order", dispersion=1.0)


@pytest.fixture(scope="module")
def out_of_fold_rows(dataset, cut):
    """Out-of-fold rows: outcomes and promotion types."""
    part = out_of_fold(dataset, cut[0], Recipe())[-1]
    return part.outcome, part.features.keys.categories("promotion_type").texts()


def fitted_hits(out_of_fold_rows, dataset, quick, **changed: object):
    return fit_hits(*out_of_fold_rows, dataset.funnel, quick.interval.model_copy(update={"hit_share": 0.2, **changed}))


def test_the_top_share_of_each_promotion_type_are_hits(out_of_fold_rows, dataset, quick) -> None:
    hits = fitted_hits(out_of_fold_rows, dataset, quick)
    assert hits is not None
    assert (hits.measure, hits.rate) == ("net_gmv", "net_gpm")
    outcome, promotion_types = out_of_fold_rows
    hit = hits.is_hit(outcome, pd.Series(promotion_types, index=outcome.index), dataset.funnel)
    for name in ("live", "product"):
        mine = promotion_types == name
        assert np.nanmean(hit[mine]) == pytest.approx(0.2, abs=0.03)
        assert outcome.loc[mine & (hit == 1), "later:settled_net_cny"].min() >= hits.threshold[name]


def test_hits_can_be_ranked_by_later_volume(out_of_fold_rows, dataset, quick) -> None:
    hits = fitted_hits(out_of_fold_rows, dataset, quick, hit_of="volume")
    assert hits is not None
    assert (hits.measure, hits.rate) == ("volume", "")
    outcome, promotion_types = out_of_fold_rows
    volume = outcome["later:impressions"] / outcome["covered_share"]
    hit = hits.is_hit(outcome, pd.Series(promotion_types, index=outcome.index), dataset.funnel)
    live = promotion_types == "live"
    assert volume[live & (hit == 1)].min() > volume[live & (hit == 0)].max()


def test_with_few_hits_no_chance_is_stated(out_of_fold_rows, dataset, quick) -> None:
    assert len(out_of_fold_rows[0]) * 0.01 < LEAST_HITS
    assert fitted_hits(out_of_fold_rows, dataset, quick, hit_share=0.01) is None


@pytest.fixture(scope="module")
def order_rows(holdout_rows, model):
    """Holdout rows whose creatives have 0, 5 and 50 orders so far, with what a variance of 0.5 and φ = 1 leave."""
    features = holdout_rows[0]
    own = np.resize([0.0, 5.0, 50.0], len(features.values))
    posteriors, place = features.posteriors, features.posteriors.stages.index("order")
    events, variance = posteriors.own_events.copy(), posteriors.variance.copy()
    events[place], variance[place] = own, 1.0 / (own + 2.0)
    features = replace(features, posteriors=replace(posteriors, own_events=events, variance=variance))
    return features, model.predict(features)


def required(evidence, order_rows, dataset, probability: float) -> pd.DataFrame:
    features, predicted = order_rows
    return pd.DataFrame(evidence.so_far(predicted, features, dataset.funnel).required(probability))


def test_dispersion_is_fitted_from_how_variance_falls_with_orders(order_rows, dataset) -> None:
    assert fit_required_evidence([order_rows[0]], dataset.funnel, "net_roi").dispersion == pytest.approx(1.0)
    assert fit_required_evidence([order_rows[0]], dataset.funnel, "net_roi").stage == "order"


def test_orders_needed_are_those_at_which_two_creatives_are_ranked_rightly(order_rows, dataset) -> None:
    """K = 2 orders; a simulation of pairs says how often their counted order is the true one."""
    needed = required(OF_ORDERS, order_rows, dataset, 0.8)
    orders = needed["more_events"].iloc[0]
    draw = np.random.default_rng(1)
    true = draw.normal(0, np.sqrt(0.5), (200_000, 2))
    counted = true + draw.normal(0, np.sqrt(1.0 / orders), true.shape)
    right = (np.diff(true) > 0) == (np.diff(counted) > 0)
    assert right.mean() == pytest.approx(0.8, abs=0.005)
    assert (needed["more_events"].iloc[1::3] == 0).all()  # 5 orders are more than the 3.8 needed
    assert (needed["more_events"].iloc[2::3] == 0).all()


def test_spend_is_what_these_orders_cost_at_the_predicted_rates(order_rows, dataset) -> None:
    _, predicted = order_rows
    needed = required(OF_ORDERS, order_rows, dataset, 0.8)
    orders_per_cny = predicted["click"] * predicted["order"] / predicted["cost"]
    np.testing.assert_allclose(needed["more_cny"], needed["more_events"] / orders_per_cny)
    np.testing.assert_allclose(needed["more_volume"], needed["more_cny"] / predicted["cost"])
    assert (needed["more_cny"].iloc[::3] > 0).all()


def test_more_certainty_needs_more(order_rows, dataset) -> None:
    less, more = (required(OF_ORDERS, order_rows, dataset, p)["more_events"] for p in (0.7, 0.9))
    assert (more.iloc[::3] > less.iloc[::3]).all()
