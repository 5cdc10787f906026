"""doc"""

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
from features.readers.findings import Findings
from features.readers.tables import CanonicalTable, RawRows, RawTable
from features.schema import ATTRIBUTES, COUNTS, NUMBERS, SUMS, TAGS, TEXTS, TIMES, VALUES

PLACES = ["creative_id", "account_id", "promotion_type", "date", "hour", "read_at"]
"""Canonical columns that say what a row is about."""

COLUMNS = [*PLACES, *VALUES, *ATTRIBUTES, *TAGS]
"""Every canonical column a source config can name."""


def load_layouts(settings: Settings) -> list[ExportLayout]:
    """All source configs, a later folder's replacing an earlier one's of the same name.

    Raises:
        ConfigError: A config cannot be used, or the settings ask for one that is not there.
    """
    known: dict[str, ExportLayout] = {}
    for folder in settings.source_dirs:
        if not folder.is_dir():
            raise ConfigError(f"source_dirs: {folder} is no folder.")
        for path in sorted(folder.glob("*.yaml")):
            source = read_layout(path)
            _check_names(source, path)
            known[source.name] = source
    unknown = [name for name in settings.sources if name not in known]
    if unknown:
        raise ConfigError(
            f"sources: there is no source config called {', '.join(unknown)}; known: {', '.join(sorted(known))}."
        )
    chosen = settings.sources or tuple(known)
    return [source for name, source in known.items() if name in chosen]


def unit_of(name: str, unit: Unit | None) -> Unit:
    """The unit that a source config gives, or the natural one of the canonical name."""
    return unit or _NATURAL[name]


def _check_names(source: ExportLayout, path: Path) -> None:
    _all_known(source.columns, COLUMNS, path, "columns")
    _all_known([r.gives for r in source.ratios.values()], VALUES, path, "ratios (gives)")
    _all_known([r.of for r in source.ratios.values()], VALUES, path, "ratios (of)")
    _all_known(source.constants, ["account_id", "promotion_type", *ATTRIBUTES, *TAGS], path, "constants")
    taken = [name for name in (*source.tags.values(), *source.ratios) if name in COLUMNS]
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


_NATURAL: dict[str, Unit] = {
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


def normal(header: str) -> str:
    """The form in which headers are compared."""
    if header.isascii() and header.isalnum():  # ids above all: the steps below would change nothing but the case
        return header.casefold()
    text = unicodedata.normalize("NFKC", header).strip().strip(_QUOTES)
    return "".join(text.split()).casefold()


def places(cells: Sequence[str]) -> dict[str, list[int]]:
    """Normal form → where it stands in a header row; a unit in brackets at the end may be left out."""
    found: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        if name := normal(cell):
            found.setdefault(name, []).append(place)
    for place, cell in enumerate(cells):
        name = normal(cell)
        bare = _UNIT.sub("", name)
        if bare and bare != name and bare not in found:
            found[bare] = [place]
    return found


def nearest(wanted: Iterable[str], present: Sequence[str]) -> str:
    """The header in the file that comes closest to one of those wanted; empty if none does."""
    forms = {normal(cell): cell for cell in present if cell.strip()}
    for name in wanted:
        if close := get_close_matches(normal(name), list(forms), n=1, cutoff=0.5):
            return forms[close[0]]
    return ""


_SHOWN = 12


@dataclass(frozen=True)
class RecognisedTable:
    """A table of known layout: its source config, its header row and the rows below."""

    source: ExportLayout
    cells: list[str]
    rows: RawRows


def recognise(
    tables: Iterable[RawTable], sources: Sequence[ExportLayout], path: Path, findings: Findings
) -> RecognisedTable:
    """The first table with a header row that a source config knows."""
    seen: list[list[str]] = []
    for table in tables:
        for place, cells in enumerate(table.top):
            fitting = [source for source in sources if _fits(source, set(places(cells)), path)]
            if fitting:
                best = max(fitting, key=lambda source: _known_headers(source, cells))
                return RecognisedTable(best, cells, table.below(place))
        seen += table.top
    raise _unknown(seen, sources, findings)


def check_basis(source: ExportLayout, settings: Settings, cells: Sequence[str], findings: Findings) -> None:
    """Refuses money of another kind than the ROI basis of the settings: the two must never be added up."""
    if source.bases and settings.basis not in source.bases:
        known = [cell for cell in cells if normal(cell) in map(normal, source.match.any)]
        raise findings.unusable(
            found=f"a file of the layout {source.name} ({', '.join(known[:4])})",
            expected=f"files whose money fits the ROI basis {settings.basis}; "
            f"this layout fits {', '.join(source.bases)}",
            cure="The same spend and money are attributed to other rows here: keep the two kinds of files apart, in "
            "workspaces of their own, and set `basis` to the one you mean.",
        )


def as_table(recognised: RecognisedTable, settings: Settings, findings: Findings) -> CanonicalTable:
    """The columns the source config names, and the team's own tags."""
    source, cells, rows = recognised.source, recognised.cells, recognised.rows
    where = places(cells)
    taken: dict[str, int] = {}
    wanted = {name: column.headers for name, column in source.columns.items()}
    wanted |= {name: ratio.headers for name, ratio in source.ratios.items()}
    wanted |= {tag: (header,) for header, tag in source.tags.items()}
    for name, headers in wanted.items():
        there = [header for header in headers if normal(header) in where]
        if there:
            taken[name] = _one_of(where[normal(there[0])], there[0], rows, findings)
            if len(there) > 1:
                findings.note(
                    found=f"several columns for {name}: {', '.join(there)}; {there[0]} was taken",
                    expected="one",
                    cure="Leave the others out of the export if this is not the one you mean.",
                )
        elif name in source.columns and source.columns[name].required:
            raise _missing(name, headers, cells, findings)
    known = {place for name in wanted for header in wanted[name] for place in where.get(normal(header), [])}
    own = _own(recognised, known, taken, settings, findings)
    taken |= own
    return CanonicalTable(
        cells={name: rows.columns[place] for name, place in taken.items()},
        numbers=rows.numbers,
        headers={name: cells[place].strip() for name, place in taken.items()},
        own=(*(tag for tag in source.tags.values() if tag in taken), *own),
    )


def _fits(source: ExportLayout, found: set[str], path: Path) -> bool:
    match = source.match
    return (
        all(any(normal(header) in found for header in group) for group in match.all)
        and (not match.any or any(normal(header) in found for header in match.any))
        and not any(normal(header) in found for header in match.none)
        and (not match.file_name or re.search(match.file_name, path.name) is not None)
        and any(normal(header) in found for header in source.columns["creative_id"].headers)
    )


def _known_headers(source: ExportLayout, cells: Sequence[str]) -> int:
    found = set(places(cells))
    named = [header for column in source.columns.values() for header in column.headers]
    named += [header for ratio in source.ratios.values() for header in ratio.headers]
    return len(found & {normal(header) for header in [*named, *source.tags]})


def _one_of(found: list[int], header: str, rows: RawRows, findings: Findings) -> int:
    """The place of a header; a repeated one must hold the same in each place."""
    first = rows.columns[found[0]]
    if any(not rows.columns[other].equals(first) for other in found[1:]):
        raise findings.unusable(
            found=f"{len(found)} columns with this header and different values",
            expected="one",
            cure="Remove the one that is wrong, or export the file again.",
            column=header,
        )
    return found[0]


def _own(
    recognised: RecognisedTable, known: set[int], taken: dict[str, int], settings: Settings, findings: Findings
) -> dict[str, int]:
    """Headers that the source config does not name: tags of the team's own where it allows that, else a note."""
    source, cells = recognised.source, recognised.cells
    ignored = set(map(normal, source.ignore))
    rest = {
        place: cell
        for place, cell in enumerate(cells)
        if place not in known and normal(cell) and normal(cell) not in ignored
    }
    own: dict[str, int] = {}
    outcomes, unread = [], []
    for place, cell in rest.items():
        if not (source.extra and settings.tags.extra):
            unread.append(cell.strip())
        elif any(word.casefold() in normal(cell) for word in source.never_tags):
            outcomes.append(cell.strip())
        elif (name := clean(cell) or "") and name not in taken and name not in own:
            own[name] = place
    if outcomes:
        findings.note(
            found=f"columns that tell an outcome: {_listed(outcomes)}",
            expected="what the creative is, not how it did",
            cure="They were not taken as tags; nothing needs to be done.",
        )
    if unread:
        findings.note(
            found=f"columns that are not read: {_listed(unread)}",
            expected=f"headers that the source config {source.name} names",
            cure="If one of them is needed, name it in a source config of your own (see source_dirs).",
        )
    return own


def _missing(name: str, headers: Sequence[str], cells: Sequence[str], findings: Findings) -> Exception:
    near = nearest(headers, cells)
    return findings.unusable(
        found=f"no column for {name}" + (f"; the nearest header is “{near}”" if near else ""),
        expected=f"one of {', '.join(headers)}",
        cure="Add the column to the export, or name its header in a source config of your own.",
    )


def _unknown(seen: list[list[str]], sources: Sequence[ExportLayout], findings: Findings) -> Exception:
    cells = max(seen, key=lambda cells: sum(bool(cell.strip()) for cell in cells), default=[])
    needs = []
    for source in sources:
        ids = source.columns["creative_id"].headers
        parts = [" or ".join(group) for group in source.match.all] or [" or ".join(ids[:3])]
        if source.match.any:
            parts.append(f"one of {_listed(source.match.any)}")
        if source.match.none:
            parts.append(f"none of {_listed(source.match.none)}")
        near = nearest([header for group in source.match.all for header in group] or ids, cells)
        needs.append(f"{source.name}: {'; '.join(parts)}" + (f" (nearest here: {near})" if near else ""))
    return findings.unusable(
        found=f"no known layout; the headers are {_listed([c.strip() for c in cells if c.strip()]) or 'none'}",
        expected=" | ".join(needs) or "a source config",
        cure="Export one of these, or describe this layout in a source config of your own (see source_dirs).",
    )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
