"""Read attributes and tags of the creatives, from columns and from file names, as a long frame of text values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from configs.export_layout import ExportLayout, Unit
from configs.name_pattern import FileNamePatterns
from configs.settings import Settings
from features.arrays import Floats, Mask, Times
from features.bilingual import Words
from features.readers.cells import LOST_ID_CURE, LOST_ID_CURE_ZH, ArrowColumn, clean, clean_column, parse_ids
from features.readers.findings import Findings, counted, example
from features.readers.layouts import unit_of
from features.readers.tables import CanonicalTable
from features.readers.typed_cells import convert_zone, parse_durations, parse_numbers, parse_times
from features.schema import ATTRIBUTES, KEY, TAGS

AttributeColumns: TypeAlias = Mapping[str, pd.Series]
"""Attribute → its text value per row, NaN where missing."""

LONG_COLUMNS = [*KEY, "name", "value", "origin"]
"""Columns of the long frame: one row per creative and attribute."""

_EXPECTED_CELL = {"time": "a time such as 2026-07-20 13:05", "date": "a day such as 2026-07-20", "id": "the whole id"}
_EXPECTED_CELL_ZH = {"time": "时间，如 2026-07-20 13:05", "date": "日期，如 2026-07-20", "id": "完整的ID"}
_ATTRIBUTE_DIVISORS = {"fen": 100.0, "ms": 1000.0}
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{2,4}$")


# Columns of a file


def read_attributes(
    table: CanonicalTable, layout: ExportLayout, settings: Settings, findings: Findings
) -> dict[str, pd.Series]:
    """Read every attribute and tag of a file as text, one value per row; cells that cannot be read become NaN."""
    found: dict[str, pd.Series] = {}
    for name in [*ATTRIBUTES, *TAGS, *table.own]:
        if name in table:
            column = layout.columns.get(name)
            unit: Unit = unit_of(name, column.unit) if column else "text"
            found[name] = _read_column(table, name, unit, layout, settings, findings)
        elif name in layout.constants:
            found[name] = pd.Series([layout.constants[name]] * len(table), dtype="str")
    return found


def latest_values(keys: pd.DataFrame, attributes: AttributeColumns, times: Times, origin: str) -> pd.DataFrame:
    """Take each creative's attribute from its latest row that has it.

    Args:
        keys: KEY of each row.
        attributes: Values of each row.
        times: Time of each row; the latest one wins.
        origin: One of ORIGINS.

    Returns:
        The long frame.
    """
    sequence = np.argsort(times, kind="stable")
    return _to_long(keys.iloc[sequence], {k: v.iloc[sequence] for k, v in attributes.items()}, origin)


def consistent_values(
    keys: pd.DataFrame, attributes: AttributeColumns, table: CanonicalTable, origin: str, findings: Findings
) -> tuple[pd.DataFrame, Mask]:
    """Take the attributes of creatives whose rows all agree; drop every row of a creative whose rows differ.

    Returns:
        The long frame; and (rows,) whether the creative of a row has rows that differ.
    """
    conflicting = _contradicting(keys, attributes, table, findings)
    long = _to_long(keys[~conflicting], {name: column[~conflicting] for name, column in attributes.items()}, origin)
    return long, conflicting


def empty_long() -> pd.DataFrame:
    """Return the long frame without rows."""
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in LONG_COLUMNS})


def _to_long(keys: pd.DataFrame, attributes: AttributeColumns, origin: str) -> pd.DataFrame:
    """Take the last row with a value of each creative and attribute."""
    codes = keys.groupby(KEY, sort=False).ngroup().to_numpy() if len(keys) else np.empty(0, dtype=np.int64)
    taken: list[npt.NDArray[np.int64]] = []
    for column in attributes.values():
        present = np.flatnonzero(column.notna().to_numpy())
        last = np.full(codes.max(initial=-1) + 1, -1, dtype=np.int64)
        last[codes[present]] = present
        taken.append(last[last >= 0])
    if not sum(map(len, taken)):
        return empty_long()
    return (
        keys.iloc[np.concatenate(taken)]
        .reset_index(drop=True)
        .assign(
            name=np.repeat(list(attributes), [len(rows) for rows in taken]),
            value=pd.concat([column.iloc[rows] for column, rows in zip(attributes.values(), taken)], ignore_index=True),
            origin=origin,
        )[LONG_COLUMNS]
        .astype("str")
    )


def _contradicting(keys: pd.DataFrame, attributes: AttributeColumns, table: CanonicalTable, findings: Findings) -> Mask:
    """Flag all rows of creatives whose rows differ in an attribute."""
    conflicting = np.zeros(len(keys), dtype=bool)
    if not keys.duplicated(KEY).any():
        return conflicting
    codes = keys.groupby(KEY, sort=False).ngroup().to_numpy()
    first = Words("", "")
    for name, column in attributes.items():
        groups = column.groupby(codes)
        mixed = (groups.transform("nunique") > 1).to_numpy()
        if mixed.any() and not first.en:
            place = int(np.flatnonzero(mixed)[0])
            here = codes == codes[place]
            values = [example(value) for value in column[here].dropna().unique()[:3]]
            creative, header = example(keys["creative_id"].iloc[place]), table.headers.get(name, name)
            first = Words(
                f"素材 {creative} 的{header}：{'、'.join(values)}",
                f"rows of one creative ({creative}) that differ in {header}: {' and '.join(values)}",
            )
        conflicting |= mixed
    # Every row of such a creative, also those whose own cell is empty.
    conflicting = np.isin(codes, codes[conflicting])
    findings.left_out(
        table.numbers[conflicting],
        found=first.en,
        expected="one row per creative, or rows that agree",
        cure="Keep the row that is right; a creative's account or promotion type can tell two rows apart.",
        zh=f"同一素材有多行，内容不一致：{first.zh}；应一个素材一行，或各行一致。处理：留下正确的一行；账户或推广方式可以区分两行。",
    )
    return conflicting


def _read_column(
    table: CanonicalTable, name: str, unit: Unit, layout: ExportLayout, settings: Settings, findings: Findings
) -> pd.Series:
    cells = table.cells[name]
    bad = np.zeros(len(table), dtype=bool)
    if unit == "id":
        ids = parse_ids(cells)
        texts, bad = ids.values, ids.lost
    elif unit in ("time", "date"):
        zone = layout.time_zone or settings.time_zone
        moments = parse_times(cells, zone)
        bad = moments.bad
        texts = _format_times(convert_zone(moments.values, zone, settings.time_zone))
    elif unit in ("text", "list"):
        texts = clean_column(cells, multi=unit == "list" or name in settings.tags.multi)
    else:
        numbers = parse_durations(cells) if unit == "duration" else parse_numbers(cells)
        bad = numbers.bad | (numbers.values < 0)
        texts = _format_numbers(np.where(bad, np.nan, numbers.values / _ATTRIBUTE_DIVISORS.get(unit, 1.0)))
    if bad.any():
        findings.note(
            found=f"{counted(bad, 'cell')} that cannot be read, such as "
            f"{example(table.text_at(name, int(np.flatnonzero(bad)[0])))}; they were taken as missing",
            expected=_EXPECTED_CELL.get(unit, "a number"),
            cure=LOST_ID_CURE if unit == "id" else "Correct the cells.",
            zh=f"{int(bad.sum())} 格读不出来，例如 {example(table.text_at(name, int(np.flatnonzero(bad)[0])))}，"
            f"按缺失处理；"
            f"应为{_EXPECTED_CELL_ZH.get(unit, '数字')}。处理：{LOST_ID_CURE_ZH if unit == 'id' else '改正这些格。'}",
            column=table.headers[name],
            rows=table.numbers[bad],
        )
    return pd.Series(texts.to_pandas(), dtype="str").reset_index(drop=True)


def _format_numbers(values: Floats) -> ArrowColumn:
    codes, unique = pd.factorize(values)
    texts = [f"{value:.15g}" for value in unique]
    return pa.array([None if code < 0 else texts[code] for code in codes], pa.string())


def _format_times(values: Times) -> ArrowColumn:
    codes, unique = pd.factorize(values)
    texts = [pd.Timestamp(value).isoformat(timespec="seconds") for value in unique]
    return pa.array([None if code < 0 else texts[code] for code in codes], pa.string())


# Tags in file names


def tags_in_names(named: pd.DataFrame, patterns: FileNamePatterns) -> pd.DataFrame:
    """Read tags from creative names.

    Args:
        named: Rows of the long frame whose `value` is a creative name.
        patterns: The parser's settings.

    Returns:
        The long frame of the tags, with origin “name”.
    """
    parse = file_name_parser(patterns)
    codes, names = pd.factorize(named["value"])
    tags = [list(parse(str(name)).items()) for name in names]
    counts = np.array([len(found) for found in tags], dtype=np.int64)[codes]
    if not counts.sum():
        return empty_long()
    pairs = [pair for code in codes for pair in tags[code]]
    return (
        named[KEY]
        .iloc[np.repeat(np.arange(len(named)), counts)]
        .reset_index(drop=True)
        .assign(name=[tag for tag, _ in pairs], value=[value for _, value in pairs], origin="name")[LONG_COLUMNS]
        .astype("str")
    )


def file_name_parser(patterns: FileNamePatterns) -> Callable[[str], dict[str, str]]:
    """Compile the parser: a function from a file name to its tags (tag → value)."""
    split = re.compile(f"[{re.escape(patterns.separators)}]")
    compiled = [re.compile(pattern) for pattern in patterns.patterns]
    synonyms = {_comparable(text): meant for text, meant in patterns.synonyms.items()}
    meanings: dict[str, list[tuple[str, str]]] = {}
    for tag, vocabulary in patterns.vocabulary.items():
        for value in vocabulary:
            meanings.setdefault(_comparable(value), []).append((tag, value))

    def parse(name: str) -> dict[str, str]:
        stem = _EXTENSION.sub("", name.strip())
        tags: dict[str, str] = {}
        for pattern in compiled:
            if found := pattern.fullmatch(stem):
                tags = {tag: value for tag, raw in found.groupdict().items() if raw and (value := clean(raw))}
                break
        for token in split.split(stem):
            form = _comparable(token)
            for tag, value in meanings.get(_comparable(synonyms.get(form, token)), ()):
                if tag not in tags:
                    tags[tag] = value
                    break
        return tags

    return parse


@lru_cache(maxsize=10_000)
def _comparable(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()
