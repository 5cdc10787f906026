"""Evidence that an ROI is below or above its target: error rates under constant looking, and what it is made of."""

import numpy as np
import pytest
from scipy.integrate import quad

from training.decision.plan.evidence import (
    SCALE,
    STOP,
    WATCH,
    belief,
    calls,
    log_e_above,
    log_e_below,
    orders_before_stop,
    updated,
)

ERROR = 0.05
LINE = -np.log(ERROR)


def test_the_mixtures_are_the_integrals_that_they_stand_for() -> None:
    orders, asked = 2.5, 4.0

    def weight(ratio: float) -> float:
        return ratio**orders * np.exp(asked * (1.0 - ratio)) * np.exp(-ratio)

    below = quad(weight, 0.0, 1.0)[0] / (1.0 - np.exp(-1.0))
    above = quad(weight, 1.0, np.inf)[0] / np.exp(-1.0)
    assert np.exp(log_e_below(np.array([orders]), np.array([asked])))[0] == pytest.approx(below)
    assert np.exp(log_e_above(np.array([orders]), np.array([asked])))[0] == pytest.approx(above)


def paths(ratio: float, looks: int = 2000, creatives: int = 2000) -> tuple[np.ndarray, np.ndarray]:
    """Orders and what the target asks for at every look, each look a fiftieth of an order at target."""
    chance = np.random.default_rng(11)
    orders = chance.poisson(0.02 * ratio, (creatives, looks)).cumsum(axis=1).astype(float)
    return orders, np.broadcast_to(0.02 * np.arange(1.0, looks + 1.0), orders.shape)


def test_at_its_target_a_creative_is_called_on_at_most_the_stated_share_of_paths_however_often_one_looks() -> None:
    orders, asked = paths(1.0)
    assert (log_e_below(orders, asked) >= LINE).any(axis=1).mean() <= ERROR
    assert (log_e_above(orders, asked) >= LINE).any(axis=1).mean() <= ERROR


def test_far_from_its_target_a_creative_is_called_on_the_right_side() -> None:
    assert (log_e_below(*paths(0.3)) >= LINE).any(axis=1).mean() > 0.95
    assert (log_e_above(*paths(3.0)) >= LINE).any(axis=1).mean() > 0.95


def test_later_orders_take_a_call_back() -> None:
    asked = np.array([6.0, 7.0])
    below = log_e_below(np.array([0.0, 4.0]), asked)
    assert list(calls(below, np.zeros(2), ERROR)) == [STOP, WATCH]


def test_enough_money_above_target_is_a_call_to_scale() -> None:
    orders, asked = np.array([20.0]), np.array([6.0])
    assert list(calls(log_e_below(orders, asked), log_e_above(orders, asked), ERROR)) == [SCALE]


def test_without_an_order_a_creative_is_stopped_exactly_at_the_stated_spend() -> None:
    asked = orders_before_stop(ERROR)
    edge = log_e_below(np.zeros(2), np.array([asked * 0.999, asked * 1.001]))
    assert edge[0] < LINE < edge[1]
    assert 3.0 < asked < 5.0


def test_a_belief_has_the_predicted_mean_and_is_moved_by_money_as_by_orders() -> None:
    shape, rate = belief(np.array([2.0]), np.array([0.5]))
    assert shape / rate == pytest.approx(2.0)
    assert np.log1p(1.0 / shape) == pytest.approx(0.5)
    shape, rate = updated(shape, rate, np.array([1e6]), np.array([2e6]), np.array([100.0]))
    assert shape / rate == pytest.approx(0.5, rel=1e-3)
