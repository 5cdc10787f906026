"""One training run: files to store, models, evaluation, registry, predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.schema import KEY
from training.atomic_write import write_table
from training.boosting.choose_offset import Losses
from training.boosting.recipe import Recipe
from training.data.metrics_source import Source
from training.errors import BundleError
from training.evaluation.acceptance import FAIL, PASS, REVIEW, Check
from training.evaluation.calibration_table import WHOLE
from training.evaluation.coverage import Coverage
from training.evaluation.files import Evaluation, evaluation_of, write_evaluation
from training.evaluation.holdout import Contest, contest
from training.evaluation.metrics import ALL_AGES
from training.evaluation.page.render import CARD, write_page
from training.fit_and_evaluate import Learned, learn
from training.progress import ProgressCallbacks
from training.registry import mlflow_tracking
from training.registry.bundle import load_bundle, save_bundle
from training.run_facts_of import about_run
from training.workspace import Workspace


@dataclass(frozen=True)
class Result:
    """What a run made.

    Attributes:
        figures: Of the evaluation on the holdout (`training.evaluation.metrics`).
        registered: The new version.
        contest: Whether it became the champion, and why.
        held: Holdout rows, and since when.
        trained: Training rows of the judged model, and their creatives.
        recipe: What each stage starts from, and how its trees were chosen.
        left_out: Rows that do not train, by reason.
        missing: Stage or target that the columns do not allow → the columns it needs.
        predictions: Where they were written, and how many.
        coverage: Of the judged model's intervals and chances; None where it has none.
        deciles: Predicted over actual, by age and tenth (`training.evaluation.calibration_table`).
        checks: Whether the evaluation is to be believed.
    """

    figures: pd.DataFrame
    registered: mlflow_tracking.Registered
    contest: Contest
    held: tuple[int, pd.Timestamp]
    trained: tuple[int, int]
    recipe: Recipe
    left_out: Mapping[str, int]
    missing: Mapping[str, str]
    predictions: tuple[Path, int]
    coverage: Coverage | None
    deciles: pd.DataFrame
    checks: list[Check]


def fit_and_register(
    source: Source,
    space: Workspace,
    settings: Settings,
    progress: ProgressCallbacks,
    *,
    baseline: bool = False,
    recipe: Recipe | None = None,
) -> Result:
    """The road of `make train`, from the metrics on: a registered model, its evaluation and its predictions.

    Args:
        source: Of the metrics.
        space: Where everything lies.
        settings: Of the run.
        progress: ProgressCallbacks.
        baseline: Empirical Bayes only: no mixed model, no trees, no least amount of data.
        recipe: Of an earlier run, to be used again instead of choosing and tuning.

    Raises:
        TooThinError: The data cannot support a model.
    """
    learned = learn(source, space, settings, progress, baseline=baseline, recipe=recipe)
    until = source.until
    stamp = {
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "data_fingerprint": source.fingerprint,
        "data_until": until.isoformat(),
    }
    left_out = {**learned.dataset.left_out(), **source.notes}
    progress.line("writing the evaluation")
    about_it = about_run(
        learned, space, created_at=stamp["created_at"], data_until=stamp["data_until"], left_out=left_out,
        baseline=baseline,
    )  # fmt: skip
    evaluation = evaluation_of(about_it, learned.figures, learned.beside, learned.coverage)
    write_evaluation(evaluation, space.evaluation)
    checked = write_page(space.evaluation, settings.var / "proof")

    about = {"summary": headline_figures(learned.figures), "choices": learned.recipe.choices, **stamp}
    final = learned.final
    others = source.standing(final.fitted.funnel, final.fitted.entities, settings)
    card = (space.evaluation / CARD).read_text(encoding="utf-8")
    save_bundle(space.judged_bundle, learned.judged, settings, trained_until=learned.starts.isoformat(), **about)
    save_bundle(space.bundle, final, settings, trained_until=until.isoformat(), known=others, card=card, **about)
    predictions = source.predictions(final, settings)
    write_table(predictions, space.predictions)

    progress.line("registering")
    with mlflow_tracking.tracked_run(space) as run_id:
        counts = {f"left_out/{name}": count for name, count in left_out.items()}
        tags = {f"start/{stage}": str(kind) for stage, kind in learned.recipe.prior_kinds.items()}
        tags |= {**stamp, "trained_until": until.isoformat(), "kind": "baseline" if baseline else "model"}
        mlflow_tracking.log_run(settings, tags, counts, run_figures(learned, evaluation, checked), space.evaluation)
        registered = mlflow_tracking.register(
            space, run_id, space.bundle, space.judged_bundle, f"data until {until:%Y-%m-%d}, basis {settings.basis}"
        )
    verdict = _contest(learned, space)
    if verdict.won:
        mlflow_tracking.crown(space, registered)
    trained = learned.dataset.observed.loc[learned.trained, KEY]
    return Result(
        figures=learned.figures,
        registered=registered,
        contest=verdict,
        held=(int(learned.held.sum()), learned.starts),
        trained=(len(trained), len(trained.drop_duplicates())),
        recipe=learned.recipe,
        left_out=left_out,
        missing=learned.dataset.funnel.missing,
        predictions=(space.predictions, len(predictions)),
        coverage=learned.coverage,
        deciles=evaluation.deciles,
        checks=checked,
    )


def headline_figures(figures: pd.DataFrame) -> dict[str, float | str | None]:
    """Figures of all ages together, by target: what a bundle says of itself."""
    rows = figures.query("age_hours == @ALL_AGES and part == 'all' and method == 'gpmcast'").set_index("target")
    table: dict[str, float | str | None] = {}
    for target in rows.index:
        for name in ("rows", "spearman", "log_error", "total", "mean", "deviance"):
            value = float(rows.loc[target, name])
            table[f"{target}/{name}"] = value if np.isfinite(value) else None
    return table


def by_age_figures(figures: pd.DataFrame) -> dict[str, float]:
    """Spearman and deviance of every method, target and age, under names that MLflow takes."""
    rows = figures[figures["part"] == "all"]
    table = {}
    for row in rows.to_dict("records"):
        age = "all_ages" if row["age_hours"] == ALL_AGES else f"{row['age_hours']:g}h"
        for name in ("spearman", "deviance"):
            table[f"{row['target']}/{age}/{str(row['method']).replace(' ', '_')}/{name}"] = float(row[name])
    return table


def start_figures(losses: Mapping[str, Losses]) -> dict[str, float]:
    """Deviance of every stage on the folds, by what it starts from, under names that MLflow takes."""
    return {
        f"start/{stage}/{kind.replace(' ', '_')}": value
        for stage, loss in losses.items()
        for kind, value in loss.with_trees.items()
    }


def calibration_figures(deciles: pd.DataFrame) -> dict[str, float]:
    """Both calibrations of every target and age, under names that MLflow takes."""
    table = {}
    for row in deciles[deciles["decile"] == WHOLE].to_dict("records"):
        age = "all_ages" if row["age_hours"] == ALL_AGES else f"{row['age_hours']:g}h"
        for name in ("total", "mean"):
            table[f"{row['target']}/{age}/gpmcast/{name}"] = float(row[name])
    return table


def run_figures(learned: Learned, evaluation: Evaluation, checked: list[Check]) -> dict[str, float]:
    """Every figure of a run, by name; of each check, 1 passed, 0 is to be reviewed, −1 failed."""
    gains = {f"gain/{stage}": choice.gain for stage, choice in learned.recipe.choices.items()}
    kept = learned.coverage.figures() if learned.coverage else {}
    told = by_age_figures(learned.figures) | calibration_figures(evaluation.deciles)
    trust = {f"trust/{check.name}": float({PASS: 1, REVIEW: 0, FAIL: -1}[check.status]) for check in checked}
    return gains | told | start_figures(learned.losses) | kept | trust


def _contest(learned: Learned, space: Workspace) -> Contest:
    dataset, held, judged = learned.dataset, learned.held, learned.judged
    reigning = mlflow_tracking.champion(space)
    if reigning is None:
        return contest(dataset, held, judged, None, None)
    try:
        old, manifest = load_bundle(mlflow_tracking.fetch(space, reigning, mlflow_tracking.JUDGED))
    except BundleError as refusal:
        return Contest(True, f"the champion so far cannot be used any more ({refusal})")
    return contest(dataset, held, judged, old, manifest)
