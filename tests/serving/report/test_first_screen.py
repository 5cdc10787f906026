"""First screen: tiles that can be checked by hand, the list of today, what the model can be used for."""

from dataclasses import replace

import pandas as pd
import pytest

from features.schema import KEY, Loaded
from serving.report.cards.card import Card
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.creative_rows import CreativeRow
from serving.report.daily import DAYS, Daily
from serving.report.data import ReportData
from serving.report.earlier import EarlierStakes, earlier_stakes
from serving.report.first_screen import tiles, to_do, trust, watched
from serving.report.render import render


def creative(number: int, status: str = "running") -> CreativeRow:
    return CreativeRow(
        creative_id=f"c{number}", promotion_type="live", account_id="a", name=f"c{number}", product_id="",
        creator_id="", product_name="", creator_name="", address="", known=True, status=status,
    )  # fmt: skip


def card(verdict: str, stake_cny: float | None, roi_target: float = 2.0, decide_days: float | None = None) -> Card:
    return Card.model_construct(
        verdict=verdict, stake_cny=stake_cny, roi_target=roi_target, decide_days=decide_days
    )  # fmt: skip


CREATIVES = [creative(0), creative(1), creative(2), creative(3, "stopped"), creative(4, "waiting")]
CARDS = [card("scale", 300.0), card("stop", -120.0, 1.0), card("watch", -500.0), card("", None), card("first", None)]


def days(last: float, before: float) -> list[float]:
    """So much on the last day, so much ten days ago."""
    row = [0.0] * DAYS
    row[-1], row[-10] = last, before
    return row


DAILY = Daily(
    days=[f"d{number}" for number in range(DAYS)],
    creatives=[0, 1, 3],
    series={
        "spend": [days(100.0, 50.0), days(300.0, 0.0), days(0.0, 150.0)],
        "earned": [days(300.0, 100.0), days(300.0, 0.0), days(0.0, 300.0)],
    },
    ran={7: [0, 3], 14: [3]},
)
EARLIER = {7: EarlierStakes(scale={0: 150.0, 3: 60.0}, stop={3: -40.0})}


def test_tiles_compare_a_period_with_the_one_before() -> None:
    found = tiles(CREATIVES, CARDS, DAILY, EARLIER, 7, set(range(5)))
    assert (found.running, found.ran) == (3, 2)
    assert (found.spend, found.spent) == (400.0, 200.0)
    assert (found.roi, found.was_roi, found.largest_share) == (1.5, 2.0, 0.5)
    assert found.roi_target == pytest.approx((2.0 * 100 + 1.0 * 300) / 400)
    assert (found.more_cny, found.less_cny, found.was_more, found.was_less) == (300.0, 120.0, 210.0, 40.0)
    both_weeks = tiles(CREATIVES, CARDS, DAILY, EARLIER, 14, {0})
    assert (both_weeks.spend, both_weeks.spent, both_weeks.was_roi) == (150.0, 0.0, None)
    assert (both_weeks.was_more, both_weeks.was_less) == (None, None)
    assert tiles(CREATIVES, CARDS, DAILY, EARLIER, 7, {1}).was_more == 0.0


def test_what_is_not_exported_is_not_shown_as_nothing() -> None:
    no_money = DAILY.model_copy(update={"series": {}})
    found = tiles(CREATIVES, CARDS, no_money, {}, 7, set(range(5)))
    assert (found.spend, found.roi, found.roi_target) == (None, None, None)


def test_today_lists_running_creatives_with_a_decision_by_the_money_at_stake() -> None:
    assert to_do(CREATIVES, CARDS, set(range(5))) == [2, 0, 1]
    assert to_do(CREATIVES, CARDS, {1, 3, 4}) == [1]


def test_watched_creatives_are_looked_at_waited_for_or_let_run() -> None:
    """80 % of 1 000 CNY are in the first two; of the others one is decided within the week."""
    cards = [card("watch", 10.0, decide_days=90.0), card("watch", -700.0), card("watch", 190.0, decide_days=2.0),
             card("watch", -100.0, decide_days=7.0), card("stop", -900.0), card("watch", None)]  # fmt: skip
    creatives = [creative(number) for number in range(6)]
    found = watched(creatives, cards, set(range(6)), 7)
    assert (found.first, found.soon, found.rest) == ([1, 2], [3], [0, 5])
    alone = watched(creatives, cards, {0, 4}, 7)
    assert (alone.first, alone.soon, alone.rest) == ([0], [], [])
    nothing = watched(creatives, cards, {4, 5}, 7)
    assert (nothing.first, nothing.soon, nothing.rest) == ([], [], [5])


def test_what_decisions_were_worth_a_week_ago_is_what_a_report_of_that_day_would_have_said(
    context: ReportContext, small_world: Loaded
) -> None:
    until = context.now - pd.Timedelta(days=7)
    then = replace(small_world, metrics=small_world.metrics[small_world.metrics["period_end"] <= until])
    report = build_context(context.loaded_model, then, CreativeFilter())
    keys = list(context.observed[KEY].iloc[context.order].itertuples(index=False, name=None))
    for code in ("scale", "stop"):
        told = report.predicted[(report.predicted["verdict"] == code) & (report.predicted["status"] == "running")]
        wanted = {
            tuple(map(str, key)): round(float(stake), 2)
            for key, stake in zip(report.observed.loc[told.index, KEY].itertuples(index=False), told["stake_cny"])
        }
        found = getattr(earlier_stakes(context)[7], code)
        assert {tuple(map(str, keys[index])): stake for index, stake in found.items()} == wanted


def test_a_model_without_an_evaluation_is_judged_nowhere(data: ReportData) -> None:
    assert trust("net_roi", [], 0.8) == data.trust == []


def test_a_default_target_is_named_on_the_first_screen_with_how_to_set_another(data) -> None:
    quality = data.model_quality
    none, own = (
        render(data.model_copy(update={"model_quality": quality.model_copy(update={"without_target": count})}))
        for count in (quality.creatives, 0)
    )
    assert "目标ROI：默认 1.00" in none
    assert "在标签表里加一列“目标ROI”" in none
    assert "verdict: {roi_target: 1.5}" in none
    assert "目标ROI：默认" not in own
