"""The HTTP side: paths, keys, limits, one shape of errors. A plain ASGI application.

Requests of a few creatives are computed at once (a thread would cost more than they do); larger ones in a thread that
looks at the clock between chunks, so that work given up frees its place.
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

from serving.api.errors import Fault, Refused
from serving.asgi.api_keys import Access
from serving.asgi.handlers import Asking, Desk, Endpoint, Told, deadline
from serving.asgi.openapi import (
    FILE_KIND,
    FILE_QUERY,
    GET_PATHS,
    MOST_TEXT,
    POST_PATHS,
    READ_PATH,
    REPORT_PATH,
    description,
    model_card,
    schema,
)
from serving.asgi.prometheus import CONTENT_TYPE
from serving.asgi.static_files import HOME, PAGE, PAGE_POLICY, REPORT_POLICY, page_file
from serving.settings import Scope, Serving
from serving.upload.read_creatives import Given

Scope_ = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

log = logging.getLogger("gpmcast.serving")

AT_ONCE = 4
"""Creatives that are computed without a thread."""
JSON = "application/json"
SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
HEALTH = ("/livez", "/healthz", "/readyz")
KNOWN = frozenset((*GET_PATHS, *POST_PATHS, *HEALTH, READ_PATH, HOME))
HTML = "text/html; charset=utf-8"


class Reply:
    """Status, headers and body of an answer."""

    def __init__(self, status: int, body: bytes, kind: str = JSON, headers: dict[str, str] | None = None) -> None:
        self.status = status
        self.body = body
        self.kind = kind
        self.headers = headers or {}


class App:
    """The application of one worker."""

    def __init__(self, desk: Desk, settings: Serving) -> None:
        self._desk = desk
        self._settings = settings
        self._limits = settings.limits
        self._access = Access(settings.keys)
        self._places = asyncio.Semaphore(settings.limits.concurrent)
        self._inside = 0

    async def __call__(self, scope: Scope_, receive: Receive, send: Send) -> None:
        """Answer one request."""
        began = time.perf_counter()
        request_id = uuid.uuid4().hex
        path: str = scope["path"]
        try:
            reply = await self._reply(scope, receive, request_id)
        except Refused as refusal:
            shown = path[:200].encode("unicode_escape").decode()
            log.info("%s %s %s: %s", request_id, refusal.status, shown, refusal.error)
            reply = _refusal(refusal, request_id)
        except Exception:  # no stack trace leaves the process; it goes into the log
            log.exception("%s failed", request_id)
            reply = _refusal(Refused(500, "The service failed; the request id is in its log."), request_id)
        known = path if path in KNOWN else PAGE if path.startswith(PAGE) else "other"
        self._desk.measured.requests.labels(known, str(reply.status)).inc()
        self._desk.measured.seconds.labels(known).observe(time.perf_counter() - began)
        await _send(send, reply, request_id, head=scope["method"] == "HEAD")

    async def _reply(self, scope: Scope_, receive: Receive, request_id: str) -> Reply:
        method, path = scope["method"], scope["path"]
        if path in POST_PATHS:
            if method != "POST":
                raise Refused(405, f"{path} takes POST.", headers={"allow": "POST"})
            return await self._asked(POST_PATHS[path], scope, receive, request_id)
        if path == READ_PATH:
            if method != "POST":
                raise Refused(405, f"{path} takes POST.", headers={"allow": "POST"})
            return await self._file(scope, receive, request_id)
        if path in KNOWN or path.startswith(("/v1/schema/", PAGE)):
            if method not in ("GET", "HEAD"):
                raise Refused(405, "This path takes GET.", headers={"allow": "GET, HEAD"})
            if path == HOME or path.startswith(PAGE):
                return self._page(path)
            return self._read(path, _headers(scope))
        raise Refused(404, "There is nothing at this path; /v1/openapi.json tells what there is.")

    def _read(self, path: str, headers: dict[str, str]) -> Reply:
        desk, settings = self._desk, self._settings
        if path in ("/livez", "/healthz"):
            return Reply(200, b'{"alive":true}')
        if path == "/readyz":
            if reasons := desk.unready():
                raise Refused(503, f"Not ready: {'; '.join(reasons)}.")
            return Reply(200, b'{"ready":true}')
        if path == "/metrics":
            if not settings.open_metrics:
                self._access.caller(headers.get("authorization"), "metrics")
            return Reply(200, desk.measured.text(desk.holder.served, datetime.now()), CONTENT_TYPE)
        needed: Scope = "read"
        if not settings.open_docs or path in ("/v1/model", REPORT_PATH):
            self._access.caller(headers.get("authorization"), needed)
        if path == "/v1/model":
            limits = {"body_bytes": self._limits.body_bytes, "creatives": self._limits.creatives}
            card = {**model_card(desk.serving()), "limits": limits, "report": settings.report.is_file()}
            return Reply(200, _json(card))
        if path == "/v1/openapi.json":
            return Reply(200, _json(description(desk.holder.served, keys=bool(settings.keys))))
        if path.startswith("/v1/schema/"):
            return Reply(200, _json(schema(path.removeprefix("/v1/schema/"))))
        try:
            report = settings.report.read_bytes()
        except OSError:
            raise Refused(404, "There is no report; `make report` writes it.") from None
        return Reply(200, report, HTML, REPORT_POLICY)

    def _page(self, path: str) -> Reply:
        found = page_file(path) if self._settings.page else None
        if found is None:
            raise Refused(404, "There is nothing at this path; /v1/openapi.json tells what there is.")
        content, kind = found
        return Reply(200, content, kind, PAGE_POLICY)

    async def _file(self, scope: Scope_, receive: Receive, request_id: str) -> Reply:
        headers = _headers(scope)
        self._may_send(headers, FILE_KIND)
        given = _given(scope.get("query_string", b""))
        async with self._place():
            content = await self._body_in_time(headers, receive)
            go_on = deadline(self._limits.seconds)
            async with self._places:
                go_on()
                told = await asyncio.to_thread(self._desk.read, content, given, request_id)
        return Reply(200, told)

    def _may_send(self, headers: dict[str, str], kind: str) -> str:
        """The caller, who may send a body of this kind."""
        caller = self._access.caller(headers.get("authorization"), "predict")
        if headers.get("content-type", "").partition(";")[0].strip().lower() != kind:
            raise Refused(415, f"The body must be {kind}.")
        if headers.get("content-encoding", "identity") != "identity":
            raise Refused(415, "The body must not be compressed.")
        return caller

    async def _asked(self, endpoint: Endpoint, scope: Scope_, receive: Receive, request_id: str) -> Reply:
        headers = _headers(scope)
        caller = self._may_send(headers, JSON)
        async with self._place():
            body = await self._body_in_time(headers, receive)
            go_on = deadline(self._limits.seconds)
            asking = self._desk.understand(endpoint, body, request_id, caller)
            told = await self._answer(asking, go_on)
        return Reply(200, told.body, headers=told.headers)

    async def _answer(self, asking: Asking, go_on: Callable[[], None]) -> Told:
        if len(asking.request.creatives) <= AT_ONCE:
            return self._desk.answer(asking, go_on)
        async with self._places:
            go_on()
            return await asyncio.to_thread(self._desk.answer, asking, go_on)

    def _place(self) -> "_Place":
        return _Place(self)

    async def _body_in_time(self, headers: dict[str, str], receive: Receive) -> bytes:
        try:
            return await asyncio.wait_for(self._body(headers, receive), self._limits.seconds)
        except TimeoutError:
            raise Refused(408, "The body did not come in time.") from None

    async def _body(self, headers: dict[str, str], receive: Receive) -> bytes:
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
        """One more request inside."""
        if self._inside >= self._limits.concurrent + self._limits.waiting:
            raise Refused(503, "Too many requests at a time.", headers={"retry-after": "1"})
        self._inside += 1

    def leave(self) -> None:
        """One request less."""
        self._inside -= 1


class _Place:
    def __init__(self, app: App) -> None:
        self._app = app

    async def __aenter__(self) -> None:
        self._app.enter()

    async def __aexit__(self, *_: object) -> None:
        self._app.leave()


def _headers(scope: Scope_) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _given(query: bytes) -> Given:
    """What the query says of a file."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=10)
    except ValueError:
        raise Refused(400, "The query is not understood.", [Fault("not understood", "percent-encoded UTF-8")]) from None
    told: dict[str, str] = {}
    for name, value in pairs:
        if name not in FILE_QUERY or name in told or len(value) > MOST_TEXT or "\0" in value:
            hint = f"each of {', '.join(FILE_QUERY)} at most once, with up to {MOST_TEXT} letters"
            raise Refused(400, "The query is not understood.", [Fault("not understood", hint, name[:80])])
        told[name] = value
    label = told.get("name", "").replace("\\", "/").rpartition("/")[2]
    return Given(label or "file", told.get("account_id", ""), told.get("promotion_type", ""))


def _json(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def _refusal(refusal: Refused, request_id: str) -> Reply:
    return Reply(refusal.status, _json(refusal.body(request_id)), headers=refusal.headers)


async def _send(send: Send, reply: Reply, request_id: str, *, head: bool) -> None:
    headers = {
        "content-type": reply.kind,
        "content-length": str(len(reply.body)),
        "x-request-id": request_id,
        **SAFE,
        **reply.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": b"" if head else reply.body})
