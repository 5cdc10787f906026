"""The PERIOD of every row: grain, start and end, from columns or from the file's name."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.arrays import Mask, Times
from features.readers.cells import not_null
from features.readers.findings import Findings, example
from features.readers.names_of_files import span_in_name
from features.readers.tables import CanonicalTable
from features.readers.typed_cells import TimeColumn, convert_zone, parse_hours, parse_times
from features.schema import PERIOD

Grains: TypeAlias = npt.NDArray[np.object_]
"""The grain of each row, as text."""

_ONE_DAY = dt.timedelta(days=1)
_EXPECTED_TIME = {
    "hour": "an hour such as 2026-07-20 13:00",
    "date": "a day such as 2026-07-20",
    "read_at": "a time such as 2026-07-20 13:05:00",
}
_EXPECTED_TIME_ZH = {
    "hour": "小时，如 2026-07-20 13:00",
    "date": "日期，如 2026-07-20",
    "read_at": "时间，如 2026-07-20 13:05:00",
}


@dataclass(frozen=True)
class PeriodColumns:
    """The PERIOD columns of all rows, and one flag per row: it has no usable period."""

    frame: pd.DataFrame
    bad: Mask


def read_periods(
    table: CanonicalTable,
    layout: ExportLayout,
    settings: Settings,
    path: Path,
    now: dt.datetime,
    findings: Findings,
) -> PeriodColumns:
    """Read the period of each row from the hour or date column, else from the range of days in the file's name.

    Args:
        table: The rows with complete keys.
        layout: Its layout.
        settings: Times are converted to its time zone.
        path: The file's name.
        now: Periods that end more than a day later are bad; naive, in the time zone of the settings.
        findings: Collects the rows that are left out.

    Raises:
        UnusableFile: There is no period at all, or more than half of the column cannot be read.
    """
    zone = layout.time_zone or settings.time_zone
    column, grain = _by_columns(table, layout)
    if column is None:
        first, last = _span_of_file(path, findings)
        starts: Times = np.full(len(table), first, dtype="datetime64[us]")
        ends: Times = np.full(len(table), last + _ONE_DAY, dtype="datetime64[us]")
        grains: Grains = np.full(len(table), "day" if first == last else "range", dtype=object)
        bad = np.zeros(len(table), dtype=bool)
    else:
        moments = _parse_column(table, column, zone)
        if grain == "day" and moments.has_time_of_day:
            grain = "hour"
        _refuse_if_mostly_bad(table, column, moments, findings)
        bad = np.isnat(moments.values) | moments.bad
        _report_bad(table, column, bad, findings)
        starts, ends, grains = _bounds(moments, grain)
    starts, ends = convert_zone(starts, zone, settings.time_zone), convert_zone(ends, zone, settings.time_zone)
    latest = np.datetime64(now.replace(tzinfo=None) + _ONE_DAY, "us")
    later = ~bad & (ends > latest)
    if later.any():
        place = int(np.flatnonzero(later)[0])
        findings.left_out(
            table.numbers[later],
            found=f"a period that has not ended, until {pd.Timestamp(ends[place])}",
            expected=f"periods that ended by {pd.Timestamp(latest):%Y-%m-%d %H:%M}",
            cure="Correct the date, or export the file again when the period has ended.",
            zh=f"时间段还没结束（到 {pd.Timestamp(ends[place])}）；"
            f"应在 {pd.Timestamp(latest):%Y-%m-%d %H:%M} 之前结束。"
            "处理：改正日期，或等结束后重新导出。",
            column=table.headers[column] if column else None,
        )
    frame = pd.DataFrame({"grain": pd.Series(grains, dtype="str"), "period_start": starts, "period_end": ends})
    return PeriodColumns(frame[PERIOD], bad | later)


def _by_columns(table: CanonicalTable, layout: ExportLayout) -> tuple[str | None, str]:
    """Return the column that states the period (None: the file's name does), and the grain."""
    if layout.cumulative:
        return "read_at", "reading"
    if "hour" in table and layout.grain in (None, "hour") and not_null(table.cells["hour"]).any():
        return "hour", "hour"
    if "date" in table and layout.grain in (None, "day", "range"):
        return "date", "day"
    return None, "range"


def _parse_column(table: CanonicalTable, column: str, zone: str) -> TimeColumn:
    if column != "hour":
        return parse_times(table.cells[column], zone)
    days = parse_times(table.cells["date"], zone) if "date" in table else None
    return parse_hours(table.cells["hour"], days, zone)


def _bounds(moments: TimeColumn, grain: str) -> tuple[Times, Times, Grains]:
    """Return start, end and grain of each row."""
    grains: Grains = np.full(len(moments.values), grain, dtype=object)
    if grain == "reading":
        return moments.values, moments.values, grains
    if grain == "hour":
        starts: Times = moments.values.astype("datetime64[h]").astype("datetime64[us]")
        return starts, _after(starts, dt.timedelta(hours=1)), grains
    last: Times = np.where(np.isnat(moments.ends), moments.values, moments.ends)
    grains[last > moments.values] = "range"
    return moments.values, _after(last, _ONE_DAY), grains


def _after(times: Times, step: dt.timedelta) -> Times:
    later: Times = np.asarray(times + np.timedelta64(step), dtype="datetime64[us]")
    return later


def _refuse_if_mostly_bad(table: CanonicalTable, column: str, moments: TimeColumn, findings: Findings) -> None:
    filled = int((~np.isnat(moments.values) | moments.bad).sum())
    if moments.bad.sum() * 2 > filled:
        place = int(np.flatnonzero(moments.bad)[0])
        raise findings.unusable(
            found=f"{int(moments.bad.sum())} cells that are no time, such as {example(table.text_at(column, place))}",
            expected=_EXPECTED_TIME[column],
            cure="Export the file again with whole dates.",
            zh=f"{int(moments.bad.sum())} 格不是时间，例如 {example(table.text_at(column, place))}；"
            f"应为{_EXPECTED_TIME_ZH[column]}。"
            "处理：用完整的日期重新导出。",
            column=table.headers[column],
        )


def _report_bad(table: CanonicalTable, column: str, bad: Mask, findings: Findings) -> None:
    if bad.any():
        place = int(np.flatnonzero(bad)[0])
        findings.left_out(
            table.numbers[bad],
            found=example(table.text_at(column, place)),
            expected=_EXPECTED_TIME[column],
            cure="Correct the cells, or export the file again.",
            zh=f"不是时间：{example(table.text_at(column, place))}；应为{_EXPECTED_TIME_ZH[column]}。处理："
            f"改正这些格，或重新导出。",
            column=table.headers[column],
        )


def _span_of_file(path: Path, findings: Findings) -> tuple[dt.datetime, dt.datetime]:
    if span := span_in_name(path):
        return span
    raise findings.unusable(
        found="neither a date column nor a range of days in the file's name",
        expected="a column 日期, or a name such as 全域推广数据_2026-07-01-2026-07-07.csv",
        cure="Split the export by day, or put the first and the last day into the file's name.",
        zh="没有日期列，文件名里也没有起止日期；应有“日期”列，或文件名如 全域推广数据_2026-07-01-2026-07-07.csv。"
        "处理：按天导出，或把第一天和最后一天写进文件名。",
    )
