"""Whatever happens inside, one shape leaves, once, with safe headers, and nothing that should stay inside."""

import asyncio
import json

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from serving.api.errors import CODES, Refused, RequestProblem, refused
from serving.metrics import service_metrics
from serving.middleware.call import call_of
from serving.middleware.door import Catch, Door
from serving.settings import ServiceSettings

PATHS = ("/v1/predict", "/v1/schema/rank", "/v1/schema/predict")


def door(app) -> Door:
    return Door(app, settings=ServiceSettings(), paths=PATHS, metrics=service_metrics())


def through(app, exchange, **more):
    return asyncio.run(exchange(**more).over(door(app)))


def check_shape(done, status: int) -> dict[str, object]:
    assert [message["type"] for message in done.sent] == ["http.response.start", "http.response.body"]
    assert done.status == status
    content = json.loads(done.content)
    assert set(content) == {"code", "zh", "en", "error", "errors", "request_id"}
    assert CODES[content["code"]][0] == status
    assert content["request_id"] == done.reply_headers["x-request-id"]
    assert int(done.reply_headers["content-length"]) == len(done.content)
    assert done.reply_headers["x-content-type-options"] == "nosniff"
    return content


@pytest.mark.parametrize("status", [400, 404, 405, 408, 413, 418, 422, 429, 500, 502, 503, 504])
def test_error_responses_of_others_leave_in_our_shape_without_their_text(exchange, status) -> None:
    app = PlainTextResponse("Traceback (most recent call last): secret", status, headers={"x-inside": "secret"})
    done = through(app, exchange)
    content = check_shape(done, {418: 400, 502: 500}.get(status, status))
    assert b"secret" not in done.content
    assert "x-inside" not in done.reply_headers
    assert content["en"] == content["error"] == CODES[content["code"]][2]


def test_a_refusal_that_was_left_is_sent_with_its_problems_and_headers(exchange) -> None:
    async def app(scope, receive, send) -> None:
        problems = [RequestProblem("wrong", "right", "错了。", "creatives[0].x", "c")]
        call_of(scope).refusal = Refused(429, "Slowly.", problems, {"retry-after": "3"}, zh="请慢一点。")
        await Response(status_code=429)(scope, receive, send)

    done = through(app, exchange)
    content = check_shape(done, 429)
    assert (content["code"], content["zh"], content["en"]) == ("key_rate", "请慢一点。", "Slowly.")
    assert content["errors"] == [
        {"creative_id": "c", "field": "creatives[0].x", "problem": "wrong", "hint": "right", "zh": "错了。"}
    ]
    assert done.reply_headers["retry-after"] == "3"


@pytest.mark.parametrize("wrapped", [lambda app: app, Catch])
def test_exceptions_become_responses_and_their_traces_stay_in_the_log(exchange, caplog, wrapped) -> None:
    async def broken(scope, receive, send) -> None:
        raise RuntimeError("secret-inside")

    async def refuses(scope, receive, send) -> None:
        raise refused("busy", retry_after="1")

    done = through(wrapped(broken), exchange)
    assert b"secret" not in done.content
    assert check_shape(done, 500)["request_id"] in caplog.text
    assert "secret-inside" in caplog.text
    caplog.clear()
    done = through(wrapped(refuses), exchange)
    assert check_shape(done, 503)["code"] == "busy"
    assert done.reply_headers["retry-after"] == "1"
    assert "Traceback" not in caplog.text


def test_what_fails_after_its_answer_began_sends_nothing_more(exchange) -> None:
    async def late(scope, receive, send) -> None:
        await Response(b"whole")(scope, receive, send)
        raise RuntimeError("too late")

    done = through(Catch(late), exchange)
    assert done.status == 200
    assert done.content == b"whole"
    assert len(done.sent) == 2


def test_an_application_that_says_nothing_is_a_failure(exchange, caplog) -> None:
    async def silent(scope, receive, send) -> None:
        pass

    check_shape(through(silent, exchange), 500)
    assert "no response was made" in caplog.text


def test_streams_pass_and_streamed_errors_leave_once(exchange) -> None:
    async def pieces():
        yield b"a"
        yield b"b"

    done = through(StreamingResponse(pieces()), exchange)
    assert done.content == b"ab"
    check_shape(through(StreamingResponse(pieces(), 500), exchange), 500)


def test_a_head_request_gets_no_body(exchange) -> None:
    assert through(Response(b"x"), exchange, method="HEAD").content == b""
    assert through(Response(status_code=500), exchange, method="HEAD").content == b""


def test_a_policy_of_its_own_stays_and_others_get_ours(exchange) -> None:
    own = Response(b"x", headers={"content-security-policy": "default-src 'self'"})
    assert through(own, exchange).reply_headers["content-security-policy"] == "default-src 'self'"
    policy = through(Response(b"x"), exchange).reply_headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_unknown_paths_and_hosts_do_not_reach_the_application(exchange) -> None:
    async def never(scope, receive, send) -> None:
        raise AssertionError

    content = check_shape(through(never, exchange, path="/v1/schema/none"), 404)
    assert content["errors"][0]["hint"] == "known: predict, rank"
    check_shape(through(never, exchange, path="/elsewhere/x"), 404)
    assert check_shape(through(never, exchange, headers={"host": "evil.example"}), 421)["code"] == "unknown_host"


def test_a_websocket_is_closed_and_a_lifespan_event_passes() -> None:
    seen: list[str] = []

    async def app(scope, receive, send) -> None:
        seen.append(scope["type"])

    async def send(message) -> None:
        seen.append(message["type"])

    for kind in ("websocket", "lifespan"):
        asyncio.run(door(app)({"type": kind}, None, send))
    assert seen == ["websocket.close", "lifespan"]


def test_every_code_has_a_sentence_in_each_language_and_keeps_its_status() -> None:
    for code, (status, zh, en) in CODES.items():
        refusal = refused(code)
        assert (refusal.status, refusal.error, refusal.zh) == (status, en, zh + "。")
        assert Refused(status, "x").code in CODES
