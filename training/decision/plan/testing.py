"""What a test of a new creative costs: money before any judgement, until two can be told apart, and days."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.special import ndtr

from configs.decision_settings import PlanSettings
from features.arrays import Floats
from training.decision.plan.evidence import belief, orders_before_stop

SIZES = 16
"""Sizes of a test that are compared, from the least to the largest."""


@dataclass(frozen=True)
class Tests:
    """Test of each candidate; arrays are (candidates,), money in CNY.

    Attributes:
        minimum: Spend before which no rule with a bounded error can stop it, were there no order at all.
        wanted: Spend from `minimum` to where two such creatives are ranked rightly with the settings' probability, at
            which a launch is expected to gain most.
        gain: (elasticities, candidates) Expected gain of a launch with `minimum` of test money.
    """

    minimum: Floats
    wanted: Floats
    gain: Floats


def minimum_spend(target: Floats, unit: Floats, settings: PlanSettings) -> Floats:
    """(creatives,) Spend in CNY after which a creative without a single order is called below its target."""
    return orders_before_stop(settings.false_stop) * unit / target


def delivered(asked: Floats, natural: Floats, elasticity: float) -> Floats:
    """Spend that the platform delivers where `asked` is asked for and it would spend `natural` by itself."""
    return np.asarray(asked**elasticity * natural ** (1.0 - elasticity))


def expected_gain(
    roi: Floats, log_variance: Floats, target: Floats, test: Floats, later: Floats, unit: Floats
) -> Floats:
    """Expected net money less `target` times spend, in CNY: of the test, and of what is spent after it on the good.

    The mean that a test leaves is taken as log-normal: it resolves the share `events / (events + shape)` of the
    variance. After it the creative runs on where that mean reaches the target, so its later gain is the expectation of
    the positive part (Black and Scholes 1973 give the formula).

    Args:
        roi: Expected net ROI; all (…, candidates).
        log_variance: Variance of the log of the true ROI.
        target: ROI to reach.
        test: Test money that is delivered.
        later: Spend after the test, if it goes on.
        unit: Variance of money over its mean, CNY; of orders that come one by one, E[V²]/E[V] of their value.
    """
    shape, _ = belief(roi, log_variance)
    events = test * roi / unit
    deviation = np.sqrt(np.maximum(log_variance * events / (events + shape), 1e-12))
    high = np.log(roi / target) / deviation + deviation / 2.0
    positive = roi * ndtr(high) - target * ndtr(high - deviation)
    return np.asarray(test * (roi - target) + later * positive)


def launch_gain(
    roi: Floats, log_variance: Floats, target: Floats, natural: Floats, unit: Floats, asked: Floats, elasticity: float
) -> Floats:
    """Expected gain in CNY of a launch whose test asks for `asked`: of what is delivered, and of what is left of
    `natural` after it (arguments as of `test_of`)."""
    test = delivered(asked, np.minimum(natural, asked), elasticity)
    return expected_gain(roi, log_variance, target, test, np.maximum(natural - test, 0.0), unit)


def test_of(
    roi: Floats, log_variance: Floats, target: Floats, natural: Floats, unit: Floats, told_apart: Floats,
    settings: PlanSettings,
) -> Tests:  # fmt: skip
    """The test of each candidate; arguments are (candidates,).

    Args:
        roi, log_variance, target, unit: As of `expected_gain`.
        natural: Spend over the outcome window that the model predicts.
        told_apart: Spend until two such creatives can be ranked (`RowUncertainty.required_evidence`).
        settings: Of the plan.
    """
    launch = partial(launch_gain, roi, log_variance, target, natural, unit)
    minimum = minimum_spend(target, unit, settings)
    gains = np.array([launch(minimum, elasticity) for elasticity in settings.elasticities])
    sizes = np.geomspace(minimum, np.maximum(told_apart, minimum), SIZES)
    best = launch(sizes, settings.elasticities[len(settings.elasticities) // 2]).argmax(axis=0)
    return Tests(minimum, sizes[best, np.arange(len(minimum))], gains)


def shared_out(minimum: Floats, wanted: Floats, money: float) -> Floats:
    """(creatives,) Test money: everyone its minimum, the rest in proportion to what is still wanted.

    Args:
        minimum: Of each; their sum is at most `money`.
        wanted: Of each, at least its minimum.
        money: In all.
    """
    more = wanted - minimum
    left = money - float(minimum.sum())
    share = min(left / float(more.sum()), 1.0) if more.sum() > 0 else 0.0
    return np.asarray(minimum + share * more)


def test_days(test: Floats, natural_daily: Floats, elasticity: float, settings: PlanSettings) -> Floats:
    """(creatives,) Days until the test money is spent, where it is asked for evenly over `test_days`."""
    return np.asarray(test / np.maximum(delivered(test / settings.test_days, natural_daily, elasticity), 1e-9))
