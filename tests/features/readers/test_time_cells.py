import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from features.readers.typed_cells import convert_zone, parse_hours, parse_times

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
