"""How a model is made from rows, and the out-of-fold predictions of models made that way."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from features.arrays import Mask
from training.boosting.cv_folds import make_folds
from training.boosting.model import Choice, CreativeModel, fit_model
from training.boosting.tune import by_hand
from training.data.dataset import Dataset, fit_features, rows_of
from training.labels.splits import folds
from training.uncertainty import OutOfSample


@dataclass(frozen=True)
class Recipe:
    """Everything about a model that cross-validation chooses; a refresh fits the same recipe on newer rows.

    Attributes:
        choices: Head or `volume` → how it is trained; a head that is not named is the funnel model alone.
    """

    choices: Mapping[str, Choice] = field(default_factory=dict)


def recipe_by_hand(dataset: Dataset, rows: Mask) -> Recipe:
    """A recipe without a study: the hand setting, with numbers of trees and stacks chosen on the rows' folds."""
    return Recipe(by_hand(make_folds(dataset, rows), dataset.settings))


def fit_on(dataset: Dataset, rows: Mask, until: pd.Timestamp, recipe: Recipe) -> CreativeModel:
    """Train a model on these rows, with priors fitted on what was known at `until`."""
    fitted = fit_features(dataset, rows, until)
    return fit_model(*rows_of(dataset, rows, fitted), fitted, recipe.choices, dataset.settings, dataset.source.engine)


def out_of_fold(dataset: Dataset, train: Mask, recipe: Recipe) -> list[OutOfSample]:
    """Predict the validation rows of every fold of a training period by a model of that fold's past alone.

    Args:
        dataset: All rows.
        train: (rows,) Training rows; no other row is read.
        recipe: Of the models. Its numbers of trees and stacks were chosen on these same folds: a few numbers a head,
            and nothing else, have seen the validation rows before.

    Returns:
        A part per fold, in order of time; none where the rows are fewer than `interval.min_rows`.
    """
    found: list[OutOfSample] = []
    if train.sum() < dataset.settings.interval.min_rows:
        return found  # too few to calibrate anything, and to split into folds
    for fit, validate, start in folds(dataset.rows, train, dataset.settings.split.folds):
        found.append(predict_out_of_sample(dataset, validate, fit_on(dataset, fit, start, recipe)))
    return found


def predict_out_of_sample(dataset: Dataset, rows: Mask, model: CreativeModel) -> OutOfSample:
    """Predict rows that the model was not trained on; the caller is responsible for that."""
    features, outcome = rows_of(dataset, rows, model.fitted)
    return OutOfSample(model.predict(features), features, outcome)
