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

import numpy as np
import pytest
from sqlalchemy import text

from serving.ledger.tables import TABLES, LedgerRecord, connect, read
from serving.ledger.writer import KEPT, Ledger

pytestmark = pytest.mark.service

URL = os.environ.get("GPMCAST_TEST_POSTGRES", "")
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


def record(number: int) -> LedgerRecord:
    answer = {"creative_id": f"素材{number}", "promotion_type": "live", "account_id": "a", "text": "\u0000"}
    return LedgerRecord(
        f"r{number}", f"2026-05-01T00:00:00.{number:06d}", "anyone", "predict", "m", "1", "0" * 64, ["a", "b"],
        [answer], np.array([[number, np.nan]]),
    )  # fmt: skip


def test_answers_are_kept_in_postgresql(url: str, tmp_path: Path) -> None:
    engine = connect(url)
    TABLES.drop_all(engine)
    one, two = (Ledger(url, tmp_path / "spool", 1000) for _ in range(2))
    for number in range(300):
        assert (one if number % 2 else two).add(record(number)) == KEPT
    one.close()
    two.close()
    rows = {row["request_id"]: row for row in read(engine)}
    assert len(rows) == 300
    assert rows["r7"]["features"] == {"a": 7.0, "b": None}
    assert rows["r7"]["answer"]["creative_id"] == "素材7"
    assert [row["request_id"] for row in read(engine, limit=2)] == ["r299", "r298"]
    assert [row["request_id"] for row in read(engine, creative_id="素材12")] == ["r12"]
    TABLES.drop_all(engine)
    engine.dispose()


def test_what_waited_while_the_database_refused_is_written_once(url: str, tmp_path: Path) -> None:
    engine = connect(url)
    TABLES.drop_all(engine)
    TABLES.create_all(engine)
    ledger = Ledger(url, tmp_path / "spool", 1000)
    assert ledger.add(record(1)) == KEPT
    ledger.close()
    with engine.begin() as connection:
        connection.execute(text("ALTER DATABASE postgres SET default_transaction_read_only = on"))
    refused = Ledger(url, tmp_path / "spool", 1000)
    refused.add(record(2))
    refused.close(seconds=0.5)
    with engine.begin() as connection:
        connection.execute(text("SET TRANSACTION READ WRITE"))
        connection.execute(text("ALTER DATABASE postgres RESET default_transaction_read_only"))
    engine.dispose()
    again = Ledger(url, tmp_path / "spool", 1000)
    assert again.add(record(3)) == KEPT
    again.close()
    assert sorted(row["request_id"] for row in read(engine)) == ["r1", "r2", "r3"]
    TABLES.drop_all(engine)
    engine.dispose()
