"""How delimited text becomes columns: encoding and delimiter by content, rows that are cut or shifted found out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pyarrow as pa

from features.readers.findings import EXPORT_AGAIN, Findings
from features.readers.grid import TOP_ROWS, Grid, Rows

_CHUNK = 2_000  # rows that fit a processor cache: three times as fast as 20 000
_SWALLOWED = 5
_CUT = ("unexpected end", "incomplete", "truncated")
_DELIMITERS = (",", "\t", ";")


def decode(content: bytes, findings: Findings) -> str:
    """The text; UTF-16 is known by its mark, UTF-8 by being valid, what is left is taken for GB18030 (GBK)."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8", "gb18030"]
        content = content.removeprefix(b"\xef\xbb\xbf")
    furthest = 0
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            furthest = max(furthest, error.start)
            if error.start < len(content) - 4 or not error.reason.startswith(_CUT):
                continue
            # A file cut in the middle of a character: the row it was in is found to be cut later.
            text = content[: error.start].decode(encoding)
        if "\0" not in text[:10_000]:
            return text
    raise findings.unusable(
        found=f"bytes that are no text (from byte {furthest + 1})",
        expected="text in UTF-8, UTF-16 with a byte order mark, or GBK/GB18030 (all were tried)",
        cure="Export the report again as CSV or XLSX.",
    )


def text_grid(text: str, findings: Findings) -> Grid:
    """The table in a delimited text."""
    delimiter = _delimiter(text)
    try:
        top = list(islice(_records(text, delimiter), TOP_ROWS))
    except csv.Error as error:
        raise _open_quote(findings, str(error)) from None

    def below(header: int) -> Rows:
        try:
            return _rows(_records(text, delimiter), header, len(top[header]), findings)
        except csv.Error as error:
            raise _open_quote(findings, str(error)) from None

    return Grid("", top, below)


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _delimiter(text: str) -> str:
    lines = [line for line in text[:20_000].splitlines()[:TOP_ROWS] if line.strip()]
    counts = {delimiter: sum(line.count(delimiter) for line in lines) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _rows(records: Iterator[list[str]], header: int, width: int, findings: Findings) -> Rows:
    for _ in range(header + 1):
        next(records)
    chunks: list[list[pa.Array]] = []
    numbers: list[int] = []
    short: dict[int, int] = {}
    long: dict[int, int] = {}
    row = header + 1
    last: list[str] = []
    while piece := list(islice(records, _CHUNK)):
        kept = []
        if set(map(len, piece)) == {width}:  # as nearly all are: nothing to be looked at row by row
            kept, last, piece = piece, piece[-1], []
            numbers.extend(range(row + 1, row + 1 + len(kept)))
            row += len(kept)
        for cells in piece:
            row += 1
            if not cells:
                continue
            last = cells
            if len(cells) != width:
                if len(cells) > width and any(cell.strip() for cell in cells[width:]):
                    long[row] = len(cells)
                    continue
                if len(cells) < width:
                    short[row] = len(cells)
                cells = [*cells[:width], *[""] * (width - len(cells))]
            kept.append(cells)
            numbers.append(row)
        if kept:
            chunks.append([pa.array(column, pa.string()) for column in zip(*kept)])
    cut = None
    if numbers and numbers[-1] in short and len(last) < width:
        cut = (numbers[-1], short.pop(numbers[-1]))
        if sum(cell.count("\n") for cell in last) > _SWALLOWED:
            raise _open_quote(findings, f"the last row, {cut[0]}, holds {len(last)} cells and many lines")
        numbers.pop()
        chunks[-1] = [column[:-1] for column in chunks[-1]]
    columns = [pa.chunked_array([chunk[place] for chunk in chunks], pa.string()) for place in range(width)]
    return Rows(columns, np.asarray(numbers, dtype=np.int64), short, long, cut)


def _open_quote(findings: Findings, found: str) -> Exception:
    return findings.unusable(
        found=f"a quotation mark that is opened and never closed ({found})",
        expected='every “"” closed in its own cell',
        cure=EXPORT_AGAIN,
    )
