"""Every step from export files to predictions once, in a process of its own: seconds and peak of memory of each.

    PYTHONPATH=. python -P benchmarks/scale_steps.py --exports FOLDER --store FILE --out FILE [--fit] [--digest]

`benchmarks.scale` starts it, for this checkout and for another one that is compared with it: so it imports nothing of
the benchmarks.
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
from hashlib import sha256
from multiprocessing import active_children
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.funnel import VOLUME, Funnel
from features.funnel_model.posterior import FUNNEL_MODEL
from features.matrix.feature_matrix import Fitted, build_features
from features.point_in_time.counts import data_entities, data_funnel, observe
from features.point_in_time.entity_history import Entity, entities
from features.point_in_time.snapshots import snapshots
from features.schema import Loaded
from features.store.duckdb_store import open_store
from features.store.ingest import ingest
from features.store.load import load
from training.boosting.model import Choice, CreativeModel, fit_model
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.unseen import Unseen
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.decision.predict import latest_predictions
from training.labels.outcomes import MATURE, outcomes
from training.labels.splits import holdout_split
from training.uncertainty.fit import fit_uncertainty

try:
    from features.partitions.reader import write_partitioned
    from training.data.metrics_source import InMemory
    from training.data.subsample import drawn
    from training.engine import Here
    from training.progress import ProgressCallbacks
    from training.sharded.source import InParts
    from training.sharded.work import Work
except ImportError:  # an older checkout that is compared: all metrics are one frame there, and all snapshots train
    InMemory = InParts = None  # type: ignore[assignment,misc]

try:
    from training.sharded.processes import processes
except ImportError:  # likewise: parts are worked on in this process there
    processes = None  # type: ignore[assignment]

Result = TypeVar("Result")

ROUNDS = 100
"""Trees of a stage: what folds choose lies around it."""
TAUGHT_ROWS = 50_000
"""Snapshots that teach what features stand on, where the fit is not measured; their cost is not counted."""
PROC = Path("/proc")
"""Of Linux: what other processes have used is not told elsewhere."""


@dataclass
class Record:
    """What was measured so far.

    Attributes:
        out: File that holds it after each step.
        steps: Name → seconds, seconds of processors and peak megabytes, of the process and those that it started;
            `a: b` is a part of `a`.
        counts: Of rows.
        digests: Fingerprints of what came out.
        stopped: The step that did not fit in memory; empty where all did.
    """

    out: Path
    steps: dict[str, dict[str, float]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    stopped: str = ""

    def timed(self, name: str, step: Callable[[], Result]) -> Result:
        """The step's result; what it takes is added to the record, and to that of the step it is a part of."""
        forget_peak()
        self.stopped = name
        self.keep()
        began, worked = time.perf_counter(), worked_seconds()
        result = step()
        seconds, cpu, peak = time.perf_counter() - began, worked_seconds() - worked, peak_mb()
        for known in dict.fromkeys([name, name.split(":")[0]]):
            before = self.steps.get(known, {"seconds": 0.0, "cpu_seconds": 0.0, "peak_mb": 0.0})
            self.steps[known] = {
                "seconds": before["seconds"] + seconds,
                "cpu_seconds": before["cpu_seconds"] + cpu,
                "peak_mb": max(before["peak_mb"], peak),
            }
        print(f"  {name:22} {seconds:8.2f} s {peak:8,.0f} MB", flush=True)
        self.stopped = ""
        return result

    def keep(self) -> None:
        """Write it."""
        self.out.write_text(json.dumps({**self.__dict__, "out": self.out.name}, indent=1), encoding="utf-8")


def main() -> None:
    """Write what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--exports", required=True)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--most-mb", type=int, default=0, help="of memory; a step that needs more is not measured")
    parser.add_argument("--fit", action="store_true", help="fit a model as training does, without a study")
    parser.add_argument("--digest", action="store_true", help="say what came out, to compare it with another run's")
    given = parser.parse_args()
    if given.most_mb and hasattr(resource, "RLIMIT_DATA"):
        # A refusal that Python can tell of, in place of a system without memory that stops what it likes.
        resource.setrlimit(resource.RLIMIT_DATA, (given.most_mb * 2**20, -1))
    record = Record(given.out)
    try:
        measure(record, given.exports, given.store, fit=given.fit, digest=given.digest)
    except MemoryError:
        print(f"  {record.stopped}: does not fit in {given.most_mb:,} MB", flush=True)
    record.keep()


def measure(record: Record, exports: str, store: Path, *, fit: bool, digest: bool = False) -> None:
    """Every step, in order; each gets what the ones before it made."""
    settings = Settings()
    record.timed("ingest", lambda: _ingest(exports, store, settings))
    with ExitStack() as held:
        source = record.timed("load", lambda: source_of(store, settings, held))
        dataset, taught, fitted = _features(record, source, settings, digest=digest)
        if fit:
            model = _fit(record, dataset)
        else:
            model = fit_model(*rows_of(dataset, taught, fitted), fitted, recipe_of(dataset).choices)
        del dataset  # what predicts does not hold it either
        predicted = record.timed("predict", lambda: source.predictions(model, settings))
    record.counts["predictions"] = len(predicted)
    if digest:
        record.digests["predictions"] = frame_digest(predicted)


def _features(record: Record, source: Any, settings: Settings, *, digest: bool) -> tuple[Dataset, Mask, Fitted]:
    """Snapshots and features; what comes of them but the features themselves, and what these stand on."""
    every = record.timed("snapshots", lambda: source.snapshots(settings))
    found = every if InMemory is None else drawn(every, settings.most_snapshots)
    funnel, shared = source.funnel(settings)
    observed = record.timed("features: counts", lambda: source.observe(found, funnel, shared, settings))
    outcome = record.timed("features: outcomes", lambda: source.outcomes(found, funnel, settings))
    dataset = Dataset(source.told, funnel, shared, observed, outcome, settings)
    taught = _some_rows(dataset)
    fitted = fit_features(dataset, taught, source.until)
    features = record.timed("features: build_features", lambda: build_features(observed, fitted))
    record.counts = {"metrics": source.rows, "creatives": len(source.creatives), "snapshots": len(every)}
    record.counts |= {"snapshots that train": len(found), "features": features.values.shape[1]}
    if digest:
        told = {"creatives": source.creatives, "observed": observed, "outcomes": outcome}
        record.digests = {name: frame_digest(frame) for name, frame in told.items()}
        record.digests["features"] = frame_digest(features.values)
    return dataset, taught, fitted


def _ingest(exports: str, store: Path, settings: Settings) -> None:
    with open_store(store) as opened:
        ingest(opened, [exports], settings)


class Whole:
    """All metrics as one frame, by functions that older checkouts have too."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.creatives, self.rows = loaded, loaded.creatives, len(loaded.metrics)
        self.until = loaded.metrics["period_end"].max()
        self.told = loaded if InMemory is None else InMemory(loaded)

    def funnel(self, settings: Settings) -> tuple[Funnel, list[Entity]]:
        return data_funnel(self.loaded, settings), data_entities(self.loaded, settings)

    def snapshots(self, settings: Settings) -> pd.DataFrame:
        return snapshots(self.loaded.metrics, self.creatives, settings.ages_hours, weekly=settings.weekly)

    def observe(self, rows: pd.DataFrame, funnel: Funnel, shared: list[Entity], settings: Settings) -> pd.DataFrame:
        return observe(rows, self.loaded, funnel, shared, settings)

    def outcomes(self, rows: pd.DataFrame, funnel: Funnel, settings: Settings) -> pd.DataFrame:
        return outcomes(rows, self.loaded, funnel, settings)

    def predictions(self, model: CreativeModel, settings: Settings) -> pd.DataFrame:
        return latest_predictions(self.loaded, model, settings)


class Parts:
    """The metrics account by account, as a run takes more than `in_memory_rows` of them."""

    def __init__(self, source: Any, rows: int) -> None:
        self.told, self.creatives, self.rows, self.until = source, source.creatives, rows, source.until
        self.snapshots, self.observe, self.outcomes = source.snapshots, source.observe, source.outcomes
        self.predictions = source.predictions

    def funnel(self, settings: Settings) -> tuple[Funnel, list[Entity]]:
        from features.point_in_time.counts import funnel_of

        funnel = funnel_of(self.told.dataset.values, self.creatives, settings)
        return funnel, entities(self.creatives, settings.tags.multi, settings.tags.crosses)


def source_of(store: Path, settings: Settings, held: ExitStack) -> Whole | Parts:
    """What a run reads: the store at once, or written account by account and read so, by processes held meanwhile."""
    with open_store(store, read_only=True) as opened:
        if InParts is None or opened.count("metrics") <= settings.in_memory_rows:
            return Whole(load(opened, settings))
        dataset = write_partitioned(opened, settings, str(store.with_name("dataset").resolve()))
    work = Work(str(store.with_name("parts").resolve()))
    engine = Here() if processes is None else held.enter_context(processes(settings.processes))
    source = InParts(dataset, work, engine, settings, ProgressCallbacks())
    return Parts(source, sum(part.rows for part in dataset.parts))


def recipe_of(dataset: Dataset) -> Recipe:
    """Every stage from the mixed model, the hand setting, a fixed number of trees."""
    names = [stage.name for stage in dataset.funnel.stages]
    settings = dataset.settings
    choices = {name: Choice(settings.trees, ROUNDS) for name in names}
    return Recipe(dict.fromkeys(names, FUNNEL_MODEL), choices | {VOLUME: Choice(settings.volume_trees, ROUNDS)})


def _fit(record: Record, dataset: Dataset) -> CreativeModel:
    """The two models of a run and how far off they are, as `training.fit_and_evaluate` makes them, but for folds and
    choices."""
    settings, rows = dataset.settings, dataset.rows
    train, held, starts = holdout_split(rows, settings.split.holdout_days)
    mature = (rows["state"] == MATURE).to_numpy(np.bool_)
    until = dataset.loaded.metrics["period_end"].max() if InMemory is None else dataset.source.until
    reported = until + pd.Timedelta(hours=max(settings.report_delay_hours.values()))
    ((train, _), (mature, _)), moments = plan_refits(dataset, [(train, starts), (mature, reported)])
    served = record.timed("fit: mixed models", lambda: with_refits(dataset, moments))
    recipe = recipe_of(served)
    record.counts["refits"], record.counts["training_rows"] = len(moments), int(mature.sum())
    judged = record.timed("fit: judged model", lambda: fit_on(served, train, starts, recipe))

    def unsure() -> CreativeModel:
        features, outcome = rows_of(served, held, judged.fitted)
        unseen = Unseen(judged.predict(features), features, outcome)
        return replace(judged, uncertainty=fit_uncertainty([unseen], served.funnel, settings))

    uncertainty = record.timed("fit: intervals", unsure).uncertainty
    final = record.timed("fit: final model", lambda: fit_on(served, mature, reported, recipe))
    return replace(final, uncertainty=uncertainty)


def _some_rows(dataset: Dataset) -> Mask:
    mature = np.flatnonzero((dataset.outcome["state"] == MATURE).to_numpy())
    taught = np.zeros(len(dataset.outcome), dtype=bool)
    taught[np.random.default_rng(1).permutation(mature)[:TAUGHT_ROWS]] = True
    return taught


def frame_digest(frame: pd.DataFrame) -> str:
    """sha256 of a frame's columns, names and order, bit for bit."""
    digest = sha256()
    for name in frame:
        column = frame[name]
        digest.update(f"{name}:{column.dtype};".encode())
        if column.dtype.kind in "OTU" or isinstance(column.dtype, pd.StringDtype):
            digest.update(pd.util.hash_pandas_object(column, index=False).to_numpy().tobytes())
        else:
            digest.update(np.ascontiguousarray(column.to_numpy()).tobytes())
    return digest.hexdigest()


def family() -> list[Path]:
    """What the system tells of this process and of those that it started; nothing where it does not."""
    started = [child.pid for child in active_children()]
    return [PROC / str(process) for process in (os.getpid(), *started)] if PROC.exists() else []


def worked_seconds() -> float:
    """Seconds of processors so far."""
    ticks = 0
    for place in family()[1:]:
        told = (place / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(told[11]) + int(told[12])  # utime and stime: the 14th and 15th, the name being the 2nd
    return time.process_time() + ticks / os.sysconf("SC_CLK_TCK")


def forget_peak() -> None:
    """The peak of memory counts from now on, where the system can do that."""
    for place in family():
        (place / "clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Peaks of memory since they were last forgotten, added up; else of this process so far; in MiB."""
    peak = 0
    for place in family():
        lines = (place / "status").read_text(encoding="ascii").splitlines()
        peak += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    if peak:
        return peak / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024  # ru_maxrss: bytes there, kilobytes elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    main()
