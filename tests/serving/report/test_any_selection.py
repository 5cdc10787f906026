"""Whatever is chosen, however little is known of it: a report, or a sentence that says what is missing."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.schema import KEY, Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.context import CreativeFilter
from serving.report.data import ReportData, report_data
from serving.report.render import render


@pytest.fixture(scope="module")
def with_news(small_world: Loaded) -> Loaded:
    """The small world and announced creatives: of an account without a past, of a type nobody saw, without tags."""
    new = small_world.creatives.head(6).copy()
    new["creative_id"] = [f"new{number}" for number in range(6)]
    new.loc[new.index[:2], "account_id"] = "fresh"
    new.loc[new.index[2], "promotion_type"] = "brand"
    bare = [name for name in new if name not in KEY]
    for name in bare:
        new.loc[new.index[3:5], name] = np.nan if new[name].dtype.kind == "f" else None
    new.loc[new.index[5], "tag_hook"] = "没见过"
    everyone = pd.concat([small_world.creatives, new]).sort_values(KEY, ignore_index=True)
    return replace(small_world, creatives=everyone)


def whole(data: ReportData) -> str:
    page = render(data)
    assert "nan" not in page.split("<style>")[0] + page.split("</style>")[1].split("<script>")[0]
    assert ReportData.model_validate_json(data.model_dump_json()) == data
    return page


def test_an_account_without_a_past_gets_predictions_and_no_claims(served: LoadedModel, with_news: Loaded) -> None:
    data = report_data(served, with_news, CreativeFilter(account="fresh"))
    assert data.all_creatives == data.model_quality.not_launched == 2
    assert data.model_quality.too_young == 0
    assert {effect.raw for question in data.questions for effect in question.effects} <= {None}
    assert all(card.neighbours for card in data.cards)
    assert data.window[0] == ""
    whole(data)


def test_a_single_creative_is_told_of_and_compared_with_nobody(served: LoadedModel, with_news: Loaded) -> None:
    last = with_news.metrics.groupby(KEY)["period_start"].min().max()
    data = report_data(served, with_news, CreativeFilter(account="acc0", product="p1", since=last.normalize()))
    assert data.all_creatives <= 3
    assert not [pair for question in data.questions for pair in question.interactions.pairs]
    whole(data)


def test_a_tag_that_no_chosen_creative_has_is_left_out(served: LoadedModel, small_world: Loaded) -> None:
    names = ["tag_scene", "tag_selling_point", "creator_id"]
    emptied = small_world.creatives.assign(**{name: pd.Series(None, dtype="str") for name in names})
    data = report_data(served, replace(small_world, creatives=emptied), CreativeFilter())
    assert {row.tag for row in data.heat} == {"hook"}
    assert data.kocs.kocs == []
    assert data.questions[3].effects == []
    whole(data)


def test_of_what_is_not_known_nothing_is_invented(served: LoadedModel, with_news: Loaded) -> None:
    data = report_data(served, with_news, CreativeFilter())
    by_id = {card.creative_id: card for card in data.cards}
    assert by_id["new2"].promotion_type == "brand"
    assert by_id["new2"].hit_chance is None
    assert "hook" not in by_id["new3"].tags
    assert by_id["new3"].name == "new3"
    assert {effect.value for effect in data.questions[0].effects} == {"痛点直击", "结果前置", "悬念", "没见过"}
    (unseen,) = [effect for effect in data.questions[0].effects if effect.value == "没见过"]
    assert unseen.thin
    assert not unseen.clear
    whole(data)
