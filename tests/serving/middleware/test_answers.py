"""Calls are answered from their bytes; all else is passed on."""

import asyncio

import pytest

from serving.api.errors import Refused, refused
from serving.middleware.answers import Answers
from serving.middleware.call import Call


async def passed_on(scope, receive, send) -> None:
    await send({"type": "passed on"})


async def echo(call: Call) -> bytes:
    return call.body + call.query


def test_a_call_is_answered_with_what_its_method_makes(exchange) -> None:
    made = asyncio.run(exchange().over(Answers(passed_on, methods={"/v1/predict": echo}), Call(0.0, body=b"{}")))
    start, body = made.sent
    assert start == {
        "type": "http.response.start",
        "status": 200,
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"2")],
    }
    assert body == {"type": "http.response.body", "body": b"{}"}


def test_other_paths_and_methods_are_passed_on(exchange) -> None:
    app = Answers(passed_on, methods={"/v1/predict": echo})
    for path, method in (("/v1/model", "GET"), ("/v1/predict", "GET"), ("/v1/predict", "HEAD"), ("/v1/none", "POST")):
        assert asyncio.run(exchange(path=path, method=method).over(app, Call(0.0))).sent == [{"type": "passed on"}]


def test_a_refusal_is_left_to_the_layers_around_it(exchange) -> None:
    async def refuses(call: Call) -> bytes:
        raise refused("busy")

    with pytest.raises(Refused, match="many"):
        asyncio.run(exchange().over(Answers(passed_on, methods={"/v1/predict": refuses}), Call(0.0)))
