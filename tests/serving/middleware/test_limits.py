"""Bodies are read within their limits, and those still coming shut nobody out."""

import asyncio

import pytest

from serving.api.errors import Refused
from serving.middleware.call import Call
from serving.middleware.limits import BodyLimits
from serving.settings import SMALL_BODY, Limits

TYPES = {"/v1/predict": ("application/json",)}


def piece(content: bytes, more: bool = True) -> dict[str, object]:
    return {"type": "http.request", "body": content, "more_body": more}


class Reads:
    """An application that notes the bodies that reach it."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    async def __call__(self, scope, receive, send) -> None:
        from serving.middleware.call import call_of

        self.bodies.append(call_of(scope).body)


def limited(**more) -> tuple[Reads, BodyLimits]:
    app = Reads()
    return app, BodyLimits(app, limits=Limits(**more), media_types=TYPES)


def call() -> Call:
    return Call(deadline=0.0)


def refusal(limits: BodyLimits, exchange) -> Refused:
    with pytest.raises(Refused) as caught:
        asyncio.run(exchange.over(limits, call()))
    return caught.value


def test_a_body_in_pieces_comes_whole(exchange) -> None:
    app, limits = limited()
    asyncio.run(exchange(body=[piece(b"{"), piece(b""), piece(b"}", more=False)]).over(limits, call()))
    assert app.bodies == [b"{}"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/plain"}, 415),
        ({"content-type": ""}, 415),
        ({"content-type": "application/vnd.bentoml+pickle"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-length": "2049"}, 413),
        ({"content-length": "-1"}, 413),
        ({"content-length": "x"}, 413),
        ({"content-length": "9" * 5000}, 413),
    ],
)
def test_headers_are_checked_before_anything_is_read(exchange, headers, status) -> None:
    app, limits = limited(body_bytes=2048)
    assert refusal(limits, exchange(headers=headers, body=())).status == status
    assert not app.bodies


def test_a_body_that_grows_too_large_is_left_and_its_connection_closed(exchange) -> None:
    app, limits = limited(body_bytes=2048)
    refused = refusal(limits, exchange(body=[piece(b" " * 1500), piece(b" " * 1500)]))
    assert (refused.status, refused.headers) == (413, {"connection": "close"})
    assert not app.bodies


def test_a_body_that_does_not_come_in_time_or_whose_sender_is_gone_is_given_up(exchange) -> None:
    _, limits = limited(seconds=0.05)
    assert refusal(limits, exchange(body=[piece(b"{")])).code == "body_too_slow"
    assert refusal(limits, exchange(body=[piece(b"{"), {"type": "http.disconnect"}])).status == 400


def test_large_bodies_that_are_coming_share_a_budget_and_small_ones_do_not_need_it(exchange) -> None:
    app, limits = limited(seconds=5, coming_bytes=5 * SMALL_BODY)
    large = piece(b" " * 2 * SMALL_BODY)

    async def go() -> Exception | None:
        slow = [asyncio.create_task(exchange(body=[large]).over(limits, call())) for _ in range(2)]
        await asyncio.sleep(0.01)
        (third,) = await asyncio.gather(exchange(body=[large]).over(limits, call()), return_exceptions=True)
        await exchange(body=[piece(b" " * SMALL_BODY), piece(b"", more=False)]).over(limits, call())
        for sender in slow:
            sender.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
        await exchange(body=[large, large, piece(b"", more=False)]).over(limits, call())
        return third

    third = asyncio.run(go())
    assert isinstance(third, Refused)
    assert (third.code, third.headers) == ("busy", {"retry-after": "1"})
    assert [len(body) for body in app.bodies] == [SMALL_BODY, 4 * SMALL_BODY]


def test_other_paths_and_methods_pass(exchange) -> None:
    app, limits = limited()
    for path, method in (("/v1/model", "GET"), ("/v1/predict", "GET"), ("/elsewhere", "POST")):
        asyncio.run(exchange(path=path, method=method, headers={"content-type": ""}).over(limits, call()))
    assert app.bodies == [b""] * 3
