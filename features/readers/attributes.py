"""doc"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from configs.export_layout import ExportLayout, Unit
from configs.name_pattern import FileNamePatterns
from configs.settings import Settings
from features.readers.cells import LOST_ID_CURE, clean, parse_ids, words
from features.readers.findings import Findings, counted, example
from features.readers.layouts import unit_of
from features.readers.tables import CanonicalTable, Mask
from features.readers.typed_cells import parse_durations, parse_numbers, parse_times, to_zone
from features.schema import ATTRIBUTES, KEY, TAGS

LONG = [*KEY, "name", "value", "origin"]
"""Columns of the long frame."""

_EXPECTED = {"time": "a time such as 2026-07-20 13:05", "date": "a day such as 2026-07-20", "id": "the whole id"}


def read_attributes(
    table: CanonicalTable, source: ExportLayout, settings: Settings, findings: Findings
) -> dict[str, pd.Series]:
    """Name → one text value per row, NaN where there is none. A cell that cannot be read is left out with a note."""
    found: dict[str, pd.Series] = {}
    for name in [*ATTRIBUTES, *TAGS, *table.own]:
        if name in table:
            column = source.columns.get(name)
            unit: Unit = unit_of(name, column.unit) if column else "text"
            found[name] = _texts(table, name, unit, source, settings, findings)
        elif name in source.constants:
            found[name] = pd.Series([source.constants[name]] * len(table), dtype="str")
    return found


def newest(
    keys: pd.DataFrame, attributes: Mapping[str, pd.Series], order: npt.NDArray[Any], origin: str
) -> pd.DataFrame:
    """The value of each creative's latest row that has one, as the long frame."""
    sequence = np.argsort(order, kind="stable")
    return _long(keys.iloc[sequence], {k: v.iloc[sequence] for k, v in attributes.items()}, origin)


def agreed(
    keys: pd.DataFrame, attributes: Mapping[str, pd.Series], table: CanonicalTable, origin: str, findings: Findings
) -> pd.DataFrame:
    """The values on which all rows of a creative agree, as the long frame; rows that contradict each other are left
    out, all of them."""
    torn = _contradicting(keys, attributes, table, findings)
    return _long(keys[~torn], {name: column[~torn] for name, column in attributes.items()}, origin)


def empty_long() -> pd.DataFrame:
    """The long frame without rows."""
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in LONG})


def _long(keys: pd.DataFrame, attributes: Mapping[str, pd.Series], origin: str) -> pd.DataFrame:
    codes = keys.groupby(KEY, sort=False).ngroup().to_numpy() if len(keys) else np.empty(0, dtype=np.int64)
    taken: list[npt.NDArray[np.int64]] = []
    for column in attributes.values():
        there = np.flatnonzero(column.notna().to_numpy())
        last = np.full(codes.max(initial=-1) + 1, -1, dtype=np.int64)
        last[codes[there]] = there
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
        )[LONG]
        .astype("str")
    )


def _contradicting(
    keys: pd.DataFrame, attributes: Mapping[str, pd.Series], table: CanonicalTable, findings: Findings
) -> Mask:
    torn = np.zeros(len(keys), dtype=bool)
    if not keys.duplicated(KEY).any():
        return torn
    codes = keys.groupby(KEY, sort=False).ngroup().to_numpy()
    first = ""
    for name, column in attributes.items():
        groups = column.groupby(codes)
        mixed = (groups.transform("nunique") > 1).to_numpy()
        if mixed.any() and not first:
            place = int(np.flatnonzero(mixed)[0])
            here = codes == codes[place]
            several = " and ".join(example(value) for value in column[here].dropna().unique()[:3])
            first = f"rows of one creative ({example(keys['creative_id'].iloc[place])}) that differ in "
            first += f"{table.headers.get(name, name)}: {several}"
        torn |= mixed
    # Every row of such a creative, also those whose own cell is empty.
    torn = np.isin(codes, codes[torn])
    findings.left_out(
        table.numbers[torn],
        found=first,
        expected="one row per creative, or rows that agree",
        cure="Keep the row that is right; a creative's account or promotion type can tell two rows apart.",
    )
    return torn


def _texts(
    table: CanonicalTable, name: str, unit: Unit, source: ExportLayout, settings: Settings, findings: Findings
) -> pd.Series:
    cells = table.cells[name]
    bad = np.zeros(len(table), dtype=bool)
    if unit == "id":
        ids = parse_ids(cells)
        texts, bad = ids.values, ids.lost
    elif unit in ("time", "date"):
        zone = source.time_zone or settings.time_zone
        moments = parse_times(cells, zone)
        bad = moments.bad
        texts = _iso(to_zone(moments.values, zone, settings.time_zone))
    elif unit in ("text", "list"):
        texts = words(cells, multi=unit == "list" or name in settings.tags.multi)
    else:
        numbers = parse_durations(cells) if unit == "duration" else parse_numbers(cells)
        bad = numbers.bad | (numbers.values < 0)
        scale = {"fen": 100.0, "ms": 1000.0}.get(unit, 1.0)
        texts = _repr(np.where(bad, np.nan, numbers.values / scale))
    if bad.any():
        findings.note(
            found=f"{counted(bad, 'cell')} that cannot be read, such as "
            f"{example(table.shown(name, int(np.flatnonzero(bad)[0])))}; they were taken as missing",
            expected=_EXPECTED.get(unit, "a number"),
            cure=LOST_ID_CURE if unit == "id" else "Correct the cells.",
            column=table.headers[name],
            rows=table.numbers[bad],
        )
    return pd.Series(texts.to_pandas(), dtype="str").reset_index(drop=True)


def _repr(values: npt.NDArray[np.float64]) -> Any:
    codes, kinds = pd.factorize(values)
    texts = [f"{value:.15g}" for value in kinds]
    return pa.array([None if code < 0 else texts[code] for code in codes], pa.string())


def _iso(values: npt.NDArray[Any]) -> Any:
    codes, kinds = pd.factorize(values)
    texts = [pd.Timestamp(value).isoformat(timespec="seconds") for value in kinds]
    return pa.array([None if code < 0 else texts[code] for code in codes], pa.string())


_ENDING = re.compile(r"\.[A-Za-z0-9]{2,4}$")


def tags_in_names(named: pd.DataFrame, names: FileNamePatterns) -> pd.DataFrame:
    """RawRows of origin “name” for every tag in a `value` of this long frame of creative names."""
    read = reader(names)
    tags = {name: read(name) for name in named["value"].unique()}
    rows = [
        (*key, tag, value, "name")
        for *key, name in named[[*KEY, "value"]].itertuples(index=False, name=None)
        for tag, value in tags[name].items()
    ]
    return pd.DataFrame(rows, columns=LONG).astype("str") if rows else empty_long()


def reader(names: FileNamePatterns) -> Callable[[str], dict[str, str]]:
    """A function from a file name to its tags."""
    split = re.compile(f"[{re.escape(names.separators)}]")
    patterns = [re.compile(pattern) for pattern in names.patterns]
    synonyms = {_form(word): meant for word, meant in names.synonyms.items()}
    meanings: dict[str, list[tuple[str, str]]] = {}
    for tag, vocabulary in names.vocabulary.items():
        for word in vocabulary:
            meanings.setdefault(_form(word), []).append((tag, word))

    def read(name: str) -> dict[str, str]:
        stem = _ENDING.sub("", name.strip())
        tags: dict[str, str] = {}
        for pattern in patterns:
            if found := pattern.fullmatch(stem):
                tags = {tag: value for tag, raw in found.groupdict().items() if raw and (value := clean(raw))}
                break
        for token in split.split(stem):
            form = _form(token)
            for tag, word in meanings.get(_form(synonyms.get(form, token)), ()):
                if tag not in tags:
                    tags[tag] = word
                    break
        return tags

    return read


def _form(word: str) -> str:
    return unicodedata.normalize("NFKC", word).strip().casefold()
