"""Each file goes into the store on its own: known ones are skipped, bad ones are reported and affect no others."""

from pathlib import Path

import pytest

from configs.settings import CONFIG_DIR, Settings
from features.errors import InputError
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load

ACCOUNT = "1703721944119861"
C1, C2 = "7401234567890123456", "7401234567890123457"
HEADER = "素材ID,素材视频名称,日期,整体消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交金额"


@pytest.fixture
def store(tmp_path):
    with open_store(tmp_path / "store.duckdb") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path):
    """A folder of one account: its files are 推直播 exports of that account."""
    path = tmp_path / "exports" / ACCOUNT
    path.mkdir(parents=True)
    return path


def export(path: Path, *rows: str) -> Path:
    """An export as the platform gives it: GBK, one line per creative and day."""
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="gbk")
    return path


def row(creative: str, day: str, orders: object = 2, impressions: object = '"1,000"') -> str:
    return f"{creative},开头-场景.mp4,{day},12.50,{impressions},60,{orders},99.00"


def statuses(report):
    return [file.status for file in report.files]


def test_files_of_a_folder_come_in_and_load(store, folder):
    export(folder / "全域推广数据-视频-1.csv", row(C1, "2025-07-01"), row(C2, "2025-07-01"))
    export(folder / "全域推广数据-视频-2.csv", row(C1, "2025-07-02", orders=1))
    report = ingest(store, [folder], Settings())
    assert statuses(report) == ["added", "added"]
    loaded = load(store, Settings())
    assert loaded.metrics["orders"].sum() == 5
    assert set(loaded.metrics["account_id"]) == {ACCOUNT}
    assert loaded.metrics["impressions"].tolist() == [1000, 1000, 1000]


def test_the_same_folder_again_reads_nothing(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    ingest(store, [folder], Settings())
    report = ingest(store, [folder], Settings())
    assert statuses(report) == ["known"]
    assert report.files[0].added is None
    assert store.table("revisions").empty


def test_a_copy_under_another_name_is_known(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    export(folder / "b.csv", row(C1, "2025-07-01"))
    assert statuses(ingest(store, [folder], Settings())) == ["added", "known"]


def test_of_two_exports_of_one_day_the_later_stands(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01", orders=5))
    export(folder / "b.csv", row(C1, "2025-07-01", orders=4))
    report = ingest(store, [folder], Settings())
    assert report.files[1].added is not None
    assert report.files[1].added.revisions == 1
    assert load(store, Settings()).metrics["orders"].tolist() == [4]


def test_a_bad_file_is_reported_and_the_others_come_in(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    (folder / "b.csv").write_text("what,is,this\n1,2,3\n")
    export(folder / "c.csv", row(C2, "2025-07-01"))
    report = ingest(store, [folder], Settings())
    assert statuses(report) == ["added", "unusable", "added"]
    assert [problem.severity for problem in report.problems].count("file") == 1
    assert len(store.table("metrics")) == 2
    assert store.table("rejects")["path"].str.endswith("b.csv").any()


def test_rows_left_out_are_kept_in_the_store_and_reported_again_for_a_known_file(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"), row("7.4E+18", "2025-07-01"))
    first = ingest(store, [folder], Settings())
    again = ingest(store, [folder], Settings())
    refused = [problem for problem in first.problems if problem.severity == "row"]
    assert refused
    assert [problem for problem in again.problems if problem.severity == "row"] == refused
    assert statuses(again) == ["known"]


@pytest.mark.parametrize("bad", [row("7.4E+18", "2025-07-02"), "what"])
def test_strict_imports_all_or_nothing(store, folder, bad):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    export(folder / "b.csv", bad)
    with pytest.raises(InputError, match="--strict") as refused:
        ingest(store, [folder], Settings(), strict=True)
    assert all("b.csv" in problem.file for problem in refused.value.problems)
    for table in ["files", "metrics", "attributes", "rejects"]:
        assert store.table(table).empty


def test_strict_takes_clean_files(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    assert statuses(ingest(store, [folder], Settings(), strict=True)) == ["added"]


def test_strict_refuses_a_known_file_with_rows_left_out(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"), row("7.4E+18", "2025-07-01"))
    ingest(store, [folder], Settings())
    with pytest.raises(InputError, match="--strict"):
        ingest(store, [folder], Settings(), strict=True)
    assert len(store.table("metrics")) == 1


def test_no_usable_file_at_all_is_an_error_with_the_reasons(store, folder):
    (folder / "b.csv").write_text("what,is,this\n1,2,3\n")
    with pytest.raises(InputError) as refused:
        ingest(store, [folder], Settings())
    assert refused.value.problems
    assert not store.table("rejects").empty


def test_a_changed_name_parser_has_files_read_again(store, folder, tmp_path):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    ingest(store, [folder], Settings())
    names = tmp_path / "names.yaml"
    names.write_bytes((CONFIG_DIR / "names.yaml").read_bytes() + b"\n# changed\n")
    report = ingest(store, [folder], Settings(names=names))
    assert statuses(report) == ["added"]
    assert report.files[0].added is not None
    assert report.files[0].added.metrics.unchanged == 1
    assert len(store.table("files")) == 1


def test_progress_is_reported_before_each_file(store, folder):
    export(folder / "a.csv", row(C1, "2025-07-01"))
    export(folder / "b.csv", row(C2, "2025-07-01"))
    steps = []
    ingest(store, [folder], Settings(), progress=lambda done, total, path: steps.append((done, total, path.name)))
    assert steps == [(0, 2, "a.csv"), (1, 2, "b.csv")]


def test_copies_in_one_folder_are_taken_once(store, folder):
    for name in ("a.csv", "b.csv", "c.csv"):
        export(folder / name, row(C1, "2026-07-01"))
    report = ingest(store, [folder], Settings())
    assert [file.status for file in report.files] == ["added", "known", "known"]
    assert len(load(store, Settings()).metrics) == 1


def test_files_are_stored_in_their_order_though_the_next_is_read_meanwhile(store, folder):
    for place in range(8):
        export(folder / f"{place}.csv", row(C1, "2026-07-01", orders=place))
    (folder / "4.csv").write_bytes(b"\x00\x01")
    report = ingest(store, [folder], Settings())
    assert [file.path.name for file in report.files] == [f"{place}.csv" for place in range(8)]
    assert [file.status for file in report.files].index("unusable") == 4
    assert load(store, Settings()).metrics["orders"].tolist() == [7.0]
