"""The manifest of a partitioned dataset: its partitions, its columns, and the names of its files and folders.

The manifest is written last and names every file by its content. A folder without a manifest is no dataset; a file that
the manifest does not name is not part of the dataset.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import ClassVar, Literal
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from features.bilingual import Words
from features.errors import PartitionError
from features.partitions.address import MANIFEST_NAME
from features.schema import ATTRIBUTES, KEY, NUMBERS, PERIOD, TIMES, VALUES

DATASET_FORMAT = 1
"""Raised with every change of the layout: a dataset of another format is refused, never converted."""

EXPORT_AGAIN_CURE = Words(
    "重新导出数据集：python -m features export {root} --partitioned。",
    "Export the dataset anew with `python -m features export {root} --partitioned`.",
)

MAX_FOLDER_NAME = 160
"""Maximum length of a partition value in a path; file systems allow 255 characters for the name of a folder."""

_ARROW = {"text": pa.string(), "number": pa.float64(), "time": pa.timestamp("us")}

_FILE = r"part-[0-9a-f]{16}\.parquet"


@dataclass(frozen=True)
class Partition:
    """One promotion type in one account, over all months.

    Attributes:
        promotion_type: Of all its rows.
        account_id: Of all its rows.
        metrics: Paths below the root, one per month.
        creatives: Path of its one file of creatives.
        rows: Number of rows of metrics.
        bytes: Size of all its files.
        creative_count: Number of rows of creatives.
        sha256: Hash of the content of its files; results computed from a partition are reused while it is the same.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid", strict=True)

    promotion_type: str
    account_id: str
    metrics: tuple[str, ...]
    creatives: str
    rows: int
    bytes: int
    creative_count: int
    sha256: str

    @property
    def name(self) -> str:
        """Return a short unique name that is safe as the name of a file."""
        key = json.dumps([self.promotion_type, self.account_id])
        plain = re.sub(r"[^A-Za-z0-9-]+", "_", f"{self.promotion_type}-{self.account_id}")[:40]
        return f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"

    @property
    def files(self) -> tuple[str, ...]:
        """Return all its paths, in the order in which `sha256` covers them."""
        return (*self.metrics, self.creatives)


@dataclass(frozen=True)
class PartitionedDataset:
    """A dataset as its manifest describes it.

    Attributes:
        root: Folder or URL from which other processes can open it; may contain a password, so it is never printed.
        parts: The partitions, sorted by promotion type and account.
        values: The value columns with a value in any partition, in the order of VALUES.
        attributes: The columns of creatives besides the KEY, each with its type: text, number or time.
        until: End of the last period; NaT without metrics.
        notes: Counts of what was resolved when the store was loaded, by name, over all partitions.
        settings_fingerprint: `features.store.load.load_fingerprint` of the settings under which the store was loaded.
    """

    root: str = field(repr=False)
    parts: tuple[Partition, ...]
    values: tuple[str, ...]
    attributes: tuple[tuple[str, str], ...]
    until: pd.Timestamp
    notes: dict[str, int]
    settings_fingerprint: str

    @property
    def fingerprint(self) -> str:
        """Return the sha256 of the manifest: equal for a copy elsewhere, different for any other content."""
        return hashlib.sha256(write_manifest(self)).hexdigest()


class _Head(BaseModel):
    application: Literal["gpmcast"]
    kind: Literal["partitioned"]
    format: int


class _Manifest(_Head):
    model_config = ConfigDict(extra="forbid", strict=True)

    settings: str
    until: str | None
    values: tuple[str, ...]
    attributes: tuple[tuple[str, Literal["text", "number", "time"]], ...]
    notes: dict[str, int]
    parts: tuple[Partition, ...]


def write_manifest(dataset: PartitionedDataset) -> bytes:
    """Serialise the manifest as JSON; it does not contain the root."""
    content = {
        "application": "gpmcast",
        "kind": "partitioned",
        "format": DATASET_FORMAT,
        "settings": dataset.settings_fingerprint,
        "until": None if pd.isna(dataset.until) else dataset.until.isoformat(),
        "values": dataset.values,
        "attributes": dataset.attributes,
        "notes": dict(sorted(dataset.notes.items())),
        "parts": [asdict(part) for part in dataset.parts],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def read_manifest(content: bytes, root: str, shown: str) -> PartitionedDataset:
    """Parse a manifest.

    Args:
        content: Its JSON.
        root: Folder or URL of the dataset.
        shown: The same without secrets, for messages.

    Raises:
        PartitionError: It is no manifest, has another format, or contains what no export writes.
    """
    where, cure = f"{shown}/{MANIFEST_NAME}", EXPORT_AGAIN_CURE.format(root=shown)

    def refused(found: str, zh: str) -> PartitionError:
        return PartitionError(f"{where}: found {found}. {cure.en}", zh=f"{where}：{zh}。处理：{cure.zh}")

    try:
        head = _Head.model_validate_json(content)
    except ValidationError:
        raise refused("no manifest of gpmcast in it; expected one", "不是 gpmcast 的数据集清单") from None
    if head.format != DATASET_FORMAT:
        zh = f"是别的版本的数据集（格式 {head.format}，应为 {DATASET_FORMAT}）"
        raise refused(f"format {head.format}; expected {DATASET_FORMAT}", zh)
    try:
        manifest = _Manifest.model_validate_json(content)
        until = pd.Timestamp("NaT") if manifest.until is None else _moment(manifest.until)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(step) for step in first["loc"])
        raise refused(f"at {at}: {first['msg']}; expected a whole manifest", f"清单不完整，{at} 这一项不对") from None
    except ValueError:
        raise refused("no time at until; expected one", "清单里 until 不是时间") from None
    for wrong in _wrong(manifest):
        raise refused(wrong, f"清单里有导出不会写的内容（{wrong}）")
    return PartitionedDataset(
        root, manifest.parts, manifest.values, manifest.attributes, until, manifest.notes, manifest.settings
    )


def _moment(text: str) -> pd.Timestamp:
    """Parse a time that `write_manifest` wrote; raise ValueError for other forms that pandas accepts, such as `now`."""
    moment = pd.Timestamp(text).as_unit("us")
    if pd.isna(moment) or moment.tzinfo is not None or moment.isoformat() != text:
        raise ValueError("not a time in the form that write_manifest writes")
    return moment


def _wrong(manifest: _Manifest) -> Iterator[str]:
    """Give descriptions of what no export would have written."""
    if list(manifest.values) != [name for name in VALUES if name in manifest.values]:
        yield f"the values {', '.join(manifest.values)}; expected some of {', '.join(VALUES)}, in this order"
    names = [name for name, _ in manifest.attributes]
    if len(set(names)) < len(names) or {*names} & {*KEY}:
        yield "an attribute twice; expected each once"
    for name, kind in manifest.attributes:
        if not (name in ATTRIBUTES or name.startswith("tag_")) or kind != value_type_of(name):
            yield f"the attribute {name} of kind {kind}; expected attributes and tags, each of its own kind"
    keys = [(part.promotion_type, part.account_id) for part in manifest.parts]
    if keys != sorted(set(keys)):
        yield "parts that are out of order or there twice; expected each once, in the order of their keys"
    for part in manifest.parts:
        months = [re.escape(metrics_folder(part.promotion_type, part.account_id, "")) + rf"(\d{{4}}-\d\d)/{_FILE}"]
        found = [re.fullmatch(months[0], path) for path in part.metrics]
        stray = [path for path, match in zip(part.metrics, found) if match is None]
        folder = re.escape(creatives_folder(part.promotion_type, part.account_id))
        if not re.fullmatch(f"{folder}/{_FILE}", part.creatives):
            stray.append(part.creatives)
        if stray:
            yield f"the path {stray[0]}; expected one in the folder of its own part, {part.name}"
        order = [match[1] for match in found if match]
        if order != sorted(set(order)):
            yield f"months of {part.name} that are out of order or there twice; expected each once"
        if min(part.rows, part.bytes, part.creative_count) < 0 or not re.fullmatch("[0-9a-f]{64}", part.sha256):
            yield f"a size below 0 or a sum that is no sha256 of {part.name}; expected neither"


def combined_sha256(sums: list[str]) -> str:
    """Return the sha256 of a partition from those of its files, in the order of `Partition.files`."""
    return hashlib.sha256("\n".join(sums).encode()).hexdigest()


def metrics_folder(promotion_type: str, account_id: str, month: str) -> str:
    """Return the folder of the metrics of one account and month (YYYY-MM)."""
    return f"metrics/{_partition(promotion_type, account_id)}/month={month}"


def creatives_folder(promotion_type: str, account_id: str) -> str:
    """Return the folder of the creatives of one account."""
    return f"creatives/{_partition(promotion_type, account_id)}"


def _partition(promotion_type: str, account_id: str) -> str:
    return f"promotion_type={folder_name(promotion_type)}/account_id={folder_name(account_id)}"


def folder_name(value: str) -> str:
    """Encode a value as the name of a folder: percent-encoded as in Hive, and cut if it is too long.

    A cut name ends in a hash of the whole value and is longer than every name that is not cut, so names are unique.
    """
    coded = quote(value, safe="").replace(".", "%2E")
    if len(coded) <= MAX_FOLDER_NAME:
        return coded
    whole = re.sub(r"%.?$", "", coded[:MAX_FOLDER_NAME])
    return f"{whole}~{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def is_dataset_file(path: str) -> bool:
    """Whether an export may have written this path; other files are never removed."""
    value, unfinished = r"[\w%~-]*", r"\.part-[0-9a-f]{16}\.parquet\.[0-9a-f]+"
    folder = rf"promotion_type={value}/account_id={value}"
    files = rf"({_FILE}|{unfinished})"
    return bool(re.fullmatch(rf"(metrics/{folder}/month=\d{{4}}-\d\d|creatives/{folder})/{files}", path, re.ASCII))


def value_type_of(attribute: str) -> Literal["text", "number", "time"]:
    """Return the type of an attribute's values; tags are text."""
    if attribute in TIMES:
        return "time"
    return "number" if attribute in NUMBERS else "text"


def metrics_columns() -> pa.Schema:
    """Return the columns of every file of metrics: all VALUES, so that a file does not depend on other accounts."""
    kinds = [(name, "time" if name in PERIOD[1:] else "text") for name in [*KEY, *PERIOD]]
    return _schema([*kinds, *((name, "number") for name in VALUES)])


def creatives_columns(attributes: tuple[tuple[str, str], ...]) -> pa.Schema:
    """Return the columns of every file of creatives."""
    return _schema([*((name, "text") for name in KEY), *attributes])


def _schema(kinds: list[tuple[str, str]]) -> pa.Schema:
    return pa.schema([(name, _ARROW[kind]) for name, kind in kinds])
