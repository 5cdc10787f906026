"""Record every answer: a thread writes what has come in one transaction; an answer is sent once its commit is done."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import sqlalchemy as sa

from serving.ledger.record import LedgerRecord
from serving.ledger.tables import connect, make_tables, probe, write

log = logging.getLogger("gpmcast.serving")

KEPT, WAITING, LOST = "kept", "waiting", "lost"
QUEUE_BYTES = 64_000_000
BATCH_BYTES = 2_000_000
"""Records written in one transaction: others wait for the database's lock meanwhile."""
COMMIT_SECONDS = 1.0
"""An answer whose commit takes longer is sent before it, as WAITING."""
RETRY_SECONDS = 1.0
IDLE_SECONDS = 5.0
"""Without records, the database is tried that often."""
DATABASE_FAULTS = (sa.exc.OperationalError, sa.exc.TimeoutError, OSError, MemoryError)
"""Errors whose cause is never a record."""


@dataclass(frozen=True)
class _Entry:
    record: LedgerRecord
    outcome: asyncio.Future[str]


class Ledger:
    """The ledger of one process: the queue, and the thread that writes to the database."""

    def __init__(
        self,
        url: str,
        *,
        queue_bytes: int = QUEUE_BYTES,
        on_up: Callable[[bool], None] = lambda up: None,
        on_lost: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Open it; a database that cannot be reached is tried again every second.

        Args:
            url: SQLAlchemy's, of SQLite or PostgreSQL.
            queue_bytes: Most bytes of records that may wait.
            on_up: Called with whether the database takes records, when that changes; from any thread.
            on_lost: Called with how many answers will never be in the database; from any thread.

        Raises:
            ConfigError: The URL cannot be used.
        """
        self._engine = connect(url)
        self._most = queue_bytes
        self._on_up = on_up
        self._on_lost = on_lost
        self._queue: deque[_Entry] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._until = float("inf")
        self._ended = False
        self._has_tables = False
        self._up = True
        self._told: bool | None = None
        self._writing_since = float("inf")
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._thread.start()

    @property
    def healthy(self) -> bool:
        """Whether the database took the last write, and the one under way does not hang."""
        return self._up and not self._ended and time.monotonic() - self._writing_since < COMMIT_SECONDS

    @property
    def waiting_bytes(self) -> int:
        """Bytes of records not yet written."""
        return self._bytes

    async def record(self, record: LedgerRecord) -> str:
        """Take a record, and wait until it is in the database.

        Returns:
            KEPT: it is in the database. WAITING: the database does not take it now; it is written once it does, unless
            the process is killed before. LOST: the queue is full, the database refused it, or the ledger is closed.
        """
        loop = asyncio.get_running_loop()
        entry = _Entry(record, loop.create_future())
        if not self._put(entry):
            self._on_lost(1)
            return LOST
        if not self.healthy:
            return WAITING
        timer = loop.call_later(COMMIT_SECONDS, self._too_late, entry)
        try:
            return await entry.outcome
        finally:
            timer.cancel()

    def close(self, seconds: float = 10.0) -> None:
        """Write the waiting records and stop; those not written in time are lost, and counted."""
        self._until = time.monotonic() + seconds
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(seconds + RETRY_SECONDS)
        self._give_up()
        self._engine.dispose()

    def _put(self, entry: _Entry) -> bool:
        with self._changed:
            if self._ended or self._closing.is_set() or self._bytes + entry.record.size > self._most:
                return False
            self._queue.append(entry)
            self._bytes += entry.record.size
            self._changed.notify()
        return True

    def _too_late(self, entry: _Entry) -> None:
        _settle([entry], WAITING)
        self._tell(self.healthy)

    def _tell(self, up: bool) -> None:
        if up != self._told:
            self._told = up
            self._on_up(up)

    def _run(self) -> None:
        try:
            while not self._closing.is_set() or (self._queue and time.monotonic() < self._until):
                try:
                    self._turn()
                except Exception as error:  # whatever it is, the thread goes on
                    self._failed(error)
                    self._closing.wait(RETRY_SECONDS)
        finally:
            self._give_up()

    def _turn(self) -> None:
        """Wait for records and write them; where none come, see whether the database would take one."""
        batch = self._next_batch() if self._has_tables else []
        self._writing_since = time.monotonic()
        try:
            if not self._has_tables:
                make_tables(self._engine)
                self._has_tables = True
            elif batch:
                self._write(batch)
            else:
                probe(self._engine)
        finally:
            self._writing_since = float("inf")
        if not self._up:
            log.info("ledger: can be written again")
        self._up = True
        self._tell(True)

    def _next_batch(self) -> list[_Entry]:
        """The oldest records, which stay in the queue until they are written; empty where none came in time."""
        with self._changed:
            if not self._queue and not self._closing.is_set():
                self._changed.wait(IDLE_SECONDS)
            batch: list[_Entry] = []
            size = 0
            for entry in self._queue:
                if batch and size + entry.record.size > BATCH_BYTES:
                    break
                batch.append(entry)
                size += entry.record.size
        return batch

    def _write(self, batch: Sequence[_Entry]) -> None:
        """Write the first records of the queue; one that the database refuses is isolated by halving, and given up."""
        try:
            write(self._engine, [entry.record for entry in batch])
        except DATABASE_FAULTS:
            raise
        except Exception as error:
            if isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
                raise
            if len(batch) > 1:
                middle = len(batch) // 2
                self._write(batch[:middle])
                self._write(batch[middle:])
                return
            probe(self._engine)  # raises where it is not the record
            log.error("ledger: %s is refused and not recorded: %s", batch[0].record.request_id, _cause(error))
            self._take_out(batch, LOST)
        else:
            self._take_out(batch, KEPT)

    def _take_out(self, batch: Sequence[_Entry], outcome: str) -> None:
        """Remove the first records of the queue and tell those who wait."""
        with self._changed:
            for entry in batch:
                self._queue.popleft()
                self._bytes -= entry.record.size
        if outcome == LOST:
            self._on_lost(len(batch))
        for loop in {entry.outcome.get_loop() for entry in batch}:
            with suppress(RuntimeError):  # the event loop has ended: nobody waits
                loop.call_soon_threadsafe(_settle, [e for e in batch if e.outcome.get_loop() is loop], outcome)

    def _failed(self, error: Exception) -> None:
        if self._up:
            log.error("ledger: cannot be written, tried again every second: %s", _cause(error))
        self._up = False
        self._tell(False)

    def _give_up(self) -> None:
        """No record is taken any more; those that wait are lost."""
        with self._changed:
            self._ended = True
            rest = list(self._queue)
        if not self._closing.is_set():
            log.error("ledger: its thread has ended; answers are not recorded")
            self._tell(False)
        if rest:
            log.error("ledger: %d answers were not written and are lost", len(rest))
            self._take_out(rest, LOST)


def _settle(batch: Sequence[_Entry], outcome: str) -> None:
    for entry in batch:
        if not entry.outcome.done():
            entry.outcome.set_result(outcome)


def _cause(error: Exception) -> str:
    """First line of what the driver says; of other errors the type alone: their text may hold a record's content."""
    cause = getattr(error, "orig", None) or error
    if isinstance(error, DATABASE_FAULTS):
        return str(cause).splitlines()[0]
    return type(cause).__name__
