"""Do two workers give what one process gives?

    python -m benchmarks.engines [--data FOLDER] [--workers 2] [--seeds 2]

Trains on the same data (the sample's, where none are named) in one process and with workers of Dask: the counts and
outcomes must be the same to the last bit; the models differ only by what a study happens to try, so how far apart they
are is told beside how far apart runs of one process are that differ by their seed alone. Prints seconds, too.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.ingest import ingest
from features.load import load
from features.partitioned import write_partitioned
from features.store import open_store
from training.dataset import Dataset, prepare_from
from training.evaluate import ALL_AGES, OWN
from training.learn import learn
from training.parts.cluster import cluster
from training.parts.source import InParts
from training.parts.work import Work
from training.source import InMemory, Source
from training.told import Told
from training.workspace import workspace

SAMPLE = "var/sample-exports"


def main() -> None:
    """Print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default=SAMPLE, help="export files")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2, help="further runs of one process, each with another seed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(given.data, Path(folder), given.workers, given.seeds)


def compare(exports: str, folder: Path, workers: int, seeds: int) -> None:
    """One process, then workers, then one process with other seeds."""
    settings = Settings(var=folder)
    with open_store(folder / "store.duckdb") as store:
        ingest(store, [exports], settings)
        whole = InMemory(load(store, settings))
        dataset = write_partitioned(store, settings, str(folder / "dataset"))
    rows = len(whole.loaded.metrics)
    print(f"{rows:,} rows of metrics, {len(whole.creatives):,} creatives, {len(dataset.parts)} parts", flush=True)
    asked = settings.dask.model_copy(update={"workers": workers})
    work = Work(str(folder / "work"))
    with timed("one process: rows"):
        here = prepare_from(whole, settings)
    with cluster(asked, work) as engine:
        parted = InParts(dataset, work, engine, settings, Told())
        with timed(f"{workers} workers: rows"):
            there = prepare_from(parted, settings)
        print(f"cells of counts and outcomes that differ: {differing(here, there):,} of {cells(here):,}")
        with timed(f"{workers} workers: a whole run"):
            ranks = {f"{workers} workers": run(parted, settings, folder / "workers")}
    for number in range(1 + seeds):
        seeded = settings.model_copy(update={"tune": settings.tune.model_copy(update={"seed": 7 + number})})
        with timed(f"one process, seed {7 + number}: a whole run"):
            ranks[f"one process, seed {7 + number}"] = run(whole, seeded, folder / str(number))
    table = pd.DataFrame(ranks).T
    print("\nRank of holdout rows (Spearman with what came, all ages):")
    print(table.to_string(float_format="{:.4f}".format))
    own = table.iloc[1:]
    apart = (table.iloc[0] - own.mean()).abs()
    noise = (own.max() - own.min()).max()
    print(
        f"\nworkers are at most {apart.max():.4f} from the mean of one process; its seeds are at most {noise:.4f} apart"
    )


def run(source: Source, settings: Settings, folder: Path) -> pd.Series:
    """Ranks of the holdout rows of a whole run, by target."""
    var = settings.model_copy(update={"var": folder, "name": "compared"})
    figures = learn(source, workspace(["compared"], var), var, Told()).figures
    held = (figures["age_hours"] == ALL_AGES) & (figures["part"] == "all") & (figures["method"] == OWN)
    return figures[held].set_index("target")["spearman"]


def differing(left: Dataset, right: Dataset) -> int:
    """Cells of counts and outcomes that are not the same to the last bit; a column that only one has counts whole."""
    count = 0
    for mine, theirs in ((left.observed, right.observed), (left.outcome, right.outcome)):
        for name in dict.fromkeys([*mine, *theirs]):
            if name not in mine or name not in theirs or len(mine) != len(theirs):
                count += max(len(mine), len(theirs))
                continue
            one, other = mine[name], theirs[name]
            same = (one == other) | (one.isna() & other.isna())
            count += int((~same.to_numpy(np.bool_)).sum())
    return count


def cells(dataset: Dataset) -> int:
    """Cells of its counts and outcomes."""
    return dataset.observed.size + dataset.outcome.size


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long it takes."""
    began = time.perf_counter()
    yield
    print(f"{what}: {time.perf_counter() - began:.1f} s", flush=True)


if __name__ == "__main__":
    main()
