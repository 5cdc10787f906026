"""The budget replay and the earliness curve, with money that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.budget_replay import (
    ALIKE,
    ORACLE,
    Budget,
    earliness,
    funded,
    holdout_earliness,
    overall_roi,
    replay,
)
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


def test_the_oracle_ranks_by_the_outcome_and_alike_funds_the_same_share_of_every_creative() -> None:
    table = replay(FOUR, {}, Budget(0.4, 2.0))
    assert line(table, ORACLE)["gain_cny"] == pytest.approx(300)
    assert line(table, ORACLE)["captured_share"] == 1.0
    alike = line(table, ALIKE)
    assert alike["captured_share"] == 0.0
    assert alike["gain_cny"] == pytest.approx(0.4 * (200 + 100 - 200 - 200))
    assert alike["net_gmv_share"] == pytest.approx(0.4)
    assert alike["saved_share"] == pytest.approx(0.6)
    assert alike["missed_share"] == pytest.approx(0.6)


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


COUNT = 12


def holdout_frame(age: int, later_spend: float) -> pd.DataFrame:
    roi = np.arange(1.0, COUNT + 1)
    frame = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(COUNT)],
            "age_hours": age,
            "actual_net_roi": roi,
            "exposure_net_roi": later_spend,
            "actual_later_impressions": 500.0,
            "spent_cny": float(age),
        }
    )
    guesses = {"predicted": roi, "carried": -roi, "bayes": np.ones(COUNT)}
    return frame.assign(**{f"{part}_net_roi": guess for part, guess in guesses.items()})


ROWS = pd.concat([holdout_frame(0, 100.0), holdout_frame(24, 72.0)], ignore_index=True)


def test_undecided_is_later_spend_out_of_it_and_all_before() -> None:
    curve = earliness(
        ROWS, {"mine": ROWS["predicted_net_roi"].to_numpy()}, ROWS["spent_cny"].to_numpy(), Budget(0.5, 1)
    )
    assert curve["undecided_share"].tolist() == [1.0, 72 / (72 + 24)]
    assert curve["spearman"].tolist() == pytest.approx([1.0, 1.0])
    assert curve["captured_share"].tolist() == pytest.approx([1.0, 1.0])


def test_a_reversed_ranking_captures_minus_one() -> None:
    curve = holdout_earliness(ROWS, 200.0, draws=20).set_index(["age_hours", "method"])
    assert curve.loc[(24, "carry-forward"), "spearman"] == pytest.approx(-1.0)
    assert curve.loc[(24, "carry-forward"), "captured_share"] == pytest.approx(-1.0)
    assert curve.loc[(24, "empirical Bayes"), "captured_share"] == pytest.approx(0.0)
    assert np.isnan(curve.loc[(24, "empirical Bayes"), "spearman"])  # one guess for all ranks nobody
    assert curve.loc[(24, "gpmcast"), "captured_share"] == pytest.approx(1.0)


def test_rows_of_little_volume_are_not_ranked_but_their_money_counts() -> None:
    thin = ROWS.assign(actual_later_impressions=[500.0] * (COUNT + 4) + [10.0] * (COUNT - 4))
    curve = holdout_earliness(thin, 200.0, draws=5).set_index(["age_hours", "method"])
    assert curve.loc[(24, "gpmcast"), "rows"] == 4
    assert np.isnan(curve.loc[(24, "gpmcast"), "spearman"])
    assert curve.loc[(24, "gpmcast"), "captured_share"] == pytest.approx(1.0)


def test_rows_without_roi_have_no_curve() -> None:
    assert holdout_earliness(ROWS.drop(columns="actual_net_roi"), 200.0).empty
    assert holdout_earliness(ROWS.assign(actual_net_roi=np.nan), 200.0).empty


def test_break_even_is_what_all_money_earned_together() -> None:
    two = ROWS.head(2).assign(exposure_net_roi=[300.0, 100.0])
    assert overall_roi(two) == pytest.approx((300 * 1 + 100 * 2) / 400)
