"""Screening finds the pair of categories with joint effects in a simulated world."""

import numpy as np
import pandas as pd
import pytest

from features.funnel_model.interactions import build_interactions, candidate_pairs, screen_interactions
from features.funnel_model.terms import fit_terms
from features.point_in_time.array_frame import ArrayFrame

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
    terms = fit_terms(ArrayFrame.of(frame), np.zeros(COUNT, dtype=np.int64), ())
    candidates = build_interactions(ArrayFrame.of(frame), terms, candidate_pairs(terms, []))
    joint = draw.normal(0, 0.3, (8, 6))
    joint -= joint.mean(axis=0) + joint.mean(axis=1, keepdims=True) - joint.mean()  # no main effects
    effect = joint[frame["tag_hook"].str[1:].astype(int), frame["tag_scene"].str[1:].astype(int)]
    return candidates, np.exp(effect + draw.normal(0, 0.5, COUNT)), np.full(COUNT, 4.0)


def test_the_pair_with_joint_effects_is_kept_with_their_variance(world) -> None:
    candidates, ratio, weight = world
    found = screen_interactions(candidates, np.ones(COUNT, dtype=bool), ratio / ratio.mean() - 1.0, weight)
    (interaction, variance), *rest = found.kept
    assert interaction.name == "hook*scene"
    assert np.sqrt(variance) == pytest.approx(0.3, rel=0.35)
    assert not rest


def test_without_joint_effects_few_pairs_are_kept(world) -> None:
    candidates, _, weight = world
    draw = np.random.default_rng(6)
    kept = [
        len(
            screen_interactions(
                candidates, np.ones(COUNT, dtype=bool), np.exp(draw.normal(0, 0.5, COUNT)) / np.exp(0.125) - 1.0, weight
            ).kept
        )
        for _ in range(50)
    ]
    assert np.mean(kept) < 0.1 * len(candidates)


def test_creatives_without_counts_at_a_stage_are_left_out(world) -> None:
    candidates, ratio, weight = world
    some = np.arange(COUNT) % 2 == 0
    by_rows = screen_interactions(candidates, some, ratio[some] / ratio[some].mean() - 1.0, weight[some])
    assert by_rows.kept[0][0].name == "hook*scene"
    assert len(by_rows.kept[0][0].cell_of) == COUNT  # its columns still cover all creatives
