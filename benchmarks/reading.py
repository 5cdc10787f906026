"""Files straight into frames, for a comparison that keeps nothing."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from configs.settings import Settings
from features.ingest import ingest
from features.load import load
from features.schema import Loaded
from features.store import open_store


def read(paths: Sequence[Path], settings: Settings) -> Loaded:
    """Files into a store that is thrown away, and everything out of it."""
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "store.duckdb") as store:
        ingest(store, [str(path) for path in paths], settings)
        return load(store, settings)
