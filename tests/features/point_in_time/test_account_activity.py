"""How crowded an account is, and how much of what it runs is alike: counted by hand."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.account_activity import Activity, activity_columns
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.availability import NEVER
from features.point_in_time.entity_history import Contributions

DAY = 86_400
#                         unit: 0     1     2     3 (other account)  4 (never ran)
CREATIVES = pd.DataFrame(
    {
        "promotion_type": "live",
        "account_id": ["a", "a", "a", "b", "a"],
        "tag_hook": ["x", "x", "y", "x", "x"],
        "tag_scene": ["u", "v", None, "u", "v"],
    }
)
ROWS = [(0, 10), (0, 11), (1, 10), (1, 20), (2, 2), (3, 11)]
"""(creative, day on which a row of it became known)."""


def at(unit: int, day: float) -> pd.Series:
    units, days = (np.array(part, dtype=np.int64) for part in zip(*ROWS))
    first = np.array([10 * DAY, 10 * DAY, 2 * DAY, 11 * DAY, NEVER], dtype=np.int64)
    creatives, lives = ArrayFrame.of(CREATIVES), Activity(days * DAY, units, first)
    wanted, moments = np.array([unit]), np.array([int(day * DAY)], dtype=np.int64)
    nothing = np.zeros((0, 1))
    own = Contributions((), (), nothing, nothing, nothing, lives.own(wanted, moments))
    tags = lives.tags(creatives, ["tag_hook", "tag_scene"], wanted, moments)
    return pd.DataFrame(dict(activity_columns(lives.account(creatives, wanted, moments), tags, own))).iloc[0]


@pytest.mark.parametrize(
    ("unit", "day", "live", "launched"),
    [
        (0, 10, 0, 1),  # only 2 is known before day 10, and it went silent on day 5
        (0, 10.5, 1, 2),  # 1 came
        (4, 10.5, 2, 3),
        (4, 13, 2, 3),  # rows of day 10 still count on day 13 …
        (4, 13.5, 1, 3),  # … and no longer after it; 0 had one more on day 11
        (4, 14.5, 0, 3),
        (4, 16.5, 0, 2),  # 2 was launched more than fourteen days ago
        (0, 20.5, 1, 1),  # 1 lives again
        (1, 20.5, 0, 1),  # and is not its own sibling
        (3, 11.5, 0, 0),  # the only one of its account
    ],
)
def test_creatives_live_for_three_days_after_a_row_and_are_new_for_fourteen(unit, day, live, launched) -> None:
    row = at(unit, day)
    assert (row["live_siblings"], row["recent_launches"]) == (live, launched)


@pytest.mark.parametrize(
    ("unit", "day", "share"),
    [
        (0, 10.5, (1 + 0) / (2 * 2)),  # of two others, one has its hook and none its scene
        (4, 10.5, (2 + 1) / (2 * 3)),  # of three others, two have its hook and one its scene
        (2, 10.5, 0 / (1 * 2)),  # a creative's unknown tag is not compared
        (3, 11.5, np.nan),  # nothing launched beside it
    ],
)
def test_overlap_is_the_share_of_own_tags_that_recent_launches_carry(unit, day, share) -> None:
    np.testing.assert_equal(at(unit, day)["tag_overlap_share"], share)


def test_later_rows_change_nothing() -> None:
    """A run that goes on is not known to go on."""
    before = at(4, 12)
    ROWS.append((1, 12))
    try:
        pd.testing.assert_series_equal(at(4, 12), before)
    finally:
        ROWS.pop()
