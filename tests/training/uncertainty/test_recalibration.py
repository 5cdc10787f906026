"""Probabilities become those at which things come true, group by group."""

import numpy as np
import pytest

from training.uncertainty.recalibration import (
    GRID,
    Recalibration,
    calibrated,
    fit_recalibration,
    group_chains,
    predicted_at,
)


def rows(count: int, promotion_type: str = "live", step: int = 1, first: int = 0) -> dict[str, np.ndarray]:
    return {
        "step": np.full(count, step),
        "early_volume": np.arange(count, dtype=np.float64),
        "promotion_type": np.full(count, promotion_type, dtype=object),
        "creative": np.array([f"c{number}" for number in range(first, first + count)], dtype=object),
    }


def both(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([one[name], other[name]]) for name in one}


def even(count: int) -> np.ndarray:
    return (np.arange(count) * 0.618034) % 1.0


def fitted(columns, predicted, *, lean: float = 200.0, zero=None, is_zero=None, weight=None) -> Recalibration:
    count = len(columns["step"])
    zero = np.zeros(count) if zero is None else zero
    is_zero = np.zeros(count, dtype=bool) if is_zero is None else is_zero
    weight = np.ones(count) if weight is None else weight
    return fit_recalibration(columns, np.asarray(predicted), zero, is_zero, weight, lean)


def test_calibrated_probabilities_stay() -> None:
    np.testing.assert_allclose(fitted(rows(4000), even(4000)).maps[""], GRID, atol=0.01)


def test_outcomes_that_all_lie_high_pull_chances_up() -> None:
    """Stated √u where u was right: at most what came was predicted with 0.9 as often as 0.81 should be."""
    maps = fitted(rows(4000), np.sqrt(even(4000))).maps_of(rows(1))
    assert calibrated(maps, np.array([[0.9]]))[0, 0] == pytest.approx(0.81, abs=0.01)
    assert predicted_at(maps, np.array([[0.81]]))[0, 0] == pytest.approx(0.9, abs=0.01)


def test_ties_at_0_are_spread_evenly_without_random_draws() -> None:
    """Half of all rows come to nothing, of which half was stated: right, so nothing changes."""
    count = 2000
    is_zero = np.arange(count) % 2 == 0
    predicted = np.where(is_zero, 0.5, 0.5 + 0.5 * even(count))
    calibration = fitted(rows(count), predicted, zero=np.full(count, 0.5), is_zero=is_zero)
    np.testing.assert_allclose(calibration.maps[""], GRID, atol=0.01)


def test_where_zeros_are_more_than_stated_the_calibrated_transform_is_even() -> None:
    """P(0) is stated between .1 and .7 but is .9 for all: a map moves the mass at 0 over which the PIT is spread."""
    count = 4000
    draw = np.random.default_rng(4)
    zero = draw.uniform(0.1, 0.7, count)
    is_zero = draw.random(count) < 0.9
    predicted = np.where(is_zero, zero, zero + (1 - zero) * draw.random(count))
    maps = fitted(rows(count), predicted, zero=zero, is_zero=is_zero, lean=10.0).maps_of(rows(count))
    below, at_zero = (calibrated(maps, values[:, None])[:, 0] for values in (predicted, zero))
    pit = np.where(is_zero, draw.random(count) * at_zero, below)
    shares = np.histogram(pit, 5, (0, 1))[0] / count
    np.testing.assert_allclose(shares, 0.2, atol=0.035)
    assert at_zero.mean() > 0.8


def test_a_group_of_few_rows_is_shrunk_towards_the_wider_one() -> None:
    columns = both(rows(2000), rows(20, promotion_type="product"))
    predicted = np.concatenate([even(2000), np.full(20, 0.01)])
    product = rows(1, promotion_type="product")
    own = calibrated(fitted(columns, predicted).maps_of(product), np.array([[0.1]]))[0, 0]
    assert 0.1 < own < 0.3  # 20 rows that all lay lower say 1, the 200 they lean on say about 0.1
    alone = fitted(columns, predicted, lean=1.0).maps_of(product)
    assert calibrated(alone, np.array([[0.1]]))[0, 0] > 0.9


def test_a_row_of_an_unknown_group_takes_the_narrowest_known_one() -> None:
    calibration = fitted(rows(400), even(400) ** 2)
    by_type = calibration.maps_of(rows(1, promotion_type="brand"))[0]
    assert by_type.tolist() == list(calibration.maps["1/0"])
    by_age = calibration.maps_of(rows(1, promotion_type="brand", step=4))[0]
    assert by_age.tolist() == list(calibration.maps[""])
    assert calibration.creatives_like(rows(1, promotion_type="brand")).tolist() == [0]


def test_creatives_of_a_group_are_counted_once() -> None:
    again = fitted(both(rows(400), rows(400)), even(800))
    assert again.creatives_like(rows(1)).tolist() == [100]


def test_rows_of_weight_0_change_nothing() -> None:
    predicted = np.concatenate([even(1000), np.full(1000, 0.5)])
    calibration = fitted(both(rows(1000), rows(1000)), predicted, weight=np.repeat([1.0, 0.0], 1000))
    np.testing.assert_allclose(calibration.maps[""], GRID, atol=0.01)


def test_maps_rise_from_0_to_1() -> None:
    draw = np.random.default_rng(5)
    zero = draw.random(300)
    calibration = fitted(rows(300), np.maximum(zero, draw.random(300)), zero=zero, is_zero=draw.random(300) < 0.7)
    maps = np.array(list(calibration.maps.values()))
    assert (np.diff(maps, axis=1) >= 0).all()
    assert (maps[:, 0] == 0).all()
    assert (maps[:, -1] == 1).all()


def test_rows_of_one_age_fall_into_quarters_by_their_early_volume() -> None:
    edges = fitted(rows(400), even(400)).edges
    _, counts = np.unique([chain[2] for chain in group_chains(rows(400), edges)], return_counts=True)
    assert counts.tolist() == [100] * 4
    nobody_ran = {**rows(400), "early_volume": np.zeros(400)}
    chains = list(group_chains(nobody_ran, fitted(nobody_ran, even(400)).edges))
    assert {chain[2] for chain in chains} == {"1/0"}
