"""The prior of a stage is the one with the smaller loss on later folds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from features.funnel_model.posterior import EMPIRICAL_BAYES, FUNNEL_MODEL
from training.boosting.choose_priors import Losses, _mean_loss, choose_priors, compare_priors
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stage_targets import StageData

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def refitted(dataset, cut):
    ((rows, _),), moments = plan_refits(dataset, [(cut[0], cut[2])])
    return with_refits(dataset, moments), rows


def test_the_prior_with_the_smaller_loss_is_chosen_and_a_tie_goes_to_empirical_bayes() -> None:
    losses = {
        "click": Losses({FUNNEL_MODEL: 1.0, EMPIRICAL_BAYES: 1.1}, {FUNNEL_MODEL: 1.2, EMPIRICAL_BAYES: 1.2}),
        "order": Losses({FUNNEL_MODEL: 1.0, EMPIRICAL_BAYES: 1.0}, {FUNNEL_MODEL: 0.5, EMPIRICAL_BAYES: 1.2}),
    }
    assert choose_priors(losses) == {"click": FUNNEL_MODEL, "order": EMPIRICAL_BAYES}


def test_every_rate_is_compared_and_trees_never_make_it_worse(refitted, quick) -> None:
    dataset, rows = refitted
    losses = compare_priors(dataset, rows, quick.trees)
    assert set(losses) == {"hold", "engage", "click", "order", "value", "cost", "keep"}
    for loss in losses.values():
        assert all(loss.with_trees[kind] <= loss.alone[kind] for kind in (FUNNEL_MODEL, EMPIRICAL_BAYES))


def test_a_fold_of_few_rows_counts_as_few() -> None:
    """Where 3 was predicted and the outcome is 0 the loss is 3; of two rows predicted rightly it is 1 each."""

    def fold(rates: list[float], labels: list[float]) -> SimpleNamespace:
        ones = np.ones(len(rates))
        data = StageData("click", np.arange(len(rates)), np.array(labels), ones, ones, np.log(rates))
        return SimpleNamespace(validation_data=[data])

    folds = [fold([3.0], [0.0]), fold([1.0, 1.0], [1.0, 1.0]), fold([], [])]
    assert _mean_loss(folds, 0, np.array([1.0, 2.0, 0.0])) == pytest.approx(5.0 / 3.0)


def test_without_a_funnel_model_nothing_is_compared(dataset, cut, quick) -> None:
    assert compare_priors(dataset, cut[0], quick.trees) == {}


def test_a_model_follows_its_recipe(refitted, cut) -> None:
    dataset, rows = refitted
    recipe = recipe_by_hand(dataset, rows)
    model = fit_on(dataset, rows, cut[2], recipe)
    assert model.fitted.prior_kinds == recipe.prior_kinds
    assert set(model.boosters) == {stage for stage, choice in recipe.choices.items() if choice.rounds}
    assert len(model.fitted.funnel_models) == 1
    assert model.fitted.funnel_models[0].origin == cut[2]
    swapped = replace(recipe, prior_kinds={})
    assert fit_on(dataset, rows, cut[2], swapped).fitted.prior_kinds == {}
