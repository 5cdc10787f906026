"""A tag sheet that does not join its metrics is an error that names ids of both sides and the cure."""

from pathlib import Path

import pytest

from configs.settings import Settings
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.joins import joins_of

A, B = "1703721944119861", "1877033310922977"
IDS = [f"74012345678901234{place:02}" for place in range(10)]
OTHERS = [f"75012345678901234{place:02}" for place in range(10)]


@pytest.fixture
def joined(tmp_path):
    """Function from the ids of an export, its account, and the rows of a sheet (id, account) to the joins."""

    def join(ids: list[str], account: str, rows: list[tuple[str, str]], promotion: str = "推直播"):
        folder = tmp_path / account
        folder.mkdir(exist_ok=True)
        lines = [f"{creative},2025-07-01,12.50,1000,99.00" for creative in ids]
        header = "素材ID,日期,整体消耗,整体展现次数,整体成交金额"
        (folder / "全域推广数据.csv").write_text("\n".join([header, *lines, ""]), encoding="gbk")
        files = [folder / "全域推广数据.csv"]
        if rows:
            lines = [f"{creative},{stated},{promotion},悬念" for creative, stated in rows]
            sheet = tmp_path / "标签.csv"
            sheet.write_text("\n".join(["素材ID,账户ID,推广方式,开头类型", *lines, ""]), encoding="utf-8")
            files.append(sheet)
        with open_store(Path(tmp_path) / "store.duckdb") as store:
            ingest(store, files, Settings())
            return joins_of(store, Settings())

    return join


def test_a_sheet_that_joins_is_counted_and_no_fault(joined) -> None:
    joins = joined(IDS[:4], A, [(creative, A) for creative in [*IDS[:3], OTHERS[0]]])
    match = joins.match
    assert (match.sheet_ids, match.ids_matched, match.creatives, match.creatives_matched) == (4, 3, 4, 3)
    assert joins.tag_fault is None
    assert joins.account_fault is None


@pytest.mark.parametrize(
    ("ids", "listed"),
    [(IDS[:4], [IDS[0], *OTHERS[:4]]), (IDS, IDS[:4])],
    ids=["ids without metrics", "creatives without a row"],
)
def test_less_than_half_on_either_side_is_a_fault_with_ids_of_both(joined, ids, listed) -> None:
    joins = joined(ids, A, [(creative, A) for creative in listed])
    for text in joins.tag_fault:
        for creative in joins.match.lone_id_examples + joins.match.lone_creative_examples:
            assert creative in text
        assert "WITHOUT_TAGS=1" in text
        assert "标签.csv" in text
    assert len(joins.match.lone_creative_examples) == 3


def test_ids_that_match_under_another_account_are_said_to(joined) -> None:
    joins = joined(IDS[:2], A, [(creative, B) for creative in IDS[:2]])
    assert joins.match.ids_elsewhere == 2
    assert "account" in joins.tag_fault.en
    assert f"{B} in the sheet, {A} in the exports" in joins.tag_fault.en
    assert f"表中 {B}，导出文件 {A}。是同一个账户，就把它的导出放进" in joins.tag_fault.zh


def test_ids_that_match_under_another_promotion_type_are_said_to(joined) -> None:
    joins = joined(IDS[:2], A, [(creative, A) for creative in IDS[:2]], promotion="推商品")
    assert "product in the sheet, live in the exports" in joins.tag_fault.en
    assert "folder" not in joins.tag_fault.en


def test_a_sheet_whose_ids_a_spreadsheet_destroyed_is_a_fault_though_no_row_of_it_was_read(joined) -> None:
    joins = joined(IDS[:2], A, [("7.40123E+18", A), ("7.40123E+18", A)])
    assert (joins.match.sheet_ids, joins.match.rejected_rows) == (0, 2)
    assert "2 more rows of it could not be read" in joins.tag_fault.en


def test_without_a_sheet_there_is_no_fault(joined) -> None:
    assert joined(IDS[:2], A, []).tag_fault is None


def test_an_id_in_two_accounts_is_a_fault_that_says_which_folder_each_file_belongs_to(joined, tmp_path) -> None:
    joins = joined(IDS[:3], "七月", [(IDS[0], A), (IDS[0], B), (IDS[1], A), (IDS[2], A)])
    assert f"{IDS[0]}（{A} / {B}）" in joins.account_fault.zh
    assert f"{IDS[0]} ({A} / {B})" in joins.account_fault.en
    for text in joins.account_fault:
        assert f"全域推广数据.csv → {A}/" in text
