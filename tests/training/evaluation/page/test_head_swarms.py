"""Beeswarms of the heads on the page: drawn from the points of an evaluation, absent for heads without trees."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.atomic_write import write_table
from features.bilingual import Words
from training.charts.scales import Scale
from training.evaluation.files import HeadFacts
from training.evaluation.page.head_swarms import SWARM, beeswarm, head_swarms, shortened, stacked

HOSTILE = "=<script>alert(1)</script>\u202e,\n\"'"


def head(name: str) -> HeadFacts:
    return HeadFacts(
        name=name, zh=f"{name}头", en=f"head {name}", rounds=3, tuned=False, weights={}, funnel_deviance=None,
        deviance=None, tuning_gain=None, tuning_error=None, holdout={},
    )  # fmt: skip


def points(
    percent: list[float], shade: list[int], feature: str = "a", zh: str = "钩子", en: str = "hook"
) -> pd.DataFrame:
    return pd.DataFrame({"head": "gmv", "feature": feature, "zh": zh, "en": en, "percent": percent, "shade": shade})


def test_a_head_has_a_picture_or_nothing(tmp_path: Path) -> None:
    write_table(points([1.0, -2.0], [0, 4]), tmp_path / "shap" / "points.parquet")
    gmv, keep = head_swarms([head("gmv"), head("keep")], tmp_path)
    assert gmv.label == Words("gmv头", "head gmv")
    assert gmv.picture is not None
    assert keep.picture is None
    assert [one.picture for one in head_swarms([head("gmv")], tmp_path / "nothing")] == [None]


def test_every_point_stands_in_the_row_of_its_feature_in_its_shade() -> None:
    drawn = str(beeswarm(pd.concat([points([10.0, -10.0, 0.0], [4, 0, 4]), points([5.0], [-1], "b", "场景", "scene")])))
    paths = dict(re.findall(r'd="([^"]+)" class="points (\w+)"', drawn))
    counts = {shade: where.count("h0") for where, shade in paths.items()}
    assert counts == {"grey": 1, "q0": 1, "q4": 2}
    assert drawn.count('class="who zh"') == drawn.count('class="who en"') == 2
    assert ">6.7%</text>" in drawn  # mean of 10, 10 and 0


def test_points_at_one_place_are_stacked_within_their_row() -> None:
    scale = Scale(-1.0, 1.0, 0.0, 100.0)
    places = stacked(np.array([0.0, 0.0, 0.0, 1.0]), scale, 50.0)
    assert places[0] == (50.0, 50.0)
    assert len({y for _, y in places[:3]}) == 3
    assert places[3] == (100.0, 50.0)
    many = stacked(np.zeros(500), scale, 50.0)
    assert all(abs(y - 50.0) <= SWARM / 2 for _, y in many)


@pytest.mark.parametrize("name", [HOSTILE, "é" * 200, "剪辑师" * 30])
def test_names_are_text_on_one_line(name: str) -> None:
    drawn = str(beeswarm(points([1.0], [0], zh=name, en=name)))
    assert "<script" not in drawn
    assert "\u202e" not in drawn
    assert "\n" not in shortened(name)
    assert len(shortened(name)) <= 45
