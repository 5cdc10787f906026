"""Our own models of a comparison, with their predictive distributions: gpmcast, its funnel alone, heads alone."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd

from benchmarks.heads_alone import HeadsAlone, fit_heads_alone
from benchmarks.tasks import Task
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.array_frame import ArrayFrame
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on, out_of_fold
from training.uncertainty import PredictiveUncertainty, fit_uncertainty

FUNNEL = "funnel alone"
HEADS = "heads alone"


def trained(task: Task, recipe: Callable[[], Recipe]) -> tuple[CreativeModel, Features]:
    """Train gpmcast with its predictive distributions, and build its features of the holdout rows."""
    chosen = recipe()
    model = fit_on(task.training, task.train, task.until, chosen)
    validation = out_of_fold(task.training, task.train, chosen)
    uncertainty = fit_uncertainty(validation, task.funnel, task.training.settings)
    return replace(model, uncertainty=uncertainty), build_features(ArrayFrame.of(task.observed), model.fitted)


def trained_alone(task: Task) -> tuple[HeadsAlone, Features]:
    """Train heads without a funnel model, and build their features of the holdout rows."""
    model = fit_heads_alone(task)
    return model, build_features(ArrayFrame.of(task.observed), model.base.fitted)


def with_typical(
    predicted: pd.DataFrame, features: Features, uncertainty: PredictiveUncertainty | None, targets: Sequence[str]
) -> pd.DataFrame:
    """Expected values of the targets, and `typical_<target>` of those whose distribution is calibrated."""
    found = predicted[list(targets)]
    if uncertainty is None:
        return found
    rows = uncertainty.of(predicted, features)
    return found.assign(**{f"typical_{name}": rows.typical(name) for name in targets if name in uncertainty.targets})
