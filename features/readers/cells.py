"""Columns of raw cells as Arrow arrays: typing, distinct values, clean text, and ids.

A column is a `pa.Array` or `pa.ChunkedArray` with one cell per row. Functions of text work on the distinct values of a
column and spread the results over its rows: export columns repeat few values.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Mask
from features.schema import MULTI

ArrowColumn: TypeAlias = "pa.Array | pa.ChunkedArray"
"""One flag per row."""

EXACT_INTEGERS = 2**53
"""From here on a float64 cannot represent every integer."""

MAX_TEXT_LENGTH = 2000
"""Characters; longer text is cut."""

LOST_ID_CURE = (
    "The digits are gone for good in this file. Export it again and do not open it in a spreadsheet, or import the "
    "column there as text."
)
LOST_ID_CURE_ZH = "这个文件里的数字已经找不回来：重新导出，不要用Excel打开；或在Excel里以文本导入这一列。"

_INT64 = 2**63
_SPACES = re.compile(r"\s+")
_SEPARATORS = re.compile(r"[、，,;；/|]")
_MISSING = {"", "-", "--", "---", "—", "——", "–", "n/a", "#n/a", "na", "nan", "null", "none", "暂无", "无数据"}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Unicode categories Cc and Cs."""
_MARKS = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Invisible marks, among them those that change the direction of text."""

_SCIENTIFIC = re.compile(r"\d(\.\d+e\+?|e\+)\d{2}", re.IGNORECASE)
"""As spreadsheets and programs write it (7.7E+18); an id such as 04576e7123 does not match."""
_DIGITS = re.compile(r"\d+")
_DOT_ZERO = re.compile(r"(\d+)\.0+")
_FORMULA_TEXT = re.compile(r'="?([^"]*)"?')
_LONG_ID = 16
_LOST_DIGITS = "0000"
_MAX_ID_LENGTH = 128


# Columns


def to_column(cells: Sequence[object]) -> ArrowColumn:
    """Convert Python values to one typed column.

    A column of mixed types becomes text. Floats too large to be exact become text with an exponent (`7.7E+18`),
    so that `parse_ids` recognises them as lost ids.
    """
    types = set(map(type, cells)) - {type(None)}
    if types == {str}:
        return pa.array(cells, pa.string())
    if str in types:
        types = {type(cell) for cell in cells if cell is not None and cell != ""}
    if not types:
        return pa.nulls(len(cells), pa.string())
    blank_is_none = [None if cell == "" else cell for cell in cells]
    if types <= {int, float} and _are_exact(blank_is_none, types):
        return pa.array(blank_is_none, pa.int64() if types == {int} else pa.float64())
    if types <= {dt.datetime, dt.date}:
        return pa.array([_naive_datetime(cell) for cell in blank_is_none], pa.timestamp("us"))
    return pa.array([None if cell is None else to_text(cell) for cell in cells], pa.string())


def _are_exact(cells: Sequence[object], types: set[type]) -> bool:
    """Whether numbers keep their value in one Arrow type: int64 for integers, float64 for floats and for both."""
    if types == {float}:
        return True
    limit = _INT64 if types == {int} else EXACT_INTEGERS
    numbers = [cell for cell in cells if cell is not None]
    return bool(-limit < min(numbers) and max(numbers) < limit)  # type: ignore[type-var, operator]


def to_basic_type(cells: ArrowColumn) -> ArrowColumn:
    """Cast a column of a Parquet file to string, int64, uint64, float64 or timestamp; other types become text."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return to_basic_type(pc.cast(cells, kind.value_type))
    if pa.types.is_timestamp(kind):
        return pc.cast(cells, pa.timestamp("us", tz=kind.tz), safe=False)
    if pa.types.is_date(kind):
        return pc.cast(cells, pa.timestamp("us"))
    if pa.types.is_integer(kind):
        return pc.cast(cells, pa.uint64() if pa.types.is_uint64(kind) else pa.int64())
    if pa.types.is_floating(kind):
        return pc.cast(cells, pa.float64())
    if is_text(cells):
        return pc.cast(cells, pa.string())
    return to_column(cells.to_pylist())


def to_text(cell: object) -> str:
    """Format one value as a person would have typed it."""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float):
        if not cell.is_integer():
            return repr(cell)
        return str(int(cell)) if abs(cell) < EXACT_INTEGERS else f"{cell:E}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, dt.time):
        # A spreadsheet takes 00:51 (minutes, seconds) for hours and minutes.
        return f"{cell:%H:%M}" if cell.second == 0 else f"{cell:%H:%M:%S}"
    if isinstance(cell, dt.timedelta):
        return f"{cell.total_seconds():.15g}"
    return str(cell)


def is_text(cells: ArrowColumn) -> bool:
    """Whether the column holds text."""
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def not_null(cells: ArrowColumn) -> Mask:
    """Return one flag per row: whether the cell is not null."""
    return np.asarray(pc.is_valid(_one_chunk(cells)).to_numpy(zero_copy_only=False), dtype=bool)


def distinct(cells: ArrowColumn) -> tuple[list[object], npt.NDArray[np.int64]]:
    """Return the distinct values, and for each row the index of its value (-1: null)."""
    codes = pc.dictionary_encode(_one_chunk(cells))
    indices = pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False)
    return codes.dictionary.to_pylist(), indices.astype(np.int64)


def take_text(values: Sequence[str | None], codes: npt.NDArray[np.int64]) -> ArrowColumn:
    """Build a text column from distinct values and one index per row; index -1 is null. The inverse of `distinct`."""
    return pc.take(pa.array([*values, None], pa.string()), pa.array(np.where(codes < 0, len(values), codes)))


# Text


def is_missing(text: str) -> bool:
    """Whether a cell states that there is no value (`-`, `暂无`, …); a missing value is never 0."""
    return text.strip().casefold() in _MISSING


def clean(text: str) -> str | None:
    """Normalise text to NFC without control and direction marks, with single spaces; None if nothing is left."""
    text = _SPACES.sub(" ", _MARKS.sub("", unicodedata.normalize("NFC", text)))
    text = _CONTROLS.sub("", text).strip()[:MAX_TEXT_LENGTH]
    return None if is_missing(text) else text


def clean_list(text: str) -> str | None:
    """Split a cell with several values; return them cleaned, sorted and unique, joined by MULTI."""
    parts = {part for piece in _SEPARATORS.split(text) if (part := clean(piece))}
    return MULTI.join(sorted(parts)) or None


def clean_column(cells: ArrowColumn, *, multi: bool) -> ArrowColumn:
    """Clean every cell of a column (`clean`, or `clean_list` for multi-valued columns); null where nothing is left."""
    change: Callable[[str], str | None] = clean_list if multi else clean
    values, codes = distinct(cells)
    return take_text([change(to_text(value)) for value in values], codes)


# Ids


@dataclass(frozen=True)
class IdColumn:
    """A column of ids.

    Attributes:
        values: Text, null where missing or lost.
        lost: One flag per row: there was an id whose digits cannot be recovered.
    """

    values: ArrowColumn
    lost: Mask


def parse_ids(cells: ArrowColumn) -> IdColumn:
    """Read ids as text and find those that a spreadsheet has cut to 15 digits.

    Lost are: ids in scientific notation; floats from 2**53 on; and, if most long ids of the column end in four zeros,
    those that do.
    """
    values, codes = distinct(cells)
    parsed = [_parse_id(value) for value in values]
    lost = np.array([text is None for text in parsed] + [False], dtype=bool)
    long = np.array(
        [len(text or "") >= _LONG_ID and bool(_DIGITS.fullmatch(text or "")) for text in parsed], dtype=bool
    )
    zeros = np.array([bool(text) and str(text).endswith(_LOST_DIGITS) for text in parsed], dtype=bool) & long
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    if len(values) and 2 * counts[zeros].sum() > counts[long].sum():
        lost[:-1] |= zeros
    kept = [None if gone or not text else text for text, gone in zip(parsed, lost)]
    return IdColumn(take_text(kept, codes), lost[codes])


def _parse_id(value: object) -> str | None:
    """Return the id; empty if the cell states that there is none, None if the id is lost."""
    if isinstance(value, str) and value.isascii() and value.isdigit():  # the usual case: nothing to clean
        return value[:_MAX_ID_LENGTH]
    if isinstance(value, float) and (abs(value) >= EXACT_INTEGERS or not value.is_integer()):
        return None
    text = unicodedata.normalize("NFKC", to_text(value)).strip().lstrip("'").strip()
    if text.startswith("="):
        found = _FORMULA_TEXT.fullmatch(text)
        text = found[1].strip() if found else text
    if whole := _DOT_ZERO.fullmatch(text):
        text = whole[1]
        if int(text) >= EXACT_INTEGERS:
            return None
    if _SCIENTIFIC.fullmatch(text):
        return None
    return "" if is_missing(text) else "".join(letter for letter in text if letter.isprintable())[:_MAX_ID_LENGTH]


def _one_chunk(cells: ArrowColumn) -> ArrowColumn:
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _naive_datetime(cell: object) -> object:
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=None)
    return dt.datetime.combine(cell, dt.time()) if isinstance(cell, dt.date) else cell
