"""The ledger in a database: the record of a request, two tables, writing in batches, reading for exports."""

import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import orjson
import sqlalchemy as sa

TABLES = sa.MetaData()
ANSWERS = sa.Table(
    "gpmcast_answers",
    TABLES,
    sa.Column("request_id", sa.String(64), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("at", sa.String(40), nullable=False, index=True),
    sa.Column("caller", sa.String(64), nullable=False),
    sa.Column("endpoint", sa.String(16), nullable=False),
    sa.Column("model", sa.String(256), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("input_sha256", sa.String(64), nullable=False),
    sa.Column("promotion_type", sa.String(64), nullable=False),
    sa.Column("account_id", sa.String(128), nullable=False),
    sa.Column("creative_id", sa.String(128), nullable=False, index=True),
    sa.Column("features", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)
MODELS = sa.Table(
    "gpmcast_models",
    TABLES,
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("features", sa.Text, nullable=False),
)
LOCK_WAIT_SECONDS = 5
MOST_IDS = 500
"""Request ids in one SELECT: databases limit the parameters of a statement."""


@dataclass(frozen=True)
class LedgerRecord:
    """The answer to one request.

    Attributes:
        request_id: Of the request.
        at: Time of the answer, UTC, ISO 8601.
        caller: Name of the API key.
        endpoint: `predict` or `rank`.
        model: Name of the model.
        version: Of the model.
        input_sha256: Of the request's body.
        features: Names of the features.
        answers: One per creative: its key and the prediction.
        values: Feature values, float64; axis 0: creatives, axis 1: features; NaN where not known.
    """

    request_id: str
    at: str
    caller: str
    endpoint: str
    model: str
    version: str
    input_sha256: str
    features: Sequence[str]
    answers: Sequence[dict[str, object]]
    values: npt.NDArray[np.float64]

    def rows(self) -> list[dict[str, object]]:
        """Rows of `gpmcast_answers`, one per creative."""
        return [
            {
                "request_id": self.request_id,
                "place": place,
                "at": self.at,
                "caller": self.caller,
                "endpoint": self.endpoint,
                "model": self.model,
                "version": self.version,
                "input_sha256": self.input_sha256,
                "promotion_type": answer["promotion_type"],
                "account_id": answer["account_id"],
                "creative_id": answer["creative_id"],
                "features": pack_features(values),
                "answer": orjson.dumps(answer).decode(),
            }
            for place, (answer, values) in enumerate(zip(self.answers, self.values))
        ]


def pack_features(values: npt.NDArray[np.float64]) -> bytes:
    """Feature values of one creative (1-D) as they are stored: little-endian float64, zlib."""
    return zlib.compress(np.ascontiguousarray(values, dtype="<f8").tobytes(), 1)


def unpack_features(content: bytes) -> list[float | None]:
    """The inverse of `pack_features`; None for NaN."""
    return [None if value != value else value for value in np.frombuffer(zlib.decompress(content), "<f8").tolist()]


def connect(url: str) -> sa.Engine:
    """An engine for this ledger; SQLite runs in write-ahead mode and its folder is made."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(parsed, pool_pre_ping=True)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, connect_args={"timeout": LOCK_WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def write_ahead(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def make_tables(engine: sa.Engine) -> None:
    """Create the tables that do not exist; another worker may be creating them at the same moment."""
    try:
        TABLES.create_all(engine)
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError):
        TABLES.create_all(engine)


def write(engine: sa.Engine, records: Sequence[LedgerRecord]) -> None:
    """Insert these records in one transaction; requests that are in the ledger already are skipped."""
    with engine.begin() as connection:
        ids = [record.request_id for record in records]
        present: set[str] = set()
        for first in range(0, len(ids), MOST_IDS):
            chosen = sa.select(ANSWERS.c.request_id).where(ANSWERS.c.request_id.in_(ids[first : first + MOST_IDS]))
            present |= set(connection.scalars(chosen))
        fresh = [record for record in records if record.request_id not in present]
        _insert_models(connection, fresh)
        rows = [row for record in fresh for row in record.rows()]
        if rows:
            connection.execute(sa.insert(ANSWERS), rows)


def _insert_models(connection: sa.Connection, records: Sequence[LedgerRecord]) -> None:
    """Store the feature names of model versions that are new to the ledger."""
    for model, version in {(record.model, record.version): None for record in records}:
        same = (MODELS.c.model == model) & (MODELS.c.version == version)
        if connection.scalar(sa.select(sa.func.count()).select_from(MODELS).where(same)) == 0:
            names = next(r.features for r in records if (r.model, r.version) == (model, version))
            row = {"model": model, "version": version, "features": json.dumps(list(names), ensure_ascii=False)}
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(MODELS), row)
            except sa.exc.IntegrityError:
                pass  # another worker inserted it a moment earlier


def read(
    engine: sa.Engine, *, since: str = "", creative_id: str = "", request_id: str = "", limit: int | None = None
) -> Iterator[dict[str, object]]:
    """Recorded answers, newest first, each with its features by name.

    Args:
        engine: Of the ledger.
        since: ISO time, UTC: only answers from then on; empty: all.
        creative_id: Only this creative; empty: all.
        request_id: Only this request; empty: all.
        limit: Most rows; None: all.
    """
    query = sa.select(ANSWERS, MODELS.c.features.label("names")).join(
        MODELS, (MODELS.c.model == ANSWERS.c.model) & (MODELS.c.version == ANSWERS.c.version)
    )
    if since:
        query = query.where(ANSWERS.c.at >= since)
    if creative_id:
        query = query.where(ANSWERS.c.creative_id == creative_id)
    if request_id:
        query = query.where(ANSWERS.c.request_id == request_id)
    query = query.order_by(ANSWERS.c.at.desc(), ANSWERS.c.request_id, ANSWERS.c.place).limit(limit)
    with engine.connect() as connection:
        for row in connection.execution_options(yield_per=500).execute(query).mappings():
            found = dict(row)
            names = json.loads(str(found.pop("names")))
            found["features"] = dict(zip(names, unpack_features(found["features"])))
            found["answer"] = json.loads(found["answer"])
            yield found
