"""Small regressions: what they learn, and when trees join them."""

import numpy as np
import pandas as pd
import pytest

from training.uncertainty.regressions import LEAST_ROWS, PARTS, Head, Parting, fit_heads, probability


def parting(count: int, stretches: int = 2) -> Parting:
    return Parting(np.arange(count) % PARTS, np.arange(count) * stretches // count)


def test_a_line_is_found_and_missing_values_count_as_the_mean() -> None:
    x = np.linspace(-1, 1, 1000)
    head = fit_heads("mean", {"x": x}, pd.DataFrame(index=range(1000)), 3.0 + 2.0 * x, parting(1000)).whole
    told = head.line({"x": np.array([0.5, np.nan])}, 2)
    assert told == pytest.approx([4.0, 3.0], abs=0.02)


def test_far_outside_what_taught_it_a_line_is_held() -> None:
    x = np.linspace(-1, 1, 1000)
    head = fit_heads("mean", {"x": x}, pd.DataFrame(index=range(1000)), x, parting(1000)).whole
    assert head.line({"x": np.array([1e6])}, 1)[0] == head.line({"x": np.array([1e9])}, 1)[0] < 3.0


def test_a_chance_that_always_came_true_is_not_certain() -> None:
    head = fit_heads("likely", {"x": np.arange(99.0)}, pd.DataFrame(index=range(99)), np.ones(99), parting(99)).whole
    assert probability(head.line({"x": np.zeros(1)}, 1))[0] == pytest.approx(99.5 / 100)


def test_a_column_that_says_nothing_is_left_out() -> None:
    columns = {"flat": np.ones(200), "empty": np.full(200, np.nan), "x": np.arange(200.0)}
    head = fit_heads("mean", columns, pd.DataFrame(index=range(200)), np.arange(200.0), parting(200)).whole
    assert set(head.weights) == {"x"}


@pytest.fixture(scope="module")
def stepped():
    """A step that no line can follow, the same in every stretch of time."""
    count = LEAST_ROWS
    x = np.random.default_rng(5).uniform(-1, 1, count)
    return {"x": x}, pd.DataFrame({"tree_x": x}), np.where(np.abs(x) > 0.5, 2.0, 0.0), count


def test_trees_join_where_they_help_in_every_stretch_of_time(stepped) -> None:
    columns, table, label, count = stepped
    heads = fit_heads("mean", columns, table, label, parting(count))
    told = heads.whole.line(columns, count) + heads.whole.correction(table)
    assert heads.whole.columns == ("tree_x",)
    assert np.mean((told - label) ** 2) < 0.3 * label.var()
    assert np.mean((heads.unseen - label) ** 2) < 0.3 * label.var()


def test_trees_that_help_in_one_stretch_alone_are_left_out(stepped) -> None:
    columns, table, label, count = stepped
    turned = np.where(np.arange(count) * 2 // count == 1, 2.0 - label, label)
    heads = fit_heads("mean", columns, table, turned, parting(count))
    assert heads.whole.trees == ""


def test_without_a_second_stretch_nothing_shows_that_trees_help(stepped) -> None:
    columns, table, label, count = stepped
    assert fit_heads("mean", columns, table, label, parting(count, stretches=1)).whole.trees == ""


def test_a_head_survives_json_to_the_last_bit(stepped) -> None:
    columns, table, label, count = stepped
    head = fit_heads("spread", columns, table, label, parting(count)).whole
    again = Head.model_validate_json(head.model_dump_json())
    assert (again.line(columns, count) == head.line(columns, count)).all()
    assert (again.correction(table) == head.correction(table)).all()
    alone = [again.correction(table.iloc[[place]])[0] for place in range(20)]
    assert (np.array(alone) == again.correction(table)[:20]).all()
