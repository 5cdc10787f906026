"""The ledger in a database: two tables, written in batches, read for lists and exports."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import sqlalchemy as sa

from serving.ledger.record import Record, unpacked

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


def connect(url: str) -> sa.Engine:
    """An engine for this ledger; SQLite in write-ahead mode, its folder made."""
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
    """The tables, where they are not there yet; another worker may be making them at the same moment."""
    try:
        TABLES.create_all(engine)
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError):
        TABLES.create_all(engine)


def write(engine: sa.Engine, records: Sequence[Record]) -> None:
    """All of these in one transaction; those that are there already are left as they are."""
    with engine.begin() as connection:
        ids = [record.request_id for record in records]
        there = set()
        for first in range(0, len(ids), 500):
            chosen = sa.select(ANSWERS.c.request_id).where(ANSWERS.c.request_id.in_(ids[first : first + 500]))
            there |= set(connection.scalars(chosen))
        fresh = [record for record in records if record.request_id not in there]
        _name_models(connection, fresh)
        rows = [row for record in fresh for row in record.rows()]
        if rows:
            connection.execute(sa.insert(ANSWERS), rows)


def _name_models(connection: sa.Connection, records: Sequence[Record]) -> None:
    for model, version in {(record.model, record.version): None for record in records}:
        same = (MODELS.c.model == model) & (MODELS.c.version == version)
        if connection.scalar(sa.select(sa.func.count()).select_from(MODELS).where(same)) == 0:
            names = next(r.features for r in records if (r.model, r.version) == (model, version))
            row = {"model": model, "version": version, "features": json.dumps(list(names), ensure_ascii=False)}
            try:
                with connection.begin_nested():
                    connection.execute(sa.insert(MODELS), row)
            except sa.exc.IntegrityError:
                pass  # another worker was a moment earlier


def read(
    engine: sa.Engine, *, since: str = "", creative_id: str = "", request_id: str = "", limit: int | None = None
) -> Iterator[dict[str, object]]:
    """Recorded answers, newest first, each with its features by name."""
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
            found["features"] = dict(zip(names, unpacked(found["features"])))
            found["answer"] = json.loads(found["answer"])
            yield found
