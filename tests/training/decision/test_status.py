"""Waiting, running, stopped: by the last two days that an account has reported."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY, Loaded
from training.decision.status import RUNNING, STOPPED, WAITING, reported_until, statuses

UNTIL = np.datetime64("2026-06-10T00:00:00", "us")


def status(age_hours: float, delivered: str, cutoff: str = "", until: np.datetime64 = UNTIL) -> str:
    times = {"delivered_until": delivered, "cutoff": cutoff or delivered}
    table = {name: np.array([value], dtype="datetime64[us]") for name, value in times.items()}
    return statuses(ArrayFrame({**table, "age_hours": np.array([age_hours])}, 1), np.array([until]))[0]


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        ("2026-06-10T00:00:00", RUNNING),
        ("2026-06-08T00:00:01", RUNNING),
        ("2026-06-08T00:00:00", STOPPED),  # the last day but two: none of the last two days
        ("2026-05-01T00:00:00", STOPPED),
        ("2026-06-12T00:00:00", RUNNING),  # its own rows are newer than what the account had reported
    ],
)
def test_a_creative_runs_that_was_shown_in_the_last_two_reported_days(delivered, expected) -> None:
    assert status(48.0, delivered) == expected


def test_days_that_are_reported_without_delivery_count_as_reported() -> None:
    assert status(240.0, "2026-06-09T00:00:00", cutoff="2026-06-12T00:00:00") == STOPPED


def test_a_creative_that_was_never_shown_waits() -> None:
    assert status(0.0, "NaT", cutoff="2026-06-10T00:00:00") == WAITING


def test_an_account_is_compared_with_its_own_last_day(small_world: Loaded) -> None:
    """An account whose export ends five days early has running creatives too."""
    metrics = small_world.metrics
    last = metrics["period_end"].max()
    account = metrics["account_id"] == "acc0"
    early = metrics[~account | (metrics["period_end"] <= last - pd.Timedelta(days=5))].reset_index(drop=True)
    loaded = Loaded(early, small_world.creatives)
    rows = MetricRows.of(loaded)
    observed = latest_snapshots(rows, last)
    keys = rows.creatives.select(KEY).frame()
    found = statuses(observed, reported_until(keys, loaded, last))
    assert (reported_until(keys, loaded, last) == rows.account_until).all()
    mine = (keys["account_id"] == "acc0").to_numpy()
    ends = observed["delivered_until"][mine]
    recent = ends > ends.max() - np.timedelta64(2, "D")
    assert [one for one, own in zip(found, mine) if own] == np.where(recent, RUNNING, STOPPED).tolist()
    assert recent.any()
