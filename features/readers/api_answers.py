"""Read JSON of the report API: pages as they were fetched, or answers that a web tool saved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain

import numpy as np
import orjson

from features.garbage_collector import no_collection
from features.readers.cells import to_column
from features.readers.encodings import MARK, decode, name_of_utf_8
from features.readers.findings import Findings
from features.readers.tables import RawRows, RawTable

_EXPECTED_JSON = (
    "the report API's answer ({“data”: {“rows”: […]}}), a saved one ({“materials”: […]}), a list of rows, "
    "or one row per line"
)
_PAGE_FIELDS = ("advertiser_id", "topic")
"""Fields of a page that hold for each of its rows."""
_TEXT_FIRST, _NUMBER_FIRST = ("ValueStr", "Value"), ("Value", "ValueStr")
"""Ids and names are taken from their text (a JSON number may have lost digits), metrics from their number."""
_PARTS = {"dimensions": _TEXT_FIRST, "metrics": _NUMBER_FIRST}
"""Parts of a row, in lower case (web tools save the answer with capitals), and where their cells have their value."""


def report_api_table(content: bytes, findings: Findings) -> RawTable:
    """Read the rows of all pages as one table; the first counts as row 2, as if a header were above it.

    Rows stand under `rows`, or under `materials` where a web tool saved the answer. A row's dimensions and metrics
    become columns; the fields of _PAGE_FIELDS are repeated on each row of their page.

    Raises:
        UnusableFile: The JSON is damaged, holds no rows, or is an error answer of the API.
    """
    try:
        with no_collection():
            pages, encoding = _pages(content, findings)
            rows = [row for page in pages for row in _page_rows(page, findings)]
    except json.JSONDecodeError as error:
        raise findings.unusable(
            found=f"JSON that is cut off or damaged at line {error.lineno}, character {error.colno} ({error.msg})",
            expected=_EXPECTED_JSON,
            cure="Fetch the page again and write it whole.",
            zh=f"JSON 在第 {error.lineno} 行第 {error.colno} 个字符处断掉或损坏（{error.msg}）；"
            f"应为报表接口的完整回答。处理：重新取这一页，完整保存。",
        ) from None
    if not rows:
        raise findings.unusable(
            found="no rows",
            expected=_EXPECTED_JSON,
            cure="Fetch a stretch of days that has data, or leave it out.",
            zh="没有数据行；应为报表接口的回答。处理：取有数据的日期，或拿掉这个文件。",
        )
    shapes = dict.fromkeys(map(tuple, rows))  # of all rows usually one
    fields = list(dict.fromkeys(chain.from_iterable(shapes)))
    numbers = np.arange(2, len(rows) + 2, dtype=np.int64)

    def below(_: int) -> RawRows:
        if len(shapes) == 1:
            columns = list(zip(*map(dict.values, rows)))
        else:
            columns = [tuple(row.get(field) for row in rows) for field in fields]
        return RawRows([to_column(column) for column in columns], numbers)

    return RawTable("", [fields], below, encoding)


def _pages(content: bytes, findings: Findings) -> tuple[Iterable[object], str]:
    """Return the JSON documents of a file, and its encoding."""
    with suppress(orjson.JSONDecodeError):  # five times as fast; what it refuses `json` may take, or explain better
        return [orjson.loads(content.removeprefix(MARK))], name_of_utf_8(content)
    decoded = decode(content, findings)
    return _documents(decoded.text), decoded.encoding


def _documents(text: str) -> Iterator[object]:
    """Give the one JSON document, or one per line."""
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
            zh="JSON 的形式不对；应为报表接口的回答。处理：按接口返回的原样保存。",
        )
    data = page.get("data")
    if "code" in page and page["code"] not in (0, "0") and not data:
        raise findings.unusable(
            found=f"an error answer of the API: code {page['code']}, {str(page.get('message'))[:120]}",
            expected=_EXPECTED_JSON,
            cure="Put the request right and fetch again.",
            zh=f"接口返回的是错误：code {page['code']}，{str(page.get('message'))[:120]}；应为数据。处理：改正请求，"
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
                zh="有一行不是数据；应为报表接口的回答。处理：按接口返回的原样保存。",
            )
        yield _flat_row(row, carried)


def _flat_row(row: dict[str, object], carried: dict[str, object]) -> dict[str, object]:
    cells: dict[str, object] = dict(carried)
    for name, value in row.items():
        names = _PARTS.get(name.casefold())
        if names is None or not isinstance(value, dict):
            cells[name] = _cell(value, *_TEXT_FIRST)
            continue
        first, second = names
        try:
            taken = {field: cell[first] for field, cell in value.items()}
        except (KeyError, TypeError):
            taken = {}
        held = taken.values()
        if not taken or None in held or "" in held:  # some cell needs a look of its own
            taken = {field: _cell(cell, first, second) for field, cell in value.items()}
        cells |= taken
    return cells


def _cell(cell: object, first: str, second: str) -> object:
    """Take a cell from the first of two names under which it has a value, or as it is."""
    if not isinstance(cell, dict):
        return "|".join(map(str, cell)) if isinstance(cell, list) else cell
    value = cell.get(first)
    return cell.get(second) if value is None or value == "" else value
