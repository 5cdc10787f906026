"""A table of numpy arrays by column name, as cheap for one row as for a million.

Counts, histories and features are computed on this type alone. `ArrayFrame.of` and `.frame()` convert pandas frames at
the edges: training slices and joins pandas frames, the service builds its rows from requests.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice


@dataclass(frozen=True)
class Categories:
    """A dictionary-encoded text column.

    Attributes:
        codes: (rows,) position of each row's value in `values`; −1 where it is missing.
        values: The distinct values, in order of appearance; after `take` some may be unused.
    """

    codes: Codes
    values: Sequence[str]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> "Categories":
        """Encode texts, one per row, None where missing."""
        places: dict[str, int] = {}
        codes = [-1 if text is None else places.setdefault(text, len(places)) for text in texts]
        return cls(np.array(codes, dtype=np.int64), list(places))

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Rows) -> "Categories":
        """The column of these rows; `values` stays whole."""
        return Categories(self.codes[rows], self.values)

    def map(self, numbers: Mapping[str, float] | Mapping[str, int], missing: float = -1) -> npt.NDArray[Any]:
        """(rows,) number of each row's value; `missing` for a value without one and for a missing value."""
        return np.array([*(numbers.get(value, missing) for value in self.values), missing])[self.codes]

    def texts(self) -> npt.NDArray[np.object_]:
        """(rows,) the texts themselves; None where missing."""
        values = np.empty(len(self.values) + 1, dtype=object)
        values[:-1] = self.values
        return values[self.codes]


def look_up(
    columns: Sequence[Categories | None],
    numbers: Sequence[Mapping[str, float]],
    unknown: float = -1,
    missing: float = -1,
    *,
    count: int,
) -> npt.NDArray[Any]:
    """(columns, rows) Number of each value, all columns in one step.

    Args:
        columns: Of `count` rows; None: nothing is known of it.
        numbers: Of each column: value → its number.
        unknown: For a value without a number.
        missing: For a missing value.
        count: Number of rows.
    """
    table: list[float] = []
    codes = np.empty((len(columns), count), dtype=np.int64)
    for line, column, known in zip(codes, columns, numbers):
        table.append(missing)
        if column is None:
            line[:] = len(table) - 1
        else:
            np.add(column.codes, len(table), out=line)  # code −1 is the entry before: missing
            table += [known.get(value, unknown) for value in column.values]
    return np.array(table)[codes]


class ArrayFrame:
    """Columns of one length: numbers and times as numpy arrays, texts as `Categories`."""

    __slots__ = ("_columns", "_count")

    def __init__(self, columns: dict[str, npt.NDArray[Any] | Categories], count: int) -> None:
        """Take the columns as they are; `count` is their length, of a frame without columns too."""
        self._columns = columns
        self._count = count

    @classmethod
    def of(cls, frame: pd.DataFrame) -> "ArrayFrame":
        """Convert a pandas frame; numbers and times are not copied."""
        columns: dict[str, npt.NDArray[Any] | Categories] = {}
        for name in frame:
            column = frame[name]
            if column.dtype.kind in "biufM" and not isinstance(column.dtype, pd.CategoricalDtype):
                columns[str(name)] = column.to_numpy()
            else:
                codes, values = pd.factorize(column)
                columns[str(name)] = Categories(np.asarray(codes, dtype=np.int64), list(values))
        return cls(columns, len(frame))

    def frame(self) -> pd.DataFrame:
        """Convert to a pandas frame with rows numbered from 0; texts are of type `str`."""
        columns = {
            name: pd.array(list(column.values), dtype="str").take(column.codes, allow_fill=True)
            if isinstance(column, Categories)
            else column
            for name, column in self._columns.items()
        }
        return pd.DataFrame(columns, index=range(self._count), copy=False)  # hundreds of columns: no second copy

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """(rows,) a column of numbers or times."""
        column = self._columns[name]
        if isinstance(column, Categories):
            raise TypeError(f"{name} holds texts; use `categories`")
        return column

    def categories(self, name: str) -> Categories:
        """A column of texts."""
        column = self._columns[name]
        if isinstance(column, Categories):
            return column
        if np.isnan(column).all():  # a column of which nothing is known has no type of its own
            return Categories(np.full(self._count, -1, dtype=np.int64), [])
        raise TypeError(f"{name} holds numbers, not texts")

    def categories_or_none(self, name: str) -> Categories | None:
        """A column of texts; None where there is no such column."""
        return self.categories(name) if name in self._columns else None

    def floats(self, name: str) -> Floats:
        """(rows,) a column of numbers as float64; NaN in every row where there is no such column."""
        if name not in self._columns:
            return np.full(self._count, np.nan)
        return self[name].astype(np.float64, copy=False)

    def stack(self, names: Sequence[str]) -> Floats:
        """(names, rows) columns of numbers as one array."""
        columns = self._columns
        return np.array([columns[name] for name in names], dtype=np.float64).reshape(len(names), self._count)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return self._count

    def take(self, rows: Rows) -> "ArrayFrame":
        """These rows: positions, a mask or a slice."""
        columns = {
            name: column.take(rows) if isinstance(column, Categories) else column[rows]
            for name, column in self._columns.items()
        }
        return ArrayFrame(columns, len(np.empty(self._count, dtype=np.bool_)[rows]))

    def select(self, names: Iterable[str]) -> "ArrayFrame":
        """These columns."""
        return ArrayFrame({name: self._columns[name] for name in names}, self._count)

    def without(self, names: Iterable[str]) -> "ArrayFrame":
        """All other columns."""
        left_out = set(names)
        return ArrayFrame({name: c for name, c in self._columns.items() if name not in left_out}, self._count)

    def assign(self, columns: "Mapping[str, npt.NDArray[Any] | Categories] | ArrayFrame") -> "ArrayFrame":
        """The same with these columns added, or put in the place of those of their names."""
        added = columns._columns if isinstance(columns, ArrayFrame) else columns
        return ArrayFrame({**self._columns, **added}, self._count)
