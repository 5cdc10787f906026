"""Append-only files of answers on their way to the database, so that a killed process loses none.

A record is appended before its answer is sent; a file is removed once the database holds its records. Each process
locks its own folder; a process that starts later reads the folders whose lock is free: their processes have ended.
"""

import fcntl
import os
import shutil
import struct
import uuid
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import orjson

from serving.ledger.tables import LedgerRecord

LOCK = "lock"
SUFFIX = ".spool"
FRAME = struct.Struct("<II")
"""Header of a record: bytes of JSON, bytes of feature values."""


def to_bytes(record: LedgerRecord) -> bytes:
    """A record as header, JSON, and feature values in little-endian float64."""
    content = {field.name: getattr(record, field.name) for field in fields(record) if field.name != "values"}
    text = orjson.dumps(content)
    values = np.ascontiguousarray(record.values, dtype="<f8").tobytes()
    return FRAME.pack(len(text), len(values)) + text + values


def from_bytes(content: bytes) -> Iterator[LedgerRecord]:
    """The records of a file; a record that was cut off ends it."""
    at = 0
    while at + FRAME.size <= len(content):
        text_bytes, value_bytes = FRAME.unpack_from(content, at)
        begin, at = at + FRAME.size, at + FRAME.size + text_bytes + value_bytes
        if at > len(content):
            return
        parsed = orjson.loads(content[begin : begin + text_bytes])
        values = np.frombuffer(content[begin + text_bytes : at], dtype="<f8")
        yield LedgerRecord(**parsed, values=values.reshape(len(parsed["answers"]), -1))


class Spool:
    """The folder of one process."""

    def __init__(self, root: Path) -> None:
        """Make and lock it.

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

    def append(self, record: LedgerRecord) -> None:
        """Write a record.

        Raises:
            OSError: The disk does not take it; no part of it stays in the file.
        """
        content = to_bytes(record)
        written = os.write(self._file, content)
        if written < len(content):
            os.ftruncate(self._file, os.fstat(self._file).st_size - written)
            raise OSError(f"{self._path}: the disk is full")

    def turn(self) -> list[Path]:
        """Start a new file; return the one before if it holds anything, to be removed once its records are written."""
        if os.fstat(self._file).st_size == 0:
            return []
        before = self._path
        os.close(self._file)
        self._open()
        return [before]

    def orphans(self) -> Iterator[tuple[Path, list[LedgerRecord]]]:
        """Folders of ended processes and their records; the caller removes a folder once its records are written."""
        for folder in sorted(self._root.iterdir()):
            if folder == self._folder or not (folder / LOCK).exists():
                continue
            with (folder / LOCK).open("r+") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    continue  # its process is running
                files = sorted(folder.glob(f"*{SUFFIX}"))
                yield folder, [record for path in files for record in from_bytes(path.read_bytes())]

    def close(self) -> None:
        """Release the folder; an empty one is removed."""
        os.close(self._file)
        if not any(_has_records(path) for path in self._folder.glob(f"*{SUFFIX}")):
            shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()  # last: from now on another process may read the folder


def _has_records(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except FileNotFoundError:  # written and removed meanwhile
        return False
