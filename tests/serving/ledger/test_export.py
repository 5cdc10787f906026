"""Recorded answers for people."""

import csv
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from configs.errors import GpmcastError
from serving.ledger.database import Database
from serving.ledger.export import line, utc_time, write_file
from serving.ledger.reading import opened, read


@pytest.fixture
def rows(tmp_path: Path, record):
    """Reads the answers of a ledger with three records."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = Database(url)
    rank = record(3, targets=None, by="roi", value=1.23456)
    database.write([record(1, creative_id="-x_1"), record(2, creative_id="=1+1\x1b[31m"), rank])
    database.close()
    engine = opened(url)
    yield lambda: read(engine)
    engine.dispose()


def test_a_line_tells_who_asked_and_what_was_answered_and_moves_no_cursor(rows) -> None:
    rank, second, first = map(line, rows())
    assert first == "2026-05-01T00:00:00.000001+00:00  r00001  anyone  1  -x_1  gpm 1.1"
    assert rank.endswith("roi 1.235")
    assert "\x1b" not in second


def test_files_hold_everything_and_start_no_formula(rows, tmp_path: Path) -> None:
    assert write_file(rows(), tmp_path / "out.jsonl") == 3
    parsed = [json.loads(one) for one in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert parsed == list(rows())
    assert write_file(rows(), tmp_path / "out.csv") == 3
    with (tmp_path / "out.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    assert [row["creative_id"] for row in table] == ["素材3-0", "'=1+1\x1b[31m", "-x_1"]
    assert json.loads(table[2]["features"]) == {"a": 1.25, "b": None}
    assert json.loads(table[2]["answer"])["targets"]["gpm"]["value"] == 1.1


def test_times_are_compared_in_utc() -> None:
    assert utc_time("--since", "2026-06-01T08:00:00+08:00") == "2026-06-01T00:00:00.000000+00:00"
    assert utc_time("--since", "2026-06-01") == "2026-06-01T00:00:00.000000+00:00"
    assert utc_time("--since", "") == ""
    with pytest.raises(GpmcastError, match="--until June: is no time"):
        utc_time("--until", "June")


def test_a_database_that_is_no_ledger_is_named_with_the_cure(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE t (x)"))
    engine.dispose()
    with pytest.raises(GpmcastError, match=r"no such table.*when it starts"):
        opened(url)
