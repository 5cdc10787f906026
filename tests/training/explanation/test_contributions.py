"""Contributions add up, and a sum that does not is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from training.data.dataset import rows_of
from training.errors import ExplanationError
from training.explanation.contributions import (
    TOLERANCE,
    LogContributions,
    all_contributions,
    check_additivity,
    head_contributions,
)
from training.explanation.labels import effect_label


def test_a_sum_that_is_not_the_prediction_is_refused() -> None:
    one = LogContributions(
        baseline=np.array([0.0]),
        effects=np.array([[0.05]]),
        effect_names=("hook",),
        own_evidence=np.array([0.05]),
        clipped=np.array([0.0]),
        shap=np.array([[0.2, 0.3]]),
        feature_names=("a", "b"),
    )
    check_additivity({"click": one, "order": one}, {"click": np.exp([0.6])})
    with pytest.raises(ExplanationError, match="click does not add up"):
        check_additivity({"click": one}, {"click": np.exp([0.6 + 2e-9])})
    with pytest.raises(ExplanationError, match="does not add up"):
        check_additivity({"click": one}, {"click": np.array([np.nan])})


def test_contributions_add_up_to_every_stage_and_target_on_a_thousand_rows(model, dataset) -> None:
    assert TOLERANCE == 1e-9
    observed = dataset.observed
    counts = [name for name in observed if name.startswith(("early:", "last_day:", "late_half:"))]
    thrice = observed.assign(**{name: 3 * observed[name] for name in counts})
    features = build_features(ArrayFrame.of(pd.concat([observed, thrice], ignore_index=True)), model.fitted)
    assert len(features.values) >= 1000
    predicted = model.predict(features)
    stages, targets = all_contributions(model, features)
    assert list(targets) == model.fitted.funnel.targets
    for name, own in (stages | targets).items():
        check_additivity({name: own}, predicted)
        np.testing.assert_allclose(own.frame().sum(axis=1), own.total, rtol=0, atol=TOLERANCE)


def test_a_target_is_the_signed_sum_of_its_heads_and_a_head_has_the_weights_of_its_stack(model, holdout_rows) -> None:
    features, _ = holdout_rows
    heads = {name: head_contributions(model, features, head) for name, head in model.heads.items()}
    for name, own in heads.items():
        np.testing.assert_allclose(own.total, model.heads[name].log(features), rtol=0, atol=1e-9)
    _, targets = all_contributions(model, features)
    signed = heads["gmv"].total + heads["keep"].total - heads["cost"].total
    np.testing.assert_allclose(targets["net_roi"].total, signed, rtol=0, atol=1e-9)
    doubled = replace(model.heads["gmv"].stack, trees=2 * model.heads["gmv"].stack.trees)
    more = head_contributions(model, features, replace(model.heads["gmv"], stack=doubled))
    np.testing.assert_allclose(more.shap, 2 * heads["gmv"].shap)
    assert not heads["cost"].shap.size  # no trees
    assert heads["gmv"].shap.any()


def test_a_row_alone_has_the_contributions_that_it_has_in_a_batch(model, dataset, cut) -> None:
    features, _ = rows_of(dataset, cut[1], model.fitted)
    place = int(np.flatnonzero(cut[1])[3])
    one = np.zeros_like(cut[1])
    one[place] = True
    alone, _ = rows_of(dataset, one, model.fitted)
    for name, own in all_contributions(model, features)[1].items():
        assert own.total[3] == all_contributions(model, alone)[1][name].total[0]


def test_later_volume_is_explained_by_level_pace_calibration_and_trees(model, holdout_rows) -> None:
    features, _ = holdout_rows
    own = all_contributions(model, features)[1]["later_impressions"]
    assert own.effect_names[-1] == "calibration"
    assert {"pace_life", "pace_last_day"} < set(own.effect_names)
    assert all(effect_label(name).zh != name for name in own.effect_names)
    assert own.shap.any() == ("expected" in model.volume.boosters)
    held = replace(model.volume, ceiling=float(np.exp(np.median(own.total))))
    clipped = all_contributions(replace(model, volume=held), features)[1]["later_impressions"]
    assert (clipped.clipped < 0).any()
    np.testing.assert_allclose(clipped.total, held.log_expected(features), rtol=0, atol=TOLERANCE)
