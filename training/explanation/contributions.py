"""Contributions to the log prediction of each stage and target; they add up to it.

On the log scale a target is a signed sum of stages (log net ROI = click + order + value + keep − cost), so its
contributions are the signed sums of theirs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, VOLUME, Funnel
from features.matrix.feature_matrix import Features
from training.boosting.model import CreativeModel
from training.errors import ExplanationError

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
"""Largest difference, on the log scale, between a prediction and the sum of its contributions."""


@dataclass(frozen=True)
class LogContributions:
    """Contributions to one log prediction of each row; axis 0 of every array is the row.

    Attributes:
        baseline: (rows,) Log rate of the mean creative at the time, plus the trees' expected value.
        effects: (rows, effects) Fixed and random effects of the funnel model: one column a term or entity.
        effect_names: Of the columns of `effects`.
        own_evidence: (rows,) What the creative's own early counts change.
        clipped: (rows,) What was cut off a share above 1; 0 or negative.
        shap: (rows, features) SHAP values of the stage's trees.
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


def stage_contributions(
    model: CreativeModel, features: Features, stage: str, shap: Floats | None = None
) -> LogContributions:
    """Contributions to `model.log_rates(features)[stage]`.

    Args:
        model: The fitted model.
        features: Of the rows.
        stage: A stage of the funnel, or the volume.
        shap: (rows, features + 1) SHAP values of this stage's trees with their expected value in the last column, where
            the caller has them; else LightGBM's `pred_contrib` computes them.
    """
    count = len(features.values)
    if stage == VOLUME:
        baseline, own_evidence = model.volume.log_volume(features), np.zeros(count)
        effects: Mapping[str, Floats] = {}
    else:
        posterior = features.posteriors[stage]
        baseline, own_evidence, effects = np.log(posterior.base_rate), posterior.log_own_evidence, posterior.log_effects
    names = model.columns[stage] if stage in model.boosters and count else []
    if not names:
        shap = np.zeros((count, 1))
    elif shap is None:
        table = features.values.select(names)
        shap = np.asarray(model.boosters[stage].predict(table, pred_contrib=True, num_threads=1))
    baseline = baseline + shap[:, -1]
    clipped = np.zeros(count)
    if stage in model.shares:
        posterior = features.posteriors[stage]
        log_rate = (
            shap[:, :-1].sum(axis=1) + baseline + own_evidence + (posterior.log_prior - np.log(posterior.base_rate))
        )
        clipped = -np.maximum(log_rate, 0.0)
    return LogContributions(
        baseline,
        np.ascontiguousarray(np.array(list(effects.values())).reshape(len(effects), count).T),
        tuple(effects),
        own_evidence,
        clipped,
        np.ascontiguousarray(shap[:, :-1]),
        tuple(names),
    )


def all_stage_contributions(
    model: CreativeModel, features: Features, shap: Mapping[str, Floats] | None = None
) -> dict[str, LogContributions]:
    """Contributions of every stage, in the unit in which the stage's rate is predicted.

    Args:
        model: The fitted model.
        features: Of the rows.
        shap: By stage: SHAP values, as in `stage_contributions`; stages not named are computed by LightGBM.
    """
    given = shap or {}
    found = {stage: stage_contributions(model, features, stage, given.get(stage)) for stage in model.stages}
    for stage in model.fitted.funnel.stages:
        if stage.priced:  # predicted in CNY, fitted as a ratio to the reference price
            own = found[stage.name]
            found[stage.name] = replace(own, baseline=own.baseline + np.log(features.reference_price))
    return found


def target_contributions(target: str, funnel: Funnel, stages: Mapping[str, LogContributions]) -> LogContributions:
    """Contributions of a target: those of its stages, signed and summed by name."""
    signed = [(sign, stages[stage]) for stage, sign in TARGETS[target].composition(funnel).signs.items()]
    zeros = np.zeros(len(signed[0][1].baseline))
    baseline = sum((sign * own.baseline for sign, own in signed), zeros)
    own_evidence = sum((sign * own.own_evidence for sign, own in signed), zeros)
    clipped = sum((sign * own.clipped for sign, own in signed), zeros)
    effects, effect_names = _summed([(sign, own.effects, own.effect_names) for sign, own in signed])
    shap, feature_names = _summed([(sign, own.shap, own.feature_names) for sign, own in signed])
    if TARGETS[target].scale != 1.0:
        baseline = baseline + np.log(TARGETS[target].scale)
    return LogContributions(baseline, effects, effect_names, own_evidence, clipped, shap, feature_names)


def _summed(tables: Sequence[tuple[float, Floats, tuple[str, ...]]]) -> tuple[Floats, tuple[str, ...]]:
    """Sum signed tables (rows, named columns) by column name."""
    names, columns = _union(tuple(own for _, _, own in tables))
    total = np.zeros((len(tables[0][1]), len(names)))
    for (sign, table, _), at in zip(tables, columns):
        total[:, at] += sign * table
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
