"""The tables of the readers: raw (header unknown), rows below a header, and columns under canonical names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.arrays import Mask
from features.readers.cells import ArrowColumn

RowNumbers: TypeAlias = npt.NDArray[np.int64]
"""Row numbers as a spreadsheet counts them: the first row of the file is 1."""

HEADER_SEARCH_ROWS = 20
"""The header must be among this many first rows of a table."""


@dataclass(frozen=True)
class RawRows:
    """The rows below a header.

    Attributes:
        columns: One typed column per header cell.
        numbers: One row number per row.
        short: Row number → number of cells, for rows with fewer cells than the header (filled up with empty cells).
        long: Row number → number of cells, for rows with values beyond the last header (not in `columns`).
        cut: Row number and number of cells of a last row that is incomplete (not in `columns`).
    """

    columns: list[ArrowColumn]
    numbers: RowNumbers
    short: dict[int, int] = field(default_factory=dict)
    long: dict[int, int] = field(default_factory=dict)
    cut: tuple[int, int] | None = None


@dataclass(frozen=True)
class RawTable:
    """One table of a file, from any container, whose header row is not known yet.

    Attributes:
        name: Name of the sheet; empty if the file is one table.
        top: The first rows as text; the header is one of them.
        below: Function from the index of the header in `top` to the rows below it.
        encoding: Of text, as a person calls it; empty for other containers.
        repaired: What was wrong with the bytes of a text, where this is another reading of it.
        repairs: Function that gives other readings of the file, for a table whose layout is not known.
    """

    name: str
    top: list[list[str]]
    below: Callable[[int], RawRows]
    encoding: str = ""
    repaired: str = ""
    repairs: Callable[[], Iterable[RawTable]] = tuple


@dataclass(frozen=True)
class CanonicalTable:
    """The rows of a file under canonical names; cells are still as typed in the file.

    Attributes:
        cells: Canonical name, ratio name or tag name → column, for those that the file has.
        numbers: One row number per row.
        headers: Canonical name → header in the file.
        own: Tags that are not canonical: named by the layout, or additional columns of the team.
    """

    cells: Mapping[str, ArrowColumn]
    numbers: RowNumbers
    headers: Mapping[str, str]
    own: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, name: str) -> bool:
        return name in self.cells

    def keep(self, mask: Mask) -> CanonicalTable:
        """Return the table with only the rows where the mask is true."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        return replace(
            self,
            cells={name: column.filter(chosen) for name, column in self.cells.items()},
            numbers=self.numbers[mask],
        )

    def text_at(self, name: str, place: int) -> str:
        """Return the cell of a column at a row index as text for a message."""
        return str(self.cells[name][place].as_py())
