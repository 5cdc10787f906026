"""Plan a budget for the creatives of a request: launches, tests, today's money, calls."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.schema import KEY
from serving.api.errors import Refused, RequestProblem, refused
from serving.api.requests import Creative, PlanRequest
from serving.inference.loaded_model import LoadedModel
from serving.inference.plan_content import content
from serving.inference.predict import CREATIVES_PER_CHUNK, PredictedCreatives, advice_of, predict_creatives
from training.decision.plan.figures import families, figures, refuse_model
from training.decision.plan.make_plan import make_plan
from training.decision.plan.refusals import REQUEST, PlanRefused, Topic

FIELDS: dict[Topic, str | None] = {"budget": "budget_cny", "launch": "launch", "candidates": "creatives", "model": None}
"""What a refusal is about → field of the request."""


@dataclass(frozen=True)
class PlannedCreatives:
    """A plan as it is sent, and what is recorded of it.

    Attributes:
        content: A `serving.api.plan_answer.PlanAnswer` as plain values, without who asked and which model answered.
        stored: By creative of the plan: figures that are sent of it.
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
            advice = advice_of(loaded, part, done)
            tables.append(figures(done.observed, done.predicted, advice, loaded.model, settings))
            parts.append(done)
        attributes = pd.concat([_attributes(done) for done in parts], ignore_index=True)
        everyone = pd.concat(tables, ignore_index=True)
        everyone = everyone.assign(family=families(attributes), row=np.arange(len(attributes)))
        silent = np.concatenate([done.unreported for done in parts])
        check_deadline()
        plan = make_plan(
            everyone[~silent],
            request.budget_cny,
            request.launch,
            settings.plan,
            days=settings.outcome_days,
            roi=funnel.main_roi,
        )
    except PlanRefused as refusal:
        raise _not_planned(refusal.on(REQUEST)) from None
    rows = [*plan.candidates["row"].astype(int), *plan.running["row"].astype(int)]
    sent = content(plan, settings.plan, everyone.drop(index=rows))
    stored = [line for name in ("candidates", "running") for line in _figures_alone(sent[name])]
    return PlannedCreatives(
        sent,
        stored,
        np.concatenate([done.features.values.matrix for done in parts])[rows],
        np.concatenate([done.observed["age_hours"] for done in parts])[rows],
        np.concatenate([done.observed["cutoff"] for done in parts])[rows],
    )


def _figures_alone(lines: object) -> list[dict[str, object]]:
    """Lines of an answer without sentences, which follow from the figures."""
    assert isinstance(lines, list)
    return [{name: value for name, value in line.items() if not isinstance(value, dict)} for line in lines]


def _attributes(done: PredictedCreatives) -> pd.DataFrame:
    """What ideas are told apart by."""
    observed = done.observed
    wanted = [*KEY, "product_id", "copy_text", "launched_at", "created_at"]
    tags = [name for name in observed if name.startswith("tag_")]
    return observed.select([name for name in [*wanted, *tags] if name in observed]).frame()


def _not_planned(refusal: PlanRefused) -> Refused:
    """The refusal as it is sent: its field, what is wrong, and the cure."""
    problem = RequestProblem(refusal.why.en, refusal.cure.en, refusal.zh, FIELDS[refusal.reason.topic])
    return Refused(422, str(refusal), [problem], code="not_planned", zh=refusal.zh)


def _refuse_unpredictable(creatives: list[Creative], done: PredictedCreatives) -> None:
    """Raise Refused where some rate of a creative is no number."""
    wrong = np.flatnonzero(~done.predictable)
    if len(wrong):
        refusal = refused("not_planned")
        refusal.problems = [
            RequestProblem(
                "its forecast is no number", "leave it out, or correct what is given of it",
                "算不出它的预测。处理：去掉它，或改正它的数据。", None, creatives[row].creative_id,
            )
            for row in wrong.tolist()
        ]  # fmt: skip
        raise refusal
