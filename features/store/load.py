"""doc"""

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
from features.store.periods import increments, resolve_overlaps


def load(store: Store, settings: Settings) -> Loaded:
    """Metrics as increments that do not overlap, one row per creative, and counts of what was resolved."""
    creatives, notes = creatives_of(store, settings)
    metrics, found = resolved(store.table("metrics"), creatives)
    return Loaded(metrics, creatives, notes | found)


def load_fingerprint(settings: Settings) -> str:
    """What of the settings decides how the store is loaded, in words that are the same where it is."""
    return json.dumps({"tags": {"extra": settings.tags.extra}})


def creatives_of(store: Store, settings: Settings) -> tuple[pd.DataFrame, dict[str, int]]:
    """All creatives of the store, checked and sorted by KEY, and counts of what could not be used."""
    creatives, notes = creative_table(store.table("attributes"), store.units())
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


_PATTERNS = [[*KEY], ["account_id", "creative_id"], ["promotion_type", "creative_id"], ["creative_id"]]
"""Parts of the KEY by which a row can be bound to its creative, the most exact first; the others are ANY."""


def creative_table(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """One row of typed attributes and tags per creative, and counts of what could not be used.

    Of several rows about one attribute the strongest origin stands, and among those the most exact key. Tags
    become columns `tag_<name>`.

    Args:
        attributes: KEY + `name`, `origin`, `value`; parts of the KEY may be ANY.
        units: KEY of the creatives that have metrics; those only announced are added.
    """
    attributes = attributes[attributes["value"].notna() & (attributes["value"] != "")]
    units, without_account = _with_announced(attributes, units[KEY].drop_duplicates())
    units = units.sort_values(KEY, ignore_index=True)
    long = _bound(attributes, units)
    wide = long.pivot(index="unit", columns="name", values="value").reindex(range(len(units)))
    creatives = units.copy()
    unusable = 0
    for name in [*ATTRIBUTES, *sorted(set(wide.columns) - set(ATTRIBUTES))]:
        if name not in wide.columns:
            continue
        typed = _typed(name, wide[name])
        unusable += int((typed.isna() & wide[name].notna()).sum())
        if typed.notna().any():
            creatives[name if name in ATTRIBUTES else f"tag_{name}"] = typed.to_numpy()
    notes = {"announced_without_account": without_account, "attribute_values_unusable": unusable}
    return creatives, {name: count for name, count in notes.items() if count}


def _with_announced(attributes: pd.DataFrame, units: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """The units and those only announced; how many announced creatives belong to no one account and type."""
    rows = attributes[KEY].drop_duplicates()
    exact = (rows["account_id"] != ANY) & (rows["promotion_type"] != ANY)
    units = pd.concat([units, rows[exact]], ignore_index=True).drop_duplicates()
    loose = rows[~exact]
    described = np.zeros(len(loose), dtype=bool)
    for on in _PATTERNS[1:]:
        fits = _has_pattern(loose, on).to_numpy()
        known = pd.MultiIndex.from_frame(units[on])
        described |= fits & pd.MultiIndex.from_frame(loose[on]).isin(known)
    announced = loose[~described].copy()
    for part in ["promotion_type", "account_id"]:
        only = units[part].unique()
        if len(only) == 1:
            announced[part] = announced[part].where(announced[part] != ANY, only[0])
    resolved = (announced["account_id"] != ANY) & (announced["promotion_type"] != ANY)
    units = pd.concat([units, announced[resolved]], ignore_index=True).drop_duplicates()
    left_out = set(announced.loc[~resolved, "creative_id"]) - set(announced.loc[resolved, "creative_id"])
    return units, len(left_out)


def _bound(attributes: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """`unit`, `name`, `value`: for each unit and attribute the row that stands."""
    numbered = units.assign(unit=np.arange(len(units)))
    origin = attributes["origin"].map({origin: place for place, origin in enumerate(ORIGINS)}).astype(np.int64)
    found = []
    for exactness, on in enumerate(reversed(_PATTERNS)):
        fits = _has_pattern(attributes, on)
        rows = attributes.loc[fits, [*on, "name", "value"]].assign(rank=origin[fits] * len(_PATTERNS) + exactness)
        found.append(rows.merge(numbered[[*on, "unit"]], on=on)[["unit", "name", "value", "rank"]])
    long = pd.concat(found, ignore_index=True).sort_values("rank", kind="stable")
    return long.drop_duplicates(["unit", "name"], keep="last")


def _has_pattern(rows: pd.DataFrame, on: list[str]) -> pd.Series:
    fits = pd.Series(True, index=rows.index)
    for part in ["promotion_type", "account_id"]:
        fits &= (rows[part] != ANY) == (part in on)
    return fits


def _typed(name: str, values: pd.Series) -> pd.Series:
    """The text of one attribute as what it is; what cannot be read is missing."""
    if name in NUMBERS:
        number = pd.to_numeric(values, errors="coerce").astype(float)
        return number.where(np.isfinite(number) & (number >= 0))
    if name in TIMES:
        return pd.to_datetime(values, format="ISO8601", errors="coerce").astype("datetime64[us]")
    return values.astype("str")


EXPORT_FILES = ["metrics.parquet", "creatives.parquet", "revisions.parquet"]


def write_parquet(store: Store, loaded: Loaded, folder: Path) -> list[Path]:
    """Metrics, creatives and revisions into this folder; each file is there whole or as it was before.

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
