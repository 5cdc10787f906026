"""Intermediate tables of a run, as Arrow files in a folder that all workers reach.

A table is written atomically, under a name that is derived from its inputs: a run that was stopped finds what is done,
and a step that runs twice writes the same table.
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
"""Names of files written here, whole or by a process that was killed meanwhile; no other file is ever removed."""


class Work:
    """A folder of intermediate tables."""

    def __init__(self, root: str) -> None:
        """Create nothing yet."""
        self.root = root
        self._place: Folder = open_folder(root)

    def done(self, name: str) -> bool:
        """Whether this table exists."""
        return self._place.has(f"{name}.arrow")

    def put(self, name: str, table: pd.DataFrame) -> None:
        """Write a table."""
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, arrow.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as writer:
            writer.write_table(arrow)
        self._place.write(f"{name}.arrow", sink.getvalue().to_pybytes())

    def get(self, name: str) -> pd.DataFrame:
        """Read a table.

        Raises:
            PartitionError: It is absent, or cannot be read.
        """
        try:
            content = self._place.read(f"{name}.arrow")
            table = pa.ipc.open_file(pa.BufferReader(content)).read_all()
        except (pa.ArrowException, FileNotFoundError):
            raise PartitionError(
                f"{self._place.printable}/{name}.arrow: found no whole table, which an earlier step left there; "
                "something removed or changed it. Remove that folder and run the same command again.",
                zh=f"{self._place.printable}/{name}.arrow：前一步写的表不完整，被删过或改过。处理：删掉那个文件夹，再运行同一条命令。",
            ) from None
        if not len(table):  # pandas' joins fail on columns without a chunk
            table = pa.table([pa.chunked_array([pa.array([], kind)]) for kind in table.schema.types], table.schema)
        return table.to_pandas()

    def write_mark(self, text: str) -> None:
        """Write a line that workers read to check that they reach this folder."""
        self._place.write(MARK, text.encode())

    def read_mark(self) -> str | None:
        """That line; None where the folder or the line is not reached."""
        return self._place.read(MARK).decode() if self._place.has(MARK) else None

    def remove(self, folder: str) -> None:
        """Remove the tables of a folder."""
        self._place.remove(self._place.find(folder))

    def keep(self, folders: Collection[str]) -> None:
        """Remove all tables but those of these folders, and the mark; other files stay."""
        found = [name for name in self._place.find("") if name.partition("/")[0] not in folders]
        self._place.remove([name for name in found if _OURS.fullmatch(name)])


def key_of(*inputs: object) -> str:
    """A short hash of the inputs of a step."""
    return sha256("\n".join(map(str, inputs)).encode()).hexdigest()[:16]


def frame_key(table: pd.DataFrame) -> str:
    """A short hash of the content of a frame."""
    hashed = pd.util.hash_pandas_object(table, index=False).to_numpy().tobytes()
    return sha256(hashed + "\n".join(table.columns).encode()).hexdigest()[:16]
