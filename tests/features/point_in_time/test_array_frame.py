"""A table of arrays: what goes in comes out again."""

import numpy as np
import pandas as pd
import pytest

from features.point_in_time.array_frame import ArrayFrame, Categories
from features.point_in_time.number_columns import Names

FRAME = pd.DataFrame(
    {
        "hook": pd.Series(["a", None, "b", "a"], dtype="str"),
        "price": [1.0, np.nan, 3.0, 4.0],
        "at": pd.to_datetime(["2026-03-01", None, "2026-03-03", "2026-03-04"]).as_unit("us"),
        "seen": [True, False, True, True],
    }
)


def test_a_frame_comes_back_as_it_was() -> None:
    pd.testing.assert_frame_equal(ArrayFrame.of(FRAME).frame(), FRAME)
    assert ArrayFrame.of(FRAME.head(0)).frame().shape == (0, 4)


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True, False]), slice(1, 3), [3]])
def test_rows_are_taken_by_position_mask_or_slice(rows) -> None:
    expected = FRAME.iloc[rows].reset_index(drop=True)
    pd.testing.assert_frame_equal(ArrayFrame.of(FRAME).take(rows).frame(), expected)


def test_a_text_is_mapped_by_its_value_and_missing_ones_to_the_number_for_that() -> None:
    hooks = ArrayFrame.of(FRAME).categories("hook")
    np.testing.assert_array_equal(hooks.map({"a": 5.0}, np.nan), [5.0, np.nan, np.nan, 5.0])
    assert Categories.of(["a", None, "b", "a"]).codes.tolist() == hooks.codes.tolist() == [0, -1, 1, 0]
    assert hooks.texts().tolist() == ["a", None, "b", "a"]


def test_a_column_that_is_not_there_is_missing_in_every_row() -> None:
    assert np.isnan(ArrayFrame.of(FRAME).floats("followers")).all()


def test_numbers_are_not_read_as_texts_nor_texts_as_numbers() -> None:
    frame = ArrayFrame.of(FRAME)
    with pytest.raises(TypeError, match="holds texts"):
        frame["hook"]
    with pytest.raises(TypeError, match="holds numbers"):
        frame.categories("price")


def test_an_assigned_column_leaves_the_frame_it_came_from_as_it_was() -> None:
    frame = ArrayFrame.of(FRAME)
    changed = frame.assign({"price": np.zeros(4), "more": np.ones(4)})
    assert changed.stack(Names(("price", "more"))).tolist() == [[0.0] * 4, [1.0] * 4]
    assert frame["price"][0] == 1.0
    assert "more" not in frame
