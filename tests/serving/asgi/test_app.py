"""Every status in the one shape, limits before work, and nothing that should stay inside gets out."""

import asyncio
import json
import threading
import time

import httpx
import pytest

from serving.asgi.api_keys import new_key
from serving.asgi.app import App
from serving.asgi.handlers import RequestHandlers
from serving.asgi.prometheus import ServiceMetrics
from serving.inference.model_watcher import ModelWatcher
from serving.ledger.writer import Ledger
from serving.settings import ApiKey, Limits, ServiceSettings


@pytest.fixture
def build(loaded, tmp_path):
    """An application around the model; its ledger is closed after the test."""
    ledgers = []

    def make(**more):
        settings = ServiceSettings(**more)
        watcher = ModelWatcher(settings)
        watcher.loaded = loaded
        ledger = Ledger(f"sqlite:///{tmp_path}/ledger.db")
        ledgers.append(ledger)
        return App(RequestHandlers(watcher, ledger, ServiceMetrics()), settings)

    yield make
    for ledger in ledgers:
        ledger.close()


def ask(app, method: str, path: str, **more) -> httpx.Response:
    async def go() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=True)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, path, **more)

    return asyncio.run(go())


def check_shape(reply: httpx.Response, status: int) -> dict:
    assert reply.status_code == status
    content = reply.json()
    assert set(content) == {"error", "errors", "request_id"}
    assert content["request_id"] == reply.headers["x-request-id"]
    assert "Traceback" not in reply.text
    return content


def test_a_prediction_goes_out_with_its_id_and_safe_headers(build, one_creative) -> None:
    reply = ask(build(), "POST", "/v1/predict", json={"creatives": [one_creative], "explain": True, "top": 3})
    assert reply.status_code == 200
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "x-gpmcast-ledger" not in reply.headers


def test_every_path_answers_and_others_are_404(build) -> None:
    app = build()
    for path in (
        "/",
        "/livez",
        "/healthz",
        "/readyz",
        "/metrics",
        "/v1/model",
        "/v1/openapi.json",
        "/v1/schema/predict",
    ):
        assert ask(app, "GET", path).status_code == 200, path
        assert ask(app, "HEAD", path).content == b""
    check_shape(ask(app, "GET", "/schema.json"), 404)
    check_shape(ask(app, "GET", "/v1/schema/../../etc"), 404)
    assert "known: predict" in check_shape(ask(app, "GET", "/v1/schema/none"), 404)["errors"][0]["hint"]
    assert ask(app, "GET", "/v1/predict").headers["allow"] == "POST"
    assert ask(app, "DELETE", "/v1/model").headers["allow"] == "GET, HEAD"


def test_the_model_endpoint_gives_tags_features_and_evaluation(build, loaded) -> None:
    card = ask(build(), "GET", "/v1/model").json()
    assert card["tags"]["hook"]["values"] == ["悬念", "痛点直击", "结果前置"]
    assert card["tags"]["selling_point"]["several"]
    assert [feature["name"] for feature in card["features"]] == loaded.feature_names
    assert all(feature["zh"] and feature["en"] for feature in card["features"])
    assert card["evaluation"] == {"gpm/spearman": 0.5}
    assert card["history_until"] == loaded.as_of.moment.isoformat()


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "text/plain"}, b"{}", 415),
        ({}, b"{}", 415),
        ({"content-type": "application/json", "content-encoding": "gzip"}, b"{}", 415),
        ({"content-type": "application/json; charset=utf-8"}, b"{}", 400),
        ({"content-type": "application/json", "content-length": "99999999999"}, b"{}", 413),
        ({"content-type": "application/json", "content-length": "-3"}, b"{}", 413),
        ({"content-type": "application/json"}, b" " * 3000, 413),
    ],
)
def test_headers_are_checked_before_the_body_is_read(build, headers, body, status) -> None:
    check_shape(
        ask(build(limits=Limits(body_bytes=2048)), "POST", "/v1/predict", headers=headers, content=body), status
    )


def test_the_limit_on_creatives_is_that_of_the_settings_wherever_it_is_given(build, one_creative) -> None:
    app = build(limits=Limits(creatives=3))
    many = [{**one_creative, "creative_id": f"c{n}"} for n in range(4)]
    for path, more in (("/v1/predict", {}), ("/v1/rank", {"top": 1})):
        assert ask(app, "POST", path, json={"creatives": many[:3], **more}).status_code == 200
        (problem,) = check_shape(ask(app, "POST", path, json={"creatives": many, **more}), 400)["errors"]
        assert problem["field"] == "creatives"
        assert "at most 3 items" in problem["problem"]
    assert ask(app, "GET", "/v1/model").json()["limits"]["creatives"] == 3
    shapes = ask(app, "GET", "/v1/openapi.json").json()["components"]["schemas"]
    for name in ("predict", "rank"):
        shape = ask(app, "GET", f"/v1/schema/{name}").json()
        assert shape["properties"]["creatives"]["maxItems"] == 3
        assert shapes[f"{name.title()}Request"]["properties"]["creatives"]["maxItems"] == 3
    assert ask(build(), "GET", "/v1/model").json()["limits"]["creatives"] == 500


def test_another_model_version_is_409(build, one_creative, loaded) -> None:
    app = build()
    body = {"creatives": [one_creative], "model_version": loaded.version}
    assert ask(app, "POST", "/v1/predict", json=body).status_code == 200
    refusal = check_shape(ask(app, "POST", "/v1/predict", json={**body, "model_version": "7"}), 409)
    assert loaded.version in refusal["errors"][0]["hint"]


def test_keys_guard_predictions_cards_and_metrics(build, one_creative) -> None:
    key, digest = new_key()
    reader, reads = new_key()
    keys = (ApiKey(name="upload", sha256=digest, per_minute=60), ApiKey(name="reader", sha256=reads, scopes=("read",)))
    app = build(keys=keys)
    body = {"creatives": [one_creative]}
    key_header = {"authorization": f"Bearer {key}"}
    check_shape(ask(app, "POST", "/v1/predict", json=body), 401)
    check_shape(ask(app, "GET", "/v1/model"), 401)
    check_shape(ask(app, "GET", "/metrics"), 401)
    check_shape(ask(app, "POST", "/v1/predict", json=body, headers={"authorization": f"Bearer {reader}"}), 403)
    assert ask(app, "GET", "/v1/openapi.json").status_code == 200
    assert ask(app, "GET", "/livez").status_code == 200
    assert ask(app, "POST", "/v1/predict", json=body, headers=key_header).status_code == 200
    replies = [ask(app, "GET", "/metrics", headers=key_header).status_code for _ in range(15)]
    assert replies[0] == 200
    assert replies[-1] == 429
    closed = build(keys=keys, open_docs=False, open_metrics=True)
    check_shape(ask(closed, "GET", "/v1/openapi.json"), 401)
    assert ask(closed, "GET", "/metrics").status_code == 200


def test_work_that_takes_too_long_is_given_up_and_frees_its_place(build, one_creative) -> None:
    app = build(limits=Limits(seconds=0.001, concurrent=1, waiting=0))
    many = [{**one_creative, "creative_id": f"c{n}"} for n in range(200)]
    check_shape(ask(app, "POST", "/v1/predict", json={"creatives": many, "explain": True}), 504)
    app = build(limits=Limits(seconds=20, concurrent=1, waiting=0))
    assert ask(app, "POST", "/v1/predict", json={"creatives": many[:9]}).status_code == 200


def test_a_body_that_does_not_come_is_given_up(build) -> None:
    app = build(limits=Limits(seconds=0.05, concurrent=1, waiting=0))

    async def slow():
        yield b"{"
        await asyncio.Event().wait()  # for ever, were it not given up

    for _ in range(2):  # its place is free again
        reply = ask(app, "POST", "/v1/predict", content=slow(), headers={"content-type": "application/json"})
        check_shape(reply, 408)


def test_requests_beyond_the_limit_get_503_with_retry_after(build, one_creative, monkeypatch) -> None:
    app = build(limits=Limits(concurrent=1, waiting=1))
    many = json.dumps({"creatives": [{**one_creative, "creative_id": f"c{n}"} for n in range(60)]})
    answer, go_on_now = app._handlers.answer, threading.Event()

    def answer_held(*given):
        assert go_on_now.wait(60), "nobody was refused"
        return answer(*given)

    monkeypatch.setattr(app._handlers, "answer", answer_held)
    refusals = []

    async def post(client: httpx.AsyncClient) -> httpx.Response:
        reply = await client.post("/v1/predict", content=many, headers={"content-type": "application/json"})
        refusals.extend([reply] if reply.status_code == 503 else [])
        if len(refusals) == 4:
            go_on_now.set()
        return reply

    async def go() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            return await asyncio.gather(*(post(client) for _ in range(6)))

    replies = asyncio.run(go())
    statuses = [reply.status_code for reply in replies]
    assert sorted(set(statuses)) == [200, 503]
    assert statuses.count(200) == 2
    refused = next(reply for reply in replies if reply.status_code == 503)
    check_shape(refused, 503)
    assert refused.headers["retry-after"] == "1"


def test_without_a_model_it_is_alive_and_not_ready(build, one_creative) -> None:
    app = build()
    app._handlers.watcher.loaded = None
    assert ask(app, "GET", "/livez").status_code == 200
    assert "no model" in check_shape(ask(app, "GET", "/readyz"), 503)["error"]
    check_shape(ask(app, "POST", "/v1/predict", json={"creatives": [one_creative]}), 503)
    assert ask(app, "GET", "/v1/openapi.json").status_code == 200


def test_an_internal_failure_is_answered_without_its_trace(build, one_creative, caplog, loaded) -> None:
    app = build()
    object.__setattr__(app._handlers.watcher, "loaded", None)

    class Broken:
        vocabulary = loaded.vocabulary

        @property
        def version(self):
            raise RuntimeError("secret-inside")

    app._handlers.watcher.loaded = Broken()
    reply = ask(app, "POST", "/v1/predict", json={"creatives": [one_creative], "model_version": "1"})
    refusal = check_shape(reply, 500)
    assert "secret" not in reply.text
    assert refusal["request_id"] in caplog.text
    assert "secret-inside" in caplog.text


def test_bad_input_logs_one_line(build, caplog) -> None:
    caplog.set_level("INFO", "gpmcast.serving")
    app = build()
    caplog.clear()
    ask(app, "POST", "/v1/predict", content=b"{", headers={"content-type": "application/json"})
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info is None
    ask(app, "GET", "/%0aforged: line")
    assert "\n" not in caplog.records[-1].getMessage()


def test_an_answer_that_cannot_be_recorded_still_goes_out_with_a_warning(loaded, tmp_path, one_creative) -> None:
    (tmp_path / "ledger.db").mkdir()
    metrics = ServiceMetrics()
    ledger = Ledger(
        f"sqlite:///{tmp_path}/ledger.db",
        queue_bytes=6000,
        on_up=metrics.ledger_up.set,
        on_lost=metrics.unrecorded.inc,
    )
    watcher = ModelWatcher(ServiceSettings())
    watcher.loaded = loaded
    app = App(RequestHandlers(watcher, ledger, metrics), ServiceSettings(open_metrics=True))
    body = {"creatives": [one_creative]}
    end = time.monotonic() + 60
    while ledger.healthy and time.monotonic() < end:
        time.sleep(0.02)
    outcomes = [ask(app, "POST", "/v1/predict", json=body) for _ in range(2)]
    assert [reply.status_code for reply in outcomes] == [200, 200]
    assert [reply.headers["x-gpmcast-ledger"] for reply in outcomes] == ["waiting", "lost"]
    assert "ledger" in check_shape(ask(app, "GET", "/readyz"), 503)["error"]
    text = ask(app, "GET", "/metrics").text
    assert "gpmcast_unrecorded_total 1.0" in text
    assert "gpmcast_ledger_up 0.0" in text
    ledger.close(seconds=0.1)


def test_metrics_tell_of_predictions_warnings_and_the_age_of_the_model(build, one_creative) -> None:
    app = build()
    strange = {**one_creative, "tags": {"hook": "没见过"}}
    ask(app, "POST", "/v1/predict", json={"creatives": [one_creative, {**strange, "creative_id": "x"}]})
    ask(app, "GET", "/nowhere/at/all")
    text = ask(app, "GET", "/metrics").text
    assert "gpmcast_creatives_total 2.0" in text
    assert 'gpmcast_warnings_total{code="unseen_value"} 1.0' in text
    assert 'gpmcast_prediction_count{target="net_roi"} 2.0' in text
    assert 'gpmcast_requests_total{path="other",status="404"} 1.0' in text
    assert "gpmcast_model_age_seconds" in text
