"""The ledger in a database: two tables, writing in batches, pruning, reading for exports."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from configs.errors import ConfigError
from serving.ledger.record import LedgerRecord, RecordedModel, unpack_features

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
    sa.Column("age_hours", sa.Float(53)),
    sa.Column("cutoff", sa.String(32)),
    sa.Column("features", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.Text, nullable=False),
)
MODELS = sa.Table(
    "gpmcast_models",
    TABLES,
    sa.Column("model", sa.String(256), primary_key=True),
    sa.Column("version", sa.String(64), primary_key=True),
    sa.Column("features", sa.Text, nullable=False),
    sa.Column("about", sa.Text),
)
INSERTS: dict[str, Callable[[sa.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
"""INSERT with ON CONFLICT DO NOTHING: a batch whose commit was not confirmed is written again."""
LOCK_WAIT_SECONDS = 5
CONNECT_SECONDS = 5


def connect(url: str) -> sa.Engine:
    """An engine for this ledger; SQLite runs in write-ahead mode and its folder is made.

    Raises:
        ConfigError: The URL is of neither SQLite nor PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError("ledger: is no SQLAlchemy URL, such as sqlite:///var/ledger.db") from None
    if (kind := parsed.get_backend_name()) not in INSERTS:
        raise ConfigError(f"ledger: found {kind}; expected sqlite or postgresql")
    if kind == "postgresql":
        patience = {} if "connect_timeout" in parsed.query else {"connect_timeout": CONNECT_SECONDS}
        return sa.create_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=patience)
    if parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args={"timeout": LOCK_WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def write_ahead(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.close()

    return engine


def make_tables(engine: sa.Engine) -> None:
    """Create the tables and columns that do not exist; another worker may be creating them at the same moment."""
    try:
        _make_tables(engine)
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError):
        _make_tables(engine)


def _make_tables(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        TABLES.create_all(connection)
        found = sa.inspect(connection)
        for table in TABLES.sorted_tables:
            present = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in present:  # of an earlier version
                    kind = column.type.compile(engine.dialect)
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))


def write(engine: sa.Engine, records: Sequence[LedgerRecord]) -> None:
    """Insert these records in one transaction; rows that are in the ledger already are skipped."""
    insert = INSERTS[engine.dialect.name]
    models = {(record.model.name, record.model.version): record.model for record in records}
    rows = [row for record in records for row in _rows(record)]
    with engine.begin() as connection:
        connection.execute(insert(MODELS).on_conflict_do_nothing(), [_model_row(model) for model in models.values()])
        if rows:
            connection.execute(insert(ANSWERS).on_conflict_do_nothing(), rows)


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
            **creative._asdict(),
            "answer": creative.answer.decode(),
        }


def _model_row(model: RecordedModel) -> dict[str, object]:
    return {
        "model": model.name,
        "version": model.version,
        "features": orjson.dumps(list(model.features)).decode(),
        "about": orjson.dumps(dict(model.about)).decode(),
    }


def probe(engine: sa.Engine) -> None:
    """Insert a row and take it back: raises where the database does not take rows."""
    texts = {column.name: "" for column in ANSWERS.columns if isinstance(column.type, sa.String)}
    with engine.connect() as connection:
        connection.execute(sa.insert(ANSWERS), {**texts, "place": 0, "features": b""})
        connection.rollback()


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
    query = sa.select(ANSWERS)
    if since:
        query = query.where(ANSWERS.c.at >= since)
    if creative_id:
        query = query.where(ANSWERS.c.creative_id == creative_id)
    if request_id:
        query = query.where(ANSWERS.c.request_id == request_id)
    query = query.order_by(ANSWERS.c.at.desc(), ANSWERS.c.request_id, ANSWERS.c.place).limit(limit)
    with engine.connect() as connection:
        models = sa.select(MODELS.c.model, MODELS.c.version, MODELS.c.features)
        names = {(model, version): orjson.loads(features) for model, version, features in connection.execute(models)}
        for row in connection.execution_options(yield_per=500).execute(query).mappings():
            found = dict(row)
            found["features"] = dict(zip(names[found["model"], found["version"]], unpack_features(found["features"])))
            found["answer"] = orjson.loads(found["answer"])
            yield found
