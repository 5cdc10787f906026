"""Random numbers: one independent stream per purpose, all from one seed."""

import zlib

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def stream(seed: int, concern: str) -> np.random.Generator:
    """Generator of one purpose, so that more draws in one place do not shift those in another."""
    return np.random.default_rng([seed, zlib.crc32(concern.encode())])


def fat_tailed(generator: np.random.Generator, size: int) -> Floats:
    """Student t with 4 degrees of freedom, scaled to standard deviation 1 and clipped at ±4."""
    return np.clip(generator.standard_t(4, size) / np.sqrt(2.0), -4.0, 4.0)
