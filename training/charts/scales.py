"""Scales and ticks: numbers to places in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, log, log10, sqrt
from typing import Literal

Kind = Literal["linear", "log", "root"]
NICE_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
LOG_SUBDIVISIONS = (1.0, 2.0, 5.0)
FACTORS = (0.4, 0.5, 0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5)
WIDE_FACTORS = (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0)


@dataclass(frozen=True)
class Scale:
    """Map from numbers to places.

    Attributes:
        low, high: Numbers at both ends.
        start, end: Their places, in units of the picture; `start` may be the larger one.
        kind: `linear`, `log` (numbers above 0) or `root` (square root, numbers from 0).
        clamp: Place numbers beyond the ends at the ends.
    """

    low: float
    high: float
    start: float
    end: float
    kind: Kind = "linear"
    clamp: bool = False

    def __call__(self, value: float) -> float:
        """The place of a number."""
        low, high = self._transform(self.low), self._transform(self.high)
        share = (self._transform(value) - low) / ((high - low) or 1.0)
        if self.clamp:
            share = min(max(share, 0.0), 1.0)
        return self.start + share * (self.end - self.start)

    def _transform(self, value: float) -> float:
        if self.kind == "log":
            return log(max(value, 1e-12))
        return sqrt(value) if self.kind == "root" else value


def padded(values: Sequence[float], share: float = 0.05) -> tuple[float, float]:
    """Ends of an axis: the extremes of the numbers, moved outwards by a share of their range."""
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    margin = (high - low) * share or max(abs(low) * share, 1e-3)
    return low - margin, high + margin


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2, 2.5 or 5 × 10ⁿ between both ends: as many as possible, with at most `most` steps."""
    rough = (high - low) / most
    power = 10.0 ** floor(log10(rough))
    step = next(one * power for one in NICE_STEPS if one * power >= rough * (1 - 1e-9))
    first, last = ceil(low / step - 1e-9), floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def log_ticks(low: float, high: float, subdivisions: Sequence[float] = LOG_SUBDIVISIONS) -> list[float]:
    """These multiples of powers of ten between both ends."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [one * 10.0**power for power in powers for one in subdivisions]
    return [tick for tick in ticks if low <= tick <= high]


def decimal_labels(ticks: Sequence[float]) -> list[str]:
    """Ticks with as many decimals as they need, the same for all."""
    for decimals in range(10):
        if all(abs(round(tick, decimals) - tick) < 1e-9 * max(1.0, abs(tick)) for tick in ticks):
            break
    return [f"{tick:.{decimals}f}".replace("-", "−") for tick in ticks]


def factor_ticks(
    factors: Sequence[float], scale: Scale, distance: float, margin: float = 0.0
) -> list[tuple[str, float]]:
    """Labels and places of factors on a log scale around ×1, which is always among them.

    Args:
        factors: Candidates; those nearest to 1 win.
        scale: The log scale.
        distance: Least distance between two labels.
        margin: Least distance of a label from both ends.
    """
    found = [("1", scale(1.0))]
    first, last = sorted((scale.start, scale.end))
    for factor in sorted(factors, key=lambda one: abs(log(one))):
        place = scale(factor)
        inside = scale.low < factor < scale.high and first + margin <= place <= last - margin
        if inside and all(abs(place - other) >= distance for _, other in found):
            found.append((f"{factor:g}", place))
    return found


def factor_scale(reach: float, start: float, end: float) -> Scale:
    """A log scale from exp(−reach) to exp(reach), ×1 in the middle; factors beyond stand at its ends."""
    return Scale(exp(-reach), exp(reach), start, end, "log", clamp=True)
