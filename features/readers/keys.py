"""Whose row is it? Promotion type, account and creative of every row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs.export_layout import ExportLayout
from features.readers.cells import LOST_ID_CURE, distinct, parse_ids, present, text_of
from features.readers.findings import Findings, example
from features.readers.layouts import normal, places
from features.readers.tables import CanonicalTable
from features.schema import ANY, KEY

UNNAMED = "unnamed"

_ACCOUNT_FOLDER = re.compile(r"(\d{6,})|(?:账户|account)[-_=](.+)", re.IGNORECASE)


def keyed(
    table: CanonicalTable, source: ExportLayout, cells: Sequence[str], path: Path, *, metrics: bool, findings: Findings
) -> tuple[CanonicalTable, pd.DataFrame]:
    """The rows whose ids are whole, and their KEY columns."""
    bad = np.zeros(len(table), dtype=bool)
    ids: dict[str, Any] = {}
    for name in ("creative_id", "account_id"):
        if name not in table:
            continue
        parsed = parse_ids(table.cells[name])
        ids[name] = parsed.values
        lost = parsed.lost & ~bad
        if lost.any():
            findings.left_out(
                table.numbers[lost],
                found=f"ids that lost digits, such as {example(table.shown(name, int(np.flatnonzero(lost)[0])))}",
                expected="the whole id as text",
                cure=LOST_ID_CURE,
                column=table.headers[name],
            )
        bad |= lost
    promotion, unknown = _promotion_types(table, source, cells, path, metrics=metrics, findings=findings)
    unknown &= ~bad
    bad |= unknown
    if unknown.any():
        findings.left_out(
            table.numbers[unknown],
            found=example(table.shown("promotion_type", int(np.flatnonzero(unknown)[0]))),
            expected=f"one of {', '.join(source.promotion_type.values)}",
            cure="Correct the cell, or name this value under promotion_type.values of the source config.",
            column=table.headers["promotion_type"],
        )
    default = _account(source, path, metrics=metrics)
    accounts = pd.Series([default] * len(table), dtype="str")
    if "account_id" in ids:
        given = _text_series(ids["account_id"])
        accounts = given.where(given.notna(), accounts)
    if metrics and (accounts[~bad] == UNNAMED).any():
        findings.note(
            found=f"no account; it is called “{UNNAMED}”",
            expected="an account id in a column, in the source config, or as the name of the folder",
            cure="Put the files of each account in a folder named by its id (all digits) or “账户-<name>”.",
        )
    keys = pd.DataFrame(
        {"promotion_type": promotion, "account_id": accounts, "creative_id": _text_series(ids["creative_id"])}
    )[KEY].astype("str")
    bad |= keys["creative_id"].isna().to_numpy()
    return table.keep(~bad), keys[~bad].reset_index(drop=True)


def _text_series(values: Any) -> pd.Series:
    return pd.Series(values.to_pandas(), dtype="str").reset_index(drop=True)


def _account(source: ExportLayout, path: Path, *, metrics: bool) -> str:
    if "account_id" in source.constants:
        return source.constants["account_id"]
    if not metrics:
        return ANY
    found = _ACCOUNT_FOLDER.fullmatch(path.absolute().parent.name)
    return (found[1] or found[2]) if found else UNNAMED


def _promotion_types(
    table: CanonicalTable, source: ExportLayout, cells: Sequence[str], path: Path, *, metrics: bool, findings: Findings
) -> tuple[pd.Series, np.ndarray[Any, np.dtype[np.bool_]]]:
    """The promotion type of each row, and where a cell names one that is not known."""
    rules = source.promotion_type
    default = _file_promotion_type(source, cells, path, findings)
    unknown = np.zeros(len(table), dtype=bool)
    types = np.full(len(table), default, dtype=object)
    if "promotion_type" in table:
        named = {normal(text): kind for text, kind in rules.values.items()}
        column = table.cells["promotion_type"]
        values, codes = distinct(column)
        forms = [normal(text_of(value)) for value in values]
        empty = np.array([form in ("", "-", "--") for form in forms] + [True])[codes] | ~present(column)
        kinds = np.array([named.get(form, "") for form in forms] + [""], dtype=object)[codes]
        unknown = ~empty & (kinds == "")
        types = np.where(empty, types, kinds)
    if metrics and len(types) and ((types == ANY) & ~unknown).any():
        raise findings.unusable(
            found="no sign of the promotion type",
            expected=f"a header such as {', '.join(h for rule in rules.by_header for h in rule.any) or '推广方式'}"
            + (f", or {' or '.join(rules.by_file_name)} in the file's name" if rules.by_file_name else ""),
            cure="Add the impressions column to the export, or put the promotion type in the file's name; live and "
            "product rows have other denominators and are never mixed.",
        )
    return pd.Series(types, dtype="str"), unknown


def _one_side(source: ExportLayout, found: Mapping[str, object], findings: Findings) -> None:
    """Refuses a file with the impressions of two promotion types: which rows are whose cannot be told."""
    shown = (
        {normal(header) for header in source.columns["impressions"].headers} if "impressions" in source.columns else ()
    )
    sides = {
        rule.then: header
        for rule in source.promotion_type.by_header
        for header in rule.any
        if normal(header) in shown and normal(header) in found
    }
    if len(sides) > 1:
        raise findings.unusable(
            found=f"impressions of several promotion types ({', '.join(sides.values())}) in one file",
            expected="one promotion type per file",
            cure="Export the two separately: their rows and rates are not comparable.",
        )


def _file_promotion_type(source: ExportLayout, cells: Sequence[str], path: Path, findings: Findings) -> str:
    rules = source.promotion_type
    found = places(cells)
    _one_side(source, found, findings)
    for rule in rules.by_header:
        if any(normal(header) in found for header in rule.any):
            return rule.then
    for part, kind in rules.by_file_name.items():
        if part in path.name:
            return kind
    return rules.constant or source.constants.get("promotion_type", ANY)
