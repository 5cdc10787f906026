"""The ledger in PostgreSQL: on a throw-away server of its own where PostgreSQL is installed, or on a named one.

GPMCAST_TEST_POSTGRES=postgresql+psycopg://… names another server; its ledger tables are dropped.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from serving.ledger.reading import read
from serving.ledger.tables import TABLES, connect, make_tables
from serving.ledger.writer import KEPT, LOST, WAITING, Ledger

pytestmark = pytest.mark.service

URL = os.environ.get("GPMCAST_TEST_POSTGRES", "")
END_OTHERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
)
"""Ends the connections of others, as a server does that is started anew."""
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian keeps what is not in PATH."""


def programs() -> Path | None:
    """Folder of initdb and pg_ctl, the newest."""
    found = sorted(DEBIAN.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    named = shutil.which("initdb")
    return Path(named).resolve().parent if named else None


def as_user() -> dict[str, object]:
    """PostgreSQL refuses to run as root: then it runs as nobody."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Of a server, empty; it listens on a socket in its own folder and on no port."""
    if URL:
        yield URL
        return
    where = programs()
    if where is None:
        pytest.skip("PostgreSQL is not installed (no initdb), and GPMCAST_TEST_POSTGRES names no server")
    # Not pytest's folder: nobody may not enter it, and a socket's path is at most 107 bytes long.
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as place:
        folder, user = Path(place), as_user()
        if user:
            os.chown(folder, int(str(user["user"])), int(str(user["group"])))

        def run(program: str, *arguments: str) -> None:
            command = [str(where / program), "-D", str(folder / "data"), *arguments]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, **user)  # type: ignore[call-overload]
            assert done.returncode == 0, done.stdout + done.stderr

        run("initdb", "--username=ledger", "--auth=trust", "--encoding=UTF8", "--no-sync")
        options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "--wait", "--log", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://ledger@/postgres?host={folder}"
        finally:
            run("pg_ctl", "--wait", "--mode=immediate", "stop")


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """Of the same server, with empty tables."""
    engine = connect(url)
    TABLES.drop_all(engine)
    make_tables(engine)
    yield engine
    TABLES.drop_all(engine)
    engine.dispose()


def test_answers_are_kept_in_postgresql(url: str, engine: Engine, record, outcomes) -> None:
    one, two = Ledger(url), Ledger(url)
    for number in range(0, 300, 2):
        assert outcomes(one, [record(number)]) == outcomes(two, [record(number + 1)]) == [KEPT]
    one.close()
    two.close()
    rows = {row["request_id"]: row for row in read(engine)}
    assert len(rows) == 300
    assert rows["r00007"]["features"] == {"a": 7.25, "b": None}
    assert rows["r00007"]["answer"]["verdict"]["zh"] == "\u0000"
    assert rows["r00007"]["age_hours"] == 3.5
    assert [row["request_id"] for row in read(engine, limit=2)] == ["r00299", "r00298"]
    assert [row["request_id"] for row in read(engine, creative_id="素材12-0")] == ["r00012"]


def test_what_waited_while_the_database_refused_is_written_once(
    url: str, engine: Engine, record, outcomes, until
) -> None:
    ledger = Ledger(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE postgres SET default_transaction_read_only = on"))
        connection.execute(text(END_OTHERS))
    assert outcomes(ledger, [record(2)]) == [WAITING]
    until(lambda: not ledger.healthy)
    with engine.begin() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(text("ALTER DATABASE postgres RESET default_transaction_read_only"))
        connection.execute(text(END_OTHERS))
    until(lambda: ledger.healthy and ledger.waiting_bytes == 0)
    assert outcomes(ledger, [record(3)]) == [KEPT]
    ledger.close()
    engine.dispose()
    assert sorted(row["request_id"] for row in read(engine)) == ["r00001", "r00002", "r00003"]


def test_a_connection_that_the_server_ended_costs_no_answer(url: str, engine: Engine, record, outcomes) -> None:
    ledger = Ledger(url)
    assert outcomes(ledger, [record(1)]) == [KEPT]
    with engine.begin() as connection:
        connection.execute(text(END_OTHERS))
    assert outcomes(ledger, [record(2)]) == [KEPT]
    ledger.close()
    assert sorted(row["request_id"] for row in read(engine)) == ["r00001", "r00002"]


def test_a_text_with_u0000_costs_its_own_record_and_no_other(
    url: str, engine: Engine, record, outcomes, caplog
) -> None:
    ledger = Ledger(url)
    bad = record(5, creative_id="secret\0")
    said = outcomes(
        ledger, [*(record(number) for number in range(5)), bad, *(record(number) for number in range(6, 50))]
    )
    assert said == [KEPT] * 5 + [LOST] + [KEPT] * 44
    assert outcomes(ledger, [record(50)]) == [KEPT]
    assert ledger.healthy
    ledger.close()
    assert len(list(read(engine))) == 50
    assert "r00005 is refused" in caplog.text
    assert "secret" not in caplog.text
