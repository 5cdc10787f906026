"""Contributions to the log prediction of each stage, head and target; they add up to it.

A stage is explained by the funnel model alone: intercept, effects, own evidence. A head adds its members, each times
its weight in the stack: stages of the funnel model, steps of empirical Bayes, SHAP values of the trees. A target is a
signed sum of heads (log net ROI = gmv + keep − cost).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, VOLUME, Stage
from features.matrix.feature_matrix import Features
from training.boosting.model import CreativeModel, FittedHead
from training.boosting.pooled_line import LEVEL
from training.errors import ExplanationError

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-9
"""Largest difference, on the log scale, between a prediction and the sum of its contributions."""


@dataclass(frozen=True)
class LogContributions:
    """Contributions to one log prediction of each row; axis 0 of every array is the row.

    Attributes:
        baseline: (rows,) Log rate of the mean creative at the time, plus the trees' expected value.
        effects: (rows, effects) Effects of the funnel model and of empirical Bayes: one column a term or entity. Of
            later volume: terms of its pace regression.
        effect_names: Of the columns of `effects`.
        own_evidence: (rows,) What the creative's own early counts change.
        clipped: (rows,) What was cut off: of a share above 1, of a later volume outside those of the training rows.
        shap: (rows, features) SHAP values of the trees.
        feature_names: Of the columns of `shap`.
    """

    baseline: Floats
    effects: Floats
    effect_names: tuple[str, ...]
    own_evidence: Floats
    clipped: Floats
    shap: Floats
    feature_names: tuple[str, ...]

    @cached_property
    def total(self) -> Floats:
        """(rows,) The log prediction: the sum of all contributions."""
        # Both tables are C-contiguous: a row's sum has the same order of additions, and so the same last bit, whether
        # the row is alone or in a batch.
        return self.baseline + self.effects.sum(axis=1) + self.own_evidence + self.clipped + self.shap.sum(axis=1)

    def frame(self) -> pd.DataFrame:
        """One column a contribution; effects are prefixed `effect: `, because features may have the same name."""
        effects = {f"effect: {name}": self.effects[:, place] for place, name in enumerate(self.effect_names)}
        shap = {name: self.shap[:, place] for place, name in enumerate(self.feature_names)}
        return pd.DataFrame(
            {"baseline": self.baseline, "own evidence": self.own_evidence, **effects, **shap, "clipped": self.clipped}
        )


def stage_contributions(features: Features, stage: Stage) -> LogContributions:
    """Contributions to the log rate of a stage by the funnel model, `value` in CNY per order."""
    posterior = features.posteriors[stage.name]
    log_rate = posterior.log_rate
    baseline = np.log(posterior.base_rate)
    if stage.priced:
        baseline = baseline + np.log(features.reference_price)
    clipped = -np.maximum(log_rate, 0.0) if stage.share else np.zeros(len(log_rate))
    effects = posterior.log_effects
    return _of_effects(baseline, effects.names, effects.table, posterior.log_own_evidence, clipped)


def _bayes_contributions(features: Features, stage: Stage) -> LogContributions:
    """Contributions to the log rate of a stage by empirical Bayes before own counts."""
    posterior = features.posteriors[stage.name]
    baseline = np.log(posterior.market_rate)
    if stage.priced:
        baseline = baseline + np.log(features.reference_price)
    zeros = np.zeros(len(baseline))
    clipped = -np.maximum(posterior.log_empirical_bayes, 0.0) if stage.share else zeros
    effects = posterior.empirical_bayes_effects
    return _of_effects(baseline, effects.names, effects.table, zeros, clipped)


def _of_effects(
    baseline: Floats, names: tuple[str, ...], effects: Floats, own: Floats, clipped: Floats
) -> LogContributions:
    """Contributions without trees; `effects` is (names, rows)."""
    table = np.ascontiguousarray(effects.T)
    return LogContributions(baseline, table, names, own, clipped, np.zeros((len(baseline), 0)), ())


def head_contributions(
    model: CreativeModel,
    features: Features,
    fitted: FittedHead,
    shap: Floats | None = None,
    of_stages: Mapping[str, LogContributions] | None = None,
) -> LogContributions:
    """Contributions to the log of the ratio that a head predicts.

    Args:
        model: The fitted model.
        features: Of the rows.
        fitted: The head.
        shap: (rows, features + 1) SHAP values of its trees with their expected value in the last column, where the
            caller has them; else LightGBM's `pred_contrib` computes them.
        of_stages: Of the funnel model to its stages, where the caller has them.
    """
    stages = [stage for stage in model.fitted.funnel.stages if stage.name in fitted.head.stages]
    stack, known = fitted.stack, of_stages or {stage.name: stage_contributions(features, stage) for stage in stages}
    parts = [(stack.funnel + stack.trees, known[stage.name]) for stage in stages]
    if stack.bayes:
        parts += [(stack.bayes, _bayes_contributions(features, stage)) for stage in stages]
    total = weighted_sum(parts)
    level = stack.bayes * stack.log_bayes_level + stack.trees * fitted.level
    total = replace(total, baseline=total.baseline + level)
    total = _with_trees(total, stack.trees, fitted.booster, features, shap)
    if fitted.head.share:
        total = replace(total, clipped=total.clipped - np.maximum(total.total, 0.0))
    return total


def all_contributions(
    model: CreativeModel, features: Features, shap: Mapping[str, Floats] | None = None
) -> tuple[dict[str, LogContributions], dict[str, LogContributions]]:
    """Contributions of every stage and of every target, in the units in which they are predicted.

    Args:
        model: The fitted model.
        features: Of the rows.
        shap: By head or `volume`: SHAP values, as in `head_contributions`; those not named are computed by LightGBM.

    Returns:
        Stage → contributions (funnel model), and target → contributions.
    """
    given, funnel = model.trees.contributions(features.values.matrix) if shap is None else shap, model.fitted.funnel
    stages = {stage.name: stage_contributions(features, stage) for stage in funnel.stages}
    heads = {
        head.name: head_contributions(
            model, features, model.heads.get(head.name, FittedHead(head)), given.get(head.name), stages
        )
        for head in funnel.heads
    }
    targets = {}
    for name in funnel.targets:
        target = TARGETS[name]
        if target.is_volume:
            targets[name] = volume_contributions(model, features, given.get(VOLUME))
            continue
        signs = funnel.compositions[name].head_signs
        total = weighted_sum([(sign, heads[head]) for head, sign in signs.items()])
        targets[name] = replace(total, baseline=total.baseline + np.log(target.scale))
    return stages, targets


def volume_contributions(model: CreativeModel, features: Features, shap: Floats | None = None) -> LogContributions:
    """Contributions to the log of expected later volume.

    The baseline is the level of the promotion type at that age; effects are the terms of the pace regression and their
    calibration.

    Args:
        model: The fitted model.
        features: Of the rows.
        shap: As in `head_contributions`.
    """
    terms = model.volume.offset_terms(features, "expected")
    zeros = np.zeros(len(features.values))
    level = terms.pop(LEVEL)
    total = _of_effects(level, tuple(terms), np.array(list(terms.values())).reshape(len(terms), -1), zeros, zeros)
    total = _with_trees(total, 1.0, model.volume.boosters.get("expected"), features, shap)
    return replace(total, clipped=model.volume.clipped_expected(total.total) - total.total)


def _with_trees(
    total: LogContributions, weight: float, booster: lgb.Booster | None, features: Features, shap: Floats | None
) -> LogContributions:
    """The contributions with SHAP values of trees times their weight; the trees' expected value joins the baseline."""
    if booster is None or not len(features.values):
        return total
    if shap is None:
        shap = np.asarray(booster.predict(features.values.matrix, pred_contrib=True, num_threads=1))
    return replace(
        total,
        baseline=total.baseline + weight * shap[:, -1],
        shap=np.ascontiguousarray(weight * shap[:, :-1]),
        feature_names=features.values.names,
    )


def weighted_sum(parts: Sequence[tuple[float, LogContributions]]) -> LogContributions:
    """Sum of contributions by name, each times its weight."""
    zeros = np.zeros(len(parts[0][1].baseline))
    effects, effect_names = _summed([(weight, own.effects, own.effect_names) for weight, own in parts])
    shap, feature_names = _summed([(weight, own.shap, own.feature_names) for weight, own in parts])
    return LogContributions(
        baseline=sum((weight * own.baseline for weight, own in parts), zeros),
        effects=effects,
        effect_names=effect_names,
        own_evidence=sum((weight * own.own_evidence for weight, own in parts), zeros),
        clipped=sum((weight * own.clipped for weight, own in parts), zeros),
        shap=shap,
        feature_names=feature_names,
    )


def _summed(tables: Sequence[tuple[float, Floats, tuple[str, ...]]]) -> tuple[Floats, tuple[str, ...]]:
    """Sum weighted tables (rows, named columns) by column name."""
    _, first, own_names = tables[0]
    if all(own is own_names for _, _, own in tables):
        return sum((weight * table for weight, table, _ in tables), np.zeros(first.shape)), own_names
    names, columns = _union(tuple(own for _, _, own in tables))
    total = np.zeros((len(first), len(names)))
    for (weight, table, _), at in zip(tables, columns):
        total[:, at] += weight * table
    return total, names


@lru_cache(maxsize=256)
def _union(each: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], list[npt.NDArray[np.int64]]]:
    """All names, in order of first appearance, and the column of each table's names among them."""
    names = tuple(dict.fromkeys(name for own in each for name in own))
    place = {name: number for number, name in enumerate(names)}
    return names, [np.array([place[name] for name in own], dtype=np.int64) for own in each]


def check_additivity(contributions: LogContributions, predicted: Floats, name: str) -> None:
    """Compare the sums of contributions with the predictions (rows,) that they explain.

    Raises:
        ExplanationError: Some differ by more than `TOLERANCE`, or are not finite.
    """
    difference = np.abs(contributions.total - np.log(predicted))
    if not (difference <= TOLERANCE).all():
        raise ExplanationError(f"The explanation of {name} does not add up to its prediction; it is not given.")
