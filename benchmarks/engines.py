"""Check that workers give the same results as one process.

    python -m benchmarks.engines [--data FOLDER] [--workers 2] [--seeds 4]

Trains on the same data (by default the sample) in one process and on Dask workers. Counts and outcomes must be equal to
the last bit. Models differ only by the trials of their study, as runs of one process with different seeds do: so each
trains with several seeds, and the difference of mean ranks is printed with its standard error. Prints seconds, too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.same_predictions import differing_cells
from configs.settings import Settings
from features.partitions.writer import write_partitioned
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from training.data.dataset import Dataset, prepare_from
from training.data.metrics_source import InMemorySource, MetricsSource
from training.evaluation.metrics import ALL_AGES, OWN
from training.progress import ProgressCallbacks
from training.run import train_and_register
from training.sharded.cluster import cluster
from training.sharded.source import ShardedSource
from training.sharded.work import Work
from training.workspace import workspace

SAMPLE = "var/sample-exports"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=SAMPLE, help="export files")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=4, help="complete runs of each, with different seeds")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds: expected at least 2, found {options.seeds}: one run has no spread.")
    with tempfile.TemporaryDirectory() as folder:
        compare(options.data, Path(folder), options.workers, options.seeds)


def compare(exports: str, folder: Path, workers: int, seeds: int) -> None:
    """Compare the rows of both once, then complete runs of both with each seed."""
    settings = Settings(var=folder)
    with open_store(folder / "store.duckdb") as store:
        ingest(store, [exports], settings)
        whole = InMemorySource(load(store, settings))
        dataset = write_partitioned(store, settings, str(folder / "dataset"))
    rows = len(whole.loaded.metrics)
    print(f"{rows:,} rows of metrics, {len(whole.creatives):,} creatives, {len(dataset.parts)} parts", flush=True)
    dask = settings.dask.model_copy(update={"workers": workers})
    work = Work(str(folder / "work"))
    one, many = "one process", f"{workers} workers"
    ranks: dict[str, list[pd.Series]] = {one: [], many: []}
    with timed(f"{one}: rows"):
        here = prepare_from(whole, settings)
    with cluster(dask, work) as engine:
        parted = ShardedSource(dataset, work, engine, settings, ProgressCallbacks())
        with timed(f"{many}: rows"):
            there = prepare_from(parted, settings)
        differ, compared = differing(here, there)
        print(f"cells of counts and outcomes that differ: {differ:,} of {compared:,}")
        for seed in range(seeds):
            seeded = settings.model_copy(update={"tune": settings.tune.model_copy(update={"seed": 7 + seed})})
            for name, source in ((one, whole), (many, parted)):
                with timed(f"{name}, seed {7 + seed}: a complete run"):
                    ranks[name].append(run(source, seeded, folder / f"{name} {seed}"))
    print("\nRank of holdout rows (Spearman with the outcome, all ages), mean over seeds:")
    table = difference_of_means(*(pd.DataFrame(found) for found in ranks.values()))
    print(table.set_axis([one, many, *table.columns[2:]], axis=1).to_string(float_format="{:.4f}".format))
    print(f"\nthe means lie at most {table['standard errors'].abs().max():.1f} standard errors apart")


def difference_of_means(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Per target: both means, their difference, its standard error, and their quotient.

    Args:
        one: Ranks, one row per seed and one column per target.
        other: The same of the other; equally many rows.
    """
    difference = other.mean() - one.mean()
    error = np.sqrt((one.var() + other.var()) / len(one))
    errors = np.divide(difference, error, out=np.zeros(len(error)), where=error > 0)
    names = ["one", "other", "difference", "standard error", "standard errors"]
    return pd.concat([one.mean(), other.mean(), difference, error, pd.Series(errors, error.index)], axis=1, keys=names)


def run(source: MetricsSource, settings: Settings, folder: Path) -> pd.Series:
    """Complete run: target → Spearman correlation of the holdout rows."""
    var = settings.model_copy(update={"var": folder, "name": "compared"})
    figures = train_and_register(source, workspace(["compared"], var), var, ProgressCallbacks()).figures
    rows = (figures["age_hours"] == ALL_AGES) & (figures["part"] == "all") & (figures["method"] == OWN)
    return figures[rows].set_index("target")["spearman"].rename(None)


def differing(left: Dataset, right: Dataset) -> tuple[int, int]:
    """Number of cells of counts and outcomes that differ, and of cells compared (`differing_cells`)."""
    counts = [differing_cells(*tables) for tables in ((left.observed, right.observed), (left.outcome, right.outcome))]
    return sum(differ for differ, _ in counts), sum(compared for _, compared in counts)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print the seconds of a block."""
    began = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
