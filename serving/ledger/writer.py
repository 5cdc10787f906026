"""Record every answer: appended to the spool before it is sent, written to the database by a thread."""

import logging
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from serving.ledger.spool import Spool
from serving.ledger.tables import LedgerRecord, connect, make_tables, write

log = logging.getLogger("gpmcast.serving")

KEPT, WAITING, LOST = "kept", "waiting", "lost"
BATCH = 200
"""Requests written in one transaction."""
PAUSE_SECONDS = 0.05
"""Between two writes, so that one transaction takes several answers."""
RETRY_SECONDS = 1.0


class Ledger:
    """The ledger of one process: spool, queue, and the thread that writes to the database.

    Attributes:
        healthy: Whether the database took the last write.
    """

    def __init__(
        self, url: str, spool: Path, most_waiting: int, on_write: Callable[[bool], None] = lambda up: None
    ) -> None:
        """Open it; a database that cannot be reached is tried again every second.

        Args:
            url: SQLAlchemy's.
            spool: Folder for answers that are not in the database yet.
            most_waiting: Most requests that may wait.
            on_write: Called after every attempt to write, with whether it succeeded.
        """
        self._engine = connect(url)
        self._spool = Spool(spool)
        self._most = most_waiting
        self._on_write = on_write
        self._waiting: deque[LedgerRecord] = deque()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._until = 0.0
        self._ready = False
        self._files: list[Path] = []
        self.healthy = True
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    def add(self, record: LedgerRecord) -> str:
        """Take a record.

        Returns:
            KEPT, WAITING while the database cannot be written, LOST where queue or disk is full.
        """
        with self._lock:
            if self._closing or len(self._waiting) >= self._most:
                return LOST
            try:
                self._spool.append(record)
            except OSError as error:
                log.error("ledger: an answer is not recorded: %s", error)
                return LOST
            self._waiting.append(record)
        self._wake.set()
        return KEPT if self.healthy else WAITING

    @property
    def waiting(self) -> int:
        """Requests not yet written."""
        return len(self._waiting)

    def close(self, seconds: float = 10.0) -> None:
        """Write the waiting records and stop; those not written in time stay in the spool for the next start."""
        with self._lock:
            self._until = time.monotonic() + seconds
            self._closing = True
        self._wake.set()
        self._thread.join(seconds + 2 * RETRY_SECONDS)
        self._spool.close()
        self._engine.dispose()

    def _run(self) -> None:
        while True:
            self._wake.wait(RETRY_SECONDS)
            self._wake.clear()
            done = self._write_all()
            if self._closing and (done or time.monotonic() > self._until):
                return
            time.sleep(PAUSE_SECONDS if done else RETRY_SECONDS)
            if self._closing:
                self._wake.set()

    def _write_all(self) -> bool:
        try:
            if not self._ready:
                make_tables(self._engine)
                self._write_orphans()
                self._ready = True
            while self._waiting:
                self._write_some()
        except (sa.exc.SQLAlchemyError, OSError) as error:
            if self.healthy:
                log.error("ledger: cannot be written, tried again every second: %s", str(error).splitlines()[0])
            self.healthy = False
        else:
            if not self.healthy:
                log.info("ledger: can be written again")
            self.healthy = True
        self._on_write(self.healthy)
        return self.healthy

    def _write_some(self) -> None:
        with self._lock:
            self._files += self._spool.turn()
            records = list(self._waiting)
        for first in range(0, len(records), BATCH):
            write(self._engine, records[first : first + BATCH])
        with self._lock:
            for _ in records:
                self._waiting.popleft()
        for path in self._files:  # all that was in them is written
            path.unlink(missing_ok=True)
        self._files = []

    def _write_orphans(self) -> None:
        for folder, records in self._spool.orphans():
            for first in range(0, len(records), BATCH):
                write(self._engine, records[first : first + BATCH])
            shutil.rmtree(folder, ignore_errors=True)
            if records:
                log.info("ledger: wrote %d answers of a process that was killed", len(records))
