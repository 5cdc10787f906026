"""What else does the platform count in an hour? Refunds and settlement, play depths and interactions.

None of it moves the traffic, so it is drawn once for all hours together.
"""

from itertools import pairwise

import numpy as np
import pandas as pd

from sample.effects import Latents
from sample.randomness import Floats, stream
from sample.traffic import FINISH, Traffic
from sample.world import World

LATER_REFUNDS = ((7, 0.75), (14, 0.55), (30, 0.30), (90, 0.10))
"""(days after payment, factor): an order that is still there is refunded inside the window with the
creative's one-hour refund share times the factor; in all about 2.5 times what the first hour takes back."""


def exported_hours(seed: int, world: World, traffic: Traffic) -> pd.DataFrame:
    """The hours with impressions inside the exported days, with every count and sum, money in whole cents."""
    hours = traffic.hours
    horizon = world.days * 24
    kept = hours[(hours["impressions"] > 0) & (hours["clock"] < horizon)].reset_index(drop=True)
    return pd.concat([kept, _money(seed, kept, horizon), _depths(seed, world, kept)], axis=1)


def _money(seed: int, kept: pd.DataFrame, horizon: int) -> pd.DataFrame:
    """Net of refunds in the first hour, and what is left after each later window as far as it has passed."""
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
    """Splits the gross amount over the orders that leave at each step, in gamma pieces as the orders were."""
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
    """Share of plays watched to the end: falls with duration, and differs a lot between creatives."""
    duration = world.creatives["duration_s"].to_numpy(np.float64)
    own = stream(seed, "finish").standard_normal(int(world.creatives["asset"].max()) + 1)[world.creatives["asset"]]
    hold = effects.known[:, 0] + effects.luck[:, 0]
    return np.minimum(FINISH * np.exp(-0.75 * np.log(duration / 30) + 0.8 * hold + 0.55 * own - 0.15), 0.9)


def _depths(seed: int, world: World, kept: pd.DataFrame) -> pd.DataFrame:
    generator = stream(seed, "depths")
    row = kept["row"].to_numpy()
    plays = kept["plays"].to_numpy(np.int64)
    held = kept["plays_3s"].to_numpy(np.int64)
    stays = 0.74 * np.exp(0.16 * generator.standard_normal(int(world.creatives["asset"].max()) + 1))
    asset = world.creatives["asset"].to_numpy(np.int64)[row]
    five = generator.binomial(held, np.minimum(stays[asset], 0.97))
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
