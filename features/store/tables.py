"""Which tables the store has, and which version of them this code reads."""

from features.schema import KEY, PERIOD, VALUES

APPLICATION = "gpmcast"
SCHEMA_VERSION = 1
"""Raised with every change of the tables below: a store of another version is refused, never converted."""

NATURAL_KEY = [*KEY, *PERIOD]
"""What one row of `metrics` is about."""

ATTRIBUTE_KEY = [*KEY, "name", "origin"]
"""What one row of `attributes` is about."""

_KEY_COLUMNS = "promotion_type VARCHAR NOT NULL, account_id VARCHAR NOT NULL, creative_id VARCHAR NOT NULL"

# `first_file_id` and `file_id` are the first and the newest file that gave a row. There is no index: over six
# columns it costs more than every join it would save, and the one writer keeps the keys unique (store_merge).
TABLES = f"""
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
    "rejects": [
        "sha256",
        "path",
        "severity",
        "first_rows",
        "row_count",
        "header",
        "found",
        "expected",
        "cure",
    ],
}
"""Table → its columns as a frame gives them."""
