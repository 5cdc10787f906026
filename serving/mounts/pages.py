"""The Starlette application that BentoML mounts: the page, the report, the model's card, schemas and the API's docs.

`app.state.model` is set when the service starts: a function that gives the loaded model or raises Refused;
`app.state.source` likewise: where the model comes from.
`app.state.openapi` gives the OpenAPI document.
"""

from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.api.errors import Refused, refused
from serving.middleware.call import call_of
from serving.mounts.model_card import model_answer
from serving.mounts.openapi import SCHEMA_NAMES, schema
from serving.mounts.static_files import DOCS_POLICY, HOME, PAGE, PAGE_POLICY, REPORT_POLICY, page_file, page_paths
from serving.settings import ServiceSettings

HTML = "text/html; charset=utf-8"
JSON = "application/json"
DOCS_FILES = {"/docs": ("docs.html", HTML), "/docs/docs.js": ("docs.js", "text/javascript; charset=utf-8")}
FOLDER = Path(__file__).parent
Endpoint = Callable[[Request], Awaitable[Response]]


def pages_app(settings: ServiceSettings) -> Starlette:
    """The application, without a model yet."""
    routes: dict[str, Endpoint] = {
        "/v1/model": _model(settings),
        "/v1/schema/{name}": _schema(settings),
        "/v1/openapi.json": _openapi,
        "/docs.json": _openapi,
        "/report": _report(settings),
        **dict.fromkeys(DOCS_FILES, _docs),
        # Also where the page is turned off: BentoML's own start page, which loads from other hosts, is never reached.
        HOME: _page(settings),
        PAGE + "{name}": _page(settings),
    }
    return Starlette(
        routes=[Route(path, endpoint) for path, endpoint in routes.items()], exception_handlers={Refused: _refuse}
    )


def mounted_paths(settings: ServiceSettings) -> list[str]:
    """All paths of the application that answer."""
    schemas = [f"/v1/schema/{name}" for name in SCHEMA_NAMES]
    page = page_paths() if settings.page else []
    return ["/v1/model", "/v1/openapi.json", "/docs.json", "/report", *DOCS_FILES, *schemas, *page]


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    call_of(request.scope).refusal = error
    return Response(status_code=error.status)


def _model(settings: ServiceSettings) -> Endpoint:
    known: dict[tuple[object, ...], bytes] = {}

    async def model(request: Request) -> Response:
        loaded, source, report = request.app.state.model(), request.app.state.source(), settings.report.is_file()
        key = loaded.name, loaded.version, loaded.sha256, source, report
        if key not in known:
            known.clear()
            answer = model_answer(loaded, source, settings.limits, report=report)
            known[key] = orjson.dumps(answer.model_dump(mode="json"))
        return Response(known[key], media_type=JSON)

    return model


def _schema(settings: ServiceSettings) -> Endpoint:
    content = cache(lambda name: orjson.dumps(schema(name, settings.limits.creatives)))

    async def one_schema(request: Request) -> Response:
        return Response(content(request.path_params["name"]), media_type=JSON)

    return one_schema


async def _openapi(request: Request) -> Response:
    return Response(orjson.dumps(request.app.state.openapi()), media_type=JSON)


def _report(settings: ServiceSettings) -> Endpoint:
    async def report(request: Request) -> Response:
        try:
            content = settings.report.read_bytes()
        except OSError:
            missing = refused("not_found")
            missing.error, missing.zh = (
                "There is no report yet. Ask whoever trains the model for one.",
                "还没有报告。请负责训练的同事出一份。",
            )
            raise missing from None
        return Response(content, media_type=HTML, headers=REPORT_POLICY)

    return report


def _page(settings: ServiceSettings) -> Endpoint:
    async def page(request: Request) -> Response:
        found = page_file(request.scope["path"]) if settings.page else None
        if found is None:
            raise refused("not_found")
        content, media_type = found
        return Response(content, media_type=media_type, headers=PAGE_POLICY)

    return page


async def _docs(request: Request) -> Response:
    name, media_type = DOCS_FILES[request.scope["path"]]
    return Response((FOLDER / name).read_bytes(), media_type=media_type, headers=DOCS_POLICY)
