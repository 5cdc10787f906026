"""Read the text formats: delimited text (encoding and delimiter by content) and JSON of the report API."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.csv

from features.garbage import no_collection
from features.readers.cells import to_column
from features.readers.encodings import Decoded, repairs
from features.readers.findings import EXPORT_AGAIN, EXPORT_AGAIN_ZH, Findings, UnusableFile
from features.readers.tables import HEADER_SEARCH_ROWS, RawRows, RawTable

_CHUNK_ROWS = 2_000
"""A chunk of this size fits a processor cache: three times as fast as 20 000."""
_MAX_LINES_IN_ROW = 5
"""A cut last row with more line breaks than this is a quotation mark that never closes."""
_DELIMITERS = (",", "\t", ";")

_EXPECTED_JSON = (
    "the report API's answer ({“data”: {“rows”: […]}}), a saved one ({“materials”: […]}), a list of rows, "
    "or one row per line"
)
_PAGE_FIELDS = ("advertiser_id", "topic")
"""Fields of a page that hold for each of its rows."""


# Delimited text


def delimited_table(decoded: Decoded, findings: Findings, content: bytes = b"") -> RawTable:
    """Read text with commas, tabs or semicolons.

    Args:
        decoded: The text.
        findings: Collects the problems.
        content: The bytes, for other readings of them where no layout is recognised.

    Raises:
        UnusableFile: A quotation mark is never closed; also raised by `below`.
    """
    delimiter = _delimiter(decoded.text)
    try:
        top = list(islice(_records(decoded.text, delimiter), HEADER_SEARCH_ROWS))
    except csv.Error as error:
        raise _open_quote(findings, str(error)) from None

    def below(header: int) -> RawRows:
        width = len(top[header])
        try:
            text = decoded.all_text()
        except UnicodeError:
            raise findings.unusable(
                found=f"{decoded.repaired}, in which characters were lost",
                expected="text in UTF-8 or GBK",
                cure=EXPORT_AGAIN,
                zh=f"文字存错了编码,字符已丢失;应为UTF-8或GBK。处理:{EXPORT_AGAIN_ZH}",
            ) from None
        if rows := plain_rows(text, delimiter, header, width):
            return rows
        try:
            return _read_rows(_records(text, delimiter), header, width, findings)
        except csv.Error as error:
            raise _open_quote(findings, str(error)) from None

    def mended() -> Iterator[RawTable]:
        for other in repairs(content, decoded) if content else ():
            yield delimited_table(other, findings)

    return RawTable("", top, below, decoded.encoding, decoded.repaired, mended)


def plain_rows(text: str, delimiter: str, header: int, width: int) -> RawRows | None:
    """Read the rows below a header with Arrow, five times as fast as `csv`; None where rows need a look of their own.

    That is a file with rows of another width, empty lines, or quotation marks that Arrow may read in another way.

    Args:
        text: All of the file.
        delimiter: Between cells.
        header: Index of the header row.
        width: Number of its cells.
    """
    start = 0
    for _ in range(header + 1):
        start = text.find("\n", start) + 1
    if not start or '"' in text[:start] or _needs_a_look(text, delimiter):
        return None
    names = [str(place) for place in range(width)]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(text[start:].encode()),
            read_options=pyarrow.csv.ReadOptions(column_names=names),
            parse_options=pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values='"' in text),
            convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except (pa.ArrowException, UnicodeEncodeError):
        return None
    numbers = np.arange(header + 2, header + 2 + table.num_rows, dtype=np.int64)
    return RawRows(table.columns, numbers)


def _needs_a_look(text: str, delimiter: str) -> bool:
    """Whether a text has empty lines, other line breaks, or quotation marks that neither open nor close a cell."""
    if text[:1] in "\r\n" or "\n\n" in text or "\n\r\n" in text or text.count("\r") != text.count("\r\n"):
        return True
    marks = text.count('"')
    around = (f'{delimiter}"', '\n"', f'"{delimiter}', '"\r', '"\n')
    return marks % 2 == 1 or (marks > 0 and marks != sum(map(text.count, around)) + text.endswith('"'))


def _records(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _delimiter(text: str) -> str:
    """Return the delimiter that is most frequent in the first lines."""
    lines = [line for line in text[:20_000].splitlines()[:HEADER_SEARCH_ROWS] if line.strip()]
    counts = {delimiter: sum(line.count(delimiter) for line in lines) for delimiter in _DELIMITERS}
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _read_rows(records: Iterator[list[str]], header: int, width: int, findings: Findings) -> RawRows:
    for _ in range(header + 1):
        next(records)
    chunks: list[list[pa.Array]] = []
    numbers: list[int] = []
    short: dict[int, int] = {}
    long: dict[int, int] = {}
    row = header + 1
    last: list[str] = []
    while chunk := list(islice(records, _CHUNK_ROWS)):
        kept = []
        if set(map(len, chunk)) == {width}:  # the usual case: no row needs a look of its own
            kept, last, chunk = chunk, chunk[-1], []
            numbers.extend(range(row + 1, row + 1 + len(kept)))
            row += len(kept)
        for cells in chunk:
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
        if sum(cell.count("\n") for cell in last) > _MAX_LINES_IN_ROW:
            raise _open_quote(findings, f"the last row, {cut[0]}, holds {len(last)} cells and many lines")
        numbers.pop()
        chunks[-1] = [column[:-1] for column in chunks[-1]]
    columns = [pa.chunked_array([chunk[place] for chunk in chunks], pa.string()) for place in range(width)]
    return RawRows(columns, np.asarray(numbers, dtype=np.int64), short, long, cut)


def _open_quote(findings: Findings, found: str) -> UnusableFile:
    return findings.unusable(
        found=f"a quotation mark that is opened and never closed ({found})",
        expected='every “"” closed in its own cell',
        cure=EXPORT_AGAIN,
        zh=f"有引号没有闭合({found});每个引号应在同一格内闭合。处理:{EXPORT_AGAIN_ZH}",
    )


# JSON of the report API


def report_api_table(decoded: Decoded, findings: Findings) -> RawTable:
    """Read the rows of all pages as one table; the first counts as row 2, as if a header were above it.

    Rows stand under `rows`, or under `materials` where a web tool saved the answer. A row's dimensions and metrics
    become columns; the fields of _PAGE_FIELDS are repeated on each row of their page.

    Raises:
        UnusableFile: The JSON is damaged, holds no rows, or is an error answer of the API.
    """
    try:
        with no_collection():
            rows = [row for page in _documents(decoded.text) for row in _page_rows(page, findings)]
    except json.JSONDecodeError as error:
        raise findings.unusable(
            found=f"JSON that is cut off or damaged at line {error.lineno}, character {error.colno} ({error.msg})",
            expected=_EXPECTED_JSON,
            cure="Fetch the page again and write it whole.",
            zh=f"JSON 在第 {error.lineno} 行第 {error.colno} 个字符处断掉或损坏({error.msg});"
            f"应为报表接口的完整回答。处理:重新取这一页,完整保存。",
        ) from None
    if not rows:
        raise findings.unusable(
            found="no rows",
            expected=_EXPECTED_JSON,
            cure="Fetch a stretch of days that has data, or leave it out.",
            zh="没有数据行;应为报表接口的回答。处理:取有数据的日期,或拿掉这个文件。",
        )
    fields = list(dict.fromkeys(field for row in rows for field in row))
    numbers = np.arange(2, len(rows) + 2, dtype=np.int64)

    def below(_: int) -> RawRows:
        return RawRows([to_column([row.get(field) for row in rows]) for field in fields], numbers)

    return RawTable("", [fields], below, decoded.encoding)


def _documents(text: str) -> Iterator[object]:
    """Give the one JSON document, or one per line."""
    with suppress(orjson.JSONDecodeError):  # five times as fast; what it refuses `json` may take, or explain better
        yield orjson.loads(text)
        return
    try:
        yield json.loads(text)
        return
    except json.JSONDecodeError:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            json.loads(lines[0])
        except json.JSONDecodeError:
            lines = []
        if len(lines) < 2:
            raise
    for number, line in enumerate(lines, start=1):
        try:
            yield json.loads(line)
        except json.JSONDecodeError as error:
            raise json.JSONDecodeError(error.msg, "\n" * (number - 1) + line, number - 1 + error.pos) from None


def _page_rows(page: object, findings: Findings) -> Iterator[dict[str, object]]:
    if isinstance(page, list):
        for part in page:
            yield from _page_rows(part, findings)
        return
    if not isinstance(page, dict):
        raise findings.unusable(
            found=f"JSON of another form ({type(page).__name__})",
            expected=_EXPECTED_JSON,
            cure="Write the answer as it comes.",
            zh="JSON 的形式不对;应为报表接口的回答。处理:按接口返回的原样保存。",
        )
    data = page.get("data")
    if "code" in page and page["code"] not in (0, "0") and not data:
        raise findings.unusable(
            found=f"an error answer of the API: code {page['code']}, {str(page.get('message'))[:120]}",
            expected=_EXPECTED_JSON,
            cure="Put the request right and fetch again.",
            zh=f"接口返回的是错误:code {page['code']},{str(page.get('message'))[:120]};应为数据。处理:改正请求,"
            f"重新取。",
        )
    held = data if isinstance(data, dict) else page
    listed = held.get("rows", held.get("materials"))
    if not isinstance(listed, list):
        yield _flat_row(page, {})
        return
    carried = {name: page[name] for name in _PAGE_FIELDS if name in page}
    for row in listed:
        if not isinstance(row, dict):
            raise findings.unusable(
                found=f"a row that is {type(row).__name__}",
                expected=_EXPECTED_JSON,
                cure="Write the answer as it comes.",
                zh="有一行不是数据;应为报表接口的回答。处理:按接口返回的原样保存。",
            )
        yield _flat_row(row, carried)


def _flat_row(row: dict[str, object], carried: dict[str, object]) -> dict[str, object]:
    cells: dict[str, object] = dict(carried)
    for name, value in row.items():
        # Web tools save the answer with capitals.
        if (kind := name.casefold()) in ("dimensions", "metrics") and isinstance(value, dict):
            first, second = ("ValueStr", "Value") if kind == "dimensions" else ("Value", "ValueStr")
            for field, inner in value.items():
                if type(inner) is dict:
                    cell = inner.get(first)
                    cells[field] = inner.get(second) if cell is None or cell == "" else cell
                else:
                    cells[field] = _cell(inner, text_first=True)
        else:
            cells[name] = _cell(value, text_first=True)
    return cells


def _cell(value: object, text_first: bool) -> object:
    """Take ids and names from their text (a JSON number may have lost digits), metrics from their number."""
    if not isinstance(value, dict):
        return value if not isinstance(value, list) else "|".join(map(str, value))
    number, text = value.get("Value"), value.get("ValueStr")
    first, second = (text, number) if text_first else (number, text)
    return second if first is None or first == "" else first
