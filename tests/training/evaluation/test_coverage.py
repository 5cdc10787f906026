"""Coverage and reliability, on rows that can be counted by hand."""

import numpy as np
import pandas as pd
import pytest

from training.boosting.recipe import Recipe, out_of_fold, predict_out_of_sample
from training.evaluation.coverage import Coverage, coverage, group_coverage, interval_side, reliability, roi_levels
from training.uncertainty import OutOfSample, fit_uncertainty


@pytest.fixture(scope="module")
def holdout(dataset, cut, model) -> OutOfSample:
    return predict_out_of_sample(dataset, cut[1], model)


@pytest.fixture(scope="module")
def kept(dataset, cut, holdout, quick) -> Coverage:
    settings = quick.model_copy(update={"interval": quick.interval.model_copy(update={"min_rows": 50})})
    uncertainty = fit_uncertainty(out_of_fold(dataset, cut[0], Recipe()), dataset.funnel, settings)
    assert uncertainty is not None
    return coverage(uncertainty, holdout)


def test_what_lies_inside_below_and_above_is_counted(holdout) -> None:
    count = len(holdout.predicted)
    actual = pd.DataFrame({"gpm": np.arange(count, dtype=np.float64)})
    bounds = pd.DataFrame({"gpm_low": np.full(count, 5.0), "gpm_high": np.full(count, 9.0)})
    later = np.where(np.arange(count) < 20, 500.0, 5.0)
    cells = group_coverage(bounds, actual, later, 200.0, holdout)
    overall = cells[(cells["age_hours"] == "all") & cells["enough_volume"]].iloc[0]
    assert (overall["rows"], overall["covered"], overall["below"], overall["above"]) == (20, 0.25, 0.25, 0.5)
    assert overall["width"] == 4.0
    assert overall["log_width"] == pytest.approx(np.log(10 / 6))
    exposed = cells[(cells["age_hours"] == "all") & ~cells["enough_volume"]].iloc[0]
    assert (exposed["rows"], exposed["covered"]) == (count, 5 / count)
    parted = cells[cells["age_hours"] != "all"]
    assert parted["rows"].sum() == 20
    assert (parted["covered"] * parted["rows"]).sum() == pytest.approx(5.0)
    assert parted["share"].tolist() == pytest.approx((parted["rows"] / 20).tolist())  # all have the same later volume
    assert overall["share"] == 1.0


class Coins:
    """Half of all outcomes are 0, the others even between 0 and 1; the interval at 80 % is 0–0.6."""

    def __init__(self, count: int) -> None:
        self.intervals = {"gpm_low": np.zeros(count), "gpm_high": np.full(count, 0.6)}

    def cdf(self, values: np.ndarray, target: str) -> np.ndarray:
        return np.tile(0.5 + 0.5 * values, (len(self.intervals[f"{target}_low"]), 1))

    def chance(self, threshold: np.ndarray, target: str = "") -> np.ndarray:
        return np.where(threshold <= 0, 1.0, 0.5 - 0.5 * threshold)


def test_right_intervals_hold_their_level_whatever_the_mass_at_0_is() -> None:
    draw = np.random.default_rng(3)
    truth = np.where(draw.random(20_000) < 0.5, 0.0, draw.random(20_000))
    side = interval_side(Coins(len(truth)), "gpm", truth, 0.8)
    assert (side == 0).mean() == pytest.approx(0.8, abs=0.01)
    assert (side < 0).sum() == 0
    high = interval_side(Coins(len(truth)), "gpm", truth, 0.4)  # 0–0: every outcome of 0 is inside, more than 40 %
    assert (high == 0).mean() == pytest.approx(0.4, abs=0.01)
    unknown = interval_side(Coins(2), "gpm", np.array([np.nan, 0.9]), 0.8)
    assert np.isnan(unknown[0])
    assert unknown[1] == 1


def test_probabilities_are_compared_with_frequencies_by_tenth() -> None:
    stated = np.array([0.05, 0.07, 0.95, 1.0, 0.5])
    bins = reliability(stated, np.array([False, True, True, True, False]))
    assert bins["bin"].tolist() == [0, 5, 9]
    assert bins["rows"].tolist() == [2, 1, 2]
    assert bins["stated"].tolist() == pytest.approx([0.06, 0.5, 0.975])
    assert bins["true"].tolist() == [0.5, 0.0, 1.0]


def test_roi_levels_are_quantiles_of_the_outcomes_above_0() -> None:
    assert roi_levels(np.array([0.0, 0.0, *np.arange(1.0, 12.0)])) == pytest.approx([4.0, 6.0, 8.0, 10.0])
    assert roi_levels(np.zeros(5)) == []


def test_every_target_and_probability_has_a_figure(kept, dataset) -> None:
    assert kept.overall()["target"].tolist() == dataset.funnel.targets
    assert {"roi", "roi_base"} <= set(kept.brier)
    figures = kept.figures()
    assert 0.0 < figures["interval/net_roi/covered"] <= 1.0
    assert figures["interval/brier/roi"] == kept.brier["roi"]
