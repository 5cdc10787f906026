"""Short headers are taken where the promotion type is known, and suggested where it is not."""

from pathlib import Path

import pytest

from configs.settings import Settings
from features.readers.headers import map_headers, suggest
from features.readers.layouts import load_layouts

SHORT = {"展示次数": "10,000", "点击次数": "600", "成交订单数": "30", "成交金额": "5,000.00", "花费": "1,234.56"}


@pytest.fixture
def short():
    """A row of a standard-promotion report: every value under its short header."""

    def row(**cells):
        return {"素材ID": "7345678901234567891", "日期": "2026-07-01", **SHORT, **cells}

    return row


@pytest.fixture
def layout(sources):
    return next(source for source in sources if source.name == "qianchuan_export")


@pytest.mark.parametrize(
    ("more", "name", "promotion"),
    [
        ({}, "推商品-7月.csv", "product"),
        ({"推广方式": "推直播"}, "7月.csv", "live"),
        ({"全域素材视频类型": "-"}, "7月.csv", "live"),
    ],
    ids=["file name", "column", "another header"],
)
def test_synonyms_are_taken_where_the_promotion_type_is_known(
    read, short, as_csv, problems, more, name, promotion
) -> None:
    found = read(as_csv(short(**more)), name=name)
    row = found.metrics.iloc[0]
    assert row["promotion_type"] == promotion
    values = ["impressions", "clicks", "orders", "gmv_cny", "spend_cny"]
    assert row[values].tolist() == [10000, 600, 30, 5000, 1234.56]
    notes = problems(found, "note")
    assert len(notes) == len(SHORT)
    assert any("展示次数" in note and "整体展现次数" in note for note in notes)


def test_synonyms_are_suggested_where_the_promotion_type_is_unknown(read, short, as_csv, problems) -> None:
    found = read(as_csv(short()))
    assert found.metrics.empty
    [message] = problems(found, "file")
    assert "promotion type" in message
    assert any("展示次数 → 整体展现次数?" in note for note in problems(found, "note"))


def test_the_whole_header_is_taken_where_both_are_there(read, live, as_csv) -> None:
    found = read(as_csv(live(展示次数="1")))
    assert found.metrics["impressions"].tolist() == [10000]


def test_conversions_are_suggested_and_never_taken(layout, read, live, as_csv) -> None:
    row = {name: cell for name, cell in live(转化数="7").items() if name != "整体成交订单数"}
    assert "orders" not in read(as_csv(row)).metrics
    [suggestion] = suggest(layout, ["转化数"], {"clicks"})
    assert (suggestion.header, suggestion.name, suggestion.like) == ("转化数", "orders", "整体成交订单数")


def test_a_header_that_resembles_a_known_one_is_suggested_once(layout, live, tmp_path) -> None:
    header = ["整体展现次" if name == "整体展现次数" else name for name in live()]
    found = map_headers(layout, header, tmp_path / "推直播.csv", Settings())
    assert [(one.header, one.name) for one in found.suggestions] == [("整体展现次", "impressions")]


def test_a_sheet_with_results_pasted_into_it_stays_a_sheet(read, as_csv) -> None:
    sheet = {"素材ID": "1", "开头类型": "悬念", "成交金额": "99", "GMV": "99", "展示次数": "5"}
    assert read(as_csv(sheet), name="标签.csv").source == "tag_sheet"


def test_an_unknown_layout_names_the_nearest_one_and_what_its_headers_may_be(read, as_csv, problems) -> None:
    [message] = problems(read(as_csv({"素材编号": "1", "统计日期": "2026-07-01", "整体展现次数": "5"})), "file")
    assert "as qianchuan_export, the nearest" in message
    assert "素材编号 → 素材ID?" in message
    assert "youtube_readings:" not in message


def test_a_file_of_refunds_alone_is_told_where_refunds_are_read(read, as_csv) -> None:
    refunds = {"素材ID": "8267362486079772192", "日期": "2026-10-15", "退款订单数": "1", "退款金额": "299.00"}
    [problem] = read(as_csv(refunds), name="退款明细.csv").problems
    assert "净成交金额" in problem.zh
    assert "净成交金额" in problem.expected
    assert "乘方" not in problem.zh
    assert "改表头" not in problem.zh
    assert "Rename" not in problem.cure


def test_what_cannot_be_renamed_is_to_be_exported(read, as_csv) -> None:
    [problem] = read(as_csv({"素材ID": "1", "日期": "2026-07-01", "视频播放数": "5"})).problems
    assert "处理：导出时加上缺的列" in problem.zh
    sheet = {"素材ID": "1", "日期": "2026-07-01", "开头类型": "悬念", "场景": "居家", "价格": "9", "商品名称": "水"}
    [problem] = read(as_csv(sheet), name="标签.csv").problems
    assert "删掉这一列或改名" in problem.zh
    assert "加上缺的列" not in problem.zh


def test_chinese_messages_call_a_layout_by_its_chinese_name(read, as_csv) -> None:
    [problem] = read(as_csv({"素材编号": "1", "统计日期": "2026-07-01", "整体展现次数": "5"})).problems
    assert "最接近“千川全域推广报表”" in problem.zh
    assert all(layout.zh and layout.zh != layout.name for layout in load_layouts(Settings()))


def test_where_no_header_is_known_no_layout_is_called_the_nearest(read, as_csv) -> None:
    [problem] = read(as_csv({"甲": "1", "乙": "2"})).problems
    assert "nearest" not in problem.expected
    assert "display_ads" in problem.expected
    assert problem.zh.startswith("不认识的表格，表头是 甲、乙，没有一个认识。")


def test_headers_that_a_layout_leaves_aside_are_named(tmp_path) -> None:
    [sheet] = [layout for layout in load_layouts(Settings()) if layout.name == "tag_sheet"]
    found = map_headers(sheet, ["素材ID", "开头类型", "备注", "剪辑师"], tmp_path / "标签.csv", Settings())
    assert found.ignored == ("备注",)
    assert not found.unread
    assert list(found.own) == ["剪辑师"]


def test_a_tag_of_the_team_under_a_listed_header_is_kept_and_a_column_suggested() -> None:
    [sheet] = [layout for layout in load_layouts(Settings()) if layout.name == "tag_sheet"]
    found = map_headers(sheet, ["素材ID", "上线日", "剪辑师"], Path("标签表.csv"), Settings())
    assert list(found.own) == ["上线日", "剪辑师"]
    assert [(one.header, one.name) for one in found.suggestions] == [("上线日", "launched_at")]


@pytest.mark.parametrize(
    "row", [{"编号": "1", "推广方式": "推直播", "价格": "9"}, {"随便": "1"}], ids=["nearly", "column"]
)
def test_the_command_line_says_who_suggests_the_lines_of_a_source_config(read, live, as_csv, row) -> None:
    found = read(as_csv({**live(), **row} if "随便" in row else row))
    [problem] = [one for one in found.problems if "make doctor" in str(one)]
    assert "make doctor" in problem.in_language("zh")
