"""The numbers of the strategist's report: pure data, no sentence and no markup.

What a creative's tags contribute is what the service answers (`serving.inference.explain`), summed by family; raw
rates,
residuals and outcomes stand beside it and are named as such.
"""

import numpy as np
from scipy.stats import norm

from features.schema import Loaded
from serving.inference.loaded_model import LoadedModel
from serving.report.cards import Card, cards
from serving.report.context import Chosen, Seen, see
from serving.report.diversity import Richness, richness
from serving.report.drivers import (
    Dependence,
    Disagreement,
    HeatRow,
    Swarm,
    dependences,
    disagreements,
    heat,
    heat_columns,
    swarms,
)
from serving.report.effects import Figure, baseline, bootstrap
from serving.report.five_questions import Question, questions
from serving.report.koc import KocTable, koc_table
from serving.report.trust import Belief, belief
from serving.report.what_to_shoot import Shot, shots
from training.evaluation.files import Evaluation


class StageName(Figure):
    """What a stage or target is called, and in what it is told."""

    name: str
    zh: str
    en: str
    unit: str


class ReportData(Figure):
    """Everything a report tells, in the order it is read.

    Attributes:
        account, product, since: What was asked; empty: all.
        window: First launch and last period end among the chosen creatives, ISO dates.
        roi, gpm: Targets that the report is about; empty where the columns do not allow them.
        missing: Stage or target → columns that would allow it.
        stages: Of the funnel.
        baseline: Target → what the mean chosen creative is expected to do before launch.
        baseline_cpm: Cost of 1 000 impressions; None where it is not modelled.
        belief: 1, is this to be believed.
        questions: 2, the five questions.
        heat, heat_columns, swarms, dependences, disagreements: 3, funnel SHAP.
        cards, all_creatives: 4, the creatives (those with a card), and how many there are.
        kocs: 5, KOC and product.
        richness, shots: 6, richness and what to shoot next.
    """

    account: str
    product: str
    since: str
    window: tuple[str, str]
    roi: str
    gpm: str
    missing: dict[str, str]
    stages: list[StageName]
    baseline: dict[str, float]
    baseline_cpm: float | None
    belief: Belief
    questions: list[Question]
    heat: list[HeatRow]
    heat_columns: list[str]
    swarms: list[Swarm]
    dependences: list[Dependence]
    disagreements: list[Disagreement]
    cards: list[Card]
    all_creatives: int
    kocs: KocTable
    richness: Richness
    shots: list[Shot]


def report_data(
    served: LoadedModel, loaded: Loaded, chosen: Chosen, evaluation: Evaluation | None = None
) -> ReportData:
    """The report on the chosen creatives.

    Args:
        served: The model.
        loaded: All data; others than the chosen count as history and as past creatives.
        chosen: What it is about.
        evaluation: Of the model, where there is one.

    Raises:
        InputError: No creative is chosen.
    """
    return told(see(served, loaded, chosen), evaluation)


def told(seen: Seen, evaluation: Evaluation | None) -> ReportData:
    """The report on what was seen."""
    base, draws = baseline(seen), bootstrap(len(seen.observed))
    z = float(norm.ppf(0.5 + seen.settings.interval.level / 2))
    columns, heated = heat_columns(seen), heat(seen, base, draws)
    rich = richness(seen)
    target = next(reversed(columns))
    merit: dict[str, dict[str, tuple[float, float]]] = {}
    for row in heated:
        cell = row.cells[target]
        sd = np.log(cell.high / cell.low) / (2.0 * z)
        merit.setdefault(row.tag, {})[row.value] = float(np.log(cell.factor)), float(sd)
    began = seen.observed["launched_at"][seen.launched]
    return ReportData(
        account=seen.chosen.account,
        product=seen.chosen.product,
        since="" if seen.chosen.since is None else f"{seen.chosen.since:%Y-%m-%d}",
        window=(f"{began.min():%Y-%m-%d}" if len(began) else "", f"{seen.now:%Y-%m-%d}"),
        roi=seen.roi,
        gpm=seen.gpm,
        missing=dict(seen.funnel.missing),
        stages=[StageName(name=s.name, zh=s.zh, en=s.en, unit=s.unit) for s in seen.funnel.stages],
        baseline=dict(base.targets),
        baseline_cpm=base.cpm if np.isfinite(base.cpm) else None,
        belief=belief(seen, evaluation),
        questions=questions(seen, base, draws, z),
        heat=heated,
        heat_columns=list(columns),
        swarms=swarms(seen),
        dependences=dependences(seen),
        disagreements=disagreements(seen, base, heated),
        cards=cards(seen),
        all_creatives=len(seen.observed),
        kocs=koc_table(seen, base, columns, draws, z),
        richness=rich,
        shots=shots(seen, rich.account, merit, z),
    )
