"""The mixed model as it stood at one moment after the other: each snapshot is served by a fit on what was known before.

A fit that had seen what came after a snapshot would look better in training than it can be when it serves.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.model import FunnelModel
from features.funnel_model.terms import fit_terms
from features.point_in_time.windowed_sums import seconds
from training.data.dataset import Dataset, Mask, totals_known
from training.labels.splits import folds

Training = tuple[Mask, pd.Timestamp]
"""Training rows of a model, and the moment it is trained at."""


def plan_refits(dataset: Dataset, trainings: Sequence[Training]) -> tuple[list[Training], list[pd.Timestamp]]:
    """Which rows the mixed model can serve, and when it is fitted: now and then, and where something is judged from.

    Args:
        dataset: All rows.
        trainings: Of each model to come.

    Returns:
        The trainings without rows from before the first fit, and the moments, rising. Where data are too short for
        that, the trainings as they are, and none.
    """
    every, rows = dataset.settings.refits, dataset.rows
    last = max(until for _, until in trainings)
    first = rows["cutoff"].min() + pd.Timedelta(days=every.first_days)
    served = [(mask & rows["cutoff"].ge(first).to_numpy(np.bool_), until) for mask, until in trainings]
    if not all(mask.any() for mask, _ in served):
        return list(trainings), []
    step = pd.Timedelta(days=max(every.every_days, (last - first) / pd.Timedelta(days=1) / every.max_refits))
    found = set(pd.date_range(first, last, freq=step))
    for mask, until in served:
        found |= {start for _, _, start in folds(rows, mask, dataset.settings.split.folds)} | {until}
    return served, sorted(found)


def with_refits(
    dataset: Dataset,
    moments: Sequence[pd.Timestamp],
    tell: Callable[[int, int], None] = lambda done, count: None,
) -> Dataset:
    """The dataset with the mixed model fitted at these moments, each from where the last one ended.

    Args:
        dataset: All rows.
        moments: Rising.
        tell: Called before each fit with fits done and fits in all.
    """
    states: list[FunnelModel] = []
    known = dataset.source.totals(moments, dataset.funnel, dataset.settings)
    for place, (moment, totals) in enumerate(zip(moments, known)):
        tell(place, len(moments))
        states.append(fit_at(dataset, moment, states[-1] if states else None, totals))
    return replace(dataset, states=tuple(states))


def fit_at(
    dataset: Dataset, moment: pd.Timestamp, before: FunnelModel | None, totals: pd.DataFrame | None = None
) -> FunnelModel:
    """The mixed model of every stage, from what had been reported by a moment (`totals`, where the caller has them)."""
    totals = totals_known(dataset, moment) if totals is None else totals
    creatives, settings = dataset.source.creatives, dataset.settings
    born = dataset.source.born()
    known = born["launched_at"].lt(moment).to_numpy()
    described = creatives.drop(columns="launched_at", errors="ignore").assign(launch_hour=born["launch_hour"])
    frame = described[known].reset_index(drop=True)
    launched = seconds(born.loc[known, "launched_at"])
    totals = totals[known].reset_index(drop=True)
    with threadpool_limits(1):
        terms = fit_terms(frame, launched, settings.tags.multi)
        return fit_funnel_model(totals, frame, launched, dataset.funnel, terms, settings.tags.crosses, moment, before)
