"""A lock file by which commands in one workspace know of each other: shared while at work, exclusive to clear up.

Each command holds an advisory `flock` on the file: shared while it needs the files of the workspace, exclusive while it
removes some. The operating system releases the lock of a process that dies.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO


class WorkspaceLock:
    """The lock of one command; a context manager that releases it at its end."""

    def __init__(self, file: Path | None, before_wait: Callable[[], None] = lambda: None) -> None:
        """Open nothing yet.

        Args:
            file: What is locked; created where it is absent. None: there are no other commands.
            before_wait: Called before the lock has to be waited for.
        """
        self._file, self._before_wait = file, before_wait
        self._opened: IO[str] | None = None

    def __enter__(self) -> WorkspaceLock:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._opened = self._file.open("a+")
        return self

    def __exit__(self, *_: object) -> None:
        if self._opened is not None:
            self._opened.close()

    def share(self) -> None:
        """Take the lock shared: from now on no other command removes anything. Waits while one does."""
        try:
            self._lock(fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self._before_wait()
            self._lock(fcntl.LOCK_SH)
        except OSError:  # storage without locks: `try_exclusive` fails there, so nothing is ever removed
            return

    def try_exclusive(self) -> bool:
        """Take the lock exclusively if no other command holds it; others then wait until this one shares or ends.

        A failed try may release the shared lock: call it only when nothing is needed any more that others may remove.
        """
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _lock(self, operation: int) -> None:
        if self._opened is not None:
            fcntl.flock(self._opened, operation)
