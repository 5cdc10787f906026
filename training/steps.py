"""Steps of a training run that are more than one call: refuse thin data, choose priors and tune trees."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from configs import __version__
from features.matrix.feature_matrix import FEATURES_VERSION
from features.point_in_time.metric_rows import unit_codes
from features.schema import KEY
from training.boosting.choose_priors import Losses, choose_priors, compare_priors
from training.boosting.recipe import Recipe
from training.boosting.tune import make_folds, tune
from training.data.dataset import Dataset, Mask, totals_known
from training.errors import TooThinError
from training.progress import ProgressCallbacks

NOT_IN_STUDY_NAME = {
    "name", "var", "tune", "evaluate", "interval", "verdict", "backtest",
    "engine", "dask", "processes", "in_memory_rows",
}  # fmt: skip
"""Settings that do not change what a trial of the study returns."""


def refuse_thin(dataset: Dataset, rows: Mask) -> None:
    """Raise where the training rows cannot support a model.

    Args:
        dataset: All rows.
        rows: Mask of the training rows.

    Raises:
        TooThinError: Fewer creatives or orders than the settings' `thin` asks for; the message has both numbers.
    """
    thin = dataset.settings.thin
    creatives = dataset.observed.loc[rows, KEY].drop_duplicates()
    amounts = [(len(creatives), thin.min_creatives, "creatives with a closed outcome")]
    totals = totals_known(dataset, last_reported(dataset))
    if "orders" in totals:
        of_these = totals["orders"].iloc[np.unique(unit_codes(creatives, dataset.source.creatives))]
        amounts.append((int(of_these.sum()), thin.min_orders, "orders of these creatives"))
    short = [f"{found:,} {what} ({needed:,} needed)" for found, needed, what in amounts if found < needed]
    if short:
        raise TooThinError(
            f"Too little training data: {'; '.join(short)}. Add earlier exports or more creatives. Until then, "
            "empirical Bayes alone can be had: `python -m training train --baseline …` predicts without trees and "
            "registers that as the model."
        )


def last_reported(dataset: Dataset) -> pd.Timestamp:
    """Return when the last row of metrics was reported: end of the last period plus the longest report delay."""
    return dataset.source.until + pd.Timedelta(hours=max(dataset.settings.report_delay_hours.values()))


def choose_and_tune(
    dataset: Dataset, rows: Mask, journal: Path, progress: ProgressCallbacks
) -> tuple[Recipe, dict[str, Losses]]:
    """Choose the prior kind of each stage and tune its trees, by time-ordered cross-validation.

    Args:
        dataset: All rows.
        rows: Mask of the training rows.
        journal: File of the Optuna studies; the same data and settings resume their study.
        progress: Callbacks that report progress.

    Returns:
        The recipe, and the validation losses of each prior kind by stage.
    """
    settings = dataset.settings
    progress.line("choosing the prior of each stage")
    losses = compare_priors(dataset, rows, settings.trees)
    prior_kinds = choose_priors(losses)
    folds = make_folds(dataset, rows, prior_kinds)
    progress.line(f"tuning: {settings.tune.trials} trials on {len(folds)} folds")
    shaping = settings.model_dump_json(exclude=NOT_IN_STUDY_NAME)
    choices = tune(
        folds,
        settings,
        journal,
        study_name(dataset.source.fingerprint, f"{shaping}/{sorted(prior_kinds.items())}"),
        lambda done, best: progress.trial(done, settings.tune.trials, best),
        dataset.source.engine,
    )
    return Recipe(prior_kinds, choices), losses


def study_name(data_fingerprint: str, shaping: str) -> str:
    """Return the name of a study: equal for the same data, settings (`shaping`) and version of gpmcast."""
    made_with = f"{__version__}/{FEATURES_VERSION}/{shaping}"
    return f"{data_fingerprint[:16]}-{sha256(made_with.encode()).hexdigest()[:16]}"
