"""Tables of the store, and connections to it that refuse any other file."""

from pathlib import Path

import duckdb

from features.bilingual import Words
from features.errors import StoreError
from features.schema import KEY, PERIOD, VALUES

APPLICATION = "gpmcast"
SCHEMA_VERSION = 1
"""Raised with every change of the tables below: a store of another version is refused, never converted."""

NATURAL_KEY = [*KEY, *PERIOD]
"""Key of a row of `metrics`."""

ATTRIBUTE_KEY = [*KEY, "name", "origin"]
"""Key of a row of `attributes`."""

MEMORY_LIMIT = "2GB"
"""DuckDB spills what exceeds this to a folder next to the store."""

_KEY_COLUMNS = "promotion_type VARCHAR NOT NULL, account_id VARCHAR NOT NULL, creative_id VARCHAR NOT NULL"

# `first_file_id` and `file_id` are the first and the newest file that gave a row. There is no index: over six
# columns it costs more than every join it would save, and the one writer keeps the keys unique (upsert.py).
CREATE_TABLES = f"""
CREATE TABLE store_meta (application VARCHAR NOT NULL, schema_version INTEGER NOT NULL);
INSERT INTO store_meta VALUES ('{APPLICATION}', {SCHEMA_VERSION});

CREATE TABLE files (
    file_id INTEGER NOT NULL, sha256 VARCHAR NOT NULL, path VARCHAR NOT NULL, source VARCHAR NOT NULL,
    fingerprint VARCHAR NOT NULL, imported_at TIMESTAMP NOT NULL, rows BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);
CREATE TABLE metrics (
    {_KEY_COLUMNS}, grain VARCHAR NOT NULL, period_start TIMESTAMP NOT NULL, period_end TIMESTAMP NOT NULL,
    {", ".join(f"{name} DOUBLE" for name in VALUES)},
    first_file_id INTEGER NOT NULL, file_id INTEGER NOT NULL
);
CREATE TABLE attributes (
    {_KEY_COLUMNS}, name VARCHAR NOT NULL, origin VARCHAR NOT NULL, value VARCHAR,
    first_file_id INTEGER NOT NULL, file_id INTEGER NOT NULL
);
CREATE TABLE revisions (
    {_KEY_COLUMNS}, grain VARCHAR, period_start TIMESTAMP, period_end TIMESTAMP,
    name VARCHAR NOT NULL, origin VARCHAR, old VARCHAR NOT NULL, new VARCHAR,
    file_id INTEGER NOT NULL, revised_at TIMESTAMP NOT NULL
);
CREATE TABLE rejects (
    sha256 VARCHAR NOT NULL, path VARCHAR NOT NULL, severity VARCHAR NOT NULL, first_rows VARCHAR NOT NULL,
    row_count BIGINT NOT NULL, header VARCHAR, found VARCHAR NOT NULL, expected VARCHAR NOT NULL,
    cure VARCHAR NOT NULL
);
"""
"""Times of the data are naive, in the time zone of the settings; `imported_at` and `revised_at` are UTC."""

READABLE = {
    "metrics": [*NATURAL_KEY, *VALUES],
    "attributes": [*ATTRIBUTE_KEY, "value"],
    "revisions": [*NATURAL_KEY, "name", "origin", "old", "new", "file_id", "revised_at"],
    "files": ["file_id", "sha256", "path", "source", "fingerprint", "imported_at", "rows", "rejected"],
    "rejects": ["sha256", "path", "severity", "first_rows", "row_count", "header", "found", "expected", "cure"],
}
"""Table → its columns in a frame."""

_ELSEWHERE = Words("换一个文件名，或把它移走。", "Name another file, or move this one away.")
_ANEW = Words(
    "把它移走，再运行同一个命令：导出会重新读入。",
    "Move it away and run the same command again: exports are read anew.",
)


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """Connect to the store in this file; create it if there is none, unless read_only.

    Raises:
        StoreError: The file is no store, has another version, is in use, or (read_only) does not exist.
    """
    connection = _open(path, read_only)
    try:
        _check(connection, path, read_only)
    except BaseException:
        connection.close()
        raise
    return connection


def _open(path: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
    if read_only and not path.exists():
        cure = "Run `python -m features ingest` with your exports first."
        raise StoreError(f"{path}: there is no store here. {cure}", zh=f"{path}：这里没有数据库。处理：先导入或训练。")
    config: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": f"{path}.tmp",
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(str(path), read_only=read_only, config=config)
        connection.execute("SET lock_configuration = true")
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be made here: {error.strerror}. Name another place.",
            zh=f"{path}：在这里建不了数据库（{error.strerror}）。处理：换一个位置。",
        ) from None
    except duckdb.Error as error:
        raise _refusal(path, str(error)) from None
    return connection


def _refusal(path: Path, reason: str) -> StoreError:
    detail = f"(DuckDB says: {reason})"
    if "lock" in reason or "different configuration" in reason:
        return StoreError(
            f"{path}: this store is in use. Wait until the other command has ended, or stop it. {detail}",
            zh=f"{path}：数据库正被另一个命令使用。处理：等那个命令结束，或停掉它。",
        )
    if "version number" in reason:
        return StoreError(
            f"{path}: was written by another version of DuckDB. {_ANEW.en} {detail}",
            zh=f"{path}：是别的版本的 DuckDB 写的。处理：{_ANEW.zh}",
        )
    if "not a valid" in reason or "directory" in reason:
        return StoreError(
            f"{path}: is not a store. {_ELSEWHERE.en} {detail}", zh=f"{path}：不是数据库。处理：{_ELSEWHERE.zh}"
        )
    return StoreError(
        f"{path}: cannot be opened as a store. {_ELSEWHERE.en} {detail}",
        zh=f"{path}：打不开这个数据库（{reason}）。处理：{_ELSEWHERE.zh}",
    )


def _check(connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool) -> None:
    found = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not found and not read_only:
        # New, or made by a process that was stopped before it got further.
        connection.execute(f"BEGIN; {CREATE_TABLES} COMMIT")
        return
    meta = []
    if "store_meta" in found:
        meta = connection.execute("SELECT application, schema_version FROM store_meta").fetchall()
    if not meta or meta[0][0] != APPLICATION:
        raise StoreError(
            f"{path}: is a DuckDB file, but not a store of {APPLICATION}. {_ELSEWHERE.en}",
            zh=f"{path}：是别的程序的 DuckDB 文件。处理：{_ELSEWHERE.zh}",
        )
    version = meta[0][1]
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path}: is a store of version {version}; expected {SCHEMA_VERSION}. {_ANEW.en}",
            zh=f"{path}：是别的版本的数据库（{version}，应为 {SCHEMA_VERSION}）。处理：{_ANEW.zh}",
        )
