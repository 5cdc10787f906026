"""Which moments of a life are looked at."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots, launches, snapshot_frame, snapshots
from features.schema import Loaded

ACCOUNT_OPENED = "2026-03-01"
AGES = (0, 1, 3, 6, 12, 24, 48, 72)


@pytest.fixture
def world(checked):
    """Metrics and creatives from (creative, grain, start, hours, impressions); one account, open since 1 March."""

    def make(*periods: tuple, **attributes: object):
        rows = [("old", "day", ACCOUNT_OPENED, 24, 5.0), *periods]
        metrics = pd.DataFrame(
            {
                "promotion_type": "live",
                "account_id": "a",
                "creative_id": [row[0] for row in rows],
                "grain": [row[1] for row in rows],
                "period_start": [pd.Timestamp(row[2]) for row in rows],
                "period_end": [pd.Timestamp(row[2]) + pd.Timedelta(hours=row[3]) for row in rows],
                "impressions": [row[4] for row in rows],
            }
        )
        names = list(dict.fromkeys(row[0] for row in rows)) + (["new"] if attributes.pop("announced", False) else [])
        creatives = pd.DataFrame({"promotion_type": "live", "account_id": "a", "creative_id": names})
        for name, value in attributes.items():
            creatives[name] = pd.Series(
                [pd.Timestamp(value) if creative != "old" else pd.NaT for creative in names], dtype="datetime64[us]"
            )
        return checked(metrics, creatives)

    return make


def hourly(start: str, count: int, grain: str = "hour") -> list[tuple]:
    first = pd.Timestamp(start)
    return [("c", grain, first + pd.Timedelta(hours=hour), 1, 10.0) for hour in range(count)]


def daily(start: str, count: int) -> list[tuple]:
    return [("c", "day", pd.Timestamp(start) + pd.Timedelta(days=day), 24, 10.0) for day in range(count)]


def frame_of(loaded, ages=AGES, *, weekly: bool = False) -> pd.DataFrame:
    rows = MetricRows.of(loaded)
    return snapshot_frame(snapshots(rows, ages, weekly=weekly), rows.creatives)


def latest_of(loaded, now: str) -> pd.DataFrame:
    rows = MetricRows.of(loaded)
    return snapshot_frame(latest_snapshots(rows, pd.Timestamp(now)), rows.creatives)


def taken(loaded, ages=AGES, *, weekly: bool = False, of: str = "c") -> dict[int, str]:
    found = frame_of(loaded, ages, weekly=weekly)
    found = found[found["creative_id"] == of]
    return {int(age): f"{cutoff:%d %H:%M}" for age, cutoff in zip(found["age_hours"], found["cutoff"])}


GAPS = [("c", "gap", "2026-03-10 08:00", 2.5, 10.0), ("c", "gap", "2026-03-10 10:30", 7, 10.0)]


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        (hourly("2026-03-10 09:00", 4), {0: "10 09:00", 1: "10 10:00", 3: "10 12:00", 6: "10 13:00"}),
        (daily("2026-03-10", 2), {0: "10 00:00", 24: "11 00:00", 48: "12 00:00"}),
        (GAPS, {0: "10 08:00", 3: "10 10:30", 12: "10 17:30"}),
        (
            [*hourly("2026-03-10 22:00", 2), *daily("2026-03-11", 1)],
            {0: "10 22:00", 1: "10 23:00", 3: "11 00:00", 48: "12 00:00"},
        ),
        # Delivered only from its second hour on: life starts there.
        (
            [("c", "hour", "2026-03-10 08:00", 1, 0.0), *hourly("2026-03-10 09:00", 1)],
            {0: "10 09:00", 1: "10 10:00"},
        ),
    ],
    ids=["hourly", "daily", "gaps", "hours then days", "first hour without delivery"],
)
def test_the_cutoff_is_the_last_period_end_by_each_age_and_ages_that_show_nothing_new_are_left_out(
    world, periods, expected
) -> None:
    assert taken(world(*periods)) == expected


def test_every_cutoff_lies_at_or_before_launch_plus_age(small_world) -> None:
    found = frame_of(small_world, weekly=True)
    assert (found["cutoff"] <= found["launched_at"] + pd.to_timedelta(found["age_hours"], unit="h")).all()
    assert not found.duplicated(["promotion_type", "account_id", "creative_id", "cutoff"]).any()
    assert (found["elapsed_hours"] <= found["age_hours"]).all()


def test_age_0_is_left_out_where_the_launch_was_not_observed(world) -> None:
    """A creative that runs on the account's first day may have started long before."""
    loaded = world(*hourly("2026-03-01 09:00", 2))
    assert 0 not in taken(loaded)
    assert taken(loaded) == {1: "01 10:00", 3: "01 11:00"}
    assert 0 in taken(world(*hourly("2026-03-02 00:00", 1)))


def test_an_upload_inside_the_accounts_data_shows_that_the_launch_was_observed(world) -> None:
    assert 0 in taken(world(*hourly("2026-03-01 09:00", 2), created_at="2026-03-01 08:00"))
    assert 0 not in taken(world(*hourly("2026-03-01 09:00", 2), created_at="2026-02-20 08:00"))


@pytest.mark.parametrize(
    ("declared", "hour"),
    [
        ("2026-03-10 14:20", 14),
        ("2026-03-10 00:00", 0),
        ("2026-03-11 00:00", np.nan),
        ("2026-03-09 14:20", np.nan),
    ],
    ids=["inside", "at its start", "at its end", "the day before"],
)
def test_a_declared_launch_tells_the_hour_only_inside_the_first_period(world, declared, hour) -> None:
    loaded = world(*daily("2026-03-10", 2), launched_at=declared)
    row = launches(MetricRows.of(loaded)).frame(MetricRows.of(loaded).creatives).iloc[0]
    assert loaded.creatives["creative_id"].iloc[0] == "c"
    assert row["launched_at"] == pd.Timestamp("2026-03-10")  # the whole first day is outcome at age 0
    np.testing.assert_equal(float(row["launch_hour"]), hour)


def test_weekly_ages_go_on_while_it_lives(world) -> None:
    found = taken(world(*daily("2026-03-03", 20)), weekly=True)
    assert list(found) == [0, 24, 48, 72, 168, 336, 504]
    assert found[336] == "17 00:00"
    assert found[504] == "23 00:00"  # twenty days of life, seen at the age of twenty-one
    assert list(taken(world(*daily("2026-03-03", 20)), weekly=False)) == [0, 24, 48, 72]


def test_spend_shows_delivery_where_impressions_are_not_counted(world) -> None:
    loaded = world(*daily("2026-03-10", 2))
    metrics = loaded.metrics.assign(spend_cny=loaded.metrics["impressions"], impressions=float("nan"))
    found = frame_of(Loaded(metrics, loaded.creatives), (0, 24))
    assert found["launched_at"].nunique() == 2


def test_a_creative_without_delivery_has_no_snapshot(world) -> None:
    loaded = world(("c", "day", "2026-03-10", 24, 0.0))
    assert taken(loaded) == {}
    silent = loaded.metrics.assign(impressions=0.0)
    assert frame_of(Loaded(silent, loaded.creatives), weekly=True).empty


def test_the_latest_snapshot_stands_at_the_end_of_the_last_period(world) -> None:
    loaded = world(*hourly("2026-03-10 09:00", 2), *daily("2026-03-11", 1))
    row = latest_of(loaded, "2026-03-20").iloc[0]
    assert row["cutoff"] == pd.Timestamp("2026-03-12")
    assert row["age_hours"] == row["elapsed_hours"] == 39.0


@pytest.mark.parametrize("planned", ["2026-03-25 10:00", "2026-03-15 10:00"])
def test_an_announced_creative_is_looked_at_now_and_at_age_0(world, planned) -> None:
    """Also when the planned launch has passed without delivery."""
    loaded = world(*daily("2026-03-10", 2), announced=True, launched_at=planned)
    found = latest_of(loaded, "2026-03-20").set_index("creative_id")
    assert sorted(found.index) == ["c", "new", "old"]
    new = found.loc["new"]
    assert (new["age_hours"], new["elapsed_hours"]) == (0.0, 0.0)
    assert new["cutoff"] == pd.Timestamp("2026-03-20")
    assert new["launched_at"] == pd.Timestamp(planned)
    assert new["launch_observed"]


def test_the_last_delivery_is_that_of_the_last_period_with_impressions(world) -> None:
    quiet = ("c", "day", pd.Timestamp("2026-03-12"), 24, 0.0)
    rows = MetricRows.of(world(*daily("2026-03-10", 2), quiet, announced=True))
    latest = latest_snapshots(rows, pd.Timestamp("2026-03-20"))
    by_name = dict(zip(rows.creatives.categories("creative_id").texts(), range(len(rows.creatives))))
    running, waiting = by_name["c"], by_name["new"]
    assert latest["cutoff"][running] == np.datetime64("2026-03-13")
    assert latest["delivered_until"][running] == np.datetime64("2026-03-12")
    assert np.isnat(latest["delivered_until"][waiting])
