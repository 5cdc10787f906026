"""Small regressions: what they fit, and when trees join them."""

import numpy as np
import pandas as pd
import pytest

from training.uncertainty.regressions import (
    LEAST_ROWS_FOR_TREES,
    PARTS,
    CrossFitParts,
    Regression,
    cross_fit,
    probability,
)


def parts(count: int, stretches: int = 2) -> CrossFitParts:
    return CrossFitParts(np.arange(count) % PARTS, np.arange(count) * stretches // count)


def test_a_line_is_fitted_and_missing_values_count_as_the_mean() -> None:
    x = np.linspace(-1, 1, 1000)
    regression = cross_fit("squared", {"x": x}, pd.DataFrame(index=range(1000)), 3.0 + 2.0 * x, parts(1000)).whole
    found = regression.linear({"x": np.array([0.5, np.nan])}, 2)
    assert found == pytest.approx([4.0, 3.0], abs=0.02)


def test_far_outside_its_training_rows_a_line_is_clipped() -> None:
    x = np.linspace(-1, 1, 1000)
    regression = cross_fit("squared", {"x": x}, pd.DataFrame(index=range(1000)), x, parts(1000)).whole
    assert regression.linear({"x": np.array([1e6])}, 1)[0] == regression.linear({"x": np.array([1e9])}, 1)[0] < 3.0


def test_an_outcome_that_always_happened_is_not_certain() -> None:
    regression = cross_fit(
        "logistic", {"x": np.arange(99.0)}, pd.DataFrame(index=range(99)), np.ones(99), parts(99)
    ).whole
    assert probability(regression.linear({"x": np.zeros(1)}, 1))[0] == pytest.approx(99.5 / 100)


def test_a_constant_column_is_left_out() -> None:
    columns = {"flat": np.ones(200), "empty": np.full(200, np.nan), "x": np.arange(200.0)}
    regression = cross_fit("squared", columns, pd.DataFrame(index=range(200)), np.arange(200.0), parts(200)).whole
    assert set(regression.weights) == {"x"}


@pytest.fixture(scope="module")
def stepped():
    """A step that no line can follow, the same in every stretch of time."""
    count = LEAST_ROWS_FOR_TREES
    x = np.random.default_rng(5).uniform(-1, 1, count)
    return {"x": x}, pd.DataFrame({"tree_x": x}), np.where(np.abs(x) > 0.5, 2.0, 0.0), count


def test_trees_join_where_they_help_in_every_stretch_of_time(stepped) -> None:
    columns, table, label, count = stepped
    fitted = cross_fit("squared", columns, table, label, parts(count))
    found = fitted.whole.linear(columns, count) + fitted.whole.correction(table)
    assert fitted.whole.columns == ("tree_x",)
    assert np.mean((found - label) ** 2) < 0.3 * label.var()
    assert np.mean((fitted.out_of_part - label) ** 2) < 0.3 * label.var()


def test_trees_that_help_in_one_stretch_alone_are_left_out(stepped) -> None:
    columns, table, label, count = stepped
    turned = np.where(np.arange(count) * 2 // count == 1, 2.0 - label, label)
    fitted = cross_fit("squared", columns, table, turned, parts(count))
    assert fitted.whole.trees == ""


def test_without_a_second_stretch_of_time_no_trees_are_fitted(stepped) -> None:
    columns, table, label, count = stepped
    assert cross_fit("squared", columns, table, label, parts(count, stretches=1)).whole.trees == ""


def test_a_regression_survives_json_to_the_last_bit(stepped) -> None:
    columns, table, label, count = stepped
    regression = cross_fit("gamma", columns, table, label, parts(count)).whole
    again = Regression.model_validate_json(regression.model_dump_json())
    assert (again.linear(columns, count) == regression.linear(columns, count)).all()
    assert (again.correction(table) == regression.correction(table)).all()
    alone = [again.correction(table.iloc[[place]])[0] for place in range(20)]
    assert (np.array(alone) == again.correction(table)[:20]).all()
