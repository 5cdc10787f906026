"""Which kind of file is it? Told by its content, opened within limits, never executed."""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from features.readers.findings import Findings
from features.readers.grid import Grid
from features.readers.parquet_table import parquet_grid
from features.readers.report_pages import report_grid
from features.readers.sheet_table import sheet_grids
from features.readers.text_table import decode, text_grid

MAX_BYTES = 2 * 1024**3
"""Of a file as it stands and unpacked: no export comes near it."""

KINDS = "CSV or TSV (also .gz), XLSX, Parquet, or the report API's JSON"
_PIECE = 1 << 20
_FAR_CELL = re.compile(rb'\br="[A-Z]{3}[0-9]')


def sha256_of(path: Path) -> str:
    """Of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def grids_of(path: Path, findings: Findings) -> Iterator[Grid]:
    """The tables in a file, in its own order."""
    size = path.stat().st_size
    if size == 0:
        raise findings.unusable(found="an empty file", expected=KINDS, cure="Export it again.")
    if size > MAX_BYTES:
        raise _too_large(findings, f"{size / 1e9:.1f} GB")
    content = path.read_bytes()
    if content.startswith(b"\x1f\x8b"):
        content = _gunzip(content, findings)
    if content.startswith(b"PK\x03\x04"):
        _check_zip(content, findings)
        return sheet_grids(content, findings)
    if content.startswith(b"PAR1"):
        return iter([parquet_grid(content, findings)])
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise findings.unusable(
            found="an old Excel file (.xls), or one with a password",
            expected=KINDS,
            cure="Open it and save it as .xlsx without a password.",
        )
    text = decode(content, findings)
    del content
    start = text[:200].lstrip()[:1]
    if start in ("{", "["):
        return iter([report_grid(text, findings)])
    if start == "<":
        raise findings.unusable(found="a web page or XML", expected=KINDS, cure="Export the report as CSV or XLSX.")
    return iter([text_grid(text, findings)])


def _gunzip(content: bytes, findings: Findings) -> bytes:
    pieces, total = [], 0
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
            while piece := file.read(_PIECE):
                total += len(piece)
                if total > MAX_BYTES:
                    raise _too_large(findings, "more than 2 GB when unpacked")
                pieces.append(piece)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise findings.unusable(
            found=f"a .gz file that is cut off or damaged ({error})",
            expected="a whole .gz file",
            cure="Download or copy it again.",
        ) from None
    return b"".join(pieces)


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
        ) from None
    if not any(entry.filename.startswith("xl/") for entry in entries):
        raise findings.unusable(
            found="a zip archive that is no workbook", expected=KINDS, cure="Unpack it and give the files."
        )
    if size > MAX_BYTES:
        raise _too_large(findings, "more than 2 GB when unpacked")
    if far:
        raise findings.unusable(
            found="a sheet with cells beyond column ZZ",
            expected="at most 702 columns",
            cure="A stray cell stands far to the right: delete those columns and save again.",
        )


def _has_far_cells(book: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether a sheet reaches so far that reading it as a table would take all memory."""
    if not entry.filename.startswith("xl/worksheets/"):
        return False
    tail = b""
    with book.open(entry) as sheet:
        while piece := sheet.read(_PIECE):
            if _FAR_CELL.search(tail + piece):
                return True
            tail = piece[-16:]
    return False


def _too_large(findings: Findings, found: str) -> Exception:
    return findings.unusable(
        found=found,
        expected="at most 2 GB",
        cure="Export a shorter stretch of days per file.",
    )
