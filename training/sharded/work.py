"""Tables that the steps of a run leave for the next: Arrow files in a folder that all workers see.

A table is there whole or not at all, under a name that says what it was made from: a run that was stopped finds what
is done, and a step that is done twice leaves the same.
"""

import re
from collections.abc import Collection
from hashlib import sha256

import pandas as pd
import pyarrow as pa

from features.errors import PartitionError
from features.partitions.folder import Folder, open_folder

MARK = "mark"

_OURS = re.compile(rf"(.*/)?(\.?[^/]+\.arrow(\.\w+)?|\.?{MARK}(\.\w+)?)")
"""Files that are left here, whole or half-written by a process that was killed; what is not so is not touched."""


class Work:
    """A folder of tables."""

    def __init__(self, root: str) -> None:
        """Nothing is made yet."""
        self.root = root
        self._place: Folder = open_folder(root)

    def done(self, name: str) -> bool:
        """Whether this table is there."""
        return self._place.has(f"{name}.arrow")

    def put(self, name: str, table: pd.DataFrame) -> None:
        """Leave a table."""
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(arrow)
        self._place.write(f"{name}.arrow", sink.getvalue().to_pybytes())

    def get(self, name: str) -> pd.DataFrame:
        """A table that is there.

        Raises:
            PartitionError: It is not, or cannot be read.
        """
        try:
            content = self._place.read(f"{name}.arrow")
            table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        except (pa.ArrowException, FileNotFoundError):
            raise PartitionError(
                f"{self._place.shown}/{name}.arrow: found no whole table, which an earlier step left there; something "
                "removed or changed it. Remove that folder and run the same command again."
            ) from None
        if not len(table):  # a column without a single chunk is more than pandas' joins can take
            table = pa.table([pa.chunked_array([pa.array([], kind)]) for kind in table.schema.types], table.schema)
        return table.to_pandas()

    def leave_mark(self, said: str) -> None:
        """Leave a line that workers look for, to see whether they see this folder."""
        self._place.write(MARK, said.encode())

    def mark(self) -> str | None:
        """That line; None where it is not seen."""
        return self._place.read(MARK).decode() if self._place.has(MARK) else None

    def remove(self, folder: str) -> None:
        """Take away the tables of a folder."""
        self._place.remove(self._place.find(folder))

    def keep(self, folders: Collection[str]) -> None:
        """Take away all tables but those of these folders, and the mark; files of others stay."""
        found = [name for name in self._place.find("") if name.partition("/")[0] not in folders]
        self._place.remove([name for name in found if _OURS.fullmatch(name)])


def key_of(*told: object) -> str:
    """A short name for all that a step depends on."""
    return sha256("\n".join(map(str, told)).encode()).hexdigest()[:16]


def frame_key(table: pd.DataFrame) -> str:
    """A short name for the content of a frame."""
    hashed = pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
    return sha256(hashed + "\n".join(table.columns).encode()).hexdigest()[:16]
