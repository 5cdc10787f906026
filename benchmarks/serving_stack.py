"""CPU time that a request takes beside its computation: a constant answer through all that the service puts around it.

    python -m benchmarks.serving_stack

Calls the ASGI application in this process, without sockets and without a model, and prints microseconds of CPU per
request: the whole, what is left as its layers are taken off from the outside, and a bare Starlette route beside it.
"""

import os
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from serving.middleware.call import CALL, Call
from serving.settings import SETTINGS_VARIABLE, ServiceSettings

Message = MutableMapping[str, Any]
AsgiApp = Callable[..., Awaitable[None]]
BODY = b'{"creatives":[]}'
HEADERS = {"host": "127.0.0.1:3000", "content-type": "application/json", "content-length": str(len(BODY))}
TIMES, ROUNDS = 1000, 7


def main() -> None:
    """Print every measurement."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        os.environ[SETTINGS_VARIABLE] = ServiceSettings(bundle=Path(folder), ledger="").model_dump_json()
        uvloop.run(measure())


async def measure() -> None:
    """Print the whole stack, its layers, and the bare route."""
    from bentoml import get_current_service

    import serving.service

    app = serving.service.PredictionService.to_asgi()  # type: ignore[attr-defined]
    async with app.router.lifespan_context(app):
        get_current_service()._content = constant
        await app(scope(), receive, ignore)  # builds the layers
        layer, name = app.middleware_stack, ""
        while name != "ContextMiddleware":  # of BentoML: what is inside needs it
            name = type(layer).__name__
            print(f"  from {name:32} {await microseconds(layer):7.1f} µs")
            layer = getattr(layer, "app", None) or layer._app
    bare = Starlette(routes=[Route("/v1/predict", bare_route, methods=["POST"])])
    print(f"  {'bare Starlette route':37} {await microseconds(bare):7.1f} µs")


async def constant(endpoint: str, call: Call) -> tuple[bytes, dict[str, str]]:
    """In the place of the computation."""
    return b"{}", {}


async def bare_route(request: Request) -> Response:
    """What a route cannot do without."""
    await request.body()
    return Response(b"{}", media_type="application/json")


async def microseconds(app: AsgiApp) -> float:
    """Least of several mean CPU times of a request: other processes can only add to it."""
    best = float("inf")
    for _ in range(ROUNDS):
        before = time.process_time()
        for _ in range(TIMES):
            await app(scope(), receive, ignore)
        best = min(best, (time.process_time() - before) / TIMES)
    return best * 1e6


def scope() -> Message:
    """Of one request, as uvicorn makes it; with a call, for layers inside `Door`."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/predict",
        "raw_path": b"/v1/predict",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in HEADERS.items()],
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 3000),
        "state": {},
        CALL: Call(time.monotonic() + 10, body=BODY),
    }


async def receive() -> Message:
    """The whole body at once."""
    return {"type": "http.request", "body": BODY, "more_body": False}


async def ignore(message: Message) -> None:
    """Takes the answer."""


if __name__ == "__main__":
    main()
