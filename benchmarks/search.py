"""How long may a peer look for its setting? All the same: a hand setting first, then draws until the time is up.

A setting is judged on the last fold, where it also stops early; the best is trained on all rows with the rounds found.
The hand setting is tried with and without the offset; draws take turns. Time is that of the processor, of which each
peer has one thread: other work on the machine takes nothing from a peer.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from benchmarks.tasks import StageData, Table
from training.boosting.volume_offset import POWER

Floats = npt.NDArray[np.float64]
Setting = Mapping[str, float]
Ranges = Mapping[str, tuple[float, float, bool]]
"""Name → least, most, whether drawn on a log scale; a range of two ints is drawn as ints."""


@dataclass(frozen=True)
class Library:
    """A library as the search sees it.

    Attributes:
        hand: The setting tried first.
        ranges: What is drawn after.
        probe: Trains on the first table, stops early on the second: rounds, and predicted ratios of the second.
        train: Trains on all rows with so many rounds: a function that predicts the ratios of a table.
        offset: Whether the offset is of use: a squared error on a log scale has none.
    """

    hand: Setting
    ranges: Ranges
    probe: Callable[[Setting, StageData], tuple[int, Floats]]
    train: Callable[[Setting, int, StageData], Callable[[Table], Floats]]
    offset: bool = True


@dataclass(frozen=True)
class Found:
    """What a peer did.

    Attributes:
        predicted: Of the held-out rows, in the target's own unit.
        tried: Settings tried.
        setting: The chosen one, in words.
        seconds: All of it, of the processor.
    """

    predicted: Floats
    tried: int
    setting: str
    seconds: float


def search(library: Library, data: StageData, seconds: float, seed: int = 7) -> Found:
    """The best setting that the time allows, trained on all rows.

    A further setting is tried only while the time left is enough for one that takes as long as the longest so far;
    the training on all rows comes on top.
    """
    begun = time.process_time()
    draw = np.random.default_rng(seed)
    forms = [data, data.flat()] if library.offset else [data]
    best: tuple[float, Setting, int, StageData] | None = None
    tried, longest = 0, 0.0
    while best is None or time.process_time() - begun + longest < seconds:
        since = time.process_time()
        form = forms[tried % len(forms)]
        setting = library.hand if tried < len(forms) else {**library.hand, **_drawn(library.ranges, draw)}
        with threadpool_limits(1):
            rounds, ratio = library.probe(setting, form)
        loss = deviance(ratio * form.stop.start / data.stop.start, data.stop, data.volume)
        tried += 1
        longest = max(longest, time.process_time() - since)
        if best is None or loss < best[0]:
            best = loss, setting, rounds, form
    _, setting, rounds, form = best
    with threadpool_limits(1):
        ratio = library.train(setting, rounds, form)(form.held)
    words = ", ".join(f"{name} {value:.3g}" for name, value in setting.items())
    offset = ("offset" if form is data else "no offset") if library.offset else "log1p"
    told = f"{offset}, {words}, {rounds} rounds"
    return Found(form.held.start * ratio, tried, told, time.process_time() - begun)


def deviance(ratio: Floats, table: Table, volume: bool) -> float:
    """Mean Poisson deviance of predicted ratios, by effective sample size; for volume Tweedie's."""
    ratio = np.maximum(ratio, 1e-9)
    if volume:
        low, high = 1 - POWER, 2 - POWER
        each = table.ratio**high / (low * high) - table.ratio * ratio**low / low + ratio**high / high
    else:
        each = table.ratio * np.log(np.where(table.ratio > 0, table.ratio, 1.0) / ratio) - (table.ratio - ratio)
    return float(2.0 * np.average(each, weights=table.worth))


def _drawn(ranges: Ranges, draw: np.random.Generator) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, (low, high, log) in ranges.items():
        value = float(np.exp(draw.uniform(np.log(low), np.log(high))) if log else draw.uniform(low, high))
        found[name] = round(value) if isinstance(low, int) and isinstance(high, int) else value
    return found
