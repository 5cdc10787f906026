"""The rows of a file under canonical names, still as they were typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Table:
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

    def keep(self, mask: Mask) -> Table:
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
