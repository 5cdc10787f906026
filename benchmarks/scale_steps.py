"""Run every step from export files to predictions once and measure its seconds and peak memory.

    python -m benchmarks.scale_steps --exports FOLDER --store FILE --out FILE [--fit]

`benchmarks.scale` starts it in a process of its own for each size.
"""

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from multiprocessing import active_children
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Mask
from features.matrix.feature_matrix import Fitted, build_features
from features.partitions.writer import write_partitioned
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.counts import entities_of, funnel_of
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from training.boosting.model import Choice, CreativeModel, fit_model
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stack import Stack
from training.boosting.volume import CHOICES
from training.data.dataset import Dataset, fit_features, rows_of, subsample
from training.data.metrics_source import InMemorySource, MetricsSource
from training.decision.predict import predict_latest
from training.labels.outcomes import MATURE
from training.labels.splits import holdout_split
from training.progress import ProgressCallbacks
from training.sharded.processes import processes
from training.sharded.source import ShardedSource
from training.sharded.work import Work
from training.uncertainty import OutOfSample, fit_uncertainty

Result = TypeVar("Result")

HEAD_TREES = 100
"""Trees per head: about what folds choose."""
ENCODER_ROWS = 50_000
"""Snapshots that encoders and priors are fitted on before features are measured; this fit is not measured."""
PROC = Path("/proc")
"""Linux only: memory and CPU time of child processes are not available elsewhere."""


@dataclass
class Record:
    """Measurements so far, written to a file after each step.

    Attributes:
        out: That file.
        steps: Name → `seconds`, `cpu_seconds` and `peak_mb` of this process and its children; `a: b` is a part of `a`.
        counts: Name → number of rows, creatives, features, …
        stopped: Step that did not fit in memory; empty where all did.
    """

    out: Path
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    stopped: str = ""

    def timed(self, name: str, step: Callable[[], Result]) -> Result:
        """Run a step and add its cost to the record, and to that of the step it is a part of."""
        reset_peak()
        self.stopped = name
        self.write()
        began, cpu_before = time.perf_counter(), cpu_seconds()
        result = step()
        seconds, cpu, peak = time.perf_counter() - began, cpu_seconds() - cpu_before, peak_mb()
        for key in dict.fromkeys([name, name.split(":")[0]]):
            before = self.steps.get(key, {"seconds": 0.0, "cpu_seconds": 0.0, "peak_mb": 0.0})
            self.steps[key] = {
                "seconds": before["seconds"] + seconds,
                "cpu_seconds": before["cpu_seconds"] + cpu,
                "peak_mb": max(before["peak_mb"], peak),
            }
        print(f"  {name:22} {seconds:8.2f} s {peak:8,.0f} MB", flush=True)
        self.stopped = ""
        return result

    def write(self) -> None:
        """Write the record as JSON."""
        self.out.write_text(json.dumps({**self.__dict__, "out": self.out.name}, indent=1), encoding="utf-8")


def main() -> None:
    """Run the steps and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most-mb", type=int, default=0, help="memory limit; a step that needs more is not measured")
    parser.add_argument("--fit", action="store_true", help="fit a model as training does, without a study")
    options = parser.parse_args()
    if options.most_mb and hasattr(resource, "RLIMIT_DATA"):
        # Raises MemoryError here; otherwise the system would kill any process it chooses.
        resource.setrlimit(resource.RLIMIT_DATA, (options.most_mb * 2**20, -1))
    record = Record(options.out)
    try:
        measure(record, options.exports, options.store, fit=options.fit)
    except MemoryError:
        print(f"  {record.stopped}: does not fit in {options.most_mb:,} MB", flush=True)
    record.write()


def measure(record: Record, exports: str, store: Path, *, fit: bool) -> None:
    """Run every step in order, each on the results of the ones before."""
    settings = Settings()
    record.timed("ingest", lambda: _ingest(exports, store, settings))
    with ExitStack() as resources:
        source = record.timed("load", lambda: open_for_size(store, settings, resources))
        dataset, sampled, fitted = _features(record, source, settings)
        if fit:
            model = _fit(record, dataset)
        else:
            model = fit_model(*rows_of(dataset, sampled, fitted), fitted, fixed_recipe(dataset).choices, settings)
        del dataset  # the product's `predict` does not hold it either
        predicted = record.timed("predict", lambda: predict_latest(source, model, settings))
    record.counts["predictions"] = len(predicted)


def _ingest(exports: str, store: Path, settings: Settings) -> None:
    with open_store(store) as opened:
        ingest(opened, [exports], settings)


def open_for_size(store: Path, settings: Settings, resources: ExitStack) -> MetricsSource:
    """Open the metrics as one frame or, above `in_memory_rows`, account by account on several processes.

    Args:
        store: DuckDB file.
        settings: Of the run.
        resources: Keeps the processes until it is closed.
    """
    with open_store(store, read_only=True) as opened:
        if opened.count("metrics") <= settings.in_memory_rows:
            return InMemorySource(load(opened, settings))
        dataset = write_partitioned(opened, settings, str(store.with_name("dataset").resolve()))
    work = Work(str(store.with_name("parts").resolve()))
    engine = resources.enter_context(processes(settings.processes))
    return ShardedSource(dataset, work, engine, settings, ProgressCallbacks())


def row_count(source: MetricsSource) -> int:
    """Rows of metrics."""
    if isinstance(source, ShardedSource):
        return sum(part.rows for part in source.dataset.parts)
    assert isinstance(source, InMemorySource)
    return len(source.loaded.metrics)


def _features(record: Record, source: MetricsSource, settings: Settings) -> tuple[Dataset, Mask, Fitted]:
    """Measure snapshots and features; return the dataset, the rows that encoders are fitted on, and the encoders."""
    columns = sorted({name for names in source.value_columns().values() for name in names})
    funnel = funnel_of(columns, source.creatives, settings)
    shared = entities_of(source.creatives, settings)
    every = record.timed("snapshots", lambda: source.snapshots(settings))
    found = subsample(every, settings.max_snapshots)
    observed = record.timed("features: counts", lambda: source.observe(found, funnel, shared, settings))
    outcome = record.timed("features: outcomes", lambda: source.outcomes(found, funnel, settings))
    dataset = Dataset(source, funnel, shared, observed, outcome, settings)
    sampled = _some_rows(dataset)
    fitted = fit_features(dataset, sampled, source.until)
    features = record.timed("features: build_features", lambda: build_features(ArrayFrame.of(observed), fitted))
    record.counts = {"metrics": row_count(source), "creatives": len(source.creatives), "snapshots": len(every)}
    record.counts |= {"snapshots that train": len(found), "features": len(features.values.names)}
    return dataset, sampled, fitted


def fixed_recipe(dataset: Dataset) -> Recipe:
    """Every head with hand-set trees, a fixed number of them and equal weights in its stack."""
    settings, equal = dataset.settings, Stack(1 / 3, 1 / 3, 1 / 3)
    choices = {head.name: Choice(settings.trees, HEAD_TREES, equal) for head in dataset.funnel.heads}
    return Recipe(choices | {name: Choice(settings.volume_trees, HEAD_TREES) for name in CHOICES.values()})


def _fit(record: Record, dataset: Dataset) -> CreativeModel:
    """Fit the two models of a run and its intervals as `training.run` does, without folds and choices."""
    settings, rows = dataset.settings, dataset.rows
    train, holdout, begins = holdout_split(rows, settings.split.holdout_days)
    mature = (rows["state"] == MATURE).to_numpy(np.bool_)
    reported = dataset.source.until + pd.Timedelta(hours=max(settings.report_delay_hours.values()))
    ((train, _), (mature, _)), moments = plan_refits(dataset, [(train, begins), (mature, reported)])
    refitted = record.timed("fit: funnel models", lambda: with_refits(dataset, moments))
    recipe = fixed_recipe(refitted)
    record.counts["refits"], record.counts["training_rows"] = len(moments), int(mature.sum())
    evaluated = record.timed("fit: evaluated model", lambda: fit_on(refitted, train, begins, recipe))

    def with_intervals() -> CreativeModel:
        features, outcome = rows_of(refitted, holdout, evaluated.fitted)
        rows_out = OutOfSample(evaluated.predict(features), features, outcome)
        return replace(evaluated, uncertainty=fit_uncertainty([rows_out], refitted.funnel, settings))

    uncertainty = record.timed("fit: intervals", with_intervals).uncertainty
    final = record.timed("fit: final model", lambda: fit_on(refitted, mature, reported, recipe))
    return replace(final, uncertainty=uncertainty)


def _some_rows(dataset: Dataset) -> Mask:
    """At most ENCODER_ROWS mature rows, drawn at random; a mask over the rows of the dataset."""
    mature = np.flatnonzero((dataset.outcome["state"] == MATURE).to_numpy())
    chosen = np.zeros(len(dataset.outcome), dtype=bool)
    chosen[np.random.default_rng(1).permutation(mature)[:ENCODER_ROWS]] = True
    return chosen


def process_folders() -> list[Path]:
    """Folders under /proc of this process and its children; empty where the system has no /proc."""
    started = [child.pid for child in active_children()]
    return [PROC / str(process) for process in (os.getpid(), *started)] if PROC.exists() else []


def cpu_seconds() -> float:
    """CPU seconds so far, of this process and its children."""
    ticks = 0
    for place in process_folders()[1:]:
        fields = (place / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime: the 14th and 15th, the name being the 2nd
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def reset_peak() -> None:
    """Start counting peak memory anew, where the system can do that."""
    for place in process_folders():
        (place / "clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Sum of the processes' peak memory since `reset_peak`, in MiB; without /proc that of this process so far."""
    peak = 0
    for place in process_folders():
        lines = (place / "status").read_text(encoding="ascii").splitlines()
        peak += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    if peak:
        return peak / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
