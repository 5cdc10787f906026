"""Open a file by its content (never by its name), within size limits, and give its tables.

Workbooks and Parquet are read here, text formats in `delimited_text` and `api_answers`. Nothing in a file is executed;
of a workbook the values are read, never the formulas.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from features.readers.api_answers import report_api_table
from features.readers.cells import to_basic_type, to_column, to_text
from features.readers.delimited_text import delimited_table
from features.readers.encodings import MARK, decode
from features.readers.findings import Findings, UnusableFile
from features.readers.tables import HEADER_SEARCH_ROWS, RawRows, RawTable

MAX_BYTES = 2 * 1024**3
"""Limit of a file's size, packed and unpacked; no export comes near it."""

FILE_FORMATS = "CSV or TSV (also .gz), XLSX, Parquet, or the report API's JSON"
FILE_FORMATS_ZH = "CSV 或 TSV（也可 .gz）、XLSX、Parquet，或报表接口的 JSON"
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"%PDF")
_BLOCK_BYTES = 1 << 20
_WHOLE = (b"\x1f\x8b", b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0", b"\xff\xfe", b"\xfe\xff")
"""Starts of files that cannot be read in part."""
_LOOKED_AT = 200
"""Bytes or characters in which the first that is no space is looked for."""
_FAR_CELL = re.compile(rb'\br="[A-Z]{3}[0-9]')
"""A cell reference with three letters: a column beyond ZZ."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_cut(path: Path, most: int | None) -> bool:
    """Whether `raw_tables_of` gives only the first rows of a file: one of delimited text that is larger than `most`."""
    if most is None or path.stat().st_size <= most:
        return False
    with path.open("rb") as file:
        start = file.read(64)
    return not start.startswith(_WHOLE) and start.lstrip()[:1] not in (b"{", b"[", b"<")


def raw_tables_of(path: Path, findings: Findings, *, most: int | None = None) -> Iterator[RawTable]:
    """Return the tables of a file, in its own order.

    Args:
        path: The file.
        findings: Makes the errors.
        most: Bytes of a file of delimited text that are read; None: all. Other files are always read whole.

    Raises:
        UnusableFile: The file is empty, too large, damaged or of another format.
        OSError: It cannot be read.
    """
    size = path.stat().st_size
    if size == 0:
        raise findings.unusable(
            found="an empty file",
            expected=FILE_FORMATS,
            cure="Export it again.",
            zh=f"空文件；应为 {FILE_FORMATS_ZH}。处理：重新导出。",
        )
    if size > MAX_BYTES:
        raise _too_large(findings, f"{size / 1e9:.1f} GB")
    content = _first_lines(path, most) if most is not None and is_cut(path, most) else path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = _gunzip(content, findings)
    if content.startswith(b"PK\x03\x04"):
        _check_zip(content, findings)
        return workbook_tables(content, findings)
    if content.startswith(b"PAR1"):
        return iter([parquet_table(content, findings)])
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise findings.unusable(
            found="an old Excel file (.xls), or one with a password",
            expected=FILE_FORMATS,
            cure="Open it and save it as .xlsx without a password.",
            zh=f"旧的 Excel 文件（.xls），或有密码；应为 {FILE_FORMATS_ZH}。处理：打开后另存为没有密码的 .xlsx。",
        )
    if content.startswith(_PICTURES) or content[4:8] == b"ftyp":
        raise findings.unusable(
            found="a picture, a video or a PDF",
            expected=FILE_FORMATS,
            cure="Leave it out, or export the report as CSV or XLSX.",
            zh=f"图片、视频或 PDF；应为 {FILE_FORMATS_ZH}。处理：拿掉它，或把报表导出为 CSV 或 XLSX。",
        )
    if content[:_LOOKED_AT].removeprefix(MARK).lstrip()[:1] in (b"{", b"["):
        return iter([report_api_table(content, findings)])
    decoded = decode(content, findings)
    start = decoded.text[:_LOOKED_AT].lstrip()[:1]
    if start in ("{", "["):
        return iter([report_api_table(content, findings)])
    if start == "<":
        raise findings.unusable(
            found="a web page or XML",
            expected=FILE_FORMATS,
            cure="Export the report as CSV or XLSX.",
            zh=f"网页或 XML；应为 {FILE_FORMATS_ZH}。处理：把报表导出为 CSV 或 XLSX。",
        )
    return iter([delimited_table(decoded, findings, content)])


def _first_lines(path: Path, most: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(most)
    return content[: content.rfind(b"\n") + 1] or content


def workbook_tables(content: bytes, findings: Findings) -> Iterator[RawTable]:
    """Give the sheets that are not empty, in the order of the workbook."""
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for name in book.sheet_names:
            sheet = book.get_sheet_by_name(name)
            if sheet.height:
                yield _sheet_table(name, sheet)
    except CalamineError as error:
        raise findings.unusable(
            found=f"an .xlsx file that cannot be opened ({error})",
            expected="a whole .xlsx file without a password",
            cure="Open it in a spreadsheet and save it again as .xlsx.",
            zh=f".xlsx 打不开（{error}）；应为完整、没有密码的 .xlsx。处理：用 Excel 打开，重新存为 .xlsx。",
        ) from None


def parquet_table(content: bytes, findings: Findings) -> RawTable:
    """Read a Parquet file; its first row counts as row 2, as if a header were above it."""
    try:
        table = pq.read_table(pa.BufferReader(content))
    except (pa.ArrowException, OSError) as error:
        raise findings.unusable(
            found=f"a Parquet file that is cut off or damaged ({str(error)[:120]})",
            expected="a whole Parquet file",
            cure="Write or copy it again.",
            zh="Parquet 文件断掉或损坏；应为完整的文件。处理：重新写出或复制。",
        ) from None
    numbers = np.arange(2, table.num_rows + 2, dtype=np.int64)
    return RawTable(
        "", [list(table.column_names)], lambda _: RawRows([to_basic_type(c) for c in table.columns], numbers)
    )


def _sheet_table(name: str, sheet: CalamineSheet) -> RawTable:
    offset = sheet.start[0] if sheet.start else 0
    top = [
        [to_text(cell) for cell in _without_padding(cells)]
        for cells in islice(sheet.to_python(skip_empty_area=True, nrows=HEADER_SEARCH_ROWS), HEADER_SEARCH_ROWS)
    ]

    def below(header: int) -> RawRows:
        width = len(top[header])
        rows, numbers, long = [], [], {}
        for number, cells in enumerate(sheet.to_python(skip_empty_area=True)[header + 1 :], offset + header + 2):
            if any(cell != "" for cell in cells[width:]):
                long[number] = len(_without_padding(cells))
                continue
            rows.append(cells[:width])
            numbers.append(number)
        columns = [to_column(column) for column in zip(*rows)] or [pa.nulls(0, pa.string())] * width
        return RawRows(columns, np.asarray(numbers, dtype=np.int64), long=long)

    return RawTable(name, top, below)


def _without_padding(cells: Sequence[object]) -> Sequence[object]:
    """Drop the empty cells at the end: calamine gives every row the width of the widest."""
    width = len(cells)
    while width and cells[width - 1] == "":
        width -= 1
    return cells[:width]


def _gunzip(content: bytes, findings: Findings) -> bytes:
    blocks, total = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while block := file.read(_BLOCK_BYTES):
                total += len(block)
                if total > MAX_BYTES:
                    raise _too_large(findings, "more than 2 GB when unpacked")
                blocks.append(block)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise findings.unusable(
            found=f"a .gz file that is cut off or damaged ({error})",
            expected="a whole .gz file",
            cure="Download or copy it again.",
            zh=".gz 文件断掉或损坏；应为完整的文件。处理：重新下载或复制。",
        ) from None
    return b"".join(blocks)


def _check_zip(content: bytes, findings: Findings) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            entries = book.infolist()
            size = sum(entry.file_size for entry in entries)
            far = size <= MAX_BYTES and any(_has_far_cells(book, entry) for entry in entries)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise findings.unusable(
            found=f"an .xlsx file that is cut off or damaged ({error})",
            expected="a whole .xlsx file",
            cure="Download or copy it again.",
            zh=".xlsx 文件断掉或损坏（可能还在写入）；应为完整的文件。处理：等写完，或重新下载、复制。",
        ) from None
    if not any(entry.filename.startswith("xl/") for entry in entries):
        raise findings.unusable(
            found="a zip archive that is no workbook",
            expected=FILE_FORMATS,
            cure="Unpack it and give the files.",
            zh=f"压缩包，不是工作簿；应为 {FILE_FORMATS_ZH}。处理：解压后放入里面的文件。",
        )
    if size > MAX_BYTES:
        raise _too_large(findings, "more than 2 GB when unpacked")
    if far:
        raise findings.unusable(
            found="a sheet with cells beyond column ZZ",
            expected="at most 702 columns",
            cure="A stray cell stands far to the right: delete those columns and save again.",
            zh="有格子在 ZZ 列以外；最多 702 列。处理：右边远处有多余的格子，删掉那些列再保存。",
        )


def _has_far_cells(book: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether a sheet is so wide that reading it as a dense table would exhaust memory."""
    if not entry.filename.startswith("xl/worksheets/"):
        return False
    tail = b""
    with book.open(entry) as sheet:
        while block := sheet.read(_BLOCK_BYTES):
            if _FAR_CELL.search(tail + block):
                return True
            tail = block[-16:]
    return False


def _too_large(findings: Findings, found: str) -> UnusableFile:
    return findings.unusable(
        found=found,
        expected="at most 2 GB",
        cure="Export a shorter stretch of days per file.",
        zh=f"文件太大：{found}；最多 2 GB。处理：分几段日期导出。",
    )
