"""A partitioned dataset read back: what it holds, one part of it, or all of it; no file is believed unchecked."""

import hashlib
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from features.errors import PartitionError
from features.partitions.folder import Folder, open_folder
from features.partitions.manifest import (
    ANEW,
    MANIFEST,
    Partition,
    PartitionedDataset,
    creatives_columns,
    metrics_columns,
    read_manifest,
)
from features.partitions.writer import together, write_partitioned
from features.schema import KEY, PERIOD, Loaded

__all__ = [
    "Partition",
    "PartitionedDataset",
    "is_partitioned",
    "open_partitioned",
    "read_creatives",
    "read_part",
    "read_whole",
    "write_partitioned",
]

ASKED = 20
"""Most other files that are looked into for a column that is not as it should be in one."""


def is_partitioned(path: str) -> bool:
    """Whether there is the manifest of a dataset under this root."""
    return open_folder(path).has(MANIFEST)


def open_partitioned(root: str) -> PartitionedDataset:
    """The dataset under this root, as its manifest describes it; its files are looked at when they are read.

    Raises:
        PartitionError: The place cannot be reached, has no manifest, or one that cannot be used.
    """
    place = open_folder(root)
    try:
        content = place.read(MANIFEST)
    except FileNotFoundError:
        raise PartitionError(
            f"{place.shown}: found no {MANIFEST}; expected a dataset, which has one. If an export was stopped, start "
            f"it again. {ANEW.format(root=place.shown)}"
        ) from None
    return read_manifest(content, place.root, place.shown)


def read_part(dataset: PartitionedDataset, part: Partition) -> Loaded:
    """One part, as `features.store.load.load` gives it: with the columns of the whole dataset, and without notes.

    Raises:
        PartitionError: A file is not there, is damaged, or is not what the manifest says.
    """
    reader = _Reader(open_folder(dataset.root), dataset, part)
    wanted = [*KEY, *PERIOD, *dataset.values]
    months = [reader.read(path, metrics_columns()).select(wanted) for path in part.metrics]
    metrics = pa.concat_tables(months or [_nothing(wanted)]).to_pandas()
    creatives = reader.read(part.creatives, creatives_columns(dataset.attributes)).to_pandas()
    reader.check_whole(len(metrics), len(creatives))
    # Every row was checked by `check_metrics` when it was written, and the sums say that it is the same.
    return Loaded(metrics.sort_values([*KEY, "period_start"], ignore_index=True), creatives)


def read_creatives(dataset: PartitionedDataset, part: Partition) -> pd.DataFrame:
    """The creatives of one part alone.

    Raises:
        PartitionError: As in `read_part`.
    """
    reader = _Reader(open_folder(dataset.root), dataset, part)
    return reader.read(part.creatives, creatives_columns(dataset.attributes)).to_pandas()


def read_whole(dataset: PartitionedDataset) -> Loaded:
    """All parts: what `features.store.load.load` gives of the store that was exported.

    Raises:
        PartitionError: As in `read_part`.
    """
    loaded = [read_part(dataset, part) for part in dataset.parts]
    nothing = _nothing([*KEY, *PERIOD, *dataset.values]).to_pandas()
    no_creatives = creatives_columns(dataset.attributes).empty_table().to_pandas()
    metrics = pd.concat([one.metrics for one in loaded] or [nothing], ignore_index=True)
    creatives = pd.concat([one.creatives for one in loaded] or [no_creatives], ignore_index=True)
    return Loaded(metrics, creatives, dict(dataset.notes))


def _nothing(columns: list[str]) -> pa.Table:
    return metrics_columns().empty_table().select(columns)


class _Reader:
    """The files of one part, each compared with what the manifest says of it."""

    def __init__(self, place: Folder, dataset: PartitionedDataset, part: Partition) -> None:
        self.place, self.dataset, self.part = place, dataset, part
        self.sums: list[str] = []

    def read(self, path: str, columns: pa.Schema) -> pa.Table:
        """The rows of a file, unpacked only where its bytes are those that the manifest names."""
        try:
            content = self.place.read(path)
        except FileNotFoundError:
            cure = "If the dataset was exported again meanwhile, open it again."
            raise self._wrong(path, "no such file", "one, as the manifest names it", cure) from None
        try:
            file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
            found, rows = file.schema_arrow, _rows(file.metadata)
        except (pa.ArrowException, OSError):
            raise self._wrong(path, f"{len(content):,} bytes that are not Parquet", "a whole Parquet file") from None
        # Columns before the sum: what is wrong with them helps more than that something is.
        self._check_columns(path, found, columns)
        self._check_sum(path, content)
        # The sum may be one that a hostile manifest names, and a small file can hold more rows than memory does.
        most = self.part.creative_count if path == self.part.creatives else self.part.rows
        if rows > most:
            raise self._wrong(path, f"{rows:,} rows", f"at most {most:,}, as the manifest says of its part")
        try:
            table = file.read(columns=columns.names)
        except (pa.ArrowException, OSError):
            raise self._wrong(path, "pages that cannot be read", "a whole Parquet file") from None
        self._check_keys(path, table)
        return table.select(columns.names)

    def check_whole(self, rows: int, creative_count: int) -> None:
        """That the files together are the part that the manifest describes."""
        part, path = self.part, self.part.creatives
        if (rows, creative_count) != (part.rows, part.creative_count):
            found = f"{rows:,} rows and {creative_count:,} creatives in the files of this part"
            raise self._wrong(path, found, f"{part.rows:,} and {part.creative_count:,}, as the manifest says")
        if together(self.sums) != part.sha256:
            raise self._wrong(path, "files whose sum is not that of the manifest", f"the sha256 {part.sha256[:16]}…")

    def _check_sum(self, path: str, content: bytes) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        self.sums.append(sha256)
        if f"part-{sha256[:16]}.parquet" != path.rpartition("/")[2]:
            raise self._wrong(path, f"content with the sha256 {sha256[:16]}…", "the one that its name says")

    def _check_columns(self, path: str, found: pa.Schema, expected: pa.Schema) -> None:
        names = [*expected.names, *(name for name in found.names if name not in expected.names)]
        for name in names:
            here, there = _type(found, name), _type(expected, name)
            if here != there:
                others = self._others(path, name, there)
                raise self._wrong(path, f"column {name}: {here}", there, others)

    def _others(self, path: str, name: str, expected: str) -> str:
        """Which other partitions have a column as expected."""
        have = []
        others = [part for part in self.dataset.parts if part != self.part][:ASKED]
        for part in others:
            metrics = path in self.part.metrics
            there = part.metrics[0] if metrics and part.metrics else None if metrics else part.creatives
            found = self._schema(there)
            if found is not None and _type(found, name) == expected:
                have.append(f"{part.promotion_type}/{part.account_id}")
        if not others:
            return "There is no other partition to compare with."
        shown = ", ".join(have[:3]) + (f" and {len(have) - 3} more" if len(have) > 3 else "")
        return f"Of {len(others)} other partitions, {len(have)} have it so{': ' if have else ''}{shown}."

    def _schema(self, path: str | None) -> pa.Schema | None:
        try:
            if path is not None:
                return pyarrow.parquet.read_schema(pa.BufferReader(self.place.read(path)))
        except (pa.ArrowException, OSError, PartitionError):
            # This one has a fault of its own, and is named when it is read.
            return None
        return None

    def _check_keys(self, path: str, table: pa.Table) -> None:
        for name, expected in zip(KEY, [self.part.promotion_type, self.part.account_id]):
            for value in pc.unique(table[name]).to_pylist():
                if value != expected:
                    raise self._wrong(path, f"{name} {value!r}", f"{expected!r}, as its folder says")
        if path in self.part.metrics and len(table):
            month = path.rpartition("/month=")[2][:7]
            for value in _months(table):
                if value != month:
                    raise self._wrong(path, f"rows of {value}", f"rows of {month} alone, as its folder says")

    def _wrong(self, path: str, found: str, expected: str, cure: str = "") -> PartitionError:
        more = f"{cure} " if cure else ""
        root = self.place.shown
        return PartitionError(f"{root}/{path}: found {found}; expected {expected}. {more}{ANEW.format(root=root)}")


def _rows(said: Any) -> int:
    """What Parquet's own notes say will be unpacked, which goes by row groups, whatever stands above them."""
    return max(said.num_rows, sum(said.row_group(place).num_rows for place in range(said.num_row_groups)))


def _type(schema: pa.Schema, name: str) -> str:
    places = schema.get_all_field_indices(name)
    return "not there" if not places else "there twice" if len(places) > 1 else str(schema.field(places[0]).type)


def _months(table: pa.Table) -> Iterator[str]:
    bounds = pc.min_max(table["period_start"]).as_py()
    for moment in bounds.values():
        yield "no time" if moment is None else f"{moment.year:04}-{moment.month:02}"
