"""Rules that a plan is compared with, and the plan itself, for the replay market."""

import numpy as np

from benchmarks.plan_market import CAP_SHARE, DEARER, Market, Rule, State
from configs.decision_settings import PlanSettings
from features.arrays import Floats, Mask
from training.decision.plan.evidence import belief, log_e_above, log_e_below, updated
from training.decision.plan.split import split

SETTINGS = PlanSettings()
LINE = -np.log(SETTINGS.false_stop)
WINDOW_DAYS = 7
DRAWS = 300
"""Draws of Thompson sampling in a replay; a plan takes more."""


def equal(state: State, own: Market, money: Floats, day: int, chance: np.random.Generator) -> Floats:
    """The same for every creative that runs."""
    running = ~state.stopped
    return np.where(running, money / np.maximum(running.sum(axis=1, keepdims=True), 1), 0.0)


def planned(
    state: State,
    own: Market,
    money: Floats,
    day: int,
    chance: np.random.Generator,
    *,
    settings: PlanSettings = SETTINGS,
) -> Floats:
    """Today's split of the plan, from the model's beliefs updated by the counts so far."""
    shape, rate = belief(own.roi, own.log_variance)
    shape, rate = updated(shape, rate, state.money, state.spend, unit(own, settings))
    return split(
        shape, rate, own.target, own.natural_guess, unit(own, settings), state.yesterday, ~state.stopped, money, chance,
        days=WINDOW_DAYS, draws=DRAWS, capacity=settings.capacity, floor=settings.floor_cny,
        cap_share=settings.cap_share, change=settings.change, pause_below=settings.pause_below,
    ).money  # fmt: skip


def unit(own: Market, settings: PlanSettings = SETTINGS) -> Floats:
    """Order value by which evidence counts, CNY: the predicted one times what the account has learnt."""
    return own.value * np.where(np.isnan(own.dispersion), settings.order_value_ratio, own.dispersion)


def planned_stops(state: State, own: Market) -> Mask:
    """The plan's rule for stopping."""
    value = unit(own)
    return np.asarray(log_e_below(state.money / value, own.target * state.spend / value) >= LINE)


def planned_scales(state: State, own: Market) -> Mask:
    """The plan's rule for scaling."""
    value = np.maximum(own.value * SETTINGS.largest_order_ratio, unit(own))
    return np.asarray(log_e_above(state.money / value, own.target * state.spend / value) >= LINE)


def three_cpa(state: State, own: Market) -> Mask:
    """Three times the cost of an order at target spent without an order."""
    return np.asarray((state.orders == 0) & (state.spend >= 3.0 * own.value / own.target))


def fifty(state: State, own: Market) -> Mask:
    """50 CNY spent without an order."""
    return np.asarray((state.orders == 0) & (state.spend >= 50.0))


def three_hundred(state: State, own: Market) -> Mask:
    """From 300 CNY on: ROI so far below target."""
    return np.asarray((state.spend >= 300.0) & (state.money < own.target * state.spend))


def order_rate_thompson(state: State, own: Market, money: Floats, day: int, chance: np.random.Generator) -> Floats:
    """Thompson sampling of orders per click from Beta(1, 1): money by how often each has the highest rate."""
    size = (DRAWS, *state.spend.shape)
    drawn = chance.beta(np.broadcast_to(1.0 + state.orders, size), 1.0 + state.clicks - state.orders)
    best = drawn.argmax(axis=-1)
    wins = (best[..., None] == np.arange(state.spend.shape[1])).mean(axis=0)
    return np.asarray(money * wins)


def platform(state: State, own: Market, money: Floats, day: int, chance: np.random.Generator) -> Floats:
    """Money by the square of the ROI so far, each with 200 CNY at the mean of all: goes after early results."""
    mean = state.money.sum(axis=1, keepdims=True) / np.maximum(state.spend.sum(axis=1, keepdims=True), 1.0)
    weight = ((state.money + 200.0 * mean + 1.0) / (state.spend + 200.0)) ** 2
    return np.asarray(money * weight / weight.sum(axis=1, keepdims=True))


def oracle(state: State, own: Market, money: Floats, day: int, chance: np.random.Generator) -> Floats:
    """The best split of the day by its true rates, fatigue included, where delivery follows what is asked.

    Money from spend d is ROI · d up to the natural spend n and ROI · n · (d / n)^(1 − DEARER) beyond, so the best d has
    the same marginal ROI over target everywhere, 1 at least; found by bisection.
    """
    tired = -0.09 * np.log1p(state.seen / 4000.0) + 0.15 * (1.0 - np.exp(-state.spend / 400.0))
    over = own.true_roi[day] * np.exp(tired) / own.target
    low, high = np.zeros_like(money), np.full_like(money, 10.0)
    for _ in range(50):
        middle = (low + high) / 2.0
        too_much = _at_margin(over, own.natural, np.exp(middle), money).sum(axis=1, keepdims=True) > money
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    fits = _at_margin(over, own.natural, 1.0, money)
    return np.where(fits.sum(axis=1, keepdims=True) <= money, fits, _at_margin(over, own.natural, np.exp(high), money))


def _at_margin(over: Floats, natural: Floats, least: Floats | float, money: Floats) -> Floats:
    """Spend of each at which the marginal ROI over target falls to `least`."""
    beyond = np.maximum((1.0 - DEARER) * over / least, 1.0) ** (1.0 / DEARER)
    return np.where(over > least, np.minimum(natural * np.minimum(beyond, 1e6), CAP_SHARE * money), 0.0)


PLAN = Rule("plan: split and stop", planned, planned_stops)
STOP_ALONE = Rule("plan: stop alone, equal split", equal, planned_stops)
CALLS = Rule("plan: stop alone, calls to scale noted", equal, planned_stops, planned_scales)
EQUAL = Rule("equal split", equal)
ORACLE = Rule("oracle", oracle)
RULES = (
    PLAN,
    Rule("plan: split alone", planned),
    STOP_ALONE,
    Rule("3 × CPA without an order", equal, three_cpa),
    Rule("50 CNY without an order", equal, fifty),
    Rule("300 CNY rule", equal, three_hundred),
    Rule("Thompson, Beta(1, 1) of orders per click", order_rate_thompson),
    Rule("after early ROI, as a platform", platform),
    EQUAL,
)
