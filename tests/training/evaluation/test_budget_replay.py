"""Does a replay give the budget to whom a rule names, and count money as one would by hand?"""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.budget_replay import ALIKE, ORACLE, Budget, funded, predicted_gain, replay
from training.evaluation.metrics import ALL_AGES


def frame(roi, spend, ages=None) -> pd.DataFrame:
    count = len(roi)
    return pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(count)],
            "age_hours": [24] * count if ages is None else ages,
            "actual_net_roi": np.asarray(roi, float),
            "exposure_net_roi": np.asarray(spend, float),
        }
    )


def line(table: pd.DataFrame, rule: str, age: float = 24) -> pd.Series:
    return table.set_index(["age_hours", "rule"]).loc[(age, rule)]


# ROI 4, 3, 1, 0 on spend 100, 100, 200, 100: net gmv 400, 300, 200, 0; at break-even 2 gains 200, 100, −200, −200.
FOUR = frame([4, 3, 1, 0], [100, 100, 200, 100])


def test_the_budget_goes_down_the_ranking_until_it_is_spent() -> None:
    found = line(replay(FOUR, {"mine": np.array([3.0, 1.0, 2.0, 0.0])}, Budget(0.4, 2.0)), "mine")
    # 200 of 500 CNY: all of the first (100), then half of the third (100 of 200).
    assert found["gain_cny"] == pytest.approx(200 - 100)
    assert found["net_gmv_share"] == pytest.approx((400 + 100) / 900)
    assert found["saved_share"] == pytest.approx(1 - 100 / 300)
    assert found["captured_share"] == pytest.approx((100 + 40) / (300 + 40))  # alike would gain −40, the oracle 300
    assert found["missed_share"] == 0.0  # one hit (a tenth of four, at least one): the first


def test_the_oracle_ranks_by_what_came_and_everyone_alike_gets_the_budgets_share_of_all() -> None:
    table = replay(FOUR, {}, Budget(0.4, 2.0))
    assert line(table, ORACLE)["gain_cny"] == pytest.approx(300)
    assert line(table, ORACLE)["captured_share"] == 1.0
    alike = line(table, ALIKE)
    assert alike["captured_share"] == 0.0
    assert alike["gain_cny"] == pytest.approx(0.4 * (200 + 100 - 200 - 200))
    assert alike["net_gmv_share"] == pytest.approx(0.4)
    assert alike["saved_share"] == pytest.approx(0.6)
    assert alike["missed_share"] == pytest.approx(0.6)


def test_where_places_are_scarce_a_creative_costs_one_and_the_oracle_ranks_by_gain() -> None:
    rows = frame([9, 3, 1, 1], [1, 1000, 5, 5])
    found = replay(rows, {"by roi": np.array([9.0, 3.0, 1.0, 1.0])}, Budget(0.25, 2.0, by_creatives=True))
    assert line(found, "by roi")["gain_cny"] == pytest.approx(1 * (9 - 2))
    assert line(found, ORACLE)["gain_cny"] == pytest.approx(1000 * (3 - 2))


def test_equal_scores_share_what_is_left_whatever_their_order() -> None:
    score = np.array([1.0, 1.0, 5.0])
    cost = np.array([[100.0, 300.0, 100.0]])
    assert funded(score, cost, np.array([300.0])).tolist() == [[0.5, 0.5, 1.0]]
    assert funded(score[::-1], cost[:, ::-1], np.array([300.0])).tolist() == [[1.0, 0.5, 0.5]]


def test_each_age_has_its_own_budget_and_all_ages_are_their_sum() -> None:
    rows = pd.concat([FOUR, frame([5, 0], [10, 10], ages=[0, 0])], ignore_index=True)
    score = {"mine": np.array([3.0, 1.0, 2.0, 0.0, 1.0, 0.0])}
    table = replay(rows, score, Budget(0.4, 2.0))
    assert line(table, "mine", 0)["gain_cny"] == pytest.approx(8 * 3)
    assert line(table, "mine", ALL_AGES)["gain_cny"] == pytest.approx(100 + 24)
    assert line(table, "mine", ALL_AGES)["rows"] == 6


def test_rows_without_later_spend_or_outcome_change_nothing() -> None:
    more = pd.concat([FOUR, frame([np.nan, 7], [0, 0])], ignore_index=True)
    score = np.array([3.0, 1.0, 2.0, 0.0, np.nan, 99.0])
    rest = replay(more, {"mine": score}, Budget(0.4, 2.0), draws=5)
    pd.testing.assert_frame_equal(rest, replay(FOUR, {"mine": score[:4]}, Budget(0.4, 2.0), draws=5))


def test_the_band_holds_the_value_and_a_rule_is_not_apart_from_itself() -> None:
    draw = np.random.default_rng(3)
    rows = frame(draw.gamma(1, 2, 300), draw.gamma(1, 100, 300))
    guess = rows["actual_net_roi"].to_numpy() * draw.lognormal(0, 0.5, 300)
    table = replay(rows, {"near": guess, "blind": draw.random(300)}, Budget(0.3, 2.0), against="near")
    near, blind = line(table, "near"), line(table, "blind")
    assert near["gain_cny_low"] < near["gain_cny"] < near["gain_cny_high"]
    assert near["apart_cny"] == near["apart_cny_low"] == near["apart_cny_high"] == 0.0
    assert blind["apart_cny_high"] < 0.0  # the same draws on both sides: far narrower than either band
    assert 0.0 < near["captured_share"] < 1.0


def test_a_score_that_is_no_number_and_a_rule_that_is_not_there_are_refused() -> None:
    with pytest.raises(ValueError, match="'mine' are no numbers on 1 rows"):
        replay(FOUR, {"mine": np.array([1.0, np.nan, 0.0, 0.0])}, Budget(0.4, 2.0))
    with pytest.raises(ValueError, match="No rule is called 'theirs'"):
        replay(FOUR, {}, Budget(0.4, 2.0), against="theirs")
    with pytest.raises(ValueError, match="no ROI"):
        replay(FOUR.drop(columns="actual_net_roi"), {}, Budget(0.4, 2.0))


def test_gain_is_predicted_from_later_impressions_at_the_cost_that_gpm_and_roi_imply() -> None:
    told = FOUR.assign(predicted_net_roi=3.0, predicted_net_gpm=600.0, predicted_later_impressions=1000.0)
    # 600 CNY per 1 000 impressions at ROI 3 is 200 CNY of spend: 200 · (3 − 2).
    assert predicted_gain(told, 2.0) == pytest.approx([200.0] * 4)
