"""Intervals, chances and hits of a small world, and of outcomes whose spread is known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.funnel import build_funnel
from features.funnel_model.posterior import Posteriors
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import Categories
from training.boosting.recipe import Recipe, out_of_fold, predict_out_of_sample
from training.data.dataset import Dataset
from training.evaluation.coverage import coverage
from training.uncertainty import OutOfSample, PredictiveUncertainty, fit_uncertainty, read_uncertainty
from training.uncertainty.distribution import DRIFT, HIT_MONEY, ROWS_AT_ONCE, CompoundUncertainty

SIMULATED = 8000
"""Rows of a simulated part."""


@pytest.fixture(scope="module")
def oof(dataset: Dataset, cut) -> list[OutOfSample]:
    return out_of_fold(dataset, cut[0], Recipe())


@pytest.fixture(scope="module")
def fitted_uncertainty(oof, dataset, quick) -> CompoundUncertainty:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    found = fit_uncertainty(oof, dataset.funnel, settings)
    assert isinstance(found, CompoundUncertainty)
    return found


@pytest.fixture(scope="module")
def holdout(dataset, cut, model) -> OutOfSample:
    return predict_out_of_sample(dataset, cut[1], model)


def test_rows_that_calibrate_come_from_models_of_their_past_alone(oof, dataset, cut) -> None:
    train, _, posteriors = cut
    assert len(oof) == 2
    cutoffs = [part.predicted["cutoff"] for part in oof]
    assert cutoffs[0].max() <= cutoffs[1].min()
    assert cutoffs[1].max() < posteriors
    assert sum(len(part.predicted) for part in oof) < train.sum()
    closed = dataset.rows["closed_at"]
    for part in oof:  # training outcomes closed before the fold's first cutoff
        assert (closed[train] <= part.predicted["cutoff"].min()).any()


def test_the_holdout_does_not_change_the_calibration_rows(dataset, cut, oof) -> None:
    shuffled = dataset.outcome.copy()
    later = [name for name in shuffled if name.startswith("later:")]
    shuffled.loc[cut[1], later] = shuffled.loc[cut[1], later].to_numpy()[::-1] * 3.0
    again = out_of_fold(replace(dataset, outcome=shuffled), cut[0], Recipe())
    for one, other in zip(oof, again):
        pd.testing.assert_frame_equal(one.predicted, other.predicted)
        pd.testing.assert_frame_equal(one.outcome, other.outcome)


def test_every_target_has_ends_in_order(fitted_uncertainty, holdout, dataset) -> None:
    bounds = bounds_of(fitted_uncertainty, holdout.predicted, holdout.features)
    assert list(bounds) == [f"{target}_{end}" for target in dataset.funnel.targets for end in ("low", "high")]
    for target in dataset.funnel.targets:
        assert (bounds[f"{target}_low"] >= 0).all()
        assert (bounds[f"{target}_low"] <= bounds[f"{target}_high"]).all()
        assert np.isfinite(bounds[f"{target}_high"]).all()


def test_a_higher_level_gives_wider_intervals(fitted_uncertainty, holdout) -> None:
    wider = bounds_of(fitted_uncertainty.model_copy(update={"level": 0.95}), holdout.predicted, holdout.features)
    bounds = bounds_of(fitted_uncertainty, holdout.predicted, holdout.features)
    assert (wider["gpm_high"] >= bounds["gpm_high"] * (1 - 1e-9)).all()
    assert wider["gpm_high"].sum() > bounds["gpm_high"].sum()


def test_chances_fall_with_the_threshold_and_are_1_at_0(fitted_uncertainty, holdout) -> None:
    thresholds = [0.0, 0.01, 0.5, 1.0, 2.0, 5.0, 1e6]
    chances = np.array(
        [fitted_uncertainty.of(holdout.predicted, holdout.features).chance(threshold) for threshold in thresholds]
    )
    assert (chances[0] == 1.0).all()
    assert (np.diff(chances, axis=0) <= 1e-12).all()
    assert chances[-1].max() < 0.01
    each = fitted_uncertainty.of(holdout.predicted, holdout.features).chance(np.full(len(holdout.predicted), 1.0))
    assert (each == chances[3]).all()


def test_intervals_and_chances_agree(fitted_uncertainty, holdout) -> None:
    """Between the ends of an interval lies its level; below one that starts at 0 lies nothing."""
    rows = fitted_uncertainty.of(holdout.predicted, holdout.features)
    for target in fitted_uncertainty.targets:
        low, high = (rows.intervals[f"{target}_{end}"] for end in ("low", "high"))
        above_zero = high > 0
        assert above_zero.any()
        inside = np.where(low > 0, rows.chance(low, target), 1.0) - rows.chance(high, target)
        np.testing.assert_allclose(inside[above_zero], rows.levels(target)[above_zero], atol=0.01)


def bounds_of(uncertainty: PredictiveUncertainty, predicted: pd.DataFrame, features: Features) -> pd.DataFrame:
    return pd.DataFrame(uncertainty.of(predicted, features).intervals)


def some_rows(rows: OutOfSample, places: np.ndarray) -> tuple[pd.DataFrame, Features]:
    part = rows.features.take(places)
    return rows.predicted.iloc[places].reset_index(drop=True), part


def answers(uncertainty: PredictiveUncertainty, predicted: pd.DataFrame, features: Features) -> pd.DataFrame:
    rows = uncertainty.of(predicted, features)
    return pd.DataFrame(
        {
            **rows.intervals,
            **{f"median_{target}": rows.median(target) for target in uncertainty.targets},
            **{f"typical_{target}": rows.typical(target) for target in uncertainty.targets},
            "chance": rows.chance(1.3),
            "hit": rows.hit_chance(),
            "like": rows.comparable_creatives(),
            **rows.required_evidence(0.8),
            "rate_chance": rows.rate_chance(np.full(len(predicted), 1.3)),
            **rows.spend_until_decided(np.full(len(predicted), 1.3), 0.1, 0.85, 0.5),
        }
    )


def test_a_row_alone_gets_what_it_gets_in_a_batch_bit_for_bit(fitted_uncertainty, holdout, same_bits) -> None:
    whole = answers(fitted_uncertainty, holdout.predicted, holdout.features)
    for place in range(0, len(holdout.predicted), 17):
        alone = answers(fitted_uncertainty, *some_rows(holdout, np.array([place])))
        same_bits(alone, whole.iloc[[place]])


def test_more_rows_than_are_computed_at_once_get_the_same(fitted_uncertainty, holdout, same_bits) -> None:
    places = np.resize(np.arange(len(holdout.predicted)), ROWS_AT_ONCE + 5)
    many = answers(fitted_uncertainty, *some_rows(holdout, places))
    same_bits(many, answers(fitted_uncertainty, holdout.predicted, holdout.features).iloc[places])
    values = np.array([0.0, 0.5, 2.0])
    rows = fitted_uncertainty.of(*some_rows(holdout, places))
    assert rows.cdf(values, "gpm").shape == (len(places), 3)
    assert rows.support("gpm") == fitted_uncertainty.of(holdout.predicted, holdout.features).support("gpm")


def test_no_rows_get_no_answers(fitted_uncertainty, holdout) -> None:
    assert answers(fitted_uncertainty, *some_rows(holdout, np.zeros(0, dtype=np.int64))).shape[0] == 0


def test_medians_lie_inside_their_intervals_and_typical_values_below_the_upper_end(fitted_uncertainty, holdout) -> None:
    rows = fitted_uncertainty.of(holdout.predicted, holdout.features)
    for target in fitted_uncertainty.targets:
        low, high = (rows.intervals[f"{target}_{end}"] for end in ("low", "high"))
        assert (low <= rows.median(target)).all()
        assert (rows.median(target) <= high).all()
        assert (rows.typical(target) >= 0).all()
        assert np.isfinite(rows.typical(target)).all()


def test_the_chance_of_the_true_rate_is_that_of_its_log_normal_whose_mean_is_the_prediction(
    fitted_uncertainty, holdout
) -> None:
    rows = fitted_uncertainty.of(holdout.predicted, holdout.features)
    predicted, variance = holdout.predicted["net_roi"].to_numpy(), rows.rate_variance("net_roi")
    assert (variance >= rows.columns["variance:net_roi"] + DRIFT).all()  # whatever share fits outcomes best
    draws = np.random.default_rng(2).lognormal(-variance / 2.0, np.sqrt(variance), (4000, len(variance)))
    np.testing.assert_allclose(draws.mean(axis=0), 1.0, atol=0.2)
    reached = (predicted * draws >= 1.3).mean(axis=0)
    np.testing.assert_allclose(rows.rate_chance(np.full(len(variance), 1.3)), reached, atol=0.04)


def test_spend_until_a_decision_is_0_where_it_is_reached_and_costs_what_its_orders_cost(
    fitted_uncertainty, holdout
) -> None:
    rows = fitted_uncertainty.of(holdout.predicted, holdout.features)
    target = np.full(len(holdout.predicted), 1.3)
    needed, chance = rows.spend_until_decided(target, 0.1, 0.85, 0.5), rows.rate_chance(target)
    decided = (chance <= 0.1) | (chance >= 0.85)
    np.testing.assert_array_equal(needed["decide_cny"] == 0.0, decided)
    some = ~decided & np.isfinite(needed["decide_cny"])
    per_order = holdout.predicted["cost"] / (holdout.predicted["click"] * holdout.predicted["order"])
    np.testing.assert_allclose(needed["decide_cny"][some], (needed["decide_events"] * per_order)[some])


def test_the_distribution_rises_from_its_mass_at_0(fitted_uncertainty, holdout) -> None:
    rows = fitted_uncertainty.of(holdout.predicted, holdout.features)
    for target in fitted_uncertainty.targets:
        low, high = rows.support(target)
        below = rows.cdf(np.concatenate([[0.0], np.geomspace(low, high, 50), [high * 1.001]]), target)
        assert (np.diff(below, axis=1) >= -1e-12).all()
        assert (below[:, 0] >= 0).all()
        np.testing.assert_allclose(below[:, -1], 1.0)
        np.testing.assert_allclose(rows.chance(high / 2, target), 1.0 - rows.cdf(np.array([high / 2]), target)[:, 0])


def test_it_survives_json_to_the_last_bit(fitted_uncertainty, holdout) -> None:
    again = read_uncertainty(json.loads(json.dumps(fitted_uncertainty.document())))
    assert again == fitted_uncertainty
    pd.testing.assert_frame_equal(
        bounds_of(again, holdout.predicted, holdout.features),
        bounds_of(fitted_uncertainty, holdout.predicted, holdout.features),
        check_exact=True,
    )


def test_with_too_few_rows_nothing_is_fitted(oof, dataset, quick) -> None:
    def fit_with(rows: int) -> PredictiveUncertainty | None:
        interval = quick.interval.model_copy(update={"min_rows": rows})
        return fit_uncertainty(oof, dataset.funnel, quick.model_copy(update={"interval": interval}))

    assert fit_with(100_000) is None
    assert fit_uncertainty([], dataset.funnel, quick) is None
    counted = fit_with(50)
    assert counted is not None
    volume = fit_with(counted.calibration_rows["gpm"] + 1)  # later volume has more rows than rates
    assert volume is not None
    assert volume.targets == ("later_impressions",)


def test_a_rate_that_is_not_calibrated_has_no_ends_and_no_chance(fitted_uncertainty, holdout) -> None:
    bare = fitted_uncertainty.model_copy(update={"compounds": {}, "hits_model": None})
    bounds = bounds_of(bare, holdout.predicted, holdout.features)
    assert bounds["gpm_high"].isna().all()
    assert bounds["later_impressions_high"].notna().all()
    assert np.isnan(bare.of(holdout.predicted, holdout.features).chance(1.0)).all()
    assert np.isnan(bare.of(holdout.predicted, holdout.features).hit_chance()).all()
    assert np.isnan(bare.of(holdout.predicted, holdout.features).typical("gpm")).all()
    assert (bare.of(holdout.predicted, holdout.features).comparable_creatives() == 0).all()


def test_intervals_and_chances_are_calibrated_on_their_own_rows(fitted_uncertainty, oof, dataset) -> None:
    """Not a test of coverage (that is `training.evaluation.coverage`, on other rows), but of the arithmetic."""
    inside, stated, true = [], [], []
    for part in oof:
        later = part.outcome["later:impressions"].to_numpy(np.float64)
        enough = later >= fitted_uncertainty.min_volume
        net = part.outcome["later:settled_net_cny"].to_numpy(np.float64)[enough]
        came = net / part.outcome["later:spend_cny"].to_numpy(np.float64)[enough]
        bounds = bounds_of(fitted_uncertainty, part.predicted, part.features)[enough]
        inside.append((came >= bounds["net_roi_low"]) & (came <= bounds["net_roi_high"]))
        stated.append(fitted_uncertainty.of(part.predicted, part.features).chance(1.0)[enough])
        true.append(came >= 1.0)
    assert np.concatenate(inside).mean() == pytest.approx(0.8, abs=0.06)
    assert np.concatenate(stated).mean() == pytest.approx(np.concatenate(true).mean(), abs=0.06)


def test_chances_are_of_net_roi_else_of_roi(dataset) -> None:
    assert dataset.funnel.main_roi == "net_roi"
    gross = replace(dataset.funnel, stages=tuple(stage for stage in dataset.funnel.stages if stage.name != "keep"))
    assert gross.main_roi == "roi"
    free = replace(gross, stages=tuple(stage for stage in gross.stages if stage.name != "cost"))
    assert free.main_roi == ""


def test_hits_come_from_the_distribution_of_money(fitted_uncertainty, oof) -> None:
    assert HIT_MONEY in fitted_uncertainty.compounds
    assert fitted_uncertainty.hit_measure == "net_gmv"
    stated, came = [], []
    for part in oof:
        stated.append(fitted_uncertainty.of(part.predicted, part.features).hit_chance())
        came.append(fitted_uncertainty.hits(part.outcome, part.predicted["promotion_type"].astype("str")))
    chance, hit = np.concatenate(stated), np.concatenate(came)
    assert chance.mean() == pytest.approx(np.nanmean(hit), abs=0.04)
    assert chance[hit == 1].mean() > 1.5 * chance[hit == 0].mean()


def test_an_unknown_promotion_type_has_no_chance_of_a_hit(fitted_uncertainty, holdout) -> None:
    keys = holdout.features.keys
    strange = replace(
        holdout.features, keys=keys.assign({"promotion_type": Categories.of(["brand"] * len(holdout.predicted))})
    )
    rows = fitted_uncertainty.of(holdout.predicted, strange)
    assert np.isnan(rows.hit_chance()).all()
    assert np.isfinite(rows.chance(1.0)).all()
    hits = fitted_uncertainty.hits(holdout.outcome, pd.Series("brand", index=holdout.outcome.index))
    assert np.isnan(hits).all()


@pytest.fixture(scope="module")
def simulated(oof) -> list[OutOfSample]:
    """Out-of-fold rows, twice, many times over, with outcomes drawn from known rates: volume, orders and values."""
    draw = np.random.default_rng(8)
    parts = []
    for part in (oof[-1], oof[-1]):  # one model predicted both, so that only the draws differ
        places = np.resize(np.arange(len(part.predicted)), SIMULATED)
        predicted, features = some_rows(part, places)
        volume = np.exp(draw.normal(np.log(3000.0), 1.0, SIMULATED)).round()
        rate = np.exp(draw.normal(-0.2, np.sqrt(0.4), SIMULATED))
        orders = draw.poisson(volume * rate * 0.001)
        gmv = np.where(orders > 0, draw.gamma(np.maximum(orders, 1) / 0.3, 30.0), 0.0)
        outcome = part.outcome.iloc[places].reset_index(drop=True)
        columns = {"impressions": volume, "gmv_cny": gmv, "settled_net_cny": 0.8 * gmv, "spend_cny": 0.05 * volume}
        outcome = outcome.assign(covered_share=1.0, **{f"later:{name}": values for name, values in columns.items()})
        predicted = predicted.assign(gpm=100.0, net_gpm=80.0, roi=2.0, net_roi=1.6, value=100.0, later_impressions=3000)
        parts.append(OutOfSample(predicted, features, outcome))
    return parts


def test_on_simulated_outcomes_intervals_hold_their_level_and_chances_come_true(simulated, dataset, quick) -> None:
    uncertainty = fit_uncertainty(simulated[:1], dataset.funnel, quick)
    assert uncertainty is not None
    found = coverage(uncertainty, simulated[1])
    for row in found.overall().to_dict("records"):
        assert row["covered"] == pytest.approx(0.8, abs=0.03), row["target"]
    enough = found.bins[found.bins["rows"] >= 2000]  # smaller bins hold the groups whose chance is too high by luck
    assert len(enough) >= 4
    assert (enough["stated"] - enough["true"]).abs().max() < 0.05
    volume = simulated[1].outcome["later:impressions"].to_numpy(np.float64)
    rows = uncertainty.of(simulated[1].predicted, simulated[1].features)
    assert np.mean(volume <= rows.median("later_impressions")) == pytest.approx(0.5, abs=0.03)


def order_as_return(posteriors: Posteriors) -> Posteriors:
    place = [posteriors.stages.index("order")]
    tables = {name: values[place] for name, values in posteriors.tables.items()}
    return replace(posteriors, stages=("return",), **tables)


def test_a_funnel_of_spend_alone_has_distributions(simulated, quick) -> None:
    """Without impressions, orders and refunds: gmv per spend over later spend, its unit fitted from the zeros."""
    funnel = build_funnel(["spend_cny", "gmv_cny"], None)
    assert (funnel.targets, funnel.to_roi) == (["roi", "later_spend_cny"], ("return",))
    parts = [
        replace(
            part,
            predicted=part.predicted.assign(later_spend_cny=150.0),
            features=replace(part.features, posteriors=order_as_return(part.features.posteriors)),
        )
        for part in simulated
    ]
    settings = quick.model_copy(update={"evaluate": quick.evaluate.model_copy(update={"min_impressions": 5.0})})
    uncertainty = fit_uncertainty(parts[:1], funnel, settings)
    assert uncertainty is not None
    assert uncertainty.targets == ("roi", "later_spend_cny")
    for row in coverage(uncertainty, parts[1]).overall().to_dict("records"):
        assert row["covered"] == pytest.approx(0.8, abs=0.03), row["target"]
    needed = uncertainty.of(parts[1].predicted, parts[1].features).required_evidence(0.8)
    np.testing.assert_array_equal(needed["more_cny"], needed["more_volume"])


def test_counts_that_are_their_own_value_have_distributions(simulated, dataset, quick) -> None:
    """Likes taken as orders of value 1: thousands of them, no zeros."""
    funnel = build_funnel(["impressions", "orders", "gmv_cny"], None)
    draw = np.random.default_rng(9)
    parts = []
    for part in simulated:
        likes = draw.poisson(0.05 * part.outcome["later:impressions"].to_numpy(np.float64)).astype(np.float64)
        outcome = part.outcome.assign(**{"later:gmv_cny": likes})
        parts.append(replace(part, predicted=part.predicted.assign(gpm=50.0, value=1.0), outcome=outcome))
    uncertainty = fit_uncertainty(parts[:1], funnel, quick)
    assert uncertainty is not None
    assert uncertainty.targets == ("gpm", "later_impressions")
    for row in coverage(uncertainty, parts[1]).overall().to_dict("records"):
        assert row["covered"] == pytest.approx(0.8, abs=0.03), row["target"]
