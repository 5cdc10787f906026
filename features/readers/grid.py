"""A file as a table whose header is not known yet, whatever container it came in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

TOP_ROWS = 20
"""The header is looked for in so many first rows."""


@dataclass(frozen=True)
class Rows:
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
class Grid:
    """One table of a file.

    Attributes:
        name: Of the sheet; empty where the file is one table.
        top: The first rows as text, among them the header.
        below: The rows below the header that stands at this index of `top`.
    """

    name: str
    top: list[list[str]]
    below: Callable[[int], Rows]
