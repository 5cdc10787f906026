"""Pictures of the heads: one beeswarm and one bar chart per head with trees, whatever the features are called."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.matrix.catalogue import Catalogue
from training.boosting.stack import Stack
from training.boosting.volume import CHOICES
from training.explanation import pictures
from training.explanation.pictures import MOST_FEATURES, draw_heads
from training.explanation.shap_values import tree_shap

PNG = b"\x89PNG\r\n"
HOSTILE = "$\\frac{</text><script>\x1b[31m\u202e 剪辑师\n=1+1" + "é" * 200


def names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "shap").iterdir()}


def test_heads_with_trees_have_two_pictures_and_a_table(model, holdout_rows, tmp_path) -> None:
    features, _ = holdout_rows
    draw_heads(model, features, tmp_path)
    heads = set(model.boosters) | {CHOICES[figure] for figure in model.volume.boosters}
    assert "cost" not in heads
    expected = {f"{head}_{kind}.png" for head in heads for kind in ("beeswarm", "bar")}
    assert names(tmp_path) == expected | {"importance.csv"}
    assert all((tmp_path / "shap" / name).read_bytes().startswith(PNG) for name in expected)
    table = pd.read_csv(tmp_path / "shap" / "importance.csv", encoding="utf-8-sig")
    assert set(table["head"]) == heads
    gmv = table[table["head"] == "gmv"]
    assert len(gmv) <= MOST_FEATURES
    assert gmv["mean_abs_log"].is_monotonic_decreasing
    values = tree_shap({"gmv": model.heads["gmv"].booster}, features.values.matrix)["gmv"][:, :-1]
    largest = model.heads["gmv"].stack.trees * np.abs(values).mean(axis=0).max()
    assert gmv["mean_abs_log"].iloc[0] == pytest.approx(largest)


def test_at_most_so_many_rows_are_drawn(model, holdout_rows, tmp_path, monkeypatch) -> None:
    features, _ = holdout_rows
    drawn = []
    monkeypatch.setattr(pictures, "MOST_ROWS", 7)
    monkeypatch.setattr(pictures, "_draw", lambda logs, *_: drawn.append(len(logs)))
    draw_heads(model, features, tmp_path)
    assert set(drawn) == {7}


def test_heads_whose_trees_change_nothing_have_none_and_old_pictures_go(model, holdout_rows, tmp_path) -> None:
    features, _ = holdout_rows
    (tmp_path / "shap").mkdir()
    (tmp_path / "shap" / "roi_bar.png").write_bytes(PNG)
    heads = {name: replace(head, stack=Stack()) for name, head in model.heads.items()}
    draw_heads(replace(model, heads=heads, volume=replace(model.volume, boosters={})), features, tmp_path)
    assert names(tmp_path) == set()


def test_hostile_names_are_drawn_as_text(model, holdout_rows, tmp_path) -> None:
    features, _ = holdout_rows
    renamed = Catalogue(replace(feature, zh=HOSTILE, en=HOSTILE) for feature in features.catalogue)
    draw_heads(model, replace(features, catalogue=renamed), tmp_path)
    assert (tmp_path / "shap" / "gmv_bar.png").read_bytes().startswith(PNG)
    text = pictures._drawable(HOSTILE, pictures._fonts())
    assert text.startswith("$\\frac{</text><script>")
    assert len(text) == pictures.LONGEST_LABEL
    assert text.isprintable()
