"""What the service says of itself: its OpenAPI document, JSON schemas, the model's card."""

from functools import cache

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import configs
from configs.settings import BASES
from features.attributes import CREATIVE_ATTRIBUTES
from features.funnel import VOLUME
from features.matrix.catalogue import VOLUME_NAMES
from serving.api.errors import Fault, Refused
from serving.api.requests import PredictRequest, RankRequest
from serving.api.responses import Errors, PredictAnswer, RankAnswer, ReadAnswer
from serving.asgi.handlers import Endpoint
from serving.inference.loaded_model import LoadedModel

POST_PATHS: dict[str, Endpoint] = {"/v1/predict": "predict", "/v1/rank": "rank"}
READ_PATH = "/v1/read"
FILE_KIND = "application/octet-stream"
REPORT_PATH = "/report"
GET_PATHS = ("/metrics", "/v1/model", "/v1/openapi.json", REPORT_PATH)
SCHEMAS: dict[str, type[BaseModel]] = {
    "predict": PredictRequest,
    "predict-answer": PredictAnswer,
    "rank": RankRequest,
    "rank-answer": RankAnswer,
    "read-answer": ReadAnswer,
    "errors": Errors,
}
FILE_QUERY = {
    "name": "What the file is called; promotion types and days are looked for in it.",
    "account_id": "Account of rows that name none.",
    "promotion_type": "Promotion type of rows that name none.",
}
MOST_TEXT = 200
"""Letters of each of these."""
STATUSES = {
    400: "Not understood; every problem is told.",
    401: "No known API key.",
    403: "The key may not do this.",
    404: "Nothing is there.",
    405: "The path takes another method.",
    408: "The body did not come in time.",
    409: "Another model version serves.",
    413: "The body is too large.",
    415: "The body is of another kind, or compressed.",
    422: "Understood, but it cannot be; every problem is told.",
    429: "Too many requests with this key.",
    500: "The service failed; nothing was told.",
    503: "No model, or too many requests at a time.",
    504: "Not done in time.",
}
READ_STATUSES = (401, 403, 404, 405, 429, 500, 503)
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


def schema(name: str) -> dict[str, object]:
    """JSON schema of a request or an answer.

    Raises:
        Refused: 404 where none has this name.
    """
    if name not in SCHEMAS:
        hint = f"known: {', '.join(SCHEMAS)}"
        raise Refused(404, "No schema has this name.", [Fault("unknown name", hint, "name")])
    return SCHEMAS[name].model_json_schema()


def model_card(served: LoadedModel) -> dict[str, object]:
    """What serves, what it takes, and how well it was judged."""
    manifest, fitted = served.manifest, served.model.fitted
    return {
        **served.told,
        "created_at": manifest.created_at,
        "data_fingerprint": manifest.data_fingerprint,
        "feature_fingerprint": manifest.feature_fingerprint,
        "net_money": BASES[manifest.settings.basis][0],
        "time_zone": manifest.settings.time_zone,
        "ages_hours": list(manifest.settings.ages_hours),
        "promotion_types": sorted(served.kinds),
        "targets": fitted.funnel.targets,
        "not_predicted": fitted.funnel.missing,
        "stages": [
            {"name": stage.name, "zh": stage.zh, "en": stage.en, "unit": stage.unit} for stage in fitted.funnel.stages
        ]
        + [{"name": VOLUME, "zh": VOLUME_NAMES[0], "en": VOLUME_NAMES[1], "unit": fitted.funnel.volume_of}],
        "figures": list(served.figures),
        "ranges": served.ranges,
        "tags": {
            name: {"several": name in served.known.multi, "values": list(values)}
            for name, values in served.tags.items()
        },
        "attributes": [
            {"name": a.name, "type": a.type, "zh": a.full_label.zh, "en": a.full_label.en}
            for a in CREATIVE_ATTRIBUTES
            if a.requested
        ],
        "features": [
            {"name": f.name, "zh": f.zh, "en": f.en, "unit": f.unit, "group": f.group} for f in served.catalogue
        ],
        "creatives_known": served.standing.creatives,
        "evaluation": manifest.summary,
    }


@cache
def _document(keys: bool) -> dict[str, object]:
    models: list[tuple[type[BaseModel], str]] = [(model, "validation") for model in (PredictRequest, RankRequest)]
    models += [(model, "serialization") for model in (PredictAnswer, RankAnswer, ReadAnswer, Errors)]
    _, shapes = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]

    def content(model: type[BaseModel], example: object = None) -> dict[str, object]:
        shape: dict[str, object] = {"schema": {"$ref": f"#/components/schemas/{model.__name__}"}}
        return {"application/json": shape | ({"example": example} if example is not None else {})}

    def errors(statuses: tuple[int, ...]) -> dict[str, object]:
        return {str(status): {"description": STATUSES[status], "content": content(Errors)} for status in statuses}

    def asked(request: type[BaseModel], answer: type[BaseModel], summary: str, example: object) -> dict[str, object]:
        statuses = tuple(status for status in STATUSES if status != 404)
        return {
            "post": {
                "summary": summary,
                "operationId": request.__name__.removesuffix("Request").lower(),
                "requestBody": {"required": True, "content": content(request, example)},
                "responses": {"200": {"description": "Answered.", "content": content(answer)}, **errors(statuses)},
            }
        }

    def file() -> dict[str, object]:
        statuses = tuple(status for status in STATUSES if status not in (404, 409))
        text: dict[str, object] = {"type": "string", "maxLength": MOST_TEXT}
        told: dict[str, object] = {"description": "Read.", "content": content(ReadAnswer)}
        responses: dict[str, object] = {"200": told, **errors(statuses)}
        return {
            "post": {
                "summary": "A tag sheet or an export as creatives that can be asked about",
                "operationId": "read",
                "parameters": [
                    {"name": name, "in": "query", "schema": text, "description": description}
                    for name, description in FILE_QUERY.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {FILE_KIND: {"schema": {"type": "string", "format": "binary"}}},
                },
                "responses": responses,
            }
        }

    def read(summary: str, kind: str = "application/json", **more: object) -> dict[str, object]:
        told = {
            "description": summary,
            "content": {kind: {"schema": {} if kind == "application/json" else {"type": "string"}}},
        }
        return {"get": {"summary": summary, "responses": {"200": told, **errors(READ_STATUSES)}, **more}}

    name = {"name": "name", "in": "path", "required": True, "schema": {"type": "string", "enum": list(SCHEMAS)}}
    document: dict[str, object] = {
        "openapi": "3.1.0",
        "info": {"title": "gpmcast", "version": configs.__version__, "license": {"name": "Apache-2.0"}},
        "paths": {
            "/v1/predict": asked(PredictRequest, PredictAnswer, "What creatives will earn next, and why", EXAMPLE),
            "/v1/rank": asked(RankRequest, RankAnswer, "Candidates in order, under a budget", RANK_EXAMPLE),
            READ_PATH: file(),
            "/v1/model": read("Which model serves, what it takes, how well it was judged"),
            "/v1/schema/{name}": read("JSON schema of a request or an answer", parameters=[name]),
            "/v1/openapi.json": read("This document"),
            "/livez": read("Whether the process lives"),
            "/healthz": read("Whether the process lives"),
            "/readyz": read("Whether it can answer and record"),
            "/metrics": read("Prometheus metrics", "text/plain"),
            "/": read("The page", "text/html"),
            REPORT_PATH: read("The strategist's report, where one was made", "text/html"),
        },
        "components": {"schemas": shapes["$defs"]},
    }
    if keys:
        document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}  # type: ignore[index]
        document["security"] = [{"key": []}]
    return document


def description(served: LoadedModel | None, *, keys: bool) -> dict[str, object]:
    """The OpenAPI document, with the words of the serving model in its example."""
    document = _document(keys)
    if served is None:
        return document
    return document
