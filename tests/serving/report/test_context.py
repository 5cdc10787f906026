"""The chosen creatives, their outcomes, and what they were predicted at launch."""

import numpy as np
import pandas as pd
import pytest

from features.errors import InputError
from features.schema import KEY, Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import sections


def test_the_first_outcome_windows_are_what_the_metrics_say(context: ReportContext, small_world: Loaded) -> None:
    known = np.flatnonzero(context.outcomes["known"].to_numpy())
    row = context.observed.iloc[known[3]]
    mine = (small_world.metrics[KEY] == row[KEY].to_list()).all(axis=1)
    inside = mine & (small_world.metrics["period_end"] <= row["launched_at"] + pd.Timedelta(days=7))
    metrics = small_world.metrics[inside]
    assert context.outcomes["later_impressions"].iat[known[3]] == metrics["impressions"].sum()
    assert context.outcomes["roi"].iat[known[3]] == pytest.approx(metrics["gmv_cny"].sum() / metrics["spend_cny"].sum())


def test_predictions_at_launch_are_without_own_evidence(context: ReportContext) -> None:
    ran = np.flatnonzero(context.launched)
    own = context.targets["net_gpm"].own_evidence[ran]
    assert np.abs(own).max() > 0.01
    apart = np.log(context.predicted["net_gpm"].to_numpy()[ran] / context.at_launch["net_gpm"].to_numpy()[ran])
    assert np.corrcoef(apart, own)[0, 1] > 0.9


def test_a_report_is_about_the_chosen_creatives_alone(loaded: LoadedModel, small_world: Loaded) -> None:
    since = pd.Timestamp("2026-04-01")
    part = build_context(loaded, small_world, CreativeFilter(account="acc0", product="p1", since=since))
    assert set(part.observed["account_id"]) == {"acc0"}
    assert set(part.observed["product_id"]) == {"p1"}
    assert part.observed["launched_at"].min() >= since
    found = sections(part, None)
    assert found.all_creatives == len(found.cards) == len(part.observed)
    assert {card.account_id for card in found.cards} == {"acc0"}
    whole = build_context(loaded, small_world, CreativeFilter()).predicted.set_index(KEY)["net_roi"]
    mine = part.predicted.set_index(KEY)["net_roi"]
    assert (whole.loc[mine.index] == mine).all()


@pytest.mark.parametrize(
    ("creative_filter", "message"),
    [
        (CreativeFilter(account="nobody"), "Accounts here: acc0, acc1"),
        (CreativeFilter(product="none"), "Products here: p0, p1"),
        (CreativeFilter(account="acc0", product="none"), "Products here"),
        (CreativeFilter(since=pd.Timestamp("2030-01-01")), "the last one 2026-"),
    ],
)
def test_an_empty_selection_is_an_error_that_lists_what_could_be_chosen(
    loaded, small_world, creative_filter: CreativeFilter, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        build_context(loaded, small_world, creative_filter)
