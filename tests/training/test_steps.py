"""Whether what was gained on the folds held on the holdout."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from training.boosting.heads import head_rows
from training.boosting.model import fit_model
from training.boosting.recipe import Recipe
from training.boosting.stack import deviance
from training.boosting.volume import volume_deviance
from training.errors import TooThinError
from training.steps import holdout_deviances, refuse_no_numbers


@pytest.fixture(scope="module")
def measured(dataset, cut, model, choices):
    """Deviances on the holdout by recipe, for the model of `choices`."""

    def measure(recipe: Recipe, holdout=cut[1]):
        return holdout_deviances(dataset, (cut[0], cut[2]), holdout, model, recipe)

    return measure


@pytest.fixture(scope="module")
def deviance_of(dataset, holdout_rows):
    """Deviance of one head of a model on the holdout, by the functions that the folds are measured with."""
    features, outcome = holdout_rows
    least = dataset.settings.evaluate.min_impressions

    def compute(model, name: str) -> float:
        if name == "volume":
            losses, weight = volume_deviance(model.volume, holdout_rows, dataset.funnel, "expected")
            return losses.sum() / weight.sum()
        head = next(head for head in dataset.funnel.heads if head.name == name)
        rows = head_rows(head, features, outcome, dataset.funnel, least)
        return deviance([rows], [model.heads[name].log(features)[rows.rows]])

    return compute


def test_without_a_study_the_funnel_and_the_hand_setting_are_measured(
    measured, deviance_of, model, choices, train_rows, fitted, quick
) -> None:
    found = measured(Recipe(choices))
    assert list(found) == ["gmv", "cost", "keep", "volume"]
    bare = fit_model(*train_rows, fitted, {}, quick)
    for name, by_setting in found.items():
        assert list(by_setting) == ["funnel", "hand"]
        assert by_setting["hand"] == pytest.approx(deviance_of(model, name))
        assert by_setting["funnel"] == pytest.approx(deviance_of(bare, name))
    assert found["gmv"]["hand"] != found["gmv"]["funnel"]


@pytest.mark.parametrize("tuned", [True, False])
def test_the_setting_that_was_not_taken_is_measured_too(
    measured, deviance_of, model, choices, train_rows, fitted, quick, tuned
) -> None:
    """A model by the other setting is trained on the same rows."""
    alternative = {
        name: replace(choices[name], trees=choices[name].trees.model_copy(update={"num_leaves": 3}), tuned=not tuned)
        for name in ("gmv", "volume")
    }
    taken = {name: replace(choices[name], tuned=tuned, alternative=other) for name, other in alternative.items()}
    found = measured(Recipe({**choices, **taken}))
    other = fit_model(*train_rows, fitted, alternative, quick)
    own, left = ("tuned", "hand") if tuned else ("hand", "tuned")
    for name in ("gmv", "volume"):
        assert set(found[name]) == {"funnel", "hand", "tuned"}
        assert found[name][own] == pytest.approx(deviance_of(model, name))
        assert found[name][left] == pytest.approx(deviance_of(other, name))
        assert found[name]["hand"] != found[name]["tuned"]
    assert set(found["keep"]) == {"funnel", "hand"}


def test_heads_without_a_choice_are_left_out(measured, choices) -> None:
    assert measured(Recipe()) == {}
    assert list(measured(Recipe({"keep": choices["keep"]}))) == ["keep"]


def test_without_rows_to_evaluate_nothing_is_measured(dataset, cut, model, choices) -> None:
    """No number is invented, and none that a file of JSON cannot hold is passed on."""
    strict = dataset.settings.evaluate.model_copy(update={"min_impressions": 1e9})
    thin = replace(dataset, settings=dataset.settings.model_copy(update={"evaluate": strict}))
    found = holdout_deviances(thin, (cut[0], cut[2]), cut[1], model, Recipe(choices))
    assert [found[name] for name in ("gmv", "cost", "keep")] == [{}, {}, {}]
    assert np.isfinite(list(found["volume"].values())).all()


def test_a_model_without_finite_predictions_is_refused_and_not_registered(dataset) -> None:
    predicted = pd.DataFrame({name: [1.0, 2.0, 3.0] for name in dataset.funnel.targets})
    refuse_no_numbers(predicted, dataset.funnel)
    predicted.loc[1, "gpm"] = np.inf
    with pytest.raises(TooThinError, match="no finite prediction for 1 of 3 rows") as raised:
        refuse_no_numbers(predicted, dataset.funnel)
    assert "BASELINE=1" in raised.value.zh
