"""Read one export file of any known layout into canonical metrics and attributes: the entry of this package."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from configs.name_pattern import load_names
from configs.settings import Settings
from features.attributes import NAMED_BY
from features.errors import unopened
from features.readers.attribute_values import (
    consistent_values,
    empty_long,
    latest_values,
    read_attributes,
    tags_in_names,
)
from features.readers.columns import to_canonical
from features.readers.containers import raw_tables_of, sha256_of
from features.readers.findings import Findings, UnusableFile
from features.readers.keys import keyed
from features.readers.metric_values import read_values
from features.readers.periods import read_periods
from features.readers.recognition import RecognisedTable, check_basis, recognise
from features.readers.row_checks import clip_recovered, creative_rows, impossible, note_oddities, without_repeats
from features.readers.tables import CanonicalTable, RawTable
from features.schema import KEY, PERIOD, VALUES, ExportRead


def read_export(
    path: Path, settings: Settings, layouts: Sequence[ExportLayout], *, now: datetime | None = None
) -> ExportRead:
    """Read metrics and attributes of one file, and collect what was left out or looks wrong.

    Bad content raises nothing: a file that cannot be used comes back empty, with a problem of severity “file”.

    Args:
        path: The file; names of files and folders can state days, promotion type and account.
        settings: Of the run.
        layouts: The layouts that the file may have.
        now: Periods that end more than a day later are left out; naive, in the time zone of the settings.
            Default: the current time.
    """
    now = now or datetime.now(ZoneInfo(settings.time_zone)).replace(tzinfo=None)
    findings = Findings(str(path))
    sha256 = ""
    try:
        sha256 = sha256_of(path)
        tables = raw_tables_of(path, findings)
    except UnusableFile as stop:
        findings.problems.append(stop.problem)
        tables = iter(())
    except OSError as error:
        findings.problems.append(unopened(str(path), error))
        tables = iter(())
    if findings.problems:
        return ExportRead(str(path), sha256, "", _empty_metrics(), empty_long(), findings.problems)
    return replace(read_raw_tables(tables, path, settings, layouts, findings, now=now), sha256=sha256)


def read_raw_tables(
    tables: Iterable[RawTable],
    path: Path,
    settings: Settings,
    layouts: Sequence[ExportLayout],
    findings: Findings,
    *,
    now: datetime,
) -> ExportRead:
    """Read tables that are already in memory, as `read_export` reads those of a file.

    Args:
        tables: The tables of the file.
        path: The file's name; it is not opened.
        settings: Of the run.
        layouts: The layouts that the tables may have.
        findings: Collects the problems.
        now: As in `read_export`.
    """
    try:
        found = recognise(tables, layouts, path, findings)
    except UnusableFile as stop:
        findings.problems.append(stop.problem)
        return ExportRead(str(path), "", "", _empty_metrics(), empty_long(), findings.problems, _no_rows())
    return read_recognised(found, path, settings, findings, now=now)


def read_recognised(
    found: RecognisedTable, path: Path, settings: Settings, findings: Findings, *, now: datetime
) -> ExportRead:
    """Read a table of a known layout, as `read_export` reads that of a file."""
    rows = _no_rows()
    try:
        check_basis(found, settings, findings)
        metrics, attributes, rows = _read(found, settings, path, now, findings)
    except UnusableFile as stop:
        findings.problems.append(stop.problem)
        metrics, attributes = _empty_metrics(), empty_long()
    return ExportRead(str(path), "", found.layout.name, metrics, attributes, findings.problems, rows)


def holds_metrics(layout: ExportLayout) -> bool:
    """Whether files of a layout have counts or sums, and not only attributes."""
    return any(name in VALUES for name in layout.columns)


def _empty_metrics() -> pd.DataFrame:
    columns = {name: pd.Series([], dtype="str") for name in [*KEY, "grain"]}
    columns |= {name: pd.Series([], dtype="datetime64[us]") for name in PERIOD[1:]}
    return pd.DataFrame(columns | {"row": pd.Series([], dtype="int64")})


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in KEY} | {"row": pd.Series([], dtype="int64")})


def _read(
    found: RecognisedTable, settings: Settings, path: Path, now: datetime, findings: Findings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return metrics, attributes, and the first row number of each creative."""
    layout = found.layout
    has_metrics = holds_metrics(layout)
    table = to_canonical(found, settings, path, findings)
    table = creative_rows(table, layout, found.rows, metrics=has_metrics, findings=findings)
    table, keys = keyed(table, layout, found.header, path, metrics=has_metrics, findings=findings)
    if has_metrics:
        metrics, table, keys = _read_metrics(table, keys, layout, settings, path, now, findings)
        values = read_attributes(table, layout, settings, findings)
        times = metrics["period_end"].to_numpy()
        attributes = latest_values(keys, values, times, layout.origin)
        metrics = without_repeats(metrics, findings)
    else:
        metrics = _empty_metrics()
        values = read_attributes(table, layout, settings, findings)
        attributes, differing = consistent_values(keys, values, table, layout.origin, findings)
        table, keys = table.keep(~differing), keys[~differing]
    attributes = pd.concat([attributes, *names_as_ids(attributes)], ignore_index=True).astype("str")
    named = attributes[attributes["name"] == "creative_name"]
    if len(named):
        tags = tags_in_names(named, load_names(settings.names))
        attributes = pd.concat([attributes, tags], ignore_index=True).astype("str")
    rows = keys.assign(row=table.numbers).drop_duplicates(KEY, ignore_index=True)
    return metrics.reset_index(drop=True), attributes, rows


def names_as_ids(attributes: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Rows that give a product or a KOC its name as its id, where the file has names and no ids.

    Args:
        attributes: KEY, `name`, `value`, `origin` of one file.
    """
    present = set(attributes["name"])
    for id_name, name in NAMED_BY.items():
        if name in present and id_name not in present:
            yield attributes[attributes["name"] == name].assign(name=id_name)


def _read_metrics(
    table: CanonicalTable,
    keys: pd.DataFrame,
    layout: ExportLayout,
    settings: Settings,
    path: Path,
    now: datetime,
    findings: Findings,
) -> tuple[pd.DataFrame, CanonicalTable, pd.DataFrame]:
    """Return the metrics, and the table and keys of the same rows."""
    when = read_periods(table, layout, settings, path, now, findings)
    table, keys, period = table.keep(~when.bad), keys[~when.bad], when.frame[~when.bad]
    values, bad = read_values(table, layout, findings)
    if values.columns.empty:
        raise findings.unusable(
            found="no column with a count or a sum",
            expected=f"some of {', '.join(header for c in layout.columns.values() for header in c.headers[:1])}",
            cure="Add impressions, clicks, spend, orders and gmv to the export.",
            zh="没有次数或金额列；应有展现、点击、消耗、订单、成交金额中的几列。处理：导出时加上。",
        )
    values = clip_recovered(values, {name for name in map(str, values) if name not in table})
    bad |= impossible(values, table.numbers, table.headers, findings)
    good = np.flatnonzero(~bad)
    table, keys, period, values = table.keep(~bad), keys.iloc[good], period.iloc[good], values.iloc[good]
    note_oddities(values, table.numbers, findings)
    frames = [keys, period, values]
    keys, period, values = (frame.reset_index(drop=True) for frame in frames)
    row = pd.DataFrame({"row": table.numbers})
    return pd.concat([keys, period, row, values], axis=1), table, keys
