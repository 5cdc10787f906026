"""The road of `make plan`: figures of creatives from data and a model, candidates of a file, both files, the screen."""

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from configs.settings import Settings
from features.console import error_lines
from features.errors import InputError
from features.point_in_time.counts import data_funnel
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, out_of_fold
from training.data.metrics_source import InMemorySource
from training.decision.plan import refusals, words
from training.decision.plan.command import planned
from training.decision.plan.dispersion import money_dispersion
from training.decision.plan.figures import plan_figures, refuse_model
from training.decision.plan.make_plan import Plan, make_plan
from training.decision.plan.plan_file import write_plan
from training.decision.plan.screen import show_plan
from training.uncertainty import fit_uncertainty

HEADERS = "素材ID,账户ID,推广方式,商品ID,达人ID,开头类型,场景"


@pytest.fixture(scope="module")
def settings(quick) -> Settings:
    return quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})


@pytest.fixture(scope="module")
def certain(model, dataset, cut, settings) -> CreativeModel:
    """The model with distributions."""
    uncertainty = fit_uncertainty(out_of_fold(dataset, cut[0], Recipe()), dataset.funnel, settings)
    return replace(model, uncertainty=uncertainty)


@pytest.fixture(scope="module")
def data(small_world) -> InMemorySource:
    """The small world and four creatives that wait; the first two show the same."""
    new = small_world.creatives[small_world.creatives["account_id"] == "acc0"].head(4).reset_index(drop=True)
    new = new.assign(
        creative_id=["n1", "n2", "n3", "n4"],
        product_id="p1",
        copy_text=["一模一样的文案今天就买", "一模一样的文案今天就买!", "另一条完全不同的话", "再来一条别的内容"],
        tag_hook=["痛点直击", "痛点直击", "悬念", "结果前置"],
    )
    creatives = pd.concat([small_world.creatives, new], ignore_index=True).sort_values(KEY, ignore_index=True)
    return InMemorySource(Loaded(small_world.metrics, creatives))


@pytest.fixture(scope="module")
def plan(data, certain, settings) -> Plan:
    return planned(data, certain, settings, 20_000.0, 2)


def test_figures_of_every_creative_are_known_and_count_its_money(data, certain, settings) -> None:
    table = plan_figures(data, certain, settings).set_index("creative_id")
    assert len(table) == len(data.creatives)
    known = ["target", "roi", "log_variance", "order_value", "natural", "told_apart", "spent", "money", "most_money"]
    assert np.isfinite(table[known]).all().all()
    spend = data.loaded.metrics.groupby("creative_id")["spend_cny"].sum()
    np.testing.assert_allclose(table.loc[spend.index, "spent"], spend, rtol=1e-6)
    assert (table["money"] <= table["most_money"] + 1e-6).all()
    waiting = table[table["status"] == "waiting"]
    assert set(waiting.index) == {"n1", "n2", "n3", "n4"}
    assert (waiting[["spent", "money", "yesterday"]] == 0).all().all()
    assert table.loc["n1", "family"] == table.loc["n2", "family"] != table.loc["n3", "family"]
    assert (table["known"] > 0).all()


def test_what_an_account_has_shown_of_its_money_decides_how_late_it_is_stopped(data, certain, settings) -> None:
    learnt = money_dispersion(data, certain, settings)
    assert set(learnt) == {"live acc0", "product acc1"}
    assert all(1.0 <= bound < 20.0 for bound in learnt.values())
    table = plan_figures(data, replace(certain, dispersion={"live acc0": 4.0}), settings)
    of_account = table["account_id"] == "acc0"
    assert (table.loc[of_account, "dispersion"] == 4.0).all()
    assert table.loc[~of_account, "dispersion"].isna().all()
    even, uneven = (
        make_plan(table.assign(dispersion=index), 20_000.0, None, settings.plan, days=7, roi="net_roi").running
        for index in (1.2, 4.0)
    )
    below = uneven.set_index("creative_id")["evidence_below"].reindex(even["creative_id"]).to_numpy()
    assert ((below < even["evidence_below"]) | (even["evidence_below"] < 1.0)).all()


def test_a_plan_launches_different_ideas_and_splits_the_day(plan) -> None:
    launched = plan.candidates[plan.candidates["part"] == "launch"]
    assert len(launched) == 2
    assert launched["family"].nunique() == 2
    assert len(plan.running) > 0
    assert plan.running["today"].sum() <= plan.summary.today + 1e-6
    assert plan.summary.roi == "net_roi"


def test_the_same_seed_gives_the_same_plan(plan, data, certain, settings) -> None:
    again = planned(data, certain, settings, 20_000.0, 2)
    pd.testing.assert_frame_equal(again.running, plan.running)
    pd.testing.assert_frame_equal(again.candidates, plan.candidates)


def test_candidates_of_a_file_are_the_only_ones_and_nothing_is_kept(tmp_path, data, certain, settings) -> None:
    sheet = tmp_path / "candidates.csv"
    rows = [
        "x1,acc0,推直播,p1,k1,痛点直击,居家",
        "x2,acc1,推商品,p2,k2,悬念,门店",
        "n4,acc0,推直播,p1,k1,结果前置,居家",
    ]
    sheet.write_text("\n".join([HEADERS, *rows]), encoding="utf-8")
    plan = planned(data, certain, settings, 20_000.0, 3, sheet)
    assert set(plan.candidates["creative_id"]) == {"x1", "x2", "n4"}
    assert plan.summary.launched == 3
    assert "x1" not in set(data.creatives["creative_id"])


@pytest.mark.parametrize(
    ("rows", "en", "zh"),
    [
        (["x1,acc0,推直播,没见过,没见过,没见过,没见过"], "knows no attribute or tag of the 1 candidates", "没见过"),
        (
            ["x1,acc0,推直播,p1,k1,悬念,居家", "x2,,,p1,k1,悬念,居家"],
            "row 3: found neither promotion type nor account id",
            "第 3 行：没有推广方式和账户ID",
        ),
        (["x1,acc0,,p1,k1,悬念,居家"], "row 2: found no promotion type", "第 2 行：没有推广方式"),
        (
            ["x1,acc0,推直播,p1,k1,悬念,居家", "x2,acc0,推直播,,,,", "x3,acc0,推直播,,,,"],
            "row 3, 4: found an id and nothing else",
            "第 3、4 行：只有素材ID，商品、达人、价格和标签全是空的",
        ),
        (
            ["x1,acc0,推直播,p1,k1,悬念,居家", ",acc0,推直播,p1,k1,悬念,居家"],
            "column “素材ID”, row 3: found no id",
            "“素材ID”列，第 3 行：没有素材ID",
        ),
        (
            ["x1,acc0,推直播,p1,k1,悬念,居家", "x2,acc0,推直播,p1,,悬念,", "x2,acc0,推直播,p2,,悬念,"],
            "row 3, 4: found rows of one creative",
            "- 行：candidates.csv，第 3、4 行：同一素材有多行",
        ),
        ([], "the candidates cannot be used", "候选不能用"),
    ],
)
def test_candidates_that_cannot_be_used_are_answered_in_words(tmp_path, data, certain, settings, rows, en, zh) -> None:
    sheet = tmp_path / "candidates.csv"
    sheet.write_text("\n".join([HEADERS, *rows]), encoding="utf-8")
    with pytest.raises(InputError) as refused:
        planned(data, certain, settings, 20_000.0, 1, sheet)
    assert en in "\n".join(error_lines(refused.value, "en"))
    assert zh in "\n".join(error_lines(refused.value, "zh"))


def test_a_file_that_is_not_there_is_answered_in_words(tmp_path, data, certain, settings) -> None:
    with pytest.raises(InputError, match="the candidates cannot be used") as refused:
        planned(data, certain, settings, 20_000.0, None, tmp_path / "absent.csv")
    first, reason = error_lines(refused.value, "zh")
    assert first == "absent.csv：候选不能用"
    assert "打不开（没有这个文件）" in reason


def test_candidates_that_all_ran_before_are_named_as_such(tmp_path, data, certain, settings) -> None:
    ran = data.creatives[~data.creatives["creative_id"].str.startswith("n")].iloc[0]
    sheet = tmp_path / "candidates.csv"
    promotion = "推直播" if ran["promotion_type"] == "live" else "推商品"
    row = f"{ran['creative_id']},{ran['account_id']},{promotion},p1,k1,悬念,居家"
    sheet.write_text("\n".join([HEADERS, row]), encoding="utf-8")
    with pytest.raises(InputError, match=r"its 1 creative\(s\) were all launched before") as refused:
        planned(data, certain, settings, 20_000.0, None, sheet)
    assert "都投过了" in refused.value.zh


@pytest.mark.parametrize(
    ("dropped", "expected"),
    [(["orders"], refusals.NO_ORDERS), (["spend_cny"], refusals.NO_SPEND), ([], refusals.NO_DISTRIBUTIONS)],
)
def test_a_model_that_cannot_support_a_plan_is_refused_with_the_cure(
    model, small_world, quick, dropped, expected
) -> None:

    metrics = small_world.metrics.drop(columns=dropped)
    funnel = data_funnel(Loaded(metrics, small_world.creatives), quick)
    poor = replace(model, fitted=replace(model.fitted, funnel=funnel), uncertainty=None)
    with pytest.raises(refusals.PlanRefused) as refused:
        refuse_model(poor)
    assert refused.value.reason == expected
    assert "make train" in refused.value.zh


def test_both_files_hold_every_creative_and_every_figure(tmp_path, plan) -> None:
    beside = write_plan(plan, tmp_path / "plan.csv")
    table = pd.read_csv(tmp_path / "plan.csv", dtype={"creative_id": str})
    assert len(table) == len(plan.candidates) + len(plan.running)
    assert list(table)[:2] == ["part", "call"]
    document = json.loads(beside.read_text(encoding="utf-8"))
    assert document["summary"]["test_money"] == pytest.approx(plan.summary.test_money)
    assert [row["creative_id"] for row in document["candidates"]] == list(plan.candidates["creative_id"])
    assert all(0 <= row["propensity"] <= 1 for row in document["running"])


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_screen_says_the_plan_in_one_language(tmp_path, plan, settings, language) -> None:
    out = Console(file=StringIO(), width=120)
    show_plan(plan, settings.plan, [Path("plan.csv")], language, out)
    said = out.file.getvalue()
    assert "{" not in said
    assert ("投放由平台决定" in said) == (language == "zh")
    assert ("The platform delivers" in said) == (language == "en")
    for creative in plan.candidates.loc[plan.candidates["part"] == "launch", "creative_id"]:
        assert creative in said


def test_every_sentence_is_in_both_languages_with_the_same_places() -> None:
    texts = {name: text for name, text in vars(words).items() if isinstance(text, words.Words)}
    assert len(texts) > 15
    for name, text in texts.items():
        assert text.zh, name
        assert text.en, name
        places = [set(re.findall(r"{(\w+)", one)) for one in text]
        assert places[0] == places[1], name
        assert not re.search(r"[\u4e00-\u9fff][,:;?()]", text.zh), name


def test_unknown_candidates_leave_the_split_and_the_screen_says_why(tmp_path, data, certain, settings) -> None:
    sheet = tmp_path / "candidates.csv"
    sheet.write_text("\n".join([HEADERS, "x1,acc0,推直播,没见过,没见过,没见过,没见过"]), encoding="utf-8")
    plan = planned(data, certain, settings, 20_000.0, None, sheet)
    out = Console(file=StringIO(), width=120)
    show_plan(plan, settings.plan, [Path("plan.csv")], "zh", out)
    said = out.file.getvalue()
    assert "待投的 1 条先投哪些，回答不了" in said
    assert "模型一个都没见过" in said
    assert "预算先全部分给在投的" in said
    assert len(plan.running) > 0
