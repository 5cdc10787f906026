"""Written once; read by time, creative and request; tables of earlier versions gain the columns they lack."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from configs.errors import ConfigError
from serving.ledger.tables import connect, make_tables, read, write


@pytest.fixture
def engine(tmp_path: Path):
    engine = connect(f"sqlite:///{tmp_path}/deep/ledger.db")
    make_tables(engine)
    yield engine
    engine.dispose()


def test_an_answer_is_read_with_its_features_by_name_and_what_scoring_needs(engine, record) -> None:
    write(engine, [record(1, creatives=2)])
    rows = list(read(engine))
    assert [row["creative_id"] for row in rows] == ["素材1-0", "素材1-1"]
    assert rows[0]["features"] == {"a": 1.25, "b": None}
    assert rows[0]["answer"]["targets"]["gpm"] == {"value": 1.1, "low": None, "high": None}
    assert (rows[0]["age_hours"], rows[0]["cutoff"]) == (3.5, "2026-05-01T07:00:00")
    assert (rows[0]["caller"], rows[0]["version"]) == ("anyone", "1")


def test_writing_twice_keeps_one(engine, record) -> None:
    write(engine, [record(1), record(2)])
    write(engine, [record(2), record(3)])
    assert sorted(row["request_id"] for row in read(engine)) == ["r00001", "r00002", "r00003"]


def test_it_can_be_read_by_time_creative_and_request(engine, record) -> None:
    write(engine, [record(number) for number in range(5)])
    assert [row["request_id"] for row in read(engine, limit=2)] == ["r00004", "r00003"]
    assert [row["request_id"] for row in read(engine, since="2026-05-01T00:00:00.000003")] == ["r00004", "r00003"]
    assert [row["request_id"] for row in read(engine, creative_id="素材2-0")] == ["r00002"]
    assert [row["request_id"] for row in read(engine, request_id="r00001")] == ["r00001"]


def test_tables_of_an_earlier_version_gain_the_columns_they_lack_and_keep_their_rows(engine, record) -> None:
    write(engine, [record(1)])
    with engine.begin() as connection:
        for table, column in (
            ("gpmcast_answers", "age_hours"),
            ("gpmcast_answers", "cutoff"),
            ("gpmcast_models", "about"),
        ):
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {column}"))
    make_tables(engine)
    write(engine, [record(2)])
    assert [(row["request_id"], row["age_hours"]) for row in read(engine)] == [("r00002", 3.5), ("r00001", None)]


@pytest.mark.parametrize(("url", "said"), [("mysql+pymysql://x/y", "sqlite or postgresql"), ("nothing", "SQLAlchemy")])
def test_other_databases_are_refused_at_start(url: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        connect(url)
