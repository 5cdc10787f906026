"""What the store holds, as Parquet files that other tools can read."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet

from features.errors import InputError
from features.schema import Loaded
from features.store.duckdb_store import Store

FILES = ["metrics.parquet", "creatives.parquet", "revisions.parquet"]


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
        return [_write(table, folder / name) for name, table in zip(FILES, tables)]
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
