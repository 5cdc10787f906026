"""The rows of a run, and what priors and encoders are fitted on."""

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from features.schema import KEY, Loaded
from training.data.dataset import fit_features, prepare, rows_of, subsample
from training.errors import TooThinError
from training.labels.outcomes import IMMATURE, MATURE
from training.labels.splits import holdout_split


def test_counts_and_outcomes_stand_in_one_order(dataset) -> None:
    assert len(dataset.observed) == len(dataset.outcome) == len(dataset.rows)
    assert dataset.rows["cutoff"].equals(dataset.observed["cutoff"])
    assert (dataset.rows["closed_at"] > dataset.rows["cutoff"]).all()


def test_every_row_that_does_not_train_is_counted_with_its_reason(dataset) -> None:
    counts = dataset.left_out()
    reasons = {name: count for name, count in counts.items() if name in IMMATURE}
    assert sum(reasons.values()) == (dataset.outcome["state"] != MATURE).sum() > 0
    assert set(counts) <= {*IMMATURE, "a period crosses an edge of the window"}


def test_rows_of_a_mask_keep_their_order(dataset, cut, fitted) -> None:
    features, outcome = rows_of(dataset, cut[1], fitted)
    expected = dataset.observed[cut[1]].reset_index(drop=True)
    assert features.keys.frame()["creative_id"].equals(expected["creative_id"])
    assert outcome["closed_at"].equals(dataset.outcome[cut[1]]["closed_at"].reset_index(drop=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda metrics: metrics.head(0), "no metrics"),
        (lambda metrics: metrics.drop(columns=["gmv_cny", "net_gmv_cny"]), "neither GPM nor ROI"),
        (lambda metrics: metrics.assign(impressions=0.0), "No creative has impressions or spend"),
    ],
)
def test_data_without_a_funnel_are_refused_with_the_cure(small_world, quick, change, message) -> None:
    with pytest.raises(TooThinError) as refused:
        prepare(Loaded(change(small_world.metrics), small_world.creatives), quick)
    assert message in str(refused.value)
    assert str(refused.value).endswith(("spend.", "export.", "exports."))


@pytest.mark.parametrize("basis", ["net_1h", "settled_7d"])
def test_rows_that_ended_or_settled_after_the_training_period_change_no_prior(small_world, quick, basis) -> None:
    """Later periods, and refunds that were still open, may be anything."""
    settings = quick.model_copy(update={"basis": basis})
    metrics = (
        small_world.metrics.rename(columns={"net_gmv_cny": "settled_gmv_7d_cny"})
        if basis != "net_1h"
        else small_world.metrics
    )
    net = "net_gmv_cny" if basis == "net_1h" else "settled_gmv_7d_cny"
    dataset = prepare(Loaded(metrics, small_world.creatives), settings)
    train, _, starts = holdout_split(dataset.rows, 7)
    changed = metrics.copy()
    later = changed["period_end"] > starts
    for name in ("clicks", "orders", "gmv_cny", net):
        changed[name] = changed[name].where(~later, 0.0)
    stands = changed["period_end"] + pd.Timedelta(hours=1 if basis == "net_1h" else 7 * 24)
    open_refunds = stands > starts
    assert (open_refunds & ~later).any()
    changed[net] = changed[net].where(~open_refunds, 0.0)
    other = prepare(Loaded(changed, small_world.creatives), settings)
    assert fit_features(other, train, starts).priors == fit_features(dataset, train, starts).priors


def snapshot_rows(creatives: int) -> pd.DataFrame:
    table = pd.DataFrame({"creative_id": [f"c{n}" for n in range(creatives) for _ in range(n % 4 + 1)]})
    table["age_hours"] = table.groupby("creative_id").cumcount()
    return table.assign(promotion_type="live", account_id="a")[[*KEY, "age_hours"]].astype(dict.fromkeys(KEY, "str"))


def test_few_all_stay():
    few = snapshot_rows(10)
    assert subsample(few, len(few)) is few


def test_whole_creatives_stay_at_most_so_many_and_nearly_that():
    many = snapshot_rows(400)
    left = subsample(many, 300)
    assert 300 - 4 <= len(left) <= 300
    whole, stayed = (table.groupby("creative_id").size() for table in (many, left))
    assert (stayed == whole[stayed.index]).all()
    assert_frame_equal(left, many[many["creative_id"].isin(stayed.index)].reset_index(drop=True))  # in their order


def test_the_subsample_depends_on_keys_alone():
    many = snapshot_rows(200)
    shuffled = many.sample(frac=1, random_state=1).reset_index(drop=True).assign(age_hours=7.0)
    assert set(subsample(shuffled, 150)["creative_id"]) == set(subsample(many, 150)["creative_id"])
    assert_frame_equal(subsample(many, 150), subsample(many, 150))
    assert np.array_equal(subsample(many, 0).columns, many.columns)
    assert subsample(many, 0).empty
