"""Goals are compared with the figures of a run and of a comparison; what a file lacks is not measured."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.goals import GOALS, GROUPS, SETS, Goal
from benchmarks.scores import OUTCOME, TRUTH
from benchmarks.targets import figures_of_frame, group_totals, lines_of, places
from benchmarks.truth import TRUE

COUNT = 40


@pytest.fixture
def frame() -> pd.DataFrame:
    """Outcomes are half of what was predicted, and typical values are in the reverse order."""
    rates = np.arange(1.0, COUNT + 1)
    rows = pd.DataFrame({"promotion_type": "live", "age_hours": 24}, index=range(COUNT))
    for name, true in TRUE.items():
        rows[f"predicted_{name}"], rows[f"typical_{name}"], rows[true] = rates, -rates, rates
        rows[f"actual_{name}"] = 1000.0 * rates if name == "later_impressions" else rates / 2
        rows[f"exposure_{name}"] = 1.0
    return rows


def test_outcomes_are_ranked_by_the_typical_value_and_the_truth_by_the_expected_one(frame: pd.DataFrame) -> None:
    found = pd.concat([figures_of_frame(frame), figures_of_frame(frame, true=True)])
    goals = [
        Goal("gpm", "spearman", low=0.5),
        Goal("gpm", "spearman", low=0.5, against=TRUTH),
        Goal("roi", "total", 0.9, 1.1),
        Goal("roi", "total", 0.9, 1.1, against=TRUTH),
        Goal("roi", "total", 1.9, 2.1, age_hours=24),
    ]
    lines = lines_of(goals, found)
    assert [(line[0], line[-2], line[-1]) for line in lines] == [
        ("typical rank", "-1.0000", "MISSED"),
        ("rank", "1.0000", "reached"),
        ("total", "2.0000", "MISSED"),
        ("total", "1.0000", "reached"),
        ("total", "2.0000", "reached"),
    ]


def test_a_run_without_typical_values_has_no_rank_against_outcomes(frame: pd.DataFrame) -> None:
    found = figures_of_frame(frame.drop(columns="typical_gpm"))
    (line,) = lines_of([Goal("gpm", "spearman", low=0.5)], found)
    assert line[-2:] == ("·", "not measured")


def test_totals_of_groups_leave_out_what_holds_less_than_one_percent(frame: pd.DataFrame) -> None:
    few = frame.head(1).assign(promotion_type="product", predicted_later_impressions=1e9)
    twice = frame.assign(age_hours=48, predicted_later_impressions=2 * frame["actual_later_impressions"])
    rows = pd.concat([frame, few, twice])
    assert group_totals(rows, "later_impressions") == pytest.approx([0.001, 2.0])
    (line,) = lines_of([Goal("later_impressions", GROUPS, 0.8, 1.25)], figures_of_frame(rows))
    assert line[-2:] == ("0.0010 … 2.0000", "MISSED")


def peers(**deviance: float) -> pd.DataFrame:
    """Deviances of ROI against outcomes, by method, with bands of their difference from ours."""
    row = {"against": OUTCOME, "target": "roi", "age_hours": -1, "part": "all", "figure": "deviance"}
    return pd.DataFrame(
        [
            row | {"method": name.replace("_", " "), "value": value, "difference_low": -0.1, "difference_high": -0.01}
            for name, value in deviance.items()
        ]
    )


def test_the_model_is_compared_with_its_parts_and_placed_among_the_peers() -> None:
    found = peers(gpmcast=0.5, funnel_alone=0.4, heads_alone=0.6)
    beside = [Goal("roi", "deviance", high=1.0, beside=name) for name in ("funnel alone", "heads alone")]
    assert [line[-2:] for line in lines_of(beside, found)] == [("1.2500", "MISSED"), ("0.8333", "reached")]
    ((*_, verdict),) = places("display-warm", found)
    assert verdict == "MISSED"
    assert places("additive", found) == []  # there, deviance is not ranked


def test_every_data_set_has_goals() -> None:
    assert set(GOALS) == set(SETS)
