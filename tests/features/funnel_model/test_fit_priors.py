"""Priors fitted on a simulated training period."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.funnel_model.empirical_bayes import MIN_VARIANCE
from features.funnel_model.fit_priors import fit_priors
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import Loaded
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, fit_features, prepare, rows_of
from training.labels.splits import holdout_split

EFFECT = {"强": 2.0, "中": 1.0, "弱": 0.5}


@pytest.fixture(scope="module")
def dataset(checked, quick: Settings) -> Dataset:
    """300 creatives over 60 days: the hook affects clicks, the scene does not; there are no orders and no money."""
    draw = np.random.default_rng(4)
    creatives, metrics = [], []
    for number in range(300):
        hook = list(EFFECT)[number % 3]
        own = draw.gamma(1 / 0.05, 0.05)
        key = {"promotion_type": "live", "account_id": f"a{number % 4}", "creative_id": f"c{number:03d}"}
        creatives.append(key | {"tag_hook": hook, "tag_scene": f"s{int(draw.integers(4))}"})
        start = pd.Timestamp("2026-03-01") + pd.Timedelta(days=number // 6)
        for day in range(10):
            impressions = float(draw.poisson(800))
            clicks = float(draw.poisson(impressions * 0.05 * EFFECT[hook] * own))
            metrics.append(
                key
                | {
                    "grain": "day",
                    "period_start": start + pd.Timedelta(days=day),
                    "period_end": start + pd.Timedelta(days=day + 1),
                    "impressions": impressions,
                    "clicks": min(clicks, impressions),
                    "orders": 0.0,
                    "spend_cny": impressions * 0.2,
                    "gmv_cny": 0.0,
                    "net_gmv_cny": 0.0,
                }
            )
    return prepare(checked(pd.DataFrame(metrics), pd.DataFrame(creatives)), quick)


@pytest.fixture(scope="module")
def fitted(dataset: Dataset):
    train, _, starts = holdout_split(dataset.rows, 14)
    return fit_features(dataset, train, starts)


def test_the_rate_of_the_market_is_numerator_over_exposure(dataset, fitted) -> None:
    until = holdout_split(dataset.rows, 14)[2]
    reported = dataset.loaded.metrics["grain"].map(dataset.settings.report_delay_hours) * pd.Timedelta(hours=1)
    known = dataset.loaded.metrics[dataset.loaded.metrics["period_end"] + reported <= until]
    assert fitted.priors["click"].rate == {"live": known["clicks"].sum() / known["impressions"].sum()}


def test_the_variance_between_creatives_is_recovered(fitted) -> None:
    """s² is 0.05 around the hooks; part of it is attributed to drift or to what the hooks miss."""
    assert fitted.priors["click"].creative_variance == pytest.approx(0.05, rel=0.35)
    assert fitted.priors["click"].dispersion == 1.0
    assert fitted.priors["click"].drift_variance < 0.01
    assert fitted.priors["click"].transient_variance < 0.01


def test_a_tag_with_effect_gets_weight_and_one_without_is_shrunk_away(dataset, fitted) -> None:
    prior = fitted.priors["click"]
    assert prior.strengths["hook"] < 2 < 20 < prior.strengths["scene"]
    # The interaction with a scene without effect carries the same information as the hook: they share its weight.
    assert prior.weights["hook"] + prior.weights["hook*scene"] == pytest.approx(1.0, abs=0.25)
    assert abs(prior.weights.get("scene", 0.0)) < 0.05
    posterior = build_features(ArrayFrame.of(dataset.observed), fitted).posteriors["click"]
    late = (dataset.observed["cutoff"] > pd.Timestamp("2026-03-20")).to_numpy()
    hooks = dataset.observed["tag_hook"].to_numpy()
    mean = {hook: np.exp(posterior.log_prior[late & (hooks == hook)]).mean() for hook in EFFECT}
    assert mean["强"] / mean["中"] == pytest.approx(2.0, rel=0.15)
    assert mean["弱"] / mean["中"] == pytest.approx(0.5, rel=0.15)


@pytest.mark.parametrize("stage", ["order", "value", "keep"])
def test_a_stage_with_no_events_at_all_works(dataset, fitted, stage) -> None:
    """No order was ever made: rates are small, finite, and the same for all."""
    prior = fitted.priors[stage]
    assert all(0 < rate <= 0.5 and np.isfinite(rate) for rate in prior.rate.values())
    posterior = build_features(ArrayFrame.of(dataset.observed), fitted).posteriors[stage]
    assert np.isfinite(posterior.log_rate).all()
    assert np.isfinite(posterior.variance).all()
    assert (posterior.variance > 0).all()


def test_a_promotion_type_without_training_data_takes_the_rate_of_the_others(dataset, fitted) -> None:
    observed = dataset.observed.head(3).assign(promotion_type="product")
    live = build_features(ArrayFrame.of(dataset.observed.head(3)), fitted)
    new = build_features(ArrayFrame.of(observed), fitted)
    for stage, posterior in new.posteriors.items():
        np.testing.assert_allclose(posterior.market_rate, live.posteriors[stage].market_rate)
    assert np.isnan(new.values["promotion_type"]).all()


def test_a_promotion_type_without_traffic_has_no_rate(dataset) -> None:
    """Creatives without impressions give no rate; (0 + ½)/(0 + 1) would be 50 %."""
    creatives = dataset.loaded.creatives.copy()
    announced = creatives.tail(2).assign(promotion_type="product")
    loaded = Loaded(dataset.loaded.metrics, pd.concat([creatives, announced], ignore_index=True))
    dataset = prepare(loaded, dataset.settings)
    train, _, starts = holdout_split(dataset.rows, 14)
    priors = fit_features(dataset, train, starts).priors
    assert set(priors["click"].rate) == {"live"}
    posterior = build_features(
        ArrayFrame.of(dataset.observed.head(1).assign(promotion_type="product")), fit_features(dataset, train, starts)
    )
    assert posterior.posteriors["click"].market_rate[0] == pytest.approx(priors["click"].rate["live"])


def test_too_few_rows_give_no_weights_and_no_drift(dataset) -> None:
    snapshots = pd.concat([dataset.observed, dataset.outcome], axis=1).head(20)
    totals = pd.DataFrame(
        {name.removeprefix("early:"): 0.0 for name in snapshots if name.startswith("early:")},
        index=range(len(dataset.loaded.creatives)),
    )
    priors = fit_priors(
        totals, ArrayFrame.of(snapshots), ArrayFrame.of(dataset.loaded.creatives), dataset.funnel, dataset.entities
    )
    for prior in priors.values():
        assert prior.weights == {}
        assert prior.log_level == 0.0
        assert (prior.drift_variance, prior.transient_variance) == (MIN_VARIANCE, MIN_VARIANCE)
        assert 0 < prior.dispersion / prior.creative_variance < np.inf


@pytest.fixture(scope="module")
def boosted(dataset: Dataset) -> Dataset:
    """The same, but one creative in ten gets twenty times the traffic, at four times the cost."""
    metrics = dataset.loaded.metrics.copy()
    many = metrics["creative_id"].str.endswith("7")
    for name in ("impressions", "clicks"):
        metrics.loc[many, name] *= 20
    metrics["spend_cny"] = metrics["impressions"] * np.where(many, 0.8, 0.2)
    return prepare(Loaded(metrics, dataset.loaded.creatives), dataset.settings)


@pytest.fixture(scope="module", params=["empirical Bayes", "funnel models"])
def level(request, boosted: Dataset):
    """Training rows, what was fitted on them, and their outcomes, with and without refits of the funnel model."""
    train, _, until = holdout_split(boosted.rows, 14)
    if request.param == "funnel models":
        trainings, moments = plan_refits(boosted, [(train, until)])
        boosted, train = with_refits(boosted, moments), trainings[0][0]
    fitted = fit_features(boosted, train, until)
    assert bool(fitted.funnel_models) == (request.param == "funnel models")
    return fitted, *rows_of(boosted, train, fitted)


def test_the_level_of_cost_meets_the_total_of_the_training_period(level) -> None:
    """Cost rises with traffic: at the level of the mean creative, totals would be far too low."""
    fitted, features, outcome = level
    seen, spent = (outcome[f"later:{name}"].to_numpy() for name in ("impressions", "spend_cny"))
    expected = float(np.exp(features.posteriors["cost"].log_rate) @ seen)
    assert expected == pytest.approx(spent.sum(), rel=1e-9)
    assert fitted.priors["cost"].log_level > 0.02
    without_level = expected * np.exp(-fitted.priors["cost"].log_level)
    assert without_level < 0.98 * spent.sum()


def test_other_stages_have_no_level_of_their_own(level) -> None:
    fitted, _, _ = level
    assert {name for name, prior in fitted.priors.items() if prior.log_level} == {"cost"}
    assert [stage.name for stage in fitted.funnel.stages if stage.level_by_exposure] == ["cost"]


def test_own_counts_do_not_undo_the_level(boosted: Dataset, level) -> None:
    """It is added after the update: it moves every row alike, whatever the row has counted."""
    fitted, _, _ = level
    cost = fitted.priors["cost"]
    flat = replace(fitted, priors={**fitted.priors, "cost": replace(cost, log_level=0.0)})
    with_level, without = (build_features(ArrayFrame.of(boosted.observed), one).posteriors for one in (fitted, flat))
    old = boosted.observed["age_hours"].to_numpy() >= 72
    assert (with_level["cost"].own_events[old] > 1000).any()
    np.testing.assert_allclose(with_level["cost"].log_rate - without["cost"].log_rate, cost.log_level, atol=1e-12)
    np.testing.assert_array_equal(with_level["cost"].log_own_evidence, without["cost"].log_own_evidence)
    np.testing.assert_array_equal(with_level["cost"].variance, without["cost"].variance)
    effects = sum(with_level["cost"].log_effects.values(), np.log(with_level["cost"].base_rate))
    np.testing.assert_allclose(effects, with_level["cost"].log_prior, atol=1e-9)
    for name in set(with_level) - {"cost"}:
        np.testing.assert_array_equal(with_level[name].log_rate, without[name].log_rate)


def test_orders_missing_in_some_rows_leave_every_number_of_the_priors_known(small_world, quick) -> None:
    metrics = small_world.metrics.copy()
    metrics.loc[::25, "orders"] = np.nan
    dataset = prepare(replace(small_world, metrics=metrics), quick)
    train, _, starts = holdout_split(dataset.rows, 14)
    for name, prior in fit_features(dataset, train, starts).priors.items():
        numbers = [prior.dispersion, prior.creative_variance, prior.drift_variance, prior.transient_variance]
        parts = (prior.rate, prior.strengths, prior.weights, prior.cross_stage_weights)
        assert np.isfinite([*numbers, *(value for part in parts for value in part.values())]).all(), name
