"""Writing the ledger: one connection that writes records, tries the database, and removes old rows."""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import orjson
import sqlalchemy as sa

from serving.ledger.record import LedgerRecord, RecordedModel
from serving.ledger.tables import ANSWERS, MODELS, connect, make_tables, sqlite_file

CHECKPOINT_SECONDS = 1.0
PRUNED_ROWS = 200
"""Rows removed in one transaction: answers wait for it."""


class Database:
    """The database of one ledger, for one thread. Nothing is opened before the first call."""

    def __init__(self, url: str) -> None:
        """Check the URL; raises ConfigError."""
        self._engine = connect(url)
        insert: Callable[[sa.Table], Any]  # a batch whose commit was not confirmed is written again
        if self._engine.dialect.name == "sqlite":
            from sqlalchemy.dialects.sqlite import insert
        else:  # the other one is not imported: it takes a tenth of a second of a start
            from sqlalchemy.dialects.postgresql import insert
        self._insert_answers = insert(ANSWERS).on_conflict_do_nothing()
        models = insert(MODELS)
        key, about = [MODELS.c.model, MODELS.c.version], {"about": models.excluded.about}
        # A row of an earlier version of the service is completed.
        self._insert_models = models.on_conflict_do_update(index_elements=key, set_=about)
        self._connection: sa.Connection | None = None
        self._known: set[tuple[str, str]] = set()  # models whose row is there
        self._file = sqlite_file(self._engine)
        self._inode: int | None = None
        self._checkpoints = Checkpoints(self._engine) if self._file is not None else None

    def write(self, records: Sequence[LedgerRecord]) -> None:
        """Insert these records in one transaction; rows that are there already are skipped.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: The database does not take them.
            ValueError, TypeError: The driver does not take one of them.
        """
        try:
            self._write(records)
        except sa.exc.DBAPIError as error:
            if not error.connection_invalidated:
                raise
            self._write(records)  # the server was started anew: SQLAlchemy connects again
        if self._checkpoints is not None:
            self._checkpoints.due()

    def _write(self, records: Sequence[LedgerRecord]) -> None:
        connection = self._connected()
        models = {(record.model.name, record.model.version): record.model for record in records}
        fresh = [model for key, model in models.items() if key not in self._known]
        rows = [row for record in records for row in _rows(record)]
        with connection.begin():
            if fresh:
                connection.execute(self._insert_models, [_model_row(model) for model in fresh])
            if rows:
                connection.execute(self._insert_answers, rows)
        self._known |= models.keys()

    def probe(self) -> None:
        """Insert a row and take it back: raises where the database does not take rows."""
        texts = {column.name: "" for column in ANSWERS.columns if isinstance(column.type, sa.String)}
        connection = self._connected()
        with connection.begin() as transaction:
            connection.execute(self._insert_answers, {**texts, "place": 0, "features": b"", "age_hours": 0.0})
            transaction.rollback()

    def prune(self, before: str) -> int:
        """Remove the oldest answers before a time (ISO, UTC), at most PRUNED_ROWS; how many."""
        key = (ANSWERS.c.request_id, ANSWERS.c.place)
        oldest = sa.select(*key).where(ANSWERS.c.at < before).order_by(ANSWERS.c.at).limit(PRUNED_ROWS)
        connection = self._connected()
        with connection.begin():
            return connection.execute(sa.delete(ANSWERS).where(sa.tuple_(*key).in_(oldest))).rowcount

    def close(self) -> None:
        """Close the connections."""
        if self._checkpoints is not None:
            self._checkpoints.close()
        if self._connection is not None:
            with suppress(sa.exc.SQLAlchemyError):
                self._connection.close()
        self._engine.dispose()

    def _connected(self) -> sa.Connection:
        if self._connection is not None and self._inode != self._found_inode():
            self._connection.invalidate()  # the file was moved or removed: what is written to it would not be found
            self._connection.close()
            self._connection = None
            self._engine.dispose()
        if self._connection is None:
            make_tables(self._engine)
            self._known = set()
            self._connection = self._engine.connect()
            self._inode = self._found_inode()
        return self._connection

    def _found_inode(self) -> int | None:
        if self._file is None:
            return None
        try:
            return self._file.stat().st_ino
        except FileNotFoundError:
            return -1


class Checkpoints:
    """Empties SQLite's write-ahead log into the file, in a thread: answers do not wait for the disk meanwhile.

    It needs no lock that writers wait for (`PASSIVE`). What it cannot finish under load, the writing connection does
    at `serving.ledger.tables.MOST_PAGES`.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._due = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger-checkpoints", daemon=True)
        self._thread.start()

    def due(self) -> None:
        """Something was written."""
        self._due.set()

    def close(self) -> None:
        """Stop."""
        self._closing.set()
        self._due.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(CHECKPOINT_SECONDS):
            self._due.wait()
            self._due.clear()
            with suppress(sa.exc.SQLAlchemyError, sqlite3.Error):  # the writing connection says what is wrong
                connection = self._engine.raw_connection()
                try:
                    connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)")
                finally:
                    connection.close()


def _rows(record: LedgerRecord) -> Iterator[dict[str, object]]:
    for place, creative in enumerate(record.creatives):
        yield {
            "request_id": record.request_id,
            "place": place,
            "at": record.at,
            "caller": record.caller,
            "endpoint": record.endpoint,
            "model": record.model.name,
            "version": record.model.version,
            "input_sha256": record.input_sha256,
            "promotion_type": creative.promotion_type,
            "account_id": creative.account_id,
            "creative_id": creative.creative_id,
            "age_hours": creative.age_hours,
            "cutoff": creative.cutoff,
            "features": creative.features,
            "answer": creative.answer.decode(),
        }


def _model_row(model: RecordedModel) -> dict[str, object]:
    return {
        "model": model.name,
        "version": model.version,
        "features": orjson.dumps(list(model.features)).decode(),
        "about": orjson.dumps(dict(model.about)).decode(),
    }
