"""Whether metrics, tag sheet and accounts fit together: counts of the store, and faults that must stop a training run.

A sheet that joins nothing is easily overlooked, because a model can be trained without it, only a worse one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from configs.export_layout import ExportLayout
from configs.settings import Settings
from features.attributes import KEY_LABELS
from features.bilingual import Words, series
from features.errors import InputError
from features.readers.keys import UNNAMED
from features.readers.layouts import load_layouts
from features.schema import ANY
from features.store.accounts import AccountsFound, UnclearAccount, accounts_found, likely_accounts, unclear_accounts
from features.store.duckdb_store import Store

LEAST_MATCHED = 0.5
"""Share of the ids of the sheet that must find metrics, and of the creatives with metrics that must stand in it."""

EXAMPLES = 3
FILES_SHOWN = 3

# A sheet row without account or promotion type holds wherever its creative runs.
_MATCH = f"""
WITH sheet AS (
    SELECT DISTINCT promotion_type, account_id, creative_id FROM named_attributes WHERE origin = 'sheet'
), units AS (
    SELECT DISTINCT promotion_type, account_id, creative_id FROM named_metrics
), pairs AS (
    SELECT s.creative_id, u.promotion_type, u.account_id FROM sheet s JOIN units u
    ON u.creative_id = s.creative_id AND s.account_id IN ('{ANY}', u.account_id)
    AND s.promotion_type IN ('{ANY}', u.promotion_type)
), lone_ids AS (
    SELECT DISTINCT creative_id FROM sheet WHERE creative_id NOT IN (SELECT creative_id FROM pairs)
), lone_units AS (
    SELECT * FROM units u ANTI JOIN pairs p
    ON p.promotion_type = u.promotion_type AND p.account_id = u.account_id AND p.creative_id = u.creative_id
), elsewhere AS (
    SELECT s.creative_id, any_value(s.promotion_type) AS sheet_type, any_value(s.account_id) AS sheet_account,
           any_value(u.promotion_type) AS export_type, any_value(u.account_id) AS export_account
    FROM lone_ids l JOIN sheet s USING (creative_id) JOIN units u USING (creative_id) GROUP BY s.creative_id
)
SELECT (SELECT count(DISTINCT creative_id) FROM sheet) AS sheet_ids,
       (SELECT count(*) FROM lone_ids) AS lone_ids,
       (SELECT count(*) FROM units) AS creatives,
       (SELECT count(*) FROM lone_units) AS lone_creatives,
       (SELECT count(*) FROM elsewhere) AS ids_elsewhere,
       (SELECT list(creative_id ORDER BY creative_id)[:{EXAMPLES}] FROM lone_ids) AS lone_id_examples,
       (SELECT list(DISTINCT creative_id ORDER BY creative_id)[:{EXAMPLES}] FROM lone_units) AS lone_creative_examples,
       (SELECT list([creative_id, sheet_type, sheet_account, export_type, export_account] ORDER BY creative_id)[:1]
        FROM elsewhere) AS elsewhere_example
"""
_SHEETS = """
SELECT path, source, rejected FROM files f
WHERE NOT EXISTS (SELECT 1 FROM files n WHERE n.path = f.path AND n.file_id > f.file_id) ORDER BY file_id
"""
"""Files in the order of imports; of one that was saved anew, the newest version alone."""


@dataclass(frozen=True)
class SheetMatch:
    """How the rows of the tag sheets and the creatives with metrics match.

    Attributes:
        sheet_ids: Creative ids that sheets list.
        lone_ids: Those without metrics.
        creatives: Creatives with metrics.
        lone_creatives: Those that no sheet lists.
        ids_elsewhere: Ids without a match whose metrics stand under another account or promotion type.
        lone_id_examples, lone_creative_examples: Up to EXAMPLES ids.
        elsewhere_example: Id, promotion type and account in the sheet, promotion type and account in the exports.
        rejected_rows: Rows of sheets that could not be read.
        sheets: Names of the sheets' files.
    """

    sheet_ids: int
    lone_ids: int
    creatives: int
    lone_creatives: int
    ids_elsewhere: int
    lone_id_examples: tuple[str, ...]
    lone_creative_examples: tuple[str, ...]
    elsewhere_example: tuple[str, ...]
    rejected_rows: int
    sheets: tuple[str, ...]

    @property
    def offered(self) -> int:
        """Rows that the sheets offer: ids that were read, and rows that could not be."""
        return self.sheet_ids + self.rejected_rows

    @property
    def ids_matched(self) -> int:
        """Ids of the sheets that have metrics."""
        return self.sheet_ids - self.lone_ids

    @property
    def creatives_matched(self) -> int:
        """Creatives with metrics that a sheet lists."""
        return self.creatives - self.lone_creatives


@dataclass(frozen=True)
class Joins:
    """How the parts of a store fit together."""

    match: SheetMatch
    accounts: AccountsFound
    unclear: tuple[UnclearAccount, ...]
    likely: Mapping[str, str]
    """File without account → the account of most of its creatives that are known."""

    @property
    def account_fault(self) -> Words | None:
        """State for which creatives an account is needed; None if for none."""
        return _account_fault(self.unclear, self.likely) if self.unclear else None

    @property
    def tag_fault(self) -> Words | None:
        """State why the sheet does not join; None if it does, or if there is none."""
        match = self.match
        if not match.offered or not match.creatives:
            return None
        of_sheet, of_metrics = match.ids_matched / match.offered, match.creatives_matched / match.creatives
        return None if min(of_sheet, of_metrics) >= LEAST_MATCHED else _tag_fault(match)

    def faults(self, *, without_tags: bool) -> list[Words]:
        """State everything that stops a run; a sheet that does not join stops none that goes on `without_tags`."""
        found = [self.account_fault, None if without_tags else self.tag_fault]
        return [fault for fault in found if fault]


def refuse_lost_joins(store: Store, settings: Settings, *, without_tags: bool) -> None:
    """Raise where metrics, accounts and the tag sheet do not fit together.

    Args:
        store: The store that holds the data.
        settings: Of the run.
        without_tags: Go on where the tag sheet does not join.

    Raises:
        InputError: An account is needed, or the sheet does not join.
    """
    found = joins_of(store, settings).faults(without_tags=without_tags)
    if found:
        raise InputError("\n".join(fault.en for fault in found), zh="\n".join(fault.zh for fault in found))


def joins_of(store: Store, settings: Settings) -> Joins:
    """Count what joins in a store."""
    row = store.select(_MATCH).to_dict("records")[0]
    sheet_layouts = {layout.name for layout in load_layouts(settings) if is_sheet(layout)}
    files = store.select(_SHEETS)
    sheets = files[files["source"].isin(sheet_layouts)]
    elsewhere = _listed(row["elsewhere_example"])
    match = SheetMatch(
        sheet_ids=int(row["sheet_ids"]),
        lone_ids=int(row["lone_ids"]),
        creatives=int(row["creatives"]),
        lone_creatives=int(row["lone_creatives"]),
        ids_elsewhere=int(row["ids_elsewhere"]),
        lone_id_examples=tuple(map(str, _listed(row["lone_id_examples"]))),
        lone_creative_examples=tuple(map(str, _listed(row["lone_creative_examples"]))),
        elsewhere_example=tuple(map(str, _listed(elsewhere[0]))) if elsewhere else (),
        rejected_rows=int(sheets["rejected"].sum()),
        sheets=tuple(map(str, sheets["path"])),
    )
    return Joins(match, accounts_found(store), tuple(unclear_accounts(store)), likely_accounts(store))


def is_sheet(layout: ExportLayout) -> bool:
    """Whether files of this layout are the team's own sheets."""
    return layout.origin == "sheet"


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | np.ndarray) else []


def _account_fault(unclear: Sequence[UnclearAccount], likely: Mapping[str, str]) -> Words:
    examples = [(one.creative_id, " / ".join(one.accounts)) for one in unclear[:EXAMPLES]]
    ids = "、".join(f"{creative}（{accounts}）" for creative, accounts in examples)
    ids_en = ", ".join(f"{creative} ({accounts})" for creative, accounts in examples)
    files = sorted({file for one in unclear for file in one.files})
    named = [f"{file} → {likely.get(file, '?')}/" for file in files]
    listed = [*named[:FILES_SHOWN], *(["…"] if len(named) > FILES_SHOWN else [])]
    by_sheet = unclear[0].given_by == "sheet"
    return Words(
        f"{len(unclear):,} 个素材的账户不明：导出文件没有账户列，而{'标签表' if by_sheet else '其他导出文件'}"
        f"中同一素材ID属于多个账户，例如 {ids}。"
        f"处理：把每个账户的导出文件放进以账户ID命名的文件夹（从各文件的其他素材看，应为：{'；'.join(listed)}），"
        "或在导出时加上“账户ID”列。",
        f"{len(unclear):,} creatives whose account is not known: found exports without an account column, and "
        f"{'the tag sheet' if by_sheet else 'other exports'} with several accounts for the same id, such as {ids_en}; "
        "expected one account. Put the exports of each account in a folder named by the account's id (judging by the "
        f"other creatives of each file: {'; '.join(listed)}), or add the column 账户ID to the export.",
    )


def _tag_fault(match: SheetMatch) -> Words:
    sheets = series(match.sheets[:EXAMPLES])
    without, untagged = series(match.lone_id_examples or "–"), series(match.lone_creative_examples or "–")
    why = _elsewhere(match)
    lost = Words("", "")
    if match.rejected_rows:
        lost = Words(
            f"另有 {match.rejected_rows:,} 行读不出来（哪些、为什么：make doctor）。",
            f" {match.rejected_rows:,} more rows of it could not be read (which and why: make doctor).",
        )
    return Words(
        f"标签表对不上：表中 {match.sheet_ids:,} 个素材ID只有 {match.ids_matched:,} 个有数据，"
        f"{match.creatives:,} 个有数据的素材只有 {match.creatives_matched:,} 个在表中；两边都应至少一半。{lost.zh}"
        f"表中没有数据的ID：{without.zh}。不在表中的素材：{untagged.zh}。文件：{sheets.zh}。{why.zh}"
        "处理：核对两边是否同一账户、同一时间段，素材ID是否完整（不要用Excel打开过）。"
        "确实如此，就加 WITHOUT_TAGS=1（命令行 --without-tags）继续。",
        f"The tag sheet does not join: found metrics for {match.ids_matched:,} of its {match.sheet_ids:,} ids, and "
        f"{match.creatives_matched:,} of {match.creatives:,} creatives with metrics in it; expected at least half of "
        f"both.{lost.en} Ids without metrics: {without.en}. Creatives that it lacks: {untagged.en}. Files: "
        f"{sheets.en}. {why.en}"
        "Check that both are of the same accounts and days and that the ids are whole (never opened in a spreadsheet). "
        "If it is meant so, go on with WITHOUT_TAGS=1 (on the command line: --without-tags).",
    )


def _elsewhere(match: SheetMatch) -> Words:
    """State that the ids are the same, but not the account or the promotion type."""
    if not match.elsewhere_example:
        return Words("", "")
    creative, sheet_type, sheet_account, export_type, export_account = match.elsewhere_example
    differs = "promotion_type" if sheet_account in (ANY, export_account) else "account_id"
    stated, found = (sheet_type, export_type) if differs == "promotion_type" else (sheet_account, export_account)
    label, unnamed = KEY_LABELS[differs], "（无）" if found == UNNAMED else found
    cure = Words("", "")
    if differs == "account_id":
        cure = Words(
            f"是同一个账户，就把它的导出放进以表中的写法命名的文件夹（{stated}）。",
            f"If it is one account, put its exports into a folder that is named as in the sheet ({stated}). ",
        )
    return Words(
        f"其中 {match.ids_elsewhere:,} 个ID两边都有，但{label.zh}不同，"
        f"例如 {creative}：表中 {stated}，导出文件 {unnamed}。{cure.zh}",
        f"{match.ids_elsewhere:,} of these ids are on both sides under another {label.en}, such as {creative}: "
        f"{stated} in the sheet, {found} in the exports. {cure.en}",
    )
