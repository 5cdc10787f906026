"""Every kind of problem of a request is told in both languages."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy

from pydantic import ValidationError

from features.attributes import CREATIVE_ATTRIBUTES
from features.schema import VALUES
from serving.api import problem_words
from serving.api.contradictions import ModelVocabulary
from serving.api.errors import Refused, RequestProblem
from serving.api.problem_words import OTHER_SHAPE, SHAPES, Kind
from serving.api.requests import PlanRequest, PredictRequest, RankRequest
from serving.api.validation import parse_request

VOCABULARY = ModelVocabulary(
    tags=frozenset({"hook", "selling_point"}), multi=frozenset({"selling_point"}), time_zone="Asia/Shanghai"
)
BARE_VOCABULARY = ModelVocabulary(tags=frozenset(), multi=frozenset(), time_zone="Asia/Shanghai")
KEYS = {"creative_id": "c", "promotion_type": "live", "account_id": "a"}
HOUR = {"period_start": "2026-05-08T09:00:00", "period_end": "2026-05-08T10:00:00"}
EVERY_FIELD = {
    **{
        a.name: {"number": 5.0, "time": "2026-05-08T09:00:00", "text": "x"}[a.type]
        for a in CREATIVE_ATTRIBUTES
        if a.requested
    },
    **KEYS,
    "tags": {"hook": "x", "selling_point": ["a"]},
    "metrics": [{**HOUR, **dict.fromkeys(VALUES, 1.0)}],
    "sums": {"age_hours": 3.0, **dict.fromkeys(VALUES, 1.0)},
}
BODIES = [
    (PredictRequest, {"creatives": [EVERY_FIELD], "explain": True, "top": 3, "model_version": "1"}),
    (
        RankRequest,
        {
            "creatives": [EVERY_FIELD], "by": "net_roi", "budget_cny": 1.0, "spend_cny": 1.0, "top": 1,
            "model_version": "1",
        },
    ),
    (PlanRequest, {"creatives": [EVERY_FIELD], "budget_cny": 1.0, "launch": 1, "model_version": "1"}),
]  # fmt: skip
WRONG = [
    None, True, 0, -1, 1.5, 1e300, 10**30, float("nan"), "", "x", "x" * 2001, "a\0", "2026-13-01",
    "2026-06-01T99:00:00", "0001-01-01T00:00:00", [], {}, [1], ["x"] * 21, [{}] * 1001,
    {"x": 1}, {f"t{n}": "x" for n in range(61)},
]  # fmt: skip
"""Put into every place of a request: each is wrong in most of them."""
NO_JSON = (b"", b"{", b"\xff", b'"\\ud800"', b"[" * 300)


def places(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*path, name))


def changed(body: object, path: tuple[str | int, ...], *wrong: object) -> bytes:
    """The body with another value in this place, or without the place."""
    if path:
        body = deepcopy(body)
        *to, last = path
        inner = body
        for name in to:
            inner = inner[name]
        if wrong:
            inner[last] = wrong[0]
        else:
            del inner[last]
    elif wrong:
        body = wrong[0]
    return json.dumps(body).encode()


def wrong_bodies() -> Iterator[tuple[type, bytes]]:
    for model, body in BODIES:
        yield from ((model, content) for content in NO_JSON)
        for path in places(body):
            yield from ((model, changed(body, path, wrong)) for wrong in WRONG)
            yield model, changed(body, path)


def problems_of(model: type, body: bytes, vocabulary: ModelVocabulary = VOCABULARY) -> list[RequestProblem]:
    try:
        parse_request(model, body, vocabulary)
    except Refused as refused:
        return list(refused.problems)
    return []


def check(problem: RequestProblem) -> None:
    for text in (problem.problem, problem.hint, problem.zh):
        assert text
        assert not re.search(r"[{}]|\bNone\b", text), problem
    assert re.search(r"[\u4e00-\u9fff]", problem.zh), problem
    assert problem.zh.endswith(("。", "？")), problem
    assert not re.search(r"[\u4e00-\u9fff]", problem.problem + problem.hint), problem


def test_every_error_of_pydantic_that_a_request_can_raise_has_a_sentence_in_both_languages() -> None:
    raised = set()
    for model, body in wrong_bodies():
        try:
            model.model_validate_json(body)
        except ValidationError as error:
            raised.update(one["type"] for one in error.errors(include_url=False, include_input=False))
            problems = problems_of(model, body)
            assert problems
            for problem in problems:
                check(problem)
    assert raised - {"extra_forbidden"} == set(SHAPES)  # unknown fields are told with the name that was meant


def row(**figures: object) -> dict[str, object]:
    return {**KEYS, "metrics": [{**HOUR, **figures}]}


CONTRADICTIONS = [
    {**KEYS, "tags": {"hok": "x"}},
    {**KEYS, "tags": {"zzz": "x"}},
    {**KEYS, "tags": {"hook": ["a", "b|c"]}},
    {**KEYS, "metrics": [HOUR], "sums": {"age_hours": 3.0}},
    row(period_end=HOUR["period_start"]),
    {**KEYS, "metrics": [HOUR, HOUR]},
    {**row(impressions=5), "launched_at": "2026-05-09T00:00:00"},
    {**KEYS, "metrics": [{**HOUR, "impressions": 6e8}, {**HOUR, "impressions": 6e8}]},
    row(impressions=0, clicks=3),
    row(gmv_cny=5, net_gmv_cny=9),
    row(impressions=100, clicks=1000),
    {**row(impressions=1e8, clicks=1e6, orders=1e5), "price_cny": 5e6},
]
LARGE = "x" * 100_000


def test_every_sentence_is_told_of_some_request(monkeypatch) -> None:
    told = set()
    tell = Kind.of
    monkeypatch.setattr(Kind, "of", lambda self, *place, **values: told.add(self) or tell(self, *place, **values))
    bodies = [*wrong_bodies()]
    bodies += [(PredictRequest, json.dumps({"creatives": [one]}).encode()) for one in CONTRADICTIONS]
    bodies += [
        (PredictRequest, json.dumps(body).encode())
        for body in ({"creatives": [KEYS, KEYS]}, {"creatives": [{**KEYS, "acount_id": 1, "zzzzzzz": 1}]})
    ]
    bodies += [(PredictRequest, json.dumps({"creatives": [KEYS] * 501 + [LARGE]}).encode())]
    bodies += [(PredictRequest, b"[" + LARGE.encode())]
    bodies += [(RankRequest, json.dumps({"creatives": [KEYS], **more}).encode()) for more in ({}, {"budget_cny": 1.0})]
    for model, body in bodies:
        for problem in problems_of(model, body):
            check(problem)
    for problem in problems_of(
        PredictRequest, json.dumps({"creatives": [CONTRADICTIONS[0]]}).encode(), BARE_VOCABULARY
    ):
        check(problem)
    constants = {one for one in vars(problem_words).values() if isinstance(one, Kind)}
    assert {*constants, *SHAPES.values()} - told == {OTHER_SHAPE}


def test_an_error_that_is_not_known_is_told_in_its_own_english() -> None:
    problem = OTHER_SHAPE.of("creatives[0].x", "c", message="Odd.", schema="/v1/schema/predict")
    check(problem)
    assert (problem.problem, problem.field) == ("Odd.", "creatives[0].x")


def test_chinese_calls_figures_as_people_do() -> None:
    (problem,) = problems_of(PredictRequest, json.dumps({"creatives": [row(impressions=100, clicks=1000)]}).encode())
    assert problem.zh == "点击次数 1,000，而展示次数只有 100；最多是展示次数的 2 倍再加 20。处理：两个数都核对。"
    assert problem.problem == "1000 clicks and 100 impressions"


def test_a_tag_that_is_not_known_is_told_with_those_that_are() -> None:
    (near,) = problems_of(PredictRequest, json.dumps({"creatives": [CONTRADICTIONS[0]]}).encode())
    assert near.zh == "模型没有这个标签；是不是“开头”？"
    (known,) = problems_of(PredictRequest, json.dumps({"creatives": [CONTRADICTIONS[1]]}).encode())
    assert known.zh == "模型没有这个标签；模型的标签：开头、卖点。"
    assert known.hint == "known: hook, selling_point"
