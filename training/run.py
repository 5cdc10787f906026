"""One training run from the metrics to a registered model: the steps of `make train` in their order."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.matrix.feature_matrix import declare
from features.schema import KEY
from training.boosting.recipe import Recipe, fit_on, out_of_fold, predict_out_of_sample
from training.boosting.rolling_fits import Training, plan_refits, with_refits
from training.data.dataset import fit_features, prepare_from
from training.data.metrics_source import MetricsSource
from training.data.tag_coverage import TagCoverage, tag_coverage
from training.decision.plan.dispersion import money_dispersion
from training.decision.predict import predict_latest
from training.decision.predictions_file import write_predictions
from training.evaluation.acceptance import Judgement
from training.evaluation.coverage import coverage
from training.evaluation.files import HeadFacts, evaluation_of, write_evaluation
from training.evaluation.holdout import evaluate_holdout
from training.evaluation.page.render import CARD, write_page
from training.explanation.head_points import write_heads
from training.labels.calibration import Calibration
from training.labels.outcomes import MATURE
from training.labels.splits import holdout_split
from training.progress import ProgressCallbacks
from training.registry import mlflow_tracking
from training.registry.bundle import save_bundle
from training.registry.champion import ChampionComparison, compare_with_registered
from training.registry.mlflow_client import Registered
from training.run_record import (
    headline_figures,
    headline_metrics,
    logged_metrics,
    run_description,
    run_facts,
)
from training.steps import (
    calibration_of_run,
    holdout_deviances,
    last_reported,
    refuse_no_numbers,
    supported_by,
    tune_heads,
)
from training.uncertainty import fit_uncertainty
from training.workspace import Workspace


@dataclass(frozen=True)
class TrainingRun:
    """Result of a run.

    Attributes:
        figures: Metrics on the holdout, as of `training.evaluation.metrics.evaluate`.
        registered: The new version in the model registry.
        comparison: Whether it became the champion, and why.
        holdout_rows: Number of holdout rows.
        holdout_since: First holdout cutoff.
        training_rows, training_creatives: Training data of the evaluation model.
        recipe: Hyperparameters, number of trees and stack of each head.
        heads: What cross-validation chose for each head, and whether it held on the holdout.
        left_out: Rows that do not train or were resolved, by reason.
        missing: Stage or target that the columns do not allow → the columns it needs.
        predictions: File of the predictions.
        predicted_creatives: Number of its rows.
        judged: What the evaluation model can be used for.
        level: Nominal coverage of its intervals.
        small: The data are too few for LightGBM heads.
        calibration: What calibrates intervals and chances of the final model.
        tagged: How many creatives carry tags.
    """

    figures: pd.DataFrame
    registered: Registered
    comparison: ChampionComparison
    holdout_rows: int
    holdout_since: pd.Timestamp
    training_rows: int
    training_creatives: int
    recipe: Recipe
    heads: list[HeadFacts]
    left_out: Mapping[str, int]
    missing: Mapping[str, str]
    predictions: Path
    predicted_creatives: int
    judged: list[Judgement]
    level: float
    small: bool
    calibration: Calibration
    tagged: TagCoverage


def train_and_register(
    source: MetricsSource,
    space: Workspace,
    settings: Settings,
    progress: ProgressCallbacks,
    *,
    baseline: bool = False,
    recipe: Recipe | None = None,
) -> TrainingRun:
    """Fit, evaluate, write and register a model, and promote it if it beats the champion.

    Args:
        source: Of the metrics.
        space: Folder and registry of the run's files.
        settings: Of the run.
        progress: Callbacks that report progress.
        baseline: Empirical Bayes only: no funnel model, no trees, no minimum amount of data.
        recipe: Of an earlier run, to use instead of tuning the heads.

    Raises:
        TooThinError: The data cannot support a model.
    """
    # 1. Dataset: snapshots with counts and outcomes.
    progress.phase("count")
    dataset = prepare_from(source, settings, progress.line)

    # 2. Split by cutoff time. The evaluation model trains before the holdout, the final model on all mature rows.
    if baseline:
        train_rows, holdout, holdout_since = holdout_split(dataset.rows, settings.split.holdout_days)
        amount = None
    else:
        found = supported_by(dataset)
        train_rows, holdout, holdout_since, amount = found.train, found.holdout, found.since, found.amount
        settings, dataset = found.settings, replace(dataset, settings=found.settings)
    if amount == "small":
        progress.line(
            "too little data for LightGBM heads: the model is the funnel model alone, held out are "
            f"{settings.split.holdout_days} days"
        )
        recipe = Recipe()
    known_creatives = set(dataset.observed.loc[train_rows, "creative_id"])
    mature = (dataset.rows["state"] == MATURE).to_numpy(np.bool_)
    fits: list[Training] = [(train_rows, holdout_since), (mature, last_reported(dataset))]

    # 3. Funnel models refitted at rising moments, so that the features of a snapshot use only data from before it.
    if baseline:
        recipe = Recipe()
    else:
        fits, moments = plan_refits(dataset, fits)
        progress.phase("funnel")
        dataset = with_refits(dataset, moments, progress.refit)
    (train_rows, _), _ = fits
    calibration = calibration_of_run(dataset, train_rows, holdout)

    # 4. Heads: hyperparameters, trees and stacks, chosen by time-ordered cross-validation on the training rows.
    if recipe is None:
        recipe = tune_heads(dataset, train_rows, space.journal, progress)

    # 5. Evaluation model (without the holdout) and final model, each with its intervals.
    progress.phase("fit")
    progress.line("fitting the evaluation model and the final model")
    evaluation_model, final_model = (fit_on(dataset, rows, moment, recipe) for rows, moment in fits)
    progress.line("fitting prediction intervals")
    validation = out_of_fold(dataset, train_rows, recipe)
    calibrate = partial(fit_uncertainty, funnel=dataset.funnel, settings=settings)
    evaluation_model = replace(evaluation_model, uncertainty=calibrate(validation))
    held_out = predict_out_of_sample(dataset, holdout, evaluation_model)
    refuse_no_numbers(held_out.predicted, dataset.funnel)
    final_model = replace(
        final_model,
        uncertainty=calibrate([*validation, held_out]),
        dispersion=money_dispersion(source, final_model, settings),
        calibration=calibration,
    )

    # 6. Evaluation of the evaluation model on the holdout, with its baselines.
    progress.phase("evaluate")
    bayes = fit_features(dataset, train_rows, holdout_since, empirical_bayes_only=True)
    figures, holdout_frame = evaluate_holdout(dataset, holdout, known_creatives, evaluation_model, bayes)
    head_deviances = holdout_deviances(dataset, fits[0], holdout, evaluation_model, recipe)
    covered = coverage(evaluation_model.uncertainty, held_out) if evaluation_model.uncertainty else None

    # 7. Evaluation, bundles and predictions as files.
    progress.phase("write")
    created_at, data_until = datetime.now(UTC).isoformat(timespec="seconds"), source.until.isoformat()
    left_out = {**dataset.left_out(), **source.notes}
    facts = run_facts(
        dataset, space, recipe, head_deviances, train_rows, holdout,
        holdout_since=holdout_since, created_at=created_at, left_out=left_out,
        baseline=baseline, small=amount == "small", brier=covered.brier if covered else {}, calibration=calibration,
    )  # fmt: skip
    evaluation = evaluation_of(facts, figures, holdout_frame, covered)
    write_evaluation(evaluation, space.evaluation)
    write_heads(evaluation_model, held_out.features, space.evaluation, settings.tune.seed)
    judged = write_page(space.evaluation, settings.var / "proof")
    save = partial(
        save_bundle,
        settings=settings,
        created_at=created_at,
        data_fingerprint=source.fingerprint,
        data_until=data_until,
        summary=headline_figures(figures),
        choices=recipe.choices,
    )
    save(space.evaluation_bundle, evaluation_model, trained_until=holdout_since.isoformat())
    columns = [feature.name for feature in declare(final_model.fitted)]
    save(
        space.bundle,
        final_model,
        trained_until=data_until,
        known=source.as_of_table(final_model.fitted.funnel, final_model.fitted.entities, settings),
        card=(space.evaluation / CARD).read_text(encoding="utf-8"),
        mlmodel=mlflow_tracking.mlmodel_text(columns, final_model.fitted.funnel.targets, created_at),
    )
    predictions = predict_latest(source, final_model, settings)
    write_predictions(predictions, final_model, settings, space.predictions)

    # 8. Register, compare with the champion, promote.
    progress.phase("register")
    description = run_description(facts, judged)
    with mlflow_tracking.tracked_run(space, f"{space.name} until {source.until:%Y-%m-%d}", description) as run_id:
        tags = {
            "created_at": created_at,
            "data_fingerprint": source.fingerprint,
            "data_until": data_until,
            "trained_until": data_until,
            "model_type": "baseline" if amount is None else amount,
        }
        metrics = logged_metrics(evaluation, covered, judged, left_out)
        headline = headline_metrics(evaluation, covered, judged)
        facts_of_data = {"until": data_until, "creatives": str(facts.creatives), "accounts": str(facts.accounts)}
        data = mlflow_tracking.LoggedData(space.name, source.fingerprint, facts_of_data, columns)
        mlflow_tracking.log_run(settings, tags, headline, metrics, data, space.evaluation)
        registered = mlflow_tracking.register(
            space,
            run_id,
            space.bundle,
            space.evaluation_bundle,
            description,
        )
    comparison = compare_with_registered(dataset, holdout, evaluation_model, space)
    if comparison.promoted:
        mlflow_tracking.promote(space, registered)
    return TrainingRun(
        figures=figures,
        registered=registered,
        comparison=comparison,
        holdout_rows=int(holdout.sum()),
        holdout_since=holdout_since,
        training_rows=int(train_rows.sum()),
        training_creatives=len(dataset.observed.loc[train_rows, KEY].drop_duplicates()),
        recipe=recipe,
        heads=facts.heads,
        left_out=left_out,
        missing=dataset.funnel.missing,
        predictions=space.predictions,
        predicted_creatives=len(predictions),
        judged=judged,
        level=settings.interval.level,
        small=amount == "small",
        calibration=calibration,
        tagged=tag_coverage(source.creatives, dataset.observed),
    )
