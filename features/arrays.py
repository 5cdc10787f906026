"""Types of arrays, any shape: what the code says of shapes, units and meaning stands where an array is named."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]
"""Places of values among known ones."""
Seconds = npt.NDArray[np.int64]
"""Seconds since 1970."""
Times = npt.NDArray[np.datetime64]
"""datetime64[us], NaT where missing."""
