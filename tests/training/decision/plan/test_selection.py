"""Launches: the best that there is by enumeration, one of each idea, the bounds that are stated."""

from itertools import combinations

import numpy as np
import pytest

from configs.decision_settings import PlanSettings
from training.decision.plan.selection import chance_of_hits, choose

SETTINGS = PlanSettings()


def world(seed: int, count: int = 12) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    gain, hits = chance.normal(50.0, 80.0, count), chance.beta(1.0, 8.0, count)
    return gain, hits, chance.uniform(20.0, 200.0, count), chance.integers(0, 8, count)


def allowed(cost: np.ndarray, family: np.ndarray, money: float, launch: int) -> list[list[int]]:
    every = combinations(range(len(cost)), launch)
    return [list(one) for one in every if cost[list(one)].sum() <= money and len(set(family[list(one)])) == launch]


@pytest.mark.parametrize("seed", range(5))
def test_gain_and_the_chance_of_a_hit_are_those_of_the_best_by_enumeration(seed: int) -> None:
    gain, hits, cost, family = world(seed)
    found = choose(gain, hits, cost, family, 500.0, 4, SETTINGS)
    choices = allowed(cost, family, 500.0, 4)
    most = max(gain[one].sum() for one in choices)
    assert found.most_gain == pytest.approx(most)
    least = most - SETTINGS.gain_given_up * abs(most)
    best = max(chance_of_hits(hits[one], 1) for one in choices if gain[one].sum() >= least - 1e-9)
    assert found.hit_chance == pytest.approx(best)
    assert found.most_hit_chance == pytest.approx(best, abs=1e-6)
    assert gain[found.chosen].sum() >= least - 1e-6
    assert found.gain_gap <= SETTINGS.gain_given_up + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_for_two_hits_the_stated_bound_holds_for_every_choice(seed: int) -> None:
    gain, hits, cost, family = world(seed)
    settings = PlanSettings(hits=2, gain_given_up=1.0)
    found = choose(np.abs(gain), hits, cost, family, 500.0, 4, settings)
    best = max(chance_of_hits(hits[one], 2) for one in allowed(cost, family, 500.0, 4))
    assert found.hit_chance <= best + 1e-9
    assert best <= found.most_hit_chance + 1e-9


def test_creatives_of_one_idea_are_launched_once() -> None:
    gain = np.array([100.0, 90.0, 10.0])
    found = choose(gain, np.full(3, 0.1), np.ones(3), np.array([0, 0, 1]), 10.0, 2, SETTINGS)
    assert list(found.chosen) == [True, False, True]


def test_without_a_number_only_those_that_gain_are_launched() -> None:
    gain = np.array([100.0, -5.0, 30.0])
    found = choose(gain, np.array([0.1, 0.9, 0.1]), np.ones(3), np.arange(3), 10.0, None, SETTINGS)
    assert list(found.chosen) == [True, False, True]


@pytest.mark.parametrize("seed", range(5))
def test_greedy_is_exact_without_a_bound_on_money_and_else_within_its_stated_distance(seed: int) -> None:
    gain, hits, cost, family = world(seed, 40)
    greedy = PlanSettings(exact_candidates=1)
    free = choose(gain, hits, cost, family, 1e9, 5, greedy)
    assert free.method == "greedy"
    assert free.gain == pytest.approx(
        choose(gain, hits, cost, family, 1e9, 5, PlanSettings(gain_given_up=0.0)).most_gain
    )
    tight = choose(gain, hits, cost, family, 400.0, 5, greedy)
    assert cost[tight.chosen].sum() <= 400.0
    assert tight.gain <= tight.most_gain + 1e-9
    assert tight.most_hit_chance is None


def test_the_chance_of_hits_is_that_of_independent_events() -> None:
    chances = np.array([0.2, 0.5, 0.1])
    assert chance_of_hits(chances, 1) == pytest.approx(1.0 - 0.8 * 0.5 * 0.9)
    assert chance_of_hits(chances, 3) == pytest.approx(0.2 * 0.5 * 0.1)
    assert chance_of_hits(chances[:1], 2) == 0.0


def test_greedy_launches_as_many_as_asked_for_where_the_best_cost_too_much() -> None:
    gain, cost = np.array([100.0, 10.0, 9.0]), np.array([100.0, 40.0, 40.0])
    found = choose(gain, np.full(3, 0.1), cost, np.arange(3), 100.0, 2, PlanSettings(exact_candidates=1))
    assert list(found.chosen) == [False, True, True]
