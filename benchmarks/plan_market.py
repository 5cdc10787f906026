"""A market for replays of plans: creatives of the sample worlds with true rates, delivered hour by hour as asked for.

Rates, order values, refunds, hours of the day, fatigue, product wear, drift and changes of the platform are those of
the sample (`sample/`). What a rule asks for decides the traffic here, so that rules can be compared:

    delivered share of a creative ∝ natural^(1 − elasticity) · asked^elasticity

At elasticity 0 the platform spends by itself, and only switching a creative off has an effect; at 1 it spends as asked.
Spend beyond the natural daily spend is dearer, as boosts are in the sample.

All arrays are (seeds, creatives) unless stated otherwise.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.arrays import Floats, Mask
from sample.randomness import stream
from sample.traffic import CAPS, log_rate
from sample.vocabulary import HOUR_WEIGHTS
from sample.world import build
from sample.worlds import STAGES, WORLDS

DAYS, HOURS = 14, 24
FIRST_SEED = 5000
"""Of the worlds that are reported; the rules were looked at on worlds of other seeds while they were made."""
CAP_SHARE = 0.4
"""Most of a day's money for one creative, for every rule."""
KNOWN_SHARE = 0.3
"""Share of the variance of known effects that the model has learned: the variance of its log error is then 0.33 on
`interplay`; that of a model trained on 4 000 creatives of it was 0.40 on cold creatives of its holdout at age 0."""
NATURAL_CNY, NATURAL_SD, GUESS = 150.0, 0.9, 0.35
"""Natural daily spend: median, standard deviation of its log, correlation with the log ROI."""
VOLUME_ERROR, VALUE_ERROR = 0.6, 0.1
"""Standard deviation of the log error of predicted natural spend, and of the predicted value of an order."""
DEARER = 0.3
"""Log cost of an impression per log of spend over natural spend: 12 % for a boost by half."""
WINNER = 1.3
"""A winner's true ROI over its target."""


@dataclass(frozen=True)
class Market:
    """Creatives of many worlds, one world a seed.

    Attributes:
        log: Stage → (days, seeds, creatives) log rate; `refund` is a share.
        target: ROI to reach.
        natural: Daily spend that the platform would deliver by itself, CNY.
        roi: Model: expected net ROI.
        log_variance: Model: variance of the log of the true ROI.
        value: Model: mean value of an order.
        natural_guess: Model: natural daily spend.
        dispersion: (seeds, 1) Learnt: bound on the index of each account's money (`benchmarks.plan_past`); NaN: none.
        bursts: "hour", "day": the order rate has noise of its own every hour (gamma, coefficient of variation 1), or
            every day (.7); empty: none.
        uneven: Money-weighted mean of order values over their mean, log-normal; 0: gamma with 1.125.
        exact: ROI over target of every creative in every hour: 1 is the hardest case for wrong calls; 0: as drawn.
    """

    log: dict[str, Floats]
    target: Floats
    natural: Floats
    roi: Floats
    log_variance: Floats
    value: Floats
    natural_guess: Floats
    dispersion: Floats
    bursts: str = ""
    uneven: float = 0.0
    exact: float = 0.0

    @cached_property
    def true_roi(self) -> Floats:
        """(days, seeds, creatives) True net ROI before fatigue, at the mean of the day."""
        return np.asarray(
            np.exp(sum(self.log[name] for name in ("click", "order", "value")) - self.log["cost"]) * self.keep
        )

    @cached_property
    def keep(self) -> Floats:
        """(days, seeds, creatives) Share of orders that is not refunded."""
        return np.asarray(1.0 - np.minimum(np.exp(self.log["refund"]), CAPS["refund"]))

    @property
    def winners(self) -> Mask:
        """Whether the true ROI of the whole time is WINNER times the target."""
        return np.asarray(self.true_roi.mean(axis=0) >= WINNER * self.target)

    def some(self, chosen: npt.NDArray[np.int64]) -> "Market":
        """These creatives (seeds, chosen) of each world."""

        def taken(values: Floats) -> Floats:
            return np.asarray(np.take_along_axis(values, chosen, axis=1))

        return replace(
            self,
            log={name: np.take_along_axis(rate, chosen[None], axis=2) for name, rate in self.log.items()},
            target=taken(self.target),
            natural=taken(self.natural),
            roi=taken(self.roi),
            log_variance=taken(self.log_variance),
            value=taken(self.value),
            natural_guess=taken(self.natural_guess),
        )

    def believed(self, shift: float = 1.0, variance: float = 1.0) -> "Market":
        """With another model: predictions times `shift`, stated variances times `variance`."""
        return replace(self, roi=self.roi * shift, log_variance=self.log_variance * variance)

    def uninformed(self) -> "Market":
        """With a model that knows the market alone: the mean ROI over target of each world, the variance of all."""
        over = np.log(self.true_roi.mean(axis=0) / self.target)
        mean = np.exp(over.mean(axis=1, keepdims=True) + over.var() / 2.0)
        return replace(self, roi=mean * self.target, log_variance=np.full_like(self.roi, over.var()))


def market(world: str, seeds: int, creatives: int, first: int = FIRST_SEED) -> Market:
    """Draw one world a seed, and what a model as good as a trained one says of its creatives."""
    drawn = [_one(world, seed, creatives) for seed in range(first, first + seeds)]
    log = {name: np.stack([one[0][name] for one in drawn], axis=1) for name in drawn[0][0]}
    target, natural, roi, variance, value, guess = (np.stack(column) for column in zip(*(one[1] for one in drawn)))
    return Market(log, target, natural, roi, variance, value, guess, np.full((seeds, 1), np.nan))


def _one(name: str, seed: int, creatives: int) -> tuple[dict[str, Floats], list[Floats]]:
    world = build(seed, WORLDS[name], creatives, DAYS)
    rows, product = np.arange(creatives), world.creatives["product_code"].to_numpy(np.int64)
    days = [world.effects.moved(rows, product, np.full(creatives, day)) for day in range(DAYS)]
    worn = world.wear["wear"].to_numpy()[product] * np.maximum(
        np.arange(DAYS)[:, None] - world.wear["wear_start"].to_numpy()[product], 0.0
    )
    log = {
        stage: log_rate(world, stage) + np.stack([day[:, STAGES.index(stage)] for day in days])
        for stage in ("click", "order", "value", "refund", "cost")
    }
    log["order"] = log["order"] - worn
    chance = stream(seed, "plan")
    signs = np.array([float(stage in ("click", "order", "value")) - float(stage == "cost") for stage in STAGES])
    known, own = world.effects.known @ signs, world.effects.residual @ signs
    spread = known.std()
    # The model's mean given a signal of the known effects: what it has learned, and an error with the rest's variance.
    learned = known.mean() + KNOWN_SHARE * (known - known.mean())
    learned = learned + np.sqrt(KNOWN_SHARE * (1.0 - KNOWN_SHARE)) * spread * chance.standard_normal(creatives)
    variance = np.full(creatives, (1.0 - KNOWN_SHARE) * spread**2 + own.var())
    gross = log["click"][0] + log["order"][0] + log["value"][0] - log["cost"][0]
    base = np.log1p(-np.minimum(np.exp(log["refund"][0]), CAPS["refund"])) + gross - known - own
    roi = np.exp(base + learned + variance / 2.0)
    z = (known + own - (known + own).mean()) / (known + own).std()
    noise = chance.standard_normal(creatives)
    natural = NATURAL_CNY * np.exp(NATURAL_SD * (GUESS * z + np.sqrt(1.0 - GUESS**2) * noise))
    value = np.exp(log["value"][0] + VALUE_ERROR * chance.standard_normal(creatives))
    guess = natural * np.exp(VOLUME_ERROR * chance.standard_normal(creatives))
    target = world.creatives["target_roi"].to_numpy(np.float64)
    return log, [target, natural, roi, variance, value, guess]


SUMS = ("spend", "clicks", "orders", "money", "expected", "seen", "yesterday", "lost", "asked")


@dataclass
class State:
    """What a rule sees, and what is true; all start at 0.

    Attributes:
        asked: Money asked for today.
        spend, clicks, orders, money: So far, as a report shows them; money after refunds.
        expected: True expected money of the same spend.
        seen: Impressions.
        yesterday: Spend of the last whole day.
        stopped: Whether the rule has stopped it.
        wrong_stop: Whether it was at or above target, by `expected`, when it was first stopped.
        wrong_scale: Whether it was at or below target when it was called to scale.
        lost: Spend of creatives whose true ROI of that hour is below target.
    """

    spend: Floats
    clicks: Floats
    orders: Floats
    money: Floats
    expected: Floats
    seen: Floats
    yesterday: Floats
    lost: Floats
    stopped: Mask
    wrong_stop: Mask
    wrong_scale: Mask
    asked: Floats

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> "State":
        """Before the first hour."""
        sums = {name: np.zeros(shape) for name in SUMS}
        marks = {name: np.zeros(shape, dtype=bool) for name in ("stopped", "wrong_stop", "wrong_scale")}
        return cls(**sums, **marks)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Rule:
    """How money is decided.

    Attributes:
        name: Shown in tables.
        asks: Money of each creative for a day, from state, market, money of the day (seeds, 1), day, random numbers.
        stops: Which to stop, every hour; None: never.
        scales: Which are called above target, every hour; None: never.
    """

    name: str
    asks: Callable[[State, Market, Floats, int, np.random.Generator], Floats]
    stops: Callable[[State, Market], Mask] | None = None
    scales: Callable[[State, Market], Mask] | None = None


def play(
    own: Market, rule: Rule, elasticity: float, seed: int = 7, days: list[tuple[Floats, Floats]] | None = None
) -> State:
    """Run a rule for DAYS days, looking every hour; the state at the end. Money and spend of each go to `days`."""
    chance = np.random.default_rng([seed, 11])
    shape = own.target.shape
    state = State.of(shape)
    total = own.natural.sum(axis=1, keepdims=True)
    weights = np.array(HOUR_WEIGHTS)
    for day in range(DAYS):
        before, money_before = state.spend.copy(), state.money.copy()
        burst = chance.gamma(2.0, 0.5, shape) if own.bursts == "day" else np.ones(shape)
        asked = np.where(state.stopped, 0.0, rule.asks(state, own, total, day, chance))
        asked = np.minimum(asked, CAP_SHARE * total)
        state.asked = asked
        for hour in range(HOURS):
            active = (asked > 0) & ~state.stopped
            money = np.where(active, asked, 0.0).sum(axis=1, keepdims=True)
            weight = np.where(active, own.natural ** (1.0 - elasticity) * np.maximum(asked, 1e-12) ** elasticity, 0.0)
            share = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
            daily = np.minimum(money * share, CAP_SHARE * total)
            _hour(state, own, day, hour, daily * weights[hour] / weights.sum(), daily, burst, chance)
            _look(state, own, rule)
        state.yesterday = state.spend - before
        if days is not None:
            days.append((state.money - money_before, state.yesterday))
    return state


def _hour(
    state: State, own: Market, day: int, hour: int, spend: Floats, daily: Floats, burst: Floats,
    chance: np.random.Generator,
) -> None:  # fmt: skip
    """Deliver one hour: spend, impressions, clicks, orders and money after refunds."""
    evening = HOUR_WEIGHTS[hour] - 0.65
    tired, ripe = np.log1p(state.seen / 4000.0), 1.0 - np.exp(-state.spend / 400.0)
    dearer = DEARER * np.log(np.maximum(daily / own.natural, 1.0))
    cost = np.exp(own.log["cost"][day] + 0.1 * evening + dearer)
    click = np.minimum(np.exp(own.log["click"][day] - 0.04 * tired), CAPS["click"])
    order = np.minimum(np.exp(own.log["order"][day] - 0.05 * tired + 0.15 * ripe + 0.12 * evening), CAPS["order"])
    value, keep = np.exp(own.log["value"][day]), own.keep[day]
    if own.exact:
        order = own.exact * own.target * cost / (click * value * keep)
    spend = spend * chance.gamma(8.0, 1.0 / 8.0, spend.shape)
    shown = spend / cost
    clicks = chance.poisson(shown * click)
    burst = chance.gamma(1.0, 1.0, spend.shape) if own.bursts == "hour" else burst
    orders = chance.binomial(clicks, np.minimum(order * burst, 1.0))
    kept = chance.binomial(orders, keep)
    state.spend += spend
    state.seen += shown
    state.clicks += clicks
    state.orders += orders
    state.money += _values(kept, value, own.uneven, chance)
    earned = shown * click * order * value * keep
    state.expected += earned
    state.lost += np.where(earned < own.target * spend, spend, 0.0)


def _values(kept: npt.NDArray[np.int64], mean: Floats, uneven: float, chance: np.random.Generator) -> Floats:
    """Sum of the values of so many orders."""
    if not uneven:
        return np.where(kept > 0, chance.gamma(np.maximum(kept, 1) * 8.0) / 8.0, 0.0) * mean
    variance = np.log(uneven)
    drawn = chance.lognormal(-variance / 2.0, np.sqrt(variance), int(kept.sum()))
    owner = np.repeat(np.arange(kept.size), kept.ravel())
    return np.bincount(owner, drawn, minlength=kept.size).reshape(kept.shape) * mean


def _look(state: State, own: Market, rule: Rule) -> None:
    """Look once: stop, and note calls that were wrong at that moment."""
    good = state.expected >= own.target * state.spend * (1.0 - 1e-9)
    if rule.stops is not None:
        now = rule.stops(state, own) & ~state.stopped
        state.wrong_stop |= now & good
        state.stopped |= now
    if rule.scales is not None:
        poor = state.expected <= own.target * state.spend * (1.0 + 1e-9)
        state.wrong_scale |= rule.scales(state, own) & poor
