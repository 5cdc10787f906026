"""Each trap of the exports, as a small file that has it."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from configs.settings import Settings

ONE, TWO = "7345678901234567891", "7345678901234567892"


def test_a_good_row_is_read_whole(read, live, as_csv):
    found = read(as_csv(live()))
    assert found.problems == []
    assert found.source == "qianchuan_export"
    row = found.metrics.iloc[0]
    assert row[["promotion_type", "account_id", "creative_id", "grain"]].tolist() == [
        "live", "1635078296873626", ONE, "day",
    ]  # fmt: skip
    assert (row["period_start"], row["period_end"]) == (pd.Timestamp(2026, 7, 1), pd.Timestamp(2026, 7, 2))
    assert row["row"] == 2
    assert row["spend_cny"] == 1234.56
    assert row["impressions"] == 10_000
    assert row["plays_3s"] == 3600
    assert row["watch_s"] == 78_000
    texts = found.attributes.set_index(["origin", "name"])["value"]
    assert texts["export", "duration_s"] == "65"
    assert texts["name"].to_dict() == {"style": "混剪", "hook": "悬念", "scene": "居家"}


def test_frames_have_the_promised_types(read, live, as_csv):
    for found in (read(as_csv(live())), read(b"", name="empty.csv")):
        kinds = found.metrics.dtypes.astype(str)
        assert set(kinds[["promotion_type", "account_id", "creative_id", "grain"]]) == {"str"}
        assert set(kinds[["period_start", "period_end"]]) == {"datetime64[us]"}
        assert kinds["row"] == "int64"
        assert set(kinds.iloc[7:]) <= {"float64"}
        assert set(found.attributes.dtypes.astype(str)) == {"str"}


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


@pytest.mark.parametrize("cell", ["-", "--", "", "—", "N/A"])
def test_no_value_is_missing_and_not_zero(read, live, as_csv, cell):
    found = read(as_csv(live(整体成交金额=cell, 净成交金额=cell)))
    assert np.isnan(found.metrics["gmv_cny"].iloc[0])
    assert found.problems == []


def test_an_average_watch_time_of_nought_is_missing_but_of_no_plays_nought(read, live, as_csv):
    rows = [
        live(平均观看时长="0.00"),
        live(素材ID=TWO, 平均观看时长="0.00", 视频播放数="0"),
        live(素材ID="3", 平均观看时长="--", 视频播放数="9"),
    ]
    watch = read(as_csv(*rows)).metrics["watch_s"]
    assert np.isnan(watch[0])
    assert watch[1] == 0
    assert np.isnan(watch[2])


@pytest.mark.parametrize(
    ("cells", "share", "notes"),
    [
        (("30.00%", "12.50%"), 0.3, 0),
        (("30.00", "12.50"), 0.3, 0),
        (("0.30", "0.125"), 0.3, 1),
        (("30.00%", "12.50"), 0.3, 1),
        (("--", "12.50%"), np.nan, 0),
    ],
)
def test_the_whole_column_says_whether_a_rate_is_in_percent(read, live, as_csv, cells, share, notes):
    found = read(as_csv(live(**{"3秒播放率": cells[0]}), live(素材ID=TWO, **{"3秒播放率": cells[1]})))
    plays = found.metrics["plays_3s"]
    assert plays.tolist()[1] == 1500
    assert plays[0] == 12_000 * share or (np.isnan(share) and np.isnan(plays[0]))
    assert [problem.severity for problem in found.problems] == ["note"] * notes


def test_short_and_decorated_numbers_are_read_and_rounded_ones_noted(read, live, as_csv, problems):
    found = read(as_csv(live(整体展现次数="1.2万", 整体消耗="¥1,234.56", 整体成交金额="5000元")).encode("utf-8"))
    assert found.metrics[["impressions", "spend_cny", "gmv_cny"]].iloc[0].tolist() == [12_000, 1234.56, 5000]
    assert "rounded" in problems(found, "note")[0]


@pytest.mark.parametrize("lost", ["7.34568E+18", "7.3e18"])
def test_an_id_a_spreadsheet_has_ruined_is_refused_with_the_cure(read, live, as_csv, problems, lost):
    found = read(as_csv(live(), live(素材ID=lost)))
    assert found.metrics["creative_id"].tolist() == [ONE]
    [message] = problems(found, "row")
    assert lost in message
    assert "as text" in message


def test_a_repeated_header_and_blank_rows_are_passed_over(read, live, as_csv):
    header = {name: name for name in live()}
    blank = dict.fromkeys(live(), "")
    found = read(as_csv(live(), header, blank, live(素材ID=TWO)))
    assert found.metrics["row"].tolist() == [2, 5]
    assert found.problems == []


def test_headers_are_matched_whole_whatever_their_case_spaces_and_brackets(read, live, as_csv):
    row = live()
    row.pop("净成交金额")
    renamed = {" 素材id ": row.pop("素材ID"), "整体消耗(元)": row.pop("整体消耗"), **row, "净成交金额结算率": "90.00%"}
    found = read(as_csv(renamed))
    assert found.problems == []
    assert found.metrics["spend_cny"].iloc[0] == 1234.56
    assert found.metrics["net_gmv_cny"].iloc[0] == 4500


def test_trailing_empty_cells_and_columns_do_no_harm(read, live, as_csv):
    lines = as_csv(live(), live(素材ID=TWO)).splitlines()
    found = read("\n".join([lines[0] + ",,", lines[1] + ",,", lines[2] + ",,,,"]))
    assert len(found.metrics) == 2
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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_file_cut_in_the_middle_of_a_character_is_read_up_to_there(read, live, as_csv, problems, encoding):
    content = as_csv(live(), live(素材ID=TWO)).encode(encoding)
    found = read(content[: content.rindex("悬".encode(encoding.removesuffix("-sig"))) + 1])
    assert found.metrics["creative_id"].tolist() == [ONE]
    assert "row 3" in problems(found, "row")[0]


def test_a_header_without_rows_is_empty_and_no_fault(read, live, as_csv):
    found = read(as_csv(live()).splitlines()[0])
    assert found.metrics.empty
    assert found.problems == []


def test_a_row_broken_in_the_middle_is_left_out(read, live, as_csv, problems):
    lines = as_csv(live(), live(素材ID=TWO), live(素材ID="3")).splitlines()
    found = read("\n".join([*lines[:2], lines[2][:40], lines[2][40:], lines[3]]))
    assert found.metrics["creative_id"].tolist() == [ONE, "3"]
    assert "row 3, 4" in problems(found, "row")[0]


def test_one_header_twice_is_fine_where_both_columns_agree(read, live, as_csv, problems):
    lines = as_csv(live()).splitlines()
    found = read(f'{lines[0]},整体消耗\n{lines[1]},"1,234.56"')
    assert found.metrics["spend_cny"].tolist() == [1234.56]
    torn = read(f"{lines[0]},整体消耗\n{lines[1]},1")
    assert torn.metrics.empty
    assert "整体消耗" in problems(torn, "file")[0]


def test_the_same_creative_in_two_accounts_is_two_creatives(read, live, as_csv):
    found = read(as_csv(live(账户ID="1111111"), live(账户ID="2222222")))
    assert found.metrics["account_id"].tolist() == ["1111111", "2222222"]
    assert found.problems == []


def test_a_row_said_twice_alike_is_taken_once(read, live, as_csv, problems):
    found = read(as_csv(live(), live()))
    assert found.metrics["row"].tolist() == [2]
    assert "row 3" in problems(found, "note")[0]


def test_a_row_said_twice_differently_is_believed_neither_time(read, live, as_csv, problems):
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


def test_a_column_that_is_mostly_no_number_refuses_the_file(read, live, as_csv, problems):
    found = read(as_csv(live(整体成交订单数="a"), live(素材ID=TWO, 整体成交订单数="b"), live(素材ID="3")))
    assert found.metrics.empty
    [message] = problems(found, "file")
    assert "整体成交订单数" in message
    assert "“a”" in message


def test_today_is_not_the_future(read, live, as_csv):
    assert len(read(as_csv(live(日期="2026-07-10")), now=datetime(2026, 7, 10, 0, 1)).metrics) == 1


@pytest.mark.parametrize(
    ("name", "span", "grain"),
    [
        ("全域数据_素材分析_视频_2026-07-01-2026-07-07-ac0d9b4f.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("report_20260701-20260707.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("20260701_20260707.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("2026.7.1~2026.7.7.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("2026年7月1日至2026年7月7日.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("20260701000000-20260707235959.csv", ("2026-07-01", "2026-07-08"), "range"),
        ("2026-07-01_2026-07-01.csv", ("2026-07-01", "2026-07-02"), "day"),
    ],
)
def test_without_a_date_column_the_file_name_gives_the_period(read, live, as_csv, name, span, grain):
    row = live()
    del row["日期"]
    metrics = read(as_csv(row), name=name).metrics
    assert metrics["grain"].tolist() == [grain]
    assert metrics[["period_start", "period_end"]].iloc[0].astype(str).tolist() == list(span)


@pytest.mark.parametrize(
    "name", ["report.csv", "report-20260701.csv", "2026-07-07-2026-07-01.csv", "a-12345678-87654321.csv"]
)
def test_without_any_period_the_file_is_refused_with_the_cure(read, live, as_csv, problems, name):
    row = live()
    del row["日期"]
    [message] = problems(read(as_csv(row), name=name), "file")
    assert "file's name" in message


def test_hours_and_ranges_of_days_are_periods_of_their_own(read, live, as_csv):
    hourly = read(as_csv(live(日期="2026-07-01 13:00 - 14:00"), live(日期="2026-07-01 00:00 - 01:00"))).metrics
    assert hourly["grain"].tolist() == ["hour", "hour"]
    assert hourly["period_end"].tolist() == [pd.Timestamp(2026, 7, 1, 14), pd.Timestamp(2026, 7, 1, 1)]
    ranged = read(as_csv(live(日期="2026-07-01~2026-07-03"))).metrics
    assert ranged["grain"].tolist() == ["range"]
    assert ranged["period_end"].tolist() == [pd.Timestamp(2026, 7, 4)]
    beside = read(as_csv(live(小时="13:00"))).metrics
    assert beside["period_start"].tolist() == [pd.Timestamp(2026, 7, 1, 13)]


@pytest.mark.parametrize(
    ("folder", "account"),
    [
        ("1635078296873626", "1635078296873626"),
        ("账户-旗舰店", "旗舰店"),
        ("account=main", "main"),
        ("12345", "unnamed"),
        ("exports", "unnamed"),
    ],
)
def test_the_folder_names_the_account_where_no_column_does(read, live, as_csv, problems, folder, account):
    found = read(as_csv(live()), folder=folder)
    assert found.metrics["account_id"].tolist() == [account]
    assert len(problems(found, "note")) == (account == "unnamed")


def test_counts_are_recovered_from_ratios_only_where_they_are_missing(read, live, as_csv):
    row = live()
    for gone in ("整体消耗", "基础消耗", "追投调控消耗", "整体点击次数", "整体成交订单数", "净成交金额"):
        del row[gone]
    row |= {"整体千次展现费用": "123.456", "整体点击率": "6.01%", "整体转化率": "5.00%", "1小时内退款率": "10.00%"}
    metrics = read(as_csv(row)).metrics.iloc[0]
    assert metrics["spend_cny"] == 1234.56
    assert metrics["clicks"] == 601
    assert metrics["orders"] == 30
    assert metrics["net_gmv_cny"] == 4500
    given = read(as_csv(live(整体点击率="99.00%"))).metrics.iloc[0]
    assert given["clicks"] == 600


def test_names_are_cleaned_of_control_and_direction_marks(read, live, as_csv):
    found = read(as_csv(live(素材视频名称="悬念\u202egpj.exe\u0007")).encode("utf-8"))
    names = found.attributes.query("name == 'creative_name'")["value"].tolist()
    assert names == ["悬念gpj.exe"]


def test_the_newest_value_of_an_attribute_is_kept(read, live, as_csv):
    rows = [
        live(日期="2026-07-02", 素材评估="优质,首发"),
        live(素材评估="低效"),
        live(日期="2026-07-03", 素材评估="--"),
    ]
    labels = read(as_csv(*rows)).attributes.query("name == 'platform_label'")["value"]
    assert labels.tolist() == ["优质|首发"]


def test_money_of_another_basis_is_never_added_up(read, live, as_csv, problems):
    row = {**live(), "综合成本": "1,500.00", "综合营销ROI": "3.00"}
    [message] = problems(read(as_csv(row)), "file")
    assert "comprehensive" in message
    wide = Settings(basis="comprehensive")
    metrics = read(as_csv(row), settings=wide).metrics.iloc[0]
    assert metrics["spend_cny"] == 1500
    assert metrics["net_gmv_cny"] == 4500
    assert problems(read(as_csv(live()), settings=wide), "file")


@pytest.mark.parametrize(
    ("change", "name", "promotion"),
    [
        ({}, "x.csv", "live"),
        ({"整体展现次数": "整体展示次数"}, "推直播.csv", "product"),
        ({"整体展现次数": "全域素材视频类型", "基础消耗": "a"}, "x.csv", "live"),
        ({"整体展现次数": "b"}, "x.csv", "live"),
        ({"整体展现次数": "b", "基础消耗": "a"}, "推商品.csv", "product"),
        ({"整体展现次数": "b", "基础消耗": "a"}, "x.csv", None),
        ({"素材视频名称": "营销目标"}, "x.csv", "product"),
    ],
)
def test_headers_tell_the_promotion_type(read, live, as_csv, problems, change, name, promotion):
    row = {change.get(header, header): cell for header, cell in live(素材视频名称="推商品").items()}
    found = read(as_csv(row), name=name)
    if promotion is None:
        assert "promotion type" in problems(found, "file")[0]
    else:
        assert found.metrics["promotion_type"].tolist() == [promotion]


def test_impressions_of_both_promotion_types_in_one_file_are_refused(read, live, as_csv, problems):
    [message] = problems(read(as_csv(live(整体展示次数="5"))), "file")
    assert "整体展示次数" in message
    assert "整体展现次数" in message


def test_a_missing_column_and_the_nearest_header_are_named(read, live, as_csv, problems):
    row = live()
    [message] = problems(read(as_csv({"素材编号ID": row.pop("素材ID"), **row})), "file")
    assert "素材编号ID" in message
    assert "qianchuan_export" in message
    assert "tag_sheet" in message


def test_columns_that_are_not_read_are_told(read, live, as_csv, problems):
    [message] = problems(read(as_csv(live(某个新指标="1"))), "note")
    assert "某个新指标" in message
