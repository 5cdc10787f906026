"""Refits of the funnel model at rising moments: the features of each snapshot come from a fit on data known before it.

A fit on data from after a snapshot would look better in training than it can be in use.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pandas as pd
from threadpoolctl import threadpool_limits

from features.arrays import Mask
from features.funnel_model.fit import fit_funnel_model
from features.funnel_model.model import FunnelModel
from features.funnel_model.terms import fit_terms
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.windowed_sums import seconds
from training.data.dataset import Dataset, totals_known
from training.labels.splits import after_first_fit, folds

Training = tuple[Mask, pd.Timestamp]
"""Training rows of a model, and the moment it is trained at."""


def plan_refits(dataset: Dataset, trainings: Sequence[Training]) -> tuple[list[Training], list[pd.Timestamp]]:
    """Plan the moments of the refits: every few days, and at the start of each fold, holdout and training.

    Args:
        dataset: All rows.
        trainings: Training rows and moment of each model to be trained.

    Returns:
        The trainings without rows from before the first fit, and the moments, rising. Where the data are too short for
        that: the trainings unchanged, and no moments.
    """
    every, rows = dataset.settings.refits, dataset.rows
    last = max(until for _, until in trainings)
    first = rows["cutoff"].min() + pd.Timedelta(days=every.first_days)
    masks = after_first_fit(rows, [mask for mask, _ in trainings], every.first_days)
    kept = [(mask, until) for mask, (_, until) in zip(masks, trainings)]
    if any(rows.loc[mask, "cutoff"].min() < first for mask in masks):
        return kept, []
    step = pd.Timedelta(days=max(every.every_days, (last - first) / pd.Timedelta(days=1) / every.max_refits))
    found = set(pd.date_range(first, last, freq=step))
    for mask, until in kept:
        found |= {start for _, _, start in folds(rows, mask, dataset.settings.split.folds)} | {until}
    return kept, sorted(found)


def with_refits(
    dataset: Dataset,
    moments: Sequence[pd.Timestamp],
    on_progress: Callable[[int, int], None] = lambda done, count: None,
) -> Dataset:
    """Fit the funnel model at these moments, each fit started from the parameters of the one before.

    Args:
        dataset: All rows.
        moments: Rising.
        on_progress: Called before each fit with the number of fits done and of all fits.

    Returns:
        The dataset with these fits.
    """
    fits: list[FunnelModel] = []
    known = dataset.source.totals(moments, dataset.funnel, dataset.settings)
    for place, (moment, totals) in enumerate(zip(moments, known)):
        on_progress(place, len(moments))
        fits.append(fit_at(dataset, moment, fits[-1] if fits else None, totals))
    return replace(dataset, funnel_models=tuple(fits))


def fit_at(
    dataset: Dataset, moment: pd.Timestamp, before: FunnelModel | None, totals: pd.DataFrame | None = None
) -> FunnelModel:
    """Fit the funnel model on what had been reported at a moment (`totals`, where the caller has them)."""
    totals = totals_known(dataset, moment) if totals is None else totals
    creatives, settings = dataset.source.creatives, dataset.settings
    launches = dataset.source.launches()
    known = launches["launched_at"].lt(moment).to_numpy()
    described = creatives.drop(columns="launched_at", errors="ignore").assign(launch_hour=launches["launch_hour"])
    frame = ArrayFrame.of(described[known])
    launched = seconds(launches.loc[known, "launched_at"])
    totals = totals[known].reset_index(drop=True)
    with threadpool_limits(1):
        terms = fit_terms(frame, launched, settings.tags.multi)
        return fit_funnel_model(totals, frame, launched, dataset.funnel, terms, settings.tags.crosses, moment, before)
