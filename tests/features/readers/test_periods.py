"""Grain, start and end of every row."""

from datetime import datetime

import pandas as pd
import pytest


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
