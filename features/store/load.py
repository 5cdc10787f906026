"""Load the store: metrics as increments that do not overlap, one row per creative; write both as Parquet files."""

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from configs.settings import Settings
from features.atomic_write import draft
from features.errors import InputError
from features.schema import (
    KEY,
    PERIOD,
    TAGS,
    VALUES,
    Loaded,
    check_creatives,
    check_metrics,
)
from features.store.creative_table import creative_table
from features.store.duckdb_store import Store
from features.store.overlaps import resolve_overlaps
from features.store.running_totals import increments

EXPORT_FILES = ["metrics.parquet", "creatives.parquet", "revisions.parquet"]


def load(store: Store, settings: Settings, *, check: bool = True) -> Loaded:
    """Load metrics and creatives, with counts of what was resolved on the way.

    Args:
        store: The store.
        settings: Of the run.
        check: Check the frames against their schemas; who only counts what a store holds can do without.
    """
    creatives, notes = load_creatives(store, settings, check=check)
    metrics, found = resolve_metrics(store.table("metrics"), creatives, check=check)
    return Loaded(metrics, creatives, notes | found)


def load_fingerprint(settings: Settings) -> str:
    """Return the settings that decide how a store is loaded, as JSON; equal if loading gives the same."""
    return json.dumps({"tags": {"extra": settings.tags.extra}})


def load_creatives(store: Store, settings: Settings, *, check: bool = True) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return all creatives of the store (`creatives_schema`, sorted by KEY) and counts of what could not be used."""
    creatives, notes = creative_table(store.table("attributes"), store.creative_keys())
    if not settings.tags.extra:
        own = [f"tag_{name}" for name in TAGS]
        creatives = creatives[[c for c in map(str, creatives) if not c.startswith("tag_") or c in own]]
    return check_creatives(creatives) if check else creatives, notes


def resolve_metrics(
    rows: pd.DataFrame, creatives: pd.DataFrame, *, check: bool = True
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Turn rows of the store into increments that do not overlap; count what was resolved.

    Each creative depends on its own rows only, so accounts can be resolved one by one with the same result.

    Args:
        rows: KEY + PERIOD + VALUES as in the store; all rows of each creative in it.
        creatives: KEY and, if any is known, `launched_at`; creatives without rows change nothing.
        check: Check the result against its schema.

    Returns:
        `metrics_schema`, sorted by KEY + period_start, with the value columns that hold something in the order of
        VALUES; and counts by name.
    """
    notes: dict[str, int] = {}
    metrics = rows.drop(columns=[name for name in VALUES if rows[name].isna().all()])
    del rows  # frees the largest table, unless the caller holds it
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
    return check_metrics(metrics) if check else metrics, notes


def write_parquet(store: Store, loaded: Loaded, folder: Path) -> list[Path]:
    """Write metrics, creatives and revisions to a folder; each file is replaced as a whole.

    Raises:
        InputError: The folder cannot be written to.
    """
    tables = [
        pa.Table.from_pandas(loaded.metrics, preserve_index=False),
        pa.Table.from_pandas(loaded.creatives, preserve_index=False),
        store.arrow("revisions"),
    ]
    paths = [folder / name for name in EXPORT_FILES]
    try:
        for path, table in zip(paths, tables):
            with draft(path) as unfinished:
                pyarrow.parquet.write_table(table, unfinished, compression="zstd")
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to: {error.strerror}. Name another folder.",
            zh=f"{folder}：写不进去（{error.strerror}）。处理：换一个文件夹。",
        ) from None
    return paths
