"""Points of the heads: those of `shap.Explanation`, of the largest features, shaded by the feature's value."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.boosting.stack import Stack
from training.boosting.volume import CHOICES
from training.explanation import head_points
from training.explanation.head_points import GREY, MOST_FEATURES, SHADES, explained_heads, shades, write_heads
from training.explanation.shap_values import tree_shap


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "shap").iterdir()}


def test_heads_with_trees_have_points_and_a_table(model, holdout_rows, tmp_path) -> None:
    features, _ = holdout_rows
    write_heads(model, features, tmp_path)
    heads = set(model.boosters) | {CHOICES[figure] for figure in model.volume.boosters}
    assert "cost" not in heads
    assert names(tmp_path) == {"points.parquet", "importance.csv"}
    points = pd.read_parquet(tmp_path / "shap" / "points.parquet")
    table = pd.read_csv(tmp_path / "shap" / "importance.csv", encoding="utf-8-sig")
    assert set(table["head"]) == set(points["head"]) == heads
    gmv = table[table["head"] == "gmv"]
    assert len(gmv) <= MOST_FEATURES
    assert gmv["mean_abs_log"].is_monotonic_decreasing
    values = tree_shap({"gmv": model.heads["gmv"].booster}, features.values.matrix)["gmv"][:, :-1]
    largest = model.heads["gmv"].stack.trees * np.abs(values).mean(axis=0).max()
    assert gmv["mean_abs_log"].iloc[0] == pytest.approx(largest)
    of_gmv = points[points["head"] == "gmv"].groupby("feature", sort=False)["percent"]
    assert points.loc[points["head"] == "gmv", "feature"].unique().tolist() == gmv["feature"].tolist()
    means = of_gmv.apply(lambda percent: percent.abs().mean() / 100.0)
    np.testing.assert_allclose(means[gmv["feature"]], gmv["mean_abs_log"])
    explained = explained_heads(model, features, 0)["gmv"]
    assert set(of_gmv.size()) == {len(explained.values)}


def test_at_most_so_many_rows_are_taken(model, holdout_rows, monkeypatch) -> None:
    features, _ = holdout_rows
    monkeypatch.setattr(head_points, "MOST_ROWS", 7)
    assert {len(one.values) for one in explained_heads(model, features, 0).values()} == {7}


def test_heads_whose_trees_change_nothing_have_none_and_old_ones_go(model, holdout_rows, tmp_path) -> None:
    features, _ = holdout_rows
    write_heads(model, features, tmp_path)
    heads = {name: replace(head, stack=Stack()) for name, head in model.heads.items()}
    write_heads(replace(model, heads=heads, volume=replace(model.volume, boosters={})), features, tmp_path)
    assert names(tmp_path) == set()


def test_a_value_has_the_shade_of_its_fifth_and_what_has_no_order_is_grey() -> None:
    assert shades(np.arange(10.0)).tolist() == [0, 1, 1, 2, 2, 3, 3, 4, 4, 4]
    assert shades(np.array([5.0, np.nan, 5.0])).tolist() == [3, GREY, 3]
    assert set(shades(np.full(4, np.nan))) == {GREY}
    assert shades(np.array([1.0, 2.0])).max() == SHADES - 1
