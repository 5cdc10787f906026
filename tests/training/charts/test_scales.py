"""Numbers to places, and ticks that a reader expects."""

from itertools import pairwise
from math import log

import pytest

from training.charts.scales import (
    FACTORS,
    Scale,
    decimal_labels,
    factor_scale,
    factor_ticks,
    log_ticks,
    nice_ticks,
    padded,
)


@pytest.mark.parametrize(
    ("scale", "places"),
    [
        (Scale(0.0, 10.0, 100.0, 200.0), {0.0: 100.0, 5.0: 150.0, 10.0: 200.0, 12.0: 220.0}),
        (Scale(0.0, 10.0, 200.0, 100.0), {0.0: 200.0, 2.5: 175.0}),
        (Scale(1.0, 100.0, 0.0, 10.0, "log"), {1.0: 0.0, 10.0: 5.0, 100.0: 10.0}),
        (Scale(0.0, 100.0, 0.0, 10.0, "root"), {0.0: 0.0, 25.0: 5.0, 100.0: 10.0}),
        (Scale(0.0, 1.0, 0.0, 10.0, clamp=True), {-3.0: 0.0, 0.5: 5.0, 7.0: 10.0}),
        (Scale(2.0, 2.0, 0.0, 10.0), {2.0: 0.0}),
    ],
)
def test_a_scale_places_numbers_between_its_ends(scale: Scale, places: dict[float, float]) -> None:
    for value, place in places.items():
        assert scale(value) == pytest.approx(place)


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (-0.05, 1.05, 8, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-0.03, 0.73, 9, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (0.0, 1.65, 8, [0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5]),
        (0.39, 0.61, 6, [0.4, 0.45, 0.5, 0.55, 0.6]),
        (0.0, 5200.0, 8, [0.0, 1000.0, 2000.0, 3000.0, 4000.0, 5000.0]),
    ],
)
def test_ticks_are_round_numbers_inside_the_axis(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert nice_ticks(low, high, most) == pytest.approx(ticks)


def test_log_ticks_are_multiples_of_powers_of_ten() -> None:
    assert log_ticks(15.0, 600.0) == pytest.approx([20, 50, 100, 200, 500])
    assert log_ticks(15.0, 60000.0, (1.0,)) == pytest.approx([100, 1000, 10000])


def test_labels_have_the_decimals_that_ticks_need() -> None:
    assert decimal_labels([0.0, 0.25, 0.5]) == ["0.00", "0.25", "0.50"]
    assert decimal_labels([-1.0, 0.0, 1.0]) == ["−1", "0", "1"]
    assert decimal_labels([]) == []


def test_one_is_always_a_tick_of_factors_and_no_two_labels_overlap() -> None:
    scale = factor_scale(log(1.6), 4.0, 196.0)
    assert scale(1.0) == pytest.approx(100.0)
    ticks = factor_ticks(FACTORS, scale, distance=26.0, margin=14.0)
    assert dict(ticks)["1"] == pytest.approx(100.0)
    places = sorted(place for _, place in ticks)
    assert all(right - left >= 26.0 for left, right in pairwise(places))
    assert 18.0 <= places[0] < 100.0 < places[-1] <= 182.0
    assert [label for label, _ in factor_ticks(FACTORS, factor_scale(0.01, 0.0, 10.0), distance=26.0)] == ["1"]


def test_an_axis_leaves_room_around_its_numbers() -> None:
    assert padded([0.0, 1.0]) == pytest.approx((-0.05, 1.05))
    low, high = padded([3.0])
    assert low < 3.0 < high
    assert padded([]) == (0.0, 1.0)
