"""Give the columns of a file of a known layout their canonical names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.readers.cells import distinct, is_missing, to_text
from features.readers.findings import Findings, UnusableFile, listed, listed_zh
from features.readers.header_names import header_places, nearest_header, normalise_header
from features.readers.headers import HeaderMap, listed_suggestions, map_headers
from features.readers.recognition import RecognisedTable
from features.readers.tables import CanonicalTable, RawRows


def to_canonical(recognised: RecognisedTable, settings: Settings, path: Path, findings: Findings) -> CanonicalTable:
    """Select the columns that the layout names, and additional tags where the layout and the settings allow them.

    Raises:
        UnusableFile: A required column is missing, or a repeated header has different values.
    """
    layout, header, rows = recognised.layout, recognised.header, recognised.rows
    found, where = map_headers(layout, header, path, settings), header_places(header)
    taken = {name: _only_place(places, found.headers[name], rows, findings) for name, places in found.taken.items()}
    for name, present in found.several.items():
        taken[name] = _fullest(taken[name], present, header, rows)
        others = [where[normalise_header(cell)][0] for cell in present]
        kept = rows.columns[taken[name]]
        if not all(rows.columns[place].equals(kept) or _is_empty(rows, place) for place in others):
            findings.note(
                found=f"several columns for {name}: {', '.join(present)}; {header[taken[name]].strip()} was taken",
                expected="one",
                cure="Leave the others out of the export if this is not the one you mean.",
                zh=f"{name} 有多列：{'、'.join(present)}，取用 {header[taken[name]].strip()}；应只有一列。"
                f"如果不是这一列，导出时去掉其他列。",
            )
    for name in found.missing:
        raise _missing_column(name, layout.columns[name].headers, header, findings)
    _note_headers(found, layout, findings)
    taken |= found.own
    return CanonicalTable(
        cells={name: rows.columns[place] for name, place in taken.items()},
        numbers=rows.numbers,
        headers={name: header[place].strip() for name, place in taken.items()},
        own=(*(tag for tag in layout.tags.values() if tag in taken), *found.own),
    )


def _is_empty(rows: RawRows, place: int) -> bool:
    values, codes = distinct(rows.columns[place])
    return not len(codes) or all(is_missing(to_text(value)) for value in values)


def _fullest(first: int, present: Sequence[str], header: Sequence[str], rows: RawRows) -> int:
    """Return the index of the first of several columns that holds something."""
    where = header_places(header)
    places = [first, *(where[normalise_header(cell)][0] for cell in present[1:])]
    return next((place for place in places if not _is_empty(rows, place)), first)


def _only_place(found: list[int], header: str, rows: RawRows, findings: Findings) -> int:
    """Return the column index of a header; a repeated header must have the same values in each place."""
    first = rows.columns[found[0]]
    if any(not rows.columns[other].equals(first) for other in found[1:]):
        raise findings.unusable(
            found=f"{len(found)} columns with this header and different values",
            expected="one",
            cure="Remove the one that is wrong, or export the file again.",
            zh=f"有 {len(found)} 列用这个表头，内容不同；应只有一列。处理：删掉错的一列，或重新导出。",
            column=header,
        )
    return found[0]


def _note_headers(found: HeaderMap, layout: ExportLayout, findings: Findings) -> None:
    for name, header in found.synonyms.items():
        findings.note(
            found=f"the header {header}; it was taken for {layout.columns[name].headers[0]}",
            expected=" or ".join(layout.columns[name].headers),
            cure="Nothing needs to be done if that is what it means; else rename the column.",
            zh=f"表头“{header}”当作“{layout.columns[name].headers[0]}”读取。如果意思相同，不用处理；否则请改表头。",
            column=header,
        )
    if found.outcomes:
        findings.note(
            found=f"columns that state an outcome: {listed(found.outcomes)}",
            expected="what the creative is, not how it did",
            cure="They were not taken as tags; nothing needs to be done.",
            zh=f"有表示结果的列：{listed_zh(found.outcomes)}；标签应说明素材是什么，而不是投得怎样。这些列没有当作标签，不用处理。",
        )
    if found.unread:
        maybe = listed_suggestions(found.suggestions)
        findings.note(
            found=f"columns that are not read: {listed(found.unread)}",
            expected=f"headers that the layout {layout.name} names" + (f" ({maybe.en})" if maybe.en else ""),
            cure=f"If one of them is needed, {findings.surface.headers.en}.",
            zh=f"有不读取的列：{listed_zh(found.unread)}"
            + (f"（可能是：{maybe.zh}）" if maybe.zh else "")
            + f"。如果需要其中一列，{findings.surface.headers.zh}。",
        )


def _missing_column(name: str, headers: Sequence[str], cells: Sequence[str], findings: Findings) -> UnusableFile:
    near = nearest_header(headers, cells)
    return findings.unusable(
        found=f"no column for {name}" + (f"; the nearest header is “{near}”" if near else ""),
        expected=f"one of {', '.join(headers)}",
        cure=f"Add the column to the export, or {findings.surface.headers.en}.",
        zh=f"没有 {name} 列" + (f"，最接近的表头是“{near}”" if near else "") + f"；应有 {'、'.join(headers)} 之一。"
        f"处理：导出时加上这一列，或{findings.surface.headers.zh}。",
    )
