"""The past of an account, from which the plan learns how unevenly its money comes."""

from dataclasses import replace

import numpy as np

from benchmarks.plan_market import FIRST_SEED, Market, market, play
from benchmarks.plan_rules import EQUAL
from training.decision.plan.dispersion import day_pairs, upper_bounds

PAST_SEED = 100_000
"""Added to the seeds of the markets that are played: others of the same world, with creatives of their own."""

PAST_CREATIVES = 64
"""Creatives of each account's past; of the sample's accounts about 500."""


def past_market(world: str, seeds: int, first: int = FIRST_SEED) -> Market:
    """The creatives that ran before in each account."""
    return market(world, seeds, PAST_CREATIVES, first + PAST_SEED)


def with_past(own: Market, past: Market) -> Market:
    """The market with what its account has learnt from 14 past days, by the rows that a report has of them.

    Args:
        own: The market.
        past: Of the same number of seeds; its orders come, and have values, as those of `own`.
    """
    past = replace(past, bursts=own.bursts, uneven=own.uneven)
    days: list[tuple[np.ndarray, np.ndarray]] = []
    play(past, EQUAL, 0.5, seed=8, days=days)
    money, spend = (np.stack(part) for part in zip(*days))  # (days, seeds, creatives)
    seeds, creatives = past.target.shape
    units = np.broadcast_to(np.arange(seeds * creatives), (len(days), seeds * creatives)).ravel()
    numbers = np.repeat(np.arange(len(days)), seeds * creatives)
    top, below = day_pairs(units, numbers, (money / past.value).ravel(), spend.ravel(), seeds * creatives)
    bound = upper_bounds(np.repeat(np.arange(seeds), creatives), top, below)
    return replace(own, dispersion=bound[:, None])
