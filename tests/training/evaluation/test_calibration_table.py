"""Predicted over actual, in total, on average and by tenth, on rows that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.calibration_table import DECILES, WHOLE, calibration_table
from training.evaluation.metrics import ALL_AGES


def beside(count: int = 20, age: int = 0) -> pd.DataFrame:
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


def test_each_tenth_tells_how_far_its_rows_are_off() -> None:
    table = calibration_table(beside(100), 200.0, draws=20)
    assert [line(table, decile)["total"] for decile in range(1, DECILES + 1)] == pytest.approx([1.0] * 5 + [2.0] * 5)
    first = line(table, 1)
    assert (first["rows"], first["predicted"], first["actual"]) == (10, 5.5, 5.5)
    assert (first["total_low"], first["total_high"]) == pytest.approx((1.0, 1.0))  # whoever is drawn
    assert np.isnan(line(calibration_table(beside(20), 200.0, draws=5), 1)["total_low"])  # two rows tell no luck


def test_totals_count_exposure_and_means_count_rows() -> None:
    rows = beside(10).assign(exposure_gpm=[1000.0] * 5 + [1e9] * 5)
    whole = line(calibration_table(rows, 200.0, draws=5), WHOLE)
    assert whole["total"] == pytest.approx(2.0, rel=1e-4)
    assert whole["mean"] == pytest.approx(rows["predicted_gpm"].mean() / rows["actual_gpm"].mean())


def test_every_age_has_its_own_tenths_and_few_rows_only_the_whole() -> None:
    table = calibration_table(pd.concat([beside(20, 0), beside(6, 24)]), 200.0, draws=5)
    assert set(table["age_hours"]) == {ALL_AGES, 0, 24}
    assert table[(table["target"] == "gpm") & (table["age_hours"] == 24)]["decile"].tolist() == [WHOLE]
    assert line(table, WHOLE, 24)["rows"] == 6


def test_rates_of_little_later_volume_are_not_compared_and_volume_is() -> None:
    rows = beside(20).assign(actual_later_impressions=[100.0] * 15 + [500.0] * 5)
    table = calibration_table(rows, 200.0, draws=5)
    assert line(table, WHOLE)["rows"] == 5
    assert line(table, WHOLE, target="later_impressions")["rows"] == 20


def test_a_tenth_in_which_nothing_came_has_no_ratio() -> None:
    rows = beside(20)
    rows.loc[:1, "actual_gpm"] = 0.0
    table = calibration_table(rows, 200.0, draws=5)
    assert np.isnan(line(table, 1)["total"])
    assert line(table, 2)["total"] == pytest.approx(1.0)
    assert calibration_table(rows.assign(actual_gpm=np.nan), 200.0, draws=5)["target"].unique().tolist() == [
        "later_impressions"
    ]
