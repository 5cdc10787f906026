"""Which candidates to launch: the plan's choice against others, in worlds whose truth is known."""

import numpy as np
import pandas as pd
from scipy.special import ndtr

from benchmarks.plan_market import DAYS, WINNER, Market, market, play
from benchmarks.plan_rules import EQUAL, SETTINGS, unit
from features.arrays import Floats, Ints
from sample.worlds import WORLDS
from training.decision.plan.selection import choose
from training.decision.plan.testing import test_of

CANDIDATES, LAUNCHES = 40, 8


def launch_table(seeds: int, draws: int) -> pd.DataFrame:
    """One row per way to choose: gain, and the share of markets with a winner among the launches, with bands."""
    rows: dict[str, list[tuple[Floats, Floats]]] = {}
    for world in WORLDS:
        own = market(world, seeds, CANDIDATES)
        for name, chosen in _choices(own).items():
            some = own.some(chosen)
            state = play(some, EQUAL, 0.5)
            budget = some.natural.sum(axis=1) * DAYS
            gain = np.asarray(1000.0 * (state.expected - some.target * state.spend).sum(axis=1) / budget)
            rows.setdefault(name, []).append((gain, np.asarray(some.winners.any(axis=1), dtype=np.float64)))
    chance = np.random.default_rng(5)
    lines = []
    for name, parts in rows.items():
        line: dict[str, str] = {"launches": name}
        for place, title, form in ((0, "gain", "{:.0f}"), (1, "a winner among them", "{:.2f}")):
            values = np.concatenate([part[place] for part in parts])
            means = [chance.choice(values, len(values)).mean() for _ in range(draws)]
            mean, low, high = (form.format(value) for value in (values.mean(), *np.quantile(means, [0.025, 0.975])))
            line[title] = f"{mean} ({low} to {high})"
        lines.append(line)
    return pd.DataFrame(lines)


def _choices(own: Market) -> dict[str, Ints]:
    """(seeds, LAUNCHES) of each way to choose."""
    over, true = own.roi / own.target, own.true_roi.mean(axis=0) / own.target
    seeds = len(over)
    first = np.broadcast_to(np.arange(LAUNCHES), (seeds, LAUNCHES))
    return {
        "the plan's": np.array([_planned(own, seed) for seed in range(seeds)]),
        "highest predicted ROI": np.argsort(-over, axis=1)[:, :LAUNCHES],
        "most predicted spend": np.argsort(-own.natural_guess, axis=1)[:, :LAUNCHES],
        "at random": first,
        "highest true ROI": np.argsort(-true, axis=1)[:, :LAUNCHES],
    }


def _planned(own: Market, seed: int) -> Ints:
    """The plan's choice in one market, each candidate an idea of its own; a hit reaches WINNER times its target."""
    roi, variance, target, value = (part[seed] for part in (own.roi, own.log_variance, own.target, unit(own)))
    natural = own.natural_guess[seed] * DAYS
    tests = test_of(roi, variance, target, natural, value, np.zeros(CANDIDATES), SETTINGS)
    hit = _reaches(roi, variance, target)
    family = np.arange(CANDIDATES, dtype=np.int64)
    found = choose(tests.gain[len(tests.gain) // 2], hit, tests.minimum, family, 1e12, LAUNCHES, SETTINGS)
    return np.flatnonzero(found.chosen)


def _reaches(roi: Floats, variance: Floats, target: Floats) -> Floats:
    """Probability that a log-normal true ROI reaches WINNER times its target."""
    deviation = np.sqrt(variance)
    return np.asarray(ndtr((np.log(roi / target / WINNER) - variance / 2.0) / deviation))
