"""The report's numbers as plain data: no sentence, no markup. One field per section, in reading order."""

from datetime import timedelta

import numpy as np
from scipy.stats import norm

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.cards.card import Card, creative_cards
from serving.report.cards.life import daily_column
from serving.report.cards.steps import StepBenchmark
from serving.report.context import CreativeFilter, ReportContext, build_context
from serving.report.creative_rows import CreativeRow, creative_rows
from serving.report.daily import Daily, daily
from serving.report.diversity import Diversity, diversity
from serving.report.earlier import EarlierStakes, earlier_stakes
from serving.report.effects import ReportPart, baseline
from serving.report.first_screen import Trust, trust
from serving.report.ideas import IdeaGroup, ideas
from serving.report.kocs import KocTable, koc_table
from serving.report.levers.details import LeverDetails, lever_details
from serving.report.levers.parts import Levers
from serving.report.levers.section import levers
from serving.report.model_quality import ModelQuality, model_quality, own_evaluation
from serving.report.plan import AS_LATELY, PlanAsked, PlanPart, plan_part
from serving.report.track_record import track_record_part
from serving.report.track_record_parts import TrackRecordPart
from serving.report.what_to_shoot import Brief, what_to_shoot
from training.evaluation.files import Evaluation
from training.evaluation.page.render import judgements_of
from training.progress import NO_PROGRESS, ProgressCallbacks
from training.track_record.record import TrackRecord


class StageLabel(ReportPart):
    """A stage of the model's funnel: name, labels and unit of its `features.stages.Stage`."""

    name: str
    zh: str
    en: str
    unit: str


class ReportData(ReportPart):
    """Everything that a report shows.

    Attributes:
        account, product, since: The filter; empty: all.
        window: First launch and last day of the data among the chosen creatives, ISO dates.
        roi, gpm: Targets that the report is about; empty where the columns do not allow them.
        missing: Stage or target → columns that would allow it.
        stages: Stages of the funnel.
        baseline: Target → prediction for the mean chosen creative before launch.
        baseline_cpm: Its cost of 1 000 impressions, CNY; None where cost is not modelled.
        creatives: Every chosen creative; its place is the index by which sections refer to it.
        daily: First screen: their sums by day.
        earlier: First screen: days back → what decisions were worth then.
        trust: First screen: what the model can be used for; empty where it is not evaluated.
        briefs: First screen: what to shoot next, the best first.
        model_quality: How reliable the numbers are.
        levers: Effects of tags, KOC, price and duration, by slice.
        lever_details: What is shown of opened levers.
        cards: One card for each of `creatives`.
        benchmarks: What the steps of cards are compared with.
        daily_column: Column of metrics that the days of `Life` are of.
        plan: What to launch, and today's money.
        all_creatives: Number of chosen creatives.
        kocs: KOC, product and price.
        diversity, ideas: Diversity of the creatives, and those that are the same idea.
        track_record: What was told of these creatives in the past, and what came.
    """

    account: str
    product: str
    since: str
    window: tuple[str, str]
    roi: str
    gpm: str
    missing: dict[str, str]
    stages: list[StageLabel]
    baseline: dict[str, float]
    baseline_cpm: float | None
    creatives: list[CreativeRow]
    daily: Daily
    earlier: dict[int, EarlierStakes]
    trust: list[Trust]
    briefs: list[Brief]
    model_quality: ModelQuality
    levers: Levers
    lever_details: LeverDetails
    cards: list[Card]
    benchmarks: list[StepBenchmark]
    daily_column: str
    plan: PlanPart
    all_creatives: int
    kocs: KocTable
    diversity: Diversity
    ideas: list[IdeaGroup]
    track_record: TrackRecordPart


def report_data(
    loaded_model: LoadedModel,
    loaded: Loaded,
    creative_filter: CreativeFilter,
    evaluation: Evaluation | None = None,
    progress: ProgressCallbacks = NO_PROGRESS,
) -> ReportData:
    """Compute the report on the chosen creatives.

    Args:
        loaded_model: The model.
        loaded: All data; creatives that are not chosen count as history and as past creatives.
        creative_filter: Which creatives are chosen.
        evaluation: Evaluation of the model, where there is one.
        progress: Told when a phase begins.

    Raises:
        InputError: No creative is chosen.
    """
    return sections(build_context(loaded_model, loaded, creative_filter, progress), evaluation, progress)


def sections(
    context: ReportContext,
    evaluation: Evaluation | None,
    progress: ProgressCallbacks = NO_PROGRESS,
    record: TrackRecord | None = None,
    asked: PlanAsked = AS_LATELY,
) -> ReportData:
    """Compute every section from the context, the evaluation of its model, past answers, and what is to be planned."""
    own = own_evaluation(context, evaluation)
    judged = judgements_of(own) if own else []
    progress.phase("levers")
    base = baseline(context)
    z = float(norm.ppf(0.5 + context.settings.interval.level / 2))
    found = levers(context)
    details = lever_details(context, found)
    progress.phase("cards")
    cards, benchmarks = creative_cards(context)
    days = daily(context)
    progress.phase("shoot")
    launched_at = context.observed["launched_at"][context.launched]
    since = context.creative_filter.since
    last_day = context.now - timedelta(microseconds=1)  # a whole day of rows ends at midnight
    return ReportData(
        account=context.creative_filter.account,
        product=context.creative_filter.product,
        since="" if since is None else f"{since:%Y-%m-%d}",
        window=(f"{launched_at.min():%Y-%m-%d}" if len(launched_at) else "", f"{last_day:%Y-%m-%d}"),
        roi=context.roi,
        gpm=context.gpm,
        missing=dict(context.funnel.missing),
        stages=[StageLabel(name=s.name, zh=s.label.zh, en=s.label.en, unit=s.unit) for s in context.funnel.stages],
        baseline=dict(base.targets),
        baseline_cpm=base.cpm if np.isfinite(base.cpm) else None,
        creatives=creative_rows(context),
        daily=days,
        earlier=earlier_stakes(context),
        trust=trust(context.roi or context.gpm, judged, own.facts.level if own else 0.0),
        briefs=what_to_shoot(context, found, z),
        model_quality=model_quality(context, own, judged),
        levers=found,
        lever_details=details,
        cards=cards,
        benchmarks=benchmarks,
        daily_column=daily_column(context),
        plan=plan_part(context, days, asked),
        all_creatives=len(context.observed),
        kocs=koc_table(context),
        diversity=diversity(context, found),
        ideas=ideas(context),
        track_record=track_record_part(context, record),
    )
