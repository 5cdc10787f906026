"""Load the store: metrics as increments that do not overlap, one row per creative; write both as Parquet files."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from configs.settings import Settings
from features.errors import InputError
from features.schema import (
    ANY,
    ATTRIBUTES,
    KEY,
    NUMBERS,
    ORIGINS,
    PERIOD,
    TAGS,
    TIMES,
    VALUES,
    Loaded,
    check_creatives,
    check_metrics,
)
from features.store.duckdb_store import Store
from features.store.overlaps import resolve_overlaps
from features.store.running_totals import increments

EXPORT_FILES = ["metrics.parquet", "creatives.parquet", "revisions.parquet"]

_KEY_PATTERNS = [[*KEY], ["account_id", "creative_id"], ["promotion_type", "creative_id"], ["creative_id"]]
"""Parts of the KEY that an attribute row can name, most specific first; the other parts are ANY."""


# Frames


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


# Creatives


def creative_table(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Build one row of typed attributes and tags per creative.

    Of several values of one attribute the one of the strongest origin wins, and among those the one with the most
    specific key.

    Args:
        attributes: KEY + `name`, `origin`, `value` (text); parts of the KEY may be ANY.
        units: KEY of the creatives with metrics. Creatives that only `attributes` names are added.

    Returns:
        KEY, ATTRIBUTES (typed) and tags as `tag_<name>`, sorted by KEY; and counts of what could not be used.
    """
    attributes = attributes[attributes["value"].notna() & (attributes["value"] != "")]
    units, without_account = _with_announced(attributes, units[KEY].drop_duplicates())
    units = units.sort_values(KEY, ignore_index=True)
    long = _assign_to_units(attributes, units)
    wide = long.pivot(index="unit", columns="name", values="value").reindex(range(len(units)))
    creatives = units.copy()
    unusable = 0
    for name in [*ATTRIBUTES, *sorted(set(map(str, wide.columns)) - set(ATTRIBUTES))]:
        if name not in wide.columns:
            continue
        typed = _typed(name, wide[name])
        unusable += int((typed.isna() & wide[name].notna()).sum())
        if typed.notna().any():
            creatives[name if name in ATTRIBUTES else f"tag_{name}"] = typed.to_numpy()
    notes = {"announced_without_account": without_account, "attribute_values_unusable": unusable}
    return creatives, {name: count for name, count in notes.items() if count}


def _with_announced(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Add creatives without metrics to the units.

    Returns:
        The units, and the number of creatives without metrics whose account or promotion type is unknown.
    """
    rows = attributes[KEY].drop_duplicates()
    exact = (rows["account_id"] != ANY) & (rows["promotion_type"] != ANY)
    units = pd.concat([units, rows[exact]], ignore_index=True).drop_duplicates()
    loose = rows[~exact]
    matched = np.zeros(len(loose), dtype=bool)
    for on in _KEY_PATTERNS[1:]:
        fits = _has_pattern(loose, on).to_numpy()
        known = pd.MultiIndex.from_frame(units[on])
        matched |= fits & pd.MultiIndex.from_frame(loose[on]).isin(known)
    announced = loose[~matched].copy()
    for part in ["promotion_type", "account_id"]:
        only = units[part].unique()
        if len(only) == 1:
            announced[part] = announced[part].where(announced[part] != ANY, only[0])
    resolved = (announced["account_id"] != ANY) & (announced["promotion_type"] != ANY)
    units = pd.concat([units, announced[resolved]], ignore_index=True).drop_duplicates()
    left_out = set(announced.loc[~resolved, "creative_id"]) - set(announced.loc[resolved, "creative_id"])
    return units, len(left_out)


def _assign_to_units(attributes: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Return `unit` (row of `units`), `name` and `value`: the winning value of each unit and attribute."""
    numbered = units.assign(unit=np.arange(len(units)))
    origin = attributes["origin"].map({origin: place for place, origin in enumerate(ORIGINS)}).astype(np.int64)
    found = []
    for exactness, on in enumerate(reversed(_KEY_PATTERNS)):
        fits = _has_pattern(attributes, on)
        rows = attributes.loc[fits, [*on, "name", "value"]].assign(rank=origin[fits] * len(_KEY_PATTERNS) + exactness)
        found.append(rows.merge(numbered[[*on, "unit"]], on=on)[["unit", "name", "value", "rank"]])
    long = pd.concat(found, ignore_index=True).sort_values("rank", kind="stable")
    return long.drop_duplicates(["unit", "name"], keep="last")


def _has_pattern(rows: pd.DataFrame, on: list[str]) -> pd.Series:
    """Flag rows whose key names exactly these parts."""
    fits = pd.Series(True, index=rows.index)
    for part in ["promotion_type", "account_id"]:
        fits &= (rows[part] != ANY) == (part in on)
    return fits


def _typed(name: str, values: pd.Series) -> pd.Series:
    """Convert the text of one attribute to its type; text that cannot be converted is missing."""
    if name in NUMBERS:
        number = pd.to_numeric(values, errors="coerce").astype(float)
        return number.where(np.isfinite(number) & (number >= 0))
    if name in TIMES:
        return pd.to_datetime(values, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return values.astype("str")


# Parquet files


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
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return [_write(table, folder / name) for name, table in zip(EXPORT_FILES, tables)]
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}. Name another folder.") from None


def _write(table: pa.Table, path: Path) -> Path:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        pyarrow.parquet.write_table(table, unfinished, compression="zstd")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
