"""Console output, without characters that could control a terminal: lines, problems of files, tables of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from features.bilingual import Language, Words
from features.errors import GRAVEST_FIRST, InputError, Problem
from features.sanitise import visible_text

if TYPE_CHECKING:
    from features.store.ingest import IngestReport
    from features.store.status import StoreStatus

PROBLEMS_SHOWN = 20
"""Problems of one file that are printed; the rest are counted, and all are in the store."""

SEVERITIES = {
    "file": Words("文件：", "file: "),
    "row": Words("行：", "row: "),
    "note": Words("提示：", "note: "),
}
DAYS_SHOWN = 5
NO_WRAP_COLUMNS = ("account", "creatives", "from", "to", "new", "changed", "same")


def print_text(out: Console, text: object) -> None:
    """Print a text as it is: nothing in it is markup, and the terminal breaks lines, as Chinese has few blanks."""
    out.print(visible_text(text), highlight=False, markup=False, soft_wrap=True)


def show_ingest(report: IngestReport, out: Console) -> None:
    """Print one line per file: new, changed and unchanged rows, attributes, revised values, rows left out."""
    table = _table("file", "", "new", "changed", "same", "attributes", "revised", "left out")
    for file in report.files:
        left_out = sum(problem.count for problem in file.problems if problem.severity == "row")
        counts = [""] * 5
        if file.added is not None:
            rows, attributes = file.added.metrics, file.added.attributes
            counts = [_n(rows.new), _n(rows.changed), _n(rows.unchanged)]
            counts += [_n(attributes.new + attributes.changed), _n(file.added.revisions)]
        _add(table, file.path.name, file.status, *counts, _n(left_out))
    out.print(table)


def show_problems(report: IngestReport, out: Console) -> None:
    """Print the first PROBLEMS_SHOWN problems of each file that was imported or refused now."""
    for file in report.files:
        if file.status != "known":
            for line in problem_lines(file.problems):
                out.print(Text(line), soft_wrap=True)


def problem_lines(problems: Sequence[Problem], language: Language = "en") -> list[str]:
    """Format the first PROBLEMS_SHOWN problems of one file, notes last, and the number of the others."""
    ranked = sorted(problems, key=lambda problem: GRAVEST_FIRST.index(problem.severity))
    lines = [
        visible_text(f"{SEVERITIES[problem.severity].in_language(language)}{problem.in_language(language)}")
        for problem in ranked[:PROBLEMS_SHOWN]
    ]
    if len(ranked) > PROBLEMS_SHOWN:
        more = Words("… 这个文件另有 {count} 个问题", "… and {count} more about this file")
        lines.append(more.format(count=len(ranked) - PROBLEMS_SHOWN).in_language(language))
    return lines


def error_lines(error: InputError, language: Language) -> list[str]:
    """Format the message of an error, with the first PROBLEMS_SHOWN problems of each file."""
    if not error.problems:
        return visible_text(error.in_language(language)).split("\n")
    lines = [visible_text(error.in_language(language)).split("\n")[0]]
    for _, problems in groupby(error.problems, key=lambda problem: problem.file):
        lines += [f"  - {line}" for line in problem_lines(list(problems), language)]
    return lines


def show_status(status: StoreStatus, out: Console) -> None:
    """Print the status."""
    out.print(f"{_n(status.files)} files; attributes of {_n(status.described)} creatives")
    if not status.grains:
        out.print("No metrics yet.")
        return
    table = _table("rows by grain", "rows", "creatives", "from", "to")
    for grain in status.grains:
        _add(table, grain.grain, _n(grain.rows), _n(grain.creatives), grain.first, grain.last)
    out.print(table)
    table = _table("type", "account", "rows", "creatives", "from", "to", "missing days")
    for a in status.accounts:
        days = (a.first or "", a.last or "", _days(a.missing))
        _add(table, a.promotion_type, a.account_id, _n(a.rows), _n(a.creatives), *days)
    out.print(table)
    if status.revisions:
        table = _table("revised values", "revisions")
        for name, count in status.revisions.items():
            _add(table, name, _n(count))
        out.print(table)
    if status.rejected:
        table = _table("left out: expected", "for example", "files", "rows")
        for rejected in status.rejected:
            _add(table, rejected.expected, rejected.example, _n(rejected.files), _n(rejected.rows))
        out.print(table)
    out.print(f"Days from {status.open_from} on are still open: export them again later.")
    table = _table("stage", "columns")
    for stage, columns in status.stages.items():
        _add(table, stage, columns)
    for stage, columns in status.missing.items():
        _add(table, stage, f"missing: {columns}")
    out.print(table)


def _days(days: Sequence[date]) -> str:
    shown = ", ".join(str(day) for day in days[:DAYS_SHOWN])
    more = f" and {len(days) - DAYS_SHOWN} more" if len(days) > DAYS_SHOWN else ""
    return f"{len(days)}: {shown}{more}" if days else "none"


def _table(*headers: str) -> Table:
    table = Table(title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for header in headers:
        # Ids and days stay on one line; longer texts are folded.
        table.add_column(header, overflow="fold", no_wrap=header in NO_WRAP_COLUMNS)
    return table


def _add(table: Table, *cells: object) -> None:
    table.add_row(*(Text(visible_text(cell)) for cell in cells))


def _n(count: int) -> str:
    return f"{count:,}"
