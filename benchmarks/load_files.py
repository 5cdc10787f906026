"""Files straight into frames, for a comparison that keeps nothing."""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.schema import Loaded
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load


def read(paths: Sequence[Path], settings: Settings) -> Loaded:
    """Files into a store that is thrown away, and everything out of it."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store.duckdb") as store:
        ingest(store, [str(path) for path in paths], settings)
        return load(store, settings)


def read_frames(tables: Mapping[str, pd.DataFrame], settings: Settings) -> Loaded:
    """The same of tables in memory: each as a Parquet file of its name."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.parquet" for name in tables]
        for table, path in zip(tables.values(), paths):
            table.to_parquet(path, index=False)
        return read(paths, settings)


def some_creatives(loaded: Loaded, every: int) -> Loaded:
    """Each Nth creative alone, in the order of their ids."""
    kept = sorted(loaded.creatives["creative_id"].unique())[::every]
    parts = {
        name: table[table["creative_id"].isin(kept)].reset_index(drop=True)
        for name, table in (("metrics", loaded.metrics), ("creatives", loaded.creatives))
    }
    return replace(loaded, **parts)


def some_videos(folder: Path, every: int = 1) -> dict[str, pd.DataFrame]:
    """Readings and descriptions of each Nth public video, by the names of their files."""
    snapshots, described = (pd.read_parquet(folder / f"youtube_{name}.parquet") for name in ("snapshots", "videos"))
    videos = described.sort_values("video_id").iloc[::every]
    taken = snapshots[snapshots["video_id"].isin(videos["video_id"])]
    return {"youtube_snapshots": taken, "youtube_videos": videos}
