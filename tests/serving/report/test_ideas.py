"""Groups of the same idea are of one account and product, with what their members share."""

from dataclasses import replace

import numpy as np

from features.schema import Loaded
from serving.report.blocks import diversity
from serving.report.context import ReportContext
from serving.report.data import ReportData
from serving.report.ideas import IdeaGroup, ideas, repeated


def test_members_of_a_group_share_account_product_and_the_tags_that_are_named(
    data: ReportData, context: ReportContext
) -> None:
    rows = context.observed.iloc[context.order].reset_index(drop=True)
    for idea in data.ideas:
        members = rows.loc[idea.members]
        assert len(members) > 1
        assert members[["account_id", "promotion_type"]].nunique().tolist() == [1, 1]
        assert members["product_id"].nunique(dropna=False) == 1
        for tag, value in idea.tags.items():
            assert set(members[f"tag_{tag}"]) == {value}


def test_creatives_copied_with_another_id_are_one_idea_with_near_duplicates(context: ReportContext) -> None:
    creatives = context.loaded.creatives.copy()
    creatives["copy_text"] = "生姜洗发水限时优惠，银发族看过来"
    creatives["product_id"] = "p"
    copied = replace(context, loaded=Loaded(context.loaded.metrics, creatives))
    found = ideas(copied)
    assert found
    assert all(near.similarity == 1.0 for idea in found for near in idea.near)
    assert any(idea.near for idea in found)


def test_several_values_of_a_shared_tag_are_listed_as_people_write_them(data: ReportData) -> None:
    kind = data.creatives[0].promotion_type
    idea = IdeaGroup(members=[0, 1], tags={"selling_point": "显瘦|百搭"}, near=[])
    shown = diversity.values(data.model_copy(update={"ideas": [idea]}))
    (title, _) = next(one for one in shown["types"] if one["slice"].promotion_type == kind)["ideas"][0]
    assert title[-1] == "显瘦、百搭"


def test_repeats_are_counted_among_the_chosen() -> None:
    found = [IdeaGroup(members=[0, 1, 2], tags={}, near=[]), IdeaGroup(members=[3, 4], tags={}, near=[])]
    assert repeated(found, np.array([True, True, False, True, False])) == 2
    assert repeated(found, np.ones(5, bool)) == 5
