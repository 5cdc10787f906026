"""The OpenAPI document: BentoML's own, completed by what it cannot know, and the JSON schemas.

BentoML writes the paths of the API methods. Added are the error answers, the query parameters of a file, examples, the
paths of health, metrics and the mounted application, and the security scheme; schemas are pydantic's.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import configs
from serving.api.errors import CODES, Refused, RequestProblem
from serving.api.file_query import FILE_MEDIA_TYPES, FILE_QUERY, MOST_TEXT
from serving.api.plan_answer import PlanAnswer
from serving.api.requests import PlanRequest, PredictRequest, RankRequest, with_limit
from serving.api.responses import ErrorAnswer, ModelAnswer, PredictAnswer, RankAnswer, ReadAnswer
from serving.settings import ServiceSettings

JSON = "application/json"
REQUEST_MODELS: dict[str, type[PredictRequest] | type[RankRequest] | type[PlanRequest]] = {
    "predict": PredictRequest,
    "rank": RankRequest,
    "plan": PlanRequest,
}
ANSWER_MODELS: dict[str, type[BaseModel]] = {
    "predict-answer": PredictAnswer,
    "rank-answer": RankAnswer,
    "plan-answer": PlanAnswer,
    "read-answer": ReadAnswer,
    "model-answer": ModelAnswer,
    "errors": ErrorAnswer,
}
SCHEMA_NAMES = (
    *("predict", "predict-answer", "rank", "rank-answer", "plan", "plan-answer"),
    *("read-answer", "model-answer", "errors"),
)
GET_STATUSES = (401, 403, 404, 405, 421, 429, 500, 503)
EXAMPLE: dict[str, object] = {
    "creatives": [
        {
            "creative_id": "7412345678901234567",
            "promotion_type": "live",
            "account_id": "1790000000000001",
            "price_cny": 99.0,
            "duration_s": 31.0,
            "roi_target": 2.0,
            "launched_at": "2026-06-20T08:30:00",
            "metrics": [
                {
                    "period_start": "2026-06-20T08:00:00",
                    "period_end": "2026-06-20T09:00:00",
                    "impressions": 1200,
                    "clicks": 71,
                    "orders": 4,
                    "spend_cny": 240.5,
                    "gmv_cny": 396.0,
                }
            ],
        }
    ],
    "explain": True,
    "top": 5,
}
RANK_EXAMPLE: dict[str, object] = {
    "creatives": [
        {"creative_id": "a", "promotion_type": "live", "account_id": "1790000000000001", "price_cny": 99.0},
        {"creative_id": "b", "promotion_type": "live", "account_id": "1790000000000001", "price_cny": 39.0},
    ],
    "by": "net_roi",
    "budget_cny": 300.0,
    "spend_cny": 200.0,
}
PLAN_EXAMPLE: dict[str, object] = {
    "creatives": [
        {"creative_id": "a", "promotion_type": "live", "account_id": "1790000000000001", "category": "食品"},
        {"creative_id": "b", "promotion_type": "live", "account_id": "1790000000000001", "category": "美妆"},
    ],
    "budget_cny": 9000.0,
    "launch": 1,
}


def schema(name: str, most_creatives: int) -> dict[str, object]:
    """JSON schema of a request or an answer.

    Raises:
        Refused: 404 where none has this name.
    """
    if name in REQUEST_MODELS:
        return with_limit(REQUEST_MODELS[name], most_creatives).model_json_schema()
    if name in ANSWER_MODELS:
        return ANSWER_MODELS[name].model_json_schema(mode="serialization")
    hint = f"known: {', '.join(SCHEMA_NAMES)}"
    zh = f"没有这个名字；有 {'、'.join(SCHEMA_NAMES)}。"
    raise Refused(404, "No schema has this name.", [RequestProblem("unknown name", hint, zh, "name")])


def complete(document: Mapping[str, Any], settings: ServiceSettings) -> dict[str, Any]:
    """The OpenAPI document of the service.

    Args:
        document: As BentoML writes it (`Service.openapi_spec`).
        settings: Of the service.
    """
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    components: dict[str, object] = {"schemas": _schemas(settings.limits.creatives)}
    completed: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": document["info"]["title"],
            "version": configs.__version__,
            "description": "Forecasts what a short-video creative will earn next, and says why.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": document["tags"],
        "paths": {
            "/v1/predict": _post(posts["/v1/predict"], _content(PredictRequest, example=EXAMPLE), PredictAnswer),
            "/v1/rank": _post(posts["/v1/rank"], _content(RankRequest, example=RANK_EXAMPLE), RankAnswer),
            "/v1/plan": _post(posts["/v1/plan"], _content(PlanRequest, example=PLAN_EXAMPLE), PlanAnswer),
            "/v1/read": _post(posts["/v1/read"], _file_body(), ReadAnswer, parameters=_file_parameters()),
            **_get_paths(),
        },
        "components": components,
    }
    if settings.keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        completed["security"] = [{"key": []}]
    return completed


def _schemas(most_creatives: int) -> dict[str, Any]:
    requests = [with_limit(model, most_creatives) for model in REQUEST_MODELS.values()]
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in requests]
    models += [(model, "serialization") for model in ANSWER_MODELS.values()]
    _, shapes = models_json_schema(models, ref_template="#/components/schemas/{model}")
    return shapes["$defs"]


def _content(model: type[BaseModel], **more: object) -> dict[str, object]:
    return {JSON: {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}, **more}}


def _file_body() -> dict[str, object]:
    return {media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in FILE_MEDIA_TYPES}


def _file_parameters() -> list[dict[str, object]]:
    text: dict[str, object] = {"type": "string", "maxLength": MOST_TEXT}
    return [
        {"name": name, "in": "query", "schema": text, "description": description}
        for name, description in FILE_QUERY.items()
    ]


def _errors(statuses: tuple[int, ...]) -> dict[str, object]:
    return {
        str(status): {
            "description": " ".join(f"`{code}`: {en}" for code, (of, _, en) in CODES.items() if of == status),
            "content": _content(ErrorAnswer),
        }
        for status in statuses
    }


def _post(
    written: Mapping[str, Any], body: dict[str, object], answer: type[BaseModel], **more: object
) -> dict[str, object]:
    """One API method: tags, names and description are BentoML's."""
    statuses = tuple(sorted({status for status, _, _ in CODES.values()} - {404}))
    kept = {name: written[name] for name in ("tags", "x-bentoml-name", "description", "operationId")}
    summary, _, _ = written["description"].partition("\n")
    return {
        "post": {
            **kept,
            "summary": summary,
            **more,
            "requestBody": {"required": True, "content": body},
            "responses": {"200": {"description": "Answered.", "content": _content(answer)}, **_errors(statuses)},
        }
    }


def _get_paths() -> dict[str, object]:
    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(SCHEMA_NAMES)}}
    anything: dict[str, object] = {JSON: {"schema": {}}}
    card = "Which model serves, what it takes, how well it predicted the holdout"
    return {
        "/v1/model": _get(card, _content(ModelAnswer)),
        "/v1/schema/{name}": _get("JSON schema of a request or an answer", anything, parameters=[name]),
        "/v1/openapi.json": _get("This document", anything),
        "/docs": _get("This document for people", _text("text/html")),
        "/livez": _get("Whether the process lives", _text("text/plain")),
        "/healthz": _get("Whether the process lives", _text("text/plain")),
        "/readyz": _get("Whether it can answer and record", _text("text/plain")),
        "/metrics": _get("Prometheus metrics", _text("text/plain")),
        "/": _get("The page", _text("text/html")),
        "/report": _get("The strategist's report, where one was made", _text("text/html")),
    }


def _text(media_type: str) -> dict[str, object]:
    return {media_type: {"schema": {"type": "string"}}}


def _get(summary: str, content: dict[str, object], **more: object) -> dict[str, object]:
    responses = {"200": {"description": summary, "content": content}, **_errors(GET_STATUSES)}
    return {"get": {"summary": summary, "responses": responses, **more}}
