"""What a hit is and its chance; how much evidence two creatives need until they can be ranked."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.boosting.recipe import Recipe, out_of_fold
from training.uncertainty import fit_uncertainty
from training.uncertainty.covariates import covariate_frame, logs_of
from training.uncertainty.hits_and_evidence import LEAST_HITS, RequiredEvidence, fit_hits, fit_required_evidence
from training.uncertainty.regressions import PARTS, CrossFitParts

OF_ORDERS = RequiredEvidence(target="net_roi", stage="order", dispersion=1.0)


@pytest.fixture(scope="module")
def out_of_fold_rows(dataset, cut, quick):
    """Out-of-fold rows: predictions, covariates, outcome."""
    part = out_of_fold(dataset, cut[0], Recipe())[-1]
    frame = covariate_frame(part.predicted, part.features, dataset.funnel, ["live", "product"])
    return part.predicted, frame, part.outcome


def fitted_hits(out_of_fold_rows, dataset, quick, **changed: object):
    predicted, frame, outcome = out_of_fold_rows
    parts = CrossFitParts(np.arange(len(frame)) % PARTS, np.zeros(len(frame), dtype=np.int64))
    settings = quick.interval.model_copy(update={"hit_share": 0.2, **changed})
    return fit_hits(predicted, frame, outcome, dataset.funnel, settings, parts)


def test_the_top_share_of_each_promotion_type_are_hits(out_of_fold_rows, dataset, quick) -> None:
    hit = fitted_hits(out_of_fold_rows, dataset, quick)
    assert hit is not None
    assert hit.measure == "net_gmv"
    frame, outcome = out_of_fold_rows[1], out_of_fold_rows[2]
    hits = hit.is_hit(outcome, frame["promotion_type"], dataset.funnel)
    for name in ("live", "product"):
        mine = (frame["promotion_type"] == name).to_numpy()
        assert np.nanmean(hits[mine]) == pytest.approx(0.2, abs=0.03)
        assert outcome.loc[mine & (hits == 1), "later:settled_net_cny"].min() >= hit.threshold[name]


def test_its_mean_chance_is_the_share_of_hits_and_higher_for_those_that_were(out_of_fold_rows, dataset, quick) -> None:
    hit = fitted_hits(out_of_fold_rows, dataset, quick)
    chance = hit.chance(out_of_fold_rows[0], out_of_fold_rows[1], dataset.funnel)
    hits = hit.is_hit(out_of_fold_rows[2], out_of_fold_rows[1]["promotion_type"], dataset.funnel)
    assert chance.mean() == pytest.approx(np.nanmean(hits), abs=0.01)
    assert chance[hits == 1].mean() > 1.5 * chance[hits == 0].mean()


def test_hits_can_be_ranked_by_later_volume(out_of_fold_rows, dataset, quick) -> None:
    hit = fitted_hits(out_of_fold_rows, dataset, quick, hit_of="volume")
    assert hit is not None
    assert hit.measure == "volume"
    volume = out_of_fold_rows[2]["later:impressions"] / out_of_fold_rows[2]["covered_share"]
    hits = hit.is_hit(out_of_fold_rows[2], out_of_fold_rows[1]["promotion_type"], dataset.funnel)
    live = (out_of_fold_rows[1]["promotion_type"] == "live").to_numpy()
    assert volume[live & (hits == 1)].min() > volume[live & (hits == 0)].max()


def test_an_unknown_promotion_type_has_no_chance(out_of_fold_rows, dataset, quick) -> None:
    hit = fitted_hits(out_of_fold_rows, dataset, quick)
    strange = out_of_fold_rows[1].assign(promotion_type="brand")
    assert np.isnan(hit.chance(out_of_fold_rows[0], strange, dataset.funnel)).all()
    assert np.isnan(hit.is_hit(out_of_fold_rows[2], pd.Series("brand", index=strange.index), dataset.funnel)).all()


def test_with_few_hits_no_chance_is_fitted(out_of_fold_rows, dataset, quick) -> None:
    assert len(out_of_fold_rows[1]) * 0.01 < LEAST_HITS
    assert fitted_hits(out_of_fold_rows, dataset, quick, hit_share=0.01) is None
    assert (
        fit_uncertainty(out_of_fold(dataset, np.zeros(len(dataset.rows), dtype=bool), Recipe()), dataset.funnel, quick)
        is None
    )


@pytest.fixture(scope="module")
def order_rows(holdout_rows, model):
    """Holdout rows whose creatives have 0, 5 and 50 orders so far, with what a variance of 0.5 and φ = 1 leave."""
    features = holdout_rows[0]
    own = np.resize([0.0, 5.0, 50.0], len(features.values))
    order = replace(features.posteriors["order"], own_events=own, variance=1.0 / (own + 2.0))
    features = replace(features, posteriors={**features.posteriors, "order": order})
    return features, model.predict(features)


def required(evidence, order_rows, dataset, probability: float) -> pd.DataFrame:
    features, predicted = order_rows
    logs = logs_of(predicted, features)
    return pd.DataFrame(evidence.required(logs, features, dataset.funnel, probability))


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
