"""The report as plain data: any selection of creatives, any set of columns, and the golden numbers."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings
from features.errors import InputError
from features.schema import KEY, Loaded
from serving.inference.loaded_model import LoadedModel, load_model
from serving.report.context import CreativeFilter, build_context
from serving.report.data import ReportData, report_data, sections
from serving.report.render import render
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import prepare
from training.labels.splits import holdout_split

GOLDEN = Path(__file__).parent / "golden.json"
LEFT_OUT = ["spend_cny", "boost_spend_cny", "gmv_cny", "net_gmv_cny"]


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


def test_an_account_without_a_past_gets_predictions_and_no_claims(loaded: LoadedModel, with_news: Loaded) -> None:
    data = report_data(loaded, with_news, CreativeFilter(account="fresh"))
    assert data.all_creatives == data.model_quality.not_launched == 2
    assert data.model_quality.too_young == 0
    assert not [cell for one in data.levers.slices for cell in one.cells if cell.logs]
    assert all(card.neighbours for card in data.cards)
    assert data.window[0] == ""
    whole(data)


def test_a_single_creative_has_a_card_and_no_pairs(loaded: LoadedModel, with_news: Loaded) -> None:
    last = with_news.metrics.groupby(KEY)["period_start"].min().max()
    data = report_data(loaded, with_news, CreativeFilter(account="acc0", product="p1", since=last.normalize()))
    assert data.all_creatives <= 3
    assert data.lever_details.pairs.pairs == []
    assert not [cell for one in data.levers.slices for cell in one.cells if cell.logs]
    whole(data)


def test_a_tag_that_no_chosen_creative_has_is_left_out(loaded: LoadedModel, small_world: Loaded) -> None:
    names = ["tag_scene", "tag_selling_point", "creator_id"]
    emptied = small_world.creatives.assign(**{name: pd.Series(None, dtype="str") for name in names})
    data = report_data(loaded, replace(small_world, creatives=emptied), CreativeFilter())
    assert {lever.tag for lever in data.levers.levers} == {"hook", "price", "duration"}
    assert data.kocs.kocs == []
    assert {question.tag: question.missing for question in data.levers.questions}["scene"] == ["scene"]
    whole(data)


def test_of_what_is_not_known_nothing_is_invented(loaded: LoadedModel, with_news: Loaded) -> None:
    data = report_data(loaded, with_news, CreativeFilter())
    by_id = {card.creative_id: card for card in data.cards}
    assert by_id["new2"].promotion_type == "brand"
    assert by_id["new2"].hit_chance is None
    assert "hook" not in by_id["new3"].tags
    assert by_id["new3"].name == "new3"
    hooks = [lever.value for lever in data.levers.levers if lever.tag == "hook"]
    assert set(hooks) == {"痛点直击", "结果前置", "悬念", "没见过"}
    (unseen,) = [cell for cell in data.levers.slices[0].cells if data.levers.levers[cell.lever].value == "没见过"]
    assert (unseen.creatives, unseen.logs) == (1, [])
    whole(data)


@pytest.fixture(scope="module")
def without_impressions(small_world: Loaded) -> Loaded:
    """The columns that the platform exports by default."""
    kept = [name for name in small_world.metrics if name.endswith("_cny") or name in [*small_world.metrics.columns[:6]]]
    return replace(small_world, metrics=small_world.metrics[kept])


def test_without_impressions_it_tells_roi_and_which_columns_to_add(
    without_impressions: Loaded, quick: Settings, write_bundle, tmp_path
) -> None:
    dataset = prepare(without_impressions, quick)
    train, _, starts = holdout_split(dataset.rows, quick.split.holdout_days)
    trainings, moments = plan_refits(dataset, [(train, starts)])
    model: CreativeModel = fit_on(with_refits(dataset, moments), *trainings[0], Recipe())
    loaded = load_model(write_bundle(tmp_path / "bundle", model, without_impressions, quick))
    assert model.uncertainty is None
    data = report_data(loaded, without_impressions, CreativeFilter())
    assert (data.roi, data.gpm) == ("net_roi", "")
    assert data.levers.stages == ["return", "keep"]
    assert list(data.levers.targets) == ["net_roi"]
    assert data.levers.questions[0].missing == ["hold"]
    assert {one.hits for one in data.diversity.slices} == {None}
    assert {card.chance for card in data.cards} == {None}
    assert {fall for card in data.cards for fall in card.waterfalls} == {"net_roi"}
    page = render(data)
    assert "视频播放数" in page
    assert "爆款概率尚未校准" in page
    assert "无区间" in page


def test_data_without_metrics_tags_or_koc_name_the_columns_to_add(loaded: LoadedModel, small_world: Loaded) -> None:
    with pytest.raises(InputError, match="no metrics"):
        build_context(loaded, replace(small_world, metrics=small_world.metrics.iloc[:0]), CreativeFilter())
    bare = small_world.creatives[[*KEY, "created_at"]]
    found = sections(build_context(loaded, replace(small_world, creatives=bare), CreativeFilter(account="acc0")), None)
    assert found.kocs.missing == ["creator_id", "product_id", "price_cny"]
    missing = {question.tag: question.missing for question in found.levers.questions}
    assert missing["hook"] == ["hook"]
    assert missing["audience"] == ["audience", "repeat_orders"]
    assert found.levers.levers == []
    assert found.diversity.missing == ["hook", "scene", "face", "script"]
    assert found.briefs == []


def test_the_numbers_are_plain_data_that_survive_json(data: ReportData) -> None:
    assert ReportData.model_validate_json(data.model_dump_json()) == data


def test_the_report_on_the_small_world_is_as_it_was(data: ReportData) -> None:
    """Written anew by `GPMCAST_GOLDEN=1 pytest tests/serving/report`; look at what changed before it is kept."""
    import os

    found = summary(data)
    if os.environ.get("GPMCAST_GOLDEN"):
        GOLDEN.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    same(found, json.loads(GOLDEN.read_text(encoding="utf-8")), "")


def summary(data: ReportData) -> dict:
    """A tiny part of everything, of which each number can be looked up."""
    whole = json.loads(data.model_dump_json())
    details = whole["lever_details"]
    for name, most in (("swarms", 1), ("curves", 1), ("phrases", 2), ("predicted", 3), ("members", 3)):
        details[name] = details[name][:most]
    details["swarms"][0]["points"] = details["swarms"][0]["points"][0][:3]
    details["curves"][0]["dots"] = details["curves"][0]["dots"][:3]
    details["pairs"]["pairs"] = details["pairs"]["pairs"][:2]
    for name, most in (("creatives", 2), ("cards", 2)):
        whole[name] = whole[name][:most]
    for one in whole["levers"]["slices"]:
        one["cells"] = one["cells"][:3]
    for of_type in whole["kocs"]["types"]:
        of_type |= {name: of_type[name][:2] for name in ("kocs", "products", "bands", "pairs", "prices")}
    whole["kocs"] |= {name: whole["kocs"][name][:2] for name in ("kocs", "products")}
    whole["diversity"] |= {"codes": whole["diversity"]["codes"][:3], "slices": whole["diversity"]["slices"][:2]}
    whole["ideas"] = whole["ideas"][:2]
    whole["plan"] |= {"launches": whole["plan"]["launches"][:2], "split": whole["plan"]["split"][:2]}
    daily = whole["daily"]
    daily["creatives"] = daily["creatives"][:2]
    daily["series"] = {name: rows[:2] for name, rows in daily["series"].items()}
    del whole["model_quality"]["version"]
    return whole


def same(found: object, kept: object, where: str) -> None:
    if isinstance(kept, dict):
        assert isinstance(found, dict)
        assert list(found) == list(kept), where
        for name in kept:
            same(found[name], kept[name], f"{where}.{name}")
    elif isinstance(kept, list):
        assert isinstance(found, list)
        assert len(found) == len(kept), where
        for place, (one, other) in enumerate(zip(found, kept)):
            same(one, other, f"{where}[{place}]")
    elif isinstance(kept, float):
        assert found == pytest.approx(kept, rel=1e-3, abs=1e-6), where
    else:
        assert found == kept, where
