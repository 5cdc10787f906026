"""Parse cells into numbers, durations and times.

Each parser takes a whole column of any type and reports which cells cannot be read; it never guesses. Text is parsed
once per distinct value.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.arrays import Floats, Mask, Times
from features.readers.cells import ArrowColumn, distinct, is_missing, is_text, take_text, to_text

_PLAIN_NUMBER = r"^-?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?%?$"
"""Numbers that Arrow parses column by column; all others are parsed value by value."""
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,2})?", re.IGNORECASE)
_CURRENCY = re.compile(r"^([+-]?)(?:¥|￥|cny|rmb)|(?:元|cny|rmb)$", re.IGNORECASE)
_COUNTER = re.compile(r"(次|个|人|单|秒|s)$", re.IGNORECASE)
_SCALES = {"万": 1e4, "w": 1e4, "亿": 1e8}
_ERRORS = {"#div/0!", "∞", "inf", "-inf"}
"""Results of a division by 0: the value is missing, the cell is not wrong."""

_DURATION = re.compile(r"(?:(\d+)[:：])?(\d+)[:：](\d{1,2}(?:\.\d+)?)")
_DURATION_IN_WORDS = re.compile(r"(?:(\d+)(?:小时|时))?(?:(\d+)分钟?)?(?:(\d+(?:\.\d+)?)秒)?")

_DAY = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_TIME_OF_DAY = r"(\d{1,2})[:时](?:(\d{1,2})分?)?(?::?(\d{1,2})(?:\.(\d{1,6})\d*)?秒?)?"
_MOMENT = re.compile(rf"{_DAY}(?:[T ]*{_TIME_OF_DAY})?\s*(Z|[+-]\d{{2}}:?\d{{2}})?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2})?)?")
_TO = r"\s*(?:~|-|—|–|至|到|to)\s*"
_HOURS = re.compile(rf"(.*\d:\d{{2}}(?::\d{{2}})?){_TO}(?:{_DAY}\s*)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?")
_DAYS = re.compile(rf"(\d{{4}}\D\d{{1,2}}\D\d{{1,2}}日?|\d{{8}}){_TO}(\d{{4}}\D\d{{1,2}}\D\d{{1,2}}日?|\d{{8}})")
_HOUR_OF_DAY = re.compile(r"(\d{1,2})(?:[:时点].*)?")
_SERIAL_EPOCH = dt.datetime(1899, 12, 30)
_SERIALS = (20_000.0, 80_000.0)
"""Day numbers of a spreadsheet that are taken for dates: 1954 to 2119."""


# Numbers


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers; every array has one entry per row.

    Attributes:
        values: NaN where missing or bad; 12.34 for `12.34%`.
        bad: The cell is not empty and not a number.
        percent: The cell has a % sign.
        rounded: The number abbreviates a longer one (`1.2万`).
    """

    values: Floats
    bad: Mask
    percent: Mask
    rounded: Mask


def parse_numbers(cells: ArrowColumn) -> NumberColumn:
    """Read `1,234.56`, `12.34%`, `1.2万`, `¥99`, full-width digits, and typed columns; `--` is missing."""
    none = np.zeros(len(cells), dtype=bool)
    if not is_text(cells):
        present = np.asarray(pc.is_valid(cells).to_numpy(zero_copy_only=False) if len(cells) else none, dtype=bool)
        if not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type)):
            return NumberColumn(np.full(len(cells), np.nan), present, none, none)
        values = np.asarray(pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=float)
        infinite = np.isinf(values)
        return NumberColumn(np.where(infinite, np.nan, values), infinite, none, none)
    trimmed = pc.utf8_trim_whitespace(cells)
    is_plain = pc.fill_null(pc.match_substring_regex(trimmed, _PLAIN_NUMBER), False)
    null = pa.scalar(None, pa.string())
    digits = pc.utf8_rtrim(pc.replace_substring(pc.if_else(is_plain, trimmed, null), ",", ""), "%")
    values = np.array(pc.cast(digits, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
    signed = pc.and_(is_plain, pc.fill_null(pc.ends_with(trimmed, "%"), False))
    percent = np.asarray(signed.to_numpy(zero_copy_only=False) if len(cells) else none, dtype=bool)
    others, codes = distinct(pc.if_else(is_plain, null, trimmed))
    if not others:
        return NumberColumn(values, none, percent, none)
    parsed = [_parse_number(str(text)) for text in others]
    # One entry per distinct value and a last one for null, so that code -1 finds it.
    numbers = np.array([number for number, *_ in parsed] + [np.nan])
    flags = np.array([flag for _, *flag in parsed] + [[False, False, False]], dtype=bool)
    values = np.where(codes >= 0, numbers[codes], values)
    return NumberColumn(values, flags[codes, 0], flags[codes, 1] | percent, flags[codes, 2])


def parse_durations(cells: ArrowColumn) -> NumberColumn:
    """Read seconds from `01:05`, `1:02:03`, `65`, `65秒`, `1分5秒`; a duration of 0 is missing."""
    if not is_text(cells):
        numbers = parse_numbers(cells)
    else:
        texts, codes = distinct(cells)
        numbers = parse_numbers(take_text([_in_seconds(str(text)) for text in texts], codes))
    values = np.where(numbers.values == 0, np.nan, numbers.values)
    return NumberColumn(values, numbers.bad, numbers.percent, numbers.rounded)


def _parse_number(text: str) -> tuple[float, bool, bool, bool]:
    """Return the number and the flags bad, percent and rounded."""
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


def _in_seconds(text: str) -> str:
    """Convert a clock or a duration in words to digits; return other text unchanged."""
    short = text.strip()
    found = _DURATION.fullmatch(short) or (_DURATION_IN_WORDS.fullmatch(short) if short else None)
    if not found or not any(found.groups()):
        return short
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return f"{3600 * hours + 60 * minutes + seconds:.10g}"


# Times


@dataclass(frozen=True)
class TimeColumn:
    """A column of naive times in the time zone of the file; every array has one entry per row.

    Attributes:
        values: NaT where missing or bad.
        ends: The last day where the cell is a range of days, else NaT.
        bad: The cell is not empty and not a time.
    """

    values: Times
    ends: Times
    bad: Mask

    @property
    def has_time_of_day(self) -> bool:
        """Whether any of the times is not midnight."""
        known = self.values[~np.isnat(self.values)]
        return bool((known != known.astype("datetime64[D]")).any())


def parse_times(cells: ArrowColumn, zone: str) -> TimeColumn:
    """Read dates and times in every usual form, spreadsheet serials and ranges of days.

    Args:
        cells: A column of any type.
        zone: Time zone of the file; times with a UTC offset are converted to it.
    """
    if pa.types.is_timestamp(cells.type):
        stamps = pd.Series(cells.to_pandas())
        if stamps.dt.tz is not None:
            stamps = stamps.dt.tz_convert(zone).dt.tz_localize(None)
        values = stamps.to_numpy("datetime64[us]")
        no_ends = np.full(len(values), "NaT", dtype="datetime64[us]")
        return TimeColumn(values, no_ends, np.zeros(len(values), dtype=bool))
    texts, codes = distinct(cells)
    parsed = [_parse_range(to_text(text), zone) for text in texts]
    starts = np.array([start for start, _, _ in parsed] + [None], dtype="datetime64[us]")
    ends = np.array([end for _, end, _ in parsed] + [None], dtype="datetime64[us]")
    bad = np.array([wrong for _, _, wrong in parsed] + [False], dtype=bool)
    return TimeColumn(starts[codes], ends[codes], bad[codes])


def parse_hours(cells: ArrowColumn, days: TimeColumn | None, zone: str) -> TimeColumn:
    """Read the starts of hours: `2026-07-20 13:00 - 14:00`, or `13:00` next to a column of days.

    Args:
        cells: The column of hours.
        days: The file's column of days, if it has one.
        zone: As in `parse_times`.
    """
    moments = parse_times(cells, zone)
    if days is None or not moments.bad.any():
        return moments
    texts, codes = distinct(cells)
    hours = np.array([_hour_of_day(to_text(text)) for text in texts] + [-1])[codes]
    of_day = moments.bad & (hours >= 0) & ~np.isnat(days.values)
    starts = days.values + hours.astype("timedelta64[h]")
    values = np.where(of_day, starts, moments.values)
    return TimeColumn(values, moments.ends, moments.bad & ~of_day)


def convert_zone(values: Times, zone: str, to: str) -> Times:
    """Convert naive times from one time zone to another; an hour that a clock repeats is its first occurrence."""
    if zone == to:
        return values
    stamps = pd.Series(values)
    first = np.ones(len(stamps), dtype=bool)
    known = stamps.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return known.dt.tz_convert(to).dt.tz_localize(None).to_numpy("datetime64[us]")


def _parse_range(text: str, zone: str) -> tuple[dt.datetime | None, dt.datetime | None, bool]:
    """Return the start, the end if the cell is a range of days, and whether the cell cannot be read."""
    text = unicodedata.normalize("NFKC", text).strip()
    if is_missing(text):
        return None, None, False
    if days := _DAYS.fullmatch(text):
        start, end = _parse_moment(days[1], zone), _parse_moment(days[2], zone)
        return start, end, start is None or end is None or end < start
    if hours := _HOURS.fullmatch(text):
        text = hours[1].strip()
    moment = _parse_moment(text, zone)
    return moment, None, moment is None


def _parse_moment(text: str, zone: str) -> dt.datetime | None:
    try:
        if found := _MOMENT.fullmatch(text):
            *parts, fraction, offset = found.groups()
            moment = _datetime(*parts) + dt.timedelta(microseconds=int((fraction or "0").ljust(6, "0")))
            return _from_offset(moment, offset, zone) if offset else moment
        if found := _COMPACT.fullmatch(text):
            return _datetime(*found.groups())
        serial = float(text)
    except ValueError:
        return None
    if not _SERIALS[0] <= serial <= _SERIALS[1]:
        return None
    return _SERIAL_EPOCH + dt.timedelta(seconds=round(serial * 86_400))


def _datetime(*parts: str | None) -> dt.datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    return dt.datetime(year, month, day, hour, minute, second)


def _from_offset(moment: dt.datetime, offset: str, zone: str) -> dt.datetime:
    known = dt.datetime.fromisoformat(moment.isoformat() + offset.replace("Z", "+00:00"))
    return known.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _hour_of_day(text: str) -> int:
    """Return the hour, or -1."""
    found = _HOUR_OF_DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return int(found[1]) if found and int(found[1]) < 24 else -1
