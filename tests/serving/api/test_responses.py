"""What the service sends is what `serving/api/responses.py` declares: every field, in order, described."""

import json
from collections.abc import Callable
from math import inf

import orjson
import pytest
from pydantic import BaseModel

import serving.api.plan_answer as plan_answer
import serving.api.responses as responses
from serving.api.errors import Refused, RequestProblem
from serving.api.plan_answer import PlanAnswer
from serving.api.requests import PredictRequest, RankRequest
from serving.api.responses import (
    AnswerModel,
    ErrorAnswer,
    ModelAnswer,
    PredictAnswer,
    RankAnswer,
    ReadAnswer,
)
from serving.compute.work import RawFile, RawRequest, compute_one, read_one
from serving.inference.loaded_model import ModelSource
from serving.mounts.model_card import model_answer
from serving.settings import Limits
from serving.upload.file_context import FileContext

DECLARED = [
    model
    for model in (vars(responses) | vars(plan_answer)).values()
    if isinstance(model, type) and issubclass(model, AnswerModel) and model is not AnswerModel
]


@pytest.fixture
def answer(loaded) -> Callable[..., bytes]:
    def of(endpoint, creatives, **more) -> bytes:
        body = json.dumps({"creatives": creatives, **more}).encode()
        return compute_one(loaded, RawRequest(endpoint, body, "id", "anyone", inf), 500).content

    return of


def assert_sent_as_declared(model: type[BaseModel], content: bytes) -> None:
    """The declaration reads it and writes it again to the same bytes: no field more, none less, none out of order."""
    read = model.model_validate_json(content)
    assert orjson.dumps(read.model_dump(mode="json", exclude_unset=True)) == content
    left_out = model.model_fields.keys() - read.model_fields_set
    assert not left_out


@pytest.mark.parametrize("more", [{}, {"explain": True}, {"explain": True, "top": 2}])
def test_predictions_are_sent_as_declared(answer, one_creative, more) -> None:
    before_launch = {name: value for name, value in one_creative.items() if name != "metrics"} | {"creative_id": "new"}
    strange = {**one_creative, "creative_id": "strange", "tags": {"hook": "没见过"}}
    content = answer("predict", [one_creative, before_launch, strange], **more)
    assert_sent_as_declared(PredictAnswer, content)
    for prediction in PredictAnswer.model_validate_json(content).predictions:
        left_out = type(prediction).model_fields.keys() - prediction.model_fields_set
        assert left_out == (set() if more else {"explanation"})
        assert all(estimate.model_fields_set == {"value", "low", "high"} for estimate in prediction.targets.values())


def test_a_ranking_is_sent_as_declared(answer, one_creative) -> None:
    candidates = [{**one_creative, "creative_id": f"c{number}"} for number in range(3)]
    assert_sent_as_declared(RankAnswer, answer("rank", candidates, budget_cny=300.0, spend_cny=200.0))


def test_a_plan_is_sent_as_declared(answer, one_creative) -> None:
    waiting = {name: value for name, value in one_creative.items() if name != "metrics"}
    several = [{**waiting, "creative_id": f"new{n}", "tags": {"hook": "悬念"}, "product_id": f"p{n}"} for n in range(3)]
    content = answer("plan", [one_creative, *several], budget_cny=50_000.0)
    assert_sent_as_declared(PlanAnswer, content)
    plan = PlanAnswer.model_validate_json(content)
    assert len(plan.candidates) == 3
    assert plan.summary.candidates == 3
    assert plan.left_out == []


def test_a_plan_says_who_is_in_neither_list_and_why(answer, one_creative, small_world) -> None:
    known = small_world.creatives.iloc[0]
    key = {name: str(known[name]) for name in ("creative_id", "promotion_type", "account_id")}
    waiting = {name: value for name, value in one_creative.items() if name != "metrics"}
    content = answer("plan", [key, one_creative, {**waiting, "creative_id": "new"}], budget_cny=50_000.0)
    assert_sent_as_declared(PlanAnswer, content)
    (other,) = PlanAnswer.model_validate_json(content).left_out
    assert other.creative_id == key["creative_id"]
    assert "不在计划里" in other.why.zh


def test_a_read_file_is_sent_as_declared(loaded) -> None:
    sheet = "素材ID,推广方式,开头类型,目标ROI\nnew-1,推直播,悬念,9\nnew-2,推直播,没见过,5000\n".encode()
    content = read_one(loaded, RawFile(sheet, FileContext("tags.csv"), "id", inf)).content
    assert_sent_as_declared(ReadAnswer, content)
    assert ReadAnswer.model_validate_json(content).problems


def test_the_model_is_sent_as_declared(loaded) -> None:
    source = ModelSource("the registry x", True, "")
    content = orjson.dumps(model_answer(loaded, source, Limits(), report=False).model_dump(mode="json"))
    assert_sent_as_declared(ModelAnswer, content)
    assert content.startswith(orjson.dumps(loaded.identity)[:-1])


def test_errors_are_sent_as_declared() -> None:
    refused = Refused(
        400, "No.", [RequestProblem("wrong", "right", "错了。", "creatives[0].x", "c"), RequestProblem("a", "b", "c")]
    )
    assert_sent_as_declared(ErrorAnswer, orjson.dumps(refused.body("id")))


def is_exemplified(shape: dict) -> bool:
    """Whether a value can be imagined: by an example, its few possible values, or the shapes that it is made of."""
    parts = [*shape.get("anyOf", ()), *(shape[key] for key in ("items", "additionalProperties") if key in shape)]
    return bool({"$ref", "examples", "enum", "const"} & shape.keys()) or any(map(is_exemplified, parts))


@pytest.mark.parametrize("model", [*DECLARED, PredictRequest, RankRequest], ids=lambda model: model.__name__)
def test_every_declared_shape_says_what_it_is_and_every_answered_field_what_it_means(model) -> None:
    assert model.__doc__
    if issubclass(model, AnswerModel):
        assert [name for name, field in model.model_fields.items() if not field.description] == []
        shapes = model.model_json_schema()["properties"]
        assert [name for name, shape in shapes.items() if not is_exemplified(shape)] == []
