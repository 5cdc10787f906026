"""Hurdle distributions: their probability of 0, their log-normal bodies, their grids."""

import numpy as np
import pandas as pd
import pytest

from training.uncertainty.hurdle import Mixture, fit_hurdle, fit_unit
from training.uncertainty.regressions import PARTS, CrossFitParts

NO_TREES = np.zeros((3, 1))


def test_half_of_a_lognormal_lies_below_its_centre_and_zeros_count_on_top() -> None:
    mixture = Mixture(np.array([[0.4]]), np.array([[np.log(10.0)]]), np.array([[1.0]]))
    assert mixture.cdf(np.array([0.0]))[0] == pytest.approx(0.4)
    assert mixture.cdf(np.array([10.0]))[0] == pytest.approx(0.4 + 0.6 * 0.5)
    assert mixture.cdf(np.array([[1e-9, 10.0, 1e9]]))[0].tolist() == pytest.approx([0.4, 0.7, 1.0])


def test_components_of_a_mixture_have_equal_weight() -> None:
    mixture = Mixture(zero=np.array([[0.0, 1.0]]), centre=np.zeros((1, 2)), deviation=np.ones((1, 2)))
    assert mixture.cdf(np.array([1.0]))[0] == pytest.approx(0.75)


def test_the_grid_rises_and_covers_the_body() -> None:
    mixture = Mixture(np.zeros((2, 1)), np.array([[0.0], [5.0]]), np.array([[0.5], [2.0]]))
    grid = mixture.grid()
    assert (np.diff(grid, axis=1) > 0).all()
    below = mixture.cdf(grid)
    assert (below[:, 0] < 1e-5).all()
    assert (below[:, -1] > 1 - 1e-5).all()


def test_a_hurdle_fits_how_often_outcomes_are_above_0_their_shift_and_their_spread() -> None:
    draw = np.random.default_rng(3)
    count = 6000
    loud = draw.integers(0, 2, count).astype(np.float64)
    came = np.where(draw.random(count) < 0.3 + 0.4 * loud, np.exp(1.0 + 0.5 + draw.normal(0, 0.5 + loud, count)), 0.0)
    parts = CrossFitParts(np.arange(count) % PARTS, np.zeros(count, dtype=np.int64))
    fitted = fit_hurdle({"loud": loud}, pd.DataFrame(index=range(count)), np.ones(count), came, parts)
    assert len(fitted.without) == PARTS
    for hurdle in (fitted.whole, *fitted.without):
        for value, share, spread in ((0.0, 0.3, 0.5), (1.0, 0.7, 1.5)):
            zero, centre, deviation = hurdle.parameters({"loud": np.array([value])}, np.ones(1), NO_TREES)
            assert 1.0 - zero[0] == pytest.approx(share, abs=0.04)
            assert centre[0] == pytest.approx(1.5, abs=0.1)
            assert deviation[0] == pytest.approx(spread, rel=0.15)


@pytest.mark.parametrize("came", [np.zeros(300), np.full(300, 2.0)])
def test_where_outcomes_are_always_or_never_0_probabilities_stay_inside_0_and_1(came) -> None:
    parts = CrossFitParts(np.arange(300) % PARTS, np.zeros(300, dtype=np.int64))
    columns = {"size": np.arange(300.0)}
    hurdle = fit_hurdle(columns, pd.DataFrame(index=range(300)), np.zeros(300), came, parts).whole
    zero, centre, deviation = hurdle.parameters({"size": np.array([5.0])}, np.zeros(1), NO_TREES)
    assert 0.0 < zero[0] < 1.0
    assert np.isfinite(centre).all()
    assert deviation[0] > 0


def test_the_unit_makes_a_poisson_count_above_0_as_often_as_outcomes_are() -> None:
    expected = np.full(1000, 3.0)  # CNY earned on average; something came in 1 − e^−1.5 of the rows
    some = np.arange(1000) < 1000 * (1 - np.exp(-1.5))
    assert np.exp(fit_unit(np.log(expected), some)) == pytest.approx(2.0, rel=0.01)
