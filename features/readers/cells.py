"""doc"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import MULTI

EXACT = 2**53
"""From here on a float64 does not hold every whole number."""

_INT64 = 2**63


def column_of(cells: Sequence[object]) -> pa.Array:
    """A column of Python values; a mixture becomes text, and numbers too large to be exact are marked by an E."""
    kinds = {type(cell) for cell in cells if cell is not None and cell != ""}
    if not kinds:
        return pa.nulls(len(cells), pa.string())
    blank_is_none = [None if isinstance(cell, str) and cell == "" else cell for cell in cells]
    if kinds == {int} and all(cell is None or abs(cell) < _INT64 for cell in blank_is_none):  # type: ignore[arg-type]
        return pa.array(blank_is_none, pa.int64())
    if kinds == {float}:
        return pa.array(blank_is_none, pa.float64())
    if kinds <= {dt.datetime, dt.date}:
        return pa.array([_moment(cell) for cell in blank_is_none], pa.timestamp("us"))
    return pa.array([None if cell is None else text_of(cell) for cell in cells], pa.string())


def text_of(cell: object) -> str:
    """One value as a person would have typed it."""
    if isinstance(cell, bool):
        return str(cell)
    if isinstance(cell, float):
        if not cell.is_integer():
            return repr(cell)
        return str(int(cell)) if abs(cell) < EXACT else f"{cell:E}"
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, dt.time):
        # A spreadsheet takes 00:51 (minutes, seconds) for hours and minutes.
        return f"{cell:%H:%M}" if cell.second == 0 else f"{cell:%H:%M:%S}"
    if isinstance(cell, dt.timedelta):
        return f"{cell.total_seconds():.15g}"
    return str(cell)


def is_text(cells: Any) -> bool:
    """Whether the column holds text."""
    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def plain(cells: Any) -> Any:
    """A column of a Parquet file as one of the few types that are read here; others become text."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return plain(pc.cast(cells, kind.value_type))
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
    return column_of(cells.to_pylist())


def texts(cells: Any) -> Any:
    """The column as trimmed text, null where a cell is empty."""
    if is_text(cells):
        trimmed = pc.utf8_trim_whitespace(cells)
        return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
    return each_text(cells)


def each_text(cells: Any, change: Callable[[str], str | None] = lambda text: text) -> Any:
    """Each distinct value as text, changed by the function; null stays null."""
    codes = pc.dictionary_encode(_flat(cells))
    words = [None if value is None else change(text_of(value)) for value in codes.dictionary.to_pylist()]
    return pc.take(pa.array(words, pa.string()), codes.indices)


def distinct(cells: Any) -> tuple[list[Any], np.ndarray[Any, np.dtype[np.int64]]]:
    """The distinct values, and for each cell which one it is (-1: null)."""
    codes = pc.dictionary_encode(_flat(cells))
    indices = pc.fill_null(codes.indices, -1).to_numpy(zero_copy_only=False)
    return codes.dictionary.to_pylist(), indices.astype(np.int64)


def spread(words: Sequence[str | None], codes: np.ndarray[Any, np.dtype[np.int64]]) -> Any:
    """A text column from its distinct values; code -1 is null."""
    return pc.take(pa.array([*words, None], pa.string()), pa.array(np.where(codes < 0, len(words), codes)))


def present(cells: Any) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Where a cell is not null."""
    return np.asarray(pc.is_valid(_flat(cells)).to_numpy(zero_copy_only=False), dtype=bool)


def _flat(cells: Any) -> Any:
    return cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells


def _moment(cell: object) -> object:
    if isinstance(cell, dt.datetime):
        return cell.replace(tzinfo=None)
    return dt.datetime.combine(cell, dt.time()) if isinstance(cell, dt.date) else cell


MAX_LENGTH = 2000

_SPACES = re.compile(r"\s+")
_MULTI = re.compile(r"[、，,;；/|]")
_MISSING = {"", "-", "--", "---", "—", "——", "–", "n/a", "#n/a", "na", "nan", "null", "none", "暂无", "无数据"}
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Unicode's categories Cc and Cs."""
_MARKS = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value; that is never 0."""
    return text.strip().casefold() in _MISSING


def clean(text: str) -> str | None:
    """NFC, without control and direction marks, white space as single spaces, capped; None where nothing is left."""
    text = _SPACES.sub(" ", _MARKS.sub("", unicodedata.normalize("NFC", text)))
    text = _CONTROLS.sub("", text).strip()[:MAX_LENGTH]
    return None if is_missing(text) else text


def several(text: str) -> str | None:
    """The values in one cell, sorted, each once, joined by MULTI."""
    parts = {part for piece in _MULTI.split(text) if (part := clean(piece))}
    return MULTI.join(sorted(parts)) or None


def words(cells: Any, *, multi: bool = False) -> Any:
    """A column of such text, null where a cell has none."""
    return each_text(cells, several if multi else clean)


LOST_ID_CURE = (
    "The digits are gone for good in this file. Export it again and do not open it in a spreadsheet, or import the "
    "column there as text."
)

_SCIENTIFIC = re.compile(r"\d(\.\d+e\+?|e\+)\d{2}", re.IGNORECASE)
"""As spreadsheets and programs write it (7.7E+18); an id such as 04576e7123 is none."""

_WHOLE = re.compile(r"\d+")
_DOT_ZERO = re.compile(r"(\d+)\.0+")
_FORMULA_TEXT = re.compile(r'="?([^"]*)"?')
_LONG_ID = 16
_ZEROS = "0000"
_MAX_ID_LENGTH = 128


@dataclass(frozen=True)
class IdColumn:
    """A column of ids.

    Attributes:
        values: Text, null where missing or lost.
        lost: Where there was an id that cannot be read back.
    """

    values: Any
    lost: np.ndarray[Any, np.dtype[np.bool_]]


def parse_ids(cells: Any) -> IdColumn:
    """Ids as text. Lost: in scientific notation; numbers from 2**53; and, where most of the long ids of the column end
    in four zeros (only 15 digits were kept), those that do."""
    values, codes = distinct(cells)
    parsed = [_parse_id(value) for value in values]
    lost = np.array([text is None for text in parsed] + [False], dtype=bool)
    long = np.array([len(text or "") >= _LONG_ID and bool(_WHOLE.fullmatch(text or "")) for text in parsed], dtype=bool)
    zeros = np.array([bool(text) and str(text).endswith(_ZEROS) for text in parsed], dtype=bool) & long
    counts = np.bincount(codes[codes >= 0], minlength=len(values))
    if len(values) and 2 * counts[zeros].sum() > counts[long].sum():
        lost[:-1] |= zeros
    kept = [None if gone or not text else text for text, gone in zip(parsed, lost)]
    return IdColumn(spread(kept, codes), lost[codes])


def _parse_id(value: object) -> str | None:
    """The id, empty where the cell says there is none, None where it is lost."""
    if isinstance(value, str) and value.isascii() and value.isdigit():  # as nearly all are: nothing to be cleaned
        return value[:_MAX_ID_LENGTH]
    if isinstance(value, float) and (abs(value) >= EXACT or not value.is_integer()):
        return None
    text = unicodedata.normalize("NFKC", text_of(value)).strip().lstrip("'").strip()
    if text.startswith("="):
        found = _FORMULA_TEXT.fullmatch(text)
        text = found[1].strip() if found else text
    if whole := _DOT_ZERO.fullmatch(text):
        text = whole[1]
        if int(text) >= EXACT:
            return None
    if _SCIENTIFIC.fullmatch(text):
        return None
    return "" if is_missing(text) else "".join(letter for letter in text if letter.isprintable())[:_MAX_ID_LENGTH]
