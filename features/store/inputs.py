"""Load the data of a command: export files, through a store, or one partitioned dataset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from configs.settings import Settings
from features.errors import InputError
from features.partitions.address import is_partitioned, printable
from features.readers.find_files import find_files
from features.schema import Loaded
from features.store.duckdb_store import open_store
from features.store.ingest import IngestReport, Progress, ingest
from features.store.joins import refuse_lost_joins
from features.store.load import load, load_fingerprint

if TYPE_CHECKING:
    from features.partitions.manifest import PartitionedDataset


def check_data_exists(data: Sequence[str]) -> None:
    """Check that the data exist, before anything is written.

    Raises:
        InputError: There are no such files.
        PartitionError: There is no such dataset, or it cannot be used.
    """
    if _is_dataset(data):
        _opened(data[0])
    else:
        find_files(list(data))


def dataset_of(data: Sequence[str], settings: Settings) -> PartitionedDataset | None:
    """Open the partitioned dataset that the data name; None for exports.

    Raises:
        InputError: The dataset is not given alone, or was exported under settings that load a store differently.
        PartitionError: It cannot be used.
    """
    if not _is_dataset(data):
        return None
    dataset = _opened(data[0])
    if dataset.settings_fingerprint != load_fingerprint(settings):
        name = printable(data[0])
        raise InputError(
            f"{name}: was exported under other settings (`tags.extra` differs). Export it again with this "
            f"config: `python -m features export {name} --partitioned --config …`.",
            zh=f"{name}：是用别的设置导出的（`tags.extra` 不同）。处理：用这份配置重新导出："
            f"`python -m features export {name} --partitioned --config …`。",
        )
    return dataset


def load_data(
    data: Sequence[str],
    store: Path,
    settings: Settings,
    *,
    strict: bool = False,
    without_tags: bool = False,
    progress: Progress | None = None,
) -> tuple[Loaded, IngestReport | None]:
    """Load all data into memory; also return the result of each export file (None for a dataset).

    Args:
        data: Export files, folders or patterns, which go into the store; or one partitioned dataset.
        store: The store's file.
        settings: Of the run.
        strict: Import nothing if any file or row cannot be used.
        without_tags: Go on where the tag sheet does not join.
        progress: Called before each file.

    Raises:
        InputError: The data cannot be used, or do not fit together.
    """
    dataset = dataset_of(data, settings)
    if dataset is not None:
        from features.partitions.reader import read_whole

        return read_whole(dataset), None
    with open_store(store) as opened:
        report = ingest(opened, list(data), settings, strict=strict, progress=progress)
        refuse_lost_joins(opened, settings, without_tags=without_tags)
        return load(opened, settings), report


def _opened(root: str) -> PartitionedDataset:
    from features.partitions.reader import open_partitioned  # its file systems are slow to load; most data are exports

    return open_partitioned(root)


def _is_dataset(data: Sequence[str]) -> bool:
    found = [path for path in data if is_partitioned(path)]
    if found and len(data) > 1:
        name = printable(found[0])
        raise InputError(
            f"{name}: is a partitioned dataset; expected it alone. Give one dataset, or exports only.",
            zh=f"{name}：是分区数据集，只能单独给。处理：只给一个数据集，或只给导出文件。",
        )
    return bool(found)
