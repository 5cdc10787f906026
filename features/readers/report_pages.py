"""How the report API's answers become columns: pages of rows, each with dimensions and metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from features.readers.cells import column_of
from features.readers.findings import Findings
from features.readers.grid import Grid, Rows

_EXPECTED = "the report API's answer ({“data”: {“rows”: […]}}), a list of rows, or one row per line"
_CARRIED = ("advertiser_id", "topic")
"""Stand once per page and hold for each of its rows."""


def report_grid(text: str, findings: Findings) -> Grid:
    """The rows of all pages as one table; the first counts as row 2, as if a header stood above it."""
    try:
        rows = [row for page in _documents(text) for row in _page(page, findings)]
    except json.JSONDecodeError as error:
        raise findings.unusable(
            found=f"JSON that is cut off or damaged at line {error.lineno}, character {error.colno} ({error.msg})",
            expected=_EXPECTED,
            cure="Fetch the page again and write it whole.",
        ) from None
    if not rows:
        raise findings.unusable(
            found="no rows", expected=_EXPECTED, cure="Fetch a stretch of days that has data, or leave it out."
        )
    fields = list(dict.fromkeys(field for row in rows for field in row))
    numbers = np.arange(2, len(rows) + 2, dtype=np.int64)
    return Grid(
        "", [fields], lambda _: Rows([column_of([row.get(field) for row in rows]) for field in fields], numbers)
    )


def _documents(text: str) -> Iterator[object]:
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


def _page(page: object, findings: Findings) -> Iterator[dict[str, object]]:
    if isinstance(page, list):
        for part in page:
            yield from _page(part, findings)
        return
    if not isinstance(page, dict):
        raise findings.unusable(
            found=f"JSON of another form ({type(page).__name__})",
            expected=_EXPECTED,
            cure="Write the answer as it comes.",
        )
    data = page.get("data")
    if "code" in page and page["code"] not in (0, "0") and not data:
        raise findings.unusable(
            found=f"an error answer of the API: code {page['code']}, {str(page.get('message'))[:120]}",
            expected=_EXPECTED,
            cure="Put the request right and fetch again.",
        )
    listed = data.get("rows") if isinstance(data, dict) else page.get("rows")
    if not isinstance(listed, list):
        yield _row(page, {})
        return
    carried = {name: page[name] for name in _CARRIED if name in page}
    for row in listed:
        if not isinstance(row, dict):
            raise findings.unusable(
                found=f"a row that is {type(row).__name__}", expected=_EXPECTED, cure="Write the answer as it comes."
            )
        yield _row(row, carried)


def _row(row: dict[str, Any], carried: dict[str, Any]) -> dict[str, object]:
    cells: dict[str, object] = dict(carried)
    for name, value in row.items():
        if name in ("dimensions", "metrics") and isinstance(value, dict):
            text_first = name == "dimensions"
            cells.update({field: _cell(inner, text_first) for field, inner in value.items()})
        else:
            cells[name] = _cell(value, text_first=True)
    return cells


def _cell(value: object, text_first: bool) -> object:
    """Ids and names by their text (a number may have lost digits on the way), measures by their number."""
    if not isinstance(value, dict):
        return value if not isinstance(value, list) else "|".join(map(str, value))
    number, text = value.get("Value"), value.get("ValueStr")
    first, second = (text, number) if text_first else (number, text)
    return second if first is None or first == "" else first
