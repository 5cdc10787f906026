"""Replays of plans: small ones, whose bounds hold as those of the benchmark do."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.plan_launches import launch_table
from benchmarks.plan_market import Market, market, play
from benchmarks.plan_past import past_market, with_past
from benchmarks.plan_replay import bands, figures, oracle_gains
from benchmarks.plan_rules import CALLS, EQUAL, ORACLE, PLAN, RULES, SETTINGS, STOP_ALONE


@pytest.fixture(scope="module")
def markets() -> Market:
    return market("interplay", 20, 16)


def test_delivery_follows_what_is_asked_as_far_as_the_elasticity_says() -> None:
    own = market("additive", 6, 12)
    natural = own.natural / own.natural.sum(axis=1, keepdims=True)
    kept = natural.max(axis=1) < 0.35  # below the cap of a single creative
    assert kept.any()
    by_itself, asked = play(own, EQUAL, 0.0).spend[kept], play(own, EQUAL, 1.0).spend[kept]
    np.testing.assert_allclose(by_itself / by_itself.sum(axis=1, keepdims=True), natural[kept], rtol=0.1)
    np.testing.assert_allclose(asked / asked.mean(axis=1, keepdims=True), 1.0, rtol=0.1)


def test_money_that_comes_in_is_what_is_expected() -> None:
    own = market("interplay", 10, 16)
    for changed in (own, replace(own, bursts="hour"), replace(own, bursts="day"), replace(own, uneven=3.0)):
        state = play(changed, EQUAL, 0.5)
        assert state.money.sum() / state.expected.sum() == pytest.approx(1.0, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("elasticity", [0.0, 0.5, 1.0])
def test_the_plan_gains_more_than_rules_that_do_not_stop_what_is_under_target(
    markets: Market, elasticity: float
) -> None:
    best = oracle_gains({"": markets})[""]
    plain = play(markets, EQUAL, elasticity)
    plan = figures(play(markets, PLAN, elasticity), markets, best, plain)
    assert (plan["regret"] > 0).all()
    assert bands(plan)["false stops"][0] <= SETTINGS.false_stop
    rough = next(rule for rule in RULES if "300" in rule.name)
    killed = bands(figures(play(markets, rough, elasticity), markets, best, plain))["killed"][0]
    assert bands(plan)["killed"][0] < killed / 4.0
    for rule in RULES:
        if rule not in (PLAN, STOP_ALONE) and "split alone" not in rule.name and "300" not in rule.name:
            found = bands(figures(play(markets, rule, elasticity), markets, best, plain), plan)
            assert found["apart"][2] < 0.0, rule.name


@pytest.mark.slow
def test_wrong_calls_stay_within_the_bound_where_every_creative_is_exactly_at_target(markets: Market) -> None:
    exact = replace(markets, exact=1.0)
    state = play(exact, CALLS, 0.5)
    np.testing.assert_allclose(state.expected, exact.target * state.spend)
    assert 0.0 < state.wrong_stop.mean() <= SETTINGS.false_stop
    assert state.wrong_scale.mean() <= SETTINGS.false_stop


@pytest.mark.slow
@pytest.mark.parametrize("uneven", [{"uneven": 3.0}, {"bursts": "day"}, {"bursts": "hour", "uneven": 5.0}])
def test_wrong_calls_stay_within_the_bound_however_unevenly_money_comes(markets: Market, uneven: dict) -> None:
    own = with_past(replace(markets, **uneven), past_market("interplay", 20))
    assert own.dispersion.min() > 1.5
    state = play(replace(own, exact=1.0), STOP_ALONE, 0.5)
    assert state.wrong_stop.mean() <= SETTINGS.false_stop


@pytest.mark.slow
def test_no_rule_gains_more_than_the_oracle(markets: Market) -> None:
    best = oracle_gains({"": markets})[""]
    assert (best >= 0).all()
    for rule in RULES:
        state = play(markets, rule, 1.0)
        gain = (state.expected - markets.target * state.spend).sum(axis=1) / markets.natural.sum(axis=1) / 14 * 1000
        assert gain.mean() < best.mean()
    assert ORACLE not in RULES


@pytest.mark.slow
def test_launches_of_the_plan_gain_more_than_launches_at_random() -> None:
    table = launch_table(10, 100).set_index("launches")["gain"].str.split(" ").str[0].astype(float)
    assert table["the plan's"] > table["at random"]
    assert table["highest true ROI"] > table["the plan's"]
