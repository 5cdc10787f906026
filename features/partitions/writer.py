"""The store's content as a partitioned dataset: one account in memory at a time, the manifest last."""

import hashlib
from collections.abc import Callable

import pandas as pd
import pyarrow as pa
import pyarrow.parquet

from configs.settings import Settings
from features.errors import PartitionError
from features.partitions.folder import Folder, open_folder
from features.partitions.manifest import (
    MANIFEST,
    Partition,
    PartitionedDataset,
    creatives_columns,
    creatives_folder,
    is_file_of_ours,
    kind_of,
    metrics_columns,
    metrics_folder,
    write_manifest,
)
from features.schema import KEY, VALUES
from features.store.duckdb_store import Store
from features.store.load import load_creatives, load_fingerprint, resolve_metrics

ROWS_OF_A_GROUP = 2**17
"""Rows of one row group: what a reader of the file holds at a time."""

Tell = Callable[[int, int, str | None], None]


def write_partitioned(
    store: Store, settings: Settings, root: str, tell: Tell = lambda done, total, name: None, *, clear: bool = True
) -> PartitionedDataset:
    """The content of the store under this root, in files per promotion type, account and month.

    What was there stays readable until the new manifest stands; only then the files that it no longer names go.
    A file that has the same content already is left as it is, so that a run that was stopped is taken up again.
    One writer at a time.

    Args:
        root: A folder of this machine, or a URL that `features.partitions.folder` opens.
        tell: Called with the parts done, all parts, and the account that is next (None at the end).
        clear: Whether files go that are no longer named; where others still read them, leave them to the next export.

    Raises:
        PartitionError: The place cannot be reached or written to, or another export wrote to it meanwhile.
    """
    place = open_folder(root)
    creatives, notes = load_creatives(store, settings)
    attributes = tuple((name, kind_of(name)) for name in creatives.columns if name not in KEY)
    accounts = creatives.groupby(KEY[:2], sort=False)
    parts, held, until = [], set(), []
    for done, ((promotion_type, account_id), own) in enumerate(accounts):
        tell(done, accounts.ngroups, str(account_id))
        metrics, found = resolve_metrics(store.metrics_of(promotion_type, account_id), own)
        notes = notes | {name: notes.get(name, 0) + count for name, count in found.items()}
        held |= {*metrics.columns}
        until.append(metrics["period_end"].max())
        own = pa.Table.from_pandas(own, creatives_columns(attributes), preserve_index=False)
        parts.append(_write_part(place, str(promotion_type), str(account_id), metrics, own))
    dataset = PartitionedDataset(
        root=place.root,
        parts=tuple(sorted(parts, key=lambda part: (part.promotion_type, part.account_id))),
        values=tuple(name for name in VALUES if name in held),
        attributes=attributes,
        until=pd.Series(until, dtype="datetime64[us]").max(),
        notes=notes,
        settings_fingerprint=load_fingerprint(settings),
    )
    _finish(place, dataset, clear=clear)
    tell(len(parts), len(parts), None)
    return dataset


def _write_part(
    place: Folder, promotion_type: str, account_id: str, metrics: pd.DataFrame, creatives: pa.Table
) -> Partition:
    columns = metrics_columns()
    month = metrics["period_start"].dt.year * 100 + metrics["period_start"].dt.month
    written = []
    for number, rows in metrics.groupby(month.to_numpy(), sort=True):
        table = pa.Table.from_pandas(rows.reindex(columns=columns.names), columns, preserve_index=False)
        year, month_of_year = divmod(int(number), 100)
        folder = metrics_folder(promotion_type, account_id, f"{year:04}-{month_of_year:02}")
        written.append(_write(place, folder, table))
    written.append(_write(place, creatives_folder(promotion_type, account_id), creatives))
    return Partition(
        promotion_type=promotion_type,
        account_id=account_id,
        metrics=tuple(path for path, _, _ in written[:-1]),
        creatives=written[-1][0],
        rows=len(metrics),
        bytes=sum(size for _, _, size in written),
        creative_count=len(creatives),
        sha256=together([sha256 for _, sha256, _ in written]),
    )


def together(sums: list[str]) -> str:
    """The sum of a part from those of its files, in their order."""
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def _write(place: Folder, folder: str, table: pa.Table) -> tuple[str, str, int]:
    """Path, sha256 and size of a file with these rows, which is there afterwards."""
    # Without pandas' own notes in it the file is the same whichever version of pandas wrote it.
    table = table.replace_schema_metadata(None)
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(table, sink, compression="zstd", row_group_size=ROWS_OF_A_GROUP)
    content = sink.getvalue().to_pybytes()
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"{folder}/part-{sha256[:16]}.parquet"
    if not _there(place, path, sha256):
        place.write(path, content)
    return path, sha256, len(content)


def _there(place: Folder, path: str, sha256: str) -> bool:
    """Whether the file is there and whole; its name alone does not say that nothing has happened to it since."""
    try:
        return hashlib.sha256(place.read(path)).hexdigest() == sha256
    except FileNotFoundError:
        return False


def _finish(place: Folder, dataset: PartitionedDataset, *, clear: bool = True) -> None:
    """The manifest, and then away with the files that it does not name."""
    there = [path for folder in ("metrics", "creatives") for path in place.find(folder)]
    # Where upper and lower case are one, a folder can be listed under the name of another account.
    named = {path.casefold() for part in dataset.parts for path in part.files}
    lost = named - {path.casefold() for path in there}
    if lost:
        raise PartitionError(
            f"{place.shown}/{min(lost)}: found no file where one was just written; expected to be alone here. "
            "Wait until the other export to this place has ended, then export again."
        )
    place.write(MANIFEST, write_manifest(dataset))
    if not clear:
        return
    place.remove(path for path in there if path.casefold() not in named and is_file_of_ours(path))
