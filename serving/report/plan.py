"""The plan of a report: launches, tests and today's money (`training.decision.plan`), by index of the report."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import Field

from configs.settings import PlanSettings
from features.bilingual import Words
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY
from serving.report.context import ReportContext
from serving.report.daily import SPEND, Daily
from serving.report.effects import ReportPart
from training.decision.plan.evidence import WATCH
from training.decision.plan.figures import families, figures, refuse_model
from training.decision.plan.make_plan import LAUNCH, Plan, Summary, make_plan
from training.decision.plan.refusals import REPORT, PlanRefused, checked_budget
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


class PlannedLaunch(ReportPart):
    """A creative to launch; figures of `training.decision.plan.make_plan.Plan.candidates`.

    Attributes:
        index: Of the report.
        alike: Candidates of the same idea, this one included.
    """

    index: int
    alike: int
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


class MoneyToday(ReportPart):
    """A running creative; figures of `training.decision.plan.make_plan.Plan.running`. `index`: of the report."""

    index: int
    target: float
    roi: float
    spent: float
    money: float
    yesterday: float
    today: float
    change: float | None
    propensity: float
    call: str
    evidence_below: float
    evidence_above: float


class PlanPart(ReportPart):
    """The section.

    Attributes:
        budget_given: Whether the reader gave the budget.
        launch: How many launches the reader asked for; None: as many as gain.
        part_of_data: Whether the report is about some creatives of the data, so that `make plan` plans others too.
        daily_spend: Mean spend of the last SPEND_DAYS reported days, CNY; None without the column.
        outcome_days: Length of the outcome window.
        waiting, running: Number of creatives.
        evidence_needed: Evidence (e-value) that a call takes, 1/α.
        change, cap_share, floor_cny, test_share, order_value_ratio: Of the settings.
        refused: Why there is no plan; None where there is one, or where there is no money or creative to plan.
        launches_refused: Why waiting creatives are left out of the plan.
        summary: None without a plan.
        launches: The most gain first.
        same_idea, no_gain, other: Candidates that are not launched: the same idea as a launch, without expected gain,
            and the rest; `first_left`: of all these, candidates whose decision is to go first.
        split: Running creatives, those that are called below or above target first, then by change of money.
    """

    budget_given: bool
    launch: int | None
    part_of_data: bool
    daily_spend: float | None
    outcome_days: int
    waiting: int
    running: int
    evidence_needed: float
    change: float
    cap_share: float
    floor_cny: float
    test_share: float
    order_value_ratio: float
    refused: Words | None = None
    launches_refused: Words | None = None
    summary: Summary | None = None
    launches: list[PlannedLaunch] = Field(default_factory=list)
    same_idea: int = 0
    no_gain: int = 0
    other: int = 0
    first_left: int = 0
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
        evidence_needed=1.0 / settings.false_stop,
        change=settings.change,
        cap_share=settings.cap_share,
        floor_cny=settings.floor_cny,
        test_share=settings.test_share,
        order_value_ratio=settings.order_value_ratio,
    )
    budget = asked.budget if asked.budget is not None else float(round((daily_spend or 0.0) * outcome_days))
    try:
        refuse_model(context.loaded_model.model)
        if not budget or not nothing.waiting + nothing.running:
            return nothing
        checked_budget(budget, outcome_days)
        table = _figures(context)
    except PlanRefused as refusal:
        return nothing.model_copy(update={"refused": _said(refusal)})
    left_out = None
    launch = asked.launch if nothing.waiting else None  # that nobody waits is said anyway
    try:
        plan = make_plan(table, budget, launch, settings, days=outcome_days, roi=context.roi)
    except PlanRefused as refusal:
        # What is wrong is the launches: nothing else of a plan can be refused here.
        left_out = _said(refusal)
        if not nothing.running:
            return nothing.model_copy(update={"refused": left_out})
        alone = table[table["status"] == RUNNING]
        plan = make_plan(alone, budget, None, settings, days=outcome_days, roi=context.roi)
    return nothing.model_copy(update={"launches_refused": left_out, **_found(context, plan)})


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
    candidates, running = plan.candidates, plan.running
    launched = (candidates["part"] == LAUNCH).to_numpy()
    taken = candidates["family"].isin(candidates.loc[launched, "family"]).to_numpy() & ~launched
    no_gain = ~launched & ~taken & (candidates["gain"] <= 0).to_numpy()
    alike = candidates["family"].map(candidates["family"].value_counts()).to_numpy()
    order = np.lexsort((-(running["today"] - running["yesterday"]).abs().to_numpy(), running["call"] == WATCH))

    def rows(frame: pd.DataFrame, fields: list[str]) -> list[dict[str, object]]:
        places = [index[tuple(map(str, key))] for key in frame[KEY].itertuples(index=False, name=None)]
        told = frame[fields].astype(object).where(frame[fields].notna(), None).to_dict("records")
        return [
            {str(name): value for name, value in row.items()} | {"index": place} for row, place in zip(told, places)
        ]

    launch_fields = [name for name in PlannedLaunch.model_fields if name not in ("index", "alike")]
    running_fields = [name for name in MoneyToday.model_fields if name != "index"]
    launches = zip(rows(candidates[launched], launch_fields), alike[launched].tolist())
    return {
        "summary": plan.summary,
        "launches": [PlannedLaunch.model_validate({**row, "alike": int(count)}) for row, count in launches],
        "same_idea": int(taken.sum()),
        "no_gain": int(no_gain.sum()),
        "other": int((~launched & ~taken & ~no_gain).sum()),
        "first_left": int((~launched & (candidates["verdict"] == "first").to_numpy()).sum()),
        "split": [MoneyToday.model_validate(row) for row in rows(running.iloc[order], running_fields)],
    }


def _said(refusal: PlanRefused) -> Words:
    """What a refusal says in the names of `make report`, in both languages."""
    said = refusal.on(REPORT)
    return Words(said.zh, str(said))
