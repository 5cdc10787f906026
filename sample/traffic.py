"""Simulate traffic hour by hour: three traffic pools, manual boosts, fatigue, and randomly drawn counts.

One step simulates all creatives of one age in hours, because they compete for promotion to the next pool: they are
ranked by content and commerce results so far, the platform's prior score, and a random term.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sample.randomness import Floats, Ints, stream
from sample.vocabulary import HOUR_WEIGHTS
from sample.world import END, World
from sample.worlds import STAGES, Pool

HOLD, FINISH = 0.30, 0.15
CAPS = {"click": 0.5, "order": 0.6, "refund": 0.85}

FADE_HOURS = (30.0, 45.0, 110.0)
LIFE_DAYS = ((3.0, 7.0), (3.0, 8.0), (12.0, 32.0))
"""Least and most days that a creative runs after it entered a pool."""

REVIEW_AGES = (4, 8, 16, 28, 40, 64, 88)
PROMOTED = {1: 0.018, 2: 0.03}
"""Share of the candidates of one age that a review promotes into the second and into the third pool."""

POOL_OFFSETS = {
    "hold": (0.0, -0.03, -0.08),
    "click": (0.0, -0.03, -0.12),
    "order": (0.0, 0.03, 0.04),
    "cost": (-0.10, 0.08, 0.28),
}
"""Log offsets by pool: larger pools have colder audiences and higher prices, and more targeted traffic, which buys."""

MAX_AGE_HOURS = 24 * 50


@dataclass(frozen=True)
class Traffic:
    """Every hour of every creative's life.

    Attributes:
        hours: One row per creative (`row` of the world) and age hour, also hours without impressions, with
            the counts, the money and the latent rates that produced them.
        life_hours: When each creative stops.
    """

    hours: pd.DataFrame
    life_hours: Ints


@dataclass
class _State:
    """State of all creatives while they run, one element per creative."""

    pool: Ints
    entered: Ints
    budget: Floats
    life: Ints
    boost_until: Ints
    impressions: Floats
    clicks: Floats
    orders: Floats
    gmv: Floats
    spend: Floats
    plays: Floats
    plays_3s: Floats
    likes: Floats


def simulate(seed: int, world: World) -> Traffic:
    """Simulate every creative to the end of its life, which may be after the last exported day."""
    chance = stream(seed, "traffic")
    fixed = _fixed(seed, world)
    state = _first_state(chance, world, fixed)
    steps: list[dict[str, np.ndarray]] = []
    for age in range(MAX_AGE_HOURS):
        rows = np.flatnonzero(state.life > age)
        if not len(rows):
            break
        if age in REVIEW_AGES:
            _promote(chance, rows, age, state, fixed, world)
        if age >= 20 and age % 12 == 8:
            _boost(chance, rows, age, state, fixed)
        steps.append(_step(chance, rows, age, state, fixed, world))
    columns = {name: np.concatenate([step[name] for step in steps]) for name in steps[0]}
    hours = pd.DataFrame(columns).sort_values(["row", "age"], kind="stable", ignore_index=True)
    return Traffic(hours, state.life)


def season(day: Floats, stage: str) -> Floats:
    """Seasonal term of a stage's log rate by day of the year, including the June sale."""
    slow = {"click": 0.04, "order": 0.09, "cost": 0.07}[stage]
    sale = {"click": 0.03, "order": 0.20, "cost": 0.12}[stage]
    return np.asarray(slow * np.sin(2 * np.pi * (day + 11) / 47) + sale * np.exp(-(((day - 168) / 6) ** 2)))


def _fixed(seed: int, world: World) -> dict[str, np.ndarray]:
    """Constants of the loop, one element per creative: log rates with all constant effects, and times."""
    creatives = world.creatives
    fixed: dict[str, np.ndarray] = {name: log_rate(world, name) for name in STAGES}
    fixed["product"] = creatives["product_code"].to_numpy(np.int64)
    fixed["live"] = (creatives["promotion_type"] == "live").to_numpy()
    fixed["launch"] = creatives["launch_hour"].to_numpy(np.int64)
    fixed["target"] = creatives["target_roi"].to_numpy(np.float64)
    fixed["target_relative"] = creatives["target_relative"].to_numpy(np.float64)
    fixed["first_day"] = np.full(len(creatives), (END - pd.Timedelta(days=world.days - 1)).day_of_year)
    fixed["wear"] = world.wear["wear"].to_numpy()[creatives["product_code"]]
    fixed["wear_start"] = world.wear["wear_start"].to_numpy()[creatives["product_code"]]
    fixed["boosts"] = stream(seed, "boost habits").uniform(0.3, 0.9, len(world.account_ids))[creatives["account_code"]]
    fixed["asset_guess"] = stream(seed, "platform guess").standard_normal(len(creatives))
    return fixed


def log_rate(world: World, stage: str) -> Floats:
    """Log rate of a stage with known and residual effects, before everything that changes over time."""
    column = STAGES.index(stage)
    total = world.effects.known[:, column] + world.effects.residual[:, column]
    if stage == "hold":
        return np.asarray(total + np.log(HOLD))
    if stage == "engage":
        return np.asarray(total + np.log(0.02))
    base = world.creatives["promotion_type"].map(
        {name: np.log(rates[stage]) for name, rates in world.spec.bases.items()}
    )
    return np.asarray(total + base.to_numpy(np.float64))


def _first_state(chance: np.random.Generator, world: World, fixed: dict[str, np.ndarray]) -> _State:
    count = len(world.creatives)
    live = fixed["live"]
    of_live, of_product = world.spec.first_pool["live"], world.spec.first_pool["product"]
    median, spread = np.where(live, of_live[0], of_product[0]), np.where(live, of_live[1], of_product[1])
    guess = _guess(fixed)
    budget = median * np.exp(spread * (0.35 * guess + 0.94 * chance.standard_normal(count)))
    budget /= np.sqrt(fixed["target_relative"])
    low, high = LIFE_DAYS[0]
    zeros = np.zeros(count)
    return _State(
        pool=np.zeros(count, np.int64), entered=np.zeros(count, np.int64), budget=budget,
        life=np.round(24 * chance.uniform(low, high, count)).astype(np.int64),
        boost_until=np.full(count, -1),
        impressions=zeros.copy(), clicks=zeros.copy(), orders=zeros.copy(), gmv=zeros.copy(),
        spend=zeros.copy(), plays=zeros.copy(), plays_3s=zeros.copy(), likes=zeros.copy(),
    )  # fmt: skip


def _guess(fixed: dict[str, np.ndarray]) -> Floats:
    """The platform's prior score, one per creative: correlated with the true rates."""
    guess = np.zeros(len(fixed["live"]))
    for side in (True, False):
        mine = fixed["live"] == side
        if mine.any():
            truth = fixed["click"][mine] + fixed["order"][mine] + 0.7 * fixed["value"][mine] + fixed["hold"][mine]
            guess[mine] = (truth - truth.mean()) / (truth.std() + 1e-9)
    return np.asarray(0.5 * guess + 0.87 * fixed["asset_guess"])


def _promote(
    chance: np.random.Generator, rows: Ints, age: int, state: _State, fixed: dict[str, np.ndarray], world: World
) -> None:  # fmt: skip
    content = np.log((state.plays_3s + 12) / (state.plays + 40) / HOLD)
    content += 0.3 * np.log((state.likes + 1) / (state.impressions * 0.02 + 1))
    score = content + 0.25 * _guess(fixed) + 0.35 * np.log(state.budget)
    for side, name in ((True, "live"), (False, "product")):
        rates = world.spec.bases[name]
        base = rates["click"] * rates["order"] * rates["value"]
        prior = 400.0 if side else 2500.0
        commerce = np.log((state.gmv + prior * base) / ((state.impressions + prior) * base))
        clicks = np.log((state.clicks + 10) / (state.impressions * rates["click"] + 10))
        total = score + 0.7 * commerce + 0.5 * clicks + 0.3 * chance.gumbel(size=len(score))
        for pool in (1, 2):
            candidates = rows[(fixed["live"][rows] == side) & (state.pool[rows] == pool - 1)]
            candidates = candidates[age - state.entered[candidates] >= (0 if pool == 1 else 12)]
            count = round(len(candidates) * PROMOTED[pool] + chance.uniform(-0.5, 0.5))
            if count > 0:
                best = candidates[np.argsort(-total[candidates], kind="stable")[:count]]
                _enter(chance, best, age, pool, world.spec.pool_budgets[name], state)


def _enter(
    chance: np.random.Generator, chosen: Ints, age: int, pool: int, budgets: tuple[Pool, Pool], state: _State
) -> None:  # fmt: skip
    median, spread = budgets[pool - 1]
    low, high = LIFE_DAYS[pool]
    state.pool[chosen] = pool
    state.entered[chosen] = age
    state.budget[chosen] = median * np.exp(spread * chance.standard_normal(len(chosen)))
    state.life[chosen] = age + np.round(24 * chance.uniform(low, high, len(chosen))).astype(np.int64)


def _boost(
    chance: np.random.Generator, rows: Ints, age: int, state: _State, fixed: dict[str, np.ndarray]
) -> None:  # fmt: skip
    """A person adds budget (追投) to some creatives with good results."""
    roi = state.gmv[rows] / np.maximum(state.spend[rows], 1.0)
    wins = (state.spend[rows] > 120) & (roi > 0.6 * fixed["target"][rows]) & (state.boost_until[rows] < age)
    chosen = rows[wins & (chance.random(len(rows)) < fixed["boosts"][rows])]
    state.boost_until[chosen] = age + chance.choice([48, 72, 120], len(chosen))


def _step(
    chance: np.random.Generator, rows: Ints, age: int, state: _State, fixed: dict[str, np.ndarray], world: World
) -> dict[str, np.ndarray]:  # fmt: skip
    """Simulate one hour of all creatives of this age: intensity, latent rates, counts."""
    pool = state.pool[rows]
    clock = fixed["launch"][rows] + age
    day = clock / 24.0
    of_year = day + fixed["first_day"][rows]
    boosted = state.boost_until[rows] > age
    fade = np.array(FADE_HOURS)[pool]
    weight = (np.array(HOUR_WEIGHTS) / np.mean(HOUR_WEIGHTS))[clock % 24]
    weekend = np.where((clock // 24) % 7 >= 5, 1.1, 0.96)
    expected = state.budget[rows] / fade * np.exp(-(age - state.entered[rows]) / fade) * weight * weekend
    expected *= np.where(boosted, 1.5, 1.0)
    seen, spent = state.impressions[rows], state.spend[rows]
    ripe = 1 - np.exp(-spent / 400.0)
    tired = np.log1p(seen / 4000.0)
    worn = fixed["wear"][rows] * np.maximum(day - fixed["wear_start"][rows], 0)
    evening = np.array(HOUR_WEIGHTS)[clock % 24] - 0.65
    offset = {name: np.array(values)[pool] for name, values in POOL_OFFSETS.items()}
    moved = dict(zip(STAGES, world.effects.moved(rows, fixed["product"][rows], clock // 24).T))
    log = {name: fixed[name][rows] + moved[name] for name in STAGES}
    click = np.exp(log["click"] + offset["click"] - 0.04 * tired + season(of_year, "click"))
    order = np.exp(
        log["order"] + offset["order"] - 0.05 * tired - worn + 0.15 * ripe + 0.08 * boosted
        + 0.12 * evening + season(of_year, "order")
    )  # fmt: skip
    cost = np.exp(log["cost"] + offset["cost"] + 0.12 * boosted + 0.1 * evening + season(of_year, "cost"))
    step = {
        "row": rows, "age": np.full(len(rows), age), "clock": clock, "pool": pool,
        "expected": expected, "hold": np.exp(np.minimum(log["hold"] + offset["hold"], -0.1)),
        "engage": np.exp(log["engage"]), "click": np.minimum(click, CAPS["click"]),
        "order": np.minimum(order, CAPS["order"]), "value": np.exp(log["value"]),
        "refund": np.minimum(np.exp(log["refund"]), CAPS["refund"]), "cost": cost,
    }  # fmt: skip
    step |= _counts(chance, step, boosted, age == 0)
    for name in ("impressions", "clicks", "orders", "gmv", "spend", "plays", "plays_3s", "likes"):
        getattr(state, name)[rows] += step[name]
    return step


def _counts(
    chance: np.random.Generator, step: dict[str, np.ndarray], boosted: np.ndarray, first: bool
) -> dict[str, np.ndarray]:  # fmt: skip
    """Draw the platform's counts; all are 0 without impressions."""
    expected = step["expected"]
    impressions = chance.poisson(expected * chance.gamma(4.0, 0.25, len(expected)))
    names = ("clicks", "orders", "gmv", "spend", "boost_spend", "plays", "plays_3s", "likes")
    full: dict[str, np.ndarray] = {name: np.zeros(len(expected)) for name in names}
    if first:  # a creative's life starts with its first impression
        impressions = np.maximum(impressions, 1)
        full["expected"] = expected + (1 + expected / 4) ** -4.0
    full["impressions"] = impressions
    at = np.flatnonzero(impressions)
    shown = impressions[at]
    clicks = chance.binomial(shown, step["click"][at])
    orders = chance.binomial(clicks, step["order"][at])
    plays = np.where(chance.random(len(at)) < 0.5, shown, chance.poisson(shown * 1.08))
    spend = chance.gamma(shown, step["cost"][at])
    gmv = np.zeros(len(at))
    sold = np.flatnonzero(orders)
    gmv[sold] = chance.gamma(orders[sold] * 8.0, step["value"][at][sold] / 8.0)
    full["clicks"][at], full["orders"][at], full["gmv"][at] = clicks, orders, np.round(gmv, 2)
    full["spend"][at] = np.round(spend, 2)
    full["boost_spend"][at] = np.round(spend * np.where(boosted[at], 0.85, 0.0), 2)
    full["plays"][at] = plays
    full["plays_3s"][at] = chance.binomial(plays, step["hold"][at])
    full["likes"][at] = chance.binomial(shown, np.minimum(step["engage"][at] * 0.7, 0.5))
    return full
