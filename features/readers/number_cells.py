"""Which number did the export mean? `1,234.56`, `12.34%`, `1.2万`, `¥99`, `--`, full-width digits."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.readers.cells import distinct, is_text, spread
from features.readers.clean_text import is_missing

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_PLAIN = r"^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?%?$"
"""What is read column by column; all else value by value."""
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.IGNORECASE)
_CURRENCY = re.compile(r"^([+-]?)(?:¥|￥|cny|rmb)|(?:元|cny|rmb)$", re.IGNORECASE)
_COUNTER = re.compile(r"(次|个|人|单|秒|s)$", re.IGNORECASE)
_SCALES = {"万": 1e4, "w": 1e4, "亿": 1e8}
_ERRORS = {"#div/0!", "∞", "inf", "-inf"}


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: NaN where missing or bad; 12.34 for `12.34%`.
        bad: Where there is something that is no number.
        percent: Where a % sign stands.
        rounded: Where the number is short for a longer one (`1.2万`).
    """

    values: Floats
    bad: Mask
    percent: Mask
    rounded: Mask


def parse_numbers(cells: Any) -> Numbers:
    """The numbers of a column of any type."""
    none = np.zeros(len(cells), dtype=bool)
    if not is_text(cells):
        present = np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False) if len(cells) else none, dtype=bool)
        if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
            return Numbers(np.full(len(cells), np.nan), present, none, none)
        values = np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=float)
        endless = np.isinf(values)
        return Numbers(np.where(endless, np.nan, values), endless, none, none)
    trimmed = pc.utf8_trim_whitespace(cells)
    is_plain = pc.fill_null(pc.match_substring_regex(trimmed, _PLAIN), False)
    nothing = pa.scalar(None, pa.string())
    digits = pc.utf8_rtrim(pc.replace_substring(pc.if_else(is_plain, trimmed, nothing), ",", ""), "%")
    values = np.array(pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    signed = pc.and_(is_plain, pc.fill_null(pc.ends_with(trimmed, "%"), False))
    percent = np.asarray(signed.to_numpy(zero_copy_only=False) if len(cells) else none, dtype=bool)
    others, codes = distinct(pc.if_else(is_plain, nothing, trimmed))
    if not others:
        return Numbers(values, none, percent, none)
    parsed = [_parse(text) for text in others]
    table = np.array([number for number, *_ in parsed] + [np.nan])
    flags = np.array([flag for _, *flag in parsed] + [[False, False, False]], dtype=bool)
    values = np.where(codes >= 0, table[codes], values)
    return Numbers(values, flags[codes, 0], flags[codes, 1] | percent, flags[codes, 2])


def parse_durations(cells: Any) -> Numbers:
    """Seconds of `01:05`, `1:02:03`, `65`, `65秒`, `1分5秒`; 0 is missing, for nothing lasts no time."""
    if not is_text(cells):
        numbers = parse_numbers(cells)
    else:
        texts, codes = distinct(cells)
        numbers = parse_numbers(spread([_seconds(text) for text in texts], codes))
    return Numbers(np.where(numbers.values == 0, np.nan, numbers.values), numbers.bad, numbers.percent, numbers.rounded)


def _parse(text: str) -> tuple[float, bool, bool, bool]:
    """Number, bad, percent, rounded."""
    if is_missing(text) or text.casefold() in _ERRORS:
        return np.nan, False, False, False
    short = unicodedata.normalize("NFKC", text).replace(" ", "").lstrip("'")
    percent = short.endswith("%")
    short = _CURRENCY.sub(r"\1", short.removesuffix("%"))
    short = _CURRENCY.sub("", _COUNTER.sub("", short))
    scale = 1.0
    if short and short[-1].casefold() in _SCALES:
        scale = _SCALES[short[-1].casefold()]
        short = short[:-1]
    if _GROUPED.fullmatch(short):
        short = short.replace(",", "")
    if not _NUMBER.fullmatch(short):
        return np.nan, True, False, False
    number = float(short)
    return (round(number * scale, 6) if scale != 1 else number), False, percent, scale != 1


_CLOCK = re.compile(r"(?:(\d+)[:：])?(\d+)[:：](\d{1,2}(?:\.\d+)?)")
_SPOKEN = re.compile(r"(?:(\d+)(?:小时|时))?(?:(\d+)分钟?)?(?:(\d+(?:\.\d+)?)秒)?")


def _seconds(text: str) -> str:
    """Seconds as plain digits where the text is a clock; else the text as it is."""
    short = text.strip()
    found = _CLOCK.fullmatch(short) or (_SPOKEN.fullmatch(short) if short else None)
    if not found or not any(found.groups()):
        return short
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return f"{3600 * hours + 60 * minutes + seconds:.10g}"
