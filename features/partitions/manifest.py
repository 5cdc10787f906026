"""What a partitioned dataset is: its parts, its columns, and the manifest that says so.

The manifest is written last and names every file by its content. A folder without it is no dataset; a file that
it does not name is no part of one.
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

from features.errors import PartitionError
from features.schema import ATTRIBUTES, KEY, NUMBERS, PERIOD, TIMES, VALUES

MANIFEST = "_gpmcast.json"
FORMAT = 1
"""Raised with every change of the layout: a dataset of another format is refused, never converted."""

ANEW = "Export the dataset anew with `python -m features export {root} --partitioned`."

LONGEST = 160
"""Characters of a partition value in a path; file systems take 255 for a folder's whole name."""

_ARROW = {"text": pa.string(), "number": pa.float64(), "time": pa.timestamp("us")}

_FILE = r"part-[0-9a-f]{16}\.parquet"


@dataclass(frozen=True)
class Partition:
    """One promotion type in one account, over all months.

    Attributes:
        metrics: Paths below the root, by month.
        creatives: The path of its one file of creatives.
        rows: Rows of metrics.
        bytes: Size of all its files.
        creative_count: Rows of creatives.
        sha256: Over the content of its files: the same work on the same part need not be done twice.
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
        """Short, unlike that of any other part, and safe as the name of a file."""
        key = json.dumps([self.promotion_type, self.account_id])
        plain = re.sub(r"[^A-Za-z0-9-]+", "_", f"{self.promotion_type}-{self.account_id}")[:40]
        return f"{plain}-{hashlib.sha256(key.encode()).hexdigest()[:10]}"

    @property
    def files(self) -> tuple[str, ...]:
        """All its paths, in the order in which `sha256` takes them."""
        return (*self.metrics, self.creatives)


@dataclass(frozen=True)
class PartitionedDataset:
    """A dataset as its manifest describes it.

    Attributes:
        root: Where it is, as a worker elsewhere opens it again; may hold a password, so it is never printed.
        parts: Sorted by promotion type and account.
        values: The value columns that hold something in any part, in the order of VALUES.
        attributes: The columns of creatives besides the KEY, each with its kind: text, number or time.
        until: End of the last period; NaT where there are no metrics.
        notes: What was resolved on the way out of the store, counted by name over all parts.
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
        """sha256 of all that the manifest says: the same for a copy elsewhere, other for any other content."""
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
    """The manifest of a dataset as JSON; where the dataset is, is not in it."""
    content = {
        "application": "gpmcast",
        "kind": "partitioned",
        "format": FORMAT,
        "settings": dataset.settings_fingerprint,
        "until": None if pd.isna(dataset.until) else dataset.until.isoformat(),
        "values": dataset.values,
        "attributes": dataset.attributes,
        "notes": dict(sorted(dataset.notes.items())),
        "parts": [asdict(part) for part in dataset.parts],
    }
    return json.dumps(content, ensure_ascii=False, indent=1).encode()


def read_manifest(content: bytes, root: str, shown: str) -> PartitionedDataset:
    """The dataset that a manifest describes.

    Raises:
        PartitionError: It is no manifest, one of another format, or names what no export writes.
    """
    where, cure = f"{shown}/{MANIFEST}", ANEW.format(root=shown)
    try:
        head = _Head.model_validate_json(content)
    except ValidationError:
        raise PartitionError(f"{where}: found no manifest of gpmcast in it; expected one. {cure}") from None
    if head.format != FORMAT:
        raise PartitionError(f"{where}: found format {head.format}; expected {FORMAT}. {cure}")
    try:
        said = _Manifest.model_validate_json(content)
        until = pd.NaT if said.until is None else _moment(said.until)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(str(step) for step in first["loc"])
        raise PartitionError(f"{where}: found at {at}: {first['msg']}; expected a whole manifest. {cure}") from None
    except ValueError:
        raise PartitionError(f"{where}: found no time at until; expected one. {cure}") from None
    for wrong in _wrong(said):
        raise PartitionError(f"{where}: found {wrong}. {cure}")
    return PartitionedDataset(root, said.parts, said.values, said.attributes, until, said.notes, said.settings)


def _moment(text: str) -> pd.Timestamp:
    """A time as `write_manifest` writes it; ValueError for all else that pandas takes for one, such as `now`."""
    moment = pd.Timestamp(text).as_unit("us")
    if pd.isna(moment) or moment.tzinfo is not None or moment.isoformat() != text:
        raise ValueError("no time, or written in another way, which may mean another one each day")
    return moment


def _wrong(said: _Manifest) -> Iterator[str]:
    """What in a manifest no export would have written."""
    if list(said.values) != [name for name in VALUES if name in said.values]:
        yield f"the values {', '.join(said.values)}; expected some of {', '.join(VALUES)}, in this order"
    names = [name for name, _ in said.attributes]
    if len(set(names)) < len(names) or {*names} & {*KEY}:
        yield "an attribute twice; expected each once"
    for name, kind in said.attributes:
        if not (name in ATTRIBUTES or name.startswith("tag_")) or kind != kind_of(name):
            yield f"the attribute {name} of kind {kind}; expected attributes and tags, each of its own kind"
    keys = [(part.promotion_type, part.account_id) for part in said.parts]
    if keys != sorted(set(keys)):
        yield "parts that are out of order or there twice; expected each once, in the order of their keys"
    for part in said.parts:
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


def metrics_folder(promotion_type: str, account_id: str, month: str) -> str:
    """Where the metrics of one account and month (YYYY-MM) are."""
    return f"metrics/{_partition(promotion_type, account_id)}/month={month}"


def creatives_folder(promotion_type: str, account_id: str) -> str:
    """Where the creatives of one account are."""
    return f"creatives/{_partition(promotion_type, account_id)}"


def _partition(promotion_type: str, account_id: str) -> str:
    return f"promotion_type={as_path(promotion_type)}/account_id={as_path(account_id)}"


def as_path(value: str) -> str:
    """A value as one folder's name can hold it: in Hive's percent code, and cut where it is too long.

    What is cut ends in a sum of the whole and is longer than all that is not, so no two values meet.
    """
    coded = quote(value, safe="").replace(".", "%2E")
    if len(coded) <= LONGEST:
        return coded
    whole = re.sub(r"%.?$", "", coded[:LONGEST])
    return f"{whole}~{hashlib.sha256(value.encode()).hexdigest()[:32]}"


def is_file_of_ours(path: str) -> bool:
    """Whether an export may have written this path: what is not so is left alone."""
    value, unfinished = r"[\w%~-]*", r"\.part-[0-9a-f]{16}\.parquet\.[0-9a-f]+"
    folder = rf"promotion_type={value}/account_id={value}"
    files = rf"({_FILE}|{unfinished})"
    return bool(re.fullmatch(rf"(metrics/{folder}/month=\d{{4}}-\d\d|creatives/{folder})/{files}", path, re.ASCII))


def kind_of(attribute: str) -> Literal["text", "number", "time"]:
    """What the values of an attribute are; tags are text."""
    if attribute in TIMES:
        return "time"
    return "number" if attribute in NUMBERS else "text"


def metrics_columns() -> pa.Schema:
    """The columns of every file of metrics: all values, so that no file changes when another account gets one."""
    kinds = [(name, "time" if name in PERIOD[1:] else "text") for name in [*KEY, *PERIOD]]
    return _schema([*kinds, *((name, "number") for name in VALUES)])


def creatives_columns(attributes: tuple[tuple[str, str], ...]) -> pa.Schema:
    """The columns of every file of creatives."""
    return _schema([*((name, "text") for name in KEY), *attributes])


def _schema(kinds: list[tuple[str, str]]) -> pa.Schema:
    return pa.schema([(name, _ARROW[kind]) for name, kind in kinds])
