"""What the store holds, as the two frames everything after it is built from."""

import pandas as pd

from configs.settings import Settings
from features.describe import describe
from features.overlap import resolve_overlaps
from features.running_totals import increments
from features.schema import KEY, PERIOD, TAGS, VALUES, Loaded, check_creatives, check_metrics
from features.store import Store


def load(store: Store, settings: Settings) -> Loaded:
    """Metrics as increments that do not overlap, one row per creative, and counts of what was resolved."""
    creatives, notes = describe(store.table("attributes"), store.units())  # before the metrics: both are large
    if not settings.tags.extra:
        own = [f"tag_{name}" for name in TAGS]
        creatives = creatives[[c for c in creatives.columns if not c.startswith("tag_") or c in own]]

    metrics = store.table("metrics")
    metrics = metrics.drop(columns=[name for name in VALUES if metrics[name].isna().all()])
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
    return Loaded(check_metrics(metrics), check_creatives(creatives), notes)
