"""Which pairs have joint effects: a world in which we know."""

import numpy as np
import pandas as pd
import pytest

from features.funnel_model.interactions import make_crosses, screen
from features.funnel_model.terms import candidates, fit_terms

COUNT = 4000


@pytest.fixture(scope="module")
def world():
    draw = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "promotion_type": "live",
            "tag_hook": draw.choice([f"h{i}" for i in range(8)], COUNT),
            "tag_scene": draw.choice([f"s{i}" for i in range(6)], COUNT),
            "tag_face": draw.choice([f"f{i}" for i in range(5)], COUNT),
        }
    )
    terms = fit_terms(frame, np.zeros(COUNT, dtype=np.int64), ())
    crosses = make_crosses(frame, terms, candidates(terms, []))
    joint = draw.normal(0, 0.3, (8, 6))
    joint -= joint.mean(axis=0) + joint.mean(axis=1, keepdims=True) - joint.mean()  # what the words alone leave
    effect = joint[frame["tag_hook"].str[1:].astype(int), frame["tag_scene"].str[1:].astype(int)]
    return crosses, np.exp(effect + draw.normal(0, 0.5, COUNT)), np.full(COUNT, 4.0)


def test_the_pair_with_joint_effects_is_found_with_their_size(world) -> None:
    crosses, ratio, weight = world
    found = screen(crosses, np.ones(COUNT, dtype=bool), ratio / ratio.mean() - 1.0, weight)
    (cross, spread), *rest = found.kept
    assert cross.name == "hook*scene"
    assert np.sqrt(spread) == pytest.approx(0.3, rel=0.35)
    assert not rest


def test_where_there_are_none_hardly_a_pair_is_kept(world) -> None:
    crosses, _, weight = world
    draw = np.random.default_rng(6)
    kept = [
        len(
            screen(
                crosses, np.ones(COUNT, dtype=bool), np.exp(draw.normal(0, 0.5, COUNT)) / np.exp(0.125) - 1.0, weight
            ).kept
        )
        for _ in range(50)
    ]
    assert np.mean(kept) < 0.1 * len(crosses)


def test_rows_that_say_nothing_of_a_stage_are_left_out(world) -> None:
    crosses, ratio, weight = world
    some = np.arange(COUNT) % 2 == 0
    by_rows = screen(crosses, some, ratio[some] / ratio[some].mean() - 1.0, weight[some])
    assert by_rows.kept[0][0].name == "hook*scene"
    assert len(by_rows.kept[0][0].place) == COUNT  # its columns are still those of everyone
