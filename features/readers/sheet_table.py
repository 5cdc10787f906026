"""How the sheets of a workbook become columns; values only, no formula is evaluated."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from features.readers.cells import column_of, text_of
from features.readers.findings import Findings
from features.readers.grid import TOP_ROWS, Grid, Rows


def sheet_grids(content: bytes, findings: Findings) -> Iterator[Grid]:
    """The sheets that hold anything, in the workbook's order."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height:
                yield _grid(name, sheet)
    except CalamineError as error:
        raise findings.unusable(
            found=f"an .xlsx file that cannot be opened ({error})",
            expected="a whole .xlsx file without a password",
            cure="Open it in a spreadsheet and save it again as .xlsx.",
        ) from None


def _grid(name: str, sheet: CalamineSheet) -> Grid:
    offset = sheet.start[0] if sheet.start else 0
    top = [
        [text_of(cell) for cell in _unpadded(cells)]
        for cells in islice(sheet.to_python(skip_empty_area=True, nrows=TOP_ROWS), TOP_ROWS)
    ]

    def below(header: int) -> Rows:
        width = len(top[header])
        rows, numbers, long = [], [], {}
        for number, cells in enumerate(sheet.to_python(skip_empty_area=True)[header + 1 :], offset + header + 2):
            if any(cell != "" for cell in cells[width:]):
                long[number] = len(_unpadded(cells))
                continue
            rows.append(cells[:width])
            numbers.append(number)
        columns = [column_of(column) for column in zip(*rows)] or [pa.nulls(0, pa.string())] * width
        return Rows(columns, np.asarray(numbers, dtype=np.int64), long=long)

    return Grid(name, top, below)


def _unpadded(cells: Sequence[object]) -> Sequence[object]:
    """Without the empty cells at the end: calamine gives every row the width of the widest."""
    width = len(cells)
    while width and cells[width - 1] == "":
        width -= 1
    return cells[:width]
