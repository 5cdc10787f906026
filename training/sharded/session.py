"""The only entry to this package: workers, lock and tables of a command whose metrics are read part by part."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from configs.settings import Settings
from features.partitions.address import is_url
from features.partitions.manifest import PartitionedDataset
from features.partitions.writer import write_partitioned
from features.store.duckdb_store import Store
from training.engine import Engine
from training.progress import ProgressCallbacks
from training.sharded.cluster import cluster
from training.sharded.processes import processes
from training.sharded.source import ShardedSource
from training.sharded.work import Work
from training.sharded.workspace_lock import WorkspaceLock
from training.workspace import Workspace

RUN_LOCK, EXCHANGE_LOCK = "at_work.lock", "exchange.lock"
"""Lock files of the workspace: held while a command reads parts, and while parts exchange partial sums."""


class Session:
    """What a command needs to read metrics part by part."""

    def __init__(
        self,
        space: Workspace,
        settings: Settings,
        progress: ProgressCallbacks,
        work: Work,
        engine: Engine,
        lock: WorkspaceLock,
    ) -> None:
        """Of open workers and an open lock (`sharded_session`)."""
        self._space, self._settings, self._progress = space, settings, progress
        self._work, self._engine, self._lock = work, engine, lock

    def partition(self, store: Store) -> PartitionedDataset:
        """Write the store's content as a partitioned dataset next to it, and share the workspace with other commands.

        The lock is shared before another command can write the dataset anew.
        """
        self._progress.line("writing the metrics account by account")
        place = str((self._space.folder / "dataset").resolve())
        dataset = write_partitioned(
            store,
            self._settings,
            place,
            lambda done, total, _: self._progress.step("writing parts", done, total),
            clear=self._lock.try_exclusive(),
        )
        self._lock.share()
        return dataset

    @contextmanager
    def source(self, dataset: PartitionedDataset) -> Iterator[ShardedSource]:
        """The metrics of a partitioned dataset; tables that no command needs are removed after a block without error.

        A run that failed finds its tables again.
        """
        self._lock.share()
        exchange = self._space.folder / EXCHANGE_LOCK
        source = ShardedSource(dataset, self._work, self._engine, self._settings, self._progress, exchange)
        yield source
        if self._lock.try_exclusive():
            source.clear_up()


@contextmanager
def sharded_session(space: Workspace, settings: Settings, progress: ProgressCallbacks) -> Iterator[Session]:
    """Open the workers that the settings ask for, and the workspace's lock.

    Raises:
        EngineError: The workers cannot be had.
    """
    work = Work(_tables(space, settings))
    lock = WorkspaceLock(
        space.folder / RUN_LOCK, lambda: progress.line("waiting for another command, which clears up here")
    )
    with _engine(settings, work) as engine, lock:
        yield Session(space, settings, progress, work, engine, lock)


def _tables(space: Workspace, settings: Settings) -> str:
    """Folder of the tables between steps, of this workspace alone: a run that ends well removes all others in it."""
    shared = settings.dask.work
    if is_url(shared):
        return f"{shared.rstrip('/')}/{space.name}"
    # Absolute, because workers may have been started in another folder than this command.
    return str((Path(shared) / space.name if shared else space.folder / "parts").resolve())


def _engine(settings: Settings, work: Work) -> AbstractContextManager[Engine]:
    return processes(settings.processes) if settings.engine == "local" else cluster(settings.dask, work)
