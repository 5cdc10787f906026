"""Write the content of the store as a partitioned dataset: one account in memory at a time, the manifest last."""

import hashlib
from collections.abc import Callable
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from configs.settings import Settings
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME
from features.partitions.folder import Folder, open_folder
from features.partitions.manifest import (
    Partition,
    PartitionedDataset,
    combined_sha256,
    creatives_columns,
    creatives_folder,
    is_dataset_file,
    metrics_columns,
    metrics_folder,
    value_type_of,
    write_manifest,
)
from features.schema import KEY, VALUES
from features.store.duckdb_store import Store
from features.store.load import load_creatives, load_fingerprint, resolve_metrics

ROW_GROUP_ROWS = 2**17
"""Rows per Parquet row group: what a reader of the file decodes at a time."""

AccountProgress: TypeAlias = Callable[[int, int, str | None], None]
"""Progress callback: parts done, number of parts, and the account that is next (None at the end)."""


def write_partitioned(
    store: Store,
    settings: Settings,
    root: str,
    progress: AccountProgress = lambda done, total, account: None,
    *,
    clear: bool = True,
) -> PartitionedDataset:
    """Write the content of the store under a root, in files per promotion type, account and month.

    The old dataset stays readable until the new manifest is written; only then are files removed that it no longer
    names. A file that already has the same content is not written again, so an export that was stopped can be resumed.
    Only one writer may run at a time.

    Args:
        store: An open store.
        settings: Of the run; `tags` decides which tags are written.
        root: A folder on this machine, or a URL that `features.partitions.folder` opens.
        progress: Called before each account and at the end.
        clear: Remove files that the new manifest does not name. If others may still read them, leave them to the next
            export.

    Raises:
        PartitionError: The folder cannot be reached or written to, or another export wrote to it at the same time.
    """
    folder = open_folder(root)
    creatives, notes = load_creatives(store, settings)
    attributes = tuple((name, value_type_of(name)) for name in map(str, creatives) if name not in KEY)
    accounts = creatives.groupby(KEY[:2], sort=False)
    parts, present, until = [], set(), []
    for done, ((promotion_type, account_id), own) in enumerate(accounts):
        progress(done, accounts.ngroups, str(account_id))
        metrics, found = resolve_metrics(store.metrics_of(str(promotion_type), str(account_id)), own)
        notes = notes | {name: notes.get(name, 0) + count for name, count in found.items()}
        present |= {*metrics.columns}
        until.append(metrics["period_end"].max())
        table = pa.Table.from_pandas(own, creatives_columns(attributes), preserve_index=False)
        parts.append(_write_partition(folder, str(promotion_type), str(account_id), metrics, table))
    dataset = PartitionedDataset(
        root=folder.root,
        parts=tuple(sorted(parts, key=lambda part: (part.promotion_type, part.account_id))),
        values=tuple(name for name in VALUES if name in present),
        attributes=attributes,
        until=pd.Series(until, dtype="datetime64[us]").max(),
        notes=notes,
        settings_fingerprint=load_fingerprint(settings),
    )
    _write_manifest(folder, dataset, clear=clear)
    progress(len(parts), len(parts), None)
    return dataset


def _write_partition(
    folder: Folder, promotion_type: str, account_id: str, metrics: pd.DataFrame, creatives: pa.Table
) -> Partition:
    columns = metrics_columns()
    month = metrics["period_start"].dt.year * 100 + metrics["period_start"].dt.month
    written = []
    for number, rows in metrics.groupby(month.to_numpy(), sort=True):
        table = pa.Table.from_pandas(rows.reindex(columns=columns.names), columns, preserve_index=False)
        year, month_of_year = divmod(int(number), 100)
        path = metrics_folder(promotion_type, account_id, f"{year:04}-{month_of_year:02}")
        written.append(_write_file(folder, path, table))
    written.append(_write_file(folder, creatives_folder(promotion_type, account_id), creatives))
    return Partition(
        promotion_type=promotion_type,
        account_id=account_id,
        metrics=tuple(path for path, _, _ in written[:-1]),
        creatives=written[-1][0],
        rows=len(metrics),
        bytes=sum(size for _, _, size in written),
        creative_count=len(creatives),
        sha256=combined_sha256([sha256 for _, sha256, _ in written]),
    )


def _write_file(folder: Folder, below: str, table: pa.Table) -> tuple[str, str, int]:
    """Write a file with these rows, unless it exists; return its path, sha256 and size in bytes."""
    # Without pandas' metadata the bytes do not depend on the version of pandas.
    table = table.replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd", row_group_size=ROW_GROUP_ROWS)
    content = sink.getvalue().to_pybytes()
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{below}/part-{sha256[:16]}.parquet"
    if not _exists_unchanged(folder, path, sha256):
        folder.write(path, content)
    return path, sha256, len(content)


def _exists_unchanged(folder: Folder, path: str, sha256: str) -> bool:
    """Whether the file exists with this content; its name alone does not prove that it was not damaged since."""
    try:
        return hashlib.sha256(folder.read(path)).hexdigest() == sha256
    except FileNotFoundError:
        return False


def _write_manifest(folder: Folder, dataset: PartitionedDataset, *, clear: bool = True) -> None:
    """Write the manifest, then remove the files of earlier exports that it does not name."""
    present = [path for below in ("metrics", "creatives") for path in folder.find(below)]
    # On a file system without case, a folder can be listed under the name of another account.
    named = {path.casefold() for part in dataset.parts for path in part.files}
    lost = named - {path.casefold() for path in present}
    if lost:
        raise PartitionError(
            f"{folder.printable}/{min(lost)}: found no file where one was just written; expected to be alone here. "
            "Wait until the other export to this place has ended, then export again.",
            zh=f"{folder.printable}/{min(lost)}：刚写的文件不见了，可能有别的导出也在写这里。处理：等它结束，再导出一次。",
        )
    folder.write(MANIFEST_NAME, write_manifest(dataset))
    if not clear:
        return
    folder.remove(path for path in present if path.casefold() not in named and is_dataset_file(path))
