"""Refits of the funnel model: their moments, their data, and the snapshots that use them."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.schema import Loaded
from training.boosting.rolling_fits import fit_at, plan_refits, with_refits
from training.data.dataset import fit_features, prepare, rows_of
from training.labels.splits import folds


@pytest.fixture(scope="module")
def planned(dataset, cut):
    return plan_refits(dataset, [(cut[0], cut[2])])


@pytest.fixture(scope="module")
def refitted(dataset, planned):
    return with_refits(dataset, planned[1])


def test_refits_lie_at_every_evaluation_start_and_at_intervals_between(dataset, cut, planned) -> None:
    ((rows, until),), moments = planned
    assert moments == sorted(moments)
    assert moments[-1] == until == cut[2]
    assert {start for _, _, start in folds(dataset.rows, rows, dataset.settings.split.folds)} <= set(moments)
    gaps = np.diff(np.array(moments, dtype="datetime64[s]")).astype(np.int64) / 86_400
    assert gaps.max() <= dataset.settings.refits.every_days


def test_no_row_trains_before_the_first_fit(dataset, planned) -> None:
    ((rows, _),), moments = planned
    assert dataset.observed.loc[rows, "cutoff"].min() >= moments[0]


def test_data_too_short_for_a_fit_train_without(dataset, cut) -> None:
    short = dataset.settings.refits.model_copy(update={"first_days": 400})
    late = replace(dataset, settings=dataset.settings.model_copy(update={"refits": short}))
    trainings, moments = plan_refits(late, [(cut[0], cut[2])])
    assert moments == []
    assert (trainings[0][0] == cut[0]).all()


def test_data_after_a_moment_do_not_change_its_fit(small_world, quick, refitted) -> None:
    state = refitted.funnel_models[1]
    metrics = small_world.metrics.copy()
    later = metrics["period_end"] > state.origin
    metrics.loc[later, "clicks"] = 0.0
    metrics.loc[later, "impressions"] *= 7
    planted = prepare(Loaded(metrics, small_world.creatives), quick)
    again = fit_at(planted, state.origin, fit_at(planted, refitted.funnel_models[0].origin, None))
    for name, stage in state.stages.items():
        assert stage.intercept == again.stages[name].intercept
        for term, effect in stage.effects.items():
            np.testing.assert_array_equal(effect, again.stages[name].effects[term])


def test_rows_reported_later_do_not_change_a_fit(small_world, quick, refitted) -> None:
    """A day is reported eight hours after its end: a fit at midnight does not contain the day that ends then."""
    midnight = refitted.funnel_models[1].origin.normalize()
    metrics = small_world.metrics.copy()
    just_ended = (metrics["grain"] == "day") & (metrics["period_end"] == midnight)
    assert just_ended.any()
    metrics.loc[just_ended, "clicks"] += 500
    planted = prepare(Loaded(metrics, small_world.creatives), quick)
    at_midnight, at_nine = (
        [fit_at(data, moment, None).stages["click"].intercept for data in (refitted, planted)]
        for moment in (midnight, midnight + pd.Timedelta(hours=9))
    )
    assert at_midnight[0] == at_midnight[1]
    assert at_nine[0] != at_nine[1]


def test_a_posterior_is_the_same_alone_and_in_a_batch_bit_for_bit(refitted, planned, cut, same_bits) -> None:
    ((rows, until),), _ = planned
    fitted = fit_features(refitted, rows, until)
    together, _ = rows_of(refitted, cut[1], fitted)
    places = np.flatnonzero(cut[1])
    for place in range(0, len(places), 7):
        one, _ = rows_of(refitted, np.arange(len(refitted.rows)) == places[place], fitted)
        same_bits(one.values.frame(), together.values.take([place]).frame())
        for name, begin in one.posteriors.items():
            assert begin.log_rate[0] == together.posteriors[name].log_rate[place]
            assert begin.variance[0] == together.posteriors[name].variance[place]


def test_own_counts_weigh_more_the_larger_the_prior_variance_is(refitted, planned, cut) -> None:
    ((rows, until),), _ = planned
    fitted = fit_features(refitted, rows, until)
    holdout = refitted.observed[cut[1]].reset_index(drop=True)
    some = holdout[holdout["early:clicks"] > 0].head(1)
    strange = some.assign(tag_hook="新", tag_scene="新", category="新")
    known, unknown = (build_features(ArrayFrame.of(row), fitted).posteriors["click"] for row in (some, strange))
    assert unknown.variance[0] > known.variance[0]
