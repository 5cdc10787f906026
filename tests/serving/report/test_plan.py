"""投放计划: the numbers of `make plan`, why there is none, and where evidence and decisions differ."""

import dataclasses
import html
import json
import re
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest

from features.schema import KEY, Loaded
from serving.api.requests import PlanRequest
from serving.inference.loaded_model import LoadedModel
from serving.inference.plan import planned as planned_by_service
from serving.report import wording
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.data import ReportData, sections
from serving.report.first_screen import Trust
from serving.report.plan import MoneyToday, PlanAsked, PlannedLaunch
from serving.report.render import render
from training.data.metrics_source import InMemorySource
from training.decision.plan import overview_words, row_words
from training.decision.plan.command import planned
from training.decision.plan.rows import CandidateRow
from training.decision.status import STOPPED

BUDGET = 20_000.0


@pytest.fixture(scope="module")
def with_waiting(small_world: Loaded) -> Loaded:
    """The small world and four creatives that wait; the first two show the same."""
    new = small_world.creatives[small_world.creatives["account_id"] == "acc0"].head(4).reset_index(drop=True)
    new = new.assign(
        creative_id=["n1", "n2", "n3", "n4"],
        product_id="p1",
        copy_text=["一模一样的文案今天就买", "一模一样的文案今天就买!", "另一条完全不同的话", "再来一条别的内容"],
        tag_hook=["痛点直击", "痛点直击", "悬念", "结果前置"],
    )
    everyone = pd.concat([small_world.creatives, new], ignore_index=True).sort_values(KEY, ignore_index=True)
    return replace(small_world, creatives=everyone)


@pytest.fixture(scope="module")
def waiting(loaded: LoadedModel, with_waiting: Loaded) -> ReportContext:
    return build_context(loaded, with_waiting, CreativeFilter())


@pytest.fixture(scope="module")
def told(waiting: ReportContext) -> ReportData:
    return sections(waiting, None, asked=PlanAsked(BUDGET, 2))


def section(data: ReportData) -> str:
    """Text of the section, both languages."""
    block = render(data).split('<section id="plan">')[1].split("</section>")[0]
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", block)))


def test_every_number_is_that_of_make_plan(told: ReportData, waiting: ReportContext, loaded: LoadedModel) -> None:
    settings = loaded.manifest.settings
    document = planned(InMemorySource(waiting.loaded), loaded.model, settings, BUDGET, 2).document()
    part = told.plan
    assert part.summary is not None
    summary = document["summary"]
    assert isinstance(summary, dict)
    assert asdict(part.summary) == summary
    for name, rows, model in (
        ("candidates", part.launches, PlannedLaunch),
        ("running", part.split, MoneyToday),
    ):
        listed = document[name]
        assert isinstance(listed, list)
        by_id = {row["creative_id"]: row for row in listed}
        for row in rows:
            own = by_id[told.creatives[row.index].creative_id]
            fields = [one.name for one in dataclasses.fields(model) if one.name not in ("index", "alike", "standing")]
            assert {field: getattr(row, field) for field in fields} == {field: own[field] for field in fields}
    assert len(part.launches) == 2
    assert len(part.split) == part.summary.running


def test_the_service_answers_with_the_same_numbers(
    told: ReportData, waiting: ReportContext, loaded: LoadedModel, as_requests
) -> None:
    asked = waiting.observed[KEY][[name != STOPPED for name in waiting.status]]
    body = {"creatives": as_requests(waiting.loaded, asked), "budget_cny": BUDGET, "launch": 2}
    content = planned_by_service(loaded, PlanRequest.model_validate_json(json.dumps(body))).content
    assert told.plan.summary is not None
    assert content["summary"] == asdict(told.plan.summary)
    said = section(told)
    assert all(text["zh"] in said and text["en"] in said for text in content["said"].values())
    assert all(row["why"]["zh"] in said for row in content["candidates"] if row["part"] == "launch")
    assert all(row["notes"]["zh"] in said for row in content["running"])
    by_id = {row["creative_id"]: row for part in ("candidates", "running") for row in content[part]}
    for one in (*told.plan.launches, *told.plan.split):
        own = by_id[told.creatives[one.index].creative_id]
        common = [name for name in own if name in asdict(one) and not isinstance(own[name], dict)]
        assert len(common) > 7
        assert {name: own[name] for name in common} == {name: getattr(one, name) for name in common}


def test_the_page_shows_what_the_plan_says(told: ReportData) -> None:
    said, summary = section(told), told.plan.summary
    assert summary is not None
    assert "7 天预算 20,000 元" in said
    assert f"待投 4 条里先投 2 条，测试共 {summary.test_money:,.0f} 元" in said
    assert summary.hit_chance > 0.995
    assert "至少出 1 个爆款的概率 99% 以上" in said
    assert "chance of at least 1 hit(s) over 99%" in said
    for one in told.plan.launches:
        assert told.creatives[one.index].name in said
        assert f"{one.minimum:,.0f}" in said
        assert f"（{one.gain_low:,.0f}–{one.gain_high:,.0f}）" in said
    assert "投放由平台决定，不由我们决定" in said
    assert "docs/plan.md" in said
    assert "nan" not in said


def test_a_plan_without_running_creatives_says_that_tests_have_the_budget_alone(told: ReportData) -> None:
    assert told.plan.summary is not None
    alone = replace(told.plan.summary, running=0, budget=told.plan.summary.test_money)
    said = overview_words.today(alone, 0.0)
    assert said.zh == "没有在投的素材，预算只分给测试（在投的也给了，才一起分）"
    assert said.en.startswith("no creative is running: tests have the budget to themselves")
    said = overview_words.today(replace(alone, budget=alone.budget + 1234), 0.0)
    assert said.zh.endswith("；剩 1,234 元先留着，加给测试预计也不会多赚")
    assert said.en.endswith("; 1,234 CNY are left: more for the tests is expected to gain nothing")


def test_candidates_that_are_not_launched_are_told_why(told: ReportData) -> None:
    part = told.plan
    others = part.not_launched
    assert others.same_idea + others.no_gain + others.other == 2
    assert overview_words.left_out(others).zh in section(told)
    assert {one.alike for one in part.launches} <= {1, 2}


def test_without_a_budget_the_spend_of_the_last_days_is_planned_and_named(data: ReportData) -> None:
    part = data.plan
    spend = sum(sum(row[-7:]) for row in data.daily.series["spend"])
    assert part.daily_spend == pytest.approx(spend / 7)
    assert part.summary is not None
    assert part.summary.budget == round(spend / 7 * part.outcome_days)
    assert f"按近 7 天日均消耗 {spend / 7:,.0f} 元算" in section(data)
    assert "要换一个数，告诉出报告的同事" in section(data)


def test_nobody_waits_and_that_is_said(data: ReportData) -> None:
    assert data.plan.launches == []
    assert "没有待投的素材" in section(data)
    assert data.plan.split


def test_launches_asked_for_where_nobody_waits_leave_the_split(context: ReportContext) -> None:
    part = sections(context, None, asked=PlanAsked(BUDGET, 3)).plan
    assert part.launches_refused is None
    assert part.summary is not None
    assert part.summary.running == len(part.split) > 0


def test_without_spend_lately_and_without_a_budget_it_names_what_it_cannot_tell(
    loaded: LoadedModel, with_waiting: Loaded
) -> None:
    metrics = with_waiting.metrics
    lately = metrics["period_end"] > metrics["period_end"].max() - pd.Timedelta(days=9)
    quiet = metrics.assign(spend_cny=metrics["spend_cny"].mask(lately, 0.0))
    said = section(sections(build_context(loaded, replace(with_waiting, metrics=quiet), CreativeFilter()), None))
    assert "近 7 天没有消耗，也没有写预算" in said
    assert "先投哪些" in said
    assert "告诉出报告的同事 7 天的总预算（元）" in said


def test_a_budget_below_one_test_leaves_the_split_of_those_that_run(waiting: ReportContext) -> None:
    data = sections(waiting, None, asked=PlanAsked(60.0))
    assert data.plan.launches_refused is not None
    assert data.plan.summary is not None
    assert (data.plan.summary.candidates, data.plan.launches) == (data.plan.waiting, [])
    assert data.plan.summary.running == len(data.plan.split) > 0
    said = section(data)
    assert "先投哪些，回答不了" in said
    assert "可用于测试的只有" in said
    assert "预算先全部分给在投的" in said


def test_more_launches_than_there_are_candidates_are_refused_as_everywhere(waiting: ReportContext) -> None:
    data = sections(waiting, None, asked=PlanAsked(BUDGET, 99))
    assert data.plan.summary is None
    assert "LAUNCH 不要大于" in section(data)


def test_one_account_is_planned_alone(loaded: LoadedModel, with_waiting: Loaded) -> None:
    data = sections(
        build_context(loaded, with_waiting, CreativeFilter(account="acc0")), None, asked=PlanAsked(BUDGET, 2)
    )
    part = data.plan
    assert {data.creatives[one.index].account_id for one in (*part.launches, *part.split)} == {"acc0"}
    assert part.part_of_data
    assert "导出投放计划" not in section(data)
    assert len({data.creatives[one.index].creative_id for one in part.launches} & {"n1", "n2"}) <= 1


def test_a_model_without_distributions_says_what_it_needs(loaded: LoadedModel, waiting: ReportContext) -> None:
    bare = replace(loaded, model=replace(loaded.model, uncertainty=None))
    data = sections(replace(waiting, loaded_model=bare), None)
    assert data.plan.summary is None
    assert "没有经过校准的分布" in section(data)


def running(**given: float | str) -> MoneyToday:
    usual: dict[str, float | str] = {
        "index": 0, "verdict": "watch", "chance": 0.08,
        "target": 1.0, "roi": 1.2, "order_value": 90.0, "spent": 300.0, "money": 120.0,
        "yesterday": 100.0, "today": 70.0,
        "change": -0.3, "propensity": 1.0, "call": "watch", "evidence_below": 2.0, "evidence_above": 0.5,
    }  # fmt: skip
    return MoneyToday(**{**usual, **given})


@pytest.mark.parametrize(
    ("verdict", "call", "says"),
    [
        ("stop", "watch", "决策是“关停”：模型给的达标概率 8%；素材自己花 300 元、回 120 元，还不够下结论。"),
        ("scale", "stop", "已足够说不达标"),
        ("hold", "stop", "决策是“维持”"),
        ("watch", "scale", "已足够说超目标"),
        ("scale", "watch", "决策是“加量”：模型给的达标概率 8%"),
        ("stop", "stop", ""),
        ("scale", "scale", ""),
        ("watch", "watch", ""),
        ("hold", "watch", ""),
    ],
)
def test_where_evidence_and_decision_differ_the_row_says_why(
    data: ReportData, verdict: str, call: str, says: str
) -> None:
    said = row_words.differs(running(call=call, verdict=verdict), data.plan.settings.change)
    assert says in said.zh
    assert bool(said.zh) == bool(said.en) == bool(says)


@pytest.mark.parametrize(("spent", "others"), [(60.0, True), (300.0, False)])
def test_a_stop_before_the_target_asked_for_an_order_is_said_to_rest_on_others(spent: float, others: bool) -> None:
    said = row_words.differs(running(verdict="stop", spent=spent), 0.3)
    assert ("达标概率 8%，凭同类素材；素材自己花" in said.zh) == others
    assert ("8%, by others like it; its own" in said.en) == others


def test_less_money_or_none_beside_a_decision_to_run_is_explained() -> None:
    assert "今天的钱先不给" in row_words.paused(running(today=0.0, propensity=0.4, verdict="watch", chance=0.1)).zh
    assert "抽签" in row_words.paused(running(today=0.0, propensity=0.4, verdict="hold", chance=0.4)).zh
    assert "该加量，今天却少分" in row_words.less(running(verdict="scale")).zh
    assert "该加量，今天却少分" in row_words.less(running(call="scale", verdict="hold")).zh
    assert row_words.less(running(today=130.0, verdict="scale")).zh == ""
    assert row_words.paused(running(verdict="watch", chance=0.1)).zh == ""
    assert row_words.paused(running(today=0.0, verdict="stop", chance=0.1)).zh == ""


def test_rows_with_a_call_stand_first(told: ReportData) -> None:
    calls = [one.call == "watch" for one in told.plan.split]
    assert calls == sorted(calls)
    moved = [abs(one.today - one.yesterday) for one in told.plan.split if one.call == "watch"]
    np.testing.assert_array_equal(moved, sorted(moved, reverse=True))


@pytest.mark.parametrize(
    ("verdict", "figure", "says"),
    [
        ("usable", 1.02, ""),
        ("caution", 1.26, "检验时偏高 26%"),
        ("unusable", 0.5, "检验时偏低 50%"),
        ("undecided", None, "还没判断得了"),
    ],
)
def test_a_level_that_is_judged_off_is_told_beside_the_gains(verdict: str, figure: float | None, says: str) -> None:
    level = Trust.model_validate(
        {"aspect": "level", "target": "net_roi", "verdict": verdict, "figure": figure, "factor": 1.0, "why": ("", "")}
    )
    said = wording.plan.level_note([level])
    assert says in said.zh
    assert bool(said.zh) == bool(said.en) == bool(says)
    assert wording.plan.level_note([]) == ("", "")


def test_a_launch_that_gains_next_to_nothing_is_said_to_buy_knowledge() -> None:
    one = CandidateRow(
        standing="launch", alike=1, verdict="first", target=1.4, roi=1.401, hit_chance=0.16, minimum=7_700.0,
        test=42_818.0, gain=4.8, gain_low=0.4, gain_high=58.6, days=30.0, days_low=3.0, days_high=90.0,
    )  # fmt: skip
    said = row_words.candidate_reason(one, "net_roi")
    assert said.zh.endswith("预计净增 5 元（0–59）。净增不到测试金额的 1%，这笔钱主要用来分出高低：预算紧就先不投它。")
    assert said.en.endswith("which mostly buys knowledge: where money is short, leave it.")
    assert "主要用来" not in row_words.candidate_reason(replace(one, gain=2_800.0), "net_roi").zh
    assert "主要用来" not in row_words.candidate_reason(replace(one, standing="no_gain", gain=-5.0), "net_roi").zh


def test_sizes_of_evidence_and_days_are_readable() -> None:
    assert row_words.span_of(-0.2, 1_250.4) == ("0–1,250", "0–1,250")
    assert row_words.span_of(-2146.0, -58.0) == ("−2,146 至 −58", "−2,146 to −58")
    assert row_words.signed(-353.4) == "−353"
    assert row_words.evidence(running(), 20.0).zh == "不达标 2.0 倍，要 20 倍"
    assert row_words.evidence(running(call="stop", evidence_below=1e300), 20.0).zh == "1,000+ 倍，要 20 倍"
    assert row_words.evidence(running(evidence_below=0.9), 20.0).en == "on neither side"
    assert [row_words.odds(chance).en for chance in (0.0, 1e-4, 0.12, 0.9999, 1.0, None)] == [
        "0%", "under 1%", "12%", "over 99%", "100%", "–"
    ]  # fmt: skip
    assert row_words.days(3.0, 3.2).zh == "3 天"
    assert row_words.days(3.0, 211.0).en == "3–60+ days"
    assert row_words.days(70.0, 211.0).zh == "60 天以上"
