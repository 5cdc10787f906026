"""First screen: tiles that can be checked by hand, the list of today, what the model can be used for."""

import pytest

from serving.report.cards.card import Card
from serving.report.creative_rows import CreativeRow
from serving.report.daily import DAYS, Daily
from serving.report.data import ReportData
from serving.report.first_screen import tiles, to_do, trust


def creative(number: int, status: str = "running") -> CreativeRow:
    return CreativeRow(
        creative_id=f"c{number}", promotion_type="live", account_id="a", name=f"c{number}", product_id="",
        creator_id="", product_name="", creator_name="", address="", known=True, status=status,
    )  # fmt: skip


def card(verdict: str, stake_cny: float | None, roi_target: float = 2.0) -> Card:
    return Card.model_construct(verdict=verdict, stake_cny=stake_cny, roi_target=roi_target)


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


def test_tiles_compare_a_period_with_the_one_before() -> None:
    found = tiles(CREATIVES, CARDS, DAILY, 7, set(range(5)))
    assert (found.running, found.ran) == (3, 2)
    assert (found.spend, found.spent) == (400.0, 200.0)
    assert (found.roi, found.was_roi, found.largest_share) == (1.5, 2.0, 0.5)
    assert found.roi_target == pytest.approx((2.0 * 100 + 1.0 * 300) / 400)
    assert (found.more_cny, found.less_cny) == (300.0, 120.0)
    both_weeks = tiles(CREATIVES, CARDS, DAILY, 14, {0})
    assert (both_weeks.spend, both_weeks.spent, both_weeks.was_roi) == (150.0, 0.0, None)


def test_what_is_not_exported_is_not_shown_as_nothing() -> None:
    no_money = DAILY.model_copy(update={"series": {}})
    found = tiles(CREATIVES, CARDS, no_money, 7, set(range(5)))
    assert (found.spend, found.roi, found.roi_target) == (None, None, None)


def test_today_lists_running_creatives_with_a_decision_by_the_money_at_stake() -> None:
    assert to_do(CREATIVES, CARDS, set(range(5))) == [2, 0, 1]
    assert to_do(CREATIVES, CARDS, {1, 3, 4}) == [1]


def test_a_model_without_an_evaluation_is_judged_nowhere(data: ReportData) -> None:
    assert trust("net_roi", [], 0.8) == data.trust == []
