"""Whether a file is a store of ours, and the connection to it if it is."""

from pathlib import Path

import duckdb

from features.errors import StoreError
from features.store.tables import APPLICATION, SCHEMA_VERSION, TABLES

MEMORY_LIMIT = "2GB"
"""More than this goes to a folder beside the store."""

_ELSEWHERE = "Name another file, or move this one away."
_ANEW = "Ingest your exports into a new file."


def connect(path: Path, *, read_only: bool) -> duckdb.DuckDBPyConnection:
    """A connection to the store in this file; where there is none it is made, unless read_only.

    Raises:
        StoreError: The file is no store, is one of another version, is in use, or (read_only) is not there.
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
        raise StoreError(f"{path}: there is no store here. {cure}")
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
        raise StoreError(f"{path}: cannot be made here: {error.strerror}. Name another place.") from None
    except duckdb.Error as error:
        raise StoreError(_refusal(path, str(error))) from None
    return connection


def _refusal(path: Path, reason: str) -> str:
    said = f"(DuckDB says: {reason})"
    if "lock" in reason or "different configuration" in reason:
        return f"{path}: this store is in use. Wait until the other command has ended, or stop it. {said}"
    if "version number" in reason:
        return f"{path}: was written by another version of DuckDB. {_ANEW} {said}"
    if "not a valid" in reason or "directory" in reason:
        return f"{path}: is not a store. {_ELSEWHERE} {said}"
    return f"{path}: cannot be opened as a store. {_ELSEWHERE} {said}"


def _check(connection: duckdb.DuckDBPyConnection, path: Path, read_only: bool) -> None:
    found = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    if not found and not read_only:
        # New, or made by a process that was stopped before it got further.
        connection.execute(f"BEGIN; {TABLES} COMMIT")
        return
    meta = []
    if "store_meta" in found:
        meta = connection.execute("SELECT application, schema_version FROM store_meta").fetchall()
    if not meta or meta[0][0] != APPLICATION:
        raise StoreError(f"{path}: is a DuckDB file, but not a store of {APPLICATION}. {_ELSEWHERE}")
    version = meta[0][1]
    if version != SCHEMA_VERSION:
        raise StoreError(f"{path}: is a store of version {version}; expected {SCHEMA_VERSION}. {_ANEW}")
