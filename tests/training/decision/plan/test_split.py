"""Today's money: where it goes, and the bounds that it keeps."""

import numpy as np
import pytest

from training.decision.plan.split import BudgetSplit, split, thompson, within

OPTIONS = {
    "days": 7,
    "draws": 4000,
    "capacity": 2.0,
    "floor": 10.0,
    "cap_share": 0.5,
    "change": 0.3,
    "pause_below": 0.001,
}


def of(**changed: object) -> BudgetSplit:
    values: dict[str, object] = {
        "shape": np.full(4, 20.0),
        "rate": 20.0 / np.array([2.0, 1.2, 0.9, 0.3]),
        "target": np.ones(4),
        "natural": np.full(4, 100.0),
        "unit": np.full(4, 60.0),
        "yesterday": np.full(4, 100.0),
        "running": np.ones(4, dtype=bool),
        "money": np.array([400.0]),
        "chance": np.random.default_rng(3),
    } | changed
    return split(**values, **OPTIONS)  # type: ignore[arg-type]


def test_the_better_gets_more_and_nothing_exceeds_the_money() -> None:
    found = of()
    assert (np.diff(found.money) <= 1e-9).all()
    assert found.money.sum() + found.unspent == pytest.approx(400.0)
    assert (np.diff(found.propensity) <= 0).all()


def test_no_creative_changes_by_more_than_the_bound_and_a_stopped_one_gets_nothing() -> None:
    found = of(rate=np.full(4, 20.0 / 1.2), running=np.array([True, True, True, False]))
    assert (np.abs(found.money[:3] / 100.0 - 1.0) <= 0.3 + 1e-9).all()
    assert found.money[3] == 0.0
    assert found.propensity[3] == 0.0


def test_with_less_money_than_yesterday_the_bound_is_on_the_share_of_it() -> None:
    found = of(rate=20.0 / np.array([2.0, 1.5, 1.5, 1.2]), money=np.array([100.0]))
    assert found.money.sum() <= 100.0 + 1e-9
    assert (found.money <= 25.0 * 1.3 + 1e-9).all()
    assert (found.money >= 25.0 * 0.7 - 1e-9).all()


def test_what_no_draw_funds_is_paused_and_its_money_stays() -> None:
    found = of(rate=np.full(4, 20.0 / 0.05))
    assert found.money.sum() == 0.0
    assert found.unspent == pytest.approx(400.0)


def test_a_creative_runs_as_often_as_its_propensity_says() -> None:
    several = 4000
    chance = np.random.default_rng(2)
    shape = np.full((several, 1), 5.0)
    ones = np.ones((several, 1))
    found = split(
        shape,
        shape / 0.45,
        ones,
        ones,
        ones * 1e6,
        ones,
        ones > 0,
        ones,
        chance,
        **{**OPTIONS, "draws": 500, "pause_below": 0.2},
    )  # type: ignore[arg-type]
    assert 0.05 < found.propensity.mean() < 0.5
    assert (found.money > 0).mean() == pytest.approx(found.propensity.mean(), abs=0.02)


def test_who_may_show_more_than_a_day_costs_runs_and_who_surely_loses_seldom() -> None:
    shape, rate = np.array([0.5, 200.0, 0.5, 0.5]), np.array([0.5, 200.0, 0.5, 0.5]) / 0.9
    told = {**OPTIONS, "pause_below": 1.0}
    found = split(
        shape, rate, np.ones(4), np.full(4, 100.0), np.array([20.0, 20.0, 1e5, 20.0]), np.full(4, 100.0),
        np.ones(4, dtype=bool), np.array([400.0]), np.random.default_rng(3), **told,
    )  # fmt: skip
    assert list(found.propensity[[0, 3]]) == [1.0, 1.0]  # little is known, and a day tells much
    assert found.propensity[1] < 0.2  # known to lose
    assert found.propensity[2] < 0.5  # a day tells nothing


def test_the_same_seed_gives_the_same_split() -> None:
    assert (of().money == of().money).all()


def test_a_batch_of_plans_keeps_the_bounds_of_each() -> None:
    chance = np.random.default_rng(5)
    shape = np.full((6, 4), 5.0)
    found = split(
        shape, shape / chance.gamma(4.0, 0.25, (6, 4)), np.ones((6, 4)), np.full((6, 4), 100.0), np.full((6, 4), 60.0),
        chance.gamma(1.0, 100.0, (6, 4)), np.ones((6, 4), dtype=bool), np.full((6, 1), 300.0), chance,
        **OPTIONS,
    )  # fmt: skip
    assert (found.money.sum(axis=1) <= 300.0 + 1e-6).all()


def test_thompson_funds_the_certain_best_first_up_to_its_capacity() -> None:
    shape = np.full(3, 1e6)
    money, share = thompson(
        shape, shape / np.array([3.0, 2.0, 0.5]), np.ones(3), np.full(3, 50.0), np.array([80.0]), 100,
        np.random.default_rng(1),
    )  # fmt: skip
    assert money == pytest.approx([50.0, 30.0, 0.0])
    assert share == pytest.approx([1.0, 1.0, 0.0])


def test_what_bounds_take_from_one_goes_to_others_that_are_wanted() -> None:
    found = within(np.array([80.0, 20.0]), np.zeros(2), np.array([50.0, 90.0]), np.array([100.0]))
    assert found == pytest.approx([50.0, 50.0])
