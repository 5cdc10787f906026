"""A really started service: its contract, its end, its deaths, its new models; the ledger complete after all."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import orjson
import pytest

from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.predict import predictions
from serving.ledger.reading import read
from serving.ledger.tables import connect
from serving.mounts.openapi import EXAMPLE, PLAN_EXAMPLE, RANK_EXAMPLE

pytestmark = pytest.mark.service

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server(start_server, bundle):
    return start_server(bundle, open_metrics=True)


def recorded(server, **chosen: str) -> list[dict[str, object]]:
    """Rows of the ledger."""
    engine = connect(server.settings.ledger)
    try:
        return list(read(engine, **chosen))
    finally:
        engine.dispose()


def recorded_ids(server) -> set[object]:
    return {row["request_id"] for row in recorded(server)}


class Load:
    """Threads that ask one after the other; every outcome is kept."""

    def __init__(self, server, creative: dict, threads: int = 4) -> None:
        self.answers: list[tuple[str, str]] = []
        self.kept: list[str] = []
        self.refusals: list[tuple[int, bytes]] = []
        self.lost: list[str] = []
        self.broken: list[str] = []
        self._port = server.settings.port
        self._body = json.dumps({"creatives": [creative]}).encode()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._stop.is_set():
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=150)
            try:
                connection.request("POST", "/v1/predict", self._body, {"content-type": "application/json"})
                reply = connection.getresponse()
            except OSError as error:  # never accepted: refused, or reset before a word came back
                self.lost.append(repr(error))
                time.sleep(0.02)
                continue
            try:
                content = reply.read()
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                continue
            finally:
                connection.close()
            if reply.status == 200:
                answer = json.loads(content)
                self.answers.append((answer["request_id"], answer["model"]["version"]))
                if reply.headers["x-gpmcast-ledger"] is None:  # in the ledger before it was sent
                    self.kept.append(answer["request_id"])
            else:
                self.refusals.append((reply.status, content))

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def until(condition: Callable[[], bool], seconds: float = 180.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not come in time"
        time.sleep(0.05)


def test_it_answers_what_the_library_answers(server, loaded, one_creative) -> None:
    body = {"creatives": [one_creative, {**one_creative, "creative_id": "x", "metrics": None}], "explain": True}
    status, content = server.post("/v1/predict", body)
    assert status == 200
    request = parse_request(PredictRequest, json.dumps(body).encode(), loaded.vocabulary)
    expected = predictions(loaded, request.creatives, now=loaded.as_of.moment, explain=True, top=20).answers
    for answer, known in zip(json.loads(content)["predictions"], orjson.loads(orjson.dumps(expected)), strict=True):
        for part in ("stages", "targets", "explanation", "evidence"):
            assert answer[part] == known[part]


def test_the_same_answers_can_be_had_without_a_server(server, bundle, one_creative, tmp_path) -> None:
    body = {"creatives": [one_creative], "explain": True, "top": 3}
    (tmp_path / "ask.json").write_text(json.dumps(body), encoding="utf-8")
    command = [sys.executable, "-m", "serving", "predict", str(tmp_path / "ask.json"), "--bundle", str(bundle)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout)["predictions"] == json.loads(server.post("/v1/predict", body)[1])["predictions"]
    (tmp_path / "ask.json").write_text('{"creatives":[{}]}', encoding="utf-8")
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "creatives[0].creative_id" in refused.stderr


def test_examples_of_the_description_are_answered(server) -> None:
    document = json.loads(server.get("/v1/openapi.json")[1])
    for path, example in (("/v1/predict", EXAMPLE), ("/v1/rank", RANK_EXAMPLE), ("/v1/plan", PLAN_EXAMPLE)):
        content = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        assert content["example"] == example
        assert server.post(path, example)[0] == 200


def test_the_page_is_there_and_what_it_reads_is_answered(server) -> None:
    status, content = server.get("/")
    assert status == 200
    assert b"/page/page.js" in content
    assert b"import" in server.get("/page/page.js")[1]
    sheet = "素材ID,账户ID,推广方式,价格\nnew-1,acc0,推直播,99\n".encode("gbk")
    kind = {"content-type": "application/octet-stream"}
    status, content = server.post("/v1/read?name=tags.csv", sheet, **kind)
    assert status == 200
    (found,) = json.loads(content)["creatives"]
    assert server.post("/v1/predict", {"creatives": [found["creative"]]})[0] == 200
    assert server.post("/v1/read", b"\0" * 1000, **kind)[0] == 422


def test_every_answer_is_in_the_ledger_with_caller_model_input_and_features(server, loaded, one_creative) -> None:
    body = json.dumps({"creatives": [one_creative]}).encode()
    answer = json.loads(server.post("/v1/predict", body)[1])
    (row,) = recorded(server, request_id=answer["request_id"])
    assert row["input_sha256"] == sha256(body).hexdigest()
    assert (row["caller"], row["version"]) == ("anyone", loaded.version)
    assert list(row["features"]) == loaded.feature_names
    assert row["answer"] == answer["predictions"][0]
    command = [sys.executable, "-m", "serving", "ledger", "--url", server.settings.ledger]
    listed = subprocess.run(
        [*command, "--request", answer["request_id"]], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert answer["request_id"] in listed.stdout
    out = server.folder / "export.jsonl"
    subprocess.run([*command, "--out", str(out)], cwd=ROOT, capture_output=True, check=True)
    assert any(json.loads(line)["request_id"] == answer["request_id"] for line in out.read_text().splitlines())


def test_schemathesis_finds_no_server_error_and_no_undocumented_answer(server, tmp_path) -> None:
    command = [str(Path(sys.executable).parent / "st"), "run", f"{server.url}/v1/openapi.json", "--max-examples", "40"]
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    command += [
        "--checks",
        checks,
        "--seed",
        "1",
        "--no-color",
        "--request-timeout",
        "150",
        "--suppress-health-check",
        "all",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


def malformed(draw: np.random.Generator, good: bytes) -> bytes:
    kind = draw.integers(0, 8)
    if kind == 0:
        return good[: draw.integers(0, len(good))]
    if kind == 1:
        place = draw.integers(0, len(good))
        return good[:place] + bytes(draw.integers(0, 256, 3, dtype=np.uint8)) + good[place + 1 :]
    if kind == 2:
        return bytes(draw.integers(0, 256, draw.integers(0, 300), dtype=np.uint8))
    if kind == 3:
        return b"[" * int(draw.integers(1, 20_000))
    if kind == 4:
        return good.replace(b"200.0", [b"NaN", b"-1", b"1e999", b'"x"', b"null", b"{}"][draw.integers(0, 6)], 1)
    if kind == 5:
        return good.replace("悬念".encode(), "长".encode() * int(draw.integers(100, 30_000)))
    if kind == 6:
        return b'{"creatives":' + b'{"a":' * int(draw.integers(1, 3000)) + b"1"
    return good.replace(b'"creative_id"', b'"creative_idd"', 1)


def test_ten_thousand_malformed_bodies_bring_no_server_error_and_no_growth(server, one_creative) -> None:
    draw = np.random.default_rng(7)
    good = json.dumps({"creatives": [one_creative]}, ensure_ascii=False).encode()
    connection = http.client.HTTPConnection("127.0.0.1", server.settings.port, timeout=150)
    statuses: dict[int, int] = {}
    before = 0.0
    for number in range(10_000):
        connection.request("POST", "/v1/predict", malformed(draw, good), {"content-type": "application/json"})
        reply = connection.getresponse()
        content = reply.read()
        statuses[reply.status] = statuses.get(reply.status, 0) + 1
        assert reply.status < 500, content
        if number == 1000:
            before = server.memory_mb()
    connection.close()
    assert set(statuses) <= {200, 400, 413, 422}, statuses
    assert statuses[400] > 8000
    assert server.memory_mb() < before + 20.0
    assert b"Traceback" not in server.log.read_bytes()


def test_sigterm_under_load_loses_no_accepted_request(start_server, bundle, one_creative) -> None:
    server = start_server(bundle)
    load = Load(server, one_creative)
    until(lambda: len(load.answers) > 50)
    assert server.end() == 0
    load.end()
    assert not load.refusals
    assert not load.broken
    assert {request_id for request_id, _ in load.answers} <= recorded_ids(server)


def test_a_worker_killed_comes_back_and_what_it_answered_is_in_the_ledger(start_server, bundle, one_creative) -> None:
    server = start_server(bundle)
    load = Load(server, one_creative)
    until(lambda: len(load.kept) > 50)
    (worker,) = server.workers()
    os.kill(worker, signal.SIGKILL)
    answered = len(load.kept)
    until(lambda: len(load.kept) > answered + 50)
    load.end()
    assert server.workers() != [worker]
    assert not load.refusals
    assert set(load.kept) <= recorded_ids(server)
    assert server.end() == 0


def test_a_new_model_takes_over_under_load_without_a_failure(
    start_server, write_bundle, model, small_world, quick, one_creative, tmp_path
) -> None:
    place = write_bundle(tmp_path / "bundle", model, small_world, quick)
    server = start_server(place)
    load = Load(server, one_creative)
    for day in (1, 2, 3):
        answered = len(load.answers)
        write_bundle(place, model, small_world, quick, created_at=f"2026-06-0{day}T00:00:00+00:00")
        seal = (place / "manifest.sha256").read_text()[:12]
        until(lambda seal=seal: any(version == seal for _, version in load.answers[-5:]))
        assert len(load.answers) > answered
    refused = server.log.read_bytes().count(b"the old one goes on")
    (place / "priors.json").write_text("broken", encoding="utf-8")
    (place / "manifest.sha256").write_text("0" * 64, encoding="ascii")
    until(lambda: server.log.read_bytes().count(b"the old one goes on") > refused)
    good = len(load.answers)
    until(lambda: len(load.answers) > good + 20)
    load.end()
    assert not load.refusals
    assert not load.broken
    assert not load.lost
    assert len({version for _, version in load.answers}) == 4
    assert load.answers[-1][1] == seal
    assert server.end() == 0
    assert {request_id for request_id, _ in load.answers} <= recorded_ids(server)


def test_two_workers_answer_and_count_together(start_server, bundle, one_creative) -> None:
    server = start_server(bundle, workers=2, open_metrics=True)
    until(lambda: len(server.workers()) == 2)
    for _ in range(40):
        assert server.post("/v1/predict", {"creatives": [one_creative]})[0] == 200
    until(lambda: b"gpmcast_creatives_total 40.0" in server.get("/metrics")[1])
    assert server.end() == 0
    assert len(recorded_ids(server)) == 40
