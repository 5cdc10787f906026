"""Where everything that was read is kept: one DuckDB file, one writer, one transaction per import."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa

from features.errors import Problem, StoreError
from features.schema import KEY, ExportRead
from features.store.connection import ATTRIBUTE_KEY, NATURAL_KEY, READABLE, connect
from features.store.upsert import MergeCounts, merge_attributes, merge_metrics


@dataclass(frozen=True)
class ImportResult:
    """What one import did.

    Attributes:
        metrics: Rows of metrics, counted.
        attributes: Rows of attributes, counted.
        skipped: The store had this file, read in this same way; nothing was touched.
    """

    metrics: MergeCounts
    attributes: MergeCounts
    skipped: bool = False

    @property
    def revisions(self) -> int:
        """KnownFile values that were replaced or withdrawn."""
        return self.metrics.revisions + self.attributes.revisions


@dataclass(frozen=True)
class KnownFile:
    """A file that the store has: under which id, and how it was read."""

    file_id: int
    source: str
    fingerprint: str


@contextmanager
def open_store(path: Path | str, *, read_only: bool = False) -> Iterator[Store]:
    """The store in this file; made anew where there is none, unless read_only.

    Raises:
        StoreError: The file is no store, is one of another version, is in use, or (read_only) is not there;
            or the disk or the memory gave out on the way.
    """
    path = Path(path)
    with _failures_in_words(path), closing(connect(path, read_only=read_only)) as connection:
        yield Store(connection, path)


@contextmanager
def _failures_in_words(path: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreError(f"{path}: cannot go on: {error}. What was imported before is kept.") from error
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        # This is how DuckDB passes on Ctrl-C.
        raise KeyboardInterrupt from None


class Store:
    """An open store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._in_transaction = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is kept together or not at all; an inner one is part of the outer."""
        if self._in_transaction:
            yield
            return
        self._connection.begin()
        self._in_transaction = True
        try:
            yield
            self._connection.commit()
        except BaseException:
            self._roll_back()
            raise
        finally:
            self._in_transaction = False

    def add(self, read: ExportRead, fingerprint: str = "") -> ImportResult:
        """Take in what one file gave.

        The newest import wins value by value: a column the file does not have, or an empty cell, erases
        nothing. A known value that is replaced is logged as a revision. `fingerprint` says how the file was
        read: the same bytes read in the same way change nothing; read in another way they keep their place in
        the order of imports.
        """
        known = self.known(read.sha256, read.path)
        if known is not None and (known.source, known.fingerprint) == (read.source, fingerprint):
            return ImportResult(
                MergeCounts(unchanged=len(read.metrics)), MergeCounts(unchanged=len(read.attributes)), True
            )
        with self.transaction():
            at = _now()
            file_id = self._file_id(known)
            metrics = merge_metrics(self._connection, read.metrics, file_id, at)
            attributes = merge_attributes(self._connection, read.attributes, file_id, at)
            rejected = sum(problem.count for problem in read.problems if problem.severity == "row")
            self._do("DELETE FROM files WHERE file_id = $file_id", file_id=file_id)
            self._do(
                "INSERT INTO files VALUES ($file_id, $sha256, $path, $source, $fingerprint, $at, $rows, $rejected)",
                file_id=file_id,
                sha256=read.sha256,
                path=read.path,
                source=read.source,
                fingerprint=fingerprint,
                at=at,
                rows=len(read.metrics) + len(read.attributes),
                rejected=rejected,
            )
            self.reject(read.path, read.sha256, read.problems)
        return ImportResult(metrics, attributes)

    def withdraw(self, known: KnownFile) -> int:
        """Take back what only this file gave, because it can be read no more; revisions keep the values."""
        with self.transaction():
            at = _now()
            metrics = pd.DataFrame(columns=NATURAL_KEY, dtype="str")
            attributes = pd.DataFrame(columns=[*ATTRIBUTE_KEY, "value"], dtype="str")
            merged = merge_metrics(self._connection, metrics, known.file_id, at)
            merged_attributes = merge_attributes(self._connection, attributes, known.file_id, at)
            self._do("DELETE FROM files WHERE file_id = $file_id", file_id=known.file_id)
        return merged.withdrawn + merged_attributes.withdrawn

    def reject(self, path: str, sha256: str, problems: Sequence[Problem]) -> None:
        """Keep what was wrong with a file, in place of what was known to be wrong with it."""
        rows = [
            (
                sha256,
                path,
                p.severity,
                ",".join(map(str, p.rows)),
                p.count,
                p.column,
                p.found,
                p.expected,
                p.cure,
            )
            for p in problems
        ]
        with self.transaction():
            self._do("DELETE FROM rejects WHERE sha256 = $sha256", sha256=sha256)
            if rows:
                self._connection.executemany("INSERT INTO rejects VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def known(self, sha256: str, path: str) -> KnownFile | None:
        """The import of these bytes, if nothing newer has come under this path since.

        A sheet that is put back to what it was before counts as a new import.
        """
        rows = self._connection.execute(
            "SELECT file_id, source, fingerprint FROM files f WHERE sha256 = $sha256 AND NOT EXISTS "
            "(SELECT 1 FROM files n WHERE n.path = $path AND n.sha256 <> f.sha256 AND n.file_id > f.file_id) "
            "ORDER BY file_id DESC LIMIT 1",
            {"sha256": sha256, "path": path},
        ).fetchall()
        return KnownFile(*rows[0]) if rows else None

    def problems(self, sha256: str) -> list[Problem]:
        """What was wrong with a file when it was read."""
        rows = self._connection.execute(
            "SELECT severity, path, found, expected, cure, header, first_rows, row_count FROM rejects "
            "WHERE sha256 = $sha256 ORDER BY rowid",
            {"sha256": sha256},
        ).fetchall()
        return [
            Problem(
                severity=severity,
                file=path,
                found=found,
                expected=expected,
                cure=cure,
                column=header,
                rows=tuple(int(number) for number in first_rows.split(",") if number),
                count=count,
            )
            for severity, path, found, expected, cure, header, first_rows, count in rows
        ]

    def table(self, name: str) -> pd.DataFrame:
        """A table of the store as a frame; its columns are `store_schema.READABLE[name]`."""
        # By way of Arrow text is `str` even where there are no rows. Each column leaves Arrow as it becomes pandas':
        # the largest table is not held twice.
        return self.arrow(name).to_pandas(split_blocks=True, self_destruct=True)

    def units(self) -> pd.DataFrame:
        """The KEY of each creative with metrics, once."""
        return self._connection.sql(f"SELECT DISTINCT {', '.join(KEY)} FROM metrics").to_arrow_table().to_pandas()

    def metrics_of(self, promotion_type: str, account_id: str) -> pd.DataFrame:
        """The rows of `metrics` of one account and promotion type, as `table` gives them."""
        rows = self._connection.sql(
            f"SELECT {', '.join(READABLE['metrics'])} FROM metrics "
            "WHERE promotion_type = $promotion_type AND account_id = $account_id",
            params={"promotion_type": promotion_type, "account_id": account_id},
        )
        return rows.to_arrow_table().to_pandas()

    def select(self, query: str) -> pd.DataFrame:
        """The answer to a query of our own; what was read is never part of its text."""
        return self._connection.execute(query).df()

    def arrow(self, name: str) -> pa.Table:
        """A table of the store in Arrow's form."""
        return self._connection.sql(f"SELECT {', '.join(READABLE[name])} FROM {name}").to_arrow_table()

    def count(self, name: str) -> int:
        """Rows of a table."""
        return int(self._connection.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])

    def _file_id(self, known: KnownFile | None) -> int:
        if known is not None:
            return known.file_id
        return int(
            self._connection.execute(
                "SELECT greatest((SELECT max(file_id) FROM files), (SELECT max(file_id) FROM revisions), 0) + 1"
            ).fetchall()[0][0]
        )

    def _do(self, query: str, **parameters: object) -> None:
        self._connection.execute(query, parameters)

    def _roll_back(self) -> None:
        try:
            self._connection.rollback()
        except duckdb.Error:
            # An interrupted statement has already ended its transaction.
            return


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
