"""Decide which rows of a file are kept: creatives only, plausible values, one row per creative and period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from features.arrays import Mask
from features.readers.cells import ArrowColumn, distinct, is_missing, not_null, to_text
from features.readers.findings import EXPORT_AGAIN, EXPORT_AGAIN_ZH, Findings, counted, example
from features.readers.header_names import normalise_header
from features.readers.tables import CanonicalTable, RawRows, RowNumbers
from features.schema import COUNTS, KEY, PERIOD, SUMS

_TOTALS_STAND_IN = ("creative_id", "date", "hour")
"""Columns in which a total row has a name such as 合计 instead of a value."""

_CENT = 0.011
_THREE_CENTS = 0.021
"""Tolerance in CNY for a sum of three amounts, each rounded to a cent."""

_WHOLE_OF = {
    "net_gmv_cny": "gmv_cny",
    "settled_gmv_7d_cny": "gmv_cny",
    "settled_gmv_14d_cny": "gmv_cny",
    "settled_gmv_30d_cny": "gmv_cny",
    "settled_gmv_90d_cny": "gmv_cny",
    "net_orders": "orders",
}
"""Value → the value it is a part of. Platforms do count more plays than impressions, and more clicks: not listed."""


# Rows that are creatives


def creative_rows(
    table: CanonicalTable, layout: ExportLayout, rows: RawRows, *, metrics: bool, findings: Findings
) -> CanonicalTable:
    """Keep the rows about one creative each; drop blank rows, repeated headers, totals, and rows without an id.

    Args:
        table: All rows of the file.
        layout: States the names of totals and aggregates.
        rows: The same rows before selection of columns, with the rows whose cells were shifted.
        metrics: Whether the file has metrics; then rows with too few cells are dropped, too.
        findings: Collects what was dropped.
    """
    _report_shifted(table, rows, findings)
    table = table.keep(~_blank(table))
    if metrics:
        table = table.keep(~_too_short(table, rows, findings))
    repeated = _is_one_of(table.cells["creative_id"], [table.headers["creative_id"]])
    table = table.keep(~repeated)
    totals = _totals(table, layout)
    if totals.any():
        findings.note(
            found=f"{counted(totals)} of totals or aggregates",
            expected="one creative per row",
            cure="They were left out; their money belongs to no creative.",
            zh=f"{int(totals.sum())} 行是合计或汇总；应一行一个素材。已略过：这些钱不属于任何一个素材。",
            rows=table.numbers[totals],
        )
    table = table.keep(~totals)
    nameless = _without_id(table)
    findings.left_out(
        table.numbers[nameless],
        found="no id",
        expected="the creative's id in every row",
        cure="Fill it in, or delete the row.",
        zh="没有素材ID；每行都应有。处理：补上，或删掉这一行。",
        column=table.headers["creative_id"],
    )
    return table.keep(~nameless)


def _report_shifted(table: CanonicalTable, rows: RawRows, findings: Findings) -> None:
    findings.left_out(
        list(rows.long),
        found=f"up to {max(rows.long.values(), default=0)} cells",
        expected="no values beyond the last header",
        cure="A comma or tab inside a text has shifted the cells: put that text in quotes. " + EXPORT_AGAIN,
        zh=f"最多有 {max(rows.long.values(), default=0)} 格，多于表头；最后一个表头之后不应有值。"
        f"处理：文字里的逗号或制表符使格子错位，给那段文字加引号。{EXPORT_AGAIN_ZH}",
    )
    if rows.cut is not None:
        findings.left_out(
            [rows.cut[0]],
            found=f"a last row with {rows.cut[1]} cells",
            expected=f"{len(rows.columns)} cells: the file seems to be cut off here",
            cure="Download or copy the file again; the rows before it were read.",
            zh=f"最后一行只有 {rows.cut[1]} 格；应有 {len(rows.columns)} 格：文件好像在这里断了。处理："
            f"重新下载或复制；前面的行已读取。",
        )


def _too_short(table: CanonicalTable, rows: RawRows, findings: Findings) -> Mask:
    short = np.isin(table.numbers, list(rows.short))
    findings.left_out(
        table.numbers[short],
        found=f"as few as {min(rows.short.values(), default=0)} cells",
        expected=f"{len(rows.columns)} cells, like the header",
        cure="A line break inside a text has cut these rows. " + EXPORT_AGAIN,
        zh=f"最少只有 {min(rows.short.values(), default=0)} 格；应与表头一样有 {len(rows.columns)} 格。"
        f"处理：文字里的换行把行断开了。{EXPORT_AGAIN_ZH}",
    )
    return short


def _blank(table: CanonicalTable) -> Mask:
    blank = np.ones(len(table), dtype=bool)
    for column in table.cells.values():
        if not blank.any():
            break
        blank &= _is_one_of(column, [""]) | ~not_null(column)
    return blank


def _totals(table: CanonicalTable, layout: ExportLayout) -> Mask:
    totals = np.zeros(len(table), dtype=bool)
    for name in _TOTALS_STAND_IN:
        if name in table:
            names = layout.not_creatives
            if name != "creative_id":
                names = tuple(text for text in names if not text.lstrip("-").isdigit())
            totals |= _is_one_of(table.cells[name], names)
    if "creative_name" in table:
        named_so = _is_one_of(table.cells["creative_name"], [*layout.not_creatives, *layout.aggregates])
        totals |= _without_id(table) & named_so
        totals |= _is_one_of(table.cells["creative_name"], layout.aggregates)
    return totals


def _without_id(table: CanonicalTable) -> Mask:
    values, codes = distinct(table.cells["creative_id"])
    return np.array([not _is_number(value) and is_missing(to_text(value)) for value in values] + [True], dtype=bool)[
        codes
    ]


def _is_one_of(column: ArrowColumn, texts: Iterable[str]) -> Mask:
    """Return one flag per row: whether the cell is one of the texts, compared as headers are."""
    wanted = {normalise_header(text) for text in texts}
    values, codes = distinct(column)
    forms = (value if _is_number(value) else normalise_header(to_text(value)) for value in values)
    return np.array([form in wanted for form in forms] + [False], dtype=bool)[codes]


def _is_number(value: object) -> bool:
    """Whether a cell is text of digits, as nearly all ids are: nothing about it has to be normalised."""
    return isinstance(value, str) and value.isascii() and value.isdigit()


# Values that are plausible


def impossible(values: pd.DataFrame, numbers: RowNumbers, headers: Mapping[str, str], findings: Findings) -> Mask:
    """Flag rows with a negative value, or with a larger net than gross value.

    Args:
        values: Value columns, one row per row of the file.
        numbers: Row numbers.
        headers: Canonical name → header in the file.
        findings: Collects the flagged rows.
    """
    bad = np.zeros(len(values), dtype=bool)
    for name in map(str, values):
        below = values[name].to_numpy() < 0
        if below.any():
            findings.left_out(
                numbers[below & ~bad],
                found=f"{values[name].to_numpy()[below].min():g}",
                expected="0 or more",
                cure="Corrections and refunds of the platform change past rows instead: export the file again.",
                zh=f"有负数 {values[name].to_numpy()[below].min():g}；应为 0 或以上。处理："
                f"平台的更正和退款改的是过去的行，请重新导出。",
                column=headers.get(name, name),
            )
            bad |= below
    for part, whole in _WHOLE_OF.items():
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
                    zh=f"{values[part].iloc[place]:g}，多于{headers.get(whole, whole)}（"
                    f"{values[whole].iloc[place]:g}）；净额不应多于总额。"
                    "处理：检查列是否弄混，重新导出。",
                    column=headers.get(part, part),
                )
                bad |= above
    return bad


def note_oddities(values: pd.DataFrame, numbers: RowNumbers, findings: Findings) -> None:
    """Note rows with more clicks than impressions, or whose spend is not base plus boost; they are kept."""
    if {"clicks", "impressions"} <= set(values):
        more = (values["clicks"] > values["impressions"]).to_numpy()
        if more.any():
            findings.note(
                found=f"{counted(more)} with more clicks than impressions",
                expected="at most one click per impression",
                cure="They were kept: the platform does this now and then.",
                zh=f"{int(more.sum())} 行的点击多于展现；每次展现最多一次点击。已保留：平台偶尔这样。",
                rows=numbers[more],
            )
    if {"spend_cny", "base_spend_cny", "boost_spend_cny"} <= set(values):
        rest = values["spend_cny"] - values["base_spend_cny"] - values["boost_spend_cny"]
        off = (rest.abs() > _THREE_CENTS).to_numpy()
        if off.any():
            findings.note(
                found=f"{counted(off)} whose spend is not base plus boost, by up to {rest.abs().max():.2f}",
                expected="spend = base + boost",
                cure="They were kept as they are.",
                zh=f"{int(off.sum())} 行的消耗不等于基础消耗加追投，最多差 {rest.abs().max():.2f}。已照原样保留。",
                rows=numbers[off],
            )


def clip_recovered(values: pd.DataFrame, recovered: set[str]) -> pd.DataFrame:
    """Clip values recovered from a rounded ratio to the value they are part of, within the rounding error."""
    clipped = values.copy()
    for part in recovered & set(_WHOLE_OF):
        whole = _WHOLE_OF[part]
        if whole in values:
            slack = np.maximum(0.01 * values[whole], _CENT if part in SUMS else 1.0 if part in COUNTS else 0.0)
            close = (values[part] > values[whole]) & (values[part] <= values[whole] + slack)
            clipped[part] = values[part].mask(close, values[whole])
    return clipped


# One row per creative and period


def without_repeats(metrics: pd.DataFrame, findings: Findings) -> pd.DataFrame:
    """Keep one of several equal rows with the same KEY and PERIOD; drop all of several that differ.

    Args:
        metrics: KEY, PERIOD, `row` (row number in the file) and value columns.
        findings: Collects what was dropped.
    """
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
    conflicting = differs.any(axis=1).groupby(codes).transform("any")
    if conflicting.any():
        place = int(np.flatnonzero(differs.any(axis=1))[0])
        name = next(name for name in values if differs[name].iloc[place])
        one = twice[codes == codes.iloc[place]]
        column = one[name]
        findings.left_out(
            one["row"].tolist() + twice.loc[conflicting & (codes != codes.iloc[place]), "row"].tolist(),
            found=f"several rows for creative {example(one['creative_id'].iloc[0])} and one period that differ in "
            f"{name}: {column.iloc[0]:g} in row {one['row'].iloc[0]}, "
            f"{twice[name].iloc[place]:g} in row {twice['row'].iloc[place]}",
            expected="one row per creative and period",
            cure="Two exports seem to be pasted together: give them as files of their own, or split them by what makes "
            "the rows differ (account, promotion type, hour).",
            zh=f"素材 {example(one['creative_id'].iloc[0])} 同一时间有多行，{name} 不同：第 {one['row'].iloc[0]} 行 "
            f"{column.iloc[0]:g}，第 {twice['row'].iloc[place]} 行 {twice[name].iloc[place]:g}；"
            f"应一个素材、一个时间一行。"
            "处理：好像把两份导出粘在一起了：分成两个文件，或按不同之处（账户、推广方式、小时）拆开。",
        )
    extra = twice.duplicated(natural, keep="first") & ~conflicting
    if extra.any():
        findings.note(
            found=f"{counted(extra.to_numpy())} that repeat another row",
            expected="one row per creative and period",
            cure="Each was taken once.",
            zh=f"{int(extra.sum())} 行与其他行重复；应一个素材、一个时间一行。各取一次。",
            rows=twice.loc[extra, "row"].to_numpy(),
        )
    dropped = conflicting | extra
    return metrics.drop(index=dropped.index[dropped])
