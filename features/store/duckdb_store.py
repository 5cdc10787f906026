"""Keep everything that was read in one DuckDB file: one writer, one transaction per import."""

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
from features.store.accounts import CREATE_VIEWS
from features.store.connection import ATTRIBUTE_KEY, NATURAL_KEY, READABLE, connect
from features.store.upsert import MergeCounts, merge_attributes, merge_metrics


@dataclass(frozen=True)
class ImportResult:
    """Counts of one import.

    Attributes:
        metrics: Rows of metrics.
        attributes: Rows of attributes.
    """

    metrics: MergeCounts
    attributes: MergeCounts

    @property
    def revisions(self) -> int:
        """Number of known values that were replaced or withdrawn."""
        return self.metrics.revisions + self.attributes.revisions


@dataclass(frozen=True)
class KnownFile:
    """A file in the store.

    Attributes:
        file_id: Place in the order of imports.
        path: Where it was read.
        source: Name of the layout under which it was read.
        fingerprint: State of the layout, settings and code that read it, and what its path states
            (`features.store.ingest.fingerprint`).
    """

    file_id: int
    path: str
    source: str
    fingerprint: str


@contextmanager
def open_store(path: Path | str, *, read_only: bool = False) -> Iterator[Store]:
    """Open the store in this file; create it if there is none, unless read_only.

    Raises:
        StoreError: The file is no store, has another version, is in use, or (read_only) does not exist; or disk or
            memory ran out.
    """
    path = Path(path)
    with _as_store_errors(path), closing(connect(path, read_only=read_only)) as connection:
        connection.execute(CREATE_VIEWS)
        yield Store(connection, path)


@contextmanager
def _as_store_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
        raise StoreError(
            f"{path}: cannot go on: {error}. What was imported before is kept.",
            zh=f"{path}：数据库写不下去了（{error}）。已导入的还在。",
        ) from error
    except RuntimeError as error:
        if "interrupted" not in str(error):
            raise
        # DuckDB reports Ctrl-C as a RuntimeError.
        raise KeyboardInterrupt from None


class Store:
    """An open store."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path) -> None:
        self.path = path
        self._connection = connection
        self._in_transaction = False

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything inside, or nothing; a nested transaction is part of the outer one."""
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
        """Import what was read from one file.

        The newest import wins value by value: a column that the file does not have, or an empty cell, erases nothing.
        A known value that is replaced is logged as a revision.

        Args:
            read: The content of the file.
            fingerprint: How the file was read. The same bytes with the same fingerprint change nothing; with another
                one they are imported again at their old place in the order of imports.
        """
        known = self.known(read.sha256, read.path)
        if known is not None and (known.source, known.fingerprint) == (read.source, fingerprint):
            return ImportResult(MergeCounts(unchanged=len(read.metrics)), MergeCounts(unchanged=len(read.attributes)))
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
        """Delete the rows that only this file gave; revisions keep their values. Returns the number of rows."""
        with self.transaction():
            at = _now()
            metrics = pd.DataFrame(columns=NATURAL_KEY, dtype="str")
            attributes = pd.DataFrame(columns=[*ATTRIBUTE_KEY, "value"], dtype="str")
            merged = merge_metrics(self._connection, metrics, known.file_id, at)
            merged_attributes = merge_attributes(self._connection, attributes, known.file_id, at)
            self._do("DELETE FROM files WHERE file_id = $file_id", file_id=known.file_id)
        return merged.withdrawn + merged_attributes.withdrawn

    def reject(self, path: str, sha256: str, problems: Sequence[Problem]) -> None:
        """Store the problems of a file, in place of those stored for it before."""
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
        """Return the import of these bytes, unless other bytes were imported from this path since.

        So a sheet that is restored to an earlier state counts as a new import.
        """
        rows = self._connection.execute(
            "SELECT file_id, path, source, fingerprint FROM files f WHERE sha256 = $sha256 AND NOT EXISTS "
            "(SELECT 1 FROM files n WHERE n.path = $path AND n.sha256 <> f.sha256 AND n.file_id > f.file_id) "
            "ORDER BY file_id DESC LIMIT 1",
            {"sha256": sha256, "path": path},
        ).fetchall()
        return KnownFile(*rows[0]) if rows else None

    def problems(self, sha256: str) -> list[Problem]:
        """Return the stored problems of a file."""
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
        """Return a table as a frame with the columns `READABLE[name]`.

        Metrics and attributes from exports that name no account have the account that is known elsewhere for their
        creative (`features.store.accounts`).
        """
        # Through Arrow, text is `str` even without rows. `self_destruct` frees each column of the Arrow table after its
        # conversion, so that the largest table is not in memory twice.
        return self.arrow(name).to_pandas(split_blocks=True, self_destruct=True)

    def creative_keys(self) -> pd.DataFrame:
        """Return the distinct KEYs of creatives with metrics."""
        keys = self._connection.sql(f"SELECT DISTINCT {', '.join(KEY)} FROM named_metrics")
        return keys.to_arrow_table().to_pandas()

    def metrics_of(self, promotion_type: str, account_id: str) -> pd.DataFrame:
        """Return the rows of `metrics` of one account and promotion type, with the columns of `table`."""
        rows = self._connection.sql(
            f"SELECT {', '.join(READABLE['metrics'])} FROM named_metrics "
            "WHERE promotion_type = $promotion_type AND account_id = $account_id",
            params={"promotion_type": promotion_type, "account_id": account_id},
        )
        return rows.to_arrow_table().to_pandas()

    def select(self, query: str) -> pd.DataFrame:
        """Run a fixed query; text from files is never part of it."""
        return self._connection.execute(query).df()

    def arrow(self, name: str) -> pa.Table:
        """Return a table as an Arrow table with the columns `READABLE[name]`; see `table`."""
        view = f"named_{name}" if name in ("metrics", "attributes") else name
        return self._connection.sql(f"SELECT {', '.join(READABLE[name])} FROM {view}").to_arrow_table()

    def count(self, name: str) -> int:
        """Return the number of rows of a table."""
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
