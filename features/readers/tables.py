"""doc"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

TOP_ROWS = 20
"""The header is looked for in so many first rows."""


@dataclass(frozen=True)
class RawRows:
    """What stands below a header.

    Attributes:
        columns: One typed column per header cell.
        numbers: Row numbers as a spreadsheet counts them, the first row of the file being 1.
        short: Row number → cells found, of rows that end before the header does (filled up with empty cells).
        long: Row number → cells found, of rows with values beyond the last header (not among the rows).
        cut: Number and cells of a last row that ends in the middle (not among the rows).
    """

    columns: list[Any]
    numbers: npt.NDArray[np.int64]
    short: dict[int, int] = field(default_factory=dict)
    long: dict[int, int] = field(default_factory=dict)
    cut: tuple[int, int] | None = None


@dataclass(frozen=True)
class RawTable:
    """One table of a file.

    Attributes:
        name: Of the sheet; empty where the file is one table.
        top: The first rows as text, among them the header.
        below: The rows below the header that stands at this index of `top`.
    """

    name: str
    top: list[list[str]]
    below: Callable[[int], RawRows]


Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class CanonicalTable:
    """Cells by canonical name.

    Attributes:
        cells: Columns under the canonical names, ratio names and tag names that the file has.
        numbers: Row numbers as a spreadsheet counts them.
        headers: Canonical name → the header as it stands in the file.
        own: The tags that are not canonical: named by the source config, or the team's own.
    """

    cells: Mapping[str, Any]
    numbers: Ints
    headers: Mapping[str, str]
    own: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, name: str) -> bool:
        return name in self.cells

    def keep(self, mask: Mask) -> CanonicalTable:
        """Only the rows where the mask holds."""
        if mask.all():
            return self
        chosen = pa.array(mask)
        return replace(
            self,
            cells={name: column.filter(chosen) for name, column in self.cells.items()},
            numbers=self.numbers[mask],
        )

    def shown(self, name: str, place: int) -> str:
        """A cell as a message shows it."""
        return str(self.cells[name][place].as_py())
