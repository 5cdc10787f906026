"""What a run records: facts for its page and model card, headline figures for the bundle, metrics for MLflow."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from configs import __version__
from features.schema import KEY
from training.boosting.choose_priors import Losses
from training.boosting.recipe import Recipe
from training.data.dataset import Dataset, Mask
from training.evaluation.acceptance import Judgement, Verdict
from training.evaluation.coverage import Coverage
from training.evaluation.deciles import WHOLE
from training.evaluation.files import Evaluation, RunFacts, StageFacts
from training.evaluation.metrics import ALL_AGES, OWN
from training.labels.outcomes import MATURE
from training.workspace import Workspace

VERDICT_VALUES: dict[Verdict, float] = {"usable": 1.0, "caution": 0.0, "unusable": -1.0}
"""Verdict → its value in MLflow; an aspect that cannot be decided has none."""


def run_facts(
    dataset: Dataset,
    space: Workspace,
    recipe: Recipe,
    losses: Mapping[str, Losses],
    train_rows: Mask,
    holdout: Mask,
    *,
    holdout_since: pd.Timestamp,
    created_at: str,
    left_out: Mapping[str, int],
    baseline: bool,
    brier: Mapping[str, float],
) -> RunFacts:
    """Collect the facts of a run; `train_rows` and `holdout` are masks over the dataset's rows."""
    settings, keys, creatives = dataset.settings, dataset.observed[KEY], dataset.source.creatives
    labels = [(stage.name, *stage.label) for stage in dataset.funnel.stages]
    return RunFacts(
        name=space.name,
        model=space.registered_model,
        version=__version__,
        created_at=created_at,
        baseline=baseline,
        data_fingerprint=dataset.source.fingerprint,
        data_until=dataset.source.until.isoformat(),
        creatives=len(creatives),
        accounts=int(creatives["account_id"].nunique()),
        promotion_types=sorted(creatives["promotion_type"].astype("str").unique()),
        basis=settings.basis,
        outcome_days=settings.outcome_days,
        level=settings.interval.level,
        min_impressions=settings.evaluate.min_impressions,
        holdout_since=holdout_since.isoformat(),
        holdout_rows=int(holdout.sum()),
        holdout_creatives=len(keys[holdout].drop_duplicates()),
        training_rows=int(train_rows.sum()),
        training_creatives=len(keys[train_rows].drop_duplicates()),
        final_rows=int((dataset.rows["state"] == MATURE).sum()),
        stages=[
            _stage_facts(name, zh, en, recipe, losses.get(name))
            for name, zh, en in [*labels, ("volume", "后续量", "later volume")]
        ],
        missing=dict(dataset.funnel.missing),
        left_out=dict(left_out),
        brier=dict(brier),
    )


def headline_figures(figures: pd.DataFrame) -> dict[str, float | str | None]:
    """Return the metrics of all ages together as `<target>/<metric>`: the summary in a bundle's manifest."""
    rows = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all") & (figures["method"] == OWN)]
    table: dict[str, float | str | None] = {}
    for row in rows.to_dict("records"):
        for name in ("rows", "spearman", "log_error", "total", "mean", "deviance"):
            value = float(row[name])
            table[f"{row['target']}/{name}"] = value if np.isfinite(value) else None
    return table


def logged_metrics(
    evaluation: Evaluation,
    recipe: Recipe,
    losses: Mapping[str, Losses],
    coverage: Coverage | None,
    judged: Sequence[Judgement],
    left_out: Mapping[str, int],
) -> dict[str, float]:
    """Return every metric of a run under its MLflow name.

    `left_out/<reason>`: rows. `cv_gain/<stage>`: reduction of the validation loss by the trees.
    `cv_deviance/<stage>/<prior kind>`: validation deviance. `<target>/<age>/<method>/<metric>`: on the holdout.
    `interval/…`: of `training.evaluation.coverage`. `acceptance/<target>/<aspect>`: 1 usable, 0 with
    caution, −1 not usable; absent where rows are too few to decide.
    """
    return {
        **{f"left_out/{name}": float(count) for name, count in left_out.items()},
        **{f"cv_gain/{stage}": choice.gain for stage, choice in recipe.choices.items()},
        **by_age_figures(evaluation.figures),
        **calibration_figures(evaluation.deciles),
        **{
            f"cv_deviance/{stage}/{kind.replace(' ', '_')}": value
            for stage, loss in losses.items()
            for kind, value in loss.with_trees.items()
        },
        **(coverage.figures() if coverage else {}),
        **verdict_figures(judged),
    }


def verdict_figures(judged: Sequence[Judgement]) -> dict[str, float]:
    """Return the verdict on every target and aspect that could be decided, under its MLflow name."""
    return {
        f"acceptance/{one.of}/{one.aspect}": VERDICT_VALUES[one.verdict]
        for one in judged
        if one.verdict in VERDICT_VALUES
    }


def by_age_figures(figures: pd.DataFrame) -> dict[str, float]:
    """Return Spearman and deviance of every method, target and age under MLflow names."""
    table = {}
    for row in figures[figures["part"] == "all"].to_dict("records"):
        for name in ("spearman", "deviance"):
            method = str(row["method"]).replace(" ", "_")
            table[f"{row['target']}/{_age(row['age_hours'])}/{method}/{name}"] = float(row[name])
    return table


def calibration_figures(deciles: pd.DataFrame) -> dict[str, float]:
    """Return predicted over actual, in total and in the mean, of every target and age under MLflow names."""
    table = {}
    for row in deciles[deciles["decile"] == WHOLE].to_dict("records"):
        for name in ("total", "mean"):
            table[f"{row['target']}/{_age(row['age_hours'])}/{OWN}/{name}"] = float(row[name])
    return table


def _stage_facts(name: str, zh: str, en: str, recipe: Recipe, loss: Losses | None) -> StageFacts:
    choice = recipe.choices.get(name)
    return StageFacts(
        name=name,
        zh=zh,
        en=en,
        prior=str(recipe.prior_kinds.get(name, "")),
        losses={str(kind): value for kind, value in loss.with_trees.items()} if loss else {},
        rounds=choice.rounds if choice else 0,
        gain=choice.gain if choice else 0.0,
        tuned=choice is not None and choice.tuned,
    )


def _age(hours: float) -> str:
    return "all_ages" if hours == ALL_AGES else f"{hours:g}h"
