"""Export layouts: load the known ones, recognise the layout of a file, and give its columns canonical names."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from configs.errors import ConfigError
from configs.export_layout import ExportLayout, Unit, read_layout
from configs.settings import Settings
from features.readers.cells import clean
from features.readers.findings import Findings, UnusableFile
from features.readers.tables import CanonicalTable, RawRows, RawTable
from features.schema import ATTRIBUTES, COUNTS, NUMBERS, SUMS, TAGS, TEXTS, TIMES, VALUES

ROW_KEY_COLUMNS = ["creative_id", "account_id", "promotion_type", "date", "hour", "read_at"]
"""Canonical columns that identify a row; `read_at` is the time of a running total."""

CANONICAL_COLUMNS = [*ROW_KEY_COLUMNS, *VALUES, *ATTRIBUTES, *TAGS]
"""Every canonical column that a layout can name."""

_DEFAULT_UNITS: dict[str, Unit] = {
    **dict.fromkeys(["creative_id", "account_id", "product_id", "creator_id"], "id"),
    **dict.fromkeys(COUNTS, "count"),
    **dict.fromkeys(SUMS, "cny"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(TIMES, "time"),
    **dict.fromkeys([name for name in [*TEXTS, *TAGS] if not name.endswith("_id")], "text"),
    "promotion_type": "text",
    "date": "date",
    "hour": "hour",
    "read_at": "time",
    "watch_s": "s",
    "duration_s": "duration",
    "platform_label": "list",
}

_QUOTES = "\"'“”‘’`\ufeff\u200b"
_UNIT = re.compile(r"\((元|%|次|秒|个|人|单|s|cny)\)$")
_NAMES_SHOWN = 12


# Known layouts


def load_layouts(settings: Settings) -> list[ExportLayout]:
    """Load all layouts of `source_dirs`; one in a later folder replaces one of the same name.

    Raises:
        ConfigError: A layout cannot be used, or `sources` names one that does not exist.
    """
    known: dict[str, ExportLayout] = {}
    for folder in settings.source_dirs:
        if not folder.is_dir():
            raise ConfigError(f"source_dirs: {folder} is no folder.")
        for path in sorted(folder.glob("*.yaml")):
            layout = read_layout(path)
            _check_names(layout, path)
            known[layout.name] = layout
    unknown = [name for name in settings.sources if name not in known]
    if unknown:
        raise ConfigError(
            f"sources: there is no source config called {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        )
    chosen = settings.sources or tuple(known)
    return [layout for name, layout in known.items() if name in chosen]


def unit_of(name: str, unit: Unit | None) -> Unit:
    """Return the unit that a layout gives, or the default unit of the canonical name."""
    return unit or _DEFAULT_UNITS[name]


def _check_names(layout: ExportLayout, path: Path) -> None:
    _all_known(layout.columns, CANONICAL_COLUMNS, path, "columns")
    _all_known([r.gives for r in layout.ratios.values()], VALUES, path, "ratios (gives)")
    _all_known([r.of for r in layout.ratios.values()], VALUES, path, "ratios (of)")
    _all_known(layout.constants, ["account_id", "promotion_type", *ATTRIBUTES, *TAGS], path, "constants")
    taken = [name for name in (*layout.tags.values(), *layout.ratios) if name in CANONICAL_COLUMNS]
    if taken:
        raise ConfigError(
            f"{path}: {', '.join(taken)}: is a canonical name; give it under columns, or use another name."
        )


def _all_known(names: Iterable[str], known: list[str], path: Path, where: str) -> None:
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"
            raise ConfigError(f"{path}: {where}: there is no canonical column called {name}; {hint}")


# Headers


def normalise_header(header: str) -> str:
    """Return the form in which headers are compared: without case, spaces, quotes and width of brackets."""
    if header.isascii() and header.isalnum():  # mostly ids: the steps below would change nothing but the case
        return header.casefold()
    text = unicodedata.normalize("NFKC", header).strip().strip(_QUOTES)
    return "".join(text.split()).casefold()


def header_places(cells: Sequence[str]) -> dict[str, list[int]]:
    """Map each normalised header to its column indices; a unit in brackets at the end may be omitted."""
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        if name := normalise_header(cell):
            found.setdefault(name, []).append(place)
    for place, cell in enumerate(cells):
        name = normalise_header(cell)
        bare = _UNIT.sub("", name)
        if bare and bare != name and bare not in found:
            found[bare] = [place]
    return found


def _nearest_header(wanted: Iterable[str], present: Sequence[str]) -> str:
    """Return the header of the file that is most similar to one of those wanted; empty if none is similar."""
    forms = {normalise_header(cell): cell for cell in present if cell.strip()}
    for name in wanted:
        if close := get_close_matches(normalise_header(name), list(forms), n=1, cutoff=0.5):
            return forms[close[0]]
    return ""


# Recognition of a file


@dataclass(frozen=True)
class RecognisedTable:
    """A table of a known layout: its header row as text, and the rows below."""

    layout: ExportLayout
    header: list[str]
    rows: RawRows


def recognise(
    tables: Iterable[RawTable], layouts: Sequence[ExportLayout], path: Path, findings: Findings
) -> RecognisedTable:
    """Find the first table with a header row that a layout matches; of several layouts the one with most headers.

    Raises:
        UnusableFile: No layout matches any row.
    """
    seen: list[list[str]] = []
    for table in tables:
        for place, cells in enumerate(table.top):
            matching = [layout for layout in layouts if _matches(layout, set(header_places(cells)), path)]
            if matching:
                best = max(matching, key=lambda layout: _count_known_headers(layout, cells))
                return RecognisedTable(best, cells, table.below(place))
        seen += table.top
    raise _unknown_layout(seen, layouts, findings)


def check_basis(recognised: RecognisedTable, settings: Settings, findings: Findings) -> None:
    """Refuse a file whose money belongs to another ROI basis than that of the settings; the two never add up.

    Raises:
        UnusableFile: The layout names its bases, and the one of the settings is not among them.
    """
    layout = recognised.layout
    if layout.bases and settings.basis not in layout.bases:
        known = [
            cell for cell in recognised.header if normalise_header(cell) in map(normalise_header, layout.match.any)
        ]
        raise findings.unusable(
            found=f"a file of the layout {layout.name} ({', '.join(known[:4])})",
            expected=f"files whose money fits the ROI basis {settings.basis}; "
            f"this layout fits {', '.join(layout.bases)}",
            cure="The same spend and money are attributed to other rows here: keep the two kinds of files apart, in "
            "workspaces of their own, and set `basis` to the one you mean.",
        )


def to_canonical(recognised: RecognisedTable, settings: Settings, findings: Findings) -> CanonicalTable:
    """Select the columns that the layout names, and additional tags where the layout and the settings allow them.

    Raises:
        UnusableFile: A required column is missing, or a repeated header has different values.
    """
    layout, header, rows = recognised.layout, recognised.header, recognised.rows
    where = header_places(header)
    taken: dict[str, int] = {}
    wanted = {name: column.headers for name, column in layout.columns.items()}
    wanted |= {name: ratio.headers for name, ratio in layout.ratios.items()}
    wanted |= {tag: (named,) for named, tag in layout.tags.items()}
    for name, headers in wanted.items():
        present = [candidate for candidate in headers if normalise_header(candidate) in where]
        if present:
            taken[name] = _only_place(where[normalise_header(present[0])], present[0], rows, findings)
            if len(present) > 1:
                findings.note(
                    found=f"several columns for {name}: {', '.join(present)}; {present[0]} was taken",
                    expected="one",
                    cure="Leave the others out of the export if this is not the one you mean.",
                )
        elif name in layout.columns and layout.columns[name].required:
            raise _missing_column(name, headers, header, findings)
    known = {
        place for headers in wanted.values() for named in headers for place in where.get(normalise_header(named), [])
    }
    own = _own_tags(recognised, known, taken, settings, findings)
    taken |= own
    return CanonicalTable(
        cells={name: rows.columns[place] for name, place in taken.items()},
        numbers=rows.numbers,
        headers={name: header[place].strip() for name, place in taken.items()},
        own=(*(tag for tag in layout.tags.values() if tag in taken), *own),
    )


def _matches(layout: ExportLayout, found: set[str], path: Path) -> bool:
    match = layout.match
    return (
        all(any(normalise_header(header) in found for header in group) for group in match.all)
        and (not match.any or any(normalise_header(header) in found for header in match.any))
        and not any(normalise_header(header) in found for header in match.none)
        and (not match.file_name or re.search(match.file_name, path.name) is not None)
        and any(normalise_header(header) in found for header in layout.columns["creative_id"].headers)
    )


def _count_known_headers(layout: ExportLayout, cells: Sequence[str]) -> int:
    found = set(header_places(cells))
    named = [header for column in layout.columns.values() for header in column.headers]
    named += [header for ratio in layout.ratios.values() for header in ratio.headers]
    return len(found & {normalise_header(header) for header in [*named, *layout.tags]})


def _only_place(found: list[int], header: str, rows: RawRows, findings: Findings) -> int:
    """Return the column index of a header; a repeated header must have the same values in each place."""
    first = rows.columns[found[0]]
    if any(not rows.columns[other].equals(first) for other in found[1:]):
        raise findings.unusable(
            found=f"{len(found)} columns with this header and different values",
            expected="one",
            cure="Remove the one that is wrong, or export the file again.",
            column=header,
        )
    return found[0]


def _own_tags(
    recognised: RecognisedTable, known: set[int], taken: dict[str, int], settings: Settings, findings: Findings
) -> dict[str, int]:
    """Map additional tags to column indices, from headers that the layout does not name; note headers not read."""
    layout, cells = recognised.layout, recognised.header
    ignored = set(map(normalise_header, layout.ignore))
    rest = {
        place: cell
        for place, cell in enumerate(cells)
        if place not in known and normalise_header(cell) and normalise_header(cell) not in ignored
    }
    own: dict[str, int] = {}
    outcomes, unread = [], []
    for place, cell in rest.items():
        if not (layout.extra and settings.tags.extra):
            unread.append(cell.strip())
        elif any(word.casefold() in normalise_header(cell) for word in layout.never_tags):
            outcomes.append(cell.strip())
        elif (name := clean(cell) or "") and name not in taken and name not in own:
            own[name] = place
    if outcomes:
        findings.note(
            found=f"columns that state an outcome: {_listed(outcomes)}",
            expected="what the creative is, not how it did",
            cure="They were not taken as tags; nothing needs to be done.",
        )
    if unread:
        findings.note(
            found=f"columns that are not read: {_listed(unread)}",
            expected=f"headers that the source config {layout.name} names",
            cure="If one of them is needed, name it in a source config of your own (see source_dirs).",
        )
    return own


def _missing_column(name: str, headers: Sequence[str], cells: Sequence[str], findings: Findings) -> UnusableFile:
    near = _nearest_header(headers, cells)
    return findings.unusable(
        found=f"no column for {name}" + (f"; the nearest header is “{near}”" if near else ""),
        expected=f"one of {', '.join(headers)}",
        cure="Add the column to the export, or name its header in a source config of your own.",
    )


def _unknown_layout(seen: list[list[str]], layouts: Sequence[ExportLayout], findings: Findings) -> UnusableFile:
    cells = max(seen, key=lambda cells: sum(bool(cell.strip()) for cell in cells), default=[])
    needs = []
    for layout in layouts:
        ids = layout.columns["creative_id"].headers
        parts = [" or ".join(group) for group in layout.match.all] or [" or ".join(ids[:3])]
        if layout.match.any:
            parts.append(f"one of {_listed(layout.match.any)}")
        if layout.match.none:
            parts.append(f"none of {_listed(layout.match.none)}")
        near = _nearest_header([header for group in layout.match.all for header in group] or ids, cells)
        needs.append(f"{layout.name}: {'; '.join(parts)}" + (f" (nearest here: {near})" if near else ""))
    return findings.unusable(
        found=f"no known layout; the headers are {_listed([c.strip() for c in cells if c.strip()]) or 'none'}",
        expected=" | ".join(needs) or "a source config",
        cure="Export one of these, or describe this layout in a source config of your own (see source_dirs).",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
