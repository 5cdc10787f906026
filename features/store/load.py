"""What the store holds, as the two frames everything after it is built from."""

import json

import pandas as pd

from configs.settings import Settings
from features.schema import KEY, PERIOD, TAGS, VALUES, Loaded, check_creatives, check_metrics
from features.store.creative_attributes import describe
from features.store.duckdb_store import Store
from features.store.overlapping_periods import resolve_overlaps
from features.store.running_totals import increments


def load(store: Store, settings: Settings) -> Loaded:
    """Metrics as increments that do not overlap, one row per creative, and counts of what was resolved."""
    creatives, notes = creatives_of(store, settings)
    metrics, found = resolved(store.table("metrics"), creatives)
    return Loaded(metrics, creatives, notes | found)


def load_print(settings: Settings) -> str:
    """What of the settings decides how the store is loaded, in words that are the same where it is."""
    return json.dumps({"tags": {"extra": settings.tags.extra}})


def creatives_of(store: Store, settings: Settings) -> tuple[pd.DataFrame, dict[str, int]]:
    """All creatives of the store, checked and sorted by KEY, and counts of what could not be used."""
    creatives, notes = describe(store.table("attributes"), store.units())
    if not settings.tags.extra:
        own = [f"tag_{name}" for name in TAGS]
        creatives = creatives[[c for c in creatives.columns if not c.startswith("tag_") or c in own]]
    return check_creatives(creatives), notes


def resolved(rows: pd.DataFrame, creatives: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Checked increments that do not overlap, sorted by KEY + period_start, and counts of what was resolved.

    Of the value columns those that hold something, in the order of VALUES.

    Each creative is decided by its own rows alone: what comes of the rows of one account is what comes of them
    among all others.

    Args:
        rows: KEY + PERIOD + VALUES as the store has them: all rows of each creative that is in them.
        creatives: KEY and, where it is known of any, `launched_at`; creatives without rows change nothing.
    """
    notes: dict[str, int] = {}
    metrics = rows.drop(columns=[name for name in VALUES if rows[name].isna().all()])
    del rows  # the largest table there is, where nobody else holds it
    reading = metrics["grain"] == "reading"
    if reading.any():
        launched = creatives.reindex(columns=[*KEY, "launched_at"]).dropna()
        launched["launched_at"] = launched["launched_at"].astype("datetime64[us]")
        gaps, found = increments(metrics[reading], launched)
        notes |= found
        metrics = pd.concat([metrics[~reading], gaps], ignore_index=True)
    metrics, found = resolve_overlaps(metrics)
    notes |= found
    values = [name for name in VALUES if name in metrics and metrics[name].notna().any()]
    metrics = metrics[[*KEY, *PERIOD, *values]].sort_values([*KEY, "period_start"], ignore_index=True)
    return check_metrics(metrics), notes
