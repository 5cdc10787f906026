"""Does the bootstrap draw creatives, and rank as if each draw stood there row by row?"""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from training.evaluation.bootstrap import band, creative_draws, drawn_spearman


def keys(names: str) -> pd.DataFrame:
    return pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": list(names)})


def test_rows_of_a_creative_are_drawn_together_and_every_draw_has_as_many_creatives() -> None:
    drawn = creative_draws(keys("abac"), 50, seed=1)
    assert (drawn[:, 0] == drawn[:, 2]).all()
    assert (drawn[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert drawn[:, 0].std() > 0
    assert (creative_draws(keys("abac"), 50, seed=1) == drawn).all()


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
