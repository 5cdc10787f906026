"""Read a partitioned dataset: its manifest, one partition, or all of it. Files are checked against the manifest."""

import hashlib
from collections.abc import Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from features.bilingual import Words
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME
from features.partitions.folder import Folder, open_folder
from features.partitions.manifest import (
    EXPORT_AGAIN_CURE,
    Partition,
    PartitionedDataset,
    combined_sha256,
    creatives_columns,
    metrics_columns,
    read_manifest,
)
from features.schema import KEY, PERIOD, Loaded

NOTHING_ELSE = Words("", "")
_OTHERS_COMPARED = 20
"""Other partitions whose columns are compared when a column of one file is wrong."""


def open_partitioned(root: str) -> PartitionedDataset:
    """Read the manifest of a dataset; its other files are not opened.

    Raises:
        PartitionError: The folder cannot be reached, or has no manifest that can be used.
    """
    folder = open_folder(root)
    try:
        content = folder.read(MANIFEST_NAME)
    except FileNotFoundError:
        cure = EXPORT_AGAIN_CURE.format(root=folder.printable)
        raise PartitionError(
            f"{folder.printable}: found no {MANIFEST_NAME}; expected a dataset, which has one. If an export was "
            f"stopped, start it again. {cure.en}",
            zh=f"{folder.printable}：没有 {MANIFEST_NAME}，不是数据集。处理：导出若中断过，再运行一次；{cure.zh}",
        ) from None
    return read_manifest(content, folder.root, folder.printable)


def read_part(dataset: PartitionedDataset, part: Partition) -> Loaded:
    """Read one partition as `features.store.load.load` gives it, with the columns of the whole dataset, without notes.

    Raises:
        PartitionError: A file does not exist, is damaged, or differs from the manifest.
    """
    reader = _PartitionReader(open_folder(dataset.root), dataset, part)
    wanted = [*KEY, *PERIOD, *dataset.values]
    months = [reader.read(path, metrics_columns()).select(wanted) for path in part.metrics]
    metrics = pa.concat_tables(months or [_no_metrics(wanted)]).to_pandas()
    creatives = reader.read(part.creatives, creatives_columns(dataset.attributes)).to_pandas()
    reader.check_whole(len(metrics), len(creatives))
    # `check_metrics` checked every row when it was written, and the hashes prove that nothing has changed since.
    return Loaded(metrics.sort_values([*KEY, "period_start"], ignore_index=True), creatives)


def read_creatives(dataset: PartitionedDataset, part: Partition) -> pd.DataFrame:
    """Read only the creatives of one partition.

    Raises:
        PartitionError: As in `read_part`.
    """
    reader = _PartitionReader(open_folder(dataset.root), dataset, part)
    return reader.read(part.creatives, creatives_columns(dataset.attributes)).to_pandas()


def read_whole(dataset: PartitionedDataset) -> Loaded:
    """Read all partitions: what `features.store.load.load` gives of the store that was exported.

    Raises:
        PartitionError: As in `read_part`.
    """
    loaded = [read_part(dataset, part) for part in dataset.parts]
    no_metrics = _no_metrics([*KEY, *PERIOD, *dataset.values]).to_pandas()
    no_creatives = creatives_columns(dataset.attributes).empty_table().to_pandas()
    metrics = pd.concat([one.metrics for one in loaded] or [no_metrics], ignore_index=True)
    creatives = pd.concat([one.creatives for one in loaded] or [no_creatives], ignore_index=True)
    return Loaded(metrics, creatives, dict(dataset.notes))


def _no_metrics(columns: list[str]) -> pa.Table:
    return metrics_columns().empty_table().select(columns)


class _PartitionReader:
    """Reads the files of one partition and compares each with the manifest."""

    def __init__(self, folder: Folder, dataset: PartitionedDataset, part: Partition) -> None:
        self.folder, self.dataset, self.part = folder, dataset, part
        self.sums: list[str] = []

    def read(self, path: str, columns: pa.Schema) -> pa.Table:
        """Read the rows of a file; decode them only if its bytes are those that the manifest names."""
        try:
            content = self.folder.read(path)
        except FileNotFoundError:
            cure = Words(
                "其间若重新导出过，再运行一次。", "If the dataset was exported again meanwhile, open it again."
            )
            zh = "没有这个文件，清单里有"
            raise self._error(path, "no such file", "one, as the manifest names it", zh, cure) from None
        try:
            file = pyarrow.parquet.ParquetFile(pa.BufferReader(content))
            found, rows = file.schema_arrow, _rows_to_decode(file.metadata)
        except (pa.ArrowException, OSError):
            found_bytes = f"{len(content):,} bytes that are not Parquet"
            raise self._error(path, found_bytes, "a whole Parquet file", "不是完整的 Parquet 文件") from None
        # Columns are checked before the hash: which column is wrong helps more than that something is.
        self._check_columns(path, found, columns)
        self._check_sha256(path, content)
        # A hostile manifest can name a matching hash, and a small file can decode to more rows than memory holds.
        limit = self.part.creative_count if path == self.part.creatives else self.part.rows
        if rows > limit:
            zh = f"有 {rows:,} 行，清单里最多 {limit:,} 行"
            raise self._error(path, f"{rows:,} rows", f"at most {limit:,}, as the manifest says of its part", zh)
        try:
            table = file.read(columns=columns.names)
        except (pa.ArrowException, OSError):
            raise self._error(path, "pages that cannot be read", "a whole Parquet file", "文件有损坏") from None
        self._check_keys(path, table)
        return table.select(columns.names)

    def check_whole(self, rows: int, creative_count: int) -> None:
        """Check that all files together are the partition that the manifest describes."""
        part, path = self.part, self.part.creatives
        if (rows, creative_count) != (part.rows, part.creative_count):
            found = f"{rows:,} rows and {creative_count:,} creatives in the files of this part"
            expected = f"{part.rows:,} and {part.creative_count:,}, as the manifest says"
            zh = f"有 {rows:,} 行、{creative_count:,} 个素材，清单里是 {part.rows:,} 行、{part.creative_count:,} 个"
            raise self._error(path, found, expected, zh)
        if combined_sha256(self.sums) != part.sha256:
            found, expected = "files whose sum is not that of the manifest", f"the sha256 {part.sha256[:16]}…"
            raise self._error(path, found, expected, "这一部分的文件与清单的校验和不符")

    def _check_sha256(self, path: str, content: bytes) -> None:
        sha256 = hashlib.sha256(content).hexdigest()
        self.sums.append(sha256)
        if f"part-{sha256[:16]}.parquet" != path.rpartition("/")[2]:
            found, expected = f"content with the sha256 {sha256[:16]}…", "the one that its name says"
            raise self._error(path, found, expected, "内容与文件名里的校验和不符")

    def _check_columns(self, path: str, found: pa.Schema, expected: pa.Schema) -> None:
        names = [*expected.names, *(name for name in found.names if name not in expected.names)]
        for name in names:
            here, there = _type_of(found, name), _type_of(expected, name)
            if here != there:
                others = self._compare_others(path, name, there)
                zh = f"{name} 列是 {here}，应为 {there}"
                raise self._error(path, f"column {name}: {here}", there, zh, others)

    def _compare_others(self, path: str, name: str, expected: str) -> Words:
        """State which other partitions have a column of the expected type."""
        matching = []
        others = [part for part in self.dataset.parts if part != self.part][:_OTHERS_COMPARED]
        for part in others:
            metrics = path in self.part.metrics
            counterpart = part.metrics[0] if metrics and part.metrics else None if metrics else part.creatives
            found = self._schema(counterpart)
            if found is not None and _type_of(found, name) == expected:
                matching.append(f"{part.promotion_type}/{part.account_id}")
        if not others:
            return Words("没有别的部分可以比较。", "There is no other partition to compare with.")
        shown = ", ".join(matching[:3]) + (f" and {len(matching) - 3} more" if len(matching) > 3 else "")
        return Words(
            f"另外 {len(others)} 个部分中 {len(matching)} 个是对的。",
            f"Of {len(others)} other partitions, {len(matching)} have it so{': ' if matching else ''}{shown}.",
        )

    def _schema(self, path: str | None) -> pa.Schema | None:
        try:
            if path is not None:
                return pyarrow.parquet.read_schema(pa.BufferReader(self.folder.read(path)))
        except (pa.ArrowException, OSError, PartitionError):
            # This file is damaged, too; it is reported when it is read itself.
            return None
        return None

    def _check_keys(self, path: str, table: pa.Table) -> None:
        for name, expected in zip(KEY, [self.part.promotion_type, self.part.account_id]):
            for value in pc.unique(table[name]).to_pylist():
                if value != expected:
                    zh = f"{name} 是 {value!r}，文件夹名说的是 {expected!r}"
                    raise self._error(path, f"{name} {value!r}", f"{expected!r}, as its folder says", zh)
        if path in self.part.metrics and len(table):
            month = path.rpartition("/month=")[2][:7]
            for value in _first_and_last_month(table):
                if value != month:
                    zh = f"有 {value} 的行，文件夹名说的是 {month}"
                    raise self._error(path, f"rows of {value}", f"rows of {month} alone, as its folder says", zh)

    def _error(self, path: str, found: str, expected: str, zh: str, cure: Words = NOTHING_ELSE) -> PartitionError:
        root = self.folder.printable
        again = EXPORT_AGAIN_CURE.format(root=root)
        more = f"{cure.en} " if cure.en else ""
        return PartitionError(
            f"{root}/{path}: found {found}; expected {expected}. {more}{again.en}",
            zh=f"{root}/{path}：{zh}。处理：{cure.zh}{again.zh}",
        )


def _rows_to_decode(metadata: pyarrow.parquet.FileMetaData) -> int:
    """Return the rows that decoding will give: it goes by the row groups, whatever the total in the footer."""
    groups = range(metadata.num_row_groups)
    return max(metadata.num_rows, sum(metadata.row_group(group).num_rows for group in groups))


def _type_of(schema: pa.Schema, name: str) -> str:
    places = schema.get_all_field_indices(name)
    return "not there" if not places else "there twice" if len(places) > 1 else str(schema.field(places[0]).type)


def _first_and_last_month(table: pa.Table) -> Iterator[str]:
    bounds = pc.min_max(table["period_start"]).as_py()
    for moment in bounds.values():
        yield "no time" if moment is None else f"{moment.year:04}-{moment.month:02}"
