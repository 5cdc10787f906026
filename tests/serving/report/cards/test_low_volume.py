"""Why a creative gets little traffic: what stands out, and that nothing does."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from serving.report.cards.life import Life, lives
from serving.report.cards.low_volume import CLEAR_FACTOR, DEAR, LOW, LowVolumes
from serving.report.cards.steps import AccountGroups
from serving.report.context import ReportContext
from training.decision.similar import SameIdeas, same_ideas
from training.decision.status import STOPPED


@pytest.fixture(scope="module")
def ideas(context: ReportContext) -> SameIdeas:
    return same_ideas(context.observed)


@pytest.fixture(scope="module")
def row(context: ReportContext) -> int:
    """A running creative that is going to be made the one with least traffic."""
    return next(row for row, status in enumerate(context.status) if status != STOPPED)


def with_little_traffic(context: ReportContext, row: int, **more: float) -> ReportContext:
    predicted = context.predicted.copy()
    predicted.loc[row, "later_impressions"] = 1.0
    for name, value in more.items():
        predicted.loc[row, name] = value
    return replace(context, predicted=predicted)


def kinds(context: ReportContext, row: int, all_lives: list[Life], ideas: SameIdeas) -> set[str]:
    found = LowVolumes(context, AccountGroups(context), all_lives, ideas).of_row(row)
    assert found is not None
    return {cause.kind for cause in found.causes}


def test_only_creatives_far_below_others_like_them_are_asked_about(context: ReportContext, ideas: SameIdeas) -> None:
    goes_on = np.array(context.status) != STOPPED
    less = np.where(goes_on & (np.cumsum(goes_on) % 4 == 0), 0.01, 1.0)
    predicted = context.predicted.assign(later_impressions=context.predicted["later_impressions"] * less)
    context = replace(context, predicted=predicted)
    low = LowVolumes(context, AccountGroups(context), lives(context), ideas)
    expected = predicted["later_impressions"].to_numpy()
    frame = context.observed[["account_id", "promotion_type"]].assign(status=context.status, expected=expected)
    usual = frame.groupby(["account_id", "promotion_type", "status"])["expected"].transform("median")
    asked = 0
    for row in range(len(frame)):
        found, stopped = low.of_row(row), frame["status"].iat[row] == STOPPED
        assert (found is not None) == (not stopped and expected[row] < LOW * usual.iat[row])
        if found is not None:
            asked += 1
            assert (found.expected, found.usual) == (expected[row], pytest.approx(usual.iat[row]))
            assert all(one.factor <= CLEAR_FACTOR for one in found.causes if one.kind == "group")
    assert asked


def test_dear_traffic_is_named(context: ReportContext, ideas: SameIdeas, row: int) -> None:
    account = (context.observed["account_id"] == context.observed["account_id"].iat[row]).to_numpy()
    usual = np.nansum(context.counts("spend_cny")[account]) / np.nansum(context.counts("impressions")[account])
    dear = with_little_traffic(context, row, cost=1.01 * DEAR * usual)
    cheap = with_little_traffic(context, row, cost=0.9 * DEAR * usual)
    assert "cost" in kinds(dear, row, lives(context), ideas)
    assert "cost" not in kinds(cheap, row, lives(context), ideas)


def test_a_fading_life_the_platforms_label_and_an_older_creative_of_the_same_idea_are_named(
    context: ReportContext, ideas: SameIdeas, row: int
) -> None:
    all_lives = lives(context)
    all_lives[row] = all_lives[row].model_copy(update={"phase": "fading", "peak": 100.0, "recent": 10.0})
    labels = pd.Series("优质", index=context.loaded.creatives.index, dtype="str")
    mine = context.loaded.creatives["creative_id"] == context.observed["creative_id"].iat[row]
    creatives = context.loaded.creatives.assign(platform_label=labels.mask(mine, "首发,低质"))
    creatives["platform_status"] = pd.Series("投放中", index=creatives.index, dtype="str").mask(mine, "余额不足")
    low = with_little_traffic(replace(context, loaded=replace(context.loaded, creatives=creatives)), row)
    first = ideas.first.copy()
    first[row] = row + 1
    assert {"fading", "label", "status", "idea"} <= kinds(low, row, all_lives, replace(ideas, first=first))


def test_where_nothing_stands_out_no_cause_is_made_up(context: ReportContext, ideas: SameIdeas, row: int) -> None:
    quiet = with_little_traffic(context, row, cost=1e-9)
    volume = quiet.targets["later_impressions"]
    flat = replace(volume, logs=np.zeros_like(volume.logs), shap=np.zeros_like(volume.shap))
    quiet = replace(quiet, targets={**quiet.targets, "later_impressions": flat})
    all_lives = lives(context)
    all_lives[row] = all_lives[row].model_copy(update={"phase": "steady"})
    alone = replace(ideas, first=np.arange(len(ideas.first)))
    assert kinds(quiet, row, all_lives, alone) == set()
