"""Nothing after a cutoff, and nothing not yet reported, may change a feature; a planted leak is caught."""

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.counts import observe_loaded
from features.schema import KEY, VALUES, Loaded
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import fit_features, prepare
from training.labels.splits import holdout_split

QUICK = {
    "open_days": 1,
    "split": {"holdout_days": 7, "folds": 2},
    "refits": {"every_days": 20},
    "tags": {"min_creatives": 2},
    "text": {"components": 2, "buckets": 256},
}


def features_of(loaded: Loaded, snapshots: pd.DataFrame, fitted, settings: Settings) -> Features:
    return build_features(observe_loaded(snapshots, loaded, fitted.funnel, fitted.entities, settings), fitted)


@pytest.fixture(scope="module", params=["empirical Bayes", "funnel models"])
def made(request, small_world: Loaded):
    """Dataset and what is fitted on its training period, with and without refits of the funnel model."""
    dataset = prepare(small_world, Settings.model_validate(QUICK))
    train, _, starts = holdout_split(dataset.rows, dataset.settings.split.holdout_days)
    if request.param == "funnel models":
        dataset = with_refits(dataset, plan_refits(dataset, [(train, starts)])[1])
    return dataset, fit_features(dataset, train, starts)


@pytest.fixture
def settings(made) -> Settings:
    return made[0].settings


@pytest.fixture
def prepared(made):
    dataset, fitted = made
    assert {f"rate_{stage.name}" for stage in dataset.funnel.stages} <= set(fitted.declared.names)
    snapshots = dataset.observed[
        [*KEY, "age_hours", "launched_at", "cutoff", "elapsed_hours", "launch_observed", "launch_hour"]
    ]
    return fitted, snapshots


def cutoffs_to_try(snapshots: pd.DataFrame) -> list[pd.Timestamp]:
    moments = np.sort(snapshots["cutoff"].unique())
    return [pd.Timestamp(moments[int(len(moments) * share)]) for share in (0.2, 0.5, 0.8)]


def same(left: Features, right: Features) -> None:
    pd.testing.assert_frame_equal(left.values.frame(), right.values.frame(), check_exact=True)
    for stage, posterior in left.posteriors.items():
        np.testing.assert_array_equal(posterior.log_rate, right.posteriors[stage].log_rate)


def test_truncating_the_data_at_the_cutoff_changes_no_feature(small_world, prepared, settings) -> None:
    fitted, snapshots = prepared
    for moment in cutoffs_to_try(snapshots):
        rows = snapshots[snapshots["cutoff"] == moment].reset_index(drop=True)
        known = small_world.metrics[small_world.metrics["period_end"] <= moment].reset_index(drop=True)
        same(
            features_of(small_world, rows, fitted, settings),
            features_of(Loaded(known, small_world.creatives), rows, fitted, settings),
        )


def test_shuffling_the_future_changes_no_feature(small_world, prepared, settings) -> None:
    fitted, snapshots = prepared
    draw = np.random.default_rng(5)
    for moment in cutoffs_to_try(snapshots):
        rows = snapshots[snapshots["cutoff"] == moment].reset_index(drop=True)
        later = (small_world.metrics["period_end"] > moment).to_numpy()
        shuffled = small_world.metrics.copy()
        order = draw.permutation(np.flatnonzero(later))
        for name in VALUES:
            if name in shuffled:
                shuffled.loc[later, name] = small_world.metrics[name].to_numpy()[order]
        assert not shuffled.equals(small_world.metrics)
        same(
            features_of(small_world, rows, fitted, settings),
            features_of(Loaded(shuffled, small_world.creatives), rows, fitted, settings),
        )


def test_rows_not_yet_reported_change_no_history(small_world, prepared, settings) -> None:
    """A day's row of another creative, ended an hour before the cutoff, cannot be had yet; eight hours later it can."""
    fitted, snapshots = prepared
    hourly = snapshots[(snapshots["cutoff"].dt.hour == 9) & (snapshots["age_hours"] == 0)].reset_index(drop=True)
    slow = settings.model_copy(update={"report_delay_hours": {"hour": 1, "day": 10, "range": 10, "gap": 0}})
    rows = hourly.head(5)
    moments = rows["cutoff"].dt.normalize()
    ended_today = small_world.metrics["period_end"].isin(moments) & (small_world.metrics["grain"] == "day")
    assert ended_today.any()
    without = Loaded(small_world.metrics[~ended_today].reset_index(drop=True), small_world.creatives)
    for place in range(len(rows)):
        row = rows.iloc[[place]].reset_index(drop=True)
        mine = small_world.metrics["period_end"].eq(row["cutoff"].iloc[0].normalize())
        rest = Loaded(small_world.metrics[~(mine & ended_today)].reset_index(drop=True), without.creatives)
        same(features_of(small_world, row, fitted, slow), features_of(rest, row, fitted, slow))


def test_refunds_after_the_cutoff_do_not_change_features(small_world, prepared, settings) -> None:
    """Net money of the last hour is not settled at the cutoff, so the keep stage does not look at it."""
    fitted, snapshots = prepared
    row = (
        snapshots[(snapshots["age_hours"] == 6) & (snapshots["promotion_type"] == "live")]
        .head(1)
        .reset_index(drop=True)
    )
    last_hour = small_world.metrics["period_end"].eq(row["cutoff"].iloc[0])
    refunded = small_world.metrics.copy()
    refunded.loc[last_hour, "net_gmv_cny"] = 0.0
    assert last_hour.any()
    same(
        features_of(small_world, row, fitted, settings),
        features_of(Loaded(refunded, small_world.creatives), row, fitted, settings),
    )


def test_a_creatives_own_rows_are_not_in_its_history(small_world, prepared, settings) -> None:
    """Where nobody else shares a KOC, the KOC has no history, however much the creative itself has done."""
    fitted, snapshots = prepared
    row = snapshots[snapshots["age_hours"] == 72].head(1).reset_index(drop=True)
    mine = (small_world.creatives[KEY] == row[KEY].iloc[0]).all(axis=1)
    alone = small_world.creatives.assign(creator_id=small_world.creatives["creator_id"].mask(mine, "only mine"))
    shared = features_of(small_world, row, fitted, settings).values.frame()
    own = features_of(Loaded(small_world.metrics, alone), row, fitted, settings).values.frame()
    names = [name for name in own if name.startswith(("hist_creator_id", "launched_creator_id"))]
    assert (shared[names].fillna(0) != 0).to_numpy().any()
    assert (own[names].fillna(0) == 0).to_numpy().all()
    assert own["own_click"].iloc[0] != 0


def test_a_planted_leak_is_caught(small_world, prepared, settings) -> None:
    """The truncation test must fail where a feature does look ahead: here, a tag made from the outcome."""
    fitted, snapshots = prepared
    moment = cutoffs_to_try(snapshots)[1]
    rows = snapshots[snapshots["cutoff"] == moment].reset_index(drop=True)

    def leaky(loaded: Loaded) -> Loaded:
        total = loaded.metrics.groupby(KEY)["clicks"].sum().rename("clicks").reset_index()
        joined = loaded.creatives.merge(total, on=KEY, how="left")
        hook = np.where(joined["clicks"] > joined["clicks"].median(), "痛点直击", "悬念")
        return Loaded(loaded.metrics, loaded.creatives.assign(tag_hook=pd.Series(hook, dtype="str")))

    known = small_world.metrics[small_world.metrics["period_end"] <= moment].reset_index(drop=True)
    with pytest.raises(AssertionError):
        same(
            features_of(leaky(small_world), rows, fitted, settings),
            features_of(leaky(Loaded(known, small_world.creatives)), rows, fitted, settings),
        )


def test_batch_features_equal_single_creative_features_bit_for_bit(small_world, prepared, settings) -> None:
    fitted, snapshots = prepared
    together = features_of(small_world, snapshots, fitted, settings)
    for place in np.random.default_rng(1).choice(len(snapshots), 25, replace=False):
        alone = features_of(small_world, snapshots.iloc[[place]].reset_index(drop=True), fitted, settings)
        pd.testing.assert_frame_equal(alone.values.frame(), together.values.take([place]).frame(), check_exact=True)
        for stage, posterior in alone.posteriors.items():
            assert posterior.log_rate[0] == together.posteriors[stage].log_rate[place]
