"""How one file's rows become part of the store: what is new, what changed, what the file no longer says.

All SQL here is made of names from `schema` and `store_schema`; everything that was read is a registered frame
or a bound parameter.
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
"""Table → what a revision of it says between the key and the values."""


@dataclass(frozen=True)
class MergeCounts:
    """What became of the rows of one frame, counted.

    Attributes:
        new: Rows the store did not have.
        changed: Rows of which a value changed or was filled in.
        unchanged: Rows the store had just so.
        withdrawn: Rows that only an earlier reading of this file gave, and that it gives no more.
        revisions: KnownFile values that were replaced or withdrawn.
    """

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    withdrawn: int = 0
    revisions: int = 0


def merge_metrics(
    connection: duckdb.DuckDBPyConnection, metrics: pd.DataFrame, file_id: int, at: datetime
) -> MergeCounts:
    """Rows of metrics into the store, by natural key and value by value."""
    given = [name for name in VALUES if name in metrics.columns]
    types = {**dict.fromkeys(NATURAL_KEY, "VARCHAR"), **dict.fromkeys(given, "DOUBLE")}
    types |= {"period_start": "TIMESTAMP", "period_end": "TIMESTAMP"}
    return _Merge(connection, "metrics", NATURAL_KEY, VALUES, given, file_id, at).run(metrics, types)


def merge_attributes(
    connection: duckdb.DuckDBPyConnection, attributes: pd.DataFrame, file_id: int, at: datetime
) -> MergeCounts:
    """Rows of attributes into the store, by unit, name and origin."""
    types = dict.fromkeys([*ATTRIBUTE_KEY, "value"], "VARCHAR")
    merge = _Merge(connection, "attributes", ATTRIBUTE_KEY, ["value"], ["value"], file_id, at)
    return merge.run(attributes, types)


@dataclass(frozen=True)
class _Merge:
    """One merge, inside the transaction of the caller.

    A missing value never erases a known one. Of two known values that of the newer file stands: a file read
    again (because its source config changed) keeps its place in the order of imports.
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
        """Whether an earlier reading of this file gave rows that nothing newer has changed."""
        query = f"SELECT 1 FROM {self.table} WHERE file_id = $file_id AND first_file_id = $file_id LIMIT 1"
        return bool(self.connection.execute(query, {"file_id": self.file_id}).fetchall())

    def _withdraw(self) -> tuple[int, int]:
        """What only an earlier reading of this same file gave is taken back; its values stay as revisions."""
        pairs = ", ".join(f"t.{name} AS old_{name}, NULL AS new_{name}" for name in self.values)
        withdrawn = self._do(
            f"CREATE TEMP TABLE gone AS SELECT t.rowid AS place, {self._of_t()}, {pairs} FROM {self.table} t "
            f"ANTI JOIN incoming i ON {self._same()} "
            "WHERE t.file_id = $file_id AND t.first_file_id = $file_id",
            file_id=self.file_id,
        )
        lost = sum(self._log("gone", name) for name in self.values) if withdrawn else 0
        if withdrawn:
            self._do(f"DELETE FROM {self.table} USING gone WHERE {self.table}.rowid = place")
        self.connection.execute("DROP TABLE gone")
        return withdrawn, lost

    def _update(self) -> tuple[int, int, int]:
        """Rows that changed, all rows that were there already, and known values that were replaced."""
        pairs = "".join(
            f", t.{name} AS old_{name}, CASE WHEN t.file_id > $file_id THEN coalesce(t.{name}, i.{name}) "
            f"ELSE coalesce(i.{name}, t.{name}) END AS new_{name}"
            for name in self.given
        )
        matched = self._do(
            "CREATE TEMP TABLE matched AS SELECT t.rowid AS place, t.file_id < $file_id AS older, "
            f"{self._of_t()}{pairs} FROM incoming i JOIN {self.table} t ON {self._same()}",
            file_id=self.file_id,
        )
        if not matched:  # as of most files: their rows are new
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
        unknown = f"ANTI JOIN {self.table} t ON {self._same()}" if matched else ""
        return self._do(
            f"INSERT INTO {self.table} ({names}, first_file_id, file_id) SELECT {names}, $file_id, $file_id "
            f"FROM incoming i {unknown}",
            file_id=self.file_id,
        )

    def _log(self, changes: str, name: str) -> int:
        """Revisions of one value; what was not known before is filled in, not revised."""
        what = _REVISED[self.table].format(name=name)
        return self._do(
            f"INSERT INTO revisions SELECT promotion_type, account_id, creative_id, {what}, "
            f"CAST(old_{name} AS VARCHAR), CAST(new_{name} AS VARCHAR), $file_id, $at FROM {changes} "
            f"WHERE old_{name} IS NOT NULL AND new_{name} IS DISTINCT FROM old_{name}",
            file_id=self.file_id,
            at=self.at,
        )

    def _of_t(self) -> str:
        return ", ".join(f"t.{name}" for name in self.key)

    def _same(self) -> str:
        return " AND ".join(f"t.{name} = i.{name}" for name in self.key)

    def _do(self, query: str, **parameters: object) -> int:
        """Rows that the statement made or touched."""
        rows = self.connection.execute(query, parameters or None).fetchall()
        return int(rows[0][0]) if rows else 0
