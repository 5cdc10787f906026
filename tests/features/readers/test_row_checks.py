"""Which rows of a file are kept."""

import pytest

ONE, TWO = "7345678901234567891", "7345678901234567892"


@pytest.mark.parametrize(
    "cells",
    [
        {"素材ID": "全部", "素材视频名称": "-", "日期": "全部"},
        {"素材ID": "合计", "日期": "-"},
        {"素材ID": "总计"},
        {"日期": "全部"},
        {"素材ID": "", "素材视频名称": "全部"},
        {"素材ID": "", "素材视频名称": "-", "日期": "合计"},
        {"素材ID": "-", "素材视频名称": "AIGC动态创意视频素材集合"},
        {"素材ID": "-2", "素材视频名称": "AIGC动态创意视频素材集合"},
        {"素材ID": "0", "素材视频名称": "AIGC动态创意视频素材集合"},
        {"素材ID": "", "素材视频名称": "AIGC动态创意视频素材集合"},
    ],
)
def test_totals_and_aggregates_are_no_creatives(read, live, as_csv, problems, cells):
    found = read(as_csv(live(**cells), live()))
    assert found.metrics["creative_id"].tolist() == [ONE]
    assert found.metrics["row"].tolist() == [3]
    assert [problem.severity for problem in found.problems] == ["note"]


def test_a_row_without_an_id_is_left_out_and_named(read, live, as_csv, problems):
    found = read(as_csv(live(), live(素材ID="")))
    assert len(found.metrics) == 1
    [message] = problems(found, "row")
    assert "row 3" in message
    assert "素材ID" in message


def test_a_repeated_header_and_blank_rows_are_passed_over(read, live, as_csv):
    header = {name: name for name in live()}
    blank = dict.fromkeys(live(), "")
    found = read(as_csv(live(), header, blank, live(素材ID=TWO)))
    assert found.metrics["row"].tolist() == [2, 5]
    assert found.problems == []


def test_a_comma_inside_a_name_shifts_the_row_and_leaves_it_out(read, live, as_csv, problems):
    lines = as_csv(live(), live(素材ID=TWO)).splitlines()
    found = read("\n".join([lines[0], lines[1].replace("悬念", "悬,念"), lines[2]]))
    assert found.metrics["creative_id"].tolist() == [TWO]
    assert "row 2" in problems(found, "row")[0]


def test_a_last_row_cut_off_is_reported_and_the_rows_before_it_are_read(read, live, as_csv, problems):
    text = as_csv(live(), live(素材ID=TWO))
    found = read(text[: text.rindex("234.56")])
    assert found.metrics["creative_id"].tolist() == [ONE]
    [message] = problems(found, "row")
    assert "row 3" in message
    assert "cut off" in message


def test_a_row_broken_in_the_middle_is_left_out(read, live, as_csv, problems):
    lines = as_csv(live(), live(素材ID=TWO), live(素材ID="3")).splitlines()
    found = read("\n".join([*lines[:2], lines[2][:40], lines[2][40:], lines[3]]))
    assert found.metrics["creative_id"].tolist() == [ONE, "3"]
    assert "row 3, 4" in problems(found, "row")[0]


def test_a_row_repeated_alike_is_taken_once(read, live, as_csv, problems):
    found = read(as_csv(live(), live()))
    assert found.metrics["row"].tolist() == [2]
    assert "row 3" in problems(found, "note")[0]


def test_rows_that_contradict_each_other_are_all_left_out(read, live, as_csv, problems):
    found = read(as_csv(live(), live(素材ID=TWO), live(整体点击次数="601")))
    assert found.metrics["creative_id"].tolist() == [TWO]
    [message] = problems(found, "row")
    assert "600 in row 2" in message
    assert "601 in row 4" in message
    assert "clicks" in message


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ({"整体消耗": "-5.00"}, "整体消耗"),
        ({"整体点击次数": "-1"}, "整体点击次数"),
        ({"净成交金额": "5,000.02"}, "净成交金额"),
        ({"日期": "2026-07-12"}, "日期"),
        ({"整体成交订单数": "many"}, "整体成交订单数"),
        ({"整体点击次数": "5%"}, "整体点击次数"),
        ({"日期": "7月1日"}, "日期"),
    ],
)
def test_a_value_that_cannot_be_is_left_out_with_its_row(read, live, as_csv, problems, cells, column):
    found = read(as_csv(live(素材ID=TWO), live(素材ID="3"), live(**cells)))
    assert found.metrics["creative_id"].tolist() == [TWO, "3"]
    [message] = problems(found, "row")
    assert column in message
    assert "row 4" in message


@pytest.mark.parametrize(
    "cells",
    [
        {"视频播放数": "99,999"},
        {"净成交金额": "5,000.01"},
        {"整体展现次数": "0", "整体点击次数": "0"},
        {"3秒播放率": "10.00%", "5秒播放率": "20.00%", "10秒播放率": "30.00%"},
    ],
)
def test_quirks_of_the_platform_are_kept(read, live, as_csv, cells):
    found = read(as_csv(live(**cells)))
    assert len(found.metrics) == 1
    assert found.problems == []


@pytest.mark.parametrize(
    ("cells", "words"),
    [({"整体点击次数": "10,001"}, "more clicks"), ({"追投调控消耗": "200.00"}, "base plus boost")],
)
def test_oddities_are_kept_with_a_note(read, live, as_csv, problems, cells, words):
    found = read(as_csv(live(**cells)))
    assert len(found.metrics) == 1
    assert words in problems(found, "note")[0]
    assert problems(found, "row") == []
