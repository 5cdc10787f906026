"""How does the platform print a number? Thousand separators, `--` for unknown, percents with a sign."""

from collections.abc import Iterable

import numpy as np

from sample.randomness import Floats

MISSING = "--"


def counts(values: Iterable[float]) -> list[str]:
    """`1,234`."""
    return [f"{int(value):,}" for value in values]


def money(values: Iterable[float]) -> list[str]:
    """`1,234.50`."""
    return [f"{value:,.2f}" for value in values]


def ratios(values: Iterable[float]) -> list[str]:
    """`2.31`, `--` where the denominator is 0."""
    return [f"{value:,.2f}" if np.isfinite(value) else MISSING for value in values]


def percents(values: Iterable[float]) -> list[str]:
    """`12.34%` of a share of 0.1234, `--` where the denominator is 0."""
    return [f"{100 * value:.2f}%" if np.isfinite(value) else MISSING for value in values]


def durations(values: Iterable[float]) -> list[str]:
    """`01:05` of 65 seconds."""
    return [f"{int(value) // 60:02d}:{int(value) % 60:02d}" for value in values]


def share(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient, NaN where there is nothing to divide by."""
    empty = np.full(len(denominator), np.nan)
    return np.divide(numerator, denominator, out=empty, where=denominator > 0)
