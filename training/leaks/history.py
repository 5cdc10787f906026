"""Does a creative find itself, or what came after its cutoff, in what it is told of others?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from features.point_in_time.metric_rows import unit_codes
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import KEY, Loaded
from training.data.dataset import Dataset
from training.leaks.findings import NOTHING, Finding, listed
from training.leaks.rebuild import Moment, Observe, columns_that_differ

NAME = "own rows in history"
ALONE = 5
WITHOUT = 2
"""Creatives taken out of the whole data one by one: each costs as much as all snapshots together."""

SIBLINGS = ["live_siblings", "recent_launches"]


def own_rows(dataset: Dataset, moments: Sequence[Moment], observe: Observe, draw: np.random.Generator) -> Finding:
    """Check 4, in three ways.

    A creative alone in the world has no history: every sum of others is 0. Its own rows after the cutoff taken away,
    its history stays. All its own rows taken away, sums over others stay too; ratios to the market are not compared
    there, because what a creative had sold *before* the cutoff is part of the market that others are held against.
    """
    running = np.flatnonzero(dataset.observed["age_hours"] > 0)
    if not len(running):
        return Finding(NAME, "SKIPPED", "no snapshot has rows of its own", "Add later or finer exports.")
    changed: dict[str, None] = {}
    for place in draw.choice(running, min(ALONE, len(running)), replace=False):
        changed |= dict.fromkeys(_told_of_itself(dataset, int(place), observe))
    for moment in moments[:WITHOUT]:
        held = dataset.observed.iloc[moment.rows].reset_index(drop=True)
        own = unit_codes(dataset.loaded.metrics, held[KEY].drop_duplicates()) >= 0
        outcome = own & (dataset.loaded.metrics["period_end"] > moment.at).to_numpy()
        changed |= dict.fromkeys(_without(dataset, held, outcome, observe, history_columns(held)))
    for place in draw.choice(running, min(WITHOUT, len(running)), replace=False):
        held = dataset.observed.iloc[[int(place)]].reset_index(drop=True)
        own = unit_codes(dataset.loaded.metrics, held[KEY]) >= 0
        changed |= dict.fromkeys(_without(dataset, held, own, observe, sums_of_others(held, dataset.funnel.volume_of)))
    if changed:
        return Finding(
            NAME,
            "FAIL",
            f"{len(changed)} columns of history hold the creative itself or its outcome: {listed(list(changed))}",
            "Subtract the creative's own rows from these columns, and count others strictly before the cutoff.",
        )
    looked = f"{min(ALONE, len(running))} creatives alone and {WITHOUT} cutoffs and creatives without their own rows"
    return Finding(NAME, "PASS", f"{looked}: {len(history_columns(dataset.observed))} columns unchanged", NOTHING)


def history_columns(observed: pd.DataFrame) -> list[str]:
    """Columns that tell of others."""
    return [name for name in observed if name.startswith(("market:", "hist:", "launched:")) or name in SIBLINGS]


def sums_of_others(observed: pd.DataFrame, volume: str) -> list[str]:
    """Columns that add up others without holding them against the market."""
    names = history_columns(observed)
    return [name for name in names if not name.startswith("hist:") or name.endswith(f":{volume}")]


def _told_of_itself(dataset: Dataset, place: int, observe: Observe) -> list[str]:
    held = dataset.observed.iloc[[place]].reset_index(drop=True)
    mine = unit_codes(dataset.loaded.metrics, held[KEY]) >= 0
    me = unit_codes(dataset.loaded.creatives, held[KEY]) >= 0
    alone = Loaded(
        dataset.loaded.metrics[mine].reset_index(drop=True), dataset.loaded.creatives[me].reset_index(drop=True)
    )
    again = observe(held[SNAPSHOT], alone, dataset.funnel, dataset.entities, dataset.settings)
    return [name for name in history_columns(again) if again[name].fillna(0.0).ne(0.0).any()]


def _without(
    dataset: Dataset, held: pd.DataFrame, rows: np.ndarray, observe: Observe, compared: list[str]
) -> list[str]:
    rest = Loaded(dataset.loaded.metrics[~rows].reset_index(drop=True), dataset.loaded.creatives)
    again = observe(held[SNAPSHOT], rest, dataset.funnel, dataset.entities, dataset.settings)
    return columns_that_differ(held[compared], again.reindex(columns=compared))
