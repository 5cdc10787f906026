"""Who else is at work in a workspace: what commands share is taken away only by one that is there alone.

Each holds a share of a lock on a file, which the system takes back from a process that dies.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import IO


class Presence:
    """One command among those that use the same files; a context, with whose end it is gone."""

    def __init__(self, file: Path | None, waits: Callable[[], None] = lambda: None) -> None:
        """Nobody is told yet.

        Args:
            file: What is locked; made where it is not there. None: there are no others.
            waits: Called before others have to be waited for.
        """
        self._file, self._waits = file, waits
        self._held: IO[str] | None = None

    def __enter__(self) -> Presence:
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._held = self._file.open("a+")
        return self

    def __exit__(self, *_: object) -> None:
        if self._held is not None:
            self._held.close()

    def join(self) -> None:
        """Be at work, with others or alone: from now on nothing is taken away. Waits while someone does that."""
        try:
            self._lock(fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            self._waits()
            self._lock(fcntl.LOCK_SH)
        except OSError:  # storage that has no locks: there nobody is ever alone
            return

    def alone(self) -> bool:
        """Whether nobody else is at work; then all who join wait until this one has joined or is gone.

        Ask when nothing of what others may take away is needed any more: by asking, this one is no longer at work.
        """
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _lock(self, how: int) -> None:
        if self._held is not None:
            fcntl.flock(self._held, how)
