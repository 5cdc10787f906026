"""Sums over windows of time."""

import numpy as np
import pytest

from features.point_in_time import windowed_sums as window
from features.point_in_time.windowed_sums import TimedSums

HOURS = np.arange(0, 6, dtype=np.int64) * 3600


def sums(**values: list[float]) -> TimedSums:
    groups = np.array([0, 0, 0, 1, 1, 1], dtype=np.int64)
    starts = np.array([0, 1, 2, 0, 1, 2], dtype=np.int64) * 3600
    return TimedSums(groups, starts, starts + 3600, {name: np.array(column) for name, column in values.items()})


def at(group: int, hour: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([group], dtype=np.int64), np.array([int(hour * 3600)], dtype=np.int64)


@pytest.mark.parametrize(
    ("group", "until", "expected"),
    [(0, 0.5, 0.0), (0, 1.0, 1.0), (0, 1.5, 1.0), (0, 99, 7.0), (1, 2.0, 24.0), (2, 99, 0.0), (-1, 99, 0.0)],
)
def test_a_sum_until_a_moment_takes_rows_that_ended_by_then(group: int, until: float, expected: float) -> None:
    found = sums(x=[1, 2, 4, 8, 16, 32]).until(*at(group, until))
    assert found["x"].tolist() == [expected]


@pytest.mark.parametrize(
    ("after", "until", "expected"),
    [(0, 3, 7.0), (1, 3, 6.0), (0.5, 3, 6.0), (1, 2.5, 2.0), (0.5, 0.9, 0.0), (3, 9, 0.0), (2, 1, 0.0)],
)
def test_a_row_that_straddles_an_edge_belongs_to_neither_side(after: float, until: float, expected: float) -> None:
    group, start = at(0, after)
    found = sums(x=[1, 2, 4, 8, 16, 32]).between(group, start, at(0, until)[1])
    assert found["x"].tolist() == [expected]


def test_a_row_that_straddles_a_moment_is_found() -> None:
    table = sums(x=[1, 2, 4, 8, 16, 32])
    assert table.straddles(*at(0, 0.5)).tolist() == [True]
    assert table.straddles(*at(0, 1)).tolist() == [False]
    assert table.straddles(*at(0, 7)).tolist() == [False]


def test_a_missing_value_makes_the_sums_that_hold_it_missing_and_no_others() -> None:
    table = sums(x=[1, np.nan, 4, 8, 16, 32])
    assert np.isnan(table.until(*at(0, 3))["x"][0])
    assert table.until(*at(0, 1))["x"][0] == 1.0
    assert table.until(*at(1, 3))["x"][0] == 56.0


def test_sums_of_money_do_not_depend_on_order_or_on_other_rows() -> None:
    draw = np.random.default_rng(3)
    money = np.round(draw.lognormal(3, 2, 2000), 4)
    ends = np.arange(2000, dtype=np.int64) + 1
    group = np.zeros(2000, dtype=np.int64)
    alone = TimedSums(group, ends - 1, ends, {"x": money}).until(np.array([0]), np.array([2000]))["x"][0]
    order = draw.permutation(2000)
    others = np.concatenate([group[order] + 1, group])
    together = TimedSums(
        others,
        np.concatenate([ends[order] - 1, ends - 1]),
        np.concatenate([ends[order], ends]),
        {"x": np.concatenate([money[order], money * 7])},
    ).until(np.array([1]), np.array([2000]))["x"][0]
    assert alone == together


def test_a_sum_too_large_to_be_exact_is_refused() -> None:
    with pytest.raises(ValueError, match="too large to be exact"):
        sums(x=[1e12, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("left_out", [False, True])
def test_rows_added_up_by_group_and_moment_give_the_same_sums_as_one_by_one(monkeypatch, missing, left_out) -> None:
    draw = np.random.default_rng(5)
    groups = draw.integers(-1 if left_out else 0, 6, 4000)
    times = draw.integers(0, 40, 4000) * 3600
    values = {"gain": np.round(draw.lognormal(2, 2, 4000), 4), "change": np.round(draw.normal(0, 9, 4000), 4)}
    if missing:
        values["gain"][draw.integers(0, 4000, 5)] = np.nan
    wanted, moments = draw.integers(-1, 8, 900), draw.integers(-1, 42, 900) * 3600
    after = moments - draw.integers(0, 9, 900) * 3600

    def all_sums() -> list[np.ndarray]:
        sums = TimedSums(groups, times, times, values)
        until, between = sums.until(wanted, moments), sums.between(wanted, after, moments)
        return [*until.values(), *between.values(), sums.last_end(wanted, moments), sums.straddles(wanted, moments)]

    one_by_one = all_sums()
    assert window._together(groups, times) is None
    monkeypatch.setattr(window, "MANY_ROWS", 0)
    monkeypatch.setattr(window, "LEAST_EACH", 1)
    assert window._together(groups, times) is not None
    for one, other in zip(one_by_one, all_sums()):
        np.testing.assert_array_equal(one, other)


def test_a_sum_of_many_rows_too_large_to_be_exact_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(window, "MANY_ROWS", 0)
    monkeypatch.setattr(window, "LEAST_EACH", 1)
    zeros = np.zeros(6, dtype=np.int64)
    for large in ([1e12, 1, 1, 1, 1, 1], [-1e12, 1, 1, 1, 1, 1], [np.inf, 1, 1, 1, 1, 1]):
        with pytest.raises(ValueError, match="too large to be exact"):
            TimedSums(zeros, zeros, zeros, {"x": np.array(large)})
