"""A small ledger about a small world: answers whose truth can be counted by hand."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.schema import KEY, Loaded

FIRST_DAY = pd.Timestamp("2026-03-01")


@pytest.fixture
def metrics() -> Callable[..., dict[str, object]]:
    """Makes a row of metrics of one day of a creative."""

    def row(creative: str, day: int, **values: float) -> dict[str, object]:
        start = FIRST_DAY + pd.Timedelta(days=day)
        known = {"impressions": 1000.0, "clicks": 50.0, "orders": 2.0, "gmv_cny": 200.0, "net_gmv_cny": 180.0}
        known |= {"spend_cny": 100.0, **values}
        key = dict(zip(KEY, ("live", "a", creative)))
        return {**key, "grain": "day", "period_start": start, "period_end": start + pd.Timedelta(days=1), **known}

    return row


@pytest.fixture
def world(metrics, checked) -> Loaded:
    """Forty creatives of one account, thirty days each: ROI 1.8 after refunds for even ones, 0.9 for odd ones."""
    rows = [
        metrics(f"c{number:02d}", day, net_gmv_cny=180.0 if number % 2 == 0 else 90.0)
        for number in range(40)
        for day in range(number % 5, 30)
    ]
    creatives = pd.DataFrame(
        [{**dict(zip(KEY, ("live", "a", f"c{number:02d}"))), "creator_id": f"k{number % 3}"} for number in range(40)]
    )
    return checked(pd.DataFrame(rows), creatives)


@pytest.fixture
def answer() -> Callable[..., dict[str, object]]:
    """Makes an answer about a creative of that world, given on a day."""

    def made(creative: str, day: float, **more: object) -> dict[str, object]:
        cutoff = FIRST_DAY + pd.Timedelta(days=day)
        found: dict[str, object] = {
            "model": "m", "version": "1", **dict(zip(KEY, ("live", "a", creative))),
            "at": cutoff + pd.Timedelta(hours=9), "age_hours": 24.0 * day, "cutoff": cutoff,
            "trained_until": FIRST_DAY, "outcome_days": 7, "basis": "net_1h",
            "asked_roi": 1.2, "chance": 0.5, "hit_chance": 0.1, "decision": "hold", "unseen": False,
            "predicted_net_roi": 1.8, "net_roi_low": 1.0, "net_roi_high": 2.5,
            "stage_click": 0.05, "stage_cost": 0.1,
        }  # fmt: skip
        return found | more

    return made


@pytest.fixture
def answers(answer) -> pd.DataFrame:
    """Every creative of that world, asked for on days 6 to 20 and forecast rightly."""
    rows = [
        answer(
            f"c{number:02d}",
            day,
            predicted_net_roi=1.8 if number % 2 == 0 else 0.9,
            chance=0.9 if number % 2 == 0 else 0.1,
            decision="scale" if number % 2 == 0 else "stop",
        )
        for number in range(40)
        for day in range(6, 21)
    ]
    return frame(rows)


def frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Answers as a table."""
    table = pd.DataFrame(rows)
    for name in ("at", "cutoff", "trained_until"):
        table[name] = table[name].astype("datetime64[us]")
    return table.replace({None: np.nan})


@pytest.fixture(name="frame")
def frame_fixture() -> Callable[[list[dict[str, object]]], pd.DataFrame]:
    """`frame`."""
    return frame
