"""Straight lines through standardised columns, several at once."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

BEYOND = 4.0
"""Standard deviations beyond which a column is held: no regression is believed far outside what taught it."""


@dataclass(frozen=True, eq=False)
class Lines:
    """The lines of several heads through the same columns.

    Attributes:
        intercept: Of each head.
        weight, mean, scale: Of each head; the last axis are the columns.
    """

    intercept: Floats
    weight: Floats
    mean: Floats
    scale: Floats

    def __call__(self, table: Floats) -> Floats:
        """The sums over the columns, the table's last axis; its other axes meet those of the heads."""
        scaled = standardised(table, self.mean, self.scale)
        scaled *= self.weight
        return np.asarray(scaled.sum(axis=-1) + self.intercept)


def standardised(values: Floats, mean: float | Floats, scale: float | Floats) -> Floats:
    """Deviations from the mean, held at BEYOND; 0 where the value is missing."""
    scaled = (values - mean) / scale
    np.maximum(np.minimum(scaled, BEYOND, out=scaled), -BEYOND, out=scaled)
    scaled[np.isnan(scaled)] = 0.0
    return scaled
