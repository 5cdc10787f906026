"""One row through a booster without the way there: LightGBM's own single-row call, made ready beforehand.

`Booster.predict` spends twenty times as long on getting ready as on one row. The C function that it ends in can be
told everything but the row once (`LGBM_BoosterPredictForMatSingleRowFast`); what it returns is the same to the last
bit, which is checked when a model is loaded, and several rows go the usual way.
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
    """A booster that answers one row at once; everything else is the booster's own."""

    def __init__(self, booster: lgb.Booster) -> None:
        """Make it ready.

        Raises:
            AttributeError: This LightGBM has no such function.
        """
        self._booster = booster
        self._width = booster.num_feature()
        self._row, self._out = np.zeros(self._width), np.zeros(1)
        self._config, self._length = ctypes.c_void_p(), ctypes.c_int64()
        self._lock = threading.Lock()  # row and result are shared by all who ask
        library = lgb.basic._LIB
        self._call = library.LGBM_BoosterPredictForMatSingleRowFast
        begin = library.LGBM_BoosterPredictForMatSingleRowFastInit
        width, parameters = ctypes.c_int32(self._width), b"num_threads=1"
        failed = begin(booster._handle, RAW_SCORE, 0, -1, FLOAT64, width, parameters, ctypes.byref(self._config))
        if failed:
            raise AttributeError("LightGBM does not prepare single rows")
        self._told = (
            self._config,
            self._row.ctypes.data_as(ctypes.c_void_p),
            ctypes.byref(self._length),
            self._out.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )

    def predict(self, table: Floats, **how: Any) -> Floats:
        """As of the booster."""
        if len(table) != 1 or not how.get("raw_score") or how.get("pred_contrib"):
            return self._booster.predict(table, **how)
        with self._lock:
            self._row[:] = table[0]
            if self._call(*self._told):
                return self._booster.predict(table, **how)
            return self._out.copy()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._booster, name)


def quickened(boosters: Mapping[str, lgb.Booster], rows: Mapping[str, Floats]) -> Mapping[str, lgb.Booster]:
    """The boosters, made ready for single rows where that gives what they give, bit for bit.

    Args:
        boosters: By stage.
        rows: By stage: rows on which both are compared.
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
