"""A change is found soon and dated, noise and single odd days are not, and old changes are forgotten."""

import numpy as np
import pandas as pd
import pytest

from training.track_record.drift import START_DAYS, drifts, monitor


def noise(days: int, seed: int, spread: float = 0.05) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, spread, days)


def test_a_step_is_found_within_days_with_its_begin_and_size() -> None:
    series = noise(80, 1)
    series[50:] += 0.2
    (alarm,) = monitor(series)
    assert 50 <= alarm.place <= 56
    assert abs(alarm.began - 50) <= 2
    assert alarm.shift == pytest.approx(0.2, abs=0.06)


def test_a_fall_is_found_as_well_as_a_rise() -> None:
    series = noise(80, 2)
    series[40:] -= 0.3
    assert monitor(series)[0].shift < 0


def test_a_single_odd_day_is_no_drift() -> None:
    series = noise(80, 3)
    series[50] += 5.0
    assert monitor(series) == []


def test_noise_raises_hardly_any_alarm_whatever_its_size() -> None:
    for spread in (0.01, 0.05, 0.5):
        assert sum(len(monitor(noise(365, seed, spread))) for seed in range(10)) <= 1


def test_a_change_of_two_percent_in_a_quiet_series_is_no_news() -> None:
    series = noise(80, 4, 0.001)
    series[40:] += 0.01
    assert monitor(series) == []


def test_after_an_alarm_the_new_level_is_the_level() -> None:
    series = noise(160, 5)
    series[50:] += 0.3
    series[110:] -= 0.3
    first, second = monitor(series)
    assert (first.shift > 0, second.shift < 0) == (True, True)
    assert 110 <= second.place <= 118


def test_days_without_a_value_are_skipped() -> None:
    series = noise(80, 6)
    series[50:] += 0.3
    series[::7] = np.nan
    assert 50 <= monitor(series)[0].place <= 60


def test_too_few_days_raise_nothing() -> None:
    assert monitor(noise(START_DAYS, 7) * 100) == []
    assert monitor(np.full(60, np.nan)) == []


def test_alarms_are_named_by_type_cause_and_day() -> None:
    day = pd.date_range("2026-03-01", periods=80)
    values = noise(80, 1)
    values[50:] += 0.2
    table = pd.DataFrame({"promotion_type": "live", "cause": "cost", "day": day, "value": values, "creatives": 50})
    (alarm,) = drifts(table).to_dict("records")
    assert (alarm["promotion_type"], alarm["cause"], alarm["standing"]) == ("live", "cost", True)
    assert alarm["alarm_on"] >= pd.Timestamp("2026-04-20")


def test_nothing_to_watch_is_an_empty_table() -> None:
    columns = ["promotion_type", "cause", "day", "value", "creatives"]
    assert drifts(pd.DataFrame(columns=columns)).empty
