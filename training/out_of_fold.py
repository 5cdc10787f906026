"""What a model says of rows it has not seen: the rows that teach how far off it may be."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.build import Features
from training.dataset import Dataset, Mask, fit_features, rows_of
from training.model import Choice, CreativeModel, fit_model
from training.split import folds


@dataclass(frozen=True)
class Unseen:
    """Rows that a model has not seen, all later than those that taught it.

    Attributes:
        predicted: Of the model (`CreativeModel.predict`).
        features: Of the rows, under what that model was fitted on.
        outcome: What came.
    """

    predicted: pd.DataFrame
    features: Features
    outcome: pd.DataFrame


def out_of_fold(dataset: Dataset, train: Mask, choices: Mapping[str, Choice], *, trees: bool = True) -> list[Unseen]:
    """The validation rows of every fold of a training period, predicted by a model of that fold's past alone.

    Args:
        dataset: All rows.
        train: The training rows; no other row is looked at.
        choices: How trees are trained. How many they are was read off these same folds, one number per stage: the one
            thing that these rows were used for before.
        trees: False for the start alone.

    Returns:
        A part per fold, in order of time; none where the rows are fewer than `interval.min_rows`.
    """
    found: list[Unseen] = []
    if train.sum() < dataset.settings.interval.min_rows:
        return found  # too few to calibrate anything, and to cut into folds
    for fit, validate, start in folds(dataset.rows, train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit, start)
        model = fit_model(*rows_of(dataset, fit, fitted), fitted, choices if trees else {}, dataset.settings.tune.seed)
        found.append(unseen(dataset, validate, model, trees=trees))
    return found


def unseen(dataset: Dataset, rows: Mask, model: CreativeModel, *, trees: bool = True) -> Unseen:
    """Rows that this model has not seen, with what it says of them; the caller vouches for that."""
    features, outcome = rows_of(dataset, rows, model.fitted)
    return Unseen(model.predict(features, trees=trees), features, outcome)
