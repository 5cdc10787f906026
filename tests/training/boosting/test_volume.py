"""Later volume: typical and expected."""

import json
from dataclasses import replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest

from configs.settings import Trees
from features.matrix.feature_matrix import FeatureMatrix
from features.point_in_time.array_frame import Categories
from training.boosting.volume import (
    FIGURES,
    LEAST_VOLUME,
    VolumeCurve,
    VolumeHead,
    best_volume_rounds,
    fit_volume_head,
    volume_curve,
)
from training.boosting.volume_rows import VolumeRows

TREES = Trees(rounds=30, min_data_in_leaf=20, num_leaves=4)


@pytest.fixture(scope="module")
def funnel(fitted):
    return fitted.funnel


ROUNDS = {"typical": 30, "expected": 30}
BOTH = {"typical": TREES, "expected": TREES}


@pytest.fixture(scope="module")
def head(train_rows, funnel) -> VolumeHead:
    return fit_volume_head(train_rows, funnel, BOTH, ROUNDS)


def test_a_row_alone_has_the_volume_that_it_has_in_a_batch(head, holdout_rows) -> None:
    """Also where its promotion type is the only one at hand."""
    features, _ = holdout_rows
    typical, expected = head.log1p_typical(features), head.log_expected(features)
    assert len(set(features.keys.categories("promotion_type").texts())) == 2
    for place in range(0, len(typical), 3):
        alone = features.take(np.array([place]))
        assert head.log1p_typical(alone)[0] == typical[place]
        assert head.log_expected(alone)[0] == expected[place]


def test_no_rows_have_no_volumes(head, holdout_rows) -> None:
    none = holdout_rows[0].take(np.array([], dtype=np.int64))
    assert head.log1p_typical(none).shape == head.log_expected(none).shape == (0,)


def test_an_unknown_promotion_type_has_the_shared_line(head, holdout_rows) -> None:
    features, _ = holdout_rows
    keys = features.keys.assign({"promotion_type": Categories.of(["new"] * len(features.values))})
    strange = replace(features, keys=keys)
    lines = {
        name: line.model_copy(update={"promotion_types": ()})
        for name, line in (("offset", head.offset), ("calibration", head.calibration))
    }
    blind = replace(head, **lines)
    np.testing.assert_array_equal(head.log_expected(strange), blind.log_expected(features))


def test_volumes_lie_between_zero_and_the_largest_of_the_training_rows_or_the_own_pace(
    head, holdout_rows, train_rows
) -> None:
    features, _ = holdout_rows
    known = train_rows[1]["later:impressions"].max()
    paces = np.array(list(VolumeRows.of(features).paces.values()))
    largest = np.maximum(known, np.expm1(np.where(np.isnan(paces), 0.0, paces).max(axis=0)))
    assert (largest == known).any()
    typical, expected = head.log1p_typical(features), head.log_expected(features)
    assert (typical >= 0).all()
    assert (typical <= np.log1p(largest) + 1e-9).all()
    assert (expected >= np.log(LEAST_VOLUME)).all()
    assert (expected <= np.log(largest) + 1e-9).all()


def test_a_hit_larger_than_any_before_is_not_held_to_what_came_before(train_rows, funnel, holdout_rows) -> None:
    """A week at ten times the largest pace of the training rows is expected to bring more than a week at that pace."""
    features, _ = holdout_rows
    head = fit_volume_head(train_rows, funnel, BOTH, {})
    values, aged = features.values, features.keys.floats("elapsed_hours") > 0
    most = {name: np.nanmax(train_rows[0].values[name]) for name in ("log_impressions", "log_last_day")}

    def expected(times: float) -> np.ndarray:
        matrix = values.matrix.copy()
        for name, largest in most.items():
            matrix[aged, values.names.index(name)] = largest + np.log(times)
        return head.log_expected(replace(features, values=FeatureMatrix(values.names, matrix)))[aged]

    assert (expected(10.0) > expected(1.0)).all()
    assert expected(10.0).max() > np.log(head.ceiling)


def test_rows_of_age_0_have_volumes_of_their_own(head, train_rows) -> None:
    features, outcome = train_rows
    newborn = np.flatnonzero(features.keys.floats("elapsed_hours") == 0)
    assert len(newborn)
    assert all(np.isnan(pace[newborn]).all() for pace in VolumeRows.of(features).paces.values())
    typical = head.log1p_typical(features)[newborn]
    assert np.isfinite(typical).all()
    assert typical.mean() == pytest.approx(np.log1p(outcome["later:impressions"].to_numpy()[newborn]).mean(), abs=0.5)


def test_expected_volumes_add_up_to_the_outcomes(head, train_rows) -> None:
    features, outcome = train_rows
    total = np.exp(head.log_expected(features)).sum()
    assert total == pytest.approx(outcome["later:impressions"].sum(), rel=0.1)


def test_typical_volumes_rank_outcomes_better_than_the_volume_so_far(head, holdout_rows) -> None:
    features, outcome = holdout_rows
    later = outcome["later:impressions"]
    own = pd.Series(features.values["log_impressions"]).corr(later, method="spearman")
    assert pd.Series(head.log1p_typical(features)).corr(later, method="spearman") > own


def test_a_window_covered_by_a_half_counts_as_half(train_rows, funnel, holdout_rows) -> None:
    """Half the volume over half the window is the same volume over the whole."""
    features, outcome = train_rows
    half = outcome.assign(covered_share=0.5, **{"later:impressions": outcome["later:impressions"] / 2})
    whole = fit_volume_head((features, outcome), funnel, BOTH, {})
    part = fit_volume_head((features, half), funnel, BOTH, {})
    for figure in ("log1p_typical", "log_expected"):
        found, wanted = (getattr(one, figure)(holdout_rows[0]) for one in (part, whole))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-3)


def test_rows_without_a_known_outcome_change_nothing(train_rows, funnel, holdout_rows) -> None:
    features, outcome = train_rows
    lost = np.arange(len(outcome)) % 4 == 0
    unknown = outcome.assign(**{"later:impressions": outcome["later:impressions"].mask(lost)})
    kept = np.flatnonzero(~lost)
    one = fit_volume_head((features, unknown), funnel, BOTH, {})
    other = fit_volume_head((features.take(kept), outcome.iloc[kept]), funnel, BOTH, {})
    np.testing.assert_allclose(one.log_expected(holdout_rows[0]), other.log_expected(holdout_rows[0]), rtol=1e-6)


def test_without_any_delivery_volumes_are_the_least(train_rows, funnel) -> None:
    features, outcome = train_rows
    head = fit_volume_head((features, outcome.assign(**{"later:impressions": 0.0})), funnel, BOTH, ROUNDS)
    np.testing.assert_allclose(head.log_expected(features), np.log(LEAST_VOLUME))
    np.testing.assert_array_equal(head.log1p_typical(features), 0.0)


def test_few_rows_have_no_trees(train_rows, funnel) -> None:
    features, outcome = train_rows
    few = np.arange(2 * TREES.min_data_in_leaf - 1)
    head = fit_volume_head((features.take(few), outcome.iloc[few]), funnel, BOTH, ROUNDS)
    assert head.boosters == {}
    assert np.isfinite(head.log_expected(features)).all()
    assert np.isfinite(head.log1p_typical(features)).all()


def test_volume_may_be_spend(train_rows, funnel, holdout_rows) -> None:
    _, outcome = train_rows
    head = fit_volume_head(train_rows, replace(funnel, volume_of="spend_cny"), BOTH, ROUNDS)
    assert head.ceiling == outcome["later:spend_cny"].max()
    assert np.isfinite(head.log_expected(holdout_rows[0])).all()


@pytest.mark.parametrize("figure", FIGURES)
def test_terms_and_shap_values_add_up_to_the_volume(head, holdout_rows, figure) -> None:
    features, _ = holdout_rows
    table = features.values.matrix
    shap_values = head.boosters[figure].predict(table, pred_contrib=True, num_threads=1)  # the last is the base value
    total = sum(head.offset_terms(features, figure).values()) + shap_values.sum(axis=1)
    found = head.log1p_typical(features) if figure == "typical" else head.log_expected(features)
    inside = (found > found.min()) & (found < np.log(head.ceiling))
    assert inside.mean() > 0.5
    np.testing.assert_allclose(found[inside], total[inside], atol=1e-9)


def test_a_head_read_from_its_document_predicts_the_same_bits(head, holdout_rows) -> None:
    boosters = {figure: lgb.Booster(model_str=one.model_to_string()) for figure, one in head.boosters.items()}
    again = VolumeHead.from_document(json.loads(json.dumps(head.document())), boosters)
    np.testing.assert_array_equal(again.log_expected(holdout_rows[0]), head.log_expected(holdout_rows[0]))
    np.testing.assert_array_equal(again.log1p_typical(holdout_rows[0]), head.log1p_typical(holdout_rows[0]))


@pytest.mark.parametrize("rounds", [0, 30])
def test_a_curve_runs_from_the_pace_regression_to_the_head(train_rows, holdout_rows, funnel, rounds) -> None:
    features, outcome = holdout_rows
    actual = outcome["later:impressions"].to_numpy()
    fit = fit_volume_head(train_rows, funnel, BOTH, dict.fromkeys(FIGURES, rounds))
    typical = volume_curve(train_rows, holdout_rows, funnel, TREES, "typical")
    expected = volume_curve(train_rows, holdout_rows, funnel, TREES, "expected")
    assert len(typical.loss) == len(expected.loss) == TREES.rounds + 1
    errors = (fit.log1p_typical(features) - np.log1p(actual)) ** 2
    assert typical.loss[rounds] == pytest.approx(errors.sum(), rel=0.02)  # the typical volume is clipped at 0
    mean = np.exp(fit.log_expected(features))
    tweedie = actual * mean**-0.5 / 0.5 + mean**0.5 / 0.5
    assert expected.loss[rounds] == pytest.approx(tweedie.sum(), rel=0.02)


def test_typical_rounds_have_the_least_loss_of_all_folds_together() -> None:
    losses = [(np.array([4.0, 3.0, 2.0]), 2.0), (np.array([8.0, 8.0, 10.0]), 6.0)]
    assert best_volume_rounds([VolumeCurve("typical", *one) for one in losses]) == (1, 11.0 / 8.0)


def test_expected_rounds_are_the_fewest_within_one_standard_error() -> None:
    """A gain of all folds counts; a larger gain of one fold, with a loss of the other, is luck."""
    steady = [np.array([4.0, 3.0, 2.0]), np.array([8.0, 7.0, 6.0])]
    lucky = [np.array([4.0, 3.0, 1.0]), np.array([8.0, 8.5, 9.5])]
    for losses, rounds in ((steady, 2), (lucky, 0)):
        assert best_volume_rounds([VolumeCurve("expected", loss, 1.0) for loss in losses])[0] == rounds
