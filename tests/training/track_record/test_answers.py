"""Which answers count, what old codes mean, and that no moment of a creative counts twice."""

import numpy as np
import pandas as pd
import pytest

from training.track_record.answers import backtest_answers, counted, day_shares, decisions_of

DAY = 86_400


def test_of_several_answers_of_a_day_the_last_counts(answer, frame) -> None:
    early, late, next_day = answer("c00", 6.2), answer("c00", 6.6, predicted_net_roi=9.0), answer("c00", 7)
    assert counted(frame([late, early, next_day]))["predicted_net_roi"].tolist() == [9.0, 1.8]


def test_versions_and_the_question_before_launch_count_apart(answer, frame) -> None:
    rows = [answer("c00", 6), answer("c00", 6, version="2"), answer("c00", 6, age_hours=0.0)]
    assert len(counted(frame(rows))) == 3


def test_an_answer_repeated_on_the_same_cutoff_counts_once_and_the_newest_stands(answer, frame) -> None:
    again = answer("c00", 6, predicted_net_roi=2.5)
    again["at"] = again["at"] + pd.Timedelta(hours=1)
    assert counted(frame([again, answer("c00", 6)]))["predicted_net_roi"].tolist() == [2.5]


def test_shares_of_daily_answers_add_up_to_the_days_they_cover() -> None:
    opens = np.arange(10) * DAY
    shares = day_shares(np.zeros(10, dtype=np.int64), opens, opens + 7 * DAY)
    assert shares.sum() * 7 == pytest.approx(16)
    assert shares[0] == pytest.approx(np.mean([1 / k for k in range(1, 8)]))


def test_a_creative_asked_for_once_weighs_one_whatever_others_do() -> None:
    units = np.array([0, 0, 0, 1])
    opens = np.array([0, 0, 0, 0])
    assert day_shares(units, opens, opens + 7 * DAY).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])


def test_verdicts_of_earlier_versions_keep_their_meaning() -> None:
    codes = pd.Series(["test", "test", "scale", "scale", "stop", "hold", "first", "", None])
    ages = pd.Series([24.0, 0.0, 24.0, 0.0, 0.0, 24.0, 0.0, 24.0, 24.0])
    expected = ["watch", "reserve", "scale", "first", "skip", "hold", "first", "", ""]
    assert decisions_of(codes, ages).tolist() == expected


def test_a_backtest_answers_by_the_model_of_each_origin() -> None:
    table = pd.DataFrame(
        {
            "promotion_type": ["live"], "account_id": ["a"], "creative_id": ["c"], "age_hours": [24.0],
            "cutoff": pd.to_datetime(["2026-03-05"]), "origin": pd.to_datetime(["2026-03-01"]), "cold": [True],
            "predicted_net_roi": [1.5], "net_roi_low": [0.5], "net_roi_high": [2.0], "net_roi_chance": [0.7],
            "asked_roi": [1.0], "hit_chance": [0.1], "verdict": ["test"], "actual_net_roi": [1.0],
            "later_clicks": [5.0],
        }
    )  # fmt: skip
    found = backtest_answers(table, "net_roi", 7, "net_1h").iloc[0]
    assert (found["model"], found["version"], found["decision"]) == ("backtest", "2026-03-01", "watch")
    assert (found["chance"], found["net_roi_low"]) == (0.7, 0.5)
    assert not {"actual_net_roi", "later_clicks"} & set(found.index)
