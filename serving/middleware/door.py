"""The outermost middleware: known hosts and paths, request id, safe headers, and one shape for every error.

It stands outside BentoML's own middleware, whose metrics have a time series for each path: unknown paths must not reach
them. Errors that BentoML or Starlette answer leave in our shape; their texts, which may hold parts of a request or of a
stack trace, do not leave.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection
from typing import TYPE_CHECKING

import orjson
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.errors import Refused, RequestProblem, refused, refused_by_status
from serving.middleware.call import CALL, Call, call_of
from serving.middleware.hosts import check_caller
from serving.settings import ServiceSettings

if TYPE_CHECKING:
    from serving.metrics import ServiceMetrics

log = logging.getLogger("gpmcast.serving")

SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""Of every answer; the page, the report and the docs have policies of their own."""
_SAFE = [(name.encode(), value.encode()) for name, value in SAFE_HEADERS.items()]
_PASSED_ON = ("allow", "retry-after", "www-authenticate", "connection")
"""Headers that stay where an error response is put into our shape."""


class Door:
    """Outermost middleware of the service."""

    def __init__(
        self, app: ASGIApp, *, settings: ServiceSettings, paths: Collection[str], metrics: ServiceMetrics
    ) -> None:
        """Hold what the door needs.

        Args:
            app: BentoML's application.
            settings: Of the service.
            paths: All paths that answer; others are 404.
            metrics: For Prometheus.
        """
        self._app = app
        self._settings = settings
        self._paths = frozenset(paths)
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass a lifespan event on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
        else:
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.perf_counter()
        call = scope[CALL] = Call(time.monotonic() + self._settings.limits.seconds)
        path: str = scope["path"]
        known = path in self._paths
        reply = Reply(send, call, head=scope["method"] == "HEAD")
        try:
            check_caller(scope, self._settings)
            if not known:
                raise unknown_path(path, self._paths)
            await self._app(scope, receive, reply)
            if not reply.status:
                raise RuntimeError("no response was made")
        except Exception as error:
            await leave(error, scope, receive, reply)
        if call.refusal is not None and call.refusal.code != "not_ready":  # logged once, by what is not ready
            shown = path[:200].encode("unicode_escape").decode()
            log.info("%s %s %s: %s", call.request_id, call.refusal.status, shown, call.refusal.error)
        self._metrics.count_request(path if known else "other", reply.status, time.perf_counter() - began)


def unknown_path(path: str, paths: Collection[str]) -> Refused:
    """The refusal of a path, with those that stand beside it."""
    folder = path.rpartition("/")[0] + "/"
    beside = sorted(known.removeprefix(folder) for known in paths if known.startswith(folder))
    hint = f"known: {', '.join(beside)}" if beside else "GET /v1/openapi.json lists the paths"
    zh = f"没有这个路径；有 {'、'.join(beside)}。" if beside else "没有这个路径；GET /v1/openapi.json 列出所有路径。"
    refusal = refused("not_found")
    refusal.problems = [RequestProblem("unknown path", hint, zh)]
    return refusal


class Reply:
    """The `send` of one request: adds headers, and puts error responses into our shape.

    Attributes:
        status: Of the response; 0 before it starts.
    """

    def __init__(self, send: Send, call: Call, *, head: bool) -> None:
        self._send = send
        self._call = call
        self._head = head
        self._body: bytes | None = None  # sent in the place of another one
        self._done = False
        self.status = 0

    async def __call__(self, message: Message) -> None:
        """Send one message; what comes after a whole response is left out."""
        if self._done:
            return
        if message["type"] == "http.response.start":
            await self._start(message)
            return
        self._done = not message.get("more_body", False)
        if self._body is None:
            await self._send({**message, "body": b""} if self._head else message)
        elif self._done:
            await self._send({"type": "http.response.body", "body": b"" if self._head else self._body})

    async def _start(self, message: Message) -> None:
        if self.status:  # what was sent cannot be taken back
            return
        self.status = message["status"]
        if self.status >= 400:
            message = self._in_our_shape(message)
        headers = message["headers"]
        names = {name for name, _ in headers}
        headers.extend(header for header in _SAFE if header[0] not in names)
        headers.extend((name.encode(), value.encode()) for name, value in self._call.headers.items())
        headers.append((b"x-request-id", self._call.request_id.encode()))
        await self._send(message)

    def _in_our_shape(self, message: Message) -> Message:
        given = MutableHeaders(raw=list(message["headers"]))
        if self._call.refusal is None:
            kept = {name: given[name] for name in _PASSED_ON if name in given}
            if "allow" in kept:
                kept["allow"] = ", ".join(sorted(kept["allow"].replace(" ", "").split(",")))
            self._call.refusal = refused_by_status(self.status, kept)
        refusal = self._call.refusal
        self.status = refusal.status
        self._body = orjson.dumps(refusal.body(self._call.request_id))
        headers = MutableHeaders({"content-type": "application/json", "content-length": str(len(self._body))})
        headers.update(refusal.headers)
        return {"type": "http.response.start", "status": refusal.status, "headers": headers.raw}


class Catch:
    """Turns exceptions of keys, body limits and the application, which stand inside it, into responses.

    It stands inside BentoML's timeout, which waits for a response and would not see an exception.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an event on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            await leave(error, scope, receive, send)


async def leave(error: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer an exception: no stack trace leaves the process, it goes into the log."""
    call = call_of(scope)
    call.refusal = refusal_of(error, call.request_id)
    await Response(status_code=call.refusal.status)(scope, receive, send)


def refusal_of(error: Exception, request_id: str) -> Refused:
    """The refusal behind an exception; one that is no refusal is logged with its stack trace."""
    if isinstance(error, Refused):
        return error
    log.error("%s failed", request_id, exc_info=error)
    return refused("failed")
