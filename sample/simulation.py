"""Simulate a world: traffic, then all counts of the exported hours, then their sums by day.

Refunds, settlement, play depths and interactions do not influence the traffic, so they are drawn once for all hours.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from sample.effects import Latents
from sample.files import MISSING
from sample.randomness import Floats, stream
from sample.traffic import FINISH, Traffic, simulate
from sample.world import END, World, build
from sample.worlds import DEFAULT, WORLDS

LATER_REFUNDS = ((7, 0.75), (14, 0.55), (30, 0.30), (90, 0.10))
"""(days after payment, factor): a remaining order is refunded within the window with the creative's one-hour refund
share times the factor; altogether about 2.5 times the refunds of the first hour."""

COUNT_COLUMNS = [
    "impressions", "clicks", "orders", "net_orders", "plays", "plays_3s", "plays_5s", "plays_10s", "finishes",
    "likes", "comments", "shares", "follows",
]  # fmt: skip
MONEY = [
    "spend", "boost_spend", "gmv", "net_gmv", "settled_7d_gmv", "settled_14d_gmv", "settled_30d_gmv",
    "settled_90d_gmv", "watch_s",
]  # fmt: skip


@dataclass(frozen=True)
class Simulation:
    """A simulated world.

    Attributes:
        world: Accounts, products, KOCs and creatives.
        traffic: Every hour of every creative's life, with latent rates.
        hours: Exported hours with impressions, with all counts and sums.
        days: The same by day, with the attributes of an export.
    """

    world: World
    traffic: Traffic
    hours: pd.DataFrame
    days: pd.DataFrame


def simulate_world(seed: int, creatives: int, days: int, name: str = DEFAULT, end: pd.Timestamp = END) -> Simulation:
    """Simulate a world of WORLDS whose last day is `end`; the same arguments give the same world."""
    world = build(seed, WORLDS[name], creatives, days, end)
    traffic = simulate(seed, world)
    hours = exported_hours(seed, world, traffic)
    return Simulation(world, traffic, hours, daily(seed, world, hours))


def exported_hours(seed: int, world: World, traffic: Traffic) -> pd.DataFrame:
    """Hours with impressions within the exported days, with all counts and sums, money in whole cents."""
    hours = traffic.hours
    horizon = world.days * 24
    kept = hours[(hours["impressions"] > 0) & (hours["clock"] < horizon)].reset_index(drop=True)
    return pd.concat([kept, _money(seed, kept, horizon), _depths(seed, world, kept)], axis=1)


def _money(seed: int, kept: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Net gmv after refunds of the first hour, and gmv left after each later window as far as it has passed."""
    generator = stream(seed, "refunds")
    orders = kept["orders"].to_numpy(np.int64)
    share = kept["refund"].to_numpy(np.float64)
    age_days = (horizon - kept["clock"].to_numpy(np.float64)) / 24.0
    left = orders - generator.binomial(orders, share)
    states = {"net": left}
    before = 0.0
    for days, factor in LATER_REFUNDS:
        passed = np.clip((age_days - before) / (days - before), 0, 1)
        left = left - generator.binomial(left, np.minimum(share * factor, 0.5) * passed)
        states[f"settled_{days}d"] = left
        before = float(days)
    return pd.DataFrame({"net_orders": states["net"]} | _amounts(generator, kept, orders, states))


def _amounts(
    generator: np.random.Generator, kept: pd.DataFrame, orders: np.ndarray, states: dict[str, np.ndarray]
) -> dict[str, Floats]:
    """Split gross gmv over the orders refunded at each step, with gamma-distributed order values."""
    steps = [orders, *states.values()]
    pieces = [generator.standard_gamma(8.0 * (more - fewer)) for more, fewer in pairwise(steps)]
    pieces.append(generator.standard_gamma(8.0 * steps[-1]))
    total = np.maximum(np.sum(pieces, axis=0), 1e-12)
    rest = np.ones(len(orders))
    amounts = {}
    for name, piece in zip(states, pieces):
        rest = np.maximum(rest - piece / total, 0.0)
        amounts[f"{name}_gmv"] = np.round(kept["gmv"].to_numpy() * np.where(states[name] > 0, rest, 0.0), 2)
    return amounts


def finish_rate(effects: Latents, world: World, seed: int) -> Floats:
    """Share of plays watched to the end, one per creative: falls with duration, varies between creatives."""
    duration = world.creatives["duration_s"].to_numpy(np.float64)
    own = stream(seed, "finish").standard_normal(int(world.creatives["asset"].max()) + 1)[world.creatives["asset"]]
    hold = effects.known[:, 0] + effects.residual[:, 0]
    return np.minimum(FINISH * np.exp(-0.75 * np.log(duration / 30) + 0.8 * hold + 0.55 * own - 0.15), 0.9)


def _depths(seed: int, world: World, kept: pd.DataFrame) -> pd.DataFrame:
    generator = stream(seed, "depths")
    row = kept["row"].to_numpy()
    plays = kept["plays"].to_numpy(np.int64)
    three = kept["plays_3s"].to_numpy(np.int64)
    stays = 0.74 * np.exp(0.16 * generator.standard_normal(int(world.creatives["asset"].max()) + 1))
    asset = world.creatives["asset"].to_numpy(np.int64)[row]
    five = generator.binomial(three, np.minimum(stays[asset], 0.97))
    # The platform's 10-second rate is above its 5-second rate on half of the rows: kept as it is.
    ten_share = np.clip(five / np.maximum(plays, 1) * np.exp(generator.normal(0.02, 0.3, len(plays))), 0, 0.95)
    finish = finish_rate(world.effects, world, seed)[row]
    duration = world.creatives["duration_s"].to_numpy(np.float64)[row]
    shown = kept["impressions"].to_numpy(np.int64)
    engage = np.minimum(kept["engage"].to_numpy(np.float64), 0.6)
    watch = plays * (1.5 + 0.22 * duration * finish / FINISH * 0.5) * generator.gamma(40.0, 1 / 40.0, len(plays))
    return pd.DataFrame(
        {
            "plays_5s": five,
            "plays_10s": generator.binomial(plays, ten_share),
            "finishes": generator.binomial(plays, finish),
            "watch_s": np.round(watch, 2),
            "comments": generator.binomial(shown, engage * 0.12),
            "shares": generator.binomial(shown, engage * 0.10),
            "follows": generator.binomial(shown, engage * 0.08),
        }
    )


def daily(seed: int, world: World, hours: pd.DataFrame) -> pd.DataFrame:
    """One row per creative and day with impressions: sums (money in whole cents) and attributes."""
    summed = hours.assign(day=hours["clock"] // 24).groupby(["row", "day"])[COUNT_COLUMNS + MONEY].sum().reset_index()
    summed[MONEY] = summed[MONEY].round(2)
    generator = stream(seed, "missing watch time")
    unknown = generator.random(len(summed)) < np.where(summed["plays"] < 30, 0.65, 0.12)
    attributes = world.creatives.iloc[summed["row"].to_numpy()].reset_index(drop=True)
    summed["watch_missing"] = unknown
    summed["date"] = world.start + pd.to_timedelta(summed["day"], unit="D")
    summed["label"] = np.array(labels(world, hours), dtype=object)[summed["row"].to_numpy()]
    taken = [
        "creative_id",
        "account_code",
        "account_id",
        "promotion_type",
        "name",
        "created_at",
        "duration_s",
        "source",
    ]
    return pd.concat([summed, attributes[taken]], axis=1)


def labels(world: World, hours: pd.DataFrame) -> list[str]:
    """The platform's label (素材评估) at the time of the export, one per creative: an outcome, given after delivery."""
    total = hours.groupby("row")[["impressions", "plays", "plays_3s", "gmv", "spend"]].sum()
    total = total.reindex(range(len(world.creatives)), fill_value=0.0)
    seen = total["impressions"] > 100
    holds = total["plays_3s"] / total["plays"].clip(lower=1)
    good = seen & (total["gmv"] > 2 * total["spend"])
    poor = seen & (holds < 0.22)
    idle = seen & (total["gmv"] == 0)
    twin = world.creatives["asset"].to_numpy() % 11 == 0
    words = np.select(
        [good & ~twin, good, poor, idle, twin],
        ["首发,优质", "优质,同质化", "低质", "低效", "同质化"],
        default=MISSING,
    )
    return [str(word) for word in words]
