"""A table of numpy arrays by column name, as cheap for one row as for a million.

Counts, histories and features are computed on this type alone. `ArrayFrame.of` and `.frame()` convert pandas frames at
the edges: training slices and joins pandas frames, the service builds its rows from requests.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Codes, Floats
from features.point_in_time.number_columns import Names, NumberColumns

Rows = npt.NDArray[np.int64] | npt.NDArray[np.bool_] | slice


NO_NUMBERS = NumberColumns(())


class Categories:
    """A dictionary-encoded text column.

    Attributes:
        codes: (rows,) position of each row's value in `values`; −1 where it is missing.
        values: The distinct values, in order of appearance; after `take` some may be unused.
    """

    __slots__ = ("codes", "values")

    def __init__(self, codes: Codes, values: Sequence[str]) -> None:
        """Take the codes and values as they are."""
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> "Categories":
        """Encode texts, one per row, None where missing."""
        return encoded({"": texts})[""]

    def __len__(self) -> int:
        return len(self.codes)

    def take(self, rows: Rows) -> "Categories":
        """The column of these rows; `values` stays whole."""
        return Categories(self.codes[rows], self.values)

    def map(self, numbers: Mapping[str, float] | Mapping[str, int], missing: float = -1) -> npt.NDArray[Any]:
        """(rows,) number of each row's value; `missing` for a value without one and for a missing value."""
        return np.array([*(numbers.get(value, missing) for value in self.values), missing])[self.codes]

    def listed(self) -> list[Any]:
        """The texts themselves as a list, None where missing: faster than `texts` for a few rows."""
        values: list[Any] = [*self.values, None]
        return [values[code] for code in self.codes.tolist()]

    def texts(self) -> npt.NDArray[np.object_]:
        """(rows,) the texts themselves; None where missing."""
        values = np.empty(len(self.values) + 1, dtype=object)
        values[:-1] = self.values
        return values[self.codes]


def encoded(columns: Mapping[str, Iterable[str | None]]) -> dict[str, Categories]:
    """Encode columns of texts, all of one length, None where missing."""
    codes: list[list[int]] = []
    values: list[list[str]] = []
    for texts in columns.values():
        places: dict[str, int] = {}
        codes.append([-1 if text is None else places.setdefault(text, len(places)) for text in texts])
        values.append(list(places))
    return {name: Categories(*column) for name, *column in zip(columns, np.array(codes, dtype=np.int64), values)}


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
    if not columns:
        return np.empty((0, count))
    table: list[float] = []
    starts: list[int] = []
    codes: list[Codes] = []
    for column, known in zip(columns, numbers):
        table.append(missing)  # code −1 is the entry before the first: missing
        starts.append(len(table))
        if column is None:
            codes.append(np.full(count, -1, dtype=np.int64))
        else:
            codes.append(column.codes)
            for value in column.values:
                table.append(known.get(value, unknown))
    places = np.array(codes)
    places += np.array(starts)[:, None]
    return np.array(table).take(places)


class ArrayFrame:
    """Columns of one length: numbers and times as numpy arrays, texts as `Categories`; many numbers in few arrays."""

    __slots__ = ("_columns", "_count", "_numbers")

    def __init__(
        self, columns: dict[str, npt.NDArray[Any] | Categories], count: int, numbers: NumberColumns | None = None
    ) -> None:
        """Take the columns as they are.

        Args:
            columns: By name.
            count: Their length, of a frame without columns too.
            numbers: Further columns.
        """
        self._columns = columns
        self._count = count
        self._numbers = NO_NUMBERS if numbers is None else numbers

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
            for name, column in [*self._columns.items(), *self._numbers.items()]
        }
        return pd.DataFrame(columns, index=range(self._count), copy=False)  # hundreds of columns: no second copy

    def _column(self, name: str) -> npt.NDArray[Any] | Categories:
        column = self._columns.get(name)
        return self._numbers[name] if column is None else column

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """(rows,) a column of numbers or times."""
        column = self._column(name)
        if isinstance(column, Categories):
            raise TypeError(f"{name} holds texts; use `categories`")
        return column

    def categories(self, name: str) -> Categories:
        """A column of texts."""
        column = self._column(name)
        if isinstance(column, Categories):
            return column
        if np.isnan(column).all():  # a column of which nothing is known has no type of its own
            return Categories(np.full(self._count, -1, dtype=np.int64), [])
        raise TypeError(f"{name} holds numbers, not texts")

    def categories_of(self, names: Collection[str]) -> list[Categories | None]:
        """Columns of texts; None where there is no such column."""
        return [
            column if column is None or isinstance(column, Categories) else self.categories(name)
            for name, column in zip(names, map(self._columns.get, names))
        ]

    def floats(self, name: str) -> Floats:
        """(rows,) a column of numbers as float64; NaN in every row where there is no such column."""
        column = self._columns.get(name)
        if column is None:
            if name not in self._numbers.places:
                return np.full(self._count, np.nan)
            return self._numbers[name]
        return self[name].astype(np.float64, copy=False)

    def times(self, name: str) -> npt.NDArray[np.datetime64]:
        """(rows,) a column of times as datetime64[us]; NaT in every row where there is no such column."""
        if name not in self._columns:
            return np.full(self._count, "NaT", dtype="datetime64[us]")
        return self[name].astype("datetime64[us]", copy=False)

    def known(self, names: Names) -> Floats:
        """(names, rows) columns of numbers as one array; NaN in every row where there is no such column."""
        found = np.full((len(names.all), self._count), np.nan)
        self._numbers.place(names, found)
        if not self._columns.keys().isdisjoint(names.places):
            for line, name in zip(found, names.all):
                if name in self._columns:
                    line[:] = self[name]
        return found

    def stack(self, names: Names) -> Floats:
        """(names, rows) columns of numbers as one array."""
        found = self._numbers.stack(names, self._count)
        if found is None:
            columns = [self[name] for name in names.all]
            found = np.array(columns, dtype=np.float64).reshape(len(columns), self._count)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._columns or name in self._numbers

    def __iter__(self) -> Iterator[str]:
        yield from self._columns
        yield from self._numbers

    def __len__(self) -> int:
        return self._count

    def take(self, rows: Rows) -> "ArrayFrame":
        """These rows: positions, a mask or a slice."""
        columns = {
            name: column.take(rows) if isinstance(column, Categories) else column[rows]
            for name, column in self._columns.items()
        }
        count = len(np.empty(self._count, dtype=np.bool_)[rows])
        return ArrayFrame(columns, count, self._numbers.take(rows))

    def select(self, names: Iterable[str]) -> "ArrayFrame":
        """These columns."""
        return ArrayFrame({name: self._column(name) for name in names}, self._count)

    def without(self, names: Iterable[str]) -> "ArrayFrame":
        """All other columns."""
        left_out = set(names)
        kept = {name: column for name, column in self._columns.items() if name not in left_out}
        return ArrayFrame(kept, self._count, self._numbers.without(left_out))

    def assign(self, columns: "Mapping[str, npt.NDArray[Any] | Categories] | ArrayFrame") -> "ArrayFrame":
        """The same with these columns added, or put in the place of those of their names."""
        if isinstance(columns, ArrayFrame):
            added, numbers = columns._columns, columns._numbers
        elif isinstance(columns, NumberColumns):
            added, numbers = {}, columns
        else:
            added, numbers = dict(columns), NO_NUMBERS
        kept, taken = self._columns, numbers.places.keys()
        if not taken.isdisjoint(kept.keys()):
            kept = {name: column for name, column in kept.items() if name not in taken}
        if self._numbers.blocks:
            numbers = self._numbers.without(added.keys()).without(taken) | numbers
        return ArrayFrame({**kept, **added}, self._count, numbers)
