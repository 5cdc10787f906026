"""The metrics part by part: what training asks of them, without ever holding them all."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from configs import __version__
from configs.settings import Settings
from features.errors import InputError
from features.funnel import Funnel
from features.partitions.manifest import PartitionedDataset
from features.partitions.reader import read_creatives
from features.point_in_time.as_of_table import AsOf, ranges
from features.point_in_time.availability import waits_of
from features.point_in_time.counts import funnel_of
from features.point_in_time.cross_part_history import shared_codes
from features.point_in_time.entity_history import Entity, entities
from features.point_in_time.market import MOMENT, TYPE, summed_by
from features.point_in_time.windowed_sums import Codes
from features.schema import KEY
from training.boosting.model import CreativeModel
from training.engine import Engine
from training.progress import ProgressCallbacks
from training.registry.bundle import FEATURES_VERSION
from training.sharded import tasks
from training.sharded.tasks import Job
from training.sharded.work import Work, frame_key, key_of
from training.sharded.workspace_lock import WorkspaceLock

ROWS_IN_BUCKET = 500_000
"""Rows of metrics to a bucket, about: what a worker is told of at a time when histories are counted."""
DECIDE = {
    "basis", "report_delay_hours", "history_days", "outcome_days", "open_days", "ages_hours", "weekly", "tags",
}  # fmt: skip
"""Settings that decide what is counted."""


class ShardedSource:
    """A partitioned dataset whose parts are worked on by an engine (`training.data.metrics_source.MetricsSource`)."""

    def __init__(
        self,
        dataset: PartitionedDataset,
        work: Work,
        engine: Engine,
        settings: Settings,
        progress: ProgressCallbacks,
        answering: Path | None = None,
    ) -> None:
        """Nothing is read yet but the creatives.

        Args:
            dataset: The metrics and creatives.
            work: Where the steps leave their tables; all workers see it.
            engine: Who works.
            settings: Of the run.
            progress: ProgressCallbacks.
            answering: A file by which those who answer questions on these tables know of each other (`WorkspaceLock`).

        Raises:
            InputError: There are no creatives, or no metrics.
        """
        if not dataset.parts or pd.isna(dataset.until):
            raise InputError("The dataset holds no metrics. Export a store that has exports with impressions or spend.")
        self.dataset, self.work, self.engine, self._progress = dataset, work, engine, progress
        self._slim = replace(dataset, parts=())
        self._described = {part.name: read_creatives(dataset, part) for part in dataset.parts}
        self.creatives = pd.concat(self._described.values(), ignore_index=True)
        self._buckets = max(engine.workers, round(sum(part.rows for part in dataset.parts) / ROWS_IN_BUCKET))
        self._settings, self._answering = settings, answering
        self._jobs: dict[str, Job] = {}
        self._asked: dict[str, Job] = {}
        self._left: list[Job] = []

    @property
    def folders(self) -> set[str]:
        """Of tables that this run has used."""
        return set(self._jobs)

    @property
    def until(self) -> pd.Timestamp:
        return self.dataset.until

    @property
    def notes(self) -> Mapping[str, int]:
        return self.dataset.notes

    @cached_property
    def fingerprint(self) -> str:
        return self.dataset.fingerprint

    def clear_up(self) -> None:
        """Take away the tables that the next run on this data cannot use; nobody else may be at work on them."""
        for job in self._left:
            self._forget(job)
        self.work.keep(self.folders)

    def value_columns(self) -> Mapping[str, Sequence[str]]:
        job, found = self._surveyed, dict[str, set[str]]()
        for part in self.dataset.parts:
            if part.rows:
                held = self.work.get(f"{job.facts}/held/{part.name}")["name"]
                found.setdefault(part.promotion_type, set()).update(map(str, held))
        return {kind: sorted(names) for kind, names in found.items()}

    def launches(self) -> pd.DataFrame:
        return self._gather(f"{self._surveyed.facts}/born")

    def snapshots(self, settings: Settings) -> pd.DataFrame:
        funnel, shared = self._funnel(settings), entities(self.creatives, settings.tags.multi, settings.tags.crosses)
        return self._gather(f"{self._job(funnel, shared, settings).facts}/snapshots")

    def observe(self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> pd.DataFrame:
        job, order = self._question(rows, funnel, shared, settings)
        return _in_order(self._gather(f"{job.question}/observed", _having_rows(order)), order)

    def outcomes(self, rows: pd.DataFrame, funnel: Funnel, settings: Settings) -> pd.DataFrame:
        shared = entities(self.creatives, settings.tags.multi, settings.tags.crosses)
        job, order = self._question(rows, funnel, shared, settings)
        return _in_order(self._gather(f"{job.question}/outcome", _having_rows(order)), order)

    def totals(self, moments: Sequence[pd.Timestamp], funnel: Funnel, settings: Settings) -> Iterator[pd.DataFrame]:
        shared = entities(self.creatives, settings.tags.multi, settings.tags.crosses)
        job = self._job(funnel, shared, settings)
        parts = self.dataset.parts
        if not all(self.work.done(tasks.totals_name(job, part, moment)) for moment in moments for part in parts):
            self._run(tasks.totals, job, [(part, tuple(moments)) for part in parts], "counting what was known when")
        for moment in moments:
            tables = [self.work.get(tasks.totals_name(job, part, moment)) for part in parts]
            yield pd.concat(tables, ignore_index=True)

    def as_of_table(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
        job = self._job(funnel, shared, settings)
        items = [(part, self.until) for part in self.dataset.parts]
        self._run(tasks.standing, job, items, "counting what the service needs")
        table = self._gather(f"{job.facts}/standing/{int(self.until.timestamp())}")
        born = self._gather(f"{job.facts}/born")
        return AsOf(self.until, self.dataset.values, ranges(self.creatives, born), table)

    def predictions(self, model: CreativeModel, settings: Settings) -> pd.DataFrame:
        fitted = model.fitted
        job = self._job(fitted.funnel, fitted.entities, settings)
        job = replace(job, question=f"{job.facts}/latest-{self._buckets}", as_of=self.until, buckets=self._buckets)
        self._run(tasks.latest, job, self.dataset.parts, "finding the latest figures")
        self._answer(job)
        self._run(tasks.predict, (job, model, settings), self.dataset.parts, "predicting")
        return self._gather(f"{job.question}/predictions")

    @property
    def _surveyed(self) -> Job:
        settings = self._settings
        shared = entities(self.creatives, settings.tags.multi, settings.tags.crosses)
        return self._job(self._funnel(settings), shared, settings)

    def _funnel(self, settings: Settings) -> Funnel:
        return funnel_of(self.dataset.values, self.creatives, settings)

    def _job(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> Job:
        """What the tables of this funnel depend on; what every part adds to the market is there when this returns."""
        told = settings.model_dump_json(include=DECIDE)
        facts = key_of(__version__, FEATURES_VERSION, self.fingerprint, funnel, tuple(shared), told)
        if facts not in self._jobs:
            job = Job(self._slim, self.work.root, funnel, tuple(shared), settings, facts)
            self._run(tasks.survey, job, self.dataset.parts, "looking through the parts")
            for wait in waits_of(funnel.stages):
                self.work.put(f"{facts}/market/{wait}", market_sums(self._gather(f"{facts}/market_{wait}")))
            codes, first = shared_codes(self.creatives, shared), 0
            for part, described in self._described.items():
                own = codes[first : first + len(described)]
                self.work.put(f"{facts}/codes/{part}", pd.DataFrame(own, columns=[e.name for e in shared]))
                self.work.put(f"{facts}/creatives/{part}", described)
                first += len(described)
            self._jobs[facts] = job
        return self._jobs[facts]

    def _question(
        self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings
    ) -> tuple[Job, list[Codes]]:
        """The counts of these snapshots, ready as tables; and which of them each part holds."""
        job = self._job(funnel, shared, settings)
        job = replace(job, question=f"{job.facts}/{frame_key(rows)}-{self._buckets}", buckets=self._buckets)
        order = self._split(rows)
        if job.question not in self._asked:
            for part, places in zip(self.dataset.parts, order):
                self.work.put(f"{job.question}/rows/{part.name}", rows.iloc[places].reset_index(drop=True))
            self._answer(job)
            self._asked[job.question] = job
        return job, order

    def _answer(self, job: Job) -> None:
        """What parts add goes to buckets, questions are answered there, and the answers come back."""
        names = tuple(part.name for part in self.dataset.parts)
        with WorkspaceLock(self._answering) as here:
            here.share()
            if not all(self.work.done(f"{job.question}/observed/{name}") for name in names):
                self._run(tasks.tell, job, self.dataset.parts, "counting within the parts")
                items = [(bucket, names) for bucket in range(job.buckets)]
                self._run(tasks.answer, job, items, "counting histories across the parts")
                self._run(tasks.assemble, job, self.dataset.parts, "putting rows together")
            if here.try_exclusive():
                self._forget(job)
            else:  # another may be in the midst of the same question
                self._left.append(job)

    def _forget(self, job: Job) -> None:
        """Take away what parts told each other for a question that is answered."""
        for what in ("asked", "answers", *(f"told_{what}" for what in tasks.told_of(job.funnel))):
            self.work.remove(f"{job.question}/{what}")

    def _run(self, task: Callable[[Any, Any], None], shared: Any, items: Sequence[Any], what: str) -> None:
        self.engine.run(task, shared, items, lambda done, total: self._progress.step(what, done, total))

    def _gather(self, folder: str, kept: Sequence[bool] | None = None) -> pd.DataFrame:
        """The tables of the parts, one below the other; of none but those kept, where it is said."""
        parts = [part for place, part in enumerate(self.dataset.parts) if kept is None or kept[place]]
        return pd.concat([self.work.get(f"{folder}/{part.name}") for part in parts], ignore_index=True)

    def _split(self, rows: pd.DataFrame) -> list[Codes]:
        """Places of the rows that each part holds."""
        keys = pd.MultiIndex.from_tuples([(part.promotion_type, part.account_id) for part in self.dataset.parts])
        owner = keys.get_indexer(pd.MultiIndex.from_frame(rows[KEY[:2]]))
        return [np.flatnonzero(owner == place) for place in range(len(keys))]


def market_sums(told: pd.DataFrame) -> pd.DataFrame:
    """What all parts add to the market at the same moment, as one row."""
    rows = []
    for kind, table in told.groupby(TYPE, sort=True):
        codes = np.zeros(len(table), dtype=np.int64)
        _, moments, summed = summed_by(codes, table[MOMENT].to_numpy(np.int64), table.drop(columns=[TYPE, MOMENT]))
        rows.append(pd.DataFrame({TYPE: str(kind), MOMENT: moments, **summed}))
    found = pd.concat(rows, ignore_index=True) if rows else told
    return found.astype({TYPE: "str"})


def _having_rows(order: Sequence[Codes]) -> list[bool]:
    return [bool(len(places)) for places in order]


def _in_order(table: pd.DataFrame, order: Sequence[Codes]) -> pd.DataFrame:
    """Rows that lie part after part, in the order that they were asked in."""
    places = np.concatenate(order)
    if (places == np.arange(len(places))).all():
        return table
    return table.iloc[np.argsort(places)].reset_index(drop=True)
