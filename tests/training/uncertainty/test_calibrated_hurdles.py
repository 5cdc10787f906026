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
def proof(dataset: Dataset, cut) -> list[OutOfSample]:
    return out_of_fold(dataset, cut[0], Recipe())


@pytest.fixture(scope="module")
def sure(proof, dataset, quick) -> CalibratedHurdles:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    found = fit_uncertainty(proof, dataset.funnel, settings)
    assert isinstance(found, CalibratedHurdles)
    return found


@pytest.fixture(scope="module")
def held(dataset, cut, model) -> OutOfSample:
    return predict_out_of_sample(dataset, cut[1], model)


def test_rows_that_calibrate_come_from_models_of_their_past_alone(proof, dataset, cut) -> None:
    train, _, posteriors = cut
    assert len(proof) == 2
    cutoffs = [part.predicted["cutoff"] for part in proof]
    assert cutoffs[0].max() <= cutoffs[1].min()
    assert cutoffs[1].max() < posteriors
    assert sum(len(part.predicted) for part in proof) < train.sum()
    closed = dataset.rows["closed_at"]
    for part in proof:  # nothing that taught the fold's model closed after its first cutoff
        assert (closed[train] <= part.predicted["cutoff"].min()).any()


def test_the_holdout_changes_nothing_of_what_calibrates(dataset, cut, proof) -> None:
    shuffled = dataset.outcome.copy()
    later = [name for name in shuffled if name.startswith("later:")]
    shuffled.loc[cut[1], later] = shuffled.loc[cut[1], later].to_numpy()[::-1] * 3.0
    again = out_of_fold(replace(dataset, outcome=shuffled), cut[0], Recipe())
    for one, other in zip(proof, again):
        pd.testing.assert_frame_equal(one.predicted, other.predicted)
        pd.testing.assert_frame_equal(one.outcome, other.outcome)


def test_every_target_has_ends_in_order(sure, held, dataset) -> None:
    bounds = bounds_of(sure, held.predicted, held.features)
    assert list(bounds) == [f"{target}_{end}" for target in dataset.funnel.targets for end in ("low", "high")]
    for target in dataset.funnel.targets:
        assert (bounds[f"{target}_low"] >= 0).all()
        assert (bounds[f"{target}_low"] <= bounds[f"{target}_high"]).all()
        assert np.isfinite(bounds[f"{target}_high"]).all()


def test_a_higher_level_gives_wider_intervals(sure, held) -> None:
    wider = bounds_of(sure.model_copy(update={"level": 0.95}), held.predicted, held.features)
    bounds = bounds_of(sure, held.predicted, held.features)
    assert (wider["gpm_high"] >= bounds["gpm_high"] * (1 - 1e-9)).all()
    assert wider["gpm_high"].sum() > bounds["gpm_high"].sum()


def test_chances_fall_with_what_is_asked_and_are_certain_at_0(sure, held) -> None:
    asked = [0.0, 0.01, 0.5, 1.0, 2.0, 5.0, 1e6]
    chances = np.array([sure.of(held.predicted, held.features).chance(target) for target in asked])
    assert (chances[0] == 1.0).all()
    assert (np.diff(chances, axis=0) <= 1e-12).all()
    assert chances[-1].max() < 0.01
    each = sure.of(held.predicted, held.features).chance(np.full(len(held.predicted), 1.0))
    assert (each == chances[3]).all()


def test_an_interval_and_a_chance_tell_the_same(sure, held) -> None:
    """Above the upper end of an interval that posteriors at 0 lies what it leaves out."""
    bounds = bounds_of(sure, held.predicted, held.features)
    open_below = (bounds["net_roi_low"] == 0) & (bounds["net_roi_high"] > 0)
    assert open_below.any()
    above = sure.of(held.predicted, held.features).chance(bounds["net_roi_high"].to_numpy(np.float64))
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


def test_a_row_alone_is_told_what_it_is_told_in_a_batch_bit_for_bit(sure, held) -> None:
    bounds = bounds_of(sure, held.predicted, held.features)
    chance = sure.of(held.predicted, held.features).chance(1.3)
    hit = sure.of(held.predicted, held.features).hit_chance()
    for place in range(0, len(held.predicted), 17):
        alone = some_rows(held, [place])
        assert (bounds_of(sure, *alone).to_numpy() == bounds.iloc[[place]].to_numpy()).all()
        assert sure.of(*alone).chance(1.3)[0] == chance[place]
        np.testing.assert_array_equal(sure.of(*alone).hit_chance(), hit[[place]])


def test_it_survives_json_to_the_last_bit(sure, held) -> None:
    again = read_uncertainty(json.loads(json.dumps(sure.document())))
    assert again == sure
    pd.testing.assert_frame_equal(
        bounds_of(again, held.predicted, held.features),
        bounds_of(sure, held.predicted, held.features),
        check_exact=True,
    )


def test_with_too_few_rows_nothing_is_told(proof, dataset, quick) -> None:
    def asked(rows: int) -> PredictiveUncertainty | None:
        interval = quick.interval.model_copy(update={"min_rows": rows})
        return fit_uncertainty(proof, dataset.funnel, quick.model_copy(update={"interval": interval}))

    assert asked(100_000) is None
    assert fit_uncertainty([], dataset.funnel, quick) is None
    counted = asked(50)
    assert counted is not None
    volume = asked(counted.calibration_rows["gpm"] + 1)  # later volume has more rows than rates
    assert volume is not None
    assert volume.targets == ("later_impressions",)


def test_a_rate_that_is_not_calibrated_has_no_ends_and_no_chance(sure, held) -> None:
    bare = sure.model_copy(update={"rates": {}, "hit": None})
    bounds = bounds_of(bare, held.predicted, held.features)
    assert bounds["gpm_high"].isna().all()
    assert bounds["later_impressions_high"].notna().all()
    assert np.isnan(bare.of(held.predicted, held.features).chance(1.0)).all()
    assert np.isnan(bare.of(held.predicted, held.features).hit_chance()).all()
    assert (bare.of(held.predicted, held.features).comparable_creatives() == 0).all()


def test_most_outcomes_lie_inside_and_chances_come_true_on_the_rows_that_taught_them(sure, proof, dataset) -> None:
    """Not a proof of coverage (that is `training.evaluation.coverage`, on other rows), but of the arithmetic."""
    inside, stated, true = [], [], []
    for part in proof:
        later = part.outcome["later:impressions"].to_numpy(np.float64)
        judged = later >= sure.min_volume
        net = part.outcome["later:settled_net_cny"].to_numpy(np.float64)[judged]
        came = net / part.outcome["later:spend_cny"].to_numpy(np.float64)[judged]
        bounds = bounds_of(sure, part.predicted, part.features)[judged]
        inside.append((came >= bounds["net_roi_low"]) & (came <= bounds["net_roi_high"]))
        stated.append(sure.of(part.predicted, part.features).chance(1.0)[judged])
        true.append(came >= 1.0)
    assert np.concatenate(inside).mean() == pytest.approx(0.8, abs=0.06)
    assert np.concatenate(stated).mean() == pytest.approx(np.concatenate(true).mean(), abs=0.06)


def test_chances_are_asked_of_net_roi_else_of_roi(dataset) -> None:
    assert dataset.funnel.main_roi == "net_roi"
    gross = replace(dataset.funnel, stages=tuple(stage for stage in dataset.funnel.stages if stage.name != "keep"))
    assert gross.main_roi == "roi"
    free = replace(gross, stages=tuple(stage for stage in gross.stages if stage.name != "cost"))
    assert free.main_roi == ""
