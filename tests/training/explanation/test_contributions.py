"""Contributions add up, and a sum that does not is refused."""

import numpy as np
import pytest

from training.errors import ExplanationError
from training.explanation.contributions import (
    LogContributions,
    all_stage_contributions,
    check_additivity,
    target_contributions,
)


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
    check_additivity(one, np.exp([0.6]), "click")
    with pytest.raises(ExplanationError, match="click does not add up"):
        check_additivity(one, np.exp([0.6 + 2e-6]), "click")
    with pytest.raises(ExplanationError, match="does not add up"):
        check_additivity(one, np.array([np.nan]), "click")


def test_contributions_of_targets_are_the_signed_sums_of_their_stages(model, holdout_rows) -> None:
    features, _ = holdout_rows
    predicted = model.predict(features)
    stages = all_stage_contributions(model, features)
    for target in model.fitted.funnel.targets:
        own = target_contributions(target, model.fitted.funnel, stages)
        np.testing.assert_allclose(own.total, np.log(predicted[target]), rtol=0, atol=1e-9)
        np.testing.assert_allclose(own.frame().sum(axis=1), own.total, rtol=0, atol=1e-9)
