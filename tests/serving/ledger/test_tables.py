"""Which databases a ledger may be in, and tables of earlier versions."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from configs.errors import ConfigError
from serving.ledger.database import Database
from serving.ledger.reading import read
from serving.ledger.tables import connect, make_tables


def test_tables_of_an_earlier_version_gain_the_columns_they_lack_and_keep_their_rows(tmp_path: Path, record) -> None:
    url = f"sqlite:///{tmp_path}/deep/ledger.db"
    database, engine = Database(url), connect(url)
    database.write([record(1)])
    new = (("gpmcast_answers", "age_hours"), ("gpmcast_answers", "cutoff"), ("gpmcast_models", "about"))
    with engine.begin() as connection:
        for table, column in new:
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    make_tables(engine)
    database.write([record(2)])
    rows = list(read(engine))
    assert [(row["request_id"], row["age_hours"]) for row in rows] == [("r00002", 3.5), ("r00001", None)]
    assert rows[1]["about"] == {}
    database.close()
    engine.dispose()


@pytest.mark.parametrize(("url", "said"), [("mysql+pymysql://x/y", "sqlite or postgresql"), ("nothing", "SQLAlchemy")])
def test_other_databases_are_refused_at_start(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connect(url)


def test_tables_that_another_worker_makes_at_the_same_moment_are_no_failure(tmp_path: Path, monkeypatch) -> None:
    engine = connect(f"sqlite:///{tmp_path}/ledger.db")
    make_tables(engine)
    monkeypatch.setattr(type(engine.dialect), "has_table", lambda *_, **__: False)  # as seen a moment before
    make_tables(engine)
    engine.dispose()
