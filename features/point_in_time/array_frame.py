"""A frame of few rows that costs next to nothing: arrays by name, behind the small part of pandas that features use.

Everything a pandas frame can do and this cannot is handed to a pandas frame, made once where that is needed: what is
written for frames works here too, only the quick ways are quick.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int64]


class Column:
    """Values in row order; missing words are None."""

    __slots__ = ("_series", "values")

    def __init__(self, values: npt.NDArray[Any]) -> None:
        self.values = values
        self._series: pd.Series | None = None

    def to_numpy(self, dtype: Any = None) -> npt.NDArray[Any]:
        """The values, as this type where one is named."""
        return self.values if dtype is None or self.values.dtype == dtype else self.values.astype(dtype)

    def __eq__(self, other: object) -> "Column":  # type: ignore[override]
        return Column(np.asarray(self.values == other))

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return self.to_numpy(dtype)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if self._series is None:
            self._series = pd.Series(self.values)
        return getattr(self._series, name)


class Table:
    """Columns of one length: arrays by name, or one array with a name for each of its columns."""

    __slots__ = ("_columns", "_count", "_frame", "_matrix", "_places")

    def __init__(self, columns: dict[str, npt.NDArray[Any]], count: int) -> None:
        """Take the arrays as they are."""
        self._columns = columns
        self._count = count
        self._frame: pd.DataFrame | None = None
        self._matrix: npt.NDArray[np.float64] | None = None
        self._places: dict[str, int] = {}

    @classmethod
    def of_matrix(cls, names: Iterable[str], matrix: npt.NDArray[np.float64]) -> "Table":
        """Columns of one array of numbers, rows first; it stays as it is."""
        table = cls({}, len(matrix))
        table._matrix, table._places = matrix, {name: place for place, name in enumerate(names)}
        return table

    def __getitem__(self, name: str | list[str]) -> Any:
        if self._matrix is not None:
            if isinstance(name, str):
                return Column(self._matrix[:, self._places[name]])
            return Table.of_matrix(name, self._matrix[:, [self._places[part] for part in name]])
        if isinstance(name, str):
            return Column(self._columns[name])
        return Table({part: self._columns[part] for part in name}, self._count)

    def __setitem__(self, name: str, values: npt.NDArray[Any]) -> None:
        if self._matrix is not None:
            raise TypeError("columns of one array stay as they are")
        self._columns[name] = values
        self._frame = None

    def __contains__(self, name: object) -> bool:
        return name in self._columns or name in self._places

    def __iter__(self) -> Any:
        return iter(self._columns or self._places)

    def __len__(self) -> int:
        return self._count

    def to_numpy(self, dtype: Any = np.float64) -> npt.NDArray[np.float64]:
        """All columns of numbers as one array, rows first."""
        if self._matrix is not None:
            return self._matrix
        matrix = np.empty((self._count, len(self._columns)))
        for place, values in enumerate(self._columns.values()):
            matrix[:, place] = values
        return matrix

    def lines(self, names: Sequence[str]) -> npt.NDArray[np.float64]:
        """These columns of numbers as one array, a line a column."""
        if self._matrix is not None:
            return np.ascontiguousarray(self._matrix[:, [self._places[name] for name in names]].T)
        columns = self._columns
        return np.array([columns[name] for name in names], dtype=np.float64).reshape(len(names), self._count)

    def frame(self) -> pd.DataFrame:
        """The same as a pandas frame."""
        if self._frame is None:
            if self._matrix is not None:
                self._frame = pd.DataFrame(self._matrix, columns=list(self._places))
            else:
                self._frame = pd.DataFrame(self._columns, index=range(self._count))
        return self._frame

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self.frame(), name)


def lines(frame: Any, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Columns of numbers as one array, a line a column."""
    if isinstance(frame, Table):
        return frame.lines(names)
    return np.ascontiguousarray(frame[list(names)].to_numpy(np.float64).T)


def coded(column: Any, known: Mapping[Any, Any], missing: float = -1) -> npt.NDArray[Any]:
    """What each row's value stands for; the last argument where it stands for nothing."""
    if isinstance(column, Column):
        return np.array([known.get(value, missing) for value in column.values.tolist()])
    place, held = distinct(column)
    return np.array([*(known.get(value, missing) for value in held), missing])[place]


def distinct(column: Any) -> tuple[Codes, list[Any]]:
    """Place of each row's value among the distinct values (−1 where it is missing), and these."""
    if isinstance(column, Column):
        places: dict[Any, int] = {}
        codes = [-1 if v is None or v != v else places.setdefault(v, len(places)) for v in column.values.tolist()]
        return np.array(codes, dtype=np.int64), list(places)
    codes, values = pd.factorize(column)
    return np.asarray(codes, dtype=np.int64), list(values)
