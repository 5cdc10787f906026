"""The doctor says all at once what exports hold, what is wrong with them, and whether they suffice."""

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from configs.settings import Settings
from features.errors import InputError
from training.__main__ import app
from training.doctor.examine import examine
from training.doctor.first_step import refuse_faults
from training.doctor.screen import show_diagnosis
from training.labels.judged import MIN_GROUP_ROWS

A, B = "1703721944119861", "1877033310922977"
IDS = [f"74012345678901{place:05}" for place in range(400)]
HEADER = "素材ID,素材视频名称,日期,整体消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交金额,净成交金额"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "exports" / A
    path.mkdir(parents=True)
    return path


def export(path: Path, creatives: int, days: int, *, header: str = HEADER, encoding: str = "gbk") -> Path:
    """A daily export: `creatives` creatives, launched one after the other over the days, each active for three days."""
    rows = []
    for place in range(creatives):
        first = place * max(days - 2, 1) // creatives
        for day in range(first, min(first + 3, days)):
            date = f"2026-{4 + day // 30:02}-{day % 30 + 1:02}"
            rows.append(f"{IDS[place]},成片.mp4,{date},12.50,1000,60,2,99.00,90.00")
    path.write_text("\r\n".join([header, *rows, ""]), encoding=encoding)
    return path


def sheet(path: Path, ids: list[str], header: str = "素材ID,开头类型,剪辑师") -> Path:
    path.write_text("\n".join([header, *(f"{one},悬念,小林" for one in ids), ""]), encoding="utf-8-sig")
    return path


def shown(found, language: str) -> str:
    out = StringIO()
    show_diagnosis(found, language, Console(file=out, width=200))
    return out.getvalue()


def test_data_that_suffice_are_said_to_with_everything_that_was_found(folder) -> None:
    export(folder / "全域推广数据-视频-推直播.csv", 400, 90)
    sheet(folder.parent / "标签.csv", IDS)
    found = examine([str(folder.parent)], Settings())
    assert found.exit_code == 0
    assert found.faults == ()
    assert found.amounts.stage == "full"
    assert found.tagged.tagged == found.tagged.creatives == 400
    text = shown(found, "zh")
    for words in ("千川全域推广报表", "9/9", "GBK", "标签表", "3/3", "整体消耗 → spend_cny", A, "推直播", "净ROI",
                  "400 个有数据的素材中 400 个在表中", "✓ 数据足够：make train"):  # fmt: skip
        assert words in text
    assert "✓ There is enough: make train" in shown(found, "en")


def test_it_counts_the_creatives_as_a_run_splits_them(folder) -> None:
    from features.store.duckdb_store import open_store
    from features.store.ingest import ingest
    from features.store.load import load
    from training.data.dataset import prepare
    from training.labels.splits import holdout_split
    from training.steps import uses_of_creatives

    export(folder / "全域推广数据-视频-推直播.csv", 400, 90)
    amounts = examine([str(folder)], Settings()).amounts
    with open_store(folder / "store.duckdb") as store:
        ingest(store, [folder / "全域推广数据-视频-推直播.csv"], Settings())
        dataset = prepare(load(store, Settings()), Settings())
    train, holdout, _ = holdout_split(dataset.rows, Settings().split.holdout_days)
    counted = [amounts.training, amounts.holdout, amounts.between, amounts.waiting, amounts.undelivered]
    assert [count for count in counted if count] == list(uses_of_creatives(dataset, train, holdout).values())


def test_too_little_is_said_with_the_weeks_until_there_is_enough(folder) -> None:
    export(folder / "全域推广数据-视频-推直播.csv", 100, 30)
    found = examine([str(folder)], Settings())
    assert found.exit_code == 1
    amounts = found.amounts
    assert amounts.training < amounts.small_creatives
    # 100 creatives in 28 days; until one counts for training 25 days pass with a small model, 32 with a full one.
    assert 0 < amounts.weeks_to_small <= 2
    assert 5 < amounts.weeks_to_full < 15
    text = shown(found, "zh")
    assert f"小模型约 {amounts.weeks_to_small} 周后可以" in text
    assert "make train BASELINE=1" in text


def test_a_holdout_too_small_to_judge_is_foretold_with_the_weeks_until_it_is_not(folder) -> None:
    export(folder / "全域推广数据-视频-推直播.csv", 80, 60)
    amounts = examine([str(folder)], Settings()).amounts
    assert amounts.stage == "small"
    assert 0 < amounts.judged < MIN_GROUP_ROWS
    text = shown(examine([str(folder)], Settings()), "zh")
    assert f"展示够多、结果已出的只有 {amounts.judged} 行，要 {MIN_GROUP_ROWS} 行" in text
    assert f"按此速度约 {amounts.weeks_to_judge} 周后可以" in text
    assert f"（那时留 {amounts.judged_days} 天检验）" in text
    days = 60 + 7 * (amounts.weeks_to_judge + 1)
    export(folder / "全域推广数据-视频-推直播.csv", round(80 / 58 * (days - 2)), days)
    assert examine([str(folder)], Settings()).amounts.judged >= MIN_GROUP_ROWS


def test_the_weeks_are_right(folder) -> None:
    """More of the same for as many weeks as were said, and the stage is reached; one week less, and it is not."""
    export(folder / "全域推广数据-视频-推直播.csv", 80, 40)
    weeks = examine([str(folder)], Settings()).amounts.weeks_to_small
    per_day = 80 / 38
    for more, stage in ((weeks, "small"), (weeks - 1, "none")):
        days = 40 + 7 * more
        export(folder / "全域推广数据-视频-推直播.csv", round(per_day * (days - 2)), days)
        assert examine([str(folder)], Settings()).amounts.stage == stage


def test_short_headers_without_a_promotion_type_are_suggested_with_the_line_of_yaml(folder, tmp_path) -> None:
    header = "素材ID,素材视频名称,日期,花费,展示次数,点击次数,订单数,成交金额,净成交金额"
    export(folder / "导出.csv", 20, 10, header=header)
    found = examine([str(folder)], Settings())
    assert found.exit_code == 2
    text = shown(found, "zh")
    assert "展示次数" in text
    assert "整体展现次数（impressions）" in text
    assert "qianchuan_export.yaml: columns: {impressions: [整体展现次数, 整体展示次数, 展示次数]}" in text
    assert "✗ 没有读到任何效果数据" in text


def test_the_source_config_that_it_writes_makes_the_files_readable(folder, tmp_path) -> None:
    header = "素材编号,素材视频名称,统计日期,整体消耗,整体展现次数,整体点击次数,整体成交订单数,整体成交额,净成交金额"
    export(folder / "导出.csv", 20, 10, header=header)
    own = tmp_path / "my-sources" / "mine.yaml"
    command = ["doctor", "--data", str(folder), "--lang", "zh", "--write-source", str(own)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert str(own) in result.output
    settings = Settings(source_dirs=(*Settings().source_dirs, own.parent))
    found = examine([str(folder)], settings)
    [file] = found.files
    assert file.recognised
    assert not file.unusable
    assert [need.available for need in found.needs] == [True] * 4
    assert found.exit_code == 1


def test_every_problem_is_shown_at_once(folder) -> None:
    export(folder / "推直播.csv", 20, 10)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    (folder / "empty.csv").write_bytes(b"")
    (folder / "cut.json").write_text('{"data": {"rows": [')
    wrong = HEADER.encode().decode("gbk", "replace").replace("\N{REPLACEMENT CHARACTER}", "?")
    (folder / "乱码.csv").write_text(wrong + "\n1,2\n", encoding="utf-8")
    text = shown(examine([str(folder)], Settings()), "en")
    for words in ("no known layout", "old Excel file", "an empty file", "cut off or damaged", "it looks like UTF-8"):
        assert words in text
    assert "5 files cannot be used" in text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("标签表.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("标签表.csv", "素材号,钩子,场景\n1,悬念,居家\n".encode()),
        ("标签表.csv", "素材ID,日期,钩子\n1,2,悬念\n".encode()),
    ],
    ids=["an old workbook", "an unknown header", "a sheet with a date"],
)
def test_a_sheet_that_was_offered_and_could_not_be_read_stops_the_run(folder, name, content) -> None:
    export(folder / "推直播.csv", 20, 10)
    (folder / name).write_bytes(content)
    found = examine([str(folder)], Settings())
    assert any("没有读到标签表" in fault.zh for fault in found.faults)
    assert examine([str(folder)], Settings(), without_tags=True).faults == ()


def test_a_stray_file_is_no_sheet(folder) -> None:
    export(folder / "推直播.csv", 20, 10)
    (folder / "other.csv").write_text("a,b\n1,2\n")
    assert examine([str(folder)], Settings()).faults == ()


def test_what_a_target_lacks_is_named_by_its_header(folder) -> None:
    header = HEADER.replace("整体展现次数", "基础消耗").replace("净成交金额", "备用")
    export(folder / "导出.csv", 20, 10, header=header)
    found = examine([str(folder)], Settings())
    lacking = {need.target.name: need.missing for need in found.needs}
    assert lacking == {
        "gpm": ("impressions",), "net_gpm": ("impressions", "net_gmv_cny"), "roi": (), "net_roi": ("net_gmv_cny",)
    }  # fmt: skip
    assert "整体展现次数、净成交金额" in shown(found, "zh")


def test_missing_days_and_accounts_are_shown(folder) -> None:
    path = export(folder / "推直播.csv", 20, 10)
    lines = [line for line in path.read_text("gbk").splitlines() if "2026-04-05" not in line]
    path.write_text("\n".join([*lines, ""]), encoding="gbk")
    assert "1 天：04-05" in shown(examine([str(folder)], Settings()), "zh")


def test_creatives_of_the_sheet_that_no_account_is_known_for_are_counted(folder) -> None:
    export(folder / "全域推广数据-视频-推直播.csv", 60, 40)
    other = folder.parent / B
    other.mkdir()
    export(other / "全域推广数据-视频-推直播.csv", 60, 40)
    sheet(folder.parent / "标签.csv", IDS[:63])
    found = examine([str(folder.parent)], Settings())
    assert found.without_account == 3
    assert "标签表里有 3 个素材还没有数据，也不知道账户或推广方式" in shown(found, "zh")
    assert "3 creatives of the tag sheet have no metrics yet" in shown(found, "en")


def test_of_a_large_file_the_first_rows_are_checked_and_all_keys_read(folder, monkeypatch) -> None:
    monkeypatch.setattr("features.readers.survey.SAMPLE_ROWS", 50)
    export(folder / "推直播.csv", 100, 40)
    found = examine([str(folder)], Settings())
    [file] = found.files
    assert (file.rows, file.checked) == (300, 50)
    [account] = found.accounts
    assert (account.rows, account.creatives) == (300, 100)
    assert "300 (values of the first 50 checked)" in shown(found, "en")


def test_training_stops_before_anything_is_imported_and_shows_the_tables(folder, tmp_path) -> None:
    export(folder / "推直播.csv", 20, 10)
    sheet(folder / "标签.csv", ["1", "2"])
    out = StringIO()
    store = tmp_path / "store.duckdb"
    with pytest.raises(InputError, match="标签表对不上"):
        refuse_faults([str(folder)], store, Settings(), "zh", Console(file=out, width=200), without_tags=False)
    assert "2 个素材ID，0 个有数据" in out.getvalue()
    assert "全部表格：make doctor" in out.getvalue()
    assert "表头 → 列" not in out.getvalue()
    assert not store.exists()
    refuse_faults([str(folder)], store, Settings(), "zh", Console(file=out), without_tags=True)


def test_saved_answers_are_examined_like_exports(folder) -> None:
    rows = [
        {
            "Dimensions": {"material_id": {"ValueStr": one}, "stat_time_day": {"ValueStr": "2026-04-01"}},
            "Metrics": {"product_show_count_for_roi2": {"Value": 5}, "stat_cost_for_roi2": {"Value": 1}},
        }
        for one in IDS[:3]
    ]
    (folder / "saved.json").write_text(json.dumps({"materials": rows}))
    [file] = examine([str(folder)], Settings()).files
    assert (file.layout.name, file.known, file.named, file.rows) == ("qianchuan_api", 4, 4, 3)


def test_nothing_is_left_behind(folder, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    export(folder / "推直播.csv", 20, 10)
    before = sorted(tmp_path.rglob("*"))
    assert CliRunner().invoke(app, ["doctor", "--data", str(folder)]).exit_code == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_files_without_an_account_are_shown_with_the_folder_that_they_belong_into(folder) -> None:
    path = folder.parent / "推直播.csv"
    export(path, 20, 10)
    lines = [f"{one},{A},悬念" for one in IDS[:20]] + [f"{IDS[0]},{B},悬念"]
    (folder.parent / "标签.csv").write_text("\n".join(["素材ID,账户ID,开头类型", *lines, ""]), encoding="utf-8")
    found = examine([str(folder.parent)], Settings())
    assert found.exit_code == 2
    text = shown(found, "zh")
    assert f"{A}/" in text
    assert f"{IDS[0]}（{A} / {B}）" in text
    path.rename(folder / path.name)
    assert examine([str(folder.parent)], Settings()).faults == ()


def test_exports_that_were_imported_before_are_not_examined_again(folder, tmp_path, monkeypatch) -> None:
    from features.store.duckdb_store import open_store
    from features.store.ingest import ingest

    export(folder / "推直播.csv", 20, 10)
    with open_store(tmp_path / "store.duckdb") as store:
        ingest(store, [folder], Settings())
    monkeypatch.setattr("training.doctor.first_step.examine", None)
    refuse_faults([str(folder)], tmp_path / "store.duckdb", Settings(), "zh", Console(), without_tags=False)


def test_of_very_large_data_the_first_rows_are_read_and_that_is_said(folder, monkeypatch) -> None:
    monkeypatch.setattr("training.doctor.examine.MOST_BYTES", 5_000)
    monkeypatch.setattr("training.doctor.examine.LEAST_BYTES", 5_000)
    export(folder / "推直播.csv", 300, 60)
    sheet(folder.parent / "标签.csv", IDS[:50])
    found = examine([str(folder.parent)], Settings())
    large, small = found.files
    assert (large.cut, small.cut) == (True, False)
    assert 10 < large.rows < 200
    assert not any(problem.severity == "row" for problem in large.problems)
    assert found.faults == ()
    assert "of 1 files only the first rows were read" in shown(found, "en")


def test_the_doctor_does_not_send_to_itself_and_tells_where_refunds_are_read(folder) -> None:
    export(folder / "全域推广数据-视频-推直播.csv", 2, 3)
    (folder / "退款明细.csv").write_text("素材ID,日期,退款订单数,退款金额\n1,2026-07-01,1,299\n", encoding="utf-8")
    (folder / "别的.csv").write_text("素材编号,统计日期,整体展现次数\n1,2026-07-01,5\n", encoding="utf-8")
    problems = [one for file in examine([str(folder)], Settings()).files for one in file.problems]
    texts = [f"{one.zh} {one.cure}" for one in problems]
    assert any("净成交金额" in text for text in texts)
    assert any("source config" in text for text in texts)
    assert not any("doctor" in text for text in texts)
