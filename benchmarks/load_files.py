"""Read export files and public data into frames, without a store that stays; the options that name them."""

import argparse
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
    """Ingest files into a temporary store and load all of it."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store.duckdb") as store:
        ingest(store, [str(path) for path in paths], settings)
        return load(store, settings)


def read_frames(tables: Mapping[str, pd.DataFrame], settings: Settings) -> Loaded:
    """Ingest tables in memory, each as a Parquet file of its name."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{name}.parquet" for name in tables]
        for table, path in zip(tables.values(), paths):
            table.to_parquet(path, index=False)
        return read(paths, settings)


def some_creatives(loaded: Loaded, every: int) -> Loaded:
    """Every Nth creative, in the order of their ids."""
    kept = sorted(loaded.creatives["creative_id"].unique())[::every]
    metrics, creatives = (
        table[table["creative_id"].isin(kept)].reset_index(drop=True) for table in (loaded.metrics, loaded.creatives)
    )
    return replace(loaded, metrics=metrics, creatives=creatives)


def some_videos(folder: Path, every: int = 1) -> dict[str, pd.DataFrame]:
    """Snapshots and attributes of every Nth public video, by the names of their files."""
    snapshots, attributes = (pd.read_parquet(folder / f"youtube_{name}.parquet") for name in ("snapshots", "videos"))
    videos = attributes.sort_values("video_id").iloc[::every]
    of_videos = snapshots[snapshots["video_id"].isin(videos["video_id"])]
    return {"youtube_snapshots": of_videos, "youtube_videos": videos}


def comparison_parser(description: str) -> argparse.ArgumentParser:
    """Options that all comparisons share."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, action="append", required=True, help="exports; may be repeated")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"), help="settings of the run")
    parser.add_argument("--truth", type=Path, help="truth of the sample world")
    parser.add_argument("--draws", type=int, default=200, help="draws of the bootstrap over creatives")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--markdown", type=Path, help="Markdown file to write")
    return parser
