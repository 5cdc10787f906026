"""The ASGI application: paths, API keys, limits, one shape of errors.

Requests of a few creatives are computed in the event loop (a thread would cost more than they do); larger ones in a
thread that checks the deadline between chunks, so that a request given up frees its place.
"""

import asyncio
import json
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from serving.api.errors import Refused, RequestProblem
from serving.asgi.api_keys import ApiKeys
from serving.asgi.handlers import Endpoint, ParsedRequest, RequestHandlers, deadline
from serving.asgi.openapi import (
    FILE_MEDIA_TYPE,
    FILE_QUERY,
    GET_PATHS,
    MOST_TEXT,
    POST_PATHS,
    READ_PATH,
    REPORT_PATH,
    model_answer,
    openapi_document,
    schema,
)
from serving.asgi.prometheus import CONTENT_TYPE
from serving.asgi.static_files import HOME, PAGE, PAGE_POLICY, REPORT_POLICY, page_file
from serving.ledger.record import LedgerRecord
from serving.settings import ServiceSettings
from serving.upload.read_creatives import FileContext

AsgiScope = MutableMapping[str, Any]
AsgiReceive = Callable[[], Awaitable[MutableMapping[str, Any]]]
AsgiSend = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("gpmcast.serving")

MOST_IN_EVENT_LOOP = 4
"""Creatives that are computed without a thread."""
JSON = "application/json"
SAFE_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
HEALTH = ("/livez", "/healthz", "/readyz")
PATHS = frozenset((*GET_PATHS, *POST_PATHS, *HEALTH, READ_PATH, HOME))
HTML = "text/html; charset=utf-8"


class HttpResponse:
    """Status, headers and body of a response."""

    def __init__(self, status: int, body: bytes, media_type: str = JSON, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.media_type = media_type
        self.headers = headers or {}


class App:
    """The application of one worker."""

    def __init__(self, handlers: RequestHandlers, settings: ServiceSettings) -> None:
        self._handlers = handlers
        self._settings = settings
        self._limits = settings.limits
        self._api_keys = ApiKeys(settings.keys)
        self._places = asyncio.Semaphore(settings.limits.concurrent)
        self._inside = 0  # requests being read, waiting or being computed

    async def __call__(self, scope: AsgiScope, receive: AsgiReceive, send: AsgiSend) -> None:
        """Answer one request."""
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        path: str = scope["path"]
        try:
            response = await self._respond(scope, receive, request_id)
        except Refused as refusal:
            shown = path[:200].encode("unicode_escape").decode()
            log.info("%s %s %s: %s", request_id, refusal.status, shown, refusal.error)
            response = _refusal(refusal, request_id)
        except Exception:  # no stack trace leaves the process; it goes into the log
            log.exception("%s failed", request_id)
            response = _refusal(Refused(500, "The service failed; the request id is in its log."), request_id)
        label = path if path in PATHS else PAGE if path.startswith(PAGE) else "other"
        self._handlers.metrics.requests.labels(label, str(response.status)).inc()
        self._handlers.metrics.seconds.labels(label).observe(time.perf_counter() - began)
        await _send(send, response, request_id, head=scope["method"] == "HEAD")

    async def _respond(self, scope: AsgiScope, receive: AsgiReceive, request_id: str) -> HttpResponse:
        method, path = scope["method"], scope["path"]
        if path in POST_PATHS:
            if method != "POST":
                raise Refused(405, f"{path} takes POST.", headers={"allow": "POST"})
            return await self._predict_or_rank(POST_PATHS[path], scope, receive, request_id)
        if path == READ_PATH:
            if method != "POST":
                raise Refused(405, f"{path} takes POST.", headers={"allow": "POST"})
            return await self._upload(scope, receive, request_id)
        if path in PATHS or path.startswith(("/v1/schema/", PAGE)):
            if method not in ("GET", "HEAD"):
                raise Refused(405, "This path takes GET.", headers={"allow": "GET, HEAD"})
            if path == HOME or path.startswith(PAGE):
                return self._page(path)
            return self._get(path, _headers(scope))
        raise Refused(404, "There is nothing at this path; /v1/openapi.json lists the paths.")

    def _get(self, path: str, headers: dict[str, str]) -> HttpResponse:
        handlers, settings = self._handlers, self._settings
        if path in ("/livez", "/healthz"):
            return HttpResponse(200, b'{"alive":true}')
        if path == "/readyz":
            if reasons := handlers.not_ready():
                raise Refused(503, f"Not ready: {'; '.join(reasons)}.")
            return HttpResponse(200, b'{"ready":true}')
        if path == "/metrics":
            if not settings.open_metrics:
                self._api_keys.authorise(headers.get("authorization"), "metrics")
            return HttpResponse(200, handlers.metrics.text(handlers.watcher.loaded, datetime.now()), CONTENT_TYPE)
        if not settings.open_docs or path in ("/v1/model", REPORT_PATH):
            self._api_keys.authorise(headers.get("authorization"), "read")
        if path == "/v1/model":
            answer = model_answer(handlers.model(), self._limits, report=settings.report.is_file())
            return HttpResponse(200, _json(answer.model_dump(mode="json")))
        if path == "/v1/openapi.json":
            return HttpResponse(200, _json(openapi_document(self._limits.creatives, keys=bool(settings.keys))))
        if path.startswith("/v1/schema/"):
            return HttpResponse(200, _json(schema(path.removeprefix("/v1/schema/"), self._limits.creatives)))
        try:
            report = settings.report.read_bytes()
        except OSError:
            raise Refused(404, "There is no report; `make report` writes it.") from None
        return HttpResponse(200, report, HTML, REPORT_POLICY)

    def _page(self, path: str) -> HttpResponse:
        found = page_file(path) if self._settings.page else None
        if found is None:
            raise Refused(404, "There is nothing at this path; /v1/openapi.json lists the paths.")
        content, media_type = found
        return HttpResponse(200, content, media_type, PAGE_POLICY)

    async def _upload(self, scope: AsgiScope, receive: AsgiReceive, request_id: str) -> HttpResponse:
        headers = _headers(scope)
        self._authorise_body(headers, FILE_MEDIA_TYPE)
        context = _file_context(scope.get("query_string", b""))
        async with _Inside(self):
            content = await self._body_in_time(headers, receive)
            check_deadline = deadline(self._limits.seconds)
            async with self._places:
                check_deadline()
                answer = await asyncio.to_thread(self._handlers.read, content, context, request_id)
        return HttpResponse(200, answer)

    def _authorise_body(self, headers: dict[str, str], media_type: str) -> str:
        """Name of the caller, after the key, the media type and the encoding were checked."""
        caller = self._api_keys.authorise(headers.get("authorization"), "predict")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
            raise Refused(415, f"The body must be {media_type}.")
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "The body must not be compressed.")
        return caller

    async def _predict_or_rank(
        self, endpoint: Endpoint, scope: AsgiScope, receive: AsgiReceive, request_id: str
    ) -> HttpResponse:
        headers = _headers(scope)
        caller = self._authorise_body(headers, JSON)
        async with _Inside(self):
            body = await self._body_in_time(headers, receive)
            check_deadline = deadline(self._limits.seconds)
            parsed = self._handlers.parse(endpoint, body, request_id, caller, self._limits.creatives)
            answer, record = await self._answer(parsed, check_deadline)
            more_headers = await self._handlers.record(record)
        return HttpResponse(200, answer, headers=more_headers)

    async def _answer(self, parsed: ParsedRequest, check_deadline: Callable[[], None]) -> tuple[bytes, LedgerRecord]:
        if len(parsed.request.creatives) <= MOST_IN_EVENT_LOOP:
            return self._handlers.answer(parsed, check_deadline)
        async with self._places:
            check_deadline()
            return await asyncio.to_thread(self._handlers.answer, parsed, check_deadline)

    async def _body_in_time(self, headers: dict[str, str], receive: AsgiReceive) -> bytes:
        try:
            return await asyncio.wait_for(self._body(headers, receive), self._limits.seconds)
        except TimeoutError:
            raise Refused(408, "The body did not come in time.") from None

    async def _body(self, headers: dict[str, str], receive: AsgiReceive) -> bytes:
        most = self._limits.body_bytes
        too_large = Refused(413, f"The body is larger than {most:,} bytes.", headers={"connection": "close"})
        length = headers.get("content-length", "")
        if length and (not length.isdecimal() or int(length) > most):
            raise too_large
        parts: list[bytes] = []
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "The connection ended before the body did.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            more = message.get("more_body", False)
            if size > most:
                raise too_large
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def enter(self) -> None:
        """Count a request in; raises Refused (503) where too many are inside."""
        if self._inside >= self._limits.concurrent + self._limits.waiting:
            raise Refused(503, "Too many requests at a time.", headers={"retry-after": "1"})
        self._inside += 1

    def leave(self) -> None:
        """Count a request out."""
        self._inside -= 1


class _Inside:
    def __init__(self, app: App) -> None:
        self._app = app

    async def __aenter__(self) -> None:
        self._app.enter()

    async def __aexit__(self, *_: object) -> None:
        self._app.leave()


def _headers(scope: AsgiScope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _file_context(query: bytes) -> FileContext:
    """What the query string gives about an uploaded file."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise Refused(
            400, "The query is not understood.", [RequestProblem("not understood", "percent-encoded UTF-8")]
        ) from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name not in FILE_QUERY or name in values or len(value) > MOST_TEXT or "\0" in value:
            hint = f"each of {', '.join(FILE_QUERY)} at most once, with up to {MOST_TEXT} letters"
            raise Refused(400, "The query is not understood.", [RequestProblem("not understood", hint, name[:80])])
        values[name] = value
    label = values.get("name", "").replace("\\", "/").rpartition("/")[2]
    return FileContext(label or "file", values.get("account_id", ""), values.get("promotion_type", ""))


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _refusal(refusal: Refused, request_id: str) -> HttpResponse:
    return HttpResponse(refusal.status, _json(refusal.body(request_id)), headers=refusal.headers)


async def _send(send: AsgiSend, response: HttpResponse, request_id: str, *, head: bool) -> None:
    headers = {
        "content-type": response.media_type,
        "content-length": str(len(response.body)),
        "x-request-id": request_id,
        **SAFE_HEADERS,
        **response.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else response.body})
