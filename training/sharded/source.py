"""A `MetricsSource` that reads the metrics part by part, never all at once.

Every method runs tasks on the parts (`training.sharded.tasks`), which leave their tables in a work folder, and
concatenates these tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from configs import __version__
from configs.settings import Settings
from features.arrays import Codes
from features.errors import InputError
from features.funnel import Funnel
from features.matrix.feature_matrix import FEATURES_VERSION
from features.partitions.manifest import PartitionedDataset
from features.partitions.reader import read_creatives
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.as_of_history import AsOfHistory
from features.point_in_time.as_of_table import AsOf, ranges
from features.point_in_time.availability import availabilities_of
from features.point_in_time.counts import columns_of_others, entities_of, funnel_of
from features.point_in_time.entity_history import Entity
from features.point_in_time.market import MOMENT, TYPE
from features.point_in_time.partial_sums import shared_codes, tables_exchanged
from features.point_in_time.windowed_sums import summed_by
from features.schema import KEY, Loaded
from training.engine import Engine, Task
from training.progress import ProgressCallbacks
from training.sharded import tasks
from training.sharded.tasks import Job
from training.sharded.work import Work, frame_key, key_of
from training.sharded.workspace_lock import WorkspaceLock

ROWS_IN_BUCKET = 500_000
"""Rows of metrics per bucket, approximately: what a worker holds in memory when histories are counted."""
COUNT_SETTINGS = {
    "basis", "report_delay_hours", "history_days", "outcome_days", "open_days", "ages_hours", "weekly", "tags",
}  # fmt: skip
"""Settings on which counts depend."""


class ShardedSource:
    """A partitioned dataset whose parts are processed by an engine."""

    def __init__(
        self,
        dataset: PartitionedDataset,
        work: Work,
        engine: Engine,
        settings: Settings,
        progress: ProgressCallbacks,
        exchanging: Path | None = None,
    ) -> None:
        """Read the creatives, and no metrics yet.

        Args:
            dataset: The metrics and creatives.
            work: Folder of intermediate tables, which all workers reach.
            engine: Where the tasks run.
            settings: Of the run.
            progress: Called at each step.
            exchanging: Lock file of commands that exchange partial sums in this folder (`WorkspaceLock`).

        Raises:
            InputError: There are no creatives, or no metrics.
        """
        if not dataset.parts or pd.isna(dataset.until):
            raise InputError(
                "The dataset holds no metrics. Export a store that has exports with impressions or spend.",
                zh="没有任何效果数据；应有展现或消耗。处理：加上日报导出。",
            )
        self.dataset, self.work, self.engine, self._progress = dataset, work, engine, progress
        self._slim = replace(dataset, parts=())
        self._described = {part.name: read_creatives(dataset, part) for part in dataset.parts}
        self.creatives = pd.concat(self._described.values(), ignore_index=True)
        self._buckets = max(engine.workers, round(sum(part.rows for part in dataset.parts) / ROWS_IN_BUCKET))
        self._settings, self._exchanging = settings, exchanging
        self._jobs: dict[str, Job] = {}
        self._requested: dict[str, Job] = {}
        self._left: list[Job] = []

    @property
    def folders(self) -> set[str]:
        """Folders of the tables that this run has used."""
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
        """Remove the tables that the next run on this data cannot use; no other command may be reading them."""
        for job in self._left:
            self._forget(job)
        self.work.keep(self.folders)

    def value_columns(self) -> Mapping[str, Sequence[str]]:
        job, found = self._surveyed, dict[str, set[str]]()
        for part in self.dataset.parts:
            if part.rows:
                names = self.work.get(f"{job.facts}/value_columns/{part.name}")["name"]
                found.setdefault(part.promotion_type, set()).update(map(str, names))
        return {promotion_type: sorted(names) for promotion_type, names in found.items()}

    def launches(self) -> pd.DataFrame:
        return self._gather(f"{self._surveyed.facts}/launches")

    def snapshots(self, settings: Settings) -> pd.DataFrame:
        funnel, shared = self._funnel(settings), entities_of(self.creatives, settings)
        return self._gather(f"{self._job(funnel, shared, settings).facts}/snapshots")

    def observe(self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> pd.DataFrame:
        job, order = self._request(rows, funnel, shared, settings)
        return _in_order(self._gather(f"{job.request}/observed", _having_rows(order)), order)

    def outcomes(self, rows: pd.DataFrame, funnel: Funnel, settings: Settings) -> pd.DataFrame:
        shared = entities_of(self.creatives, settings)
        job, order = self._request(rows, funnel, shared, settings)
        return _in_order(self._gather(f"{job.request}/outcome", _having_rows(order)), order)

    def totals(self, moments: Sequence[pd.Timestamp], funnel: Funnel, settings: Settings) -> Iterator[pd.DataFrame]:
        shared = entities_of(self.creatives, settings)
        job = self._job(funnel, shared, settings)
        parts = self.dataset.parts
        if not all(self.work.done(tasks.totals_name(job, part, moment)) for moment in moments for part in parts):
            self._run(tasks.totals, job, [(part, tuple(moments)) for part in parts], "counting totals at each refit")
        for moment in moments:
            tables = [self.work.get(tasks.totals_name(job, part, moment)) for part in parts]
            yield pd.concat(tables, ignore_index=True)

    def as_of_table(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
        job = self._job(funnel, shared, settings)
        launches = self._gather(f"{job.facts}/launches")
        return AsOf(self.until, self.dataset.values, ranges(self.creatives, launches), self._as_of_table(job))

    def apply_latest(
        self,
        function: Callable[[ArrayFrame, Loaded, pd.Timestamp], pd.DataFrame],
        funnel: Funnel,
        shared: Sequence[Entity],
        settings: Settings,
    ) -> pd.DataFrame:
        job = self._job(funnel, shared, settings)
        job = replace(job, request=f"{job.facts}/latest")
        history, first = AsOfHistory(self._as_of_table(job), shared, self.until), 0
        for name, described in self._described.items():
            known = np.arange(first, first + len(described), dtype=np.int64)
            if not self.work.done(f"{job.request}/others/{name}"):
                others = columns_of_others(history.of(ArrayFrame.of(described), known))
                self.work.put(f"{job.request}/others/{name}", pd.DataFrame(dict(others), copy=False))
            first += len(described)
        self._run(tasks.apply_latest, (job, function, self.until), self.dataset.parts, "predicting")
        return self._gather(f"{job.request}/applied")

    def _as_of_table(self, job: Job) -> pd.DataFrame:
        items = [(part, self.until) for part in self.dataset.parts]
        self._run(tasks.as_of, job, items, "counting what was known at the end of the data")
        return self._gather(f"{job.facts}/as_of/{int(self.until.timestamp())}")

    @property
    def _surveyed(self) -> Job:
        settings = self._settings
        shared = entities_of(self.creatives, settings)
        return self._job(self._funnel(settings), shared, settings)

    def _funnel(self, settings: Settings) -> Funnel:
        return funnel_of(self.dataset.values, self.creatives, settings)

    def _job(self, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> Job:
        """The inputs of the tables of this funnel. The market sums of all parts are written when this returns."""
        decided = settings.model_dump_json(include=COUNT_SETTINGS)
        facts = key_of(__version__, FEATURES_VERSION, self.fingerprint, funnel, tuple(shared), decided)
        if facts not in self._jobs:
            job = Job(self._slim, self.work.root, funnel, tuple(shared), settings, facts)
            self._run(tasks.survey, job, self.dataset.parts, "surveying the parts")
            for name in availabilities_of(funnel.stages):
                self.work.put(f"{facts}/market/{name}", market_sums(self._gather(f"{facts}/market_{name}")))
            codes, first = shared_codes(self.creatives, shared), 0
            for part, described in self._described.items():
                own = codes[first : first + len(described)]
                self.work.put(f"{facts}/codes/{part}", pd.DataFrame(own, columns=[e.name for e in shared]))
                self.work.put(f"{facts}/creatives/{part}", described)
                first += len(described)
            self._jobs[facts] = job
        return self._jobs[facts]

    def _request(
        self, rows: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], settings: Settings
    ) -> tuple[Job, list[Codes]]:
        """Write the counts of these snapshots as tables; also return the places of each part's snapshots."""
        job = self._job(funnel, shared, settings)
        job = replace(job, request=f"{job.facts}/{frame_key(rows)}-{self._buckets}", buckets=self._buckets)
        order = self._split(rows)
        if job.request not in self._requested:
            for part, places in zip(self.dataset.parts, order):
                self.work.put(f"{job.request}/rows/{part.name}", rows.iloc[places].reset_index(drop=True))
            self._exchange(job)
            self._requested[job.request] = job
        return job, order

    def _exchange(self, job: Job) -> None:
        """Send partial sums and requests to buckets, resolve them there, and return the sums to the parts."""
        names = tuple(part.name for part in self.dataset.parts)
        with WorkspaceLock(self._exchanging) as here:
            here.share()
            if not all(self.work.done(f"{job.request}/observed/{name}") for name in names):
                self._run(tasks.count_within, job, self.dataset.parts, "counting within the parts")
                items = [(bucket, names) for bucket in range(job.buckets)]
                self._run(tasks.resolve, job, items, "counting histories across the parts")
                self._run(tasks.assemble, job, self.dataset.parts, "putting rows together")
            if here.try_exclusive():
                self._forget(job)
            else:  # another command may be in the middle of the same exchange
                self._left.append(job)

    def _forget(self, job: Job) -> None:
        """Remove the tables of a finished exchange."""
        for name in ("requested", "resolved", *(f"partial_{name}" for name in tables_exchanged(job.funnel.stages))):
            self.work.remove(f"{job.request}/{name}")

    def _run(self, task: Task, shared: object, items: Sequence[object], what: str) -> None:
        self.engine.run(task, shared, items, lambda done, total: self._progress.step(what, done, total))

    def _gather(self, folder: str, kept: Sequence[bool] | None = None) -> pd.DataFrame:
        """Concatenate the tables of the parts; only of those `kept`, if given."""
        parts = [part for place, part in enumerate(self.dataset.parts) if kept is None or kept[place]]
        return pd.concat([self.work.get(f"{folder}/{part.name}") for part in parts], ignore_index=True)

    def _split(self, rows: pd.DataFrame) -> list[Codes]:
        """Places among `rows` of the rows of each part."""
        keys = pd.MultiIndex.from_tuples([(part.promotion_type, part.account_id) for part in self.dataset.parts])
        owner = keys.get_indexer(pd.MultiIndex.from_frame(rows[KEY[:2]]))
        return [np.flatnonzero(owner == place) for place in range(len(keys))]


def market_sums(partial: pd.DataFrame) -> pd.DataFrame:
    """Sum the parts' contributions to the market by promotion type and moment."""
    rows = []
    for promotion_type, table in partial.groupby(TYPE, sort=True):
        codes = np.zeros(len(table), dtype=np.int64)
        figures = {str(name): table[name].to_numpy(np.float64) for name in table if name not in (TYPE, MOMENT)}
        _, moments, summed = summed_by(codes, table[MOMENT].to_numpy(np.int64), figures)
        rows.append(pd.DataFrame({TYPE: str(promotion_type), MOMENT: moments, **summed}))
    found = pd.concat(rows, ignore_index=True) if rows else partial
    return found.astype({TYPE: "str"})


def _having_rows(order: Sequence[Codes]) -> list[bool]:
    return [bool(len(places)) for places in order]


def _in_order(table: pd.DataFrame, order: Sequence[Codes]) -> pd.DataFrame:
    """Reorder rows that lie part after part into the order of the request."""
    places = np.concatenate(order)
    if (places == np.arange(len(places))).all():
        return table
    return table.iloc[np.argsort(places)].reset_index(drop=True)
