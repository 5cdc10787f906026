"""From loaded data to the two models of a run: the one that is judged, and its twin on all mature rows that serves."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

import numpy as np
import pandas as pd

from configs import __version__
from configs.settings import Settings
from features.point_in_time.snapshots import unit_codes
from features.schema import KEY
from training.boosting.choose_offset import Losses, choose_priors, compare_priors
from training.boosting.model import CreativeModel
from training.boosting.out_of_fold import out_of_fold, predict_out_of_sample
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import Training, plan_refits, with_refits
from training.boosting.tune import make_folds, tune
from training.data.dataset import Dataset, Mask, fit_features, prepare_from, totals_known
from training.data.metrics_source import Source
from training.errors import TooThinError
from training.evaluation.coverage import Coverage, coverage
from training.evaluation.holdout import judge
from training.labels.outcomes import MATURE
from training.labels.splits import holdout_split
from training.progress import ProgressCallbacks
from training.registry.bundle import FEATURES_VERSION
from training.uncertainty import fit_uncertainty
from training.workspace import Workspace

SHAPELESS = {
    "name", "var", "tune", "evaluate", "interval", "verdict", "backtest",
    "engine", "dask", "processes", "in_memory_rows",
}  # fmt: skip
"""Settings that a study does not depend on."""


@dataclass(frozen=True)
class Learned:
    """What was learned of a data set.

    Attributes:
        dataset: All rows.
        recipe: What each stage starts from, and how its trees were chosen.
        losses: By stage, what the folds said of either start; empty where a recipe was given.
        judged: The model of the training rows.
        final: The same recipe on all mature rows.
        held: The holdout rows.
        starts: The first cutoff held out.
        trained: The training rows of the judged model.
        figures: Of the evaluation on the holdout (`training.evaluation.metrics`).
        beside: Its rows' predictions beside what came.
        coverage: Of the judged model's intervals and chances; None where it has none.
    """

    dataset: Dataset
    recipe: Recipe
    losses: Mapping[str, Losses]
    judged: CreativeModel
    final: CreativeModel
    held: Mask
    starts: pd.Timestamp
    trained: Mask
    figures: pd.DataFrame
    beside: pd.DataFrame
    coverage: Coverage | None


def learn(
    source: Source,
    space: Workspace,
    settings: Settings,
    progress: ProgressCallbacks,
    *,
    baseline: bool = False,
    recipe: Recipe | None = None,
) -> Learned:
    """Choose, fit and judge.

    Args:
        source: Of the metrics.
        space: Where the study lies.
        settings: Of the run.
        progress: ProgressCallbacks.
        baseline: Empirical Bayes only: no mixed model, no trees, no least amount of data.
        recipe: Of an earlier run, to be used again instead of choosing and tuning.

    Raises:
        TooThinError: The data cannot support a model.
    """
    dataset = prepare_from(source, settings, progress.line)
    train_rows, held, starts = holdout_split(dataset.rows, settings.split.holdout_days)
    if not baseline:
        refuse_thin(dataset, train_rows)
    known = set(dataset.observed.loc[train_rows, "creative_id"])  # also of those too early for the mixed model
    mature = (dataset.rows["state"] == MATURE).to_numpy(np.bool_)
    trainings: list[Training] = [(train_rows, starts), (mature, last_reported(dataset))]
    losses: Mapping[str, Losses] = {}
    if baseline:
        recipe = Recipe()
    else:
        trainings, moments = plan_refits(dataset, trainings)
        dataset = with_refits(dataset, moments, progress.refit)
        if recipe is None:
            recipe, losses = _choose(dataset, trainings[0][0], space, progress)

    progress.line("fitting and judging")
    (train_rows, _), _ = trainings
    judged, final = (fit_on(dataset, rows, moment, recipe) for rows, moment in trainings)
    progress.line("learning how far off predictions are")
    proof = out_of_fold(dataset, train_rows, recipe)
    judged = replace(judged, uncertainty=fit_uncertainty(proof, dataset.funnel, settings))
    held_out = predict_out_of_sample(dataset, held, judged)
    final = replace(final, uncertainty=fit_uncertainty([*proof, held_out], dataset.funnel, settings))
    figures, beside = judge(dataset, held, known, judged, fit_features(dataset, train_rows, starts))
    return Learned(
        dataset=dataset,
        recipe=recipe,
        losses=losses,
        judged=judged,
        final=final,
        held=held,
        starts=starts,
        trained=train_rows,
        figures=figures,
        beside=beside,
        coverage=coverage(judged.uncertainty, held_out) if judged.uncertainty else None,
    )


def refuse_thin(dataset: Dataset, rows: Mask) -> None:
    """Raise where the training rows cannot support a model, saying what is there and what is needed."""
    thin = dataset.settings.thin
    taught = dataset.observed.loc[rows, KEY].drop_duplicates()
    facts = [(len(taught), thin.min_creatives, "creatives with a closed outcome")]
    done = totals_known(dataset, last_reported(dataset))
    if "orders" in done:
        mine = done["orders"].iloc[np.unique(unit_codes(taught, dataset.source.creatives))]
        facts.append((int(mine.sum()), thin.min_orders, "orders of these creatives"))
    short = [f"{have:,} {what} ({needed:,} needed)" for have, needed, what in facts if have < needed]
    if short:
        raise TooThinError(
            f"Too little to learn from: {'; '.join(short)}. Add earlier exports or more creatives. Until then, "
            "empirical Bayes alone can be had: `python -m training train --baseline …` predicts without trees and "
            "registers that as the model."
        )


def last_reported(dataset: Dataset) -> pd.Timestamp:
    """When the last row of metrics could be had."""
    return dataset.source.until + pd.Timedelta(hours=max(dataset.settings.report_delay_hours.values()))


def study_name(data_print: str, shaping: str) -> str:
    """Name of a study: the same data and settings resume it, others start anew."""
    made_with = f"{__version__}/{FEATURES_VERSION}/{shaping}"
    return f"{data_print[:16]}-{sha256(made_with.encode()).hexdigest()[:16]}"


def _choose(
    dataset: Dataset, rows: Mask, space: Workspace, progress: ProgressCallbacks
) -> tuple[Recipe, dict[str, Losses]]:
    settings = dataset.settings
    progress.line("choosing what each stage starts from")
    losses = compare_priors(dataset, rows, settings.trees)
    prior_kinds = choose_priors(losses)
    made = make_folds(dataset, rows, prior_kinds)
    progress.line(f"tuning: {settings.tune.trials} trials on {len(made)} folds")
    shaping = settings.model_dump_json(exclude=SHAPELESS)
    choices = tune(
        made,
        settings,
        space.journal,
        study_name(dataset.source.fingerprint, f"{shaping}/{sorted(prior_kinds.items())}"),
        lambda done, best: progress.trial(done, settings.tune.trials, best),
        dataset.source.engine,
    )
    return Recipe(prior_kinds, choices), losses
