"""What a model says of rows it has not seen: the rows that teach how far off it may be."""

from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on
from training.data.dataset import Dataset, Mask, rows_of
from training.labels.splits import folds
from training.uncertainty import OutOfSample


def out_of_fold(dataset: Dataset, train: Mask, recipe: Recipe, *, trees: bool = True) -> list[OutOfSample]:
    """The validation rows of every fold of a training period, predicted by a model of that fold's past alone.

    Args:
        dataset: All rows.
        train: The training rows; no other row is looked at.
        recipe: How models are made. What stages start from and how many trees follow was read off these same folds,
            two choices per stage: all that these rows were used for before.
        trees: False for the start alone.

    Returns:
        A part per fold, in order of time; none where the rows are fewer than `interval.min_rows`.
    """
    found: list[OutOfSample] = []
    if train.sum() < dataset.settings.interval.min_rows:
        return found  # too few to calibrate anything, and to cut into folds
    for fit, validate, start in folds(dataset.rows, train, dataset.settings.split.folds):
        model = fit_on(dataset, fit, start, recipe if trees else Recipe(recipe.prior_kinds))
        found.append(predict_out_of_sample(dataset, validate, model, trees=trees))
    return found


def predict_out_of_sample(dataset: Dataset, rows: Mask, model: CreativeModel, *, trees: bool = True) -> OutOfSample:
    """Rows that this model has not seen, with what it says of them; the caller vouches for that."""
    features, outcome = rows_of(dataset, rows, model.fitted)
    return OutOfSample(model.predict(features, trees=trees), features, outcome)
