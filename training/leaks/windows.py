"""Checks 3 and 5: early counts and outcomes do not overlap, and training outcomes are known before the holdout."""

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from features.arrays import Mask
from features.schema import KEY
from training.data.dataset import Dataset
from training.errors import TooThinError
from training.labels.outcomes import settle_days
from training.leaks.findings import NOTHING, Finding, listed

Split = Callable[[pd.DataFrame, int], tuple[Mask, Mask, pd.Timestamp]]
"""`training.labels.splits.holdout_split`, or a replacement in tests."""

Folds = Callable[[pd.DataFrame, Mask, int], Iterable[tuple[Mask, Mask, pd.Timestamp]]]

OVERLAP, GAP = "early counts and outcomes do not overlap", "training outcomes known before the holdout"
SAMPLED = 300
SUM_TOLERANCE = 1e-3


def check_no_overlap(dataset: Dataset, draw: np.random.Generator) -> Finding:
    """Check 3: recompute early counts and outcomes of a sample from their rows, by another way than the product."""
    observed, outcome, volume = dataset.observed, dataset.outcome, dataset.funnel.volume_of
    places = np.sort(draw.choice(len(observed), min(SAMPLED, len(observed)), replace=False))
    sample = observed.iloc[places][[*KEY, "cutoff", "launched_at", "age_hours"]].assign(place=places)
    beyond = sample["cutoff"] > sample["launched_at"] + pd.to_timedelta(sample["age_hours"], unit="h")
    joined = sample.merge(dataset.loaded.metrics[[*KEY, "period_start", "period_end", volume]], on=KEY)
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
        differs = ~np.isclose(
            total.to_numpy(), kept.iloc[places].to_numpy(), rtol=0, atol=SUM_TOLERANCE, equal_nan=True
        )
        if differs.any():
            wrong.append(f"{what} of {int(differs.sum())} snapshots are not the sums of their rows")
    if beyond.any():
        wrong.append(f"{int(beyond.sum())} cutoffs lie beyond launch + age")
    if wrong:
        cure = "Cut early counts and outcomes at the same moment: the snapshot's own cutoff."
        return Finding(OVERLAP, "FAIL", f"of {len(places)} snapshots: {'; '.join(wrong)}", cure)
    return Finding(OVERLAP, "PASS", f"{len(places)} snapshots summed again: no row is on both sides", NOTHING)


def check_split(dataset: Dataset, split: Split, folds: Folds) -> Finding:
    """Check 5: training outcomes were closed and settled before the first holdout or validation cutoff."""
    settings, rows = dataset.settings, dataset.rows
    try:
        train, holdout, starts = split(rows, settings.split.holdout_days)
    except TooThinError as error:
        return Finding(GAP, "SKIPPED", str(error), "Add earlier exports, or set split.holdout_days lower.")
    wait = pd.Timedelta(days=settings.outcome_days + settle_days(settings))
    parts = [("holdout", train, holdout, starts)]
    parts += [(f"fold {place}", *fold) for place, fold in enumerate(folds(rows, train, settings.split.folds), start=1)]
    wrong = []
    for part, fit, evaluated, start in parts:
        first = min(rows.loc[evaluated, "cutoff"].min(), start)
        known_at = np.maximum(rows["closed_at"], rows["cutoff"] + wait)
        late = int((fit & (known_at > first).to_numpy()).sum())
        if late:
            wrong.append(f"{part}: {late:,} of {int(fit.sum()):,} training rows were not known by {first}")
        both = int((fit & evaluated).sum())
        if both:
            wrong.append(f"{part}: {both:,} rows are in training and in evaluation")
    if wrong:
        days = wait / pd.Timedelta(days=1)
        cure = f"Leave a gap of {days:g} days (outcome window and settling) between training and evaluation rows."
        return Finding(GAP, "FAIL", listed(wrong), cure)
    keys = pd.MultiIndex.from_frame(dataset.observed[KEY])
    seen = len(keys[holdout].unique().intersection(keys[train].unique()))
    return Finding(
        GAP,
        "PASS",
        f"{int(train.sum()):,} training rows were known before {starts:%Y-%m-%d}, so were those of {len(parts) - 1} "
        f"folds; {seen:,} creatives are in both, younger in training, and are reported as warm",
        NOTHING,
    )
