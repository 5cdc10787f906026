"""Record every answer: a thread writes what has come in one transaction; an answer is sent once its commit is done."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from serving.ledger.database import PRUNED_ROWS, Database
from serving.ledger.record import LedgerRecord

log = logging.getLogger("gpmcast.serving")

KEPT, WAITING, LOST = "kept", "waiting", "lost"
QUEUE_BYTES = 64_000_000
BATCH_BYTES = 2_000_000
"""Records written in one transaction: other processes wait for the database's lock meanwhile."""
COMMIT_SECONDS = 1.0
"""An answer whose commit takes longer is sent before it, as WAITING."""
RETRY_SECONDS, CLOSING_RETRY_SECONDS = 1.0, 0.2
IDLE_SECONDS = 5.0
"""Without records, the database is tried that often."""
PRUNE_SECONDS, PRUNE_PAUSE_SECONDS = 3600.0, 0.5
"""Between two looks for answers that are too old, and between two removals while there are more."""
DATABASE_FAULTS = (sa.exc.OperationalError, sa.exc.TimeoutError, OSError, MemoryError)
"""Errors whose cause is never a record."""


OLD_SPOOL = Path("var/ledger-spool")
"""Where earlier versions kept answers on their way to the database."""
OLD_SPOOL_LEFT = (
    f"{OLD_SPOOL} holds answers that an earlier version did not write to the database. They are not read: start that "
    "version once with the same settings and end it by SIGTERM, or remove the folder"
)


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
        keep_days: int | None = None,
        on_up: Callable[[bool], None] = lambda up: None,
        on_lost: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Open it; a database that cannot be reached is tried again every second.

        Args:
            url: SQLAlchemy's, of SQLite or PostgreSQL.
            queue_bytes: Most bytes of records that may wait.
            keep_days: Answers older than this are removed; None: none are.
            on_up: Called with whether the database takes records, when that changes; from any thread.
            on_lost: Called with how many answers will never be in the database; from any thread.

        Raises:
            ConfigError: The URL cannot be used.
        """
        if any(file.stat().st_size for file in OLD_SPOOL.glob("*/*.spool")):
            log.warning("ledger: %s", OLD_SPOOL_LEFT)
        self._database = Database(url)
        self._most = queue_bytes
        self._keep_days = keep_days
        self._on_up = on_up
        self._on_lost = on_lost
        self._queue: deque[_Entry] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._until = float("inf")
        self._ended = False
        self._up = True
        self._told: bool | None = None
        self._writing_since = time.monotonic()
        self._prune_at = 0.0 if keep_days is not None else float("inf")
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
            self._tell(False)
            return WAITING
        timer = loop.call_later(COMMIT_SECONDS, self._too_late, entry)
        try:
            return await entry.outcome
        finally:
            timer.cancel()

    def close(self, seconds: float = 10.0) -> None:
        """Write the waiting records and stop; those not written in time are counted as lost."""
        self._until = time.monotonic() + seconds
        self._closing.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(seconds + RETRY_SECONDS)
        if self._thread.is_alive():  # it alone takes out of the queue, so its records stay there
            count = len(self._queue)
            log.error("ledger: a write hangs; %d answers may be lost", count)
            self._on_lost(count)

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
                    if self._closing.wait(RETRY_SECONDS):
                        time.sleep(CLOSING_RETRY_SECONDS)
        finally:
            self._give_up()
            self._database.close()

    def _turn(self) -> None:
        """Wait for records and write them; where none come, see whether the database would take one."""
        batch = self._next_batch()
        self._writing_since = time.monotonic()
        try:
            if batch:
                self._write(batch)
            else:
                self._database.probe()
            self._prune()
        finally:
            self._writing_since = float("inf")
        if not self._up:
            log.info("ledger: can be written again")
        self._up = True
        self._tell(True)

    def _next_batch(self) -> list[_Entry]:
        """The oldest records, which stay in the queue until they are written; empty where none came in time."""
        with self._changed:
            if not self._queue and not self._closing.is_set() and self._told is not None:
                self._changed.wait(min(IDLE_SECONDS, max(self._prune_at - time.monotonic(), 0.0)))
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
            self._database.write([entry.record for entry in batch])
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
            self._database.probe()  # raises where it is not the record
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
        self._say(batch, outcome)

    def _say(self, batch: Sequence[_Entry], outcome: str) -> None:
        """Tell those who wait for these records, unless they went on."""
        for loop in {entry.outcome.get_loop() for entry in batch}:
            with suppress(RuntimeError):  # the event loop has ended: nobody waits
                loop.call_soon_threadsafe(_settle, [e for e in batch if e.outcome.get_loop() is loop], outcome)

    def _prune(self) -> None:
        """Remove some of the answers that are too old, where it is time."""
        if self._keep_days is None or time.monotonic() < self._prune_at:
            return
        removed = 0
        try:
            before = datetime.now(UTC) - timedelta(days=self._keep_days)
            removed = self._database.prune(before.isoformat(timespec="microseconds"))
        except Exception as error:
            log.error("ledger: old answers cannot be removed, tried again in an hour: %s", _cause(error))
        pause = PRUNE_PAUSE_SECONDS if removed == PRUNED_ROWS else PRUNE_SECONDS
        self._prune_at = time.monotonic() + pause

    def _failed(self, error: Exception) -> None:
        if self._up:
            log.error("ledger: cannot be written, tried again every second: %s", _cause(error))
        self._up = False
        self._tell(False)
        with self._changed:
            waiting = [entry for entry in self._queue if not entry.outcome.done()]
        self._say(waiting, WAITING)

    def _give_up(self) -> None:
        """No record is taken any more; those that wait are lost."""
        with self._changed:
            ended, self._ended = self._ended, True
            rest = list(self._queue)
        if not ended and not self._closing.is_set():
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
