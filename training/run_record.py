"""What a run records: facts for its page and model card, headline figures for the bundle, metrics for MLflow."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from configs import __version__
from features.arrays import Mask
from features.bilingual import Words
from features.sanitise import markdown_text
from features.schema import KEY
from training.boosting.model import Choice
from training.boosting.recipe import Recipe
from training.boosting.volume import CHOICES
from training.data.dataset import Dataset
from training.evaluation.acceptance import Judgement, Verdict
from training.evaluation.coverage import Coverage
from training.evaluation.deciles import WHOLE
from training.evaluation.files import Evaluation, HeadFacts, RunFacts
from training.evaluation.metrics import ALL_AGES, OWN
from training.evaluation.page.sentences import five_sentences
from training.labels.calibration import Calibration
from training.labels.outcomes import MATURE
from training.workspace import Workspace

VOLUME_LABELS = {
    CHOICES["typical"]: Words("典型后续量", "typical later volume"),
    CHOICES["expected"]: Words("预期后续量", "expected later volume"),
}
VERDICT_VALUES: dict[Verdict, float] = {"usable": 1.0, "caution": 0.0, "unusable": -1.0}
"""Verdict → its value in MLflow; an aspect that cannot be decided has none."""


def run_facts(
    dataset: Dataset,
    space: Workspace,
    recipe: Recipe,
    head_deviances: Mapping[str, Mapping[str, float]],
    train_rows: Mask,
    holdout: Mask,
    *,
    holdout_since: pd.Timestamp,
    created_at: str,
    left_out: Mapping[str, int],
    baseline: bool,
    small: bool,
    brier: Mapping[str, float],
    calibration: Calibration,
) -> RunFacts:
    """Collect the facts of a run; `train_rows` and `holdout` are masks over the dataset's rows."""
    settings, keys, creatives = dataset.settings, dataset.observed[KEY], dataset.source.creatives
    labels = {**{head.name: head.label for head in dataset.funnel.heads}, **VOLUME_LABELS}
    return RunFacts(
        name=space.name,
        model=space.registered_model,
        version=__version__,
        created_at=created_at,
        baseline=baseline,
        small=small,
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
        heads=[
            _head_facts(name, label, recipe.choices[name], head_deviances.get(name, {}))
            for name, label in labels.items()
            if name in recipe.choices
        ],
        missing=dict(dataset.funnel.missing),
        left_out=dict(left_out),
        brier=dict(brier),
        calibration=calibration,
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


def run_description(facts: RunFacts, judged: Sequence[Judgement]) -> str:
    """Return what a run is and what its model can be used for, in both languages, as Markdown."""
    kind = "empirical Bayes only, " if facts.baseline else "small data: the funnel model alone, " if facts.small else ""
    sentences = five_sentences(judged, facts.level)
    lines = [
        f"{kind}data until {facts.data_until[:10]}, {facts.creatives:,} creatives, basis {facts.basis}",
        *(f"{number}. {markdown_text(one.zh)}" for number, one in enumerate(sentences, start=1)),
        *(f"{number}. {markdown_text(one.en)}" for number, one in enumerate(sentences, start=1)),
    ]
    return "\n\n".join([lines[0], "\n".join(lines[1 : len(sentences) + 1]), "\n".join(lines[len(sentences) + 1 :])])


def headline_metrics(
    evaluation: Evaluation, coverage: Coverage | None, judged: Sequence[Judgement]
) -> dict[str, float]:
    """Return the metrics by which runs are compared, under their MLflow names; `logged_metrics` has all.

    `<target>/rank`, `<target>/rank/<baseline>` (Spearman), `<target>/deviance`, `<target>/total` (predicted over
    actual), `<target>/coverage`: on the holdout, all ages. `head/<head>/trees`, `head/<head>/cv_gain` (fall of the
    deviance against the funnel alone) and `acceptance/<target>/<aspect>`: as of `logged_metrics`.
    """
    whole = evaluation.figures[(evaluation.figures["age_hours"] == ALL_AGES) & (evaluation.figures["part"] == "all")]
    table: dict[str, float] = {}
    for row in whole.to_dict("records"):
        target, method = str(row["target"]), str(row["method"])
        if method == OWN:
            table |= {f"{target}/{name}": float(row[name]) for name in ("deviance", "total")}
        table[f"{target}/rank" if method == OWN else f"{target}/rank/{method.replace(' ', '_')}"] = float(
            row["spearman"]
        )
    if coverage is not None:
        table |= {f"{row['target']}/coverage": float(row["covered"]) for row in coverage.overall().to_dict("records")}
    heads = {name: value for name, value in head_figures(evaluation.facts.heads).items()
             if name.endswith(("/trees", "/cv_gain")) and "weight" not in name}  # fmt: skip
    return {**table, **heads, **verdict_figures(judged)}


def logged_metrics(
    evaluation: Evaluation,
    coverage: Coverage | None,
    judged: Sequence[Judgement],
    left_out: Mapping[str, int],
) -> dict[str, float]:
    """Return every metric of a run under its MLflow name.

    `left_out/<reason>`: rows. `head/<head>/…`: number of trees, stack weights, out-of-fold deviances of the head and of
    the funnel alone, gain of tuning with its standard error, and deviances on the holdout.
    `<target>/<age>/<method>/<metric>`: on the holdout.
    `interval/…`: of `training.evaluation.coverage`. `acceptance/<target>/<aspect>`: 1 usable, 0 with
    caution, −1 not usable; absent where rows are too few to decide.
    """
    return {
        **{f"left_out/{name}": float(count) for name, count in left_out.items()},
        **head_figures(evaluation.facts.heads),
        **by_age_figures(evaluation.figures),
        **calibration_figures(evaluation.deciles),
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


def head_figures(heads: Sequence[HeadFacts]) -> dict[str, float]:
    """Return what cross-validation chose for the heads, and whether it held, under MLflow names."""
    table: dict[str, float | None] = {}
    for head in heads:
        own = {
            "trees": float(head.rounds),
            "tuned": float(head.tuned),
            **{f"weight/{member}": weight for member, weight in head.weights.items()},
            "cv_deviance": head.deviance,
            "cv_deviance/funnel": head.funnel_deviance,
            "cv_gain": head.head_gain,
            "tuning_gain": head.tuning_gain,
            "tuning_error": head.tuning_error,
            **{f"holdout_deviance/{setting}": value for setting, value in head.holdout.items()},
        }
        table |= {f"head/{head.name}/{name}": value for name, value in own.items()}
    return {name: value for name, value in table.items() if value is not None and np.isfinite(value)}


def _head_facts(name: str, label: Words, choice: Choice, holdout: Mapping[str, float]) -> HeadFacts:
    by_hand = choice.hand.deviance
    scale = 1.0 / by_hand if by_hand else None
    stack = choice.stack
    return HeadFacts(
        name=name,
        zh=label.zh,
        en=label.en,
        rounds=choice.rounds,
        tuned=choice.tuned,
        weights={} if name in VOLUME_LABELS else {"bayes": stack.bayes, "funnel": stack.funnel, "trees": stack.trees},
        funnel_deviance=choice.funnel_deviance,
        deviance=choice.deviance,
        tuning_gain=None if choice.gain is None or scale is None else choice.gain * scale,
        tuning_error=None if choice.gain_error is None or scale is None else choice.gain_error * scale,
        holdout=dict(holdout),
    )


def _age(hours: float) -> str:
    return "all_ages" if hours == ALL_AGES else f"{hours:g}h"
