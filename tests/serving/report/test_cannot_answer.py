"""Data that cannot answer: the first screen says so, and nothing in the report contradicts it."""

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from configs.settings import Settings
from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel, load_model
from serving.report.context import CreativeFilter
from serving.report.data import ReportData, report_data
from serving.report.levers.section import lever_grades
from serving.report.render import render
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import prepare
from training.labels.splits import holdout_split

Trained = Callable[[Loaded], LoadedModel]
SPEND = ["spend_cny", "base_spend_cny", "boost_spend_cny"]


@pytest.fixture(scope="module")
def trained(quick: Settings, write_bundle, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    def train(loaded: Loaded) -> LoadedModel:
        dataset = prepare(loaded, quick)
        train, _, starts = holdout_split(dataset.rows, quick.split.holdout_days)
        trainings, moments = plan_refits(dataset, [(train, starts)])
        model = fit_on(with_refits(dataset, moments), *trainings[0], Recipe())
        return load_model(write_bundle(tmp_path_factory.mktemp("model") / "bundle", model, loaded, quick))

    return train


def without(loaded: Loaded, columns: list[str]) -> Loaded:
    return replace(loaded, metrics=loaded.metrics.drop(columns=[name for name in columns if name in loaded.metrics]))


def first_screen(data: ReportData) -> str:
    """Text of the first screen, both languages."""
    block = render(data).split('<section id="first_screen">')[1].split('<section id="levers">')[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", block))


def plan(data: ReportData) -> str:
    """Text of the plan."""
    return render(data).split('<section id="plan">')[1].split("</section>")[0]


def test_directions_that_lack_one_tag_are_told_by_the_others(data: ReportData) -> None:
    lacking = data.diversity.model_copy(update={"missing": ["script"]})
    assert lacking.tags
    section = render(data.model_copy(update={"diversity": lacking})).split('<section id="diversity">')[1]
    section = section.split("</section>")[0]
    assert "数据里没有标签表的“脚本" in section
    assert "现有数据回答不了" not in section


def recommends_only_what_can_be_told(data: ReportData) -> None:
    for brief in data.briefs:
        grades = lever_grades(data.levers, brief.promotion_type, brief.by, brief.of)
        assert all(grades[one.tag, one.new].grade != "unclear" for one in brief.changes)
    listed = first_screen(data)
    for brief in [one for one in data.briefs if one.by == "account_id"][:3]:
        assert all(one.new in listed for one in brief.changes)


def test_on_tags_given_at_random_nothing_is_recommended(trained: Trained, small_world: Loaded) -> None:
    creatives, draw = small_world.creatives.copy(), np.random.default_rng(2)
    for name in [name for name in creatives if name.startswith("tag_")]:
        creatives[name] = draw.permutation(creatives[name].to_numpy())
    world = replace(small_world, creatives=creatives)
    data = report_data(trained(world), world, CreativeFilter())
    recommends_only_what_can_be_told(data)
    grades = lever_grades(data.levers, "live")
    told = [
        key for key, one in grades.items() if one.grade != "unclear" and key[0] in ("hook", "scene", "selling_point")
    ]
    assert data.briefs == []
    assert told == []
    assert "不推荐拍法" in first_screen(data)


def test_one_account_alone_is_told_from_itself_and_named(loaded: LoadedModel, small_world: Loaded) -> None:
    data = report_data(loaded, small_world, CreativeFilter(account="acc0"))
    recommends_only_what_can_be_told(data)
    assert {brief.account_id for brief in data.briefs} <= {"acc0"}
    assert {one.account_id for one in data.creatives} == {"acc0"}
    screen = first_screen(data)
    assert "acc1" not in screen
    assert ("不推荐拍法" in screen) == (not data.briefs)


def test_without_spend_there_is_no_roi_no_decision_and_no_money_at_stake(trained: Trained, small_world: Loaded) -> None:
    world = without(small_world, SPEND)
    data = report_data(trained(world), world, CreativeFilter())
    assert data.roi == ""
    recommends_only_what_can_be_told(data)
    screen = first_screen(data)
    assert "报表里没有消耗列" in screen
    assert "算不出 ROI" in screen
    assert "没有能下结论的在投素材" in screen
    assert "净ROI" not in screen
    assert not [card for card in data.cards if card.verdict or card.stake_cny is not None]
    assert data.plan.summary is None
    assert "模型里没有消耗，算不出ROI" in plan(data)


def test_without_orders_roi_is_told_and_steps_that_need_orders_name_the_column(
    trained: Trained, small_world: Loaded
) -> None:
    world = without(small_world, ["orders", "net_orders"])
    data = report_data(trained(world), world, CreativeFilter())
    assert data.roi == "net_roi"
    assert "order" in data.missing
    recommends_only_what_can_be_told(data)
    missing = {question.tag: question.missing for question in data.levers.questions}
    assert "order" in missing["style"]
    screen = first_screen(data)
    assert "净ROI" in screen
    assert "算不出 ROI" not in screen
    assert "模型里没有订单，算不出一笔测试要花多少钱" in plan(data)
