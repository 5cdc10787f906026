"""A plan of a budget: launches, tests, today's money, and what bad input is answered."""

import numpy as np
import pandas as pd
import pytest

from configs.decision_settings import PlanSettings
from features.errors import InputError
from training.decision.plan.make_plan import LAUNCH, Plan, make_plan

SETTINGS = PlanSettings(draws=500)


def figures(waiting: int = 6, running: int = 4) -> pd.DataFrame:
    """Candidates from bad to good, then running creatives: the first without an order on much spend."""
    count = waiting + running
    place = np.arange(count)
    spent = np.where(place < waiting, 0.0, 2000.0)
    money = np.where(place > waiting, 2.0 * spent, 0.0)
    return pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{number}" for number in place],
            "status": ["waiting"] * waiting + ["running"] * running,
            "target": 1.0,
            "roi": np.r_[np.linspace(0.6, 2.0, waiting), np.linspace(0.4, 1.8, running)],
            "log_variance": 0.4,
            "roi_low": 0.0,
            "roi_high": 3.0,
            "order_value": 50.0,
            "dispersion": np.nan,
            "hit_chance": np.linspace(0.02, 0.2, count),
            "natural": 1500.0,
            "told_apart": 600.0,
            "spent": spent,
            "money": money,
            "most_money": money,
            "yesterday": np.where(place < waiting, 0.0, 200.0),
            "verdict": "watch",
            "family": [f"f{number // 2}" for number in range(waiting)] + [f"r{number}" for number in range(running)],
            "known": 3.0,
        }
    )


def of(table: pd.DataFrame, budget: float | None = 10_000.0, launch: int | None = None) -> Plan:
    return make_plan(table, budget, launch, SETTINGS, days=7, roi="net_roi")


def test_a_plan_launches_one_of_each_idea_with_test_money_from_the_minimum_up() -> None:
    plan = of(figures(), launch=2)
    launched = plan.candidates[plan.candidates["part"] == LAUNCH]
    assert set(launched["creative_id"]) == {"c5", "c3"}
    assert (launched["test"] >= launched["minimum"]).all()
    assert launched["test"].sum() == pytest.approx(plan.summary.test_money)
    assert plan.summary.test_money <= 3000.0
    assert (plan.candidates["gain_low"] <= plan.candidates["gain"]).all()
    assert (plan.candidates["gain"] <= plan.candidates["gain_high"]).all()
    assert (plan.candidates["days_low"] <= plan.candidates["days_high"]).all()
    assert plan.summary.ideas == 3


def test_test_money_beyond_the_minimum_goes_where_it_is_expected_to_gain() -> None:
    table = figures(running=0)
    table["told_apart"] = 3000.0
    below, above = ([0.6], [0.9]), ([2.0], [0.9])
    for (roi, variance), more in ((below, False), (above, True)):
        table["roi"], table["log_variance"] = roi[0], variance[0]
        plan = of(table, budget=1e6, launch=2)
        launched = plan.candidates[plan.candidates["part"] == LAUNCH]
        assert (launched["test"] > 1.01 * launched["minimum"]).all() == more
        assert (launched["test"] <= np.maximum(launched["told_apart"], launched["minimum"]) * 1.0001).all()


def test_the_running_creative_without_orders_is_stopped_and_the_rest_share_the_day() -> None:
    plan = of(figures(), launch=1)
    running = plan.running.set_index("creative_id")
    assert running.loc["c6", "call"] == "stop"
    assert running.loc["c6", "today"] == 0.0
    assert (running.loc[["c7", "c8", "c9"], "call"] == "scale").all()
    assert running["today"].sum() + plan.summary.unspent == pytest.approx(plan.summary.today)
    assert plan.summary.today == pytest.approx((10_000.0 - plan.summary.test_money) / 7)
    assert running["propensity"].between(0, 1).all()


def test_without_candidates_only_the_day_is_split_and_without_running_all_money_is_for_tests() -> None:
    only_running = of(figures(waiting=0))
    assert (only_running.summary.launched, only_running.summary.method) == (0, "")
    assert only_running.summary.today == pytest.approx(10_000.0 / 7)
    only_waiting = of(figures(running=0))
    assert only_waiting.summary.running == 0
    alone, beside_running = (of(figures(running=running), budget=1100.0) for running in (0, 4))
    assert alone.summary.test_money > 0.8 * 1100.0 > SETTINGS.test_share * 1100.0 >= beside_running.summary.test_money
    assert only_waiting.summary.today == 0.0


def test_the_document_holds_every_figure_as_plain_data() -> None:
    document = of(figures()).document()
    assert document["summary"]["seed"] == 7
    assert {"propensity", "call", "today"} <= set(document["running"][0])
    assert {"test", "gain_low", "part"} <= set(document["candidates"][0])


@pytest.mark.parametrize(
    ("table", "budget", "launch", "en", "zh"),
    [
        (figures(), None, None, "Give the CNY for the next 7 days as BUDGET", "make plan BUDGET=5000"),
        (figures(), -5.0, None, "There is no budget", "没有预算"),
        (figures(), float("nan"), None, "There is no budget", "没有预算"),
        (figures(0, 0), 1000.0, None, "No creative is waiting and none is running", "没有待投的素材"),
        (figures(), 2e12, None, "plans are made for 100,000,000 CNY at most", "多写了零"),
        (figures(), float("inf"), None, "is no budget of 7 days", "不像 7 天的预算"),
        (figures(), 10_000.0, 7, "7 launches were asked for, and there are 6 candidates", "候选只有 6 个"),
        (figures(), 10_000.0, 4, "hold 3 ideas", "3 种不同的创意"),
        (figures(running=0).assign(known=0.0), 10_000.0, None, "knows no attribute or tag of the 6", "一个都没见过"),
        (figures(), 100.0, 1, "30 CNY (30% of the budget) are there for tests. Raise BUDGET.", "提高 BUDGET。"),
        (figures(), 3000.0, 3, "Raise BUDGET, or set LAUNCH to 2", "把 LAUNCH 改为 2"),
        (figures(running=0), 10.0, None, "10 CNY are there for tests", "只有 10 元。"),
        (figures(waiting=0), 10_000.0, 2, "there is no candidate", "没有候选"),
    ],
)
def test_bad_input_is_answered_in_words_with_the_cure(table, budget, launch, en, zh) -> None:
    with pytest.raises(InputError) as refused:
        of(table, budget, launch)
    assert en in str(refused.value)
    assert zh in refused.value.zh


@pytest.mark.parametrize(
    ("table", "budget", "zh"),
    [
        (figures(), 100.0, "可用于测试的只有 30 元（预算的 30%）。处理：提高 BUDGET。"),
        (figures().assign(known=0.0), 10_000.0, "模型一个都没见过"),
    ],
)
def test_launches_that_cannot_be_chosen_leave_all_money_to_those_that_run(table, budget, zh) -> None:
    plan = of(table, budget)
    assert plan.launches_refused is not None
    assert zh in plan.launches_refused.zh
    assert (len(plan.candidates), plan.summary.candidates, plan.summary.launched) == (0, 6, 0)
    assert plan.summary.today == pytest.approx(budget / 7)
    alone = of(table[table["status"] == "running"], budget)
    pd.testing.assert_frame_equal(plan.running, alone.running)
    assert alone.launches_refused is None
    assert zh in plan.document()["launches_refused"]["zh"]
