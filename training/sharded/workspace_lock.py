"""A lock file shared by the commands of one workspace while they work, and exclusive while one removes files.

Each command holds the lock shared while it needs the files of the workspace, and exclusively while it removes some. The
lock is a transaction on a small SQLite file (`filelock.ReadWriteLock`); that of a process that dies is released.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from filelock import ReadWriteLock, Timeout


class WorkspaceLock:
    """The lock of one command; a context manager that releases it at its end."""

    def __init__(self, file: Path | None, before_wait: Callable[[], None] = lambda: None) -> None:
        """Open nothing yet.

        Args:
            file: What is locked; created where it is absent. None: there are no other commands.
            before_wait: Called before the lock has to be waited for.
        """
        self._file, self._before_wait = file, before_wait
        self._lock: ReadWriteLock | None = None
        self._holds = False

    def __enter__(self) -> WorkspaceLock:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._lock = ReadWriteLock(self._file, is_singleton=False)
        return self

    def __exit__(self, *_: object) -> None:
        self._release()
        if self._lock is not None:
            self._lock.close()

    def share(self) -> None:
        """Take the lock shared: from now on no other command removes anything. Waits while one does."""
        if self._lock is None:
            return
        self._release()
        try:
            self._lock.acquire_read(blocking=False)
        except Timeout:
            self._before_wait()
            self._lock.acquire_read()
        except (OSError, sqlite3.Error):  # storage without locks: `try_exclusive` fails there, so nothing is removed
            return
        self._holds = True

    def try_exclusive(self) -> bool:
        """Take the lock exclusively if no other command holds it; others then wait until this one shares or ends.

        The shared lock is released first, also where the try fails: call it only when nothing is needed any more that
        others may remove.
        """
        if self._lock is None:
            return True
        self._release()
        try:
            self._lock.acquire_write(blocking=False)
        except (Timeout, OSError, sqlite3.Error):
            return False
        self._holds = True
        return True

    def _release(self) -> None:
        if self._lock is not None and self._holds:
            self._lock.release()
        self._holds = False
