"""Calibration and lift by tenth of prediction, on rows that can be computed by hand."""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.deciles import DECILES, IDEAL, WHOLE, calibration_table, gained, lift
from training.evaluation.metrics import ALL_AGES, CARRY, EMPIRICAL_BAYES, OWN


def holdout_frame(count: int = 20, age: int = 0) -> pd.DataFrame:
    """Predictions 1 … count, twice too high where they are among the upper half."""
    predicted = np.arange(1.0, count + 1)
    return pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(count)],
            "age_hours": age,
            "predicted_gpm": predicted,
            "actual_gpm": np.where(predicted > count / 2, predicted / 2, predicted),
            "exposure_gpm": 1000.0,
            "predicted_later_impressions": 1000.0,
            "actual_later_impressions": 1000.0,
            "exposure_later_impressions": 1.0,
        }
    )


def line(table: pd.DataFrame, decile: int, age: float = ALL_AGES, target: str = "gpm") -> pd.Series:
    return table.set_index(["target", "age_hours", "decile"]).loc[(target, age, decile)]


def test_each_tenth_has_the_ratio_of_its_own_rows() -> None:
    table = calibration_table(holdout_frame(100), 200.0, draws=20)
    assert [line(table, decile)["total"] for decile in range(1, DECILES + 1)] == pytest.approx([1.0] * 5 + [2.0] * 5)
    first = line(table, 1)
    assert (first["rows"], first["predicted"], first["actual"]) == (10, 5.5, 5.5)
    assert (first["total_low"], first["total_high"]) == pytest.approx((1.0, 1.0))  # whoever is drawn
    assert np.isnan(line(calibration_table(holdout_frame(20), 200.0, draws=5), 1)["total_low"])  # two rows give no band


def test_totals_count_exposure_and_means_count_rows() -> None:
    rows = holdout_frame(10).assign(exposure_gpm=[1000.0] * 5 + [1e9] * 5)
    whole = line(calibration_table(rows, 200.0, draws=5), WHOLE)
    assert whole["total"] == pytest.approx(2.0, rel=1e-4)
    assert whole["mean"] == pytest.approx(rows["predicted_gpm"].mean() / rows["actual_gpm"].mean())


def test_every_age_has_its_own_tenths_and_few_rows_only_the_whole() -> None:
    table = calibration_table(pd.concat([holdout_frame(20, 0), holdout_frame(6, 24)]), 200.0, draws=5)
    assert set(table["age_hours"]) == {ALL_AGES, 0, 24}
    assert table[(table["target"] == "gpm") & (table["age_hours"] == 24)]["decile"].tolist() == [WHOLE]
    assert line(table, WHOLE, 24)["rows"] == 6


def test_rates_of_little_later_volume_are_not_compared_and_volume_is() -> None:
    rows = holdout_frame(20).assign(actual_later_impressions=[100.0] * 15 + [500.0] * 5)
    table = calibration_table(rows, 200.0, draws=5)
    assert line(table, WHOLE)["rows"] == 5
    assert line(table, WHOLE, target="later_impressions")["rows"] == 20


def test_a_tenth_without_outcomes_has_no_ratio() -> None:
    rows = holdout_frame(20)
    rows.loc[:1, "actual_gpm"] = 0.0
    table = calibration_table(rows, 200.0, draws=5)
    assert np.isnan(line(table, 1)["total"])
    assert line(table, 2)["total"] == pytest.approx(1.0)
    assert calibration_table(rows.assign(actual_gpm=np.nan), 200.0, draws=5)["target"].unique().tolist() == [
        "later_impressions"
    ]


ONCE = np.ones((1, 10))


def test_the_highest_score_is_taken_first() -> None:
    rate = np.array([0.0] * 8 + [3.0, 1.0])
    assert gained(rate, ONCE, rate)[0][:3] == pytest.approx([0.75, 1.0, 1.0])
    assert gained(-rate, ONCE, rate)[0][-3:] == pytest.approx([0.0, 0.25, 1.0])


def test_equal_scores_are_taken_alike_whatever_their_order() -> None:
    rate = np.arange(10.0)
    for order in (rate, rate[::-1]):
        assert gained(np.ones(10), ONCE, order)[0] == pytest.approx(np.arange(1, 11) / 10)


def test_a_row_of_much_exposure_fills_several_tenths() -> None:
    cost = np.array([[50.0] + [50.0 / 9] * 9])
    score = rate = np.array([1.0] + [0.0] * 9)
    assert gained(score, cost, rate)[0][:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_each_method_and_the_ideal_have_a_curve_at_every_age() -> None:
    truth = np.arange(12.0)
    rows = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(12)],
            "age_hours": 0,
            "predicted_gpm": truth,
            "carried_gpm": -truth,
            "bayes_gpm": 1.0,
            "actual_gpm": truth,
            "exposure_gpm": 1000.0,
            "actual_later_impressions": 1000.0,
        }
    )
    rows = pd.concat([rows, rows.head(5).assign(age_hours=24)])  # too few rows of 24 h
    table = lift(rows[rows["age_hours"] == 0], 200.0, draws=10).set_index(["age_hours", "method", "tenth"])
    assert table.loc[(0, OWN), "gained"].tolist() == pytest.approx(table.loc[(0, IDEAL), "gained"].tolist())
    assert table.loc[(0, EMPIRICAL_BAYES), "lift"].tolist() == pytest.approx([1.0] * 10)
    assert table.loc[(0, CARRY, 1), "lift"] < 1.0 < table.loc[(0, OWN, 1), "lift"]
    assert table.loc[(0, OWN), "lift"].sum() == pytest.approx(10.0)
    own = table.loc[(0, OWN, 3)]
    assert own["gained_low"] <= own["gained"] <= own["gained_high"]
    assert set(lift(rows, 200.0, draws=2)["age_hours"]) == {-1, 0}


def test_without_outcomes_gain_is_nan() -> None:
    assert np.isnan(gained(np.arange(10.0), ONCE, np.zeros(10))).all()


def test_a_group_holds_its_share_of_the_exposure_and_of_a_volume_the_larger_of_came_and_predicted() -> None:
    rows = holdout_frame(20).assign(exposure_gpm=[1.0] * 10 + [3.0] * 10, age_hours=[0] * 10 + [24] * 10)
    rows = rows.assign(predicted_later_impressions=[100.0] * 10 + [300.0] * 10, actual_later_impressions=500.0)
    table = calibration_table(rows, 200.0, draws=5)
    assert [line(table, WHOLE, age)["share"] for age in (ALL_AGES, 0, 24)] == pytest.approx([1.0, 0.25, 0.75])
    volume = [line(table, WHOLE, age, "later_impressions")["share"] for age in (ALL_AGES, 0, 24)]
    assert volume == pytest.approx([1.0, 0.5, 0.75])
    tenths = table[(table["target"] == "gpm") & (table["age_hours"] == ALL_AGES) & (table["decile"] != WHOLE)]
    assert tenths["share"].sum() == pytest.approx(1.0)
