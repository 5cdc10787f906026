"""Choose a peer's setting within a time limit: a setting chosen by hand first, then random ones.

A setting is evaluated on the last fold, which also stops training early; the best is trained on all rows with the
rounds found. The hand setting is tried with and without the offset; random settings alternate. The limit is CPU time
of one thread, so that other work on the machine does not shorten a search.

Every peer predicts two values: the expected one, which a loss with a log link estimates, and a typical one, which ranks
outcomes: expm1 of E[log1p], from the chosen setting trained again with a squared error on log1p.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.tasks import VOLUME_POWER, TargetData, TargetTable
from features.arrays import Floats

Setting = Mapping[str, float]
Ranges = Mapping[str, tuple[float, float, bool]]
"""Name → lower bound, upper bound, whether drawn on a log scale; two integer bounds give integers."""


@dataclass(frozen=True)
class Library:
    """A library as the search uses it.

    Attributes:
        hand: Setting that is tried first.
        ranges: Ranges of random settings.
        probe: Train on `fit` by its loss, with early stopping on `validation`: rounds, and predicted ratios of
            `validation`.
        train: Train on `full` with this number of rounds: a function from a table to predicted ratios.
        offset: Whether it has a log link, so that an offset makes a difference. Else it fits log1p with a squared error
            itself, and its prediction is a typical value already.
    """

    hand: Setting
    ranges: Ranges
    probe: Callable[[Setting, TargetData], tuple[int, Floats]]
    train: Callable[[Setting, int, TargetData], Callable[[TargetTable], Floats]]
    offset: bool = True


@dataclass(frozen=True)
class PeerResult:
    """Result of one peer for one target.

    Attributes:
        predicted: Expected values of the holdout rows, in the target's unit.
        typical: Their typical values, in the same unit: expm1 of E[log1p].
        tried: Number of settings tried.
        setting: Description of the chosen one.
        seconds: CPU seconds altogether.
    """

    predicted: Floats
    typical: Floats
    tried: int
    setting: str
    seconds: float


def search(library: Library, data: TargetData, seconds: float, seed: int = 7) -> PeerResult:
    """Find the best setting within the time limit and train it on all rows.

    A further setting is tried only while the remaining time suffices for one as slow as the slowest so far; training
    on all rows, and training for the typical value, are not counted.
    """
    started = time.process_time()
    draw = np.random.default_rng(seed)
    variants = [data, data.without_offset()] if library.offset else [data]
    best: tuple[float, Setting, int, TargetData] | None = None
    tried, longest = 0, 0.0
    while best is None or time.process_time() - started + longest < seconds:
        since = time.process_time()
        variant = variants[tried % len(variants)]
        setting = library.hand if tried < len(variants) else {**library.hand, **_random(library.ranges, draw)}
        with threadpool_limits(1):
            rounds, ratio = library.probe(setting, variant)
        ratio = ratio * variant.validation.baseline / data.validation.baseline
        loss = deviance(ratio, data.validation, data.is_volume)
        tried += 1
        longest = max(longest, time.process_time() - since)
        if best is None or loss < best[0]:
            best = loss, setting, rounds, variant
    _, setting, rounds, variant = best
    with threadpool_limits(1):
        ratio = library.train(setting, rounds, variant)(variant.holdout)
        predicted = variant.holdout.baseline * ratio
        typical = predicted
        if library.offset:
            typical = typical_values(data, partial(library.probe, setting), partial(library.train, setting))
    offset = ("offset" if variant is data else "no offset") if library.offset else "log1p"
    text = f"{offset}, {setting_text(setting)}, {rounds} rounds"
    return PeerResult(predicted, typical, tried, text, time.process_time() - started)


def typical_values(
    data: TargetData,
    probe: Callable[[TargetData], tuple[int, Floats]],
    train: Callable[[int, TargetData], Callable[[TargetTable], Floats]],
) -> Floats:
    """Train with a squared error on log1p; the last fold chooses the rounds, and whether with the offset.

    Args:
        data: Outcomes, not yet as log1p.
        probe: As of `Library`, of one setting.
        train: As of `Library`, of one setting.

    Returns:
        expm1 of E[log1p] of the holdout rows.
    """
    found = []
    for logs in (data.as_log1p(offset=True), data.as_log1p(offset=False)):
        rounds, ratio = probe(logs)
        error = float(np.average((logs.validation.ratio - ratio) ** 2, weights=logs.validation.weight))
        found.append((error, rounds, logs))
    _, rounds, logs = min(found, key=lambda each: each[0])
    return np.maximum(np.expm1(logs.holdout.baseline + train(rounds, logs)(logs.holdout)), 0.0)


def setting_text(setting: Mapping[str, object]) -> str:
    """Describe the numbers of a setting."""
    return ", ".join(f"{name} {value:.3g}" for name, value in setting.items() if isinstance(value, int | float))


def deviance(ratio: Floats, table: TargetTable, is_volume: bool) -> float:
    """Mean Poisson deviance (volume: Tweedie) of predicted ratios, weighted by effective sample size."""
    ratio = np.maximum(ratio, 1e-9)
    if is_volume:
        low, high = 1 - VOLUME_POWER, 2 - VOLUME_POWER
        each = table.ratio**high / (low * high) - table.ratio * ratio**low / low + ratio**high / high
    else:
        each = table.ratio * np.log(np.where(table.ratio > 0, table.ratio, 1.0) / ratio) - (table.ratio - ratio)
    return float(2.0 * np.average(each, weights=table.weight))


def _random(ranges: Ranges, draw: np.random.Generator) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (low, high, log) in ranges.items():
        value = float(np.exp(draw.uniform(np.log(low), np.log(high))) if log else draw.uniform(low, high))
        found[name] = round(value) if isinstance(low, int) and isinstance(high, int) else value
    return found
