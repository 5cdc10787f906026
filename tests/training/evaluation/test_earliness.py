"""Does the earliness curve tell, by hand-checkable counts, what was still undecided and what a forecast was worth?"""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.budget_replay import Budget, usual_roi
from training.evaluation.earliness import earliness, judged_earliness

COUNT = 12


def beside(age: int, later_spend: float) -> pd.DataFrame:
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


ROWS = pd.concat([beside(0, 100.0), beside(24, 72.0)], ignore_index=True)


def test_undecided_is_later_spend_out_of_it_and_all_before() -> None:
    curve = earliness(
        ROWS, {"mine": ROWS["predicted_net_roi"].to_numpy()}, ROWS["spent_cny"].to_numpy(), Budget(0.5, 1)
    )
    assert curve["undecided_share"].tolist() == [1.0, 72 / (72 + 24)]
    assert curve["spearman"].tolist() == pytest.approx([1.0, 1.0])
    assert curve["captured_share"].tolist() == pytest.approx([1.0, 1.0])


def test_the_wrong_way_round_is_as_far_below_chance_as_the_right_way_is_above() -> None:
    curve = judged_earliness(ROWS, 200.0, draws=20).set_index(["age_hours", "method"])
    assert curve.loc[(24, "carry-forward"), "spearman"] == pytest.approx(-1.0)
    assert curve.loc[(24, "carry-forward"), "captured_share"] == pytest.approx(-1.0)
    assert curve.loc[(24, "empirical Bayes"), "captured_share"] == pytest.approx(0.0)
    assert np.isnan(curve.loc[(24, "empirical Bayes"), "spearman"])  # one guess for all ranks nobody
    assert curve.loc[(24, "gpmcast"), "captured_share"] == pytest.approx(1.0)


def test_rows_of_little_volume_are_not_ranked_but_their_money_counts() -> None:
    thin = ROWS.assign(actual_later_impressions=[500.0] * (COUNT + 4) + [10.0] * (COUNT - 4))
    curve = judged_earliness(thin, 200.0, draws=5).set_index(["age_hours", "method"])
    assert curve.loc[(24, "gpmcast"), "rows"] == 4
    assert np.isnan(curve.loc[(24, "gpmcast"), "spearman"])
    assert curve.loc[(24, "gpmcast"), "captured_share"] == pytest.approx(1.0)


def test_rows_without_roi_have_no_curve() -> None:
    assert judged_earliness(ROWS.drop(columns="actual_net_roi"), 200.0).empty
    assert judged_earliness(ROWS.assign(actual_net_roi=np.nan), 200.0).empty


def test_break_even_is_what_all_money_earned_together() -> None:
    two = ROWS.head(2).assign(exposure_net_roi=[300.0, 100.0])
    assert usual_roi(two) == pytest.approx((300 * 1 + 100 * 2) / 400)
