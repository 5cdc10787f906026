"""Probabilities become those at which things come true, group by group."""

import numpy as np
import pandas as pd
import pytest

from training.uncertainty.calibration import ALL_ROWS, GRID, Calibration, fit_calibration, fit_groups


def rows(count: int, promotion_type: str = "live", step: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "creative": [f"c{number}" for number in range(count)],
            "promotion_type": promotion_type,
            "step": step,
            "early_volume": np.arange(count, dtype=np.float64),
        }
    )


def fitted(covariates: pd.DataFrame, predicted, *, lean: float = 200.0, zero=None, is_zero=None) -> Calibration:
    count = len(covariates)
    return fit_calibration(
        covariates,
        np.asarray(predicted),
        np.zeros(count) if zero is None else zero,
        np.zeros(count, dtype=bool) if is_zero is None else is_zero,
        np.ones(count),
        lean,
        0.8,
    )


def test_calibrated_probabilities_stay() -> None:
    calibration = fitted(rows(4000), (np.arange(4000) * 0.618034) % 1.0)
    np.testing.assert_allclose(calibration.maps[ALL_ROWS], GRID, atol=0.01)


def test_outcomes_that_all_lie_high_pull_chances_up() -> None:
    """Stated √u where u was right: at most what came was predicted with 0.9 as often as 0.81 should be."""
    calibration = fitted(rows(4000), np.sqrt((np.arange(4000) * 0.618034) % 1.0))
    group = np.array([ALL_ROWS], dtype=object)
    assert calibration(np.array([0.9]), group)[0] == pytest.approx(0.81, abs=0.01)
    assert calibration.inverse(np.array([0.81]), group)[0] == pytest.approx(0.9, abs=0.01)


def test_ties_at_0_are_spread_evenly_without_random_draws() -> None:
    """Half of all rows come to nothing, of which half was stated: right, so nothing changes."""
    count = 2000
    is_zero = np.arange(count) % 2 == 0
    predicted = np.where(is_zero, 0.5, 0.5 + 0.5 * ((np.arange(count) * 0.618034) % 1.0))
    calibration = fitted(rows(count), predicted, zero=np.full(count, 0.5), is_zero=is_zero)
    np.testing.assert_allclose(calibration.maps[ALL_ROWS], GRID, atol=0.01)


def test_a_group_of_few_rows_is_shrunk_towards_the_wider_one() -> None:
    both = pd.concat([rows(2000), rows(20, promotion_type="product")], ignore_index=True)
    predicted = np.concatenate([(np.arange(2000) * 0.618034) % 1.0, np.full(20, 0.01)])
    calibration = fitted(both, predicted)
    group = calibration.group_of(rows(1, promotion_type="product"))
    assert group[0] == "1/0/product"
    own = calibration(np.array([0.1]), group)[0]
    assert 0.1 < own < 0.3  # 20 rows that all lay lower say 1, the 200 they lean on say about 0.1
    alone = fitted(both, predicted, lean=1.0)
    assert alone(np.array([0.1]), group)[0] > 0.9


def test_a_row_of_an_unknown_promotion_type_takes_the_narrowest_known_group() -> None:
    calibration = fitted(rows(400), (np.arange(400) * 0.618034) % 1.0)
    assert calibration.group_of(rows(1, promotion_type="brand"))[0] == "1/0"
    assert calibration.group_of(rows(1, promotion_type="brand", step=4))[0] == ALL_ROWS


def test_rows_of_weight_0_change_nothing() -> None:
    predicted = np.concatenate([(np.arange(1000) * 0.618034) % 1.0, np.full(1000, 0.5)])
    weight = np.repeat([1.0, 0.0], 1000)
    calibration = fit_calibration(
        pd.concat([rows(1000), rows(1000)]), predicted, np.zeros(2000), np.zeros(2000, dtype=bool), weight, 200.0, 0.8
    )
    np.testing.assert_allclose(calibration.maps[ALL_ROWS], GRID, atol=0.01)


def test_intervals_that_cover_too_much_let_the_others_of_their_group_cover_less() -> None:
    """A tenth of the rows come to nothing with 0.95: at 0.8 the others may hold 0.7833, that all together hold 0.8."""
    count = 4000
    certain = np.arange(count) % 10 == 0
    is_zero = certain & (np.arange(count) % 200 != 0)
    even = (np.arange(count) * 0.618034) % 1.0
    predicted = np.where(is_zero, 0.95, np.where(certain, 0.95 + 0.05 * even, even))
    calibration = fitted(rows(count), predicted, zero=np.where(certain, 0.95, 0.0), is_zero=is_zero)
    group = np.array([ALL_ROWS], dtype=object)
    assert calibration.level_of(0.8, group)[0] == pytest.approx(0.7833, abs=0.002)
    none = fitted(rows(count), even)
    assert none.level_of(0.8, group)[0] == 0.8


def test_the_level_of_a_group_is_reduced_by_a_twentieth_at_most() -> None:
    count = 2000
    is_zero = np.arange(count) % 10 != 0
    zero = np.where(np.arange(count) % 2 == 0, 0.95, 0.85)
    predicted = np.where(is_zero, zero, 0.97)
    calibration = fitted(rows(count), predicted, zero=zero, is_zero=is_zero)
    assert calibration.level_of(0.8, np.array([ALL_ROWS], dtype=object))[0] == pytest.approx(0.75, abs=1e-4)


def test_rows_of_one_age_fall_into_quarters_by_their_early_volume() -> None:
    groups = fit_groups(rows(400))
    sizes = pd.Series(groups.names(rows(400))[2]).value_counts()
    assert sizes.tolist() == [100] * 4
    nobody_ran = rows(400).assign(early_volume=0.0)
    assert set(fit_groups(nobody_ran).names(nobody_ran)[2]) == {"1/0"}
