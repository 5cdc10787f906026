"""Columns that are lines of a few arrays: read by name, stacked by index."""

import numpy as np
import pytest

from features.point_in_time.array_frame import ArrayFrame, Categories, look_up
from features.point_in_time.number_columns import Names, NumberColumns

FIRST, SECOND = Names(("a", "b")), Names(("c",))
COLUMNS = NumberColumns([(FIRST, np.array([[1.0, 2.0], [3.0, 4.0]])), (SECOND, np.array([[5.0, 6.0]]))])


def test_columns_are_read_by_name_over_all_arrays() -> None:
    assert {name: column.tolist() for name, column in COLUMNS.items()} == {
        "a": [1.0, 2.0],
        "b": [3.0, 4.0],
        "c": [5.0, 6.0],
    }
    assert "c" in COLUMNS
    with pytest.raises(KeyError):
        COLUMNS["d"]
    assert COLUMNS.take(np.array([1]))["b"].tolist() == [4.0]
    assert list(COLUMNS.without(["a"])) == ["b", "c"]


def test_they_are_stacked_in_any_order_and_more_than_once() -> None:
    found = COLUMNS.stack(Names(("c", "a", "c")), 2)
    assert found is not None
    assert found.tolist() == [[5.0, 6.0], [1.0, 2.0], [5.0, 6.0]]
    assert COLUMNS.stack(Names(("a", "d")), 2) is None
    out = np.zeros((3, 2))
    assert COLUMNS.place(Names(("w", "b", "c")), out) == 2
    assert out.tolist() == [[0.0, 0.0], [3.0, 4.0], [5.0, 6.0]]


def test_an_assigned_column_takes_the_place_of_one_in_an_array() -> None:
    frame = ArrayFrame({"c": np.zeros(2)}, 2).assign(COLUMNS)
    assert frame["c"].tolist() == [5.0, 6.0]
    changed = frame.assign({"a": np.array([0.0, 0.0])})
    assert changed.stack(Names(("a", "b"))).tolist() == [[0.0, 0.0], [3.0, 4.0]]
    assert sorted(changed) == ["a", "b", "c"]
    assert frame["a"].tolist() == [1.0, 2.0]
    assert frame.take(slice(1, 2)).frame().to_dict("list") == {"a": [2.0], "b": [4.0], "c": [6.0]}


def test_values_of_several_columns_are_looked_up_at_once() -> None:
    columns = [Categories.of(["x", None, "z"]), None, Categories.of(["y", "y", "x"])]
    found = look_up(columns, [{"x": 1.0}, {"x": 1.0}, {"x": 2.0, "y": 3.0}], -2, -1, count=3)
    assert found.tolist() == [[1.0, -1.0, -2.0], [-1.0, -1.0, -1.0], [3.0, 3.0, 2.0]]
