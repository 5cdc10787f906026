"""The answer to a request: rates, targets, evidence, warnings, and contributions where they are asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.array_frame import Table
from features.point_in_time.entity_history import TAG
from features.point_in_time.request_counts import observe_given
from features.schema import KEY
from serving.api.errors import Refused
from serving.api.requests import Creative
from serving.inference.creative_input import told
from serving.inference.explain import parts_told, shown_values
from serving.inference.loaded_model import LoadedModel
from serving.inference.uncertainty import beyond
from serving.inference.warnings import warnings_of
from training.boosting.stage_targets import composed
from training.decision.predict import EVIDENCE
from training.errors import ExplanationError
from training.explanation.contributions import (
    Contributions,
    all_stage_contributions,
    check_additivity,
    target_contributions,
)

Floats = npt.NDArray[np.float64]
CHUNK = 50
"""Creatives computed between two looks at the clock."""


@dataclass(frozen=True)
class Computed:
    """One chunk on its way to an answer.

    Attributes:
        observed: Their counts.
        summed: Which were told as sums of a life, whose pace is not known.
        features: Of the rows.
        predicted: Stage rates and targets by name (`training.boosting.stage_targets.compose`).
    """

    observed: Table
    summed: npt.NDArray[np.bool_]
    features: Features
    predicted: dict[str, Floats]


@dataclass(frozen=True)
class Predicted:
    """What is answered, and the features that it was made from: one row a creative."""

    answers: list[dict[str, object]]
    values: Floats


def compute(served: LoadedModel, creatives: Sequence[Creative]) -> Computed:
    """Features and predictions of these creatives: the same functions as in a batch."""
    fitted = served.model.fitted
    asked = [told(creative, served.tag_names, served.metric_columns, served.zone) for creative in creatives]
    tags = [TAG + name for name in served.tag_names]
    observed = observe_given(asked, served.metric_columns, tags, served.as_of, fitted.funnel, served.manifest.settings)
    summed = np.array([creative.sums is not None for creative in creatives])
    if summed.any():
        _forget_pace(observed, summed, fitted.funnel.volume_of)
    features = build_features(observed, fitted)
    predicted = composed(served.model.log_rates(features), fitted.funnel, features.reference_price)
    return Computed(observed, summed, features, predicted)


def _forget_pace(observed: Table, summed: npt.NDArray[np.bool_], volume: str) -> None:
    """LifetimeSums of a life do not tell its last day, unless it has no other, nor its younger half."""
    old = observed["age_hours"].to_numpy(np.float64) > 24
    for part, unknown in (("last_day", summed & old), ("late_half", summed)):
        name = f"{part}:{volume}"
        observed[name] = np.where(unknown, np.nan, observed[name].to_numpy(np.float64))


def predictions(
    served: LoadedModel,
    creatives: Sequence[Creative],
    *,
    now: pd.Timestamp,
    explain: bool = False,
    top: int | None = None,
    go_on: Callable[[], None] = lambda: None,
) -> Predicted:
    """What each creative is expected to do, in the order given.

    Args:
        served: The model.
        creatives: Checked.
        now: The time, in the model's time zone; it tells only how stale things are.
        explain: Whether contributions are told.
        top: How many features one by one; None: all.
        go_on: Called between chunks; raises to give up.
    """
    answers: list[dict[str, object]] = []
    values: list[Floats] = []
    for first in range(0, len(creatives), CHUNK):
        go_on()
        part = creatives[first : first + CHUNK]
        done = compute(served, part)
        answers += _answers(served, part, done, now, explain=explain, top=top)
        values.append(done.features.values.to_numpy(np.float64))
    return Predicted(answers, np.concatenate(values))


def _answers(
    served: LoadedModel,
    creatives: Sequence[Creative],
    done: Computed,
    now: pd.Timestamp,
    *,
    explain: bool,
    top: int | None,
) -> list[dict[str, object]]:
    predicted, funnel = done.predicted, served.model.fitted.funnel
    own_targets = np.array([np.nan if c.roi_target is None else c.roi_target for c in creatives])
    more = beyond(served, done.features, done.observed, predicted, own_targets)
    columns = {name: values.tolist() for name, values in predicted.items()}
    ages = done.observed["age_hours"].to_numpy(np.float64).tolist()
    stages = [stage.name for stage in funnel.stages]
    evidence = {
        name: done.observed[f"early:{name}"].to_numpy(np.float64)
        for name in EVIDENCE
        if f"early:{name}" in done.observed
    }
    warnings = warnings_of(served, creatives, done.observed, done.summed, now)
    explanations = explained(served, done, top) if explain else None
    answers = []
    for row, creative in enumerate(creatives):
        answer: dict[str, object] = {name: getattr(creative, name) for name in KEY[::-1]}
        answer |= {
            "age_hours": ages[row],
            "stages": {name: {"value": columns[name][row]} for name in stages},
            "targets": {name: {"value": columns[name][row], **more[row].intervals[name]} for name in funnel.targets},
            "asked_roi": more[row].asked_roi,
            "chance_of_target": more[row].chance,
            "hit_chance": more[row].hit_chance,
            "verdict": more[row].verdict,
            "evidence": {name: _number(values[row]) for name, values in evidence.items()},
            "warnings": warnings[row],
        }
        if explanations is not None:
            answer["explanation"] = explanations[row]
        answers.append(answer)
    return answers


def explained(served: LoadedModel, done: Computed, top: int | None) -> list[dict[str, object]]:
    """Contributions of every row by stage and by target.

    Raises:
        Refused: Some do not add up to their prediction.
    """
    model, features, predicted = served.model, done.features, done.predicted
    funnel = model.fitted.funnel
    stages = stage_contributions(served, features)
    targets = {name: target_contributions(name, funnel, stages) for name in funnel.targets}
    try:
        for name, parts in (stages | targets).items():
            if name in predicted:
                check_additivity(parts, predicted[name], name)
    except ExplanationError as error:
        raise Refused(500, str(error)) from error
    answers: list[dict[str, object]] = []
    for row in range(len(features.reference_price)):
        values = shown_values(features, row, model.fitted.encoder, served.catalogue)
        answers.append(
            {
                "stages": {name: parts_told(parts, row, top, served.labels, values) for name, parts in stages.items()},
                "targets": {
                    name: parts_told(parts, row, top, served.labels, values) for name, parts in targets.items()
                },
            }
        )
    return answers


def stage_contributions(served: LoadedModel, features: Features) -> dict[str, Contributions]:
    """The contributions of every stage, in the unit of the response; SHAP values out of tables where there are some."""
    shap = served.tables.contributions(features.values.to_numpy(np.float64)) if served.tables is not None else {}
    return all_stage_contributions(served.model, features, shap)


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
