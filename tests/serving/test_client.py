"""The clients have a method and a parameter for everything in the OpenAPI document, and send again what may succeed."""

import asyncio
import inspect
import json
from collections.abc import Callable

import httpx
import pytest

from serving.api.requests import Creative
from serving.client import AsyncClient, Client, ServiceError
from serving.middleware.keys import new_key
from serving.settings import ApiKey

SHEET = "素材ID,推广方式,价格\nnew-1,推直播,99\n".encode()
REFUSAL = {"code": "busy", "zh": "忙。", "en": "Busy.", "error": "Busy.", "errors": [], "request_id": "r"}


class Waits:
    """A client that never sleeps, before answers made here."""

    def __init__(self, *replies: httpx.Response | Exception, retries: int = 3) -> None:
        self.waited: list[float] = []
        self.asked: list[httpx.Request] = []
        left = list(replies)

        def reply(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            found = left.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

        self.client = Client(
            "http://service", retries=retries, transport=httpx.MockTransport(reply), sleep=self.waited.append
        )


def refused(status: int, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=REFUSAL, headers=headers)


def test_each_operation_of_the_document_has_a_method_with_its_parameters_and_answer(service) -> None:
    document = service.ask("GET", "/v1/openapi.json").json()
    shapes = document["components"]["schemas"]
    for path, item in document["paths"].items():
        if not path.startswith("/v1/") or path in ("/v1/schema/{name}", "/v1/openapi.json"):
            continue
        operation = item.get("post") or item["get"]
        wanted = {parameter["name"] for parameter in operation.get("parameters", ())}
        body = operation.get("requestBody", {"content": {}})["content"]
        if "application/json" in body:
            wanted |= shapes[body["application/json"]["schema"]["$ref"].rpartition("/")[2]]["properties"].keys()
        elif body:
            wanted |= {"file"}
        answer = operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for kind in (Client, AsyncClient):
            signature = inspect.signature(getattr(kind, path.removeprefix("/v1/")))
            assert signature.parameters.keys() - {"self"} == wanted, path
            assert signature.return_annotation.__name__ == answer


def test_answers_and_refusals_of_the_service_are_typed(service, one_creative) -> None:
    async def go() -> None:
        transport = httpx.ASGITransport(service.app)
        async with AsyncClient("http://localhost", transport=transport) as client:
            answer = await client.predict([one_creative], explain=True, top=2)
            (prediction,) = answer.predictions
            assert prediction.targets["net_roi"].value > 0
            assert len(prediction.explanation.targets["net_roi"].features) == 2
            as_model = Creative.model_validate_json(json.dumps(one_creative))
            again = await client.predict([as_model], explain=True, top=2, model_version=answer.model.version)
            assert again.predictions == answer.predictions
            assert (await client.rank([one_creative], top=1)).ranking[0].place == 1
            assert (await client.model()).version == answer.model.version
            (found,) = (await client.read(SHEET, name="tags.csv", account_id="acc0")).creatives
            assert found.creative["account_id"] == "acc0"
            assert not found.missing
            with pytest.raises(ServiceError) as caught:
                await client.predict([{**one_creative, "price_cny": "x"}])
            failure = caught.value
            assert (failure.status, failure.code) == (400, "not_understood")
            assert failure.zh
            assert failure.request_id
            assert failure.problems[0]["field"] == "creatives[0].price_cny"
            assert "creatives[0].price_cny" in str(failure)

    service.runner.run(go())


def test_a_key_is_sent(build, one_creative) -> None:
    key, digest = new_key()
    service = build(keys=(ApiKey(name="upload", sha256=digest),))

    async def version(key: str | None) -> str:
        async with AsyncClient("http://localhost", key, transport=httpx.ASGITransport(service.app)) as client:
            return (await client.model()).version

    assert service.runner.run(version(key))
    with pytest.raises(ServiceError, match="401"):
        service.runner.run(version(None))


def test_what_may_succeed_is_sent_again_after_a_growing_wait() -> None:
    lost = httpx.ConnectError("refused")
    waits = Waits(refused(503), lost, refused(429, **{"retry-after": "7"}), refused(422))
    with pytest.raises(ServiceError, match="422"):
        waits.client.read(SHEET, name="标签.csv")
    assert len(waits.asked) == 4
    assert 0.1 <= waits.waited[0] <= 0.2 <= waits.waited[1] <= 0.4
    assert waits.waited[2] == 7.0
    assert {request.content for request in waits.asked} == {SHEET}
    assert waits.asked[0].url.params["name"] == "标签.csv"


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (lambda: refused(503), 503, "busy"),
        (lambda: httpx.ReadTimeout("slow"), 0, ""),
        (lambda: httpx.Response(503, text="<html>proxy</html>"), 503, ""),
        (lambda: httpx.Response(503, json=["no", "shape"]), 503, ""),
    ],
)
def test_after_the_last_turn_the_failure_is_told(reply: Callable[[], httpx.Response | Exception], status, code) -> None:
    waits = Waits(reply(), reply(), retries=1)
    with pytest.raises(ServiceError) as caught:
        waits.client.model()
    assert (caught.value.status, caught.value.code) == (status, code)
    assert len(waits.asked) == 2


def test_other_refusals_are_not_sent_again() -> None:
    waits = Waits(refused(500))
    with pytest.raises(ServiceError, match="500"):
        waits.client.model()
    assert not waits.waited


def test_a_newer_service_may_say_more(loaded) -> None:
    answer = {"request_id": "r", "model": loaded.identity, "predictions": [], "added_later": 1}
    waits = Waits(httpx.Response(200, json=answer))
    assert waits.client.predict([]).predictions == []


def test_numbers_that_json_does_not_have_are_refused_before_sending() -> None:
    with pytest.raises(ValueError, match="JSON"):
        Waits().client.predict([{"creative_id": "a", "price_cny": float("nan")}])


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no http address"):
        Client("ftp://service")
    with pytest.raises(ValueError, match="no http address"):
        asyncio.run(AsyncClient("service").aclose())
