"""Distributions of what is 0 or more: mixtures of a chance of nothing and a log-normal body."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Floats = npt.NDArray[np.float64]

POINTS = 161
"""Of the grid of values on which a distribution is told."""
REACH = 5.0
"""Deviations from the centre that the grid reaches."""
STEPS = np.arange(POINTS) / (POINTS - 1.0)


@dataclass(frozen=True)
class Mixture:
    """A distribution for each row: parts of equal weight, each with a chance of nothing and a log-normal body.

    Attributes:
        nothing: Chance of nothing, a row a row, a column a part.
        centre: Of the log, where there is something.
        deviation: Of the log.
    """

    nothing: Floats
    centre: Floats
    deviation: Floats

    @property
    def none(self) -> Floats:
        """Chance of nothing at all."""
        return np.asarray(self.nothing.sum(axis=-1) / self.nothing.shape[1])

    def every(self, step: int, first: int) -> "Mixture":
        """Of every so many rows one, from this one on."""
        return Mixture(*(part[first::step] for part in (self.nothing, self.centre, self.deviation)))

    def below(self, value: Floats) -> Floats:
        """Chance of at most this value, which is 0 or more; a row per row, and any number of columns."""
        some = value > 0
        log = np.log(np.where(some, value, 1.0))
        shape = (len(value), *[1] * (value.ndim - 1), -1)
        nothing, centre, deviation = (part.reshape(shape) for part in (self.nothing, self.centre, self.deviation))
        body = ndtr((log[..., None] - centre) / deviation)
        body *= some[..., None]
        # A row's parts lie beside each other: their sum is the same for one row as for many.
        return (nothing + (1.0 - nothing) * body).sum(axis=-1) / self.nothing.shape[1]

    def grid(self) -> Floats:
        """POINTS rising values for each row, between which all but a sliver of what is above 0 lies."""
        low = (self.centre - REACH * self.deviation).min(axis=1)[:, None]
        high = (self.centre + REACH * self.deviation).max(axis=1)[:, None]
        return np.exp(low + (high - low) * STEPS)
