"""Of rows that cover the same time of one creative, one remains: nothing overlaps, nothing is invented."""

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from features.schema import KEY
from features.store.overlaps import resolve_overlaps

MIDNIGHT = pd.Timestamp("2025-07-01")
LENGTHS = {"hour": 1, "day": 24}


def rows(*periods, creative="c1"):
    """Rows from (grain, first hour, last hour, impressions, spend)."""
    frame = pd.DataFrame(periods, columns=["grain", "start", "end", "impressions", "spend_cny"])
    return pd.DataFrame(
        {
            "promotion_type": "live",
            "account_id": "a1",
            "creative_id": creative,
            "grain": frame["grain"],
            "period_start": (MIDNIGHT + pd.to_timedelta(frame["start"], unit="h")).astype("datetime64[us]"),
            "period_end": (MIDNIGHT + pd.to_timedelta(frame["end"], unit="h")).astype("datetime64[us]"),
            "impressions": frame["impressions"].astype(float),
            "spend_cny": frame["spend_cny"].astype(float),
        }
    )


def hours(day, per_hour, count=24, spend=None):
    first = 24 * day
    return [("hour", first + i, first + i + 1, per_hour, spend) for i in range(count)]


def day(number, impressions, spend=None):
    return ("day", 24 * number, 24 * number + 24, impressions, spend)


def kept(frame):
    return resolve_overlaps(frame)[0]["grain"].value_counts().to_dict()


CASES = [
    ("nothing overlaps", [day(0, 10), day(1, 10)], {"day": 2}, {}),
    ("hours that add up", [*hours(0, 10), day(0, 240)], {"hour": 24}, {"days_replaced_by_hours": 1}),
    ("hours just enough", [*hours(0, 9.8), day(0, 240)], {"hour": 24}, {"days_replaced_by_hours": 1}),
    ("hours beyond the day", [*hours(0, 20), day(0, 240)], {"hour": 24}, {"days_replaced_by_hours": 1}),
    (
        "hours with holes",
        [*hours(0, 10, count=23), day(0, 240)],
        {"day": 1},
        {"days_kept_over_incomplete_hours": 1, "hours_dropped_for_longer_ones": 23},
    ),
    (
        "spend decides where the day has no impressions",
        [*hours(0, 10, spend=1), day(0, None, 24), *hours(1, 10, spend=1), day(1, None, 30)],
        {"hour": 24, "day": 1},
        {
            "days_replaced_by_hours": 1,
            "days_kept_over_incomplete_hours": 1,
            "hours_dropped_for_longer_ones": 24,
        },
    ),
    (
        "hours without impressions do not stand for a day with them",
        [*hours(0, None, spend=1), day(0, 240, 24)],
        {"day": 1},
        {"days_kept_over_incomplete_hours": 1, "hours_dropped_for_longer_ones": 24},
    ),
    (
        "time covered decides where nothing else is known",
        [*hours(0, None), day(0, None), *hours(1, None, count=20), day(1, None)],
        {"hour": 24, "day": 1},
        {
            "days_replaced_by_hours": 1,
            "days_kept_over_incomplete_hours": 1,
            "hours_dropped_for_longer_ones": 20,
        },
    ),
    (
        "what the day alone knows is lost and counted",
        [*hours(0, 10), day(0, 240, 9)],
        {"hour": 24},
        {"days_replaced_by_hours": 1, "values_only_in_replaced_rows": 1},
    ),
    (
        "hours, days and a range",
        [*hours(0, 10), day(0, 240), day(1, 100), *hours(1, 1), ("range", 0, 48, 340, None)],
        {"hour": 24, "day": 1},
        {
            "days_replaced_by_hours": 1,
            "days_kept_over_incomplete_hours": 1,
            "hours_dropped_for_longer_ones": 24,
            "ranges_replaced_by_days": 1,
        },
    ),
    (
        "a range that knows more than its days",
        [day(0, 100), day(1, 100), day(5, 7), ("range", 0, 72, 340, None)],
        {"range": 1, "day": 1},
        {"ranges_kept_over_incomplete_days": 1, "days_dropped_for_longer_ones": 2},
    ),
    (
        "a short range inside a long one",
        [("range", 0, 168, 700, None), ("range", 0, 720, 3000, None)],
        {"range": 1},
        {"ranges_kept_over_incomplete_days": 1, "ranges_dropped_for_longer_ones": 1},
    ),
    (
        "ranges of one length that straddle: the first stands, and the next that fits",
        [("range", 0, 72, 1, None), ("range", 48, 120, 1, None), ("range", 72, 144, 1, None)],
        {"range": 2},
        {"ranges_dropped_for_one_of_the_same_length": 1},
    ),
    (
        "a range of one day beside the day",
        [day(0, 10), ("range", 0, 24, 10, None)],
        {"day": 1},
        {"ranges_replaced_by_days": 1},
    ),
    (
        "gaps that straddle midnight do not stand beside the days they touch",
        [("gap", 9, 21, 10, None), ("gap", 21, 33, 10, None), day(0, 30), ("gap", 33, 50, 5, None)],
        {"day": 1, "gap": 1},
        {"days_kept_over_incomplete_hours": 1, "gaps_dropped_for_longer_ones": 2},
    ),
    (
        "hours that went for a gap that went for a range come back",
        [("hour", 49, 50, 1, None), ("gap", 49, 74, 50, None), ("range", 72, 96, 9, None)],
        {"hour": 1, "range": 1},
        {
            "long_gaps_kept_over_incomplete_days": 1,
            "hours_dropped_for_longer_ones": 1,
            "ranges_kept_over_incomplete_days": 1,
            "long_gaps_dropped_for_longer_ones": 1,
            "hours_given_back": 1,
        },
    ),
    (
        "a gap of several days gives way to its days",
        [day(0, 10), day(1, 10), ("gap", 0, 48, 20, None)],
        {"day": 2},
        {"long_gaps_replaced_by_days": 1},
    ),
]


@pytest.mark.parametrize(("periods", "stand", "notes"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_the_rows_that_stand(periods, stand, notes):
    frame = rows(*periods)
    found, found_notes = resolve_overlaps(frame)
    assert found["grain"].value_counts().to_dict() == stand
    assert found_notes == notes
    shuffled = frame.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(resolve_overlaps(shuffled)[0].sort_index(), found.sort_index())


def test_creatives_and_accounts_do_not_touch_each_other():
    one = pd.concat([rows(*hours(0, 10), creative="c1"), rows(day(0, 240), creative="c2")])
    other = rows(day(0, 240)).assign(account_id="a2")
    product = rows(day(0, 240)).assign(promotion_type="product")
    frame = pd.concat([one, other, product], ignore_index=True)
    assert kept(frame) == {"hour": 24, "day": 3}


def test_no_rows_stay_no_rows():
    frame, notes = resolve_overlaps(rows(day(0, 1)).iloc[:0])
    assert frame.empty
    assert notes == {}


periods = st.lists(
    st.one_of(
        st.tuples(st.just("hour"), st.integers(0, 95)).map(lambda p: (p[0], p[1], p[1] + 1)),
        st.tuples(st.just("day"), st.integers(0, 3)).map(lambda p: (p[0], 24 * p[1], 24 * p[1] + 24)),
        st.tuples(st.just("range"), st.integers(0, 3), st.integers(1, 4)).map(
            lambda p: (p[0], 24 * p[1], 24 * (p[1] + p[2]))
        ),
        st.tuples(st.just("gap"), st.integers(0, 90), st.integers(1, 40)).map(lambda p: (p[0], p[1], p[1] + p[2])),
    ),
    min_size=1,
    max_size=40,
    unique=True,
)


def without_overlapping_gaps(found):
    """Gaps of one creative never overlap each other: they lie between consecutive readings."""
    taken, result = 0, []
    for grain, start, end in sorted(found, key=lambda p: (p[0] != "gap", p[1])):
        if grain != "gap":
            result.append((grain, start, end))
        elif start >= taken:
            result.append((grain, start, end))
            taken = end
    return result


@settings(max_examples=60)
@given(periods, st.randoms(use_true_random=False))
def test_nothing_overlaps_and_nothing_is_invented(found, random):
    frame = rows(*[(*period, random.choice([None, 0, 5, 50]), 1.0) for period in without_overlapping_gaps(found)])
    frame = pd.concat([frame, frame.assign(creative_id="c2")], ignore_index=True)
    remaining, _ = resolve_overlaps(frame)
    ordered = remaining.sort_values([*KEY, "period_start"])
    for _, unit in ordered.groupby(KEY):
        assert (unit["period_start"].iloc[1:].to_numpy() >= unit["period_end"].iloc[:-1].to_numpy()).all()
    assert set(remaining.index) <= set(frame.index)
    for _, row in frame.drop(remaining.index).iterrows():
        same = remaining[remaining["creative_id"] == row["creative_id"]]
        touches = (same["period_start"] < row["period_end"]) & (same["period_end"] > row["period_start"])
        assert touches.any(), "a row that touches nothing that stands was dropped"


@settings(max_examples=40)
@given(st.lists(st.lists(st.integers(0, 30), min_size=24, max_size=24), min_size=1, max_size=4), st.data())
def test_total_impressions_are_those_of_the_days_when_hours_account_for_them(by_hour, data):
    periods = [day(number, sum(counts)) for number, counts in enumerate(by_hour)]
    for number, counts in enumerate(by_hour):
        if data.draw(st.booleans()):
            periods += [("hour", 24 * number + i, 24 * number + i + 1, n, None) for i, n in enumerate(counts)]
    if data.draw(st.booleans()):
        periods.append(("range", 0, 24 * len(by_hour), sum(map(sum, by_hour)), None))
    remaining, _ = resolve_overlaps(rows(*periods))
    assert remaining["impressions"].sum() == sum(map(sum, by_hour))
