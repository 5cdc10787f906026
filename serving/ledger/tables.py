"""The tables of the ledger, and engines for them: SQLite in write-ahead mode, or PostgreSQL."""

from pathlib import Path

import sqlalchemy as sa

from configs.errors import ConfigError

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
DATABASES = ("sqlite", "postgresql")
LOCK_WAIT_SECONDS = 5
PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 10_000}
"""Seconds until PostgreSQL has to accept, milliseconds until it has to acknowledge; what the URL says comes first."""
MOST_PAGES = 16_000
"""Pages of 4 kB that SQLite's write-ahead log may hold before the writing connection itself empties it."""


def connect(url: str) -> sa.Engine:
    """An engine for this ledger; nothing is opened or made yet.

    Raises:
        ConfigError: The URL is of neither SQLite nor PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise ConfigError(
            "ledger: is no SQLAlchemy URL, such as sqlite:///var/ledger.db",
            zh="预测台账的地址写得不对；应为 SQLite 或 PostgreSQL 的地址，例如 sqlite:///var/ledger.db。处理：改正。",
        ) from None
    if (kind := parsed.get_backend_name()) not in DATABASES:
        raise ConfigError(
            f"ledger: found {kind}; expected {' or '.join(DATABASES)}",
            zh=f"预测台账的地址以 {kind} 开头；应为 {' 或 '.join(DATABASES)}，例如 sqlite:///var/ledger.db。处理：改正。",
        )
    if kind == "postgresql":
        patience = {name: value for name, value in PATIENCE.items() if name not in parsed.query}
        return sa.create_engine(parsed, hide_parameters=True, connect_args=patience)
    engine = sa.create_engine(parsed, hide_parameters=True, connect_args={"timeout": LOCK_WAIT_SECONDS})

    @sa.event.listens_for(engine, "connect")
    def write_ahead(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute(f"PRAGMA wal_autocheckpoint={MOST_PAGES}")
        cursor.close()

    return engine


def sqlite_file(engine: sa.Engine) -> Path | None:
    """The file of a SQLite database; None where there is none."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return Path(file) if file and file != ":memory:" else None


def make_tables(engine: sa.Engine) -> None:
    """Create the tables and columns that do not exist, and the folder of a SQLite file.

    Another worker may be creating them at the same moment.
    """
    if (file := sqlite_file(engine)) is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
    try:
        _make_tables(engine)
    except (sa.exc.IntegrityError, sa.exc.ProgrammingError, sa.exc.OperationalError):
        _make_tables(engine)


def _make_tables(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in TABLES.sorted_tables:  # `create_all` looks first and creates then: two workers would collide
            connection.execute(sa.schema.CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))
        found = sa.inspect(connection)
        for table in TABLES.sorted_tables:
            present = {column["name"] for column in found.get_columns(table.name)}
            for column in table.columns:
                if column.name not in present:  # of an earlier version
                    kind = column.type.compile(engine.dialect)
                    connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {column.name} {kind}"))
