"""Export layouts: load the known ones, recognise that of a file, and give its columns canonical names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from configs.errors import ConfigError
from configs.export_layout import ExportLayout, Unit, read_layout
from configs.settings import Settings
from features.readers.cells import distinct, is_missing, to_text
from features.readers.encodings import misread
from features.readers.findings import Findings, UnusableFile
from features.readers.header_names import header_places, nearest_header, normalise_header
from features.readers.headers import HeaderMap, map_headers, suggestions_for
from features.readers.names_of_files import span_in_name
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

_NAMES_SHOWN = 12
_SYNONYMS_NEEDED = 2
"""A file without any of a layout's own value columns must have as many of their synonyms to be of that layout."""


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


# Recognition of a file


@dataclass(frozen=True)
class RecognisedTable:
    """A table of a known layout: its header row as text, the rows below, and its encoding (of text)."""

    layout: ExportLayout
    header: list[str]
    rows: RawRows
    encoding: str = ""


def recognise(
    tables: Iterable[RawTable], layouts: Sequence[ExportLayout], path: Path, findings: Findings
) -> RecognisedTable:
    """Find the first table with a header row that a layout matches; of several layouts the one with most headers.

    Where none matches, other readings of the text are tried, in case it was saved in the wrong encoding.

    Raises:
        UnusableFile: No layout matches any row.
    """
    spare: list[RawTable] = []
    for table in tables:
        if found := _recognised(table, layouts, path):
            _note_repair(table, findings)
            return found
        spare.append(table)
    for mended in (mended for table in spare for mended in table.repairs()):
        if found := _recognised(mended, layouts, path):
            _note_repair(mended, findings)
            return found
    raise _unknown_layout([cells for table in spare for cells in table.top], layouts, path, findings)


def _note_repair(table: RawTable, findings: Findings) -> None:
    if table.repaired:
        findings.note(
            found=table.repaired,
            expected="text in UTF-8 or GBK",
            cure="It was repaired and read. Export the file again if names look wrong.",
            zh="文字编码有误,已修复并读取;应为UTF-8或GBK。如果名称不对,请重新导出。",
        )


def matching_layouts(
    cells: Sequence[str], layouts: Sequence[ExportLayout], path: Path, first_cell: Callable[[int], str] | None = None
) -> list[ExportLayout]:
    """Return the layouts that a header row fits, the one with most of its headers first.

    Args:
        cells: The header row.
        layouts: The known layouts.
        path: The file's name.
        first_cell: Function from a column index to the first cell below; None: cells are not looked at.
    """
    found = header_places(cells)
    matching = [layout for layout in layouts if _matches(layout, found, path, first_cell)]
    return sorted(matching, key=lambda layout: -known_headers(layout, cells))


def _recognised(table: RawTable, layouts: Sequence[ExportLayout], path: Path) -> RecognisedTable | None:
    for place, cells in enumerate(table.top):
        if not _may_match(cells, layouts):
            continue
        rows = table.below(place)
        matching = matching_layouts(cells, layouts, path, lambda column, rows=rows: _first_text(rows, column))  # type: ignore[misc]
        if matching:
            return RecognisedTable(matching[0], cells, rows, table.encoding)
    return None


def _may_match(cells: Sequence[str], layouts: Sequence[ExportLayout]) -> bool:
    """Whether a row has the header of a creative's id in some layout."""
    found = header_places(cells)
    return any(normalise_header(name) in found for one in layouts for name in one.columns["creative_id"].headers)


def _first_text(rows: RawRows, column: int) -> str:
    cells = rows.columns[column]
    return to_text(cells[0].as_py() or "") if len(cells) else ""


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
            zh=f"版式为 {layout.name}({', '.join(known[:4])}),口径是 {', '.join(layout.bases)};"
            f"应为口径 {settings.basis} 的文件。"
            "处理:两种口径把同一笔消耗记在不同的行上,不能放在一起:分开文件夹,并在配置里用 basis 指定要用的口径。",
        )


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
                zh=f"{name} 有多列:{', '.join(present)},取用 {header[taken[name]].strip()};应只有一列。"
                f"如果不是这一列,导出时去掉其他列。",
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


def known_headers(layout: ExportLayout, cells: Sequence[str]) -> int:
    """Count the headers of a row that a layout names, synonyms included."""
    found = set(header_places(cells))
    named = [header for column in layout.columns.values() for header in column.headers]
    named += [header for ratio in layout.ratios.values() for header in ratio.headers]
    named += [header for headers in layout.synonyms.values() for header in headers]
    return len(found & {normalise_header(header) for header in [*named, *layout.tags]})


def _matches(
    layout: ExportLayout, found: Mapping[str, list[int]], path: Path, first_cell: Callable[[int], str] | None
) -> bool:
    match = layout.match

    def has(header: str) -> bool:
        return normalise_header(header) in found

    def fits(header: str, pattern: str) -> bool:
        if not has(header) or first_cell is None:
            return False
        return re.match(pattern, first_cell(found[normalise_header(header)][0])) is not None

    return (
        all(any(has(header) for header in group) for group in match.all)
        and (
            not match.any
            or any(has(header) for header in match.any)
            or any(fits(header, pattern) for header, pattern in match.any_cells.items())
            or _has_synonyms(layout, found, path)
        )
        and not any(has(header) for header in match.none)
        and (not match.file_name or re.search(match.file_name, path.name) is not None)
        and any(has(header) for header in layout.columns["creative_id"].headers)
        and not any(fits(header, pattern) for header, pattern in match.none_cells.items())
    )


def _has_synonyms(layout: ExportLayout, found: Mapping[str, list[int]], path: Path) -> bool:
    """Whether a file has a period and synonyms of value columns: then it is a report, not a sheet of tags."""
    dated = [header for name in ("date", "hour") if name in layout.columns for header in layout.columns[name].headers]
    named = sum(any(normalise_header(one) in found for one in headers) for headers in layout.synonyms.values())
    has_period = any(normalise_header(header) in found for header in dated) or span_in_name(path) is not None
    return has_period and named >= _SYNONYMS_NEEDED


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
            zh=f"有 {len(found)} 列用这个表头,内容不同;应只有一列。处理:删掉错的一列,或重新导出。",
            column=header,
        )
    return found[0]


def _note_headers(found: HeaderMap, layout: ExportLayout, findings: Findings) -> None:
    for name, header in found.synonyms.items():
        findings.note(
            found=f"the header {header}; it was taken for {layout.columns[name].headers[0]}",
            expected=" or ".join(layout.columns[name].headers),
            cure="Nothing needs to be done if that is what it means; else rename the column.",
            zh=f"表头“{header}”当作“{layout.columns[name].headers[0]}”读取。如果意思相同,不用处理;否则请改表头。",
            column=header,
        )
    if found.outcomes:
        findings.note(
            found=f"columns that state an outcome: {_listed(found.outcomes)}",
            expected="what the creative is, not how it did",
            cure="They were not taken as tags; nothing needs to be done.",
            zh=f"有表示结果的列:{_listed_zh(found.outcomes)};标签应说明素材是什么,而不是投得怎样。这些列没有当作标签,不用处理。",
        )
    if found.unread:
        maybe = ", ".join(f"{one.header} → {one.like}?" for one in found.suggestions)
        findings.note(
            found=f"columns that are not read: {_listed(found.unread)}",
            expected=f"headers that the source config {layout.name} names" + (f" ({maybe})" if maybe else ""),
            cure="If one of them is needed, name it in a source config of your own: `make doctor` suggests the line.",
            zh=f"有不读取的列:{_listed_zh(found.unread)}"
            + (f"({maybe})" if maybe else "")
            + "。如果需要其中一列,在自己的来源配置里写上它的表头(make doctor 会给出那一行)。",
        )


def _missing_column(name: str, headers: Sequence[str], cells: Sequence[str], findings: Findings) -> UnusableFile:
    near = nearest_header(headers, cells)
    return findings.unusable(
        found=f"no column for {name}" + (f"; the nearest header is “{near}”" if near else ""),
        expected=f"one of {', '.join(headers)}",
        cure="Add the column to the export, or name its header in a source config of your own: `make doctor` "
        "suggests the line.",
        zh=f"没有 {name} 列" + (f",最接近的表头是“{near}”" if near else "") + f";应有 {'、'.join(headers)} 之一。"
        "处理:导出时加上这一列,或在自己的来源配置里写上它的表头(make doctor 会给出那一行)。",
    )


def nearest_layout(seen: Sequence[Sequence[str]], layouts: Sequence[ExportLayout]) -> tuple[ExportLayout, list[str]]:
    """Return the layout that shares or resembles most headers of a table, and the row that is most likely its header.

    Args:
        seen: The first rows of the table.
        layouts: The known layouts, at least one.
    """
    rows = [list(cells) for cells in seen if any(cell.strip() for cell in cells)] or [[]]
    known = [max(known_headers(layout, cells) for layout in layouts) for cells in rows]
    filled = [sum(bool(cell.strip()) for cell in cells) for cells in rows]
    header = rows[max(range(len(rows)), key=lambda place: (known[place], filled[place]))]
    suggested = {layout.name: len(suggestions_for(layout, header, Path())) for layout in layouts}
    return max(layouts, key=lambda layout: known_headers(layout, header) + suggested[layout.name]), header


def _unknown_layout(
    seen: list[list[str]], layouts: Sequence[ExportLayout], path: Path, findings: Findings
) -> UnusableFile:
    if not layouts:
        return findings.unusable(
            found="no known layout",
            expected="a source config",
            cure="See source_dirs.",
            zh="没有任何来源配置。处理:检查配置里的 source_dirs。",
        )
    layout, cells = nearest_layout(seen, layouts)
    named = [cell.strip() for cell in cells if cell.strip()]
    found = header_places(cells)
    lacking = [group for group in layout.match.all if not any(normalise_header(header) in found for header in group)]
    parts = [" or ".join(group) for group in lacking]
    if layout.match.any and not any(normalise_header(header) in found for header in layout.match.any):
        parts.append(f"one of {_listed(layout.match.any)}")
    barred = [header for header in layout.match.none if normalise_header(header) in found]
    if barred:
        parts.append(f"no column {_listed(barred)} (remove or rename it)")
    maybe = ", ".join(f"{one.header} → {one.like}?" for one in suggestions_for(layout, cells, path))
    others = [other.name for other in layouts if other is not layout]
    damage = misread(" ".join(named))
    return findings.unusable(
        found=f"no known layout; the headers are {_listed(named) or 'none'}" + (f" ({damage})" if damage else ""),
        expected="text in UTF-8 or GBK"
        if damage
        else f"as {layout.name}, the nearest: {'; '.join(parts) or 'its headers'}"
        + (f" ({maybe})" if maybe else "")
        + (f"; or another source config: {', '.join(others)}" if others else ""),
        cure="Export it again in UTF-8 or GBK: characters were lost when it was saved in the wrong encoding."
        if damage
        else "Rename the headers, or name them in a source config of your own: `make doctor` suggests the lines.",
        zh=f"文字存错了编码,字符已丢失,表头成了 {', '.join(named[:4])} …;应为UTF-8或GBK。处理:用UTF-8或GBK重新导出。"
        if damage
        else f"不认识的表格,表头是 {_listed_zh(named) or '空'};最接近 {layout.name},"
        f"{';'.join(_parts_zh(lacking, layout, found, barred)) or '表头不同'}"
        + (f"({maybe})" if maybe else "")
        + "。处理:改表头,或在自己的来源配置里写上这些表头(make doctor 会给出那几行)。",
    )


def _parts_zh(
    lacking: Sequence[Sequence[str]], layout: ExportLayout, found: Mapping[str, object], barred: Sequence[str]
) -> list[str]:
    """State in Chinese which headers a layout lacks, and which it may not have."""
    parts = [f"缺 {' 或 '.join(group)}" for group in lacking]
    if layout.match.any and not any(normalise_header(header) in found for header in layout.match.any):
        parts.append(f"缺 {_listed_zh(layout.match.any)} 之一")
    if barred:
        parts.append(f"不应有 {_listed_zh(barred)}(删掉这一列或改名)")
    return parts


def _listed(names: Sequence[str], more: str = " and {} more") -> str:
    rest = more.format(len(names) - _NAMES_SHOWN) if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + rest


def _listed_zh(names: Sequence[str]) -> str:
    return _listed(names, " 等,另有 {} 个")
