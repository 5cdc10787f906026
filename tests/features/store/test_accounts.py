"""Exports without an account get that of the tag sheet, or of other exports; where several are given, none."""

from pathlib import Path

import pytest

from configs.settings import Settings
from features.readers.keys import UNNAMED
from features.store.accounts import accounts_found, likely_accounts, unclear_accounts
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load

A, B = "1703721944119861", "1877033310922977"
IDS = [f"74012345678901234{place:02}" for place in range(10)]
HEADER = "素材ID,素材视频名称,日期,整体消耗,整体展现次数,整体成交订单数,整体成交金额"


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "exports"
    path.mkdir()
    return path


def export(path: Path, ids: list[str], *, impressions: int = 1000, day: str = "2025-07-01") -> Path:
    """A daily export of 推直播 without a column of accounts."""
    path.parent.mkdir(exist_ok=True)
    rows = [f"{creative},成片.mp4,{day},12.50,{impressions},2,99.00" for creative in ids]
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="gbk")
    return path


def sheet(path: Path, rows: list[tuple[str, str]]) -> Path:
    """A tag sheet of (creative, account)."""
    lines = [f"{creative},{account},推直播,悬念" for creative, account in rows]
    path.write_text("\n".join(["素材ID,账户ID,推广方式,开头类型", *lines, ""]), encoding="utf-8-sig")
    return path


def accounts_of(store) -> dict[str, list[str]]:
    metrics = load(store, Settings()).metrics
    return metrics.groupby("creative_id")["account_id"].unique().map(sorted).to_dict()


def test_metrics_without_account_take_that_of_the_sheet_and_its_tags(store, folder) -> None:
    """Seen with real exports: each creative stood twice, once with metrics, once with tags."""
    export(folder / "全域推广数据.csv", IDS[:4])
    sheet(folder / "标签.csv", [(IDS[0], A), (IDS[1], A), (IDS[2], B), (IDS[3], B)])
    ingest(store, [folder], Settings())
    loaded = load(store, Settings())
    assert accounts_of(store) == {IDS[0]: [A], IDS[1]: [A], IDS[2]: [B], IDS[3]: [B]}
    assert len(loaded.creatives) == 4
    assert loaded.creatives["tag_hook"].tolist() == ["悬念"] * 4
    assert loaded.creatives["creative_name"].tolist() == ["成片.mp4"] * 4
    found = accounts_found(store)
    assert (found.by_sheet, found.by_exports, found.unknown) == (4, 0, 0)


def test_the_sheet_may_come_after_the_metrics_or_in_another_import(store, folder) -> None:
    export(folder / "全域推广数据.csv", IDS[:1])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [UNNAMED]}
    sheet(folder / "标签.csv", [(IDS[0], A)])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [A]}


def test_where_the_sheet_has_no_account_for_an_id_other_exports_give_it(store, folder) -> None:
    export(folder / "全域推广数据.csv", IDS[:2])
    export(folder / B / "全域推广数据.csv", IDS[:1], day="2025-07-02")
    sheet(folder / "标签.csv", [(IDS[1], A)])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [B], IDS[1]: [A]}


def test_of_one_day_with_and_without_account_the_newer_file_stands(store, folder) -> None:
    export(folder / B / "全域推广数据.csv", IDS[:1], impressions=1000)
    ingest(store, [folder], Settings())
    export(folder / "全域推广数据.csv", IDS[:1], impressions=1200)
    ingest(store, [folder], Settings())
    assert load(store, Settings()).metrics["impressions"].tolist() == [1200]


def test_an_id_in_two_accounts_of_the_sheet_stays_without_and_is_named(store, folder) -> None:
    path = export(folder / "全域推广数据.csv", IDS[:3])
    sheet(folder / "标签.csv", [(IDS[0], A), (IDS[0], B), (IDS[1], A), (IDS[2], A)])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [UNNAMED], IDS[1]: [A], IDS[2]: [A]}
    (unclear,) = unclear_accounts(store)
    assert (unclear.creative_id, unclear.given_by, unclear.accounts) == (IDS[0], "sheet", (A, B))
    assert unclear.files == (str(path),)
    assert likely_accounts(store) == {str(path): A}


def test_a_named_account_is_never_changed(store, folder) -> None:
    export(folder / A / "全域推广数据.csv", IDS[:1])
    sheet(folder / "标签.csv", [(IDS[0], B)])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [A]}


def test_a_file_that_is_moved_into_the_folder_of_its_account_is_read_again(store, folder) -> None:
    path = export(folder / "全域推广数据.csv", IDS[:1])
    ingest(store, [folder], Settings())
    (folder / A).mkdir()
    path.rename(folder / A / path.name)
    report = ingest(store, [folder], Settings())
    assert [file.status for file in report.files] == ["added"]
    assert accounts_of(store) == {IDS[0]: [A]}


def test_a_sheet_saved_anew_with_other_accounts_replaces_what_it_said(store, folder) -> None:
    export(folder / "全域推广数据.csv", IDS[:1])
    sheet(folder / "标签.csv", [(IDS[0], B)])
    ingest(store, [folder], Settings())
    sheet(folder / "标签.csv", [(IDS[0], A)])
    ingest(store, [folder], Settings())
    assert accounts_of(store) == {IDS[0]: [A]}
    assert not unclear_accounts(store)
    assert len(load(store, Settings()).creatives) == 1


def test_a_partitioned_export_has_the_same_accounts(store, folder, tmp_path) -> None:
    from features.partitions.reader import read_whole
    from features.partitions.writer import write_partitioned

    export(folder / "全域推广数据.csv", IDS[:2])
    sheet(folder / "标签.csv", [(IDS[0], A), (IDS[1], B)])
    ingest(store, [folder], Settings())
    whole = read_whole(write_partitioned(store, Settings(), str(tmp_path / "parts")))
    assert whole.metrics["account_id"].tolist() == [A, B]
    assert len(whole.creatives) == 2


def test_the_accounts_are_found_in_a_store_that_is_only_read(folder, tmp_path) -> None:
    export(folder / "全域推广数据.csv", IDS[:1])
    sheet(folder / "标签.csv", [(IDS[0], A)])
    with open_store(tmp_path / "other.duckdb") as opened:
        ingest(opened, [folder], Settings())
    with open_store(tmp_path / "other.duckdb", read_only=True) as opened:
        assert accounts_of(opened) == {IDS[0]: [A]}
