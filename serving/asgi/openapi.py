"""The OpenAPI document, the JSON schemas, and the answer of `GET /v1/model`."""

from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

import configs
from configs.settings import BASES
from features.attributes import CREATIVE_ATTRIBUTES
from features.funnel import TARGETS, VOLUME, VOLUME_LABEL
from serving.api.errors import Refused, RequestProblem
from serving.api.requests import PredictRequest, RankRequest, with_limit
from serving.api.responses import (
    AttributeCard,
    ErrorAnswer,
    FeatureCard,
    LimitsCard,
    LiveAnswer,
    ModelAnswer,
    PredictAnswer,
    RankAnswer,
    ReadAnswer,
    ReadyAnswer,
    StageCard,
    TagCard,
    TargetCard,
)
from serving.asgi.handlers import Endpoint
from serving.inference.loaded_model import LoadedModel
from serving.settings import Limits

POST_PATHS: dict[str, Endpoint] = {"/v1/predict": "predict", "/v1/rank": "rank"}
READ_PATH = "/v1/read"
FILE_MEDIA_TYPE = "application/octet-stream"
REPORT_PATH = "/report"
GET_PATHS = ("/metrics", "/v1/model", "/v1/openapi.json", REPORT_PATH)
REQUEST_MODELS: dict[str, type[PredictRequest] | type[RankRequest]] = {"predict": PredictRequest, "rank": RankRequest}
ANSWER_MODELS: dict[str, type[BaseModel]] = {
    "predict-answer": PredictAnswer,
    "rank-answer": RankAnswer,
    "read-answer": ReadAnswer,
    "model-answer": ModelAnswer,
    "errors": ErrorAnswer,
}
SCHEMA_NAMES = ("predict", "predict-answer", "rank", "rank-answer", "read-answer", "model-answer", "errors")
FILE_QUERY = {
    "name": "Name of the file; a promotion type or a day in it is used.",
    "account_id": "Account of rows without one.",
    "promotion_type": "Promotion type of rows without one.",
}
MOST_TEXT = 200
"""Characters of each of these."""
STATUSES = {
    400: "Not understood; every problem is listed.",
    401: "No known API key.",
    403: "The key may not do this.",
    404: "Nothing is there.",
    405: "The path takes another method.",
    408: "The body did not come in time.",
    409: "Another model version serves.",
    413: "The body is too large.",
    415: "The body is of another media type, or compressed.",
    422: "Understood, but it cannot be; every problem is listed.",
    429: "Too many requests with this key.",
    500: "The service failed.",
    503: "No model, or too many requests at a time.",
    504: "Not done in time.",
}
GET_STATUSES = (401, 403, 404, 405, 429, 500, 503)
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
    raise Refused(404, "No schema has this name.", [RequestProblem("unknown name", hint, "name")])


def model_answer(loaded: LoadedModel, limits: Limits, *, report: bool) -> ModelAnswer:
    """The answer of `GET /v1/model`.

    Args:
        loaded: The model.
        limits: Of the service.
        report: Whether there is a report.
    """
    manifest, fitted = loaded.manifest, loaded.model.fitted
    stages = [StageCard(name=s.name, zh=s.label.zh, en=s.label.en, unit=s.unit) for s in fitted.funnel.stages]
    volume = StageCard(name=VOLUME, zh=VOLUME_LABEL.zh, en=VOLUME_LABEL.en, unit=fitted.funnel.volume_of)
    return ModelAnswer.model_validate(
        {
            **loaded.identity,
            "created_at": manifest.created_at,
            "data_fingerprint": manifest.data_fingerprint,
            "feature_fingerprint": manifest.feature_fingerprint,
            "net_money": BASES[manifest.settings.basis][0],
            "time_zone": manifest.settings.time_zone,
            "ages_hours": manifest.settings.ages_hours,
            "promotion_types": sorted(loaded.promotion_types),
            "targets": fitted.funnel.targets,
            "target_labels": [
                TargetCard(name=t.name, zh=t.label.zh, en=t.label.en, unit=t.unit, rate=not t.is_volume)
                for t in (TARGETS[name] for name in fitted.funnel.targets)
            ],
            "not_predicted": fitted.funnel.missing,
            "stages": [*stages, volume],
            "figures": loaded.metric_columns,
            "ranges": loaded.ranges,
            "tags": {
                name: TagCard(several=name in loaded.vocabulary.multi, values=list(values))
                for name, values in loaded.tags.items()
            },
            "attributes": [
                AttributeCard(name=a.name, type=a.type, zh=a.full_label.zh, en=a.full_label.en)
                for a in CREATIVE_ATTRIBUTES
                if a.requested
            ],
            "features": [
                FeatureCard(name=f.name, zh=f.zh, en=f.en, unit=f.unit, group=f.group) for f in loaded.catalogue
            ],
            "creatives_known": loaded.as_of.creatives,
            "evaluation": manifest.summary,
            "limits": LimitsCard(body_bytes=limits.body_bytes, creatives=limits.creatives),
            "report": report,
        }
    )


@cache
def openapi_document(most_creatives: int, *, keys: bool) -> dict[str, object]:
    """The OpenAPI document.

    Args:
        most_creatives: The setting `limits.creatives`.
        keys: Whether requests need an API key.
    """
    predict, rank = with_limit(PredictRequest, most_creatives), with_limit(RankRequest, most_creatives)
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(predict, "validation"), (rank, "validation")]
    answers: list[type[BaseModel]] = [*ANSWER_MODELS.values(), LiveAnswer, ReadyAnswer]
    models += [(model, "serialization") for model in answers]
    _, shapes = models_json_schema(models, ref_template="#/components/schemas/{model}")

    def content(model: type[BaseModel], example: object = None) -> dict[str, object]:
        shape: dict[str, object] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
        return {"application/json": shape | ({"example": example} if example is not None else {})}

    def errors(statuses: tuple[int, ...]) -> dict[str, object]:
        return {str(status): {"description": STATUSES[status], "content": content(ErrorAnswer)} for status in statuses}

    def post(request: type[BaseModel], answer: type[BaseModel], summary: str, example: object) -> dict[str, object]:
        statuses = tuple(status for status in STATUSES if status != 404)
        return {
            "post": {
                "summary": summary,
                "operationId": request.__name__.removesuffix("Request").lower(),
                "requestBody": {"required": True, "content": content(request, example)},
                "responses": {"200": {"description": "Answered.", "content": content(answer)}, **errors(statuses)},
            }
        }

    def upload() -> dict[str, object]:
        statuses = tuple(status for status in STATUSES if status not in (404, 409))
        text: dict[str, object] = {"type": "string", "maxLength": MOST_TEXT}
        read: dict[str, object] = {"description": "Read.", "content": content(ReadAnswer)}
        responses: dict[str, object] = {"200": read, **errors(statuses)}
        return {
            "post": {
                "summary": "A tag sheet or an export as creatives that can be predicted",
                "operationId": "read",
                "parameters": [
                    {"name": name, "in": "query", "schema": text, "description": description}
                    for name, description in FILE_QUERY.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {FILE_MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
                },
                "responses": responses,
            }
        }

    def get(
        summary: str, answer: type[BaseModel] | None = None, media_type: str = "application/json", **more: object
    ) -> dict[str, object]:
        plain: dict[str, object] = {} if media_type == "application/json" else {"type": "string"}
        shown = content(answer) if answer is not None else {media_type: {"schema": plain}}
        found = {"description": summary, "content": shown}
        return {"get": {"summary": summary, "responses": {"200": found, **errors(GET_STATUSES)}, **more}}

    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(SCHEMA_NAMES)}}
    components: dict[str, object] = {"schemas": shapes["$defs"]}
    document: dict[str, object] = {
        "openapi": "3.1.0",
        "info": {"title": "gpmcast", "version": configs.__version__, "license": {"name": "Apache-2.0"}},
        "paths": {
            "/v1/predict": post(PredictRequest, PredictAnswer, "What creatives will earn next, and why", EXAMPLE),
            "/v1/rank": post(RankRequest, RankAnswer, "Candidates in order, under a budget", RANK_EXAMPLE),
            READ_PATH: upload(),
            "/v1/model": get("Which model serves, what it takes, how well it predicted the holdout", ModelAnswer),
            "/v1/schema/{name}": get("JSON schema of a request or an answer", parameters=[name]),
            "/v1/openapi.json": get("This document"),
            "/livez": get("Whether the process lives", LiveAnswer),
            "/healthz": get("Whether the process lives", LiveAnswer),
            "/readyz": get("Whether it can answer and record", ReadyAnswer),
            "/metrics": get("Prometheus metrics", media_type="text/plain"),
            "/": get("The page", media_type="text/html"),
            REPORT_PATH: get("The strategist's report, where one was made", media_type="text/html"),
        },
        "components": components,
    }
    if keys:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"key": []}]
    return document
