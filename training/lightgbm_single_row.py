"""Fast prediction of a single row: LightGBM's C function for one row, prepared once.

`Booster.predict` takes twenty times as long to prepare a call as to predict one row.
`LGBM_BoosterPredictForMatSingleRowFast` is prepared once for all but the row. Its result is the same to the last bit,
which is checked when a model is loaded; several rows go through `Booster.predict`.
"""

import ctypes
import threading
from collections.abc import Mapping
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

RAW_SCORE, FLOAT64 = 1, 1


class FastBooster:
    """A booster with a prepared single-row call; everything else is delegated to the booster."""

    def __init__(self, booster: lgb.Booster) -> None:
        """Prepare the call.

        Raises:
            AttributeError: This LightGBM has no such function.
        """
        self._booster = booster
        self._width = booster.num_feature()
        self._row, self._out = np.zeros(self._width), np.zeros(1)
        self._config, self._length = ctypes.c_void_p(), ctypes.c_int64()
        self._lock = threading.Lock()  # the buffers of row and result are shared by all threads
        library = lgb.basic._LIB
        self._call = library.LGBM_BoosterPredictForMatSingleRowFast
        prepare = library.LGBM_BoosterPredictForMatSingleRowFastInit
        width, parameters = ctypes.c_int32(self._width), b"num_threads=1"
        failed = prepare(booster._handle, RAW_SCORE, 0, -1, FLOAT64, width, parameters, ctypes.byref(self._config))
        if failed:
            raise AttributeError("LightGBM does not prepare single rows")
        self._arguments = (
            self._config,
            self._row.ctypes.data_as(ctypes.c_void_p),
            ctypes.byref(self._length),
            self._out.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )

    def predict(self, table: Floats, **how: Any) -> Floats:
        """As `Booster.predict`."""
        if len(table) != 1 or not how.get("raw_score") or how.get("pred_contrib"):
            return self._booster.predict(table, **how)
        with self._lock:
            self._row[:] = table[0]
            if self._call(*self._arguments):
                return self._booster.predict(table, **how)
            return self._out.copy()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._booster, name)


def with_single_row_calls(boosters: Mapping[str, lgb.Booster], rows: Mapping[str, Floats]) -> Mapping[str, lgb.Booster]:
    """Boosters with single-row calls, where these return the same bits; else the boosters unchanged.

    Args:
        boosters: By stage.
        rows: By stage: rows on which both ways are compared.
    """
    try:
        fast = {stage: FastBooster(booster) for stage, booster in boosters.items()}
    except AttributeError:
        return boosters
    for stage, booster in boosters.items():
        expected = booster.predict(rows[stage], raw_score=True, num_threads=1)
        alone = [fast[stage].predict(row[None], raw_score=True, num_threads=1)[0] for row in rows[stage]]
        if not np.array_equal(expected, alone):
            return boosters
    return fast
