"""What the service uses of BentoML without its documentation promising it: a test for each, for the day it changes."""

import json

import pytest
from starlette.responses import Response

from serving.api.requests import PredictRequest
from serving.middleware.call import Call
from serving.middleware.door import Door

JSON = {"content-type": "application/json"}


def test_the_class_of_the_service_is_ours_and_its_application_stands_behind_the_door(service) -> None:
    made = service.module.SERVICE
    assert type(made) is service.module.ServiceBehindDoor
    assert service.app.user_middleware[0].cls is Door
    assert made.schema() is made.schema()  # made once
    assert service.ask("GET", "/schema.json").json()["routes"]


def test_over_http_a_method_gets_what_our_hook_makes_of_the_request(service, monkeypatch) -> None:
    given: list[object] = []

    async def note(endpoint: str, call: object, shape: object) -> Response:
        given.append(call)
        return Response(b"noted")

    monkeypatch.setattr(service.instance, "_answer", note)
    assert service.ask("POST", "/v1/predict", content=b"{}", headers=JSON).content == b"noted"
    (call,) = given
    assert isinstance(call, Call)
    assert call.body == b"{}"


@pytest.mark.parametrize("method", ["predict", "rank"])
def test_a_body_that_bentoml_parsed_itself_is_refused_over_http(service, one_creative, monkeypatch, method) -> None:
    async def parsed(*_: object) -> PredictRequest:
        return PredictRequest.model_validate_json(json.dumps({"creatives": [one_creative]}))

    body = {"creatives": [one_creative], "top": 1}
    assert service.ask("POST", f"/v1/{method}", json=body).status_code == 200
    monkeypatch.setattr(service.declared.apis[method].input_spec, "from_http_request", parsed)
    assert service.ask("POST", f"/v1/{method}", json=body).status_code == 500


def test_attributes_of_the_instance_are_found_before_its_methods(service, monkeypatch) -> None:
    assert {"predict", "rank", "plan", "read"} <= set(vars(service.instance))

    async def other(*_: object) -> Response:
        return Response(b"other")

    class Method:
        local = staticmethod(other)

    monkeypatch.setitem(vars(service.instance), "rank", Method())
    assert service.ask("POST", "/v1/rank", content=b"{}", headers=JSON).content == b"other"


def test_readiness_asks_our_method_inside_the_context_of_its_request(service, monkeypatch) -> None:
    monkeypatch.setattr(service.instance, "_watcher", type("Empty", (), {"loaded": None}))
    refusal = service.ask("GET", "/readyz")
    assert (refusal.status_code, refusal.json()["error"]) == (503, "Not ready: no model is loaded.")
    monkeypatch.undo()
    assert service.ask("GET", "/readyz").status_code == 200
