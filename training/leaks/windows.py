"""Do early counts end where the outcome begins, and training outcomes before the holdout?"""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from features.schema import KEY
from training.data.dataset import Dataset
from training.errors import TooThinError
from training.labels.outcomes import settle_days
from training.labels.splits import Mask
from training.leaks.findings import NOTHING, Finding, listed

Split = Callable[[pd.DataFrame, int], tuple[Mask, Mask, pd.Timestamp]]
"""`training.labels.splits.holdout_split`, or what is to take its place."""

Folds = Callable[[pd.DataFrame, Mask, int], Iterable[tuple[Mask, Mask, pd.Timestamp]]]

SAMPLED = 300
CENT = 1e-3


def apart(dataset: Dataset, draw: np.random.Generator) -> Finding:
    """Check 3: early counts and outcomes of a sample, added up again from their rows by another way."""
    name = "early counts and outcome apart"
    observed, outcome, volume = dataset.observed, dataset.outcome, dataset.funnel.volume_of
    places = np.sort(draw.choice(len(observed), min(SAMPLED, len(observed)), replace=False))
    held = observed.iloc[places][[*KEY, "cutoff", "launched_at", "age_hours"]].assign(place=places)
    beyond = held["cutoff"] > held["launched_at"] + pd.to_timedelta(held["age_hours"], unit="h")
    joined = held.merge(dataset.loaded.metrics[[*KEY, "period_start", "period_end", volume]], on=KEY)
    closes = joined["cutoff"] + pd.Timedelta(days=dataset.settings.outcome_days)
    before = joined["period_end"] <= joined["cutoff"]
    after = (joined["period_start"] >= joined["cutoff"]) & (joined["period_end"] <= closes)
    wrong = []
    for rows, kept, what in (
        (before, observed[f"early:{volume}"], "early counts"),
        (after, outcome[f"later:{volume}"], "outcomes"),
    ):
        groups = joined[rows].groupby("place")[volume]
        total = groups.sum().where(groups.count() == groups.size()).reindex(places)
        total = total.where(pd.Index(places).isin(joined.loc[rows, "place"]), 0.0)
        differs = ~np.isclose(total.to_numpy(), kept.iloc[places].to_numpy(), rtol=0, atol=CENT, equal_nan=True)
        if differs.any():
            wrong.append(f"{what} of {int(differs.sum())} snapshots are not the sums of their rows")
    if beyond.any():
        wrong.append(f"{int(beyond.sum())} cutoffs lie beyond launch + age")
    if wrong:
        cure = "Cut early counts and outcomes at the same moment: the snapshot's own cutoff."
        return Finding(name, "FAIL", f"of {len(places)} snapshots: {'; '.join(wrong)}", cure)
    return Finding(name, "PASS", f"{len(places)} snapshots added up again: no row is on both sides", NOTHING)


def split_apart(dataset: Dataset, split: Split, folds: Folds) -> Finding:
    """Check 5: what taught had closed, and stood, before the first cutoff that judges; of the holdout and each fold."""
    name = "training and holdout apart"
    settings, rows = dataset.settings, dataset.rows
    try:
        train, holdout, starts = split(rows, settings.split.holdout_days)
    except TooThinError as error:
        return Finding(name, "SKIPPED", str(error), "Add earlier exports, or set split.holdout_days lower.")
    wait = pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    parts = [("holdout", train, holdout, starts)]
    parts += [(f"fold {place}", *fold) for place, fold in enumerate(folds(rows, train, settings.split.folds), start=1)]
    wrong = []
    for part, fit, judged, start in parts:
        first = min(rows.loc[judged, "cutoff"].min(), start)
        stands = np.maximum(rows["closed_at"], rows["cutoff"] + wait)
        late = int((fit & (stands > first).to_numpy()).sum())
        if late:
            wrong.append(f"{part}: {late:,} of {int(fit.sum()):,} training rows were not known by {first}")
        both = int((fit & judged).sum())
        if both:
            wrong.append(f"{part}: {both:,} rows teach and judge")
    if wrong:
        days = wait / pd.Timedelta(days=1)
        cure = f"Leave a gap of {days:g} days (outcome window and settling) between what teaches and what judges."
        return Finding(name, "FAIL", listed(wrong), cure)
    keys = pd.MultiIndex.from_frame(dataset.observed[KEY])
    seen = len(keys[holdout].unique().intersection(keys[train].unique()))
    return Finding(
        name,
        "PASS",
        f"{int(train.sum()):,} training rows stood before {starts:%Y-%m-%d}, as did those of {len(parts) - 1} folds; "
        f"{seen:,} creatives are in both, younger in training, and are judged apart",
        NOTHING,
    )
