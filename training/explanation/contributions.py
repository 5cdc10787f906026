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

from features.arrays import Floats
from features.funnel_model.effects import Effects
from features.matrix.feature_matrix import Features
from features.stages import VOLUME
from features.targets import TARGETS
from training.boosting.model import CreativeModel, FittedHead
from training.boosting.pooled_line import LEVEL
from training.errors import ExplanationError
from training.uncertainty import Predicted

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
        funnel = self.baseline + self.effects.sum(axis=1) + self.own_evidence + self.clipped
        return funnel + self.shap.sum(axis=1) if self.feature_names else funnel

    def frame(self) -> pd.DataFrame:
        """One column a contribution; effects are prefixed `effect: `, because features may have the same name."""
        effects = {f"effect: {name}": self.effects[:, place] for place, name in enumerate(self.effect_names)}
        shap = {name: self.shap[:, place] for place, name in enumerate(self.feature_names)}
        return pd.DataFrame(
            {"baseline": self.baseline, "own evidence": self.own_evidence, **effects, **shap, "clipped": self.clipped}
        )


def stage_contributions(features: Features) -> dict[str, LogContributions]:
    """Stage → contributions to its log rate by the funnel model, `value` in CNY per order."""
    own = features.posteriors
    return _of_stages(features, own.stages, own.base_rate, own.log_effects, own.log_own_evidence, own.log_rate)


def _bayes_contributions(features: Features, stages: Sequence[str]) -> dict[str, LogContributions]:
    """Stage → contributions to its log rate by empirical Bayes before own counts."""
    own, places = features.posteriors.history, [features.posteriors.stages.index(name) for name in stages]
    effects, log_rate = [own.effects_on(place) for place in places], own.log_rate[places]
    return _of_stages(features, stages, own.market_rate[places], effects, np.zeros_like(log_rate), log_rate)


def _of_stages(
    features: Features,
    stages: Sequence[str],
    base_rate: Floats,
    effects: Sequence[Effects],
    own: Floats,
    log_rate: Floats,
) -> dict[str, LogContributions]:
    """Stage → contributions without trees; the arrays are (stages, rows), effects those of each stage."""
    about = {stage.name: stage for stage in features.posteriors.history.arrays.stages}
    baseline, no_shap = np.log(base_rate), np.zeros((len(features.values), 0))
    clipped = np.zeros_like(baseline)
    for name, level, too_much, rate in zip(stages, baseline, clipped, log_rate):
        if about[name].priced:
            level += np.log(features.reference_price)
        if about[name].share:
            too_much -= np.maximum(rate, 0.0)
    return {
        name: LogContributions(level, of.rows, of.names, evidence, cut, no_shap, ())
        for name, level, of, evidence, cut in zip(stages, baseline, effects, own, clipped)
    }


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
    names = [stage.name for stage in model.fitted.funnel.stages if stage.name in fitted.head.stages]
    stack, known = fitted.stack, of_stages or stage_contributions(features)
    parts = [(stack.funnel + stack.trees, known[name]) for name in names]
    if stack.bayes:
        of_bayes = _bayes_contributions(features, names)
        parts += [(stack.bayes, of_bayes[name]) for name in names]
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
    given, funnel = shap or {}, model.fitted.funnel
    stages = stage_contributions(features)
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
    table = np.array(list(terms.values())).reshape(len(terms), -1).T.copy()
    total = LogContributions(level, table, tuple(terms), zeros, zeros, np.zeros((len(zeros), 0)), ())
    total = _with_trees(total, 1.0, model.volume.boosters.get("expected"), features, shap)
    return replace(total, clipped=model.volume.clipped_expected(total.total, features) - total.total)


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
    effects, effect_names = _summed([(weight, own.effects, own.effect_names) for weight, own in parts])
    shap, feature_names = _summed([(weight, own.shap, own.feature_names) for weight, own in parts])
    singles = np.array([(own.baseline, own.own_evidence, own.clipped) for _, own in parts])  # (parts, 3, rows)
    baseline, own_evidence, clipped = sum(weight * single for (weight, _), single in zip(parts, singles))
    return LogContributions(baseline, effects, effect_names, own_evidence, clipped, shap, feature_names)


def _summed(tables: Sequence[tuple[float, Floats, tuple[str, ...]]]) -> tuple[Floats, tuple[str, ...]]:
    """Sum weighted tables (rows, named columns) by column name."""
    filled = [table for table in tables if table[2]] or tables[:1]
    _, first, own_names = filled[0]
    if all(own is own_names for _, _, own in filled):
        return sum((weight * table for weight, table, _ in filled), np.zeros(first.shape)), own_names
    names, columns = _union(tuple(own for _, _, own in filled))
    total = np.zeros((len(first), len(names)))
    for (weight, table, _), at in zip(filled, columns):
        total[:, at] += weight * table
    return total, names


@lru_cache(maxsize=256)
def _union(each: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], list[npt.NDArray[np.int64]]]:
    """All names, in order of first appearance, and the column of each table's names among them."""
    names = tuple(dict.fromkeys(name for own in each for name in own))
    place = {name: number for number, name in enumerate(names)}
    return names, [np.array([place[name] for name in own], dtype=np.int64) for own in each]


def check_additivity(contributions: Mapping[str, LogContributions], predicted: Predicted) -> None:
    """Compare the sums of contributions with the predictions that they explain, by name; some may have none.

    Raises:
        ExplanationError: Some differ by more than `TOLERANCE`, or are not finite.
    """
    names = [name for name in contributions if name in predicted]
    totals = np.array([contributions[name].total for name in names])
    values = np.array([predicted[name] for name in names], dtype=np.float64)
    right = (np.abs(totals - np.log(values)) <= TOLERANCE).reshape(len(names), -1).all(axis=1)
    for name in (name for name, fits in zip(names, right.tolist()) if not fits):
        raise ExplanationError(f"The explanation of {name} does not add up to its prediction; it is not given.")
