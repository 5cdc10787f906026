"""Today's money for running creatives: Thompson sampling with capacities, then pauses, floors, caps, a bounded change.

In every draw from the beliefs of the true ROI, money goes to the highest drawn ROI first, each creative up to its
capacity, as long as the drawn ROI reaches its target (Thompson 1933; Russo et al. 2018, "A tutorial on Thompson
sampling"). The mean over draws is what is wanted.

Where the platform spends by itself, little money asked for is no little money spent: whether a creative runs counts
more than what it is given. One whose day costs more than it may show, by the expected gain of the day and of what is
left of an outcome window (`expected_gain`; the knowledge gradient of Frazier, Powell and Dayanik 2008), may be paused:
funded in a share p of the draws below `pause_below`, it runs today with probability p / `pause_below`. That probability
is its propensity: logged, so that results can later be weighted by it.

Arrays are (…, creatives): leading axes are independent plans.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from training.decision.plan.testing import expected_gain


@dataclass(frozen=True)
class BudgetSplit:
    """Money of each creative for one day.

    Attributes:
        money: (…, creatives) CNY.
        propensity: (…, creatives) Probability with which it runs today.
        unspent: (…,) Money that floors, caps and targets leave.
    """

    money: Floats
    propensity: Floats
    unspent: Floats


def thompson(
    shape: Floats, rate: Floats, target: Floats, capacity: Floats, money: Floats, draws: int,
    chance: np.random.Generator,
) -> tuple[Floats, Floats]:  # fmt: skip
    """Mean money over draws, and the share of draws that fund each creative; both (…, creatives).

    Args:
        shape: Of the gamma belief of the true ROI.
        rate: Of the same.
        target: ROI to reach; below it nothing is funded.
        capacity: Most money of each.
        money: (…, 1) In all.
        draws: How many.
        chance: Random numbers.
    """
    size = (draws, *shape.shape)
    surplus = chance.standard_gamma(np.broadcast_to(shape, size)) / rate / target - 1.0
    order = np.argsort(-surplus, axis=-1)
    wanted = np.take_along_axis(np.broadcast_to(capacity, size), order, axis=-1)
    wanted = np.where(np.take_along_axis(surplus, order, axis=-1) > 0, wanted, 0.0)
    before = np.cumsum(wanted, axis=-1) - wanted
    given = np.clip(money - before, 0.0, wanted)
    funded = np.empty(size)
    np.put_along_axis(funded, order, given, axis=-1)
    return funded.mean(axis=0), (funded > 0).mean(axis=0)


def within(wanted: Floats, low: Floats, high: Floats, money: Floats) -> Floats:
    """(…, creatives) Money in proportion to `wanted`, between `low` and `high`.

    One factor multiplies what is wanted, found by bisection, so that the sum is that of `wanted`, at most `money`
    (…, 1); less where all are at `high`, more where `low` asks for more.
    """
    total = np.minimum(wanted.sum(axis=-1, keepdims=True), money)
    least, most = np.full_like(total, -30.0), np.full_like(total, 30.0)
    for _ in range(50):
        middle = (least + most) / 2.0
        over = np.clip(wanted * np.exp(middle), low, high).sum(axis=-1, keepdims=True) > total
        least, most = np.where(over, least, middle), np.where(over, middle, most)
    return np.clip(wanted * np.exp(least), low, high)


def split(
    shape: Floats, rate: Floats, target: Floats, natural: Floats, unit: Floats, yesterday: Floats,
    running: npt.NDArray[np.bool_], money: Floats, chance: np.random.Generator, *, days: int, draws: int,
    capacity: float, floor: float, cap_share: float, change: float, pause_below: float,
) -> BudgetSplit:  # fmt: skip
    """Split one day's money.

    Args:
        shape, rate: Of the gamma belief of the true ROI.
        target: ROI to reach.
        natural: Daily spend that the model predicts, CNY.
        unit: Variance of money over its mean, CNY: how much a day tells (`training.decision.plan.testing`).
        yesterday: Spend of the last day, CNY; 0: none, so that its change is not bounded.
        running: Whether it runs and was not stopped; others get nothing.
        money: (…, 1) CNY of the day.
        chance: Random numbers.
        days: Length of the outcome window, for which what a day tells is worth something.
        draws: From the beliefs.
        capacity: Most money of a creative in multiples of `natural`, or of yesterday's where that is more.
        floor: Money of a running creative, CNY, below which it does not fall, unless it had less.
        cap_share: Largest share of the day's money for one creative.
        pause_below: Share of draws below which a creative is paused, if running it today is not worth it.
        change: Most change against yesterday, as a share; a pause is none. Where there is less money than all spent
            yesterday, against yesterday's share of it.
    """
    most = np.where(running, np.minimum(capacity * np.maximum(natural, yesterday), cap_share * money), 0.0)
    wanted, funded = thompson(shape, rate, target, most, money, draws, chance)
    worth = expected_gain(shape / rate, np.log1p(1.0 / shape), target, natural, (days - 1) * natural, unit) >= 0.0
    propensity = np.where(worth, funded > 0, np.minimum(funded / pause_below, 1.0))
    runs = running & (chance.random(propensity.shape) < propensity)
    wanted, most = np.where(runs, wanted, 0.0), np.where(runs, most, 0.0)
    before = np.where(runs, yesterday, 0.0)
    before = before * np.minimum(money / np.maximum(before.sum(axis=-1, keepdims=True), 1e-12), 1.0)
    low = np.where(before > 0, np.maximum(before * (1.0 - change), np.minimum(before, floor)), np.minimum(most, floor))
    low = low * np.minimum(money / np.maximum(low.sum(axis=-1, keepdims=True), 1e-12), 1.0)
    high = np.where(before > 0, np.minimum(np.maximum(before * (1.0 + change), floor), most), most)
    given = within(wanted, low, np.maximum(low, high), money)
    return BudgetSplit(given, propensity, np.maximum(money[..., 0] - given.sum(axis=-1), 0.0))
