"""The index of dispersion of daily money is that of the orders behind it, and its bound covers it."""

import numpy as np
import pytest

from training.decision.plan.dispersion import LEAST_CREATIVES, day_pairs, upper_bounds

CREATIVES, DAYS = 400, 14


def days_of(values, bursts: float = 0.0, creatives: int = CREATIVES) -> tuple[np.ndarray, ...]:
    """Units, days, money and spend: about three orders a day, more or fewer by creative and by spend."""
    chance = np.random.default_rng(3)
    rate = chance.gamma(4.0, 0.01, creatives)
    spend = chance.uniform(30.0, 120.0, (DAYS, creatives))
    burst = chance.gamma(1.0 / bursts, bursts, spend.shape) if bursts else 1.0
    orders = chance.poisson(rate * spend * burst)
    money = np.array([[values(chance, count).sum() for count in day] for day in orders])
    units = np.broadcast_to(np.arange(creatives), spend.shape)
    days = np.broadcast_to(np.arange(DAYS)[:, None], spend.shape)
    return units.ravel(), days.ravel(), money.ravel(), spend.ravel()


def index_of(table: tuple[np.ndarray, ...], creatives: int = CREATIVES) -> float:
    top, below = day_pairs(*table, creatives)
    return float(top.sum() / below.sum())


def equal(chance: np.random.Generator, count: int) -> np.ndarray:
    return np.ones(count)


def uneven(chance: np.random.Generator, count: int) -> np.ndarray:
    return chance.lognormal(-np.log(3.0) / 2.0, np.sqrt(np.log(3.0)), count)


def test_equal_orders_one_by_one_have_an_index_of_one_whatever_is_spent() -> None:
    assert index_of(days_of(equal)) == pytest.approx(1.0, abs=0.05)


def test_uneven_values_have_the_index_of_their_money_weighted_mean() -> None:
    assert index_of(days_of(uneven)) == pytest.approx(3.0, rel=0.1)


def test_bursts_count_too() -> None:
    assert index_of(days_of(equal, bursts=0.5)) > 1.8


def test_the_bound_lies_above_the_index_and_nearer_with_more_creatives() -> None:
    table = days_of(equal)
    top, below = day_pairs(*table, CREATIVES)
    (all_of_them,) = upper_bounds(np.zeros(CREATIVES, dtype=np.int64), top, below)
    by_twenty = upper_bounds(np.arange(CREATIVES) // 20, top, below)
    assert 1.0 < all_of_them < 1.15
    assert (by_twenty > 1.0).mean() > 0.9
    assert np.median(by_twenty) > all_of_them


def test_accounts_with_few_creatives_or_without_money_have_no_bound() -> None:
    few = LEAST_CREATIVES - 1
    accounts = np.repeat([0, 1, 2], [few, 30, 30])
    below = np.where(accounts == 2, 0.0, 5.0)
    bound = upper_bounds(accounts, below * 1.2, below)
    assert list(np.isfinite(bound)) == [False, True, False]
    assert bound[1] == pytest.approx(1.2)


def test_days_that_are_not_successive_or_without_spend_make_no_pair() -> None:
    units, days = np.zeros(4, dtype=np.int64), np.array([0, 2, 3, 4])
    money, spend = np.array([9.0, 1.0, 3.0, 5.0]), np.array([10.0, 10.0, 20.0, 0.0])
    top, below = day_pairs(units, days, money, spend, 1)
    assert top[0] == pytest.approx((1.0 * 2 / 3 - 3.0 / 3) ** 2)
    assert below[0] == pytest.approx(2 / 9 * 4.0)
