"""Look at one file before it is imported: what it is, what its headers are, what is wrong with it.

Small files are read whole. Of a large one the values of the first SAMPLE_ROWS are checked, and of all rows only what
joins and amounts need: keys, periods, names, and a few counts and sums. The readers that import files do all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from configs.export_layout import ExportLayout
from configs.settings import BASES, Settings
from features.errors import Problem, unopened
from features.readers.containers import is_cut, raw_tables_of, sha256_of
from features.readers.export_file import holds_metrics, read_recognised
from features.readers.findings import DOCTOR, Findings, UnusableFile
from features.readers.header_names import header_places, normalise_header
from features.readers.headers import HeaderMap, Suggestion, map_headers, states_promotion_type, suggestions_for
from features.readers.layouts import ROW_KEY_COLUMNS
from features.readers.recognition import RecognisedTable, known_headers, nearest_layout, recognise
from features.readers.tables import RawRows, RawTable
from features.schema import VALUES, ExportRead

LIKE_A_SHEET = 2
"""Headers of a sheet, known or suggested, from which on a file of no known layout may be one."""
SAMPLE_ROWS = 5_000
"""Rows of a file whose values are all checked."""
COUNTED = ("impressions", "spend_cny", "orders", "gmv_cny", "net_gmv_cny")
"""Values that are read of all rows, besides keys, periods and DESCRIBED."""
DESCRIBED = ("creative_name", "created_at")
"""Attributes that are read of all rows: names hold tags, and the upload tells whether a launch was seen."""


@dataclass(frozen=True)
class FileSurvey:
    """What one file is.

    Attributes:
        path: The file.
        layout: Its layout; of an unknown one the nearest; None where the file cannot be opened.
        recognised: Whether it is of that layout.
        encoding: Of text; empty for other containers.
        header: Its header row.
        headers: What the headers are; None where there is no layout.
        known: Headers that the layout names.
        rows: Rows below the header.
        checked: Rows whose values were all checked.
        columns: Value columns that hold something in the rows that were checked.
        read: What was read of it.
        problems: Everything that is wrong or odd.
        suggestions: What headers may be.
        states_type: Whether it states its promotion type.
        like_a_sheet: Whether a file of no known layout has headers of a tag sheet, and no counts or sums.
        cut: Whether only its first rows were read.
    """

    path: Path
    layout: ExportLayout | None
    recognised: bool
    encoding: str = ""
    header: tuple[str, ...] = ()
    headers: HeaderMap | None = None
    known: int = 0
    rows: int = 0
    checked: int = 0
    columns: tuple[str, ...] = ()
    read: ExportRead | None = None
    problems: tuple[Problem, ...] = ()
    suggestions: tuple[Suggestion, ...] = field(default=())
    states_type: bool = True
    like_a_sheet: bool = False
    cut: bool = False

    @property
    def is_sheet(self) -> bool:
        """Whether it is a sheet of attributes and tags, without metrics."""
        return self.layout is not None and not holds_metrics(self.layout)

    @property
    def unusable(self) -> bool:
        """Whether nothing of it can be imported."""
        return any(problem.severity == "file" for problem in self.problems)

    @property
    def named(self) -> int:
        """Headers that are not empty."""
        return sum(bool(cell.strip()) for cell in self.header)


def survey_file(
    path: Path, settings: Settings, layouts: Sequence[ExportLayout], *, now: datetime, most: int | None = None
) -> FileSurvey:
    """Look at one file; a file that cannot be used comes back with the reason among its problems.

    Args:
        path: The file.
        settings: Of the run.
        layouts: The known layouts.
        now: As in `read_export`.
        most: Bytes of a file of delimited text that are read; None: all.
    """
    findings = Findings(str(path), DOCTOR)
    tables: list[RawTable] = []
    try:
        cut = is_cut(path, most)
        sha256 = f"start of {path}" if cut else sha256_of(path)
        tables = list(raw_tables_of(path, findings, most=most))
        found = recognise(tables, layouts, path, findings)
    except UnusableFile as stop:
        findings.problems.append(stop.problem)
        return _unknown(path, tables, layouts, findings)
    except OSError as error:
        return FileSurvey(path, None, False, problems=(unopened(str(path), error),))
    headers = map_headers(found.layout, found.header, path, settings)
    rows = len(found.rows.numbers)
    whole = rows <= SAMPLE_ROWS or not holds_metrics(found.layout)
    read = read_recognised(found if whole else _first_rows(found), path, settings, findings, now=now)
    columns = tuple(name for name in VALUES if name in read.metrics and read.metrics[name].notna().any())
    if not whole and not any(problem.severity == "file" for problem in findings.problems):
        kept = [problem for problem in findings.problems if _about_values(problem, found, headers, settings)]
        slim = Findings(str(path), DOCTOR)
        read = read_recognised(_slim(found, headers, settings), path, settings, slim, now=now)
        findings.problems = [*slim.problems, *kept]
    return FileSurvey(
        path=path,
        layout=found.layout,
        recognised=True,
        encoding=found.encoding,
        header=tuple(found.header),
        headers=headers,
        known=known_headers(found.layout, found.header),
        rows=rows,
        checked=rows if whole else SAMPLE_ROWS,
        columns=columns,
        read=replace(read, sha256=sha256),
        problems=tuple(findings.problems),
        suggestions=headers.suggestions,
        states_type=not holds_metrics(found.layout) or states_promotion_type(found.layout, found.header, path),
        cut=cut,
    )


def _unknown(path: Path, tables: Sequence[RawTable], layouts: Sequence[ExportLayout], findings: Findings) -> FileSurvey:
    """Return the survey of a file without a known layout."""
    if not tables or not layouts:
        return FileSurvey(path, None, False, problems=tuple(findings.problems))
    layout, header = nearest_layout([cells for table in tables for cells in table.top], layouts)
    sheets = [one for one in layouts if not holds_metrics(one)]
    counted = [one.columns.get(name) for one in layouts if holds_metrics(one) for name in VALUES]
    found = header_places(header)
    counts = any(normalise_header(cell) in found for column in counted if column for cell in column.headers)
    return FileSurvey(
        path=path,
        layout=layout,
        recognised=False,
        encoding=tables[0].encoding,
        header=tuple(header),
        known=known_headers(layout, header),
        problems=tuple(findings.problems),
        suggestions=tuple(suggestions_for(layout, header, path)),
        states_type=states_promotion_type(layout, header, path),
        like_a_sheet=not counts and any(_likeness(one, header, path) >= LIKE_A_SHEET for one in sheets),
    )


def _likeness(layout: ExportLayout, header: Sequence[str], path: Path) -> int:
    return known_headers(layout, header) + len(suggestions_for(layout, header, path))


def _first_rows(found: RecognisedTable) -> RecognisedTable:
    """Return the table with its first SAMPLE_ROWS rows."""
    rows = found.rows
    last = int(rows.numbers[SAMPLE_ROWS - 1])
    head = RawRows(
        [column[:SAMPLE_ROWS] for column in rows.columns],
        rows.numbers[:SAMPLE_ROWS],
        {number: cells for number, cells in rows.short.items() if number <= last},
    )
    return replace(found, rows=head)


def _slim(found: RecognisedTable, headers: HeaderMap, settings: Settings) -> RecognisedTable:
    """Return the table under a layout that reads keys, periods, COUNTED and DESCRIBED only."""
    layout, counted = found.layout, {*COUNTED, BASES[settings.basis][0]}
    kept = {*ROW_KEY_COLUMNS, *DESCRIBED, *counted}
    columns = {name: column for name, column in layout.columns.items() if name in kept}
    ratios = {name: ratio for name, ratio in layout.ratios.items() if {ratio.gives, ratio.of} <= counted}
    synonyms = {name: given for name, given in layout.synonyms.items() if name in columns}
    changed = {"columns": columns, "ratios": ratios, "synonyms": synonyms, "tags": {}, "extra": False}
    ignored = [*layout.ignore, *(cell for cell in found.header if cell.strip() not in headers.unread)]
    return replace(found, layout=layout.model_copy(update=changed | {"ignore": tuple(ignored)}))


def _about_values(problem: Problem, found: RecognisedTable, headers: HeaderMap, settings: Settings) -> bool:
    """Whether a problem of the sample is not found again where all rows are read without most columns."""
    slim = _slim(found, headers, settings).layout.columns
    read = {found.header[place].strip() for name, places in headers.taken.items() if name in slim for place in places}
    return problem.column is not None and problem.column not in read
