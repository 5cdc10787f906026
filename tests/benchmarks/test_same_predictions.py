"""The comparison of two checkouts finds every difference."""

import json
from pathlib import Path

import pandas as pd

from benchmarks.same_predictions import differing_cells, differing_numbers


def test_cells_that_differ_are_counted_and_missing_values_are_equal() -> None:
    left = pd.DataFrame({"a": [1.0, None, 3.0], "b": ["x", "y", "z"]})
    assert differing_cells(left, left.copy()) == (0, 6)
    assert differing_cells(left, left.assign(a=[1.0, None, 4.0])) == (1, 6)
    assert differing_cells(left, left.drop(columns="b")) == (3, 6)
    assert differing_cells(left, left.head(2)) == (10, 10)


def test_numbers_of_answers_are_compared_by_path_and_items_by_name(tmp_path: Path) -> None:
    one = {"predictions": [{"name": "gpm", "value": 1.5}, {"name": "roi", "value": 2.0}]}
    other = {"predictions": [{"name": "roi", "value": 2.0}, {"name": "gpm", "value": 1.25}]}
    paths = tmp_path / "one.json", tmp_path / "other.json"
    for path, answer in zip(paths, (one, other)):
        path.write_text(json.dumps(answer), "utf-8")
    assert differing_numbers(*paths) == (1, 2)
    assert differing_numbers(paths[0], paths[0]) == (0, 2)
