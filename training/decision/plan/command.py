"""A plan from data, a model and a budget: the road of `make plan`."""

from pathlib import Path

from configs.settings import Settings
from features.schema import KEY
from training.boosting.model import CreativeModel
from training.data.metrics_source import MetricsSource
from training.decision.plan.candidates_file import with_candidates
from training.decision.plan.figures import plan_figures
from training.decision.plan.make_plan import Plan, make_plan
from training.decision.plan.refusals import ALL_LAUNCHED, refused
from training.decision.status import RUNNING, WAITING


def planned(
    source: MetricsSource,
    model: CreativeModel,
    settings: Settings,
    budget: float | None,
    launch: int | None,
    candidates: Path | None = None,
) -> Plan:
    """Plan a budget for the creatives of some data.

    Args:
        source: Metrics and creatives.
        model: The model.
        settings: Of the model's run, with those of the plan.
        budget: CNY for one outcome window.
        launch: How many candidates; None: as many as add expected gain.
        candidates: A file in the layout of a tag sheet: these are the candidates; None: all that wait.

    Raises:
        InputError: Data, model or budget do not allow a plan; the message has the cure.
    """
    if candidates is not None:
        source, keys = with_candidates(source, candidates, settings)
    figures = plan_figures(source, model, settings)
    if candidates is not None:
        asked = figures[KEY].merge(keys, on=KEY, how="left", indicator=True)["_merge"].eq("both").to_numpy()
        asked = asked & (figures["status"] == WAITING).to_numpy()
        if not asked.any():
            raise refused(ALL_LAUNCHED, file=candidates.name, count=len(keys))
        figures = figures[(figures["status"] == RUNNING) | asked]
    roi = model.fitted.funnel.main_roi
    return make_plan(figures, budget, launch, settings.plan, days=settings.outcome_days, roi=roi)
