"""Probabilities become those at which things come true, group by group."""

import numpy as np
import pandas as pd
import pytest

from training.uncertainty.calibration import ALL, GRID, Calibration, fit_calibration, fit_groups


def rows(count: int, kind: str = "live", step: int = 1) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "creative": [f"c{number}" for number in range(count)],
            "kind": kind,
            "step": step,
            "early": np.arange(count, dtype=np.float64),
        }
    )


def fitted(situation: pd.DataFrame, stated, *, lean: float = 200.0, nothing=None, is_nothing=None) -> Calibration:
    count = len(situation)
    return fit_calibration(
        situation,
        np.asarray(stated),
        np.zeros(count) if nothing is None else nothing,
        np.zeros(count, dtype=bool) if is_nothing is None else is_nothing,
        np.ones(count),
        lean,
        0.8,
    )


def test_probabilities_that_are_right_stay() -> None:
    calibration = fitted(rows(4000), (np.arange(4000) * 0.618034) % 1.0)
    np.testing.assert_allclose(calibration.maps[ALL], GRID, atol=0.01)


def test_outcomes_that_all_lie_high_pull_chances_up() -> None:
    """Stated √u where u was right: at most what came was stated with 0.9 as often as 0.81 should be."""
    calibration = fitted(rows(4000), np.sqrt((np.arange(4000) * 0.618034) % 1.0))
    group = np.array([ALL], dtype=object)
    assert calibration(np.array([0.9]), group)[0] == pytest.approx(0.81, abs=0.01)
    assert calibration.stated(np.array([0.81]), group)[0] == pytest.approx(0.9, abs=0.01)


def test_a_tie_at_nothing_is_spread_over_its_chance_without_drawing() -> None:
    """Half of all rows come to nothing, of which half was stated: right, so nothing changes."""
    count = 2000
    is_nothing = np.arange(count) % 2 == 0
    stated = np.where(is_nothing, 0.5, 0.5 + 0.5 * ((np.arange(count) * 0.618034) % 1.0))
    calibration = fitted(rows(count), stated, nothing=np.full(count, 0.5), is_nothing=is_nothing)
    np.testing.assert_allclose(calibration.maps[ALL], GRID, atol=0.01)


def test_a_group_of_few_rows_leans_on_the_wider_one() -> None:
    both = pd.concat([rows(2000), rows(20, kind="product")], ignore_index=True)
    stated = np.concatenate([(np.arange(2000) * 0.618034) % 1.0, np.full(20, 0.01)])
    calibration = fitted(both, stated)
    group = calibration.group_of(rows(1, kind="product"))
    assert group[0] == "1/0/product"
    own = calibration(np.array([0.1]), group)[0]
    assert 0.1 < own < 0.3  # 20 rows that all lay lower say 1, the 200 they lean on say about 0.1
    alone = fitted(both, stated, lean=1.0)
    assert alone(np.array([0.1]), group)[0] > 0.9


def test_a_row_of_a_kind_never_seen_takes_the_widest_group_that_is_known() -> None:
    calibration = fitted(rows(400), (np.arange(400) * 0.618034) % 1.0)
    assert calibration.group_of(rows(1, kind="brand"))[0] == "1/0"
    assert calibration.group_of(rows(1, kind="brand", step=4))[0] == ALL


def test_rows_that_weigh_nothing_teach_nothing() -> None:
    stated = np.concatenate([(np.arange(1000) * 0.618034) % 1.0, np.full(1000, 0.5)])
    weight = np.repeat([1.0, 0.0], 1000)
    calibration = fit_calibration(
        pd.concat([rows(1000), rows(1000)]), stated, np.zeros(2000), np.zeros(2000, dtype=bool), weight, 200.0, 0.8
    )
    np.testing.assert_allclose(calibration.maps[ALL], GRID, atol=0.01)


def test_rows_that_hold_too_much_let_the_others_of_their_group_hold_less() -> None:
    """A tenth of the rows come to nothing with 0.95: at 0.8 the others may hold 0.7833, that all together hold 0.8."""
    count = 4000
    certain = np.arange(count) % 10 == 0
    is_nothing = certain & (np.arange(count) % 200 != 0)
    even = (np.arange(count) * 0.618034) % 1.0
    stated = np.where(is_nothing, 0.95, np.where(certain, 0.95 + 0.05 * even, even))
    calibration = fitted(rows(count), stated, nothing=np.where(certain, 0.95, 0.0), is_nothing=is_nothing)
    group = np.array([ALL], dtype=object)
    assert calibration.level_of(0.8, group)[0] == pytest.approx(0.7833, abs=0.002)
    none = fitted(rows(count), even)
    assert none.level_of(0.8, group)[0] == 0.8


def test_a_group_gives_up_no_more_than_a_twentieth() -> None:
    count = 2000
    is_nothing = np.arange(count) % 10 != 0
    nothing = np.where(np.arange(count) % 2 == 0, 0.95, 0.85)
    stated = np.where(is_nothing, nothing, 0.97)
    calibration = fitted(rows(count), stated, nothing=nothing, is_nothing=is_nothing)
    assert calibration.level_of(0.8, np.array([ALL], dtype=object))[0] == pytest.approx(0.75, abs=1e-4)


def test_rows_of_one_age_fall_into_quarters_by_their_early_volume() -> None:
    groups = fit_groups(rows(400))
    sizes = pd.Series(groups.names(rows(400))[2]).value_counts()
    assert sizes.tolist() == [100] * 4
    nobody_ran = rows(400).assign(early=0.0)
    assert set(fit_groups(nobody_ran).names(nobody_ran)[2]) == {"1/0"}
