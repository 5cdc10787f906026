"""Recognise the layout of a file by its headers; say what is nearest where none is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.bilingual import Words
from features.readers.cells import to_text
from features.readers.encodings import misread
from features.readers.findings import Findings, UnusableFile, listed, listed_zh
from features.readers.header_names import header_places, normalise_header
from features.readers.headers import listed_suggestions, suggestions_for
from features.readers.names_of_files import span_in_name
from features.readers.tables import RawRows, RawTable

_SYNONYMS_NEEDED = 2
"""A file without any of a layout's own value columns must have as many of their synonyms to be of that layout."""

_REFUND = "退款"
_OF_WHAT = {"creative_id", "creative_name", "account_id", "promotion_type", "date", "hour"}
"""Columns that say which creative and period a row is about."""


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
            zh="文字编码有误，已修复并读取；应为UTF-8或GBK。如果名称不对，请重新导出。",
        )


def matching_layouts(
    cells: Sequence[str], layouts: Sequence[ExportLayout], path: Path, first_cell: Callable[[int], str]
) -> list[ExportLayout]:
    """Return the layouts that a header row fits, the one with most of its headers first.

    Args:
        cells: The header row.
        layouts: The known layouts.
        path: The file's name.
        first_cell: Function from a column index to the first cell below.
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
            cure=f"The same spend and money are attributed to other rows here: {findings.surface.basis.en}.",
            zh=f"表头 {'、'.join(known[:4])} 属于另一种口径（{'、'.join(layout.bases)}），"
            f"这次用的口径是 {settings.basis}。"
            f"处理：两种口径把同一笔消耗记在不同的行上，不能放在一起：{findings.surface.basis.zh}。",
        )


def known_headers(layout: ExportLayout, cells: Sequence[str]) -> int:
    """Count the headers of a row that a layout names, synonyms included."""
    found = set(header_places(cells))
    named = [header for column in layout.columns.values() for header in column.headers]
    named += [header for ratio in layout.ratios.values() for header in ratio.headers]
    named += [header for headers in layout.synonyms.values() for header in headers]
    return len(found & {normalise_header(header) for header in [*named, *layout.tags]})


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
            zh="没有任何来源配置。处理：检查配置里的 source_dirs。",
        )
    layout, cells = nearest_layout(seen, layouts)
    named = [cell.strip() for cell in cells if cell.strip()]
    found = header_places(cells)
    lacking = [group for group in layout.match.all if not any(normalise_header(header) in found for header in group)]
    parts = [" or ".join(group) for group in lacking]
    if layout.match.any and not any(normalise_header(header) in found for header in layout.match.any):
        parts.append(f"one of {listed(layout.match.any)}")
    barred = [header for header in layout.match.none if normalise_header(header) in found]
    if barred:
        parts.append(f"no column {listed(barred)} (remove or rename it)")
    maybe = listed_suggestions(suggestions_for(layout, cells, path))
    others = [other.name for other in layouts if other is not layout]
    damage = misread(" ".join(named))
    if not damage and not known_headers(layout, cells) and not maybe.en:
        return findings.unusable(
            found=f"no known layout; the headers are {listed(named) or 'none'}, and none of them is known",
            expected=f"a file of one of the layouts: {', '.join(one.name for one in layouts)}",
            cure="Export the creatives from 千川, or give a tag sheet with a column 素材ID.",
            zh=f"不认识的表格，表头是 {listed_zh(named) or '空'}，没有一个认识。"
            "处理：放千川的素材导出，或带“素材ID”列的标签表。",
        )
    if not damage and _refunds_alone(layout, cells):
        return findings.unusable(
            found=f"no known layout: refunds without spend or impressions; the headers are {listed(named)}",
            expected="exports of creatives; refunds are read from their columns 净成交订单数 and 净成交金额 (net of "
            "refunds inside one hour) and 7日结算金额 … 90日结算金额",
            cure="Leave this file out, and export those columns with the creatives.",
            zh=f"只有退款、没有消耗和展现的表格，表头是 {listed_zh(named)}。退款从素材导出的“净成交订单数”“净成交金额”"
            "（1小时内退款以后）和“7日结算金额”…“90日结算金额”里读。处理：不放这份文件，导出素材数据时勾选这几列。",
        )
    where = findings.surface.headers
    renamed = Words(
        f"改表头，或{where.zh}",
        f"Rename the headers, or {where.en}",
    )
    if not maybe.en and not barred:  # columns are missing, and no header resembles one of them
        renamed = Words(
            f"导出时加上缺的列；列在、只是叫法不同的，{renamed.zh}",
            f"Export the missing columns too. Where they are there by other names: rename the headers, or {where.en}",
        )
    return findings.unusable(
        found=f"no known layout; the headers are {listed(named) or 'none'}" + (f" ({damage})" if damage else ""),
        expected="text in UTF-8 or GBK"
        if damage
        else f"as {layout.name}, the nearest: {'; '.join(parts) or 'its headers'}"
        + (f" ({maybe.en})" if maybe.en else "")
        + (f"; or another layout: {', '.join(others)}" if others else ""),
        cure="Export it again in UTF-8 or GBK: characters were lost when it was saved in the wrong encoding."
        if damage
        else f"{renamed.en}.",
        zh=f"文字存错了编码，字符已丢失，表头成了 {'、'.join(named[:4])} …；应为UTF-8或GBK。"
        "处理：用UTF-8或GBK重新导出。"
        if damage
        else f"不认识的表格，表头是 {listed_zh(named) or '空'}；最接近“{layout.zh or layout.name}”，"
        f"{'；'.join(_parts_zh(lacking, layout, found, barred)) or '表头不同'}"
        + (f"（可能是：{maybe.zh}）" if maybe.zh else "")
        + f"。处理：{renamed.zh}。",
    )


def _refunds_alone(layout: ExportLayout, cells: Sequence[str]) -> bool:
    """Whether a table has headers about refunds, and of the layout's columns no more than says of what they are."""
    names = {
        header: name for name, column in layout.columns.items() for header in map(normalise_header, column.headers)
    }
    known = {names[header] for header in map(normalise_header, cells) if header in names}
    return any(_REFUND in cell for cell in cells) and known <= _OF_WHAT


def _parts_zh(
    lacking: Sequence[Sequence[str]], layout: ExportLayout, found: Mapping[str, object], barred: Sequence[str]
) -> list[str]:
    """State in Chinese which headers a layout lacks, and which it may not have."""
    parts = [f"缺 {' 或 '.join(group)}" for group in lacking]
    if layout.match.any and not any(normalise_header(header) in found for header in layout.match.any):
        parts.append(f"缺 {listed_zh(layout.match.any)} 之一")
    if barred:
        parts.append(f"不应有 {listed_zh(barred)}（删掉这一列或改名）")
    return parts


def _matches(
    layout: ExportLayout, found: Mapping[str, list[int]], path: Path, first_cell: Callable[[int], str]
) -> bool:
    match = layout.match

    def has(header: str) -> bool:
        return normalise_header(header) in found

    def fits(header: str, pattern: str) -> bool:
        if not has(header):
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
