"""What is told of each creative of a plan, in figures: its candidates, and those that run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from training.decision.plan.make_plan import LAUNCH, Plan

Standing = Literal["launch", "same_idea", "no_gain", "other"]
"""Launched; else why not: the same idea is launched, no gain is expected, or others gain more for the money."""


@dataclass(frozen=True, kw_only=True)
class CandidateRow:
    """A candidate; figures of `training.decision.plan.make_plan.Plan.candidates`, money in CNY.

    Attributes:
        standing: Whether it is launched, and why not.
        alike: Candidates of the same idea, this one included.
    """

    standing: Standing
    alike: int
    verdict: str
    target: float
    roi: float
    hit_chance: float | None
    minimum: float
    test: float
    gain: float
    gain_low: float
    gain_high: float
    days: float
    days_low: float
    days_high: float


@dataclass(frozen=True, kw_only=True)
class RunningRow:
    """A running creative; figures of `training.decision.plan.make_plan.Plan.running`, money in CNY.

    Attributes:
        chance: That its ROI target is reached, by the model.
        order_value: Predicted mean value of an order.
    """

    verdict: str
    chance: float | None
    target: float
    roi: float
    order_value: float
    spent: float
    money: float
    yesterday: float
    today: float
    change: float | None
    propensity: float
    call: str
    evidence_below: float
    evidence_above: float


@dataclass(frozen=True)
class NotLaunched:
    """Candidates that are not launched, by why; `first`: of all these, those whose decision is to go first."""

    same_idea: int
    no_gain: int
    other: int
    first: int


RowT = TypeVar("RowT", CandidateRow, RunningRow)


def candidate_rows(plan: Plan) -> list[CandidateRow]:
    """Every candidate, in the order of the plan."""
    candidates = plan.candidates
    launched = (candidates["part"] == LAUNCH).to_numpy()
    taken = candidates["family"].isin(candidates.loc[launched, "family"]).to_numpy()
    lost = (candidates["gain"] <= 0).to_numpy()
    standing = np.select([launched, taken, lost], ["launch", "same_idea", "no_gain"], "other")
    alike = candidates["family"].map(candidates["family"].value_counts())
    return _rows(candidates.assign(standing=standing, alike=alike.astype(np.int64)), CandidateRow)


def running_rows(plan: Plan) -> list[RunningRow]:
    """Every running creative, in the order of the plan."""
    return _rows(plan.running, RunningRow)


def not_launched(rows: Sequence[CandidateRow]) -> NotLaunched:
    """How many candidates are not launched, and why."""
    counts = Counter(row.standing for row in rows)
    first = sum(row.standing != LAUNCH and row.verdict == "first" for row in rows)
    return NotLaunched(counts["same_idea"], counts["no_gain"], counts["other"], first)


def _rows(frame: pd.DataFrame, kind: type[RowT]) -> list[RowT]:
    told = frame[[one.name for one in fields(kind)]].astype(object)
    records = told.where(told.notna(), None).to_dict("records")
    return [kind(**{str(name): value for name, value in record.items()}) for record in records]
