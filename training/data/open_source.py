"""From what a command is given to a source of metrics: exports or a partitioned dataset, in memory or in parts."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from configs.settings import Settings
from features.partitions.folder import is_url
from features.partitions.reader import PartitionedDataset, write_partitioned
from features.store.duckdb_store import Store, open_store
from features.store.ingest import IngestReport, ingest
from features.store.inputs import dataset_of
from features.store.load import load
from training.data.metrics_source import InMemory, Source
from training.engine import Engine
from training.progress import ProgressCallbacks
from training.sharded.presence import Presence
from training.sharded.processes import processes
from training.sharded.source import InParts
from training.sharded.work import Work
from training.workspace import Workspace

AT_WORK, ANSWERING = "at_work.lock", "answering.lock"
"""Files of the workspace by which commands know of each other: while they read parts, and while parts exchange."""


@contextmanager
def open_source(
    data: Sequence[str], space: Workspace, settings: Settings, progress: ProgressCallbacks, *, strict: bool = False
) -> Iterator[tuple[Source, IngestReport | None]]:
    """The metrics, and what became of each export file (None for a partitioned dataset).

    Exports go into the workspace's store. They are worked on in memory, and in parts where they are more than
    `in_memory_rows` or where other workers are asked for; a partitioned dataset always is in parts.

    Args:
        data: Export files, folders or patterns; or one partitioned dataset.
        space: Where everything lies.
        settings: Of the run.
        progress: ProgressCallbacks.
        strict: Refuse files and rows that cannot be used.

    Raises:
        InputError: The data cannot be used.
        EngineError: The workers cannot be had.
    """
    dataset, report = dataset_of(data, settings), None
    work = Work(_tables(space, settings))
    here = Presence(space.folder / AT_WORK, lambda: progress.line("waiting for another command, which clears up here"))
    # Before files are read, which can take an hour: a scheduler that is not there is said at once.
    with _engine(settings, work) as engine, here:
        if dataset is None:
            with open_store(space.store) as store:
                report = ingest(store, list(data), settings, strict=strict, progress=progress.file)
                if settings.engine == "local" and store.count("metrics") <= settings.in_memory_rows:
                    loaded = load(store, settings)
                else:
                    loaded, dataset = None, _in_parts(store, space, settings, progress, here)
            if dataset is None:
                assert loaded is not None
                yield InMemory(loaded), report
                return
        here.join()
        source = InParts(dataset, work, engine, settings, progress, space.folder / ANSWERING)
        yield source, report
        if here.alone():
            source.clear_up()  # after a run that ended well; one that did not finds its tables again


def _tables(space: Workspace, settings: Settings) -> str:
    """Folder of the tables between steps: this workspace's alone, for a run that ends well takes away all others."""
    shared = settings.dask.work
    if is_url(shared):
        return f"{shared.rstrip('/')}/{space.name}"
    # Workers may have been started in another folder than this command.
    return str((Path(shared) / space.name if shared else space.folder / "parts").resolve())


def _in_parts(
    store: Store, space: Workspace, settings: Settings, progress: ProgressCallbacks, here: Presence
) -> PartitionedDataset:
    """What the store holds, beside it; this command is at work when it is written, before another can write anew."""
    progress.line("writing the metrics account by account")
    place = str((space.folder / "dataset").resolve())
    dataset = write_partitioned(
        store, settings, place, lambda done, total, _: progress.step("writing parts", done, total), clear=here.alone()
    )
    here.join()
    return dataset


def _engine(settings: Settings, work: Work) -> AbstractContextManager[Engine]:
    if settings.engine == "local":
        return processes(settings.processes)
    from training.sharded.cluster import cluster

    return cluster(settings.dask, work)
