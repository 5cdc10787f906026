"""doc"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from features.readers.cells import distinct, is_missing, present, text_of
from features.readers.findings import EXPORT_AGAIN, Findings, counted, example
from features.readers.layouts import normal
from features.readers.tables import CanonicalTable, Ints, Mask, RawRows
from features.schema import COUNTS, KEY, PERIOD, SUMS

_LOOKED_AT = ("creative_id", "date", "hour")


def creative_rows(
    table: CanonicalTable, source: ExportLayout, rows: RawRows, *, metrics: bool, findings: Findings
) -> CanonicalTable:
    """The rows that are about one creative each."""
    _shifted(table, rows, findings)
    table = table.keep(~_blank(table))
    if metrics:
        table = table.keep(~_too_short(table, rows, findings))
    repeated = _same(table.cells["creative_id"], [table.headers["creative_id"]])
    table = table.keep(~repeated)
    totals = _totals(table, source)
    if totals.any():
        findings.note(
            found=f"{counted(totals)} of totals or aggregates",
            expected="one creative per row",
            cure="They were left out; their money belongs to no creative.",
            rows=table.numbers[totals],
        )
    table = table.keep(~totals)
    nameless = _nameless(table)
    findings.left_out(
        table.numbers[nameless],
        found="no id",
        expected="the creative's id in every row",
        cure="Fill it in, or delete the row.",
        column=table.headers["creative_id"],
    )
    return table.keep(~nameless)


def _shifted(table: CanonicalTable, rows: RawRows, findings: Findings) -> None:
    findings.left_out(
        list(rows.long),
        found=f"up to {max(rows.long.values(), default=0)} cells",
        expected="no values beyond the last header",
        cure="A comma or tab inside a text has shifted the cells: put that text in quotes. " + EXPORT_AGAIN,
    )
    if rows.cut is not None:
        findings.left_out(
            [rows.cut[0]],
            found=f"a last row with {rows.cut[1]} cells",
            expected=f"{len(rows.columns)} cells: the file seems to be cut off here",
            cure="Download or copy the file again; the rows before it were read.",
        )


def _too_short(table: CanonicalTable, rows: RawRows, findings: Findings) -> Mask:
    short = np.isin(table.numbers, list(rows.short))
    findings.left_out(
        table.numbers[short],
        found=f"as few as {min(rows.short.values(), default=0)} cells",
        expected=f"{len(rows.columns)} cells, like the header",
        cure="A line break inside a text has cut these rows. " + EXPORT_AGAIN,
    )
    return short


def _blank(table: CanonicalTable) -> Mask:
    blank = np.ones(len(table), dtype=bool)
    for column in table.cells.values():
        if not blank.any():
            break
        blank &= _same(column, [""]) | ~present(column)
    return blank


def _totals(table: CanonicalTable, source: ExportLayout) -> Mask:
    totals = np.zeros(len(table), dtype=bool)
    for name in _LOOKED_AT:
        if name in table:
            words = source.not_creatives
            if name != "creative_id":
                words = tuple(word for word in words if not word.lstrip("-").isdigit())
            totals |= _same(table.cells[name], words)
    if "creative_name" in table:
        named_so = _same(table.cells["creative_name"], [*source.not_creatives, *source.aggregates])
        totals |= _nameless(table) & named_so
        totals |= _same(table.cells["creative_name"], source.aggregates)
    return totals


def _nameless(table: CanonicalTable) -> Mask:
    values, codes = distinct(table.cells["creative_id"])
    return np.array([is_missing(text_of(value)) for value in values] + [True], dtype=bool)[codes]


def _same(column: Any, texts: Iterable[str]) -> Mask:
    """Where a cell is one of the texts, compared as headers are."""
    wanted = {normal(text) for text in texts}
    values, codes = distinct(column)
    hits = np.array([normal(text_of(value)) in wanted for value in values] + [False], dtype=bool)
    return hits[codes]


def without_repeats(metrics: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """RawRows unique by KEY + PERIOD; `row` is the row number."""
    natural = [*KEY, *PERIOD]
    repeated = metrics.duplicated(natural, keep=False)
    if not repeated.any():
        return metrics
    twice = metrics[repeated]
    values = [name for name in metrics if name not in natural and name != "row"]
    groups = twice.groupby(natural, sort=False)
    codes = groups.ngroup()
    filled = twice[values].fillna(-1.0)
    firsts = filled.groupby(codes).transform("first")
    differs = filled != firsts
    torn = differs.any(axis=1).groupby(codes).transform("any")
    if torn.any():
        place = int(np.flatnonzero(differs.any(axis=1))[0])
        name = next(name for name in values if differs[name].iloc[place])
        one = twice[codes == codes.iloc[place]]
        column = one[name]
        findings.left_out(
            one["row"].tolist() + twice.loc[torn & (codes != codes.iloc[place]), "row"].tolist(),
            found=f"several rows for creative {example(one['creative_id'].iloc[0])} and one period that differ in "
            f"{name}: {column.iloc[0]:g} in row {one['row'].iloc[0]}, "
            f"{twice[name].iloc[place]:g} in row {twice['row'].iloc[place]}",
            expected="one row per creative and period",
            cure="Two exports seem to be pasted together: give them as files of their own, or split them by what makes "
            "the rows differ (account, promotion type, hour).",
        )
    extra = twice.duplicated(natural, keep="first") & ~torn
    if extra.any():
        findings.note(
            found=f"{counted(extra)} that repeat another row",
            expected="one row per creative and period",
            cure="Each was taken once.",
            rows=twice.loc[extra, "row"].to_numpy(),
        )
    gone = torn | extra
    return metrics.drop(index=gone.index[gone])


_CENT = 0.011
_PARTS = 0.021
"""Three amounts rounded to a cent each."""

_GROSS = {
    "net_gmv_cny": "gmv_cny",
    "settled_gmv_7d_cny": "gmv_cny",
    "settled_gmv_14d_cny": "gmv_cny",
    "settled_gmv_30d_cny": "gmv_cny",
    "settled_gmv_90d_cny": "gmv_cny",
    "net_orders": "orders",
}
"""Value → the value it is a part of. Platforms do count more plays than impressions, and more clicks: not here."""


def impossible(values: pd.DataFrame, numbers: Ints, headers: Mapping[str, str], findings: Findings) -> Mask:
    """RawRows with a negative value, or with more left after refunds than was sold."""
    bad = np.zeros(len(values), dtype=bool)
    for name in values:
        below = values[name].to_numpy() < 0
        if below.any():
            findings.left_out(
                numbers[below & ~bad],
                found=f"{values[name].to_numpy()[below].min():g}",
                expected="0 or more",
                cure="Corrections and refunds of the platform change past rows instead: export the file again.",
                column=headers.get(name, name),
            )
            bad |= below
    for part, whole in _GROSS.items():
        if part in values and whole in values:
            above = (values[part] > values[whole] + _CENT).to_numpy() & ~bad
            if above.any():
                place = int(np.flatnonzero(above)[0])
                findings.left_out(
                    numbers[above],
                    found=f"{values[part].iloc[place]:g}, more than {headers.get(whole, whole)} "
                    f"({values[whole].iloc[place]:g})",
                    expected=f"at most {headers.get(whole, whole)}",
                    cure="Net is what is left of gross: check whether the columns are mixed up, and export again.",
                    column=headers.get(part, part),
                )
                bad |= above
    return bad


def note_oddities(values: pd.DataFrame, numbers: Ints, findings: Findings) -> None:
    """Counts of what looks wrong and is kept as the platform gives it."""
    if {"clicks", "impressions"} <= set(values):
        more = (values["clicks"] > values["impressions"]).to_numpy()
        if more.any():
            findings.note(
                found=f"{counted(more)} with more clicks than impressions",
                expected="at most one click per impression",
                cure="They were kept: the platform does this now and then.",
                rows=numbers[more],
            )
    if {"spend_cny", "base_spend_cny", "boost_spend_cny"} <= set(values):
        rest = values["spend_cny"] - values["base_spend_cny"] - values["boost_spend_cny"]
        off = (rest.abs() > _PARTS).to_numpy()
        if off.any():
            findings.note(
                found=f"{counted(off)} whose spend is not base plus boost, by up to {rest.abs().max():.2f}",
                expected="spend = base + boost",
                cure="They were kept as they are.",
                rows=numbers[off],
            )


def tidy(values: pd.DataFrame, recovered: set[str]) -> pd.DataFrame:
    """Parts recovered from a rounded ratio, brought back to the whole they belong to."""
    clipped = values.copy()
    for part in recovered & set(_GROSS):
        whole = _GROSS[part]
        if whole in values:
            slack = np.maximum(0.01 * values[whole], _CENT if part in SUMS else 1.0 if part in COUNTS else 0.0)
            close = (values[part] > values[whole]) & (values[part] <= values[whole] + slack)
            clipped[part] = values[part].mask(close, values[whole])
    return clipped
