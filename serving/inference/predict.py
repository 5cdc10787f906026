"""Predict creatives: rates, targets with intervals and chances, verdict, evidence, warnings, and explanations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from math import isfinite

import numpy as np
import numpy.typing as npt
import orjson

from features.arrays import Floats, Mask
from features.matrix.feature_matrix import Features, build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import columns_of_others, observe
from features.point_in_time.snapshots import latest_snapshots
from features.schema import KEY
from serving.api.errors import Refused
from serving.api.requests import Creative
from serving.inference.creative_input import request_rows
from serving.inference.explain import explanations
from serving.inference.loaded_model import LoadedModel
from serving.inference.request_warnings import request_warnings
from training.boosting.model import predicted_values
from training.decision.advice import Advice, advise
from training.decision.predict import EVIDENCE
from training.decision.prediction_warnings import not_predictable
from training.decision.status import RUNNING, STOPPED, statuses
from training.errors import ExplanationError
from training.explanation.contributions import (
    all_contributions,
    check_additivity,
)

CREATIVES_PER_CHUNK = 125
"""Creatives computed between two checks of the deadline."""


@dataclass(frozen=True)
class PredictedCreatives:
    """Counts, features and predictions of some creatives, from which answers are made.

    Attributes:
        observed: Counts of the creatives (`features.point_in_time.counts.observe`); sums over the life of `unreported`
            ones that have stopped are those of the model's data.
        status: Of each: waiting, running or stopped.
        unreported: (creatives,) whether the model's data have metrics of it, and the request has none.
        summed: (creatives,) whether each was given as sums since launch, whose pace is not known.
        features: Of the rows.
        predicted: Stage rates and targets by name (`training.boosting.model.predicted_values`).
    """

    observed: ArrayFrame
    status: list[str]
    unreported: Mask
    summed: Mask
    features: Features
    predicted: dict[str, Floats]

    @cached_property
    def predictable(self) -> Mask:
        """(creatives,) whether every rate and target is a number above 0."""
        return np.asarray(((self._table > 0) & (self._table < np.inf)).all(axis=0))

    @cached_property
    def _table(self) -> Floats:
        return np.array(list(self.predicted.values()))

    @property
    def lists(self) -> dict[str, list[float]]:
        """`predicted` as plain numbers."""
        return dict(zip(self.predicted, self._table.tolist()))

    def not_numbers(self, row: int) -> list[str]:
        """Names of the rates and targets of a creative that are no numbers above 0."""
        return [name for name, values in self.predicted.items() if not (isfinite(values[row]) and values[row] > 0)]


@dataclass(frozen=True)
class Predictions:
    """Predictions of some creatives.

    Attributes:
        answers: By creative: a `serving.api.responses.Prediction` as plain values, but for its explanation, which is
            JSON already: orjson writes them.
        values: Feature values; axis 0: creatives, axis 1: features.
        age_hours: (creatives,) hours since launch at the cutoff.
        cutoffs: (creatives,) datetime64, end of what is known of each, in the model's time zone.
    """

    answers: list[dict[str, object]]
    values: Floats
    age_hours: Floats
    cutoffs: npt.NDArray[np.datetime64]


def predict_creatives(loaded: LoadedModel, creatives: Sequence[Creative]) -> PredictedCreatives:
    """Counts, features and predictions of these creatives, by the functions that train and predict batches."""
    fitted = loaded.model.fitted
    rows = request_rows(creatives, loaded.tag_names, loaded.metric_columns, loaded.zone)
    known = loaded.as_of.known(rows.creatives)
    others = columns_of_others(loaded.as_of.of(rows.creatives, known))
    snapshots = latest_snapshots(rows, loaded.as_of.moment)
    observed = observe(snapshots, rows, others, fitted.funnel, loaded.manifest.settings)
    summed = np.array([creative.sums is not None for creative in creatives])
    if summed.any():
        observed = _without_pace(observed, summed)
    features = build_features(observed, fitted)
    predicted = predicted_values(features, loaded.model.log_heads(features), fitted.funnel)
    status = statuses(observed, loaded.as_of.reported_until(observed))
    unreported = (known >= 0) & (observed["age_hours"] <= 0)
    if unreported.any():
        unreported &= loaded.as_of.launched(known)
    if unreported.any():
        live = loaded.as_of.live(known)
        observed = _with_lives(observed, loaded.as_of.lives(known), unreported, live)
        status = [(RUNNING if live[row] else STOPPED) if unreported[row] else own for row, own in enumerate(status)]
    return PredictedCreatives(observed, status, unreported, summed, features, predicted)


def _with_lives(observed: ArrayFrame, lives: dict[str, Floats], unreported: Mask, live: Mask) -> ArrayFrame:
    """Set the sums over the lives of creatives that the request leaves out.

    The as-of table has the sums strictly before its moment: all of what has stopped. Those of a creative that is live
    lack its last period, so they are NaN, as is what the table does not have.
    """
    nothing = np.full(len(observed), np.nan)
    known = {f"early:{name}": np.where(live, np.nan, sums) for name, sums in lives.items()}
    return observed.assign(
        {
            name: np.where(unreported, known.get(name, nothing), observed[name])
            for name in observed
            if name.startswith("early:")
        }
    )


def advice_of(loaded: LoadedModel, creatives: Sequence[Creative], done: PredictedCreatives) -> Advice:
    """Intervals, chances and verdicts of predicted creatives; a ROI target not given is that of the settings."""
    own = np.array([np.nan if one.roi_target is None else one.roi_target for one in creatives])
    model, settings = loaded.model, loaded.manifest.settings
    return advise(done.predicted, done.features, done.observed, done.status, model, settings, own, done.unreported)


def _without_pace(observed: ArrayFrame, summed: Mask) -> ArrayFrame:
    """Set counts that sums since launch do not give to NaN: of the last day, unless there was no other; of a half life.

    Args:
        observed: Counts of N creatives.
        summed: (N,) Whether a creative was described by sums.
    """
    unknown = {"last_day:": summed & (observed["age_hours"] > 24), "late_half:": summed}
    return observed.assign(
        {
            name: np.where(rows, np.nan, observed[name])
            for prefix, rows in unknown.items()
            for name in observed
            if name.startswith(prefix)
        }
    )


def predictions(
    loaded: LoadedModel,
    creatives: Sequence[Creative],
    *,
    now: datetime,
    explain: bool = False,
    top: int | None = None,
    check_deadline: Callable[[], None] = lambda: None,
) -> Predictions:
    """Predict creatives, in the order given.

    Args:
        loaded: The model.
        creatives: Checked (`serving.api.validation`).
        now: The time, in the model's time zone; only warnings depend on it.
        explain: Whether to add explanations.
        top: Features listed one by one in an explanation; None: all.
        check_deadline: Called between chunks; raises to give up.
    """
    answers: list[dict[str, object]] = []
    parts: list[PredictedCreatives] = []
    for first in range(0, len(creatives), CREATIVES_PER_CHUNK):
        check_deadline()
        part = creatives[first : first + CREATIVES_PER_CHUNK]
        done = predict_creatives(loaded, part)
        answers += _answers(loaded, part, done, now, explain=explain, top=top)
        parts.append(done)
    return Predictions(
        answers,
        np.concatenate([done.features.values.matrix for done in parts]),
        np.concatenate([done.observed["age_hours"] for done in parts]),
        np.concatenate([done.observed["cutoff"] for done in parts]),
    )


def _answers(
    loaded: LoadedModel,
    creatives: Sequence[Creative],
    done: PredictedCreatives,
    now: datetime,
    *,
    explain: bool,
    top: int | None,
) -> list[dict[str, object]]:
    if not done.predictable.all():
        answered: Iterator[dict[str, object]] = iter(())
        if others := [creative for creative, known in zip(creatives, done.predictable) if known]:
            answered = iter(_answers(loaded, others, predict_creatives(loaded, others), now, explain=explain, top=top))
        warnings = warnings_of(loaded, creatives, done, now)
        return [
            next(answered) if known else _unpredicted(loaded, creative, done, row, warnings[row])
            for row, (creative, known) in enumerate(zip(creatives, done.predictable))
        ]
    funnel = loaded.model.fitted.funnel
    advice = advice_of(loaded, creatives, done)
    predicted, decision = done.lists, _without_nan(advice.figures)
    targets = {
        name: list(zip(predicted[name], decision[f"{name}_low"], decision[f"{name}_high"])) for name in funnel.targets
    }
    stages = {stage.name: predicted[stage.name] for stage in funnel.stages}
    chance_of_target = decision[f"{funnel.main_roi or 'roi'}_chance"]
    ages = done.observed["age_hours"].tolist()
    evidence = _without_nan(
        {name: done.observed[f"early:{name}"] for name in EVIDENCE if f"early:{name}" in done.observed}
    )
    warnings = warnings_of(loaded, creatives, done, now)
    explanation = explained(loaded, done, top) if explain else None
    answers = []
    for row, creative in enumerate(creatives):
        answer: dict[str, object] = {name: getattr(creative, name) for name in KEY[::-1]}
        answer |= {
            "age_hours": ages[row],
            "status": done.status[row],
            "stages": {name: {"value": values[row]} for name, values in stages.items()},
            "targets": {name: dict(zip(("value", "low", "high"), of[row])) for name, of in targets.items()},
            "asked_roi": decision["asked_roi"][row],
            "chance_of_target": chance_of_target[row],
            "hit_chance": decision["hit_chance"][row],
            "verdict": dict(zip(("name", "zh", "en"), advice.verdicts[row])),
            "stake_cny": decision["stake_cny"][row],
            "test_cny": decision["test_cny"][row],
            "evidence": {name: values[row] for name, values in evidence.items()},
            "warnings": warnings[row],
        }
        if explanation is not None:
            answer["explanation"] = explanation[row]
        answers.append(answer)
    return answers


def _unpredicted(
    loaded: LoadedModel, creative: Creative, done: PredictedCreatives, row: int, warnings: list[dict[str, str]]
) -> dict[str, object]:
    """The answer to a creative of which some rate is no number: its place, no figures, and a warning that says why."""
    funnel = loaded.model.fitted.funnel
    warning = not_predictable(done.not_numbers(row))
    return {
        **{name: getattr(creative, name) for name in KEY[::-1]},
        "age_hours": float(done.observed["age_hours"][row]),
        "status": done.status[row],
        "stages": {stage.name: {"value": None} for stage in funnel.stages},
        "targets": {name: {"value": None, "low": None, "high": None} for name in funnel.targets},
        "asked_roi": creative.roi_target or loaded.manifest.settings.verdict.roi_target,
        "chance_of_target": None,
        "hit_chance": None,
        "verdict": {"name": "", "zh": warning.zh, "en": warning.en},
        "stake_cny": None,
        "test_cny": None,
        "evidence": {
            name: number_or_none(done.observed[f"early:{name}"][row])
            for name in EVIDENCE
            if f"early:{name}" in done.observed
        },
        "warnings": warnings,
    }


def explained(loaded: LoadedModel, done: PredictedCreatives, top: int | None) -> list[orjson.Fragment]:
    """Explanations of every row by stage and by target (`serving.api.responses.PredictionExplanation`), as JSON.

    Raises:
        Refused: 500 where one does not add up to its prediction.
    """
    stages, targets = all_contributions(loaded.model, done.features)
    try:
        check_additivity(stages | targets, done.predicted)
    except ExplanationError as error:
        raise Refused(500, str(error)) from error
    return explanations(done.features, loaded.feature_texts, stages, targets, top)


def warnings_of(
    loaded: LoadedModel, creatives: Sequence[Creative], done: PredictedCreatives, now: datetime
) -> list[list[dict[str, str]]]:
    """Warnings of each creative; the first says so where it is not predictable."""
    found = request_warnings(loaded, creatives, done.observed, done.summed, done.unreported, now)
    for row in [row for row, known in enumerate(done.predictable.tolist()) if not known]:
        found[row].insert(0, not_predictable(done.not_numbers(row))._asdict())
    return found


def _without_nan(columns: Mapping[str, Floats]) -> dict[str, list[float | None]]:
    """Columns as plain numbers; None for NaN and infinity, which JSON has not."""
    table = np.array(list(columns.values())).tolist()
    return {name: [value if isfinite(value) else None for value in values] for name, values in zip(columns, table)}


def number_or_none(value: float) -> float | None:
    """The number; None for NaN and infinity, which JSON has not."""
    return float(value) if isfinite(value) else None
