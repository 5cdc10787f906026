"""Where do random numbers come from? One independent stream per concern, all from one seed."""

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def stream(seed: int, concern: str) -> np.random.Generator:
    """A generator of its own for a concern, so that more draws in one place shift nothing in another."""
    return np.random.default_rng([seed, zlib.crc32(concern.encode())])


def fat_tailed(generator: np.random.Generator, size: int) -> Floats:
    """Student t with 4 degrees of freedom, scaled to sd 1 and cut at ±4."""
    return np.clip(generator.standard_t(4, size) / np.sqrt(2.0), -4.0, 4.0)
