"""Every status in the one shape, limits before work, and nothing that should stay inside gets out."""

import asyncio
import json
import re
import time
from types import SimpleNamespace

import httpx
import pytest

from serving.api.errors import CODES
from serving.middleware.keys import DOCS, new_key
from serving.settings import ApiKey, Limits

JSON = {"content-type": "application/json"}


def check_shape(reply: httpx.Response, status: int) -> dict:
    assert reply.status_code == status
    content = reply.json()
    assert set(content) == {"code", "zh", "en", "error", "errors", "request_id"}
    assert content["en"] == content["error"]
    assert CODES[content["code"]][0] == status
    assert content["request_id"] == reply.headers["x-request-id"]
    assert "Traceback" not in reply.text
    return content


def test_a_prediction_goes_out_with_its_id_and_safe_headers(service, one_creative) -> None:
    reply = service.ask("POST", "/v1/predict", json={"creatives": [one_creative], "explain": True, "top": 3})
    assert reply.status_code == 200
    assert reply.json()["request_id"] == reply.headers["x-request-id"]
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "x-gpmcast-ledger" not in reply.headers


def test_every_path_answers_and_others_are_404(service) -> None:
    app = service
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
        assert app.ask("GET", path).status_code == 200, path
        assert app.ask("HEAD", path).content == b""
    check_shape(app.ask("GET", "/static_content/swagger-initializer.js"), 404)
    check_shape(app.ask("GET", "/v1/schema/../../etc"), 404)
    assert ", predict," in check_shape(app.ask("GET", "/v1/schema/none"), 404)["errors"][0]["hint"]
    assert app.ask("GET", "/v1/predict").headers["allow"] == "POST"
    assert app.ask("DELETE", "/v1/model").headers["allow"] == "GET, HEAD"


def test_the_model_endpoint_gives_tags_features_and_evaluation(service, loaded) -> None:
    card = service.ask("GET", "/v1/model").json()
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
def test_headers_are_checked_before_the_body_is_read(narrow, headers, body, status) -> None:
    check_shape(narrow.ask("POST", "/v1/predict", headers=headers, content=body), status)


def test_the_limit_on_creatives_is_that_of_the_settings_wherever_it_is_given(build, one_creative) -> None:
    app = build(limits=Limits(creatives=3))
    many = [{**one_creative, "creative_id": f"c{n}"} for n in range(4)]
    for path, more in (("/v1/predict", {}), ("/v1/rank", {"top": 1}), ("/v1/plan", {"budget_cny": 1e6})):
        assert app.ask("POST", path, json={"creatives": many[:3], **more}).status_code == 200
        (problem,) = check_shape(app.ask("POST", path, json={"creatives": many, **more}), 400)["errors"]
        assert problem["field"] == "creatives"
        assert "at most 3 items" in problem["problem"]
    assert app.ask("GET", "/v1/model").json()["limits"]["creatives"] == 3
    shapes = app.ask("GET", "/v1/openapi.json").json()["components"]["schemas"]
    for name in ("predict", "rank", "plan"):
        shape = app.ask("GET", f"/v1/schema/{name}").json()
        assert shape["properties"]["creatives"]["maxItems"] == 3
        assert shapes[f"{name.title()}Request"]["properties"]["creatives"]["maxItems"] == 3
    assert build().ask("GET", "/v1/model").json()["limits"]["creatives"] == 500


@pytest.mark.parametrize(
    ("more", "en", "zh", "field"),
    [
        ({}, "There is no budget", "`budget_cny` 写接下来 7 天的总预算", "budget_cny"),
        ({"budget_cny": -5}, "There is no budget", "没有预算", "budget_cny"),
        ({"budget_cny": 2e12}, "check its zeros", "`budget_cny` 的单位是元", "budget_cny"),
        ({"budget_cny": 1e6, "launch": 3}, "Set `launch` to 1 at most", "`launch` 不要大于 1", "launch"),
        ({"budget_cny": 1.0}, "Raise `budget_cny`", "提高 `budget_cny`", "budget_cny"),
    ],
)
def test_a_plan_that_cannot_be_made_is_422_with_the_cure(service, one_creative, more, en, zh, field) -> None:
    waiting = {name: value for name, value in one_creative.items() if name != "metrics"}
    refusal = check_shape(service.ask("POST", "/v1/plan", json={"creatives": [waiting], **more}), 422)
    assert refusal["code"] == "not_planned"
    assert en in refusal["en"]
    assert zh in refusal["zh"]
    (problem,) = refusal["errors"]
    assert problem["field"] == field
    assert refusal["en"] == f"{problem['problem']} {problem['hint']}"
    assert not re.search("BUDGET|LAUNCH|make plan", refusal["en"] + refusal["zh"])


def test_a_plan_request_of_another_shape_is_sent_to_the_schema_of_plans(service, one_creative) -> None:
    body = {"creatives": [one_creative], "budget_cny": 1e6, "launch": 0}
    (problem,) = check_shape(service.ask("POST", "/v1/plan", json=body), 400)["errors"]
    assert problem["field"] == "launch"
    assert "/v1/schema/plan" in problem["hint"]


def test_another_model_version_is_409(service, one_creative, loaded) -> None:
    app = service
    body = {"creatives": [one_creative], "model_version": loaded.version}
    assert app.ask("POST", "/v1/predict", json=body).status_code == 200
    refusal = check_shape(app.ask("POST", "/v1/predict", json={**body, "model_version": "7"}), 409)
    assert loaded.version in refusal["errors"][0]["hint"]


def test_keys_guard_predictions_cards_and_metrics(build, one_creative) -> None:
    key, digest = new_key()
    reader, reads = new_key()
    keys = (ApiKey(name="upload", sha256=digest, per_minute=60), ApiKey(name="reader", sha256=reads, scopes=("read",)))
    app = build(keys=keys)
    body = {"creatives": [one_creative]}
    key_header = {"authorization": f"Bearer {key}"}
    check_shape(app.ask("POST", "/v1/predict", json=body), 401)
    check_shape(app.ask("GET", "/v1/model"), 401)
    check_shape(app.ask("GET", "/metrics"), 401)
    check_shape(app.ask("POST", "/v1/predict", json=body, headers={"authorization": f"Bearer {reader}"}), 403)
    assert app.ask("GET", "/v1/openapi.json").status_code == 200
    assert app.ask("GET", "/livez").status_code == 200
    assert app.ask("POST", "/v1/predict", json=body, headers=key_header).status_code == 200
    replies = [app.ask("GET", "/metrics", headers=key_header).status_code for _ in range(15)]
    assert replies[0] == 200
    assert replies[-1] == 429
    closed = build(keys=keys, open_docs=False, open_metrics=True)
    for path in DOCS:
        assert app.ask("GET", path).status_code == 200, path
        check_shape(closed.ask("GET", path), 401)
    assert closed.ask("GET", "/metrics").status_code == 200


def test_work_that_takes_too_long_is_given_up(build, one_creative) -> None:
    app = build(limits=Limits(seconds=0.001))
    many = [{**one_creative, "creative_id": f"c{n}"} for n in range(200)]
    check_shape(app.ask("POST", "/v1/predict", json={"creatives": many, "explain": True}), 504)
    app = build(limits=Limits(seconds=120))
    assert app.ask("POST", "/v1/predict", json={"creatives": many[:9]}).status_code == 200


def test_the_deadline_covers_body_parsing_and_computing_together(build, one_creative, monkeypatch) -> None:
    app = build(limits=Limits(seconds=30))
    left: list[float] = []
    answer = app.instance._compute.answer

    async def note(request):
        left.append(request.deadline - time.monotonic())
        return await answer(request)

    monkeypatch.setattr(app.instance._compute, "answer", note)

    async def slow():
        content = json.dumps({"creatives": [one_creative]}).encode()
        yield content[:20]
        await asyncio.sleep(0.2)
        yield content[20:]

    assert app.ask("POST", "/v1/predict", content=slow(), headers=JSON).status_code == 200
    assert left[0] <= 30 - 0.2  # what the body took is gone


def test_a_body_that_does_not_come_is_given_up(build) -> None:
    app = build(limits=Limits(seconds=0.05))

    async def slow():
        yield b"{"
        await asyncio.Event().wait()  # for ever, were it not given up

    for _ in range(2):  # its place is free again
        reply = app.ask("POST", "/v1/predict", content=slow(), headers={"content-type": "application/json"})
        check_shape(reply, 408)


def test_slow_senders_shut_nobody_out(build, one_creative) -> None:
    app = build(limits=Limits(seconds=30, waiting=2))
    never = asyncio.Event()
    waiting: list[int] = []

    async def slow():
        yield b'{"creatives": ['
        waiting.append(1)
        await never.wait()

    async def go() -> int:
        async with app.client() as client:
            senders = [asyncio.create_task(client.post("/v1/predict", content=slow(), headers=JSON)) for _ in range(66)]
            while len(waiting) < 66:
                await asyncio.sleep(0.01)
            reply = await client.post("/v1/predict", json={"creatives": [one_creative]})
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)
        return reply.status_code

    assert app.runner.run(go()) == 200


def test_without_a_model_it_is_alive_and_not_ready(build, one_creative, tmp_path) -> None:
    app = build(bundle=tmp_path / "none")
    assert app.ask("GET", "/livez").status_code == 200
    refusal = check_shape(app.ask("GET", "/readyz"), 503)
    assert refusal["code"] == "not_ready"
    assert refusal["error"] == "Not ready: no model is loaded."  # not where from: no key is asked for
    assert check_shape(app.ask("POST", "/v1/predict", json={"creatives": [one_creative]}), 503)["code"] == "no_model"
    assert check_shape(app.ask("GET", "/v1/model"), 503)["code"] == "no_model"
    assert app.ask("GET", "/v1/openapi.json").status_code == 200


def test_probes_are_logged_once_per_change(build, caplog, monkeypatch) -> None:
    app = build()
    caplog.set_level("INFO", "gpmcast.serving")
    caplog.clear()

    def probes() -> list[int]:
        return [app.ask("GET", "/readyz").status_code for _ in range(3)]

    assert probes() == [200] * 3
    with monkeypatch.context() as without_model:
        without_model.setattr(app.instance, "_watcher", type("Empty", (), {"loaded": None}))
        assert probes() == [503] * 3
    assert probes() == [200] * 3
    said = [record.getMessage() for record in caplog.records if record.name == "gpmcast.serving"]
    assert said == ["Not ready: no model is loaded.", "Ready again."]


def test_the_model_says_where_it_comes_from_and_readiness_which_asks_for_no_key_does_not(build, bundle) -> None:
    app = build()
    reply = app.ask("GET", "/readyz")
    assert reply.status_code == 200
    assert not any(name.startswith("x-gpmcast") or str(bundle) in value for name, value in reply.headers.items())
    source = app.ask("GET", "/v1/model").json()["source"]
    assert source == {"following": f"the bundle {bundle}", "confirmed": True, "note": ""}


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/predict"), ("GET", "/v1/model"), ("GET", "/metrics")])
def test_an_internal_failure_is_answered_at_once_and_without_its_trace(
    build, one_creative, caplog, monkeypatch, method, path
) -> None:
    app = build(open_metrics=True)

    def broken(*_: object) -> None:
        raise RuntimeError("secret-inside")

    monkeypatch.setattr(app.instance, "_content", broken)
    monkeypatch.setattr("prometheus_client.multiprocess.MultiProcessCollector.collect", broken)
    app.pages.state.model = broken
    began = time.monotonic()
    reply = app.ask(method, path, **({"json": {"creatives": [one_creative]}} if method == "POST" else {}))
    refusal = check_shape(reply, 500)
    assert time.monotonic() - began < 60  # before BentoML's timeout, which sees no exceptions
    assert "secret" not in reply.text
    assert refusal["request_id"] in caplog.text
    assert "secret-inside" in caplog.text


def test_bad_input_logs_one_line(service, caplog) -> None:
    app = service
    caplog.set_level("INFO", "gpmcast.serving")
    caplog.clear()
    app.ask("POST", "/v1/predict", content=b"{", headers=JSON)
    assert len([record for record in caplog.records if record.name != "httpx"]) == 1
    assert caplog.records[0].exc_info is None
    app.ask("GET", "/%0aforged: line")
    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_an_answer_that_cannot_be_recorded_still_goes_out_with_a_warning(
    build, tmp_path, one_creative, monkeypatch
) -> None:
    (tmp_path / "ledger.db").mkdir()
    app = build(open_metrics=True)
    ledger = app.instance._ledger
    monkeypatch.setattr(ledger, "_most", 6000)
    body = {"creatives": [one_creative]}
    end = time.monotonic() + 60
    while ledger.healthy and time.monotonic() < end:
        time.sleep(0.02)
    before = metric(app, "gpmcast_unrecorded_total")
    outcomes = [app.ask("POST", "/v1/predict", json=body) for _ in range(2)]
    assert [reply.status_code for reply in outcomes] == [200, 200]
    assert [reply.headers["x-gpmcast-ledger"] for reply in outcomes] == ["waiting", "lost"]
    assert "ledger" in check_shape(app.ask("GET", "/readyz"), 503)["error"]
    assert metric(app, "gpmcast_unrecorded_total") == before + 1
    assert metric(app, "gpmcast_ledger_up") == 0
    ledger.close(seconds=0.1)


def metric(app, name: str) -> float:
    """A sample of `/metrics`; those of this process add up over tests."""
    found = re.search(rf"^{re.escape(name)} (.*)$", app.ask("GET", "/metrics").text, re.M)
    return float(found[1]) if found else 0.0


def test_metrics_tell_of_requests_predictions_and_warnings(service, one_creative) -> None:
    app = service
    counted = {
        "gpmcast_creatives_total": 2,
        'gpmcast_warnings_total{code="unseen_value"}': 1,
        'gpmcast_prediction_count{target="net_roi"}': 2,
        'gpmcast_requests_total{path="/v1/predict",status="200"}': 1,
        'gpmcast_requests_total{path="other",status="404"}': 1,
    }
    before = {name: metric(app, name) for name in counted}
    strange = {**one_creative, "tags": {"hook": "没见过"}}
    app.ask("POST", "/v1/predict", json={"creatives": [one_creative, {**strange, "creative_id": "x"}]})
    app.ask("GET", "/nowhere/at/all")
    for name, more in counted.items():
        assert metric(app, name) == before[name] + more, name
    text = app.ask("GET", "/metrics").text
    assert re.search(r"^gpmcast_model_age_seconds [1-9]", text, re.M)
    assert re.search(r"^gpmcast_model_confirmed [01]", text, re.M)
    assert "bentoml_service_request_total{" in text
    assert "/nowhere" not in text


def test_the_ledger_is_written_at_the_end_although_another_part_fails(service_in_process, bundle, monkeypatch) -> None:
    app = service_in_process(bundle=bundle, ledger="")
    ended: list[str] = []

    def fails() -> None:
        raise RuntimeError("no process")

    monkeypatch.setattr(app.instance._watcher, "stop", fails)
    monkeypatch.setattr(app.instance, "_ledger", SimpleNamespace(close=lambda: ended.append("ledger")))
    with pytest.raises(RuntimeError, match="no process"):
        app.instance.end()
    assert ended == ["ledger"]
    monkeypatch.undo()
    app.end()
