"""Which moment did the export mean? Dates in every usual form, spreadsheet serials, hours of a day, ranges."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from features.readers.cells import distinct, text_of
from features.readers.clean_text import is_missing

Times = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

_DAY = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
_CLOCK = r"(\d{1,2})[:时](?:(\d{1,2})分?)?(?::?(\d{1,2})(?:\.(\d{1,6})\d*)?秒?)?"
_MOMENT = re.compile(rf"{_DAY}(?:[T ]*{_CLOCK})?\s*(Z|[+-]\d{{2}}:?\d{{2}})?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[T ]?(\d{2}):?(\d{2}):?(\d{2})?)?")
_TO = r"\s*(?:~|-|—|–|至|到|to)\s*"
_HOURS = re.compile(rf"(.*\d:\d{{2}}(?::\d{{2}})?){_TO}(?:{_DAY}\s*)?\d{{1,2}}:\d{{2}}(?::\d{{2}})?")
_DAYS = re.compile(rf"(\d{{4}}\D\d{{1,2}}\D\d{{1,2}}日?|\d{{8}}){_TO}(\d{{4}}\D\d{{1,2}}\D\d{{1,2}}日?|\d{{8}})")
_HOUR_OF_DAY = re.compile(r"(\d{1,2})(?:[:时点].*)?")
_EPOCH = dt.datetime(1899, 12, 30)
_SERIALS = (20_000.0, 80_000.0)


@dataclass(frozen=True)
class Moments:
    """A column of times, naive, in the zone the file is written in.

    Attributes:
        values: datetime64[us], NaT where missing or bad.
        ends: Where the cell is a range of days: the day it ends with.
        bad: Where there is something that is no time.
    """

    values: Times
    ends: Times
    bad: Mask

    @property
    def timed(self) -> bool:
        """Whether any of them is not midnight."""
        known = self.values[~np.isnat(self.values)]
        return bool((known != known.astype("datetime64[D]")).any())


def parse_times(cells: Any, zone: str) -> Moments:
    """Times of a column of any type; those that carry an offset are brought to the zone."""
    if pa.types.is_timestamp(cells.type):
        stamps = pd.Series(cells.to_pandas())
        if stamps.dt.tz is not None:
            stamps = stamps.dt.tz_convert(zone).dt.tz_localize(None)
        values = stamps.to_numpy("datetime64[us]")
        return Moments(values, np.full(len(values), "NaT", dtype="datetime64[us]"), np.zeros(len(values), dtype=bool))
    texts, codes = distinct(cells)
    parsed = [_range(text_of(text), zone) for text in texts]
    starts = np.array([start for start, _, _ in parsed] + [None], dtype="datetime64[us]")
    ends = np.array([end for _, end, _ in parsed] + [None], dtype="datetime64[us]")
    bad = np.array([wrong for _, _, wrong in parsed] + [False], dtype=bool)
    return Moments(starts[codes], ends[codes], bad[codes])


def parse_hours(cells: Any, days: Moments | None, zone: str) -> Moments:
    """Starts of hours: `2026-07-20 13:00 - 14:00`, or only `13:00` beside a column of days."""
    moments = parse_times(cells, zone)
    if days is None or not moments.bad.any():
        return moments
    texts, codes = distinct(cells)
    hours = np.array([_hour_of_day(text_of(text)) for text in texts] + [-1])[codes]
    of_day = moments.bad & (hours >= 0) & ~np.isnat(days.values)
    starts = days.values + hours.astype("timedelta64[h]")
    values = np.where(of_day, starts, moments.values)
    return Moments(values, moments.ends, moments.bad & ~of_day)


def to_zone(values: Times, zone: str, to: str) -> Times:
    """The same moments on the clock of another zone; an hour that a clock repeats is taken for its first."""
    if zone == to:
        return values
    stamps = pd.Series(values)
    first = np.ones(len(stamps), dtype=bool)
    known = stamps.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return known.dt.tz_convert(to).dt.tz_localize(None).to_numpy("datetime64[us]")


def _range(text: str, zone: str) -> tuple[dt.datetime | None, dt.datetime | None, bool]:
    """Start, end where the cell is a range of days, and whether it cannot be read."""
    text = unicodedata.normalize("NFKC", text).strip()
    if is_missing(text):
        return None, None, False
    if days := _DAYS.fullmatch(text):
        start, end = _moment(days[1], zone), _moment(days[2], zone)
        return start, end, start is None or end is None or end < start
    if hours := _HOURS.fullmatch(text):
        text = hours[1].strip()
    moment = _moment(text, zone)
    return moment, None, moment is None


def _moment(text: str, zone: str) -> dt.datetime | None:
    try:
        if found := _MOMENT.fullmatch(text):
            *parts, fraction, offset = found.groups()
            moment = _made(*parts) + dt.timedelta(microseconds=int((fraction or "0").ljust(6, "0")))
            return _in_zone(moment, offset, zone) if offset else moment
        if found := _COMPACT.fullmatch(text):
            return _made(*found.groups())
        serial = float(text)
    except ValueError:
        return None
    if not _SERIALS[0] <= serial <= _SERIALS[1]:
        return None
    return _EPOCH + dt.timedelta(seconds=round(serial * 86_400))


def _made(*parts: str | None) -> dt.datetime:
    year, month, day, hour, minute, second = (int(part or 0) for part in parts)
    return dt.datetime(year, month, day, hour, minute, second)


def _in_zone(moment: dt.datetime, offset: str, zone: str) -> dt.datetime:
    known = dt.datetime.fromisoformat(moment.isoformat() + offset.replace("Z", "+00:00"))
    return known.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _hour_of_day(text: str) -> int:
    found = _HOUR_OF_DAY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    return int(found[1]) if found and int(found[1]) < 24 else -1
