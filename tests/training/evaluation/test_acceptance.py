"""Acceptance checks: sampling variance does not fail, few rows do not pass."""

import numpy as np
import pandas as pd
import pytest

from training.evaluation.acceptance import (
    FAIL,
    PASS,
    REVIEW,
    Check,
    CheckedFigure,
    acceptance_checks,
    deviances,
    interval_coverage,
    overall,
)
from training.evaluation.deciles import calibration_table
from training.evaluation.metrics import evaluate


def one(value: float, low: float, high: float) -> CheckedFigure:
    return CheckedFigure(("gpm",), value, low, high, 500)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        ([], REVIEW),
        ([one(0.80, 0.7, 0.9)], PASS),
        ([one(0.80, 0.79, 0.81), one(0.86, 0.83, 0.89)], REVIEW),
        ([one(0.86, 0.83, 0.89), one(0.90, 0.88, 0.92)], FAIL),
        ([one(0.70, 0.66, 0.74)], FAIL),
    ],
)
def test_the_worst_figure_decides(found: list[CheckedFigure], status: str) -> None:
    check = Check("coverage", (0.78, 0.84), found, 0)
    assert check.status == status
    assert check.worst == (found[-1] if found else None)


def test_better_than_a_baseline_needs_the_whole_band() -> None:
    assert Check("baselines", (-np.inf, 1.0), [one(0.9, 0.8, 1.05)], 0, whole_band=True).status == REVIEW
    assert Check("baselines", (-np.inf, 1.0), [one(0.9, 0.8, 0.99)], 0, whole_band=True).status == PASS
    assert Check("baselines", (-np.inf, 1.0), [one(1.2, 1.1, 1.3)], 0, whole_band=True).status == FAIL


def test_all_must_pass() -> None:
    good, bad, thin = (
        Check("group_coverage", (0.74, 1.0), found, 0) for found in ([one(0.8, 0.7, 0.9)], [one(0, 0, 0)], [])
    )
    assert [overall(found) for found in ([good, good], [good, thin], [thin, bad])] == [PASS, REVIEW, FAIL]


def world(count: int, seed: int = 3) -> pd.DataFrame:
    """Predictions that are right on average, beside rules that are not."""
    draw = np.random.default_rng(seed)
    rate = draw.lognormal(0.0, 1.0, count)
    frame = pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a",
            "creative_id": [f"c{place}" for place in range(count)],
            "age_hours": 0,
            "predicted_gpm": rate,
            "carried_gpm": draw.permutation(rate),
            "bayes_gpm": rate.mean(),
            "actual_gpm": draw.poisson(50 * rate) / 50,
            "exposure_gpm": 1000.0,
            "actual_later_impressions": 1000.0,
        }
    )
    return frame.assign(gpm_low=rate - 1.28 * np.sqrt(rate / 50), gpm_high=rate + 1.28 * np.sqrt(rate / 50))


def checks_of(holdout: pd.DataFrame, share: float = 0.8) -> dict[str, Check]:
    cells = pd.DataFrame(
        {
            "target": "gpm",
            "age_hours": ["all", "0", "0"],
            "quarter": ["all", "q1", "q2"],
            "promotion_type": ["all", "live", "live"],
            "enough_volume": True,
            "rows": [900, 400, 50],
            "covered": [0.1, share, 0.1],
        }
    )
    bins = pd.DataFrame(
        {"chance": "roi", "bin": [0, 5], "rows": [4000, 100], "stated": [0.05, 0.55], "true": [0.06, 0]}
    )
    deciles = calibration_table(holdout, 200.0, draws=50)
    found = acceptance_checks(holdout, cells, bins, deciles, level=0.8, least_volume=200.0, draws=50)
    return {check.name: check for check in found}


def test_a_good_model_on_many_rows_passes() -> None:
    found = checks_of(world(4000))
    assert {name: check.status for name, check in found.items()} == dict.fromkeys(found, PASS)
    assert (found["group_coverage"].too_few, found["probabilities"].too_few) == (1, 1)
    assert found["coverage"].allowed == pytest.approx((0.78, 0.84))
    assert found["group_coverage"].allowed[0] == pytest.approx(0.74)


def test_a_model_twice_too_high_fails_and_few_rows_are_reviewed() -> None:
    good = world(4000)
    found = checks_of(good.assign(predicted_gpm=2 * good["predicted_gpm"], gpm_low=0.0, gpm_high=1e9), share=0.6)
    assert (found["deciles"].status, found["coverage"].status, found["group_coverage"].status) == (FAIL, FAIL, FAIL)
    few = checks_of(world(150))
    assert (few["deciles"].status, few["coverage"].status, few["baselines"].status) == (REVIEW, REVIEW, REVIEW)
    assert few["deciles"].too_few == 20


def test_a_baseline_with_equal_predictions_is_skipped() -> None:
    good = world(400)
    found = checks_of(good.assign(bayes_gpm=good["predicted_gpm"]))["baselines"]
    assert [figure.of for figure in found.figures] == [("gpm", "carry-forward")]


def test_ratios_of_deviances_equal_those_of_the_evaluation() -> None:
    rows = world(300)
    truth, exposure = rows["actual_gpm"].to_numpy(), np.geomspace(1, 1e4, 300)
    own, other = (
        deviances(rows[f"{part}_gpm"].to_numpy(), truth, exposure, np.ones((1, 300)))[0]
        for part in ("predicted", "bayes")
    )
    figures = evaluate(
        {
            "own": rows[["predicted_gpm"]].set_axis(["gpm"], axis=1),
            "other": rows[["bayes_gpm"]].set_axis(["gpm"], axis=1),
        },
        rows[["actual_gpm"]].set_axis(["gpm"], axis=1),
        {"gpm": exposure, "volume": np.full(300, 1e3)},
        rows["age_hours"],
        np.ones(300, dtype=bool),
        200.0,
    )
    recomputed = figures[(figures["part"] == "all") & (figures["age_hours"] == 0)].set_index("method")["deviance"]
    assert own / other == pytest.approx(recomputed["own"] / recomputed["other"])


def test_without_intervals_there_is_no_coverage() -> None:
    rows = world(20)
    assert interval_coverage(rows.drop(columns="gpm_low"), "gpm", 200.0) is None
    assert interval_coverage(rows.assign(gpm_low=np.nan), "gpm", 200.0) is None
    assert interval_coverage(rows.assign(gpm_low=0.0, gpm_high=1e9), "gpm", 200.0, draws=5) == CheckedFigure(
        ("gpm",), 1.0, 1.0, 1.0, 20
    )
