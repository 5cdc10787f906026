"""The KEY of every row: promotion type, account and creative."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from features.arrays import Mask
from features.readers.cells import LOST_ID_CURE, LOST_ID_CURE_ZH, ArrowColumn, distinct, not_null, parse_ids, to_text
from features.readers.findings import Findings, example
from features.readers.header_names import header_places, normalise_header
from features.readers.headers import promotion_type_of_file
from features.readers.names_of_files import account_in_folder
from features.readers.tables import CanonicalTable
from features.schema import ANY, KEY

UNNAMED = "unnamed"
"""Account of metrics for which no account is known."""
NO_ACCOUNT = "no account"
"""Found where that is so."""


def keyed(
    table: CanonicalTable,
    layout: ExportLayout,
    header: Sequence[str],
    path: Path,
    *,
    metrics: bool,
    findings: Findings,
) -> tuple[CanonicalTable, pd.DataFrame]:
    """Return the rows with a complete key, and the KEY columns of the same rows.

    Args:
        table: The creative rows of a file.
        layout: Its layout.
        header: Its header row; headers can determine the promotion type.
        path: Its name; the folder can determine the account, the file name the promotion type.
        metrics: Whether the file has metrics. If not (a tag sheet), a missing account or promotion type is ANY.
        findings: Collects the rows that are left out.

    Raises:
        UnusableFile: The promotion type of metrics is unknown, or the file has impressions of both.
    """
    bad = np.zeros(len(table), dtype=bool)
    ids: dict[str, ArrowColumn] = {}
    for name in ("creative_id", "account_id"):
        if name not in table:
            continue
        parsed = parse_ids(table.cells[name])
        ids[name] = parsed.values
        lost = parsed.lost & ~bad
        if lost.any():
            findings.left_out(
                table.numbers[lost],
                found=f"ids that lost digits, such as {example(table.text_at(name, int(np.flatnonzero(lost)[0])))}",
                expected="the whole id as text",
                cure=LOST_ID_CURE,
                zh=f"ID 丢了数字，例如 {example(table.text_at(name, int(np.flatnonzero(lost)[0])))}；"
                f"应为文本形式的完整ID。"
                f"处理：{LOST_ID_CURE_ZH}",
                column=table.headers[name],
            )
        bad |= lost
    promotion, unknown = _promotion_types(table, layout, header, path, metrics=metrics, findings=findings)
    unknown &= ~bad
    bad |= unknown
    if unknown.any():
        findings.left_out(
            table.numbers[unknown],
            found=example(table.text_at("promotion_type", int(np.flatnonzero(unknown)[0]))),
            expected=f"one of {', '.join(layout.promotion_type.values)}",
            cure=f"Correct the cell, or {findings.surface.value.en}.",
            zh=f"推广方式不认识：{example(table.text_at('promotion_type', int(np.flatnonzero(unknown)[0])))}；"
            f"应为 {'、'.join(layout.promotion_type.values)} 之一。"
            f"处理：改正，或{findings.surface.value.zh}。",
            column=table.headers["promotion_type"],
        )
    default = _default_account(layout, path, metrics=metrics)
    accounts = pd.Series([default] * len(table), dtype="str")
    if "account_id" in ids:
        given = _text_series(ids["account_id"])
        accounts = given.where(given.notna(), accounts)
    if metrics and (accounts[~bad] == UNNAMED).any():
        findings.note(
            found=NO_ACCOUNT,
            expected="an account id in a column, in the source config, or as the name of the folder",
            cure="Each creative gets the account that the tag sheet or other exports give for its id, else "
            f"“{UNNAMED}”. To name it, put the files of each account in a folder named by its id (all digits) or "
            "“账户-<name>”; a tag sheet with accounts has to write the same.",
            zh=f"没有账户；应在列里、来源配置里或文件夹名里有账户ID。每个素材按标签表或其他导出中的账户归户，都没有则记为“{UNNAMED}”。"
            "要写明账户：把每个账户的文件放进以账户ID（全数字）或“账户-<名称>”命名的文件夹；标签表写了账户的，两处要一样。",
        )
    keys = pd.DataFrame(
        {"promotion_type": promotion, "account_id": accounts, "creative_id": _text_series(ids["creative_id"])}
    )[KEY].astype("str")
    bad |= keys["creative_id"].isna().to_numpy()
    return table.keep(~bad), keys[~bad].reset_index(drop=True)


def _text_series(values: ArrowColumn) -> pd.Series:
    return pd.Series(values.to_pandas(), dtype="str").reset_index(drop=True)


def _default_account(layout: ExportLayout, path: Path, *, metrics: bool) -> str:
    if "account_id" in layout.constants:
        return layout.constants["account_id"]
    if not metrics:
        return ANY
    return account_in_folder(path) or UNNAMED


def _promotion_types(
    table: CanonicalTable,
    layout: ExportLayout,
    header: Sequence[str],
    path: Path,
    *,
    metrics: bool,
    findings: Findings,
) -> tuple[pd.Series, Mask]:
    """Return the promotion type of each row, and one flag per row: the cell names an unknown one."""
    rules = layout.promotion_type
    _refuse_both_types(layout, header_places(header), findings)
    default = promotion_type_of_file(layout, header, path)
    unknown = np.zeros(len(table), dtype=bool)
    types = np.full(len(table), default, dtype=object)
    if "promotion_type" in table:
        named = {normalise_header(text): promotion_type for text, promotion_type in rules.values.items()}
        column = table.cells["promotion_type"]
        values, codes = distinct(column)
        forms = [normalise_header(to_text(value)) for value in values]
        empty = np.array([form in ("", "-", "--") for form in forms] + [True])[codes] | ~not_null(column)
        stated = np.array([named.get(form, "") for form in forms] + [""], dtype=object)[codes]
        unknown = ~empty & (stated == "")
        types = np.where(empty, types, stated)
    if metrics and len(types) and ((types == ANY) & ~unknown).any():
        raise findings.unusable(
            found="no sign of the promotion type",
            expected=f"a header such as {', '.join(h for rule in rules.by_header for h in rule.any) or '推广方式'}"
            + (f", or {' or '.join(rules.by_file_name)} in the file's name" if rules.by_file_name else ""),
            cure="Add the impressions column to the export, or put the promotion type in the file's name; live and "
            "product rows have other denominators and are never mixed.",
            zh=f"看不出推广方式；应有 {'、'.join(h for rule in rules.by_header for h in rule.any) or '推广方式'} 等表头"
            + (f"，或文件名里有 {' 或 '.join(rules.by_file_name)}" if rules.by_file_name else "")
            + "。处理：导出时加上展现次数列，或把推广方式写进文件名；推直播和推商品的分母不同，不能混在一起。",
        )
    return pd.Series(types, dtype="str"), unknown


def _refuse_both_types(layout: ExportLayout, found: Mapping[str, object], findings: Findings) -> None:
    """Raise UnusableFile for a file with impressions of two promotion types: its rows cannot be assigned to one."""
    impressions = layout.columns.get("impressions")
    counted = {normalise_header(name) for name in impressions.headers} if impressions else set()
    both = {
        rule.then: name
        for rule in layout.promotion_type.by_header
        for name in rule.any
        if normalise_header(name) in counted and normalise_header(name) in found
    }
    if len(both) > 1:
        raise findings.unusable(
            found=f"impressions of several promotion types ({', '.join(both.values())}) in one file",
            expected="one promotion type per file",
            cure="Export the two separately: their rows and rates are not comparable.",
            zh=f"一个文件里有几种推广方式的展现（{'、'.join(both.values())}）；应一个文件一种。处理：分开导出："
            f"两者的行和比率不可比。",
        )
