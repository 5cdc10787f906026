"""What is said of answers whose truth can be counted by hand: order, level, chances, decisions, lists."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.counts import data_funnel
from training.track_record.decisions import decisions
from training.track_record.matured import matured
from training.track_record.quality import age_groups, chances, quality
from training.track_record.resampling import Figure, Resampling, figures_of
from training.track_record.top_lists import MODEL, shrunk, top_lists

LEAST = 50.0


@pytest.fixture
def table(world, settings, answers) -> pd.DataFrame:
    found = matured(answers, world, data_funnel(world, settings), settings).table
    return found.assign(ages=age_groups(found["age_hours"]))


@pytest.fixture
def draws(table) -> Resampling:
    return Resampling.of(table)


def figures(frame: pd.DataFrame, **where: object) -> dict[str, Figure]:
    for name, value in where.items():
        frame = frame[frame[name] == value]
    return figures_of(frame)


def test_right_forecasts_order_everything_and_are_at_the_level(table, draws) -> None:
    found = figures(quality(table, draws, "net_roi", LEAST), by="all", target="net_roi")
    assert found["rank"].value == pytest.approx(1.0, abs=1e-6)
    assert found["level"].value == pytest.approx(1.0)
    assert found["level"].answers == 40 * 15
    assert found["level"].creatives == 40


def test_a_forecast_twice_too_high_is_called_so_with_its_interval(table, draws) -> None:
    high = table.assign(predicted_net_roi=2 * table["predicted_net_roi"])
    level = figures(quality(high, draws, "net_roi", LEAST), by="all", target="net_roi")["level"]
    assert (level.value, level.low, level.high) == pytest.approx((2.0, 2.0, 2.0))


def test_coverage_counts_outcomes_in_their_interval(table, draws) -> None:
    inside = figures(quality(table, draws, "net_roi", LEAST), by="all", target="net_roi")["inside"]
    assert inside.value == pytest.approx(0.5)  # 1.8 lies in 1.0–2.5, 0.9 does not
    assert inside.low < 0.5 < inside.high


def test_versions_and_accounts_stand_apart(table, draws) -> None:
    versions = table.assign(version=np.where(table["opens"] < pd.Timestamp("2026-03-14"), "1", "2"))
    found = quality(versions, draws, "net_roi", LEAST)
    assert set(found[found["by"] == "version"]["group"]) == {"1", "2"}
    assert set(found[found["by"] == "account_id"]["group"]) == {"a"}


def test_an_answer_without_enough_delivery_says_nothing_about_a_rate(table, draws) -> None:
    assert quality(table, draws, "net_roi", 1e9).empty


def test_stated_chances_stand_beside_how_often_they_came_true(table, draws) -> None:
    found = chances(table, draws, "net_roi", LEAST)
    of_all = found[found["bin"] == 0].iloc[0]
    assert of_all["stated"] == pytest.approx(0.5)
    assert of_all["value"] == pytest.approx(0.5)
    assert of_all["brier"] == pytest.approx(0.01)
    assert of_all["brier_base"] == pytest.approx(0.25)


def test_chances_of_a_hit_are_scored_against_the_frequency_of_hits(world, settings, answers) -> None:
    even = answers["creative_id"].str[1:].astype(int) % 2 == 0
    told = answers.assign(hit_of="net_gmv", hit_at=1000.0, hit_chance=np.where(even, 0.8, 0.2))
    table = matured(told, world, data_funnel(world, settings), settings).table
    assert set(table.loc[table["predicted_net_roi"] > 1, "hit"]) == {1.0}  # 7 days of 180 CNY; others 630
    found = chances(table, Resampling.of(table), "net_roi", LEAST)
    hits = found[(found["of"] == "hit") & (found["bin"] == 0)].iloc[0]
    assert (hits["stated"], hits["value"]) == pytest.approx((0.5, 0.5))
    assert (hits["brier"], hits["brier_base"], hits["skill"]) == pytest.approx((0.04, 0.25, 0.84))
    assert (hits["log_score"], hits["log_score_base"]) == pytest.approx((-np.log(0.8), np.log(2.0)))
    assert 0.0 < hits["skill_low"] <= hits["skill"] <= hits["skill_high"]
    unknown = matured(answers, world, data_funnel(world, settings), settings).table
    assert set(chances(unknown, Resampling.of(unknown), "net_roi", LEAST)["of"]) == {"target"}


def test_decisions_are_right_where_the_target_was_reached_or_missed(table, draws) -> None:
    found = decisions(table, draws, "net_roi", LEAST)
    scale, stop = figures(found, decision="scale"), figures(found, decision="stop")
    assert scale["right"].value == stop["right"].value == 1.0
    assert scale["base"].value == pytest.approx(0.5)
    assert stop["base"].value == pytest.approx(0.5)


def test_money_of_a_day_counts_once_however_often_it_was_forecast(table, draws) -> None:
    found = figures(decisions(table, draws, "net_roi", LEAST), decision="scale")
    days = 21  # windows of days 6 to 20 cover days 6 to 26
    assert found["spend_cny"].value == pytest.approx(20 * days * 100)
    assert found["gain_cny"].value == pytest.approx(20 * days * 100 * (1.8 - 1.2))


def test_what_a_stopped_creative_went_on_to_lose_is_negative(table, draws) -> None:
    stop = figures(decisions(table, draws, "net_roi", LEAST), decision="stop")
    assert stop["gain_cny"].value == pytest.approx(20 * 21 * 100 * (0.9 - 1.2))


def test_a_decision_as_good_as_the_simple_rule_is_not_ahead_of_it(table, draws) -> None:
    scale = figures(decisions(table, draws, "net_roi", LEAST), decision="scale")
    assert scale["yesterday_right"].value == 1.0
    assert scale["ahead_right"].value == pytest.approx(0.0)
    assert scale["ahead_gain_cny"].value == pytest.approx(0.0, abs=1e-6)


def test_creatives_without_traffic_are_counted_apart(table, draws) -> None:
    silent = table.assign(spend_cny=0.0, later_volume=0.0, exposure_net_roi=0.0)
    row = decisions(silent, draws, "net_roi", LEAST).iloc[0]
    assert (row["told"], row["silent"]) == (300, 300)


def test_choosing_the_highest_of_noisy_forecasts_is_corrected() -> None:
    """Log-normal truth and error of equal variance: the best power is ½, and half of the promise of a list is error."""
    draw = np.random.default_rng(4)
    days, each = 60, 80
    count = days * each
    truth = np.exp(draw.normal(0, 0.4, count))
    told = truth * np.exp(draw.normal(0, 0.4, count))
    table = pd.DataFrame(
        {
            "promotion_type": "live", "account_id": "a", "creative_id": [f"c{n}" for n in range(count)],
            "unit": np.arange(count), "cutoff": np.repeat(pd.date_range("2026-01-01", periods=days), each),
            "share": 1.0, "spend_cny": 100.0, "exposure_net_roi": 100.0, "later_volume": 1000.0,
            "predicted_net_roi": told, "actual_net_roi": truth, "rule_yesterday": np.nan, "rule_so_far": np.nan,
        }
    )  # fmt: skip
    found = figures(top_lists(table, Resampling.of(table), "net_roi"), by=MODEL)
    assert found["slope"].low < 0.5 < found["slope"].high
    assert found["told"].value > 1.5 * found["came"].value
    assert found["corrected"].value == pytest.approx(found["came"].value, rel=0.06)
    assert found["came"].low < found["corrected"].value < found["came"].high


def test_forecasts_that_are_right_are_left_as_they_are() -> None:
    draw = np.random.default_rng(5)
    told = np.exp(draw.normal(0, 0.5, 2000))
    keys = pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": [f"c{n}" for n in range(2000)]})
    money = draw.poisson(100 * told) / 1.0
    corrected, slope = shrunk(
        told, (money, np.full(2000, 100.0), np.ones(2000)), Resampling.of(keys), np.ones(2000, dtype=bool)
    )
    assert slope.value == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(corrected, told, rtol=0.03)


def test_without_roi_nothing_is_said_of_money(table, draws) -> None:
    assert decisions(table, draws, "", LEAST).empty
    assert chances(table, draws, "", LEAST).empty
    assert top_lists(table, draws, "").empty


def test_few_creatives_have_no_interval() -> None:
    keys = pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": ["a", "b"]})
    found = Resampling.of(keys).quotient(np.array([1.0, 2.0]), np.array([1.0, 1.0]), np.ones(2, dtype=bool))
    assert found.value == 1.5
    assert np.isnan([found.low, found.high]).all()


def test_a_share_of_all_or_none_has_the_exact_bound() -> None:
    keys = pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": [f"c{n}" for n in range(20)]})
    draws, rows = Resampling.of(keys), np.ones(20, dtype=bool)
    everything = draws.share(draws.ratios(np.ones(20), np.ones(20), rows), rows)
    assert (everything.value, everything.high) == (1.0, 1.0)
    assert everything.low == pytest.approx(0.05 ** (1 / 20))
    nothing = draws.share(draws.ratios(np.zeros(20), np.ones(20), rows), rows)
    assert nothing.high == pytest.approx(1 - 0.05 ** (1 / 20))
