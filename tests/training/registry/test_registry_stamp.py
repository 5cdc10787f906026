"""A stamp changes when the champion may have changed, and a registry that is down is not one without a champion."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from training.errors import BundleError
from training.mlflow_address import mlflow_address
from training.registry.registry_stamp import registry_stamp

FILE = Path("none.db")


def test_a_file_changes_its_stamp_with_every_commit_and_not_by_reading(tmp_path) -> None:
    address = mlflow_address(tmp_path / "registry.db", str(tmp_path / "registry.db"))
    with pytest.raises(BundleError, match="make train"):
        registry_stamp(address, "")
    with closing(sqlite3.connect(address.database)) as connection:
        connection.execute("CREATE TABLE one (x)")
        seen = [registry_stamp(address, "")]
        connection.execute("SELECT * FROM one").fetchall()
        assert registry_stamp(address, "") == seen[-1]
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("INSERT INTO one VALUES (1)")
        connection.commit()
        assert registry_stamp(address, "") not in seen


def test_only_the_client_can_tell_of_other_databases() -> None:
    assert registry_stamp(mlflow_address(FILE, "postgresql://db/runs"), "") is None


@pytest.fixture
def server() -> Iterator[Callable[[int, dict[str, dict]], str]]:
    """Starts a server that answers paths with JSON, all with one status; keeps what it was asked."""
    started: list[ThreadingHTTPServer] = []
    authorizations: list[str] = []

    def start(status: int, answers: dict[str, dict]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                authorizations.append(self.headers.get("authorization", ""))
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                key = parts.path.rpartition("/")[2] + query.get("name", query.get("page_token", ""))
                found = answers.get(key)
                body = json.dumps(
                    found or ({"error_code": "RESOURCE_DOES_NOT_EXIST"} if status == 200 else {})
                ).encode()
                if "page" in answers:
                    found = body = answers["page"]
                self.send_response(status if found or status != 200 else 404)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        started.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=started[-1].serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{started[-1].server_port}"

    start.authorizations = authorizations  # type: ignore[attr-defined]
    yield start
    for one in started:
        one.shutdown()
        one.server_close()


def model(name: str, **aliases: str) -> dict:
    return {"name": name, "aliases": [{"alias": alias, "version": version} for alias, version in aliases.items()]}


def test_a_server_is_asked_page_by_page_for_all_champions(server) -> None:
    def stamp(version: str) -> str | None:
        first = {"registered_models": [model("gpmcast-b", champion=version)], "next_page_token": "2"}
        second = {"registered_models": [model("gpmcast-a", champion="1", old="7"), model("gpmcast-c", old="1")]}
        return registry_stamp(mlflow_address(FILE, server(200, {"search": first, "search2": second})), "")

    assert stamp("3") == json.dumps([["gpmcast-a", "1"], ["gpmcast-b", "3"]])
    assert stamp("4") != stamp("3")


def test_a_named_model_is_asked_for_by_its_name_with_and_without_the_prefix(server) -> None:
    version = {"model_version": {"version": "2", "creation_timestamp": 5}}
    address = mlflow_address(FILE, server(200, {"aliasgpmcast-team": version}))
    assert registry_stamp(address, "team") == registry_stamp(address, "gpmcast-team")
    assert registry_stamp(address, "team") == json.dumps([["gpmcast-team", "2", 5]])
    assert registry_stamp(address, "other") == "[]"


def test_a_server_that_refuses_leaves_the_question_to_the_client(server) -> None:
    for name in ("", "team"):
        assert registry_stamp(mlflow_address(FILE, server(401, {})), name) is None


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pw"}, "Basic bWU6cHc="),
        ({"MLFLOW_TRACKING_TOKEN": "t0ken"}, "Bearer t0ken"),
    ],
)
def test_a_server_is_asked_with_the_credentials_of_mlflows_variables(
    server, monkeypatch, environment, expected
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    registry_stamp(mlflow_address(FILE, server(200, {})), "team")
    assert set(server.authorizations) == {expected}


def test_a_server_that_fails_or_is_gone_is_not_reached(server) -> None:
    for url in (server(500, {}), "http://127.0.0.1:9"):
        for name in ("", "team"):
            named = url.replace("//", "//me:s3cret@")
            with pytest.raises(BundleError, match="cannot be reached") as refused:
                registry_stamp(mlflow_address(FILE, named), name)
            assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "page"),
    [
        *((name, page) for name in ("", "team") for page in (b"<html>sign in</html>", b"[]", b"\xff")),
        ("team", b'{"other": 1}'),
    ],
)
def test_a_page_to_sign_in_is_no_registry(server, name, page) -> None:
    address = mlflow_address(FILE, server(200, {"page": page}))
    with pytest.raises(BundleError, match="does not speak MLflow's REST API"):
        registry_stamp(address, name)
