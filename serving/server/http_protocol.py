"""uvicorn's HTTP protocol with bounds on the head of a request, refusals in our shape, an end that resets nobody."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.api.errors import Refused, refused

if TYPE_CHECKING:
    from serving.server.worker import WorkerServer

HEAD_BYTES = 32_768
"""Most bytes of a request line with its headers."""
HEAD_FIELDS = 100
"""Most headers."""
HEAD_SECONDS = 10.0
"""From the connection, or from the first byte of a later request, to the end of its headers."""
IDLE_SECONDS = 0.5
"""When the service ends: for requests that are on their way on idle connections."""


class BoundedHttp(HttpToolsProtocol):
    """One connection."""

    def __init__(self, server: WorkerServer) -> None:
        """Wait for a transport.

        Args:
            server: Of the worker.
        """
        super().__init__(server.config, server.server_state, server.lifespan.state)
        self._server = server
        self._in_head = True
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report it."""
        super().connection_lost(exc)
        self._stop_timer()
        self._unset_keepalive_if_required()
        self._server.connection_closed()

    def data_received(self, data: bytes) -> None:
        """Parse more bytes, unless they make a head too large."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes and not self.transport.is_closing():
            if self._head_bytes > HEAD_BYTES:
                self._refuse(refused("headers_too_large"))
            elif self._head_timer is None:
                self._start_timer()

    def on_message_begin(self) -> None:
        """The head of a request begins, maybe behind another request in the same bytes."""
        super().on_message_begin()
        self._head_bytes = max(self._head_bytes, 1)

    def on_headers_complete(self) -> None:
        """Start the answer; one too large a head is a refusal."""
        self._in_head = False
        self._stop_timer()
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_FIELDS:
            self.app, app = _answer_too_large, self.app
            super().on_headers_complete()
            self.app = app
            return
        super().on_headers_complete()
        if self.cycle is not None and (self._server.ending or self._server.to_shed):
            self.cycle.keep_alive = False
            self._server.to_shed = max(self._server.to_shed - 1, 0)

    def on_message_complete(self) -> None:
        """Wait for the head of the next request."""
        super().on_message_complete()
        self._in_head = True
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(Refused(400, msg))

    def shutdown(self) -> None:
        """Close after the answer under way, or soon where none is."""
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(IDLE_SECONDS, self._close_if_idle)
        else:
            self.cycle.keep_alive = False

    def _close_if_idle(self) -> None:
        if (self.cycle is None or self.cycle.response_complete) and not self._head_bytes:
            self.transport.close()

    def _start_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self._refuse, refused("headers_too_slow"))

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, refusal: Refused) -> None:
        """Answer without the application, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:  # the answer before it goes first
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self._head_bytes:  # else nothing was asked
            status, headers, content = _refusal(refusal)
            lines = b"".join(b"%s: %s\r\n" % header for header in headers)
            self.transport.write(STATUS_LINE[status] + lines + b"\r\n" + content)
        self.transport.close()


def _refusal(refusal: Refused) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a refusal."""
    request_id = uuid.uuid4().hex
    content = orjson.dumps(refusal.body(request_id))
    headers = {
        "content-type": "application/json",
        "content-length": str(len(content)),
        "x-request-id": request_id,
        "connection": "close",
    }
    return refusal.status, [(name.encode(), value.encode()) for name, value in headers.items()], content


async def _answer_too_large(_scope: Any, _receive: Any, send: Any) -> None:
    status, headers, content = _refusal(refused("headers_too_large"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
