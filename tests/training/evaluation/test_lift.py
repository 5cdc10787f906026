"""What the best predicted bring, counted by hand."""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.lift import IDEAL, gained, lift
from training.evaluation.metrics import CARRY, EMPIRICAL_BAYES, OWN

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


def test_each_method_stands_beside_the_ideal_at_every_age() -> None:
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


def test_where_nothing_came_nothing_is_told() -> None:
    assert np.isnan(gained(np.arange(10.0), ONCE, np.zeros(10))).all()
