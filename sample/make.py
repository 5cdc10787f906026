"""How do the parts of the world follow from each other? World, traffic, hours with all counts, days."""

from dataclasses import dataclass

import pandas as pd

from sample.days import daily
from sample.later import exported_hours
from sample.traffic import Traffic, simulate
from sample.world import World, build


@dataclass(frozen=True)
class Made:
    """One world, run to its end.

    Attributes:
        world: Who is there.
        traffic: Every hour of every life, with latent rates.
        hours: The exported hours with impressions, with all counts and sums.
        days: The same by day, with the attributes an export shows.
    """

    world: World
    traffic: Traffic
    hours: pd.DataFrame
    days: pd.DataFrame


def make(seed: int, creatives: int, days: int) -> Made:
    """Draws and runs a world; the same arguments give the same world."""
    world = build(seed, creatives, days)
    traffic = simulate(seed, world)
    hours = exported_hours(seed, world, traffic)
    return Made(world, traffic, hours, daily(seed, world, hours))
