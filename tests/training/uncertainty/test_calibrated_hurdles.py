"""Intervals, chances and hits of a small world, and of outcomes whose spread is known."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.matrix.feature_matrix import Features
from training.boosting.recipe import Recipe, out_of_fold, predict_out_of_sample
from training.data.dataset import Dataset
from training.uncertainty import OutOfSample, PredictiveUncertainty, fit_uncertainty, read_uncertainty
from training.uncertainty.calibrated_hurdles import CalibratedHurdles


@pytest.fixture(scope="module")
def oof(dataset: Dataset, cut) -> list[OutOfSample]:
    return out_of_fold(dataset, cut[0], Recipe())


@pytest.fixture(scope="module")
def fitted_uncertainty(oof, dataset, quick) -> CalibratedHurdles:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    found = fit_uncertainty(oof, dataset.funnel, settings)
    assert isinstance(found, CalibratedHurdles)
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
    """Above the upper end of an interval that starts at 0 lies what the interval leaves out."""
    bounds = bounds_of(fitted_uncertainty, holdout.predicted, holdout.features)
    open_below = (bounds["net_roi_low"] == 0) & (bounds["net_roi_high"] > 0)
    assert open_below.any()
    above = fitted_uncertainty.of(holdout.predicted, holdout.features).chance(
        bounds["net_roi_high"].to_numpy(np.float64)
    )
    np.testing.assert_allclose(above[open_below], 0.2, atol=0.01)


def bounds_of(uncertainty: PredictiveUncertainty, predicted: pd.DataFrame, features: Features) -> pd.DataFrame:
    return pd.DataFrame(uncertainty.of(predicted, features).intervals)


def some_rows(rows: OutOfSample, places: list[int]) -> tuple[pd.DataFrame, Features]:
    features = rows.features
    part = replace(
        features,
        keys=features.keys.take(places),
        values=features.values.take(places),
        reference_price=features.reference_price[places],
        posteriors={
            name: replace(
                posterior,
                market_rate=posterior.market_rate[places],
                log_effects={step: values[places] for step, values in posterior.log_effects.items()},
                log_prior=posterior.log_prior[places],
                log_own_evidence=posterior.log_own_evidence[places],
                own_events=posterior.own_events[places],
                variance=posterior.variance[places],
            )
            for name, posterior in features.posteriors.items()
        },
    )
    return rows.predicted.iloc[places].reset_index(drop=True), part


def test_a_row_alone_gets_what_it_gets_in_a_batch_bit_for_bit(fitted_uncertainty, holdout) -> None:
    bounds = bounds_of(fitted_uncertainty, holdout.predicted, holdout.features)
    chance = fitted_uncertainty.of(holdout.predicted, holdout.features).chance(1.3)
    hit = fitted_uncertainty.of(holdout.predicted, holdout.features).hit_chance()
    for place in range(0, len(holdout.predicted), 17):
        alone = some_rows(holdout, [place])
        assert (bounds_of(fitted_uncertainty, *alone).to_numpy() == bounds.iloc[[place]].to_numpy()).all()
        assert fitted_uncertainty.of(*alone).chance(1.3)[0] == chance[place]
        np.testing.assert_array_equal(fitted_uncertainty.of(*alone).hit_chance(), hit[[place]])


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
    bare = fitted_uncertainty.model_copy(update={"rates": {}, "hit": None})
    bounds = bounds_of(bare, holdout.predicted, holdout.features)
    assert bounds["gpm_high"].isna().all()
    assert bounds["later_impressions_high"].notna().all()
    assert np.isnan(bare.of(holdout.predicted, holdout.features).chance(1.0)).all()
    assert np.isnan(bare.of(holdout.predicted, holdout.features).hit_chance()).all()
    assert (bare.of(holdout.predicted, holdout.features).comparable_creatives() == 0).all()


def test_intervals_and_chances_are_calibrated_on_their_own_rows(fitted_uncertainty, oof, dataset) -> None:
    """Not a oof of coverage (that is `training.evaluation.coverage`, on other rows), but of the arithmetic."""
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
