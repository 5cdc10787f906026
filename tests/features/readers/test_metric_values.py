"""Counts, sums and ratios of a file in canonical units."""

import numpy as np
import pytest

ONE, TWO = "7345678901234567891", "7345678901234567892"


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


def test_a_column_that_is_mostly_no_number_refuses_the_file(read, live, as_csv, problems):
    found = read(as_csv(live(整体成交订单数="a"), live(素材ID=TWO, 整体成交订单数="b"), live(素材ID="3")))
    assert found.metrics.empty
    [message] = problems(found, "file")
    assert "整体成交订单数" in message
    assert "“a”" in message


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
