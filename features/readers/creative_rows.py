"""Which rows are creatives? Totals, aggregates, repeated headers and blank rows are none; shifted rows are faults."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from configs.export_layout import Source
from features.readers.cells import distinct, present, text_of
from features.readers.clean_text import is_missing
from features.readers.findings import EXPORT_AGAIN, Findings, counted
from features.readers.grid import Rows
from features.readers.headers import normal
from features.readers.table import Mask, Table

_LOOKED_AT = ("creative_id", "date", "hour")


def creative_rows(table: Table, source: Source, rows: Rows, *, metrics: bool, findings: Findings) -> Table:
    """The rows that are about one creative each."""
    _shifted(table, rows, findings)
    table = table.keep(~_blank(table))
    if metrics:
        table = table.keep(~_too_short(table, rows, findings))
    repeated = _same(table.cells["creative_id"], [table.headers["creative_id"]])
    table = table.keep(~repeated)
    totals = _totals(table, source)
    if totals.any():
        findings.note(
            found=f"{counted(totals)} of totals or aggregates",
            expected="one creative per row",
            cure="They were left out; their money belongs to no creative.",
            rows=table.numbers[totals],
        )
    table = table.keep(~totals)
    nameless = _nameless(table)
    findings.left_out(
        table.numbers[nameless],
        found="no id",
        expected="the creative's id in every row",
        cure="Fill it in, or delete the row.",
        column=table.headers["creative_id"],
    )
    return table.keep(~nameless)


def _shifted(table: Table, rows: Rows, findings: Findings) -> None:
    findings.left_out(
        list(rows.long),
        found=f"up to {max(rows.long.values(), default=0)} cells",
        expected="no values beyond the last header",
        cure="A comma or tab inside a text has shifted the cells: put that text in quotes. " + EXPORT_AGAIN,
    )
    if rows.cut is not None:
        findings.left_out(
            [rows.cut[0]],
            found=f"a last row with {rows.cut[1]} cells",
            expected=f"{len(rows.columns)} cells: the file seems to be cut off here",
            cure="Download or copy the file again; the rows before it were read.",
        )


def _too_short(table: Table, rows: Rows, findings: Findings) -> Mask:
    short = np.isin(table.numbers, list(rows.short))
    findings.left_out(
        table.numbers[short],
        found=f"as few as {min(rows.short.values(), default=0)} cells",
        expected=f"{len(rows.columns)} cells, like the header",
        cure="A line break inside a text has cut these rows. " + EXPORT_AGAIN,
    )
    return short


def _blank(table: Table) -> Mask:
    blank = np.ones(len(table), dtype=bool)
    for column in table.cells.values():
        if not blank.any():
            break
        blank &= _same(column, [""]) | ~present(column)
    return blank


def _totals(table: Table, source: Source) -> Mask:
    totals = np.zeros(len(table), dtype=bool)
    for name in _LOOKED_AT:
        if name in table:
            words = source.not_creatives
            if name != "creative_id":
                words = tuple(word for word in words if not word.lstrip("-").isdigit())
            totals |= _same(table.cells[name], words)
    if "creative_name" in table:
        named_so = _same(table.cells["creative_name"], [*source.not_creatives, *source.aggregates])
        totals |= _nameless(table) & named_so
        totals |= _same(table.cells["creative_name"], source.aggregates)
    return totals


def _nameless(table: Table) -> Mask:
    values, codes = distinct(table.cells["creative_id"])
    return np.array([is_missing(text_of(value)) for value in values] + [True], dtype=bool)[codes]


def _same(column: Any, texts: Iterable[str]) -> Mask:
    """Where a cell is one of the texts, compared as headers are."""
    wanted = {normal(text) for text in texts}
    values, codes = distinct(column)
    hits = np.array([normal(text_of(value)) in wanted for value in values] + [False], dtype=bool)
    return hits[codes]
