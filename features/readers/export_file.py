"""What does an export file say? The one place that knows raw headers, %, 万 and GBK."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from configs.name_pattern import load_names
from configs.settings import Settings
from features.errors import Problem
from features.readers.attributes import agreed, empty_long, newest, read_attributes, tags_in_names
from features.readers.containers import raw_tables_of, sha256_of
from features.readers.find_files import find_files
from features.readers.findings import Findings, UnusableFile
from features.readers.keys import keyed
from features.readers.layouts import RecognisedTable, as_table, check_basis, load_layouts, recognise
from features.readers.metric_values import read_values
from features.readers.periods import periods
from features.readers.row_checks import creative_rows, impossible, note_oddities, tidy, without_repeats
from features.readers.tables import CanonicalTable, RawTable
from features.schema import KEY, PERIOD, VALUES, ExportRead

__all__ = ["ExportLayout", "find_files", "load_layouts", "read_export", "read_raw_tables"]


def read_export(
    path: Path, settings: Settings, sources: Sequence[ExportLayout], *, now: datetime | None = None
) -> ExportRead:
    """Metrics and attributes of one file, and everything that was left out or looks wrong.

    Bad content raises nothing: a file that cannot be used comes back empty with a problem of severity “file”.

    Args:
        now: PeriodColumns that end more than a day after it are left out; naive, in the time zone of the settings.
            Default: the clock.
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
        reason = error.strerror or type(error).__name__
        cure = "Check that it is there and may be read."
        findings.problems.append(Problem("file", str(path), reason, "a file that can be opened", cure))
        tables = iter(())
    if findings.problems:
        return ExportRead(str(path), sha256, "", empty_metrics(), empty_long(), findings.problems)
    return replace(read_raw_tables(tables, path, settings, sources, findings, now=now), sha256=sha256)


def read_raw_tables(
    tables: Iterable[RawTable],
    path: Path,
    settings: Settings,
    sources: Sequence[ExportLayout],
    findings: Findings,
    *,
    now: datetime,
) -> ExportRead:
    """The same of tables that are at hand; nothing is opened.

    Args:
        tables: The tables of the file.
        path: What the file is called: names of files and folders tell days, promotion types and accounts.
        now: As in `read_export`.
    """
    name, rows = "", _no_rows()
    try:
        found = recognise(tables, sources, path, findings)
        name = found.source.name
        check_basis(found.source, settings, found.cells, findings)
        metrics, attributes, rows = _read(found, settings, path, now, findings)
    except UnusableFile as stop:
        findings.problems.append(stop.problem)
        metrics, attributes = empty_metrics(), empty_long()
    return ExportRead(str(path), "", name, metrics, attributes, findings.problems, rows)


def empty_metrics() -> pd.DataFrame:
    """The metrics frame without rows and values."""
    columns = {name: pd.Series([], dtype="str") for name in [*KEY, "grain"]}
    columns |= {name: pd.Series([], dtype="datetime64[us]") for name in PERIOD[1:]}
    return pd.DataFrame(columns | {"row": pd.Series([], dtype="int64")})


def _no_rows() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in KEY} | {"row": pd.Series([], dtype="int64")})


def _read(
    found: RecognisedTable, settings: Settings, path: Path, now: datetime, findings: Findings
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    source = found.source
    has_metrics = any(name in VALUES for name in source.columns)
    table = as_table(found, settings, findings)
    table = creative_rows(table, source, found.rows, metrics=has_metrics, findings=findings)
    table, keys = keyed(table, source, found.cells, path, metrics=has_metrics, findings=findings)
    if has_metrics:
        metrics, table, keys = _metrics(table, keys, source, settings, path, now, findings)
        texts = read_attributes(table, source, settings, findings)
        order = metrics["period_end"].to_numpy()
        attributes = newest(keys, texts, order, source.origin)
        metrics = without_repeats(metrics, findings)
    else:
        metrics = empty_metrics()
        texts = read_attributes(table, source, settings, findings)
        attributes = agreed(keys, texts, table, source.origin, findings)
    named = attributes[attributes["name"] == "creative_name"]
    if len(named):
        tags = tags_in_names(named, load_names(settings.names))
        attributes = pd.concat([attributes, tags], ignore_index=True).astype("str")
    rows = keys.assign(row=table.numbers).drop_duplicates(KEY, ignore_index=True)
    return metrics.reset_index(drop=True), attributes, rows


def _metrics(
    table: CanonicalTable,
    keys: pd.DataFrame,
    source: ExportLayout,
    settings: Settings,
    path: Path,
    now: datetime,
    findings: Findings,
) -> tuple[pd.DataFrame, CanonicalTable, pd.DataFrame]:
    """Metrics with the table and keys of the same rows."""
    when = periods(table, source, settings, path, now, findings)
    table, keys, period = table.keep(~when.bad), keys[~when.bad], when.frame[~when.bad]
    values, bad = read_values(table, source, findings)
    if values.columns.empty:
        raise findings.unusable(
            found="no column with a count or a sum",
            expected=f"some of {', '.join(header for c in source.columns.values() for header in c.headers[:1])}",
            cure="Add impressions, clicks, spend, orders and gmv to the export.",
        )
    values = tidy(values, {name for name in values if name not in table})
    bad |= impossible(values, table.numbers, table.headers, findings)
    good = np.flatnonzero(~bad)
    table, keys, period, values = table.keep(~bad), keys.iloc[good], period.iloc[good], values.iloc[good]
    note_oddities(values, table.numbers, findings)
    frames = [keys, period, values]
    keys, period, values = (frame.reset_index(drop=True) for frame in frames)
    row = pd.DataFrame({"row": table.numbers})
    return pd.concat([keys, period, row, values], axis=1), table, keys
