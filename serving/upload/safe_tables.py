"""The tables of an uploaded file, CSV or XLSX, read within bounds even if the file is hostile."""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from xml.parsers import expat

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.readers.containers import FILE_FORMATS, workbook_tables
from features.readers.delimited_text import delimited_table
from features.readers.encodings import decode
from features.readers.findings import Findings
from features.readers.tables import RawRows, RawTable

TAKEN = "CSV or TSV, or XLSX"
MOST_UNPACKED = 32_000_000
"""Bytes of a workbook when unpacked: 30,000 rows of an export."""
MOST_TABLE_CELLS = 1_000_000
"""Cells between the first and the last one: a reader allocates all of them. This many take some seconds."""
MOST_COLUMNS = 300
MOST_LINES = 60_000
MOST_PARTS = 500
"""Files inside a workbook."""
MOST_TITLE = 100
"""Characters of a column's title in a message."""
_UNWRITTEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters that no file of text has, and that databases and workbooks refuse."""
_PART = re.compile(r"(\[Content_Types\]\.xml|_rels/\.rels|xl/[\w /-]+(\.xml)?\.(xml|rels))")
_PLACE = re.compile(r"([A-Za-z]*)([0-9]{1,9})")


def tables_of(content: bytes, findings: Findings) -> Iterator[RawTable]:
    """The tables of a file, in its order.

    Raises:
        UnusableFile: It is of another kind, damaged or too large.
    """
    if not content:
        raise findings.unusable(
            found="an empty file",
            expected=TAKEN,
            cure="Export it again.",
            zh="空文件；应为 CSV 或 XLSX。处理：重新导出。",
        )
    if content.startswith(b"PK\x03\x04"):
        return _narrow(workbook_tables(_plain_workbook(content, findings), findings), findings)
    if content.startswith((b"\x1f\x8b", b"PAR1", b"\xd0\xcf\x11\xe0")):
        raise findings.unusable(
            found="a packed file, Parquet, or an old or locked Excel file",
            expected=TAKEN,
            cure="Unpack it, or open it and save it as .xlsx without a password.",
            zh="压缩文件、Parquet，或旧的、有密码的 Excel 文件；应为 CSV 或 XLSX。处理：解压，"
            "或打开后另存为没有密码的 .xlsx。",
        )
    decoded = decode(content, findings, mend=False)
    text = decoded.text
    if text[:200].lstrip()[:1] in ("{", "[", "<"):
        raise findings.unusable(
            found="JSON, a web page or XML",
            expected=TAKEN,
            cure="Export the report as CSV or XLSX.",
            zh="JSON、网页或 XML；应为 CSV 或 XLSX。处理：把报表导出为 CSV 或 XLSX。",
        )
    lines = text.count("\n") + text.count("\r") - text.count("\r\n")
    if lines > MOST_LINES or max(map(text.count, ",\t;")) > MOST_TABLE_CELLS:
        raise _too_large(findings, f"a table of {lines:,} lines", f"{MOST_LINES:,} lines, {MOST_TABLE_CELLS:,} cells")
    return _narrow(iter([delimited_table(decoded, findings)]), findings)


def _narrow(grids: Iterator[RawTable], findings: Findings) -> Iterator[RawTable]:
    for grid in grids:
        widest = max(map(len, grid.top), default=0)
        if widest > MOST_COLUMNS:
            raise _too_large(findings, f"a table of {widest:,} columns", f"{MOST_COLUMNS} columns")
        top = [[_UNWRITTEN.sub("", cell[:2000]) for cell in cells] for cells in grid.top]
        yield replace(grid, top=top, below=partial(_written, grid, findings))


def _written(grid: RawTable, findings: Findings, header: int) -> RawRows:
    """The rows below a header without the cells that hold a control character, each listed with its row."""
    rows = grid.below(header)
    columns = []
    for title, column in zip(grid.top[header], rows.columns):
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            wrong = pc.fill_null(pc.match_substring_regex(column, _UNWRITTEN.pattern), fill_value=False)
            places = np.flatnonzero(wrong.to_numpy(zero_copy_only=False))
            if len(places):
                findings.left_out(
                    rows.numbers[places],
                    found="a control character in a cell, which was not taken",
                    expected="text; tabs and line ends are its only control characters",
                    cure="Type the cell anew.",
                    zh="格子里有控制字符，没有读取；应为文字。处理：重新输入这一格。",
                    column=_UNWRITTEN.sub("", title)[:MOST_TITLE],
                )
                column = pc.if_else(wrong, None, column)
        columns.append(column)
    return replace(rows, columns=columns)


def _plain_workbook(content: bytes, findings: Findings) -> bytes:
    """The workbook stored without compression, sheets only: the sizes that it declares of itself need not be true."""
    plain, total = io.BytesIO(), 0
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book, zipfile.ZipFile(plain, "w") as unpacked:
            parts = {part.filename: part for part in book.infolist() if _PART.fullmatch(part.filename)}
            if "xl/workbook.xml" not in parts:
                raise findings.unusable(
                    found="a zip archive that is no workbook",
                    expected=FILE_FORMATS,
                    cure="Unpack it and give the files.",
                    zh="压缩包，不是工作簿；应为 CSV 或 XLSX。处理：解压后放入里面的文件。",
                )
            if len(parts) > MOST_PARTS:
                raise _too_large(findings, f"a workbook of {len(parts)} parts", f"{MOST_PARTS} parts")
            for name, part in parts.items():
                with book.open(part) as held:
                    piece = held.read(MOST_UNPACKED - total + 1)
                total += len(piece)
                if total > MOST_UNPACKED:
                    raise _too_large(findings, "a workbook too large when unpacked", f"{MOST_UNPACKED:,} bytes")
                if name.endswith(".xml"):
                    _check_places(piece, findings)
                unpacked.writestr(name, piece)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, expat.ExpatError) as error:
        raise findings.unusable(
            found=f"an .xlsx file that is cut off or damaged ({error})",
            expected="a whole .xlsx file without a password",
            cure="Open it in a spreadsheet and save it again as .xlsx.",
            zh=f".xlsx 文件断掉或损坏（{error}）；应为完整、没有密码的 .xlsx。处理：用 Excel 打开，重新存为 .xlsx。",
        ) from None
    except (OSError, ValueError, OverflowError) as error:
        raise findings.unusable(
            found=f"an .xlsx file that is damaged ({type(error).__name__})",
            expected="a whole .xlsx file",
            cure="Open it in a spreadsheet and save it again as .xlsx.",
            zh=".xlsx 文件损坏；应为完整的 .xlsx。处理：用 Excel 打开，重新存为 .xlsx。",
        ) from None
    return plain.getvalue()


def _check_places(xml: bytes, findings: Findings) -> None:
    """Refuse a sheet whose cells lie so far apart that a table around them would exhaust memory."""
    reach = _Reach()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reach.start
    parser.StartDoctypeDeclHandler = reach.doctype
    parser.Parse(xml, True)
    if reach.columns > MOST_COLUMNS or reach.rows > MOST_LINES or reach.rows * reach.columns > MOST_TABLE_CELLS:
        raise _too_large(
            findings,
            f"a sheet that reaches to row {reach.rows:,} and column {reach.columns:,}",
            f"{MOST_LINES:,} rows, {MOST_COLUMNS} columns, {MOST_TABLE_CELLS:,} cells",
        )


class _Reach:
    """The last row and column with a value, counted as a reader of sheets counts them."""

    def __init__(self) -> None:
        self.rows = self.columns = 0
        self._row = self._column = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Follow rows and cells; note where a value is."""
        kind = name.rpartition(":")[2]
        if kind == "row":
            found = _place(attributes)
            self._row, self._column = int(found[2]) if found else self._row + 1, 0
        elif kind == "c":
            found = _place(attributes)
            self._column = _number(found[1]) if found else self._column + 1
            self._row = int(found[2]) if found else self._row
        elif kind in ("v", "is", "f"):
            self.rows, self.columns = max(self.rows, self._row), max(self.columns, self._column)

    def doctype(self, *_: object) -> None:
        """Refuse document types: workbooks have none, and entities can expand without bound."""
        raise ValueError("document type")


def _place(attributes: dict[str, str]) -> re.Match[str] | None:
    reference = attributes.get("r")
    if reference is None:
        return None
    if (found := _PLACE.fullmatch(reference)) is None:
        raise ValueError("a cell without a valid reference")
    return found


def _number(letters: str) -> int:
    number = 0
    for letter in letters[:8].upper():
        number = number * 26 + ord(letter) - 64
    return number


def _too_large(findings: Findings, found: str, most: str) -> Exception:
    return findings.unusable(
        found=found,
        expected=f"at most {most}",
        cure="Export fewer rows or days per file.",
        zh=f"文件太大：{found}；最多 {most}。处理：每个文件少导一些行或日期。",
    )
