"""The as-of table of a bundle as files: Parquet for the sums, JSON for the moment and the columns."""

import json
from pathlib import Path

import pandas as pd

from features.point_in_time.as_of_table import AsOf

TABLE = "asof.parquet"
ABOUT = "asof.json"


def write_as_of(folder: Path, known: AsOf) -> None:
    """Both files into a folder that is there."""
    known.table.to_parquet(folder / TABLE, index=False, compression="zstd")
    about = {"moment": known.moment.isoformat(), "metrics": known.metrics, "ranges": known.ranges}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def read_as_of(folder: Path) -> AsOf:
    """What `write_as_of` wrote; the caller has checked the files.

    Raises:
        FileNotFoundError: The bundle was written without them.
    """
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / TABLE)
    ranges = {name: (low, high) for name, (low, high) in about["ranges"].items()}
    return AsOf(pd.Timestamp(about["moment"]).as_unit("us"), tuple(about["metrics"]), ranges, table)
