"""Answers on their way to the ledger, in files: what was answered is not lost when a process is killed.

A record is appended before its answer goes out; the file is removed once the database has what is in it. A folder
belongs to the process that holds its lock; the next one to start takes in the folders of those that died.
"""

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from serving.ledger.record import Record, from_bytes

LOCK = "lock"
SUFFIX = ".spool"


class Spool:
    """The folder of one process."""

    def __init__(self, root: Path) -> None:
        """Make it.

        Args:
            root: Holds the folders of all processes.
        """
        self._root = root
        self._folder = root / uuid.uuid4().hex
        self._folder.mkdir(parents=True)
        self._lock = (self._folder / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._number = 0
        self._open()

    def _open(self) -> None:
        self._number += 1
        self._path = self._folder / f"{self._number:08d}{SUFFIX}"
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, record: Record) -> None:
        """Keep it; raises OSError where the disk does not take it."""
        content = record.to_bytes()
        written = os.write(self._file, content)
        if written < len(content):
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(f"{self._path}: the disk is full")

    def turn(self) -> list[Path]:
        """Begin a new file; the one before, if it holds anything: to be removed once its records are written."""
        if os.fstat(self._file).st_size == 0:
            return []
        before = self._path
        os.close(self._file)
        self._open()
        return [before]

    def orphans(self) -> Iterator[tuple[Path, list[Record]]]:
        """Folders of processes that are no more, and their records; the caller removes a folder it has taken in."""
        for folder in sorted(self._root.iterdir()):
            if folder == self._folder or not (folder / LOCK).exists():
                continue
            with (folder / LOCK).open("r+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue  # its process lives
                files = sorted(folder.glob(f"*{SUFFIX}"))
                yield folder, [record for path in files for record in from_bytes(path.read_bytes())]

    def close(self) -> None:
        """Let go; an empty spool leaves nothing behind."""
        os.close(self._file)
        if not any(_holds(path) for path in self._folder.glob(f"*{SUFFIX}")):
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()  # last: from now on another process may take the folder in


def _holds(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # written meanwhile
        return False
