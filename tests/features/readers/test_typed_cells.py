"""Numbers, durations and times in cells."""

import datetime as dt
import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, strategies as st

from features.readers.cells import to_column
from features.readers.typed_cells import (
    _parse_number,
    convert_zone,
    parse_durations,
    parse_hours,
    parse_numbers,
    parse_times,
)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("0", 0.0),
        ("12.5", 12.5),
        (" 7 ", 7.0),
        ("-3", -3.0),
        ("+3", 3.0),
        (".5", 0.5),
        ("1,234.56", 1234.56),
        ("1,234,567", 1234567.0),
        ("１，２３４．５６", 1234.56),
        ("１２３", 123.0),
        ("1.2万", 12000.0),
        ("1.2w", 12000.0),
        ("3亿", 3e8),
        ("¥99", 99.0),
        ("￥1,234.5", 1234.5),
        ("99元", 99.0),
        ("1.2万元", 12000.0),
        ("CNY 12", 12.0),
        ("5次", 5.0),
        ("5.2秒", 5.2),
        ("'42", 42.0),
        ("1e3", 1000.0),
        ("12.34%", 12.34),
        ("１２．３４％", 12.34),
    ],
)
def test_a_number_is_read_however_it_is_written(cell, number):
    numbers = parse_numbers(pa.array([cell]))
    assert numbers.values[0] == pytest.approx(number)
    assert not numbers.bad[0]
    assert numbers.percent[0] == (cell[-1] in "%％")
    assert numbers.rounded[0] == any(short in cell for short in "万w亿")


@pytest.mark.parametrize("cell", ["", "  ", "-", "--", "—", "——", "N/A", "n/a", "#N/A", "#DIV/0!", "null", None])
def test_a_cell_without_a_number_is_missing_and_not_zero(cell):
    numbers = parse_numbers(pa.array([cell], pa.string()))
    assert math.isnan(numbers.values[0])
    assert not numbers.bad[0]


@pytest.mark.parametrize("cell", ["abc", "1,5", "12,34", "1.2.3", "1_000", "0x10", "nan%", "12-13", "二", "True"])
def test_what_is_no_number_is_bad_and_never_guessed(cell):
    numbers = parse_numbers(pa.array([cell]))
    assert math.isnan(numbers.values[0])
    assert numbers.bad[0]


def test_typed_columns_are_taken_as_they_are_and_endless_ones_are_bad():
    assert parse_numbers(pa.array([1, None, 3])).values.tolist()[::2] == [1.0, 3.0]
    assert parse_numbers(pa.array([1.5, math.inf])).bad.tolist() == [False, True]


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [("01:05", 65), ("1:02:03", 3723), ("65", 65), ("65秒", 65), ("1分5秒", 65), ("00:51.5", 51.5), ("12.3s", 12.3)],
)
def test_a_duration_is_read_as_seconds(cell, seconds):
    assert parse_durations(pa.array([cell])).values[0] == seconds


def test_a_duration_of_zero_is_missing_and_nonsense_is_bad():
    durations = parse_durations(pa.array(["00:00", "0", "long"]))
    assert [math.isnan(value) for value in durations.values] == [True, True, True]
    assert durations.bad.tolist() == [False, False, True]


def test_a_mixed_column_becomes_text_that_keeps_whole_numbers_whole():
    assert to_column(["a", 123.0, 1.5, 7.7e18, None]).to_pylist() == ["a", "123", "1.5", "7.700000E+18", None]


@given(st.lists(st.text("0123456789,.%-+ ", max_size=12), max_size=20))
@example(["1,234%", "-1,234.5%", "01,234", "1,23", "%", "1%%", "12.", ""])
def test_a_column_is_read_as_its_cells_are_one_by_one(cells):
    numbers = parse_numbers(pa.array(cells, pa.string()))
    alone = [_parse_number(cell.strip()) for cell in cells]
    assert numbers.values.tolist() == pytest.approx([value for value, *_ in alone], nan_ok=True, rel=0, abs=0)
    for of_column, expected in zip(zip(numbers.bad, numbers.percent, numbers.rounded), alone):
        assert of_column == expected[1:]


SHANGHAI = "Asia/Shanghai"


def moment(cell, zone=SHANGHAI):
    times = parse_times(pa.array([cell]), zone)
    return None if np.isnat(times.values[0]) else times.values[0].astype(dt.datetime)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-07-20",
        "2026/7/20",
        "2026.7.20",
        "20260720",
        "2026年7月20日",
        "２０２６－０７－２０",
        " 2026-07-20 00:00:00 ",
        "46223",
        46223,
        46223.0,
        20260720,
        dt.datetime(2026, 7, 20),
        dt.date(2026, 7, 20),
    ],
)
def test_a_day_is_read_in_every_usual_form(cell):
    assert moment(cell) == dt.datetime(2026, 7, 20)


@pytest.mark.parametrize(
    "cell",
    [
        "2026-07-20 13:00:00",
        "2026-07-20 13:00",
        "2026-07-20T13:00:00",
        "2026/7/20 13时",
        "2026-07-20T05:00:00Z",
        "2026-07-20 13:00:00+08:00",
        "46223.541666666664",
        "2026-07-20 13:00 - 14:00",
        "2026-07-20 13:00~13:59",
        "2026-07-20 13:00:00-2026-07-20 13:59:59",
    ],
)
def test_an_hour_is_read_by_its_start(cell):
    assert moment(cell) == dt.datetime(2026, 7, 20, 13)


@pytest.mark.parametrize(
    "cell", ["7月20日", "20.07.2026", "2026-13-01", "2026-02-30", "yesterday", "12", "99999", "25:00"]
)
def test_what_is_no_whole_date_is_bad(cell):
    assert parse_times(pa.array([cell]), SHANGHAI).bad.tolist() == [True]


@pytest.mark.parametrize(
    "cell", ["2026-07-20~2026-07-26", "2026-07-20 至 2026-07-26", "20260720-20260726", "2026/7/20 - 2026/7/26"]
)
def test_a_range_of_days_has_a_first_and_a_last_one(cell):
    times = parse_times(pa.array([cell]), SHANGHAI)
    assert times.values.astype("datetime64[D]").tolist() == [dt.date(2026, 7, 20)]
    assert times.ends.astype("datetime64[D]").tolist() == [dt.date(2026, 7, 26)]


@pytest.mark.parametrize("cell", ["13", "13:00", "13:00 - 14:00", "13时", "13点"])
def test_an_hour_of_the_day_needs_the_day_beside_it(cell):
    days = parse_times(pa.array(["2026-07-20"]), SHANGHAI)
    assert parse_hours(pa.array([cell]), days, SHANGHAI).values[0].astype(dt.datetime) == dt.datetime(2026, 7, 20, 13)
    assert parse_hours(pa.array([cell]), None, SHANGHAI).bad.tolist() == [True]


def test_times_of_another_zone_are_put_on_our_clock():
    there = np.array(["2026-07-20T20:00", "NaT"], dtype="datetime64[us]")
    here = convert_zone(there, "UTC", SHANGHAI)
    assert here[0].astype(dt.datetime) == dt.datetime(2026, 7, 21, 4)
    assert np.isnat(here[1])
