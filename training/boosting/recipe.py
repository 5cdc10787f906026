"""How a model of some rows is made: what each stage starts from, and how its trees are trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from features.funnel_model.posterior import PriorKind
from training.boosting.choose_offset import choose_priors, compare_priors
from training.boosting.model import Choice, CreativeModel, fit_model
from training.boosting.tune import by_hand, make_folds
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.registry.bundle import Manifest


@dataclass(frozen=True)
class Recipe:
    """What the folds chose.

    Attributes:
        prior_kinds: By stage, what it starts from; empirical Bayes where it is not named.
        choices: By stage, how its trees are trained; without trees where it is not named.
    """

    prior_kinds: Mapping[str, PriorKind] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)


def recipe_of(model: CreativeModel, manifest: Manifest) -> Recipe:
    """How a model of a bundle was made."""
    return Recipe(model.fitted.prior_kinds, manifest.choices)


def recipe_by_hand(dataset: Dataset, rows: Mask) -> Recipe:
    """The hand setting, with what each stage starts from and as many trees as helped on the rows' folds; no study."""
    prior_kinds = choose_priors(compare_priors(dataset, rows, dataset.settings.trees))
    return Recipe(prior_kinds, by_hand(make_folds(dataset, rows, prior_kinds), dataset.settings))


def fit_on(dataset: Dataset, rows: Mask, until: pd.Timestamp, recipe: Recipe) -> CreativeModel:
    """A model of these rows, with priors from what was known at a moment."""
    fitted = fit_features(dataset, rows, until, recipe.prior_kinds)
    seed, engine = dataset.settings.tune.seed, dataset.source.engine
    return fit_model(*rows_of(dataset, rows, fitted), fitted, recipe.choices, seed, engine)
