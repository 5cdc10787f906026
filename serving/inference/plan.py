"""Plan a budget for the creatives of a request: launches, tests, today's money, calls."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import KEY
from serving.api.errors import Refused, RequestProblem, refused
from serving.api.requests import Creative, PlanRequest
from serving.api.responses import PlannedCandidate, PlannedRunning
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import CREATIVES_PER_CHUNK, PredictedCreatives, predict_creatives
from training.decision.advice import advise
from training.decision.plan.figures import families, figures, refuse_model
from training.decision.plan.make_plan import make_plan
from training.decision.plan.refusals import REQUEST, PlanRefused, Topic
from training.decision.status import statuses

Floats = npt.NDArray[np.float64]
FIELDS: dict[Topic, str | None] = {"budget": "budget_cny", "launch": "launch", "candidates": "creatives", "model": None}
"""What a refusal is about → field of the request."""


@dataclass(frozen=True)
class PlannedCreatives:
    """A plan as it is sent, and what is recorded of it.

    Attributes:
        content: `summary`, `candidates` and `running` of a `serving.api.responses.PlanAnswer` as plain values.
        stored: By creative of the plan: what is sent of it.
        values: Feature values; axis 0: the same creatives, axis 1: features.
        age_hours: (creatives,) hours since launch at the cutoff.
        cutoffs: (creatives,) datetime64, end of what is known of each, in the model's time zone.
    """

    content: dict[str, object]
    stored: list[dict[str, object]]
    values: Floats
    age_hours: Floats
    cutoffs: npt.NDArray[np.datetime64]


def planned(
    loaded: LoadedModel, request: PlanRequest, *, check_deadline: Callable[[], None] = lambda: None
) -> PlannedCreatives:
    """Plan the budget of a request.

    Args:
        loaded: The model.
        request: Checked.
        check_deadline: Called between chunks; raises to give up.

    Raises:
        Refused: 422 where the model, the budget or the creatives do not allow a plan.
    """
    settings, funnel = loaded.manifest.settings, loaded.model.fitted.funnel
    try:
        refuse_model(loaded.model)
        tables, parts = [], []
        for first in range(0, len(request.creatives), CREATIVES_PER_CHUNK):
            check_deadline()
            part = request.creatives[first : first + CREATIVES_PER_CHUNK]
            done = predict_creatives(loaded, part)
            _refuse_unpredictable(part, done)
            tables.append(_figures(loaded, part, done))
            parts.append(done)
        attributes = pd.concat([_attributes(done) for done in parts], ignore_index=True)
        table = pd.concat(tables, ignore_index=True).assign(family=families(attributes), row=np.arange(len(attributes)))
        check_deadline()
        plan = make_plan(
            table,
            request.budget_cny,
            request.launch,
            settings.plan,
            days=settings.outcome_days,
            roi=funnel.main_roi,
        )
    except PlanRefused as refusal:
        raise _not_planned(refusal.on(REQUEST)) from None
    document = plan.document()
    rows = [*plan.candidates["row"].astype(int), *plan.running["row"].astype(int)]
    content: dict[str, object] = {"summary": document["summary"]}
    stored: list[dict[str, object]] = []
    for name, model in (("candidates", PlannedCandidate), ("running", PlannedRunning)):
        frame = getattr(plan, name)[list(model.model_fields)]
        lines = frame.astype(object).where(frame.notna(), None).to_dict("records")
        content[name] = lines
        stored += lines
    return PlannedCreatives(
        content,
        stored,
        np.concatenate([done.features.values.matrix for done in parts])[rows],
        np.concatenate([done.observed["age_hours"] for done in parts])[rows],
        np.concatenate([done.observed["cutoff"] for done in parts])[rows],
    )


def _figures(loaded: LoadedModel, creatives: list[Creative], done: PredictedCreatives) -> pd.DataFrame:
    own_targets = np.array([np.nan if one.roi_target is None else one.roi_target for one in creatives])
    status = statuses(done.observed, loaded.as_of.reported_until(done.observed))
    model, settings = loaded.model, loaded.manifest.settings
    advice = advise(done.predicted, done.features, done.observed, status, model, settings, own_targets)
    return figures(done.observed, done.predicted, advice, model, settings)


def _attributes(done: PredictedCreatives) -> pd.DataFrame:
    """What ideas are told apart by."""
    observed = done.observed
    wanted = [*KEY, "product_id", "copy_text", "launched_at", "created_at"]
    tags = [name for name in observed if name.startswith("tag_")]
    return observed.select([name for name in [*wanted, *tags] if name in observed]).frame()


def _not_planned(refusal: PlanRefused) -> Refused:
    """The refusal as it is sent: its field, what is wrong, and the cure."""
    problem = RequestProblem(refusal.why.en, refusal.cure.en, FIELDS[refusal.reason.topic])
    return Refused(422, str(refusal), [problem], code="not_planned", zh=refusal.zh)


def _refuse_unpredictable(creatives: list[Creative], done: PredictedCreatives) -> None:
    """Raise Refused where some rate of a creative is no number."""
    wrong = np.flatnonzero(~done.predictable)
    if len(wrong):
        refusal = refused("not_planned")
        refusal.problems = [
            RequestProblem(
                "its forecast is no number", "leave it out, or correct what is given of it", None,
                creatives[row].creative_id,
            )
            for row in wrong.tolist()
        ]  # fmt: skip
        raise refusal
