"""Metrics by hand, which rows count for them, and the bootstrap over creatives."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from training.evaluation.metrics import ALL_AGES, MIN_METRIC_ROWS, band, creative_draws, drawn_spearman, evaluate, score

TRUTH = np.arange(1.0, 11.0)
GUESS = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 9.0])
SEEN = np.full(10, 100.0)


def metrics_of(guess=GUESS, truth=TRUTH, seen=SEEN, ages=None, cold=None, least=0.0, target="gpm") -> pd.DataFrame:
    rows = len(truth)
    return evaluate(
        {"gpmcast": pd.DataFrame({target: guess})},
        pd.DataFrame({target: truth}),
        {"volume": seen, target: seen},
        pd.Series(np.zeros(rows) if ages is None else ages),
        np.zeros(rows, dtype=bool) if cold is None else cold,
        least,
    )


def figure(table: pd.DataFrame, name: str, part: str = "all", age: float = ALL_AGES) -> float:
    found = table[(table["part"] == part) & (table["age_hours"] == age)]
    assert len(found) == 1
    return float(found[name].iloc[0])


def test_figures_by_hand() -> None:
    table = metrics_of()
    assert figure(table, "rows") == 10
    assert figure(table, "spearman") == pytest.approx(1 - 6 * 2 / (10 * 99))
    assert figure(table, "weighted_spearman") == figure(table, "spearman")
    assert figure(table, "log_error") == pytest.approx(2 * np.log(11 / 10) / 10)
    assert figure(table, "total") == figure(table, "mean") == pytest.approx(1.0)
    expected = 2 * (9 * np.log(9 / 10) + 1 + 10 * np.log(10 / 9) - 1) / 10 / 5.5
    assert figure(table, "deviance") == pytest.approx(expected)


def test_a_perfect_guess_is_perfect() -> None:
    table = metrics_of(guess=TRUTH)
    assert (figure(table, "spearman"), figure(table, "log_error"), figure(table, "total")) == (pytest.approx(1.0), 0, 1)
    assert figure(table, "deviance") == pytest.approx(0.0, abs=1e-12)


def test_total_counts_exposure_and_mean_counts_creatives() -> None:
    seen = np.array([910.0, *[10.0] * 9])
    table = metrics_of(guess=np.array([2.0, *TRUTH[1:]]), seen=seen)
    assert figure(table, "mean") == pytest.approx(56 / 55)
    assert figure(table, "total") == pytest.approx((2 * 910 + 540) / (910 + 540))


def test_no_row_weighs_more_than_ten_typical_ones() -> None:
    seen = np.array([1e9, *[10.0] * 9])
    table = metrics_of(guess=np.array([np.e * 2 - 1, *TRUTH[1:]]), seen=seen)
    assert figure(table, "log_error") == pytest.approx(100 / 190)


def test_cold_and_warm_creatives_have_separate_metrics() -> None:
    cold = np.arange(20) < 10
    table = metrics_of(np.r_[GUESS, TRUTH * 2], np.r_[TRUTH, TRUTH], np.full(20, 100.0), cold=cold)
    assert figure(table, "mean", "cold") == pytest.approx(1.0)
    assert figure(table, "mean", "warm") == pytest.approx(2.0)
    assert figure(table, "mean") == pytest.approx(1.5)
    assert figure(table, "rows", "cold") == figure(table, "rows", "warm") == 10


def test_each_age_has_its_own_metrics() -> None:
    ages = np.r_[np.zeros(10), np.full(10, 24)]
    table = metrics_of(np.r_[GUESS, TRUTH * 2], np.r_[TRUTH, TRUTH], np.full(20, 100.0), ages=ages)
    assert sorted(table["age_hours"].unique()) == [ALL_AGES, 0, 24]
    assert figure(table, "mean", age=24) == pytest.approx(2.0)


def test_metrics_of_too_few_rows_are_nan() -> None:
    table = metrics_of(GUESS[:9], TRUTH[:9], SEEN[:9])
    assert figure(table, "rows") == MIN_METRIC_ROWS - 1
    assert np.isnan(figure(table, "spearman"))
    assert np.isnan(figure(table, "deviance"))


@pytest.mark.parametrize(("target", "rows"), [("gpm", 8), ("later_impressions", 9)])
def test_rates_need_enough_later_volume_and_volume_does_not(target, rows) -> None:
    truth = TRUTH.copy()
    truth[0] = np.nan  # not known
    seen = SEEN.copy()
    seen[1] = 99.0  # too little
    assert figure(metrics_of(truth=truth, seen=seen, least=100.0, target=target), "rows") == rows


@pytest.mark.parametrize("guess", [np.zeros(10), np.full(10, 3.0)])
def test_a_constant_prediction_has_no_rank_correlation(guess) -> None:
    table = metrics_of(guess=guess)
    assert np.isnan(figure(table, "spearman"))
    assert np.isfinite(figure(table, "deviance"))


def test_where_nothing_was_earned_there_is_no_deviance() -> None:
    assert np.isnan(figure(metrics_of(truth=np.zeros(10)), "deviance"))


def test_the_score_is_the_mean_deviance_of_the_rates() -> None:
    rows = [
        ("gpm", ALL_AGES, "all", "gpmcast", 0.4),
        ("roi", ALL_AGES, "all", "gpmcast", 0.6),
        ("later_impressions", ALL_AGES, "all", "gpmcast", 100.0),
        ("gpm", 0, "all", "gpmcast", 100.0),
        ("gpm", ALL_AGES, "cold", "gpmcast", 100.0),
        ("gpm", ALL_AGES, "all", "empirical Bayes", 0.9),
    ]
    table = pd.DataFrame(rows, columns=["target", "age_hours", "part", "method", "deviance"])
    assert score(table) == pytest.approx(0.5)
    assert score(table, "empirical Bayes") == pytest.approx(0.9)


def keys(names: str) -> pd.DataFrame:
    return pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": list(names)})


def test_rows_of_a_creative_are_drawn_together_and_every_draw_has_as_many_creatives() -> None:
    drawn = creative_draws(keys("abac"), 50)
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert drawn[:, 0].std() > 0
    assert (creative_draws(keys("abac"), 50) == drawn).all()


def test_the_correlation_of_a_draw_is_that_of_its_rows_repeated() -> None:
    draw = np.random.default_rng(5)
    guess, truth = draw.integers(0, 6, 40).astype(float), draw.integers(0, 4, 40).astype(float)
    drawn = draw.multinomial(40, np.full(40, 1 / 40), size=8).astype(float)
    expected = []
    for counts in drawn.astype(int):
        rows = np.repeat(np.arange(40), counts)
        expected.append(spearmanr(guess[rows], truth[rows]).statistic)
    assert drawn_spearman(guess, truth, drawn) == pytest.approx(expected)


def test_a_side_that_does_not_vary_has_no_correlation() -> None:
    assert np.isnan(drawn_spearman(np.ones(5), np.arange(5.0), np.ones((1, 5)))).all()


def test_a_band_holds_nine_tenths_of_what_is_known() -> None:
    low, high = band(np.array([*np.arange(101.0), np.nan]))
    assert (low, high) == pytest.approx((5.0, 95.0))
    assert np.isnan(band(np.array([np.nan]))).all()
