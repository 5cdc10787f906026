"""The plan of a report: launches, tests and today's money (`training.decision.plan`), by index of the report."""

from dataclasses import asdict, dataclass

import pandas as pd
from pydantic import Field

from configs.decision_settings import PlanSettings
from features.bilingual import Words
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.daily import SPEND, Daily
from serving.report.effects import ReportPart
from training.decision.plan import overview_words
from training.decision.plan.evidence import WATCH
from training.decision.plan.figures import families, figures, refuse_model
from training.decision.plan.make_plan import LAUNCH, Plan, Summary, make_plan
from training.decision.plan.refusals import REPORT, PlanRefused
from training.decision.plan.rows import (
    CandidateRow,
    NotLaunched,
    RunningRow,
    candidate_rows,
    not_launched,
    running_rows,
)
from training.decision.status import RUNNING, WAITING

SPEND_DAYS = 7
"""Reported days whose mean spend is planned where no budget is given."""


@dataclass(frozen=True)
class PlanAsked:
    """What the plan of a report is asked for.

    Attributes:
        budget: CNY for the days of one outcome window; None: as much as was spent lately.
        launch: How many candidates; None: as many as add expected gain.
        settings: Of the plan; None: those of the model's run.
    """

    budget: float | None = None
    launch: int | None = None
    settings: PlanSettings | None = None


AS_LATELY = PlanAsked()
"""As much as was spent lately, on as many launches as gain."""


@dataclass(frozen=True, kw_only=True)
class PlannedLaunch(CandidateRow):
    """A creative to launch. `index`: of the report."""

    index: int


@dataclass(frozen=True, kw_only=True)
class MoneyToday(RunningRow):
    """A running creative. `index`: of the report."""

    index: int


class PlanPart(ReportPart):
    """The section.

    Attributes:
        budget_given: Whether the reader gave the budget.
        launch: How many launches the reader asked for; None: as many as gain.
        part_of_data: Whether the report is about some creatives of the data, so that `make plan` plans others too.
        daily_spend: Mean spend of the last SPEND_DAYS reported days, CNY; None without the column.
        outcome_days: Length of the outcome window.
        waiting, running: Number of creatives.
        settings: Of the plan.
        refused: Why there is no plan; None where there is one, or where there is no money or creative to plan.
        launches_refused: Why waiting creatives are left out of the plan, and what becomes of the money.
        summary: None without a plan.
        launches: The most gain first.
        not_launched: The other candidates, by why.
        split: Running creatives, those that are called below or above target first, then by change of money.
    """

    budget_given: bool
    launch: int | None
    part_of_data: bool
    daily_spend: float | None
    outcome_days: int
    waiting: int
    running: int
    settings: PlanSettings
    refused: Words | None = None
    launches_refused: Words | None = None
    summary: Summary | None = None
    launches: list[PlannedLaunch] = Field(default_factory=list)
    not_launched: NotLaunched = NotLaunched(0, 0, 0, 0)
    split: list[MoneyToday] = Field(default_factory=list)


def plan_part(context: ReportContext, days: Daily, asked: PlanAsked) -> PlanPart:
    """Plan for the chosen creatives with the functions of `make plan`, or say why there is none.

    Args:
        context: Of the report.
        days: Sums by day of the same creatives.
        asked: Budget and settings.
    """
    settings = asked.settings or context.settings.plan
    spend = sum(sum(row[-SPEND_DAYS:]) for row in days.series[SPEND]) if SPEND in days.series else None
    daily_spend = None if spend is None else spend / SPEND_DAYS
    outcome_days = context.settings.outcome_days
    nothing = PlanPart(
        budget_given=asked.budget is not None,
        launch=asked.launch,
        part_of_data=len(context.observed) < len(context.all_creatives),
        daily_spend=daily_spend,
        outcome_days=outcome_days,
        waiting=context.status.count(WAITING),
        running=context.status.count(RUNNING),
        settings=settings,
    )
    budget = asked.budget if asked.budget is not None else float(round((daily_spend or 0.0) * outcome_days))
    try:
        refuse_model(context.loaded_model.model)
        if not budget or not nothing.waiting + nothing.running:
            return nothing
        launch = asked.launch if nothing.waiting else None  # that nobody waits is said anyway
        plan = make_plan(_figures(context), budget, launch, settings, days=outcome_days, roi=context.roi)
    except PlanRefused as refusal:
        said = refusal.on(REPORT)
        return nothing.model_copy(update={"refused": Words(said.zh, str(said))})
    return nothing.model_copy(update=_found(context, plan))


def _figures(context: ReportContext) -> pd.DataFrame:
    """As `training.decision.plan.figures.figures_of`, of the chosen creatives."""
    model, creatives = context.loaded_model.model, context.loaded.creatives
    observed = ArrayFrame.of(context.observed)
    table = figures(observed, context.predicted, context.advice, model, context.settings)
    return table.merge(creatives[KEY].assign(family=families(creatives)), on=KEY, how="left")


def _found(context: ReportContext, plan: Plan) -> dict[str, object]:
    """What a plan adds to the section."""
    keys = context.observed[KEY].iloc[context.order].itertuples(index=False, name=None)
    index = {tuple(map(str, key)): place for place, key in enumerate(keys)}

    def places(frame: pd.DataFrame) -> list[int]:
        return [index[tuple(map(str, key))] for key in frame[KEY].itertuples(index=False, name=None)]

    candidates, running = candidate_rows(plan), list(zip(running_rows(plan), places(plan.running)))
    running.sort(key=lambda one: (one[0].call == WATCH, -abs(one[0].today - one[0].yesterday)))
    launches = [one for one in zip(candidates, places(plan.candidates)) if one[0].standing == LAUNCH]
    why = plan.launches_refused
    return {
        "launches_refused": overview_words.launches_refused(why.on(REPORT)) if why else None,
        "summary": plan.summary,
        "launches": [PlannedLaunch(**asdict(row), index=place) for row, place in launches],
        "not_launched": not_launched(candidates),
        "split": [MoneyToday(**asdict(row), index=place) for row, place in running],
    }
