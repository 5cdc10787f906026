"""From the paths of a command to a source of metrics: exports or a partitioned dataset, in memory or part by part."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from configs.settings import Settings
from features.store.duckdb_store import open_store
from features.store.ingest import IngestReport, ingest
from features.store.inputs import dataset_of
from features.store.joins import refuse_lost_joins
from features.store.load import load
from training.data.metrics_source import InMemorySource, MetricsSource
from training.progress import ProgressCallbacks
from training.sharded.session import sharded_session
from training.workspace import Workspace


@contextmanager
def open_source(
    data: Sequence[str],
    space: Workspace,
    settings: Settings,
    progress: ProgressCallbacks,
    *,
    strict: bool = False,
    without_tags: bool = False,
) -> Iterator[tuple[MetricsSource, IngestReport | None]]:
    """Yield the metrics, and the report on each export file (None for a partitioned dataset).

    Exports are ingested into the workspace's store. They are read into memory, or part by part where they have more
    than `in_memory_rows` rows or where Dask is asked for; a partitioned dataset is always read part by part.

    Args:
        data: Export files, folders or patterns; or one partitioned dataset.
        space: Where all files of these data lie.
        settings: Of the run.
        progress: Called at each step.
        strict: Refuse files and rows that cannot be used.
        without_tags: Go on where the tag sheet does not join.

    Raises:
        InputError: The data cannot be used, or do not fit together.
        EngineError: The workers cannot be had.
    """
    dataset, report = dataset_of(data, settings), None
    # Opened before files are read, which can take an hour: an absent scheduler is reported at once.
    with sharded_session(space, settings, progress) as session:
        if dataset is None:
            loaded = None
            with open_store(space.store) as store:
                report = ingest(store, list(data), settings, strict=strict, progress=progress.file)
                refuse_lost_joins(store, settings, without_tags=without_tags)
                if settings.engine == "local" and store.count("metrics") <= settings.in_memory_rows:
                    loaded = load(store, settings)
                else:
                    dataset = session.partition(store)
            if loaded is not None:
                yield InMemorySource(loaded), report
                return
        assert dataset is not None
        with session.source(dataset) as source:
            yield source, report
