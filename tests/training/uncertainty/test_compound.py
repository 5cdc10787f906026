"""Compound distributions against simulations of what they state."""

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from training.uncertainty.compound import (
    LATTICE,
    POINTS,
    VALUE_VARIANCE,
    Distribution,
    compound_distribution,
    crps,
    volume_distribution,
    volumes_of_at_least,
)
from training.uncertainty.fit import fit_unit
from training.uncertainty.recalibration import GRID
from training.uncertainty.volume_model import fit_volume_model


def test_the_lattice_is_even_in_every_column_and_correlates_none() -> None:
    middles = (np.arange(POINTS) + 0.5) / POINTS
    np.testing.assert_allclose(np.sort(LATTICE, axis=0), np.repeat(middles[:, None], 3, axis=1))
    scores = ndtri(LATTICE)
    assert np.abs(np.corrcoef(scores.T) - np.eye(3)).max() < 0.03
    for one, other in ((0, 1), (0, 2), (1, 2)):
        total = np.sort(ndtr((scores[:, one] + scores[:, other]) / np.sqrt(2.0)))
        assert np.abs(total - middles).max() < 0.04


def maps(count: int) -> np.ndarray:
    return np.tile(GRID, (count, 1))


def simulated(events: float, variance: float, draw: np.random.Generator, count: int = 200_000) -> np.ndarray:
    """Sums of gamma values, Poisson in number, over their expected value."""
    rate = np.exp(draw.normal(-variance / 2, np.sqrt(variance), count))
    orders = draw.poisson(events * rate)
    shape = np.maximum(orders, 1) / VALUE_VARIANCE
    return np.where(orders > 0, draw.gamma(shape, VALUE_VARIANCE), 0.0) / events


@pytest.mark.parametrize("events", [0.05, 0.7, 4.0, 300.0])
@pytest.mark.parametrize("variance", [0.02, 0.5])
def test_a_compound_distribution_states_what_a_simulation_shows(events, variance) -> None:
    came = simulated(events, variance, np.random.default_rng(1))
    logs = np.full((1, POINTS), np.log(events))
    own = compound_distribution(np.zeros((1, POINTS)), logs, np.array([variance]), np.ones(1), maps(1))
    assert own.zero[0] == pytest.approx((came == 0).mean(), abs=0.01)
    assert own.mean_log1p()[0] == pytest.approx(np.log1p(came).mean(), rel=0.04)
    assert own.weights[0] @ np.exp(own.log_values[0]) == pytest.approx(1.0, rel=0.06)  # the mean is the prediction
    for level in (0.25, 0.5, 0.9):
        value = np.quantile(came, level)
        assert own.cdf(np.array([[value]]))[0, 0] == pytest.approx((came <= value).mean(), abs=0.03)


def test_the_cdf_rises_and_quantiles_invert_it() -> None:
    logs = np.linspace(-3, 3, POINTS)[None, :]
    own = compound_distribution(np.zeros((1, POINTS)), logs, np.array([0.3]), np.ones(1), maps(1) ** 1.5)
    values = np.concatenate([[-1.0, 0.0], np.geomspace(1e-6, 1e6, 200)])[None, :]
    below = own.cdf(values)[0]
    assert (np.diff(below) >= 0).all()
    assert (below[0], below[-1]) == (0.0, 1.0)
    levels = np.array([0.3, 0.5, 0.9])
    found = np.expm1(own.log_quantiles(levels))
    np.testing.assert_allclose(own.cdf(found)[0], np.maximum(levels, below[1]), atol=1e-5)


def test_money_over_a_volume_that_may_not_come_is_0_where_it_does_not() -> None:
    sure = np.full((1, POINTS), 5.0)
    own = compound_distribution(sure, sure, np.array([0.1]), np.array([0.4]), maps(1))
    assert own.zero[0] == pytest.approx(0.6, abs=1e-3)


def columns(count: int, draw: np.random.Generator) -> dict[str, np.ndarray]:
    return {
        "step": draw.integers(0, 5, count),
        "promotion_type": draw.choice(np.array(["live", "product"], dtype=object), count),
        "volume": draw.normal(6.0, 2.0, count),
        "log_last_day": draw.normal(0.0, 1.0, count),
    }


def test_later_volume_is_fitted_with_its_shift_its_spread_and_its_zeros() -> None:
    draw = np.random.default_rng(2)
    known = columns(6000, draw)
    deviation = np.where(known["step"] == 0, 2.0, 0.5)
    true = known["volume"] - 1.0 + 0.5 * known["log_last_day"]
    came = np.expm1(np.maximum(true + deviation * draw.normal(size=6000), 0.0))
    model = fit_volume_model(known, came)
    mean, found = model.mean_and_deviation(known)
    assert np.corrcoef(mean, true)[0, 1] > 0.98
    assert np.median(found[known["step"] == 0]) > 2.5 * np.median(found[known["step"] == 3])
    own = volume_distribution(mean, found, maps(6000))
    assert own.zero.mean() == pytest.approx((came == 0).mean(), abs=0.02)
    inside = own.cdf(came[:, None])[:, 0]
    assert ((inside > 0.1) & (inside < 0.9))[came > 0].mean() == pytest.approx(0.8, abs=0.06)


def test_a_column_that_only_a_new_row_lacks_and_an_unknown_type_change_nothing_else() -> None:
    draw = np.random.default_rng(3)
    known = columns(500, draw)
    model = fit_volume_model(known, np.expm1(known["volume"]))
    strange = {**known, "promotion_type": np.full(500, "brand", dtype=object)}
    del strange["log_last_day"]
    for one in model.mean_and_deviation(strange):
        assert np.isfinite(one).all()


def test_volumes_that_are_given_reach_the_least_and_no_volume_is_above_0() -> None:
    mean, deviation = np.array([2.0, 8.0]), np.array([3.0, 0.5])
    reached, logs = volumes_of_at_least(mean, deviation, maps(2), 200.0)
    assert (np.exp(logs) >= 200.0 * (1 - 1e-9)).all()
    assert reached[0] == pytest.approx(0.14, abs=0.01)
    assert reached[1] == pytest.approx(1.0, abs=1e-4)
    some, _ = volumes_of_at_least(mean, deviation, maps(2), 0.0)
    assert some[0] == pytest.approx(0.7475, abs=0.01)


def test_the_score_is_best_for_the_right_spread() -> None:
    came = simulated(5.0, 0.4, np.random.default_rng(6), 2000)

    def score(variance: float) -> float:
        shape = (2000, POINTS)
        own = compound_distribution(
            np.zeros(shape), np.full(shape, np.log(5.0)), np.full(2000, variance), np.ones(2000), maps(2000)
        )
        return float(crps(own, came).mean())

    assert score(0.4) < min(score(0.05), score(2.0))


def test_the_score_of_one_certain_point_is_its_distance() -> None:
    point = Distribution(np.zeros(1), np.log(np.full((1, 1), np.e - 1.0)), np.ones((1, 1)), maps(1))
    assert crps(point, np.zeros(1))[0] == pytest.approx(1.0)


def test_the_unit_makes_a_poisson_count_above_0_as_often_as_outcomes_are() -> None:
    expected = np.full(1000, 3.0)  # CNY earned on average; something came in 1 − e^−1.5 of the rows
    some = np.arange(1000) < 1000 * (1 - np.exp(-1.5))
    assert np.exp(fit_unit(np.log(expected), some)) == pytest.approx(2.0, rel=0.01)
