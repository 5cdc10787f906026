"""Which column of a file holds what: whole headers, synonyms where they are safe, suggestions for the others.

Reports of the standard promotion call their columns shortly (展示次数), and so do people. Such a header is a synonym of
the whole one (整体展示次数): it is taken where the promotion type is known from elsewhere, and else suggested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.bilingual import Words, series
from features.readers.cells import clean
from features.readers.header_names import header_places, nearest_header, normalise_header
from features.schema import ANY

_CLOSE = 0.62
"""Least similarity (difflib) at which an unknown header is said to be meant for a known one."""


@dataclass(frozen=True)
class Suggestion:
    """A header that no layout names, and the column that it may be.

    Attributes:
        header: In the file.
        name: Canonical name.
        like: Header of the layout that it may stand for.
    """

    header: str
    name: str
    like: str


def listed_suggestions(suggestions: Sequence[Suggestion]) -> Words:
    """Say which header may stand for which, after words that say "may be" in Chinese."""
    pairs = [f"{one.header} → {one.like}" for one in suggestions]
    return Words(series(pairs).zh, series(f"{pair}?" for pair in pairs).en)


@dataclass(frozen=True)
class HeaderMap:
    """What the headers of one file are.

    Attributes:
        taken: Canonical name, ratio or tag → column indices; of several the values must be equal.
        headers: The same names → header of the layout under which they were found.
        synonyms: Canonical name → synonym of a header under which it is taken.
        several: Canonical name → all of its headers that the file has, where these are more than one.
        missing: Required canonical names without a column.
        own: Additional tags → column index.
        outcomes: Headers that are never tags, because they state an outcome.
        unread: Headers that nothing names.
        ignored: Headers that the layout leaves aside.
        suggestions: What unread headers may be.
    """

    taken: Mapping[str, list[int]]
    headers: Mapping[str, str]
    synonyms: Mapping[str, str] = field(default_factory=dict)
    several: Mapping[str, Sequence[str]] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    own: Mapping[str, int] = field(default_factory=dict)
    outcomes: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


def promotion_type_of_file(layout: ExportLayout, header: Sequence[str], path: Path) -> str:
    """Return the promotion type that headers, the file's name or a constant state; ANY if none does."""
    found, rules = header_places(header), layout.promotion_type
    for rule in rules.by_header:
        if any(normalise_header(name) in found for name in rule.any):
            return rule.then
    for part, promotion_type in rules.by_file_name.items():
        if part in path.name:
            return promotion_type
    return rules.constant or layout.constants.get("promotion_type", ANY)


def states_promotion_type(layout: ExportLayout, header: Sequence[str], path: Path) -> bool:
    """Whether a file states its promotion type, as a whole or in a column."""
    column = layout.columns.get("promotion_type")
    found = header_places(header)
    stated = column is not None and any(normalise_header(name) in found for name in column.headers)
    return stated or promotion_type_of_file(layout, header, path) != ANY


def map_headers(layout: ExportLayout, header: Sequence[str], path: Path, settings: Settings) -> HeaderMap:
    """Find the column of every name of a layout in a header row.

    Args:
        layout: Of the file.
        header: Its header row.
        path: Its name, which can state the promotion type.
        settings: Whether unnamed headers become tags.
    """
    where = header_places(header)
    wanted = {name: column.headers for name, column in layout.columns.items()}
    wanted |= {name: ratio.headers for name, ratio in layout.ratios.items()}
    wanted |= {tag: (named,) for named, tag in layout.tags.items()}
    taken: dict[str, list[int]] = {}
    headers: dict[str, str] = {}
    several: dict[str, Sequence[str]] = {}
    for name, possible in wanted.items():
        present = [candidate for candidate in possible if normalise_header(candidate) in where]
        if present:
            taken[name], headers[name] = where[normalise_header(present[0])], present[0]
            if len(present) > 1:
                several[name] = present
    known = {place for named in wanted.values() for one in named for place in where.get(normalise_header(one), [])}
    synonyms: dict[str, str] = {}
    if states_promotion_type(layout, header, path):
        for name, possible in layout.synonyms.items():
            present = [candidate for candidate in possible if normalise_header(candidate) in where]
            if present and name not in taken:
                taken[name], headers[name] = where[normalise_header(present[0])], present[0]
                synonyms[name] = present[0]
                known |= set(taken[name])
    own, outcomes, unread = _unnamed(layout, header, known, set(taken), settings)
    aside = set(map(normalise_header, layout.ignore))
    return HeaderMap(
        taken=taken,
        headers=headers,
        synonyms=synonyms,
        several=several,
        missing=tuple(name for name, column in layout.columns.items() if column.required and name not in taken),
        own=own,
        outcomes=tuple(outcomes),
        unread=tuple(unread),
        ignored=tuple(cell.strip() for cell in header if normalise_header(cell) in aside),
        suggestions=(*suggest(layout, unread, set(taken)), *_listed(layout.suggestions, layout, own, set(taken))),
    )


def suggestions_for(layout: ExportLayout, header: Sequence[str], path: Path) -> list[Suggestion]:
    """Suggest what the headers that a layout does not name may be.

    Args:
        layout: The nearest layout of a file of no known one.
        header: The row that is most likely its header.
        path: The file's name.
    """
    found = map_headers(layout, header, path, Settings())
    return suggest(layout, [*found.unread, *found.own], set(found.taken))


def suggest(layout: ExportLayout, unread: Sequence[str], taken: set[str]) -> list[Suggestion]:
    """Suggest which columns of a layout unread headers may be, each column once.

    Args:
        layout: Of the file, or the nearest one.
        unread: Headers that it does not name.
        taken: Names that have a column.
    """
    listed = {name: [*layout.synonyms.get(name, ()), *layout.suggestions.get(name, ())] for name in layout.columns}
    found = _listed(listed, layout, [cell for cell in unread if cell], taken)
    left = [cell for cell in unread if cell and cell not in {one.header for one in found}]
    given = {ratio.gives for name, ratio in layout.ratios.items() if name in taken}
    columns = {name: column.headers for name, column in layout.columns.items()}
    columns |= {name: ratio.headers for name, ratio in layout.ratios.items()}
    for name, headers in columns.items():
        if name in taken or name in given or name in {one.name for one in found}:
            continue
        if near := nearest_header(headers, left, similar=_CLOSE):
            found.append(Suggestion(near, name, headers[0]))
            left.remove(near)
    return found


def _listed(
    listed: Mapping[str, Sequence[str]], layout: ExportLayout, cells: Iterable[str], taken: set[str]
) -> list[Suggestion]:
    """Suggest the columns under whose name a header is listed, each column and each header once.

    Args:
        listed: Column → headers that it may have.
        layout: Of the file.
        cells: Headers.
        taken: Names that have a column.
    """
    forms = {normalise_header(cell): cell for cell in cells}
    found: list[Suggestion] = []
    for name, possible in listed.items():
        present = [forms.pop(form) for form in dict.fromkeys(map(normalise_header, possible)) if form in forms]
        if present and name not in taken:
            found.append(Suggestion(present[0], name, _like(layout, name)))
    return found


def _like(layout: ExportLayout, name: str) -> str:
    return layout.columns[name].headers[0]


def _unnamed(
    layout: ExportLayout, header: Sequence[str], known: set[int], taken: set[str], settings: Settings
) -> tuple[dict[str, int], list[str], list[str]]:
    """Return additional tags with their column indices, headers that state outcomes, and headers that are not read."""
    ignored = set(map(normalise_header, layout.ignore))
    own: dict[str, int] = {}
    outcomes, unread = [], []
    for place, cell in enumerate(header):
        if place in known or not normalise_header(cell) or normalise_header(cell) in ignored:
            continue
        if not (layout.extra and settings.tags.extra):
            unread.append(cell.strip())
        elif any(word.casefold() in normalise_header(cell) for word in layout.never_tags):
            outcomes.append(cell.strip())
        elif (name := clean(cell) or "") and name not in taken and name not in own:
            own[name] = place
    return own, outcomes, unread
