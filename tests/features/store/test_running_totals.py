"""Readings of running totals become increments between them."""

import numpy as np
import pandas as pd

from features.schema import KEY
from features.store.running_totals import increments


def readings(*rows, columns=("impressions", "spend_cny")):
    """Readings from (creative, moment, value, value …)."""
    frame = pd.DataFrame(rows, columns=["creative_id", "at", *columns])
    at = pd.to_datetime(frame["at"], format="mixed").astype("datetime64[us]")
    keys = frame[["creative_id"]].assign(promotion_type="live", account_id="a1")[KEY]
    keys = keys.assign(grain="reading", period_start=at, period_end=at)
    return pd.concat([keys, frame[list(columns)].astype(float)], axis=1)


def launched(**moments):
    at = pd.to_datetime(list(moments.values())).astype("datetime64[us]")
    return pd.DataFrame({"promotion_type": "live", "account_id": "a1", "creative_id": list(moments), "launched_at": at})


NONE = launched()


def test_the_first_reading_is_a_base_line_and_the_next_are_increments():
    gaps, notes = increments(readings(("c1", "2025-07-01 09:30", 100, 5.1), ("c1", "2025-07-02 11:00", 160, 5.4)), NONE)
    assert gaps[["impressions", "spend_cny"]].values.tolist() == [[60, 0.3]]
    assert gaps["grain"].tolist() == ["gap"]
    assert str(gaps["period_start"][0]) == "2025-07-01 09:30:00"
    assert str(gaps["period_end"][0]) == "2025-07-02 11:00:00"
    assert notes == {"readings_only_a_base_line": 1}


def test_a_known_launch_makes_the_first_reading_count():
    frame = readings(("c1", "2025-07-01 12:00", 100, 5), ("c2", "2025-07-01 12:00", 70, 3))
    gaps, notes = increments(frame, launched(c1="2025-07-01 10:00", c2="2025-07-01 12:00"))
    assert gaps["creative_id"].tolist() == ["c1"]
    assert gaps["impressions"].tolist() == [100]
    assert str(gaps["period_start"][0]) == "2025-07-01 10:00:00"
    assert notes == {"readings_counted_from_launch": 1, "readings_only_a_base_line": 1}


def test_a_total_that_falls_adds_nothing_until_it_is_passed_again():
    frame = readings(("c1", "2025-07-01", 100, 1), ("c1", "2025-07-02", 90, 2), ("c1", "2025-07-03", 130, 3))
    gaps, notes = increments(frame, NONE)
    assert gaps["impressions"].tolist() == [0, 30]
    assert notes["totals_that_fell"] == 1


def test_a_value_missing_from_a_reading_is_made_up_for_by_the_next():
    frame = readings(("c1", "2025-07-01", 100, 1), ("c1", "2025-07-02", None, 2), ("c1", "2025-07-03", 130, 3))
    gaps, _ = increments(frame, NONE)
    assert np.isnan(gaps["impressions"][0])
    assert gaps["impressions"][1] == 30
    assert gaps["spend_cny"].tolist() == [1, 1]


def test_long_gaps_are_kept_and_counted():
    frame = readings(("c1", "2025-07-01", 1, 1), ("c1", "2025-07-08", 2, 2), ("c1", "2025-07-15 01:00", 3, 3))
    gaps, notes = increments(frame, NONE)
    assert len(gaps) == 2
    assert notes["gaps_over_7_days"] == 1


def test_of_two_readings_at_one_moment_the_higher_value_counts():
    frame = readings(("c1", "2025-07-01", 100, 1), ("c1", "2025-07-02", 110, None), ("c1", "2025-07-02", 120, 4))
    gaps, notes = increments(frame, NONE)
    assert gaps[["impressions", "spend_cny"]].values.tolist() == [[20, 3]]
    assert notes["readings_at_the_same_time"] == 1


def test_creatives_do_not_mix_and_the_order_of_rows_does_not_matter():
    frame = readings(
        ("c1", "2025-07-01", 100, 1),
        ("c2", "2025-07-01", 5, 1),
        ("c1", "2025-07-02", 110, 1),
        ("c2", "2025-07-02", 6, 1),
    )
    gaps, _ = increments(frame, NONE)
    assert dict(zip(gaps["creative_id"], gaps["impressions"])) == {"c1": 10, "c2": 1}
    again, _ = increments(frame.iloc[::-1], NONE)
    pd.testing.assert_frame_equal(again, gaps)


def test_increments_add_up_to_the_last_total():
    rng = np.random.default_rng(5)
    totals = rng.integers(0, 50, 40).cumsum()
    rows = [("c1", pd.Timestamp("2025-07-01") + pd.Timedelta(hours=i), t, t / 7) for i, t in enumerate(totals)]
    gaps, _ = increments(readings(*rows), launched(c1="2025-06-30"))
    assert gaps["impressions"].sum() == totals[-1]
    assert abs(gaps["spend_cny"].sum() - totals[-1] / 7) < 40 * 1e-4
