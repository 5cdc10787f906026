"""Merge the rows of one file into the store: insert new ones, update known ones, withdraw those it no longer has.

All SQL here consists of names from `features.schema` and `features.store.connection`; everything that was read is a
registered frame or a bound parameter.
"""

from dataclasses import dataclass
from datetime import datetime

import duckdb
import pandas as pd
import pyarrow as pa

from features.schema import VALUES
from features.store.connection import ATTRIBUTE_KEY, NATURAL_KEY

_REVISED = {
    "metrics": "grain, period_start, period_end, '{name}', NULL",
    "attributes": "NULL, NULL, NULL, name, origin",
}
"""Table → columns of a revision between the key and the values."""


@dataclass(frozen=True)
class MergeCounts:
    """Counts of one merge.

    Attributes:
        new: Rows that the store did not have.
        changed: Rows with a value that changed or was filled in.
        unchanged: Rows that the store already had.
        withdrawn: Rows that only an earlier import of this file gave and that it no longer has.
        revisions: Known values that were replaced or withdrawn.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    revisions: int = 0


def merge_metrics(
    connection: duckdb.DuckDBPyConnection, metrics: pd.DataFrame, file_id: int, at: datetime
) -> MergeCounts:
    """Merge rows of metrics by NATURAL_KEY, value by value."""
    given = [name for name in VALUES if name in metrics.columns]
    types = {**dict.fromkeys(NATURAL_KEY, "VARCHAR"), **dict.fromkeys(given, "DOUBLE")}
    types |= {"period_start": "TIMESTAMP", "period_end": "TIMESTAMP"}
    return _Merge(connection, "metrics", NATURAL_KEY, VALUES, given, file_id, at).run(metrics, types)


def merge_attributes(
    connection: duckdb.DuckDBPyConnection, attributes: pd.DataFrame, file_id: int, at: datetime
) -> MergeCounts:
    """Merge rows of attributes by ATTRIBUTE_KEY."""
    types = dict.fromkeys([*ATTRIBUTE_KEY, "value"], "VARCHAR")
    merge = _Merge(connection, "attributes", ATTRIBUTE_KEY, ["value"], ["value"], file_id, at)
    return merge.run(attributes, types)


@dataclass(frozen=True)
class _Merge:
    """One merge, inside the transaction of the caller.

    A missing value never erases a known one. Of two known values that of the newer file wins; a file that is read again
    (because its layout changed) keeps its place in the order of imports.

    Attributes:
        connection: The store.
        table: Name of the table.
        key: Its key columns.
        values: All its value columns.
        given: The value columns that the file has.
        file_id: Place of the file in the order of imports.
        at: Time of the import, UTC.
    """

    connection: duckdb.DuckDBPyConnection
    table: str
    key: list[str]
    values: list[str]
    given: list[str]
    file_id: int
    at: datetime

    def run(self, frame: pd.DataFrame, types: dict[str, str]) -> MergeCounts:
        self._stage(frame, types)
        withdrawn, lost = self._withdraw() if self._gave_before() else (0, 0)
        changed, matched, replaced = self._update()
        new = self._insert(matched)
        self.connection.execute("DROP TABLE incoming")
        return MergeCounts(new, changed, matched - changed, withdrawn, lost + replaced)

    def _stage(self, frame: pd.DataFrame, types: dict[str, str]) -> None:
        # Through Arrow, so that NaN, NaT and None are all NULL.
        self.connection.register("given", pa.Table.from_pandas(frame[list(types)], preserve_index=False))
        casts = ", ".join(f"CAST({name} AS {kind}) AS {name}" for name, kind in types.items())
        self._do(f"CREATE TEMP TABLE incoming AS SELECT {casts} FROM given")
        self.connection.unregister("given")
        names = ", ".join(self.key)
        repeated = f"SELECT {names} FROM incoming GROUP BY {names} HAVING count(*) > 1 LIMIT 1"
        rows = self.connection.execute(repeated).fetchall()
        if rows:
            raise ValueError(f"{self.table}: two rows were given for {rows[0]}")

    def _gave_before(self) -> bool:
        """Whether an earlier import of this file gave rows that no newer file has changed."""
        query = f"SELECT 1 FROM {self.table} WHERE file_id = $file_id AND first_file_id = $file_id LIMIT 1"
        return bool(self.connection.execute(query, {"file_id": self.file_id}).fetchall())

    def _withdraw(self) -> tuple[int, int]:
        """Delete rows that only an earlier import of this file gave; log their values as revisions.

        Returns:
            Number of rows deleted, and of values logged.
        """
        pairs = ", ".join(f"t.{name} AS old_{name}, NULL AS new_{name}" for name in self.values)
        withdrawn = self._do(
            f"CREATE TEMP TABLE gone AS SELECT t.rowid AS place, {self._table_keys()}, {pairs} FROM {self.table} t "
            f"ANTI JOIN incoming i ON {self._keys_equal()} "
            "WHERE t.file_id = $file_id AND t.first_file_id = $file_id",
            file_id=self.file_id,
        )
        lost = sum(self._log("gone", name) for name in self.values) if withdrawn else 0
        if withdrawn:
            self._do(f"DELETE FROM {self.table} USING gone WHERE {self.table}.rowid = place")
        self.connection.execute("DROP TABLE gone")
        return withdrawn, lost

    def _update(self) -> tuple[int, int, int]:
        """Update rows that the store has.

        Returns:
            Number of rows changed, of rows matched, and of known values replaced.
        """
        pairs = "".join(
            f", t.{name} AS old_{name}, CASE WHEN t.file_id > $file_id THEN coalesce(t.{name}, i.{name}) "
            f"ELSE coalesce(i.{name}, t.{name}) END AS new_{name}"
            for name in self.given
        )
        matched = self._do(
            "CREATE TEMP TABLE matched AS SELECT t.rowid AS place, t.file_id < $file_id AS older, "
            f"{self._table_keys()}{pairs} FROM incoming i JOIN {self.table} t ON {self._keys_equal()}",
            file_id=self.file_id,
        )
        if not matched:  # the usual case: all rows are new
            self.connection.execute("DROP TABLE matched")
            return 0, 0, 0
        differs = " OR ".join(f"new_{name} IS DISTINCT FROM old_{name}" for name in self.given) or "false"
        changed = self._do(f"CREATE TEMP TABLE changed AS SELECT * FROM matched WHERE {differs}")
        replaced = sum(self._log("changed", name) for name in self.given) if changed else 0
        if changed:
            values = ", ".join(f"{name} = new_{name}" for name in self.given)
            self._do(f"UPDATE {self.table} SET {values} FROM changed WHERE {self.table}.rowid = changed.place")
        self._do(
            f"UPDATE {self.table} SET file_id = $file_id FROM matched WHERE {self.table}.rowid = place AND older",
            file_id=self.file_id,
        )
        self.connection.execute("DROP TABLE matched; DROP TABLE changed")
        return changed, matched, replaced

    def _insert(self, matched: int) -> int:
        names = ", ".join([*self.key, *self.given])
        unknown = f"ANTI JOIN {self.table} t ON {self._keys_equal()}" if matched else ""
        return self._do(
            f"INSERT INTO {self.table} ({names}, first_file_id, file_id) SELECT {names}, $file_id, $file_id "
            f"FROM incoming i {unknown}",
            file_id=self.file_id,
        )

    def _log(self, changes: str, name: str) -> int:
        """Log revisions of one value column; a value that was missing before is not a revision."""
        what = _REVISED[self.table].format(name=name)
        return self._do(
            f"INSERT INTO revisions SELECT promotion_type, account_id, creative_id, {what}, "
            f"CAST(old_{name} AS VARCHAR), CAST(new_{name} AS VARCHAR), $file_id, $at FROM {changes} "
            f"WHERE old_{name} IS NOT NULL AND new_{name} IS DISTINCT FROM old_{name}",
            file_id=self.file_id,
            at=self.at,
        )

    def _table_keys(self) -> str:
        return ", ".join(f"t.{name}" for name in self.key)

    def _keys_equal(self) -> str:
        return " AND ".join(f"t.{name} = i.{name}" for name in self.key)

    def _do(self, query: str, **parameters: object) -> int:
        """Execute a statement; return the number of rows that it inserted or changed."""
        rows = self.connection.execute(query, parameters or None).fetchall()
        return int(rows[0][0]) if rows else 0
