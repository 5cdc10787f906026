"""uvicorn's HTTP protocol: heads are bounded, connections close when they are old, refusals have our shape."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.api.errors import Refused, refused
from serving.metrics import service_metrics
from serving.middleware.door import SAFE_HEADERS

if TYPE_CHECKING:
    from serving.server.worker import WorkerServer

log = logging.getLogger("gpmcast.serving")

HEAD_BYTES = 32_768
"""Most bytes of a request line with its headers."""
HEAD_FIELDS = 100
"""Most headers."""
HEAD_SECONDS = 10.0
"""From the connection, or from the first byte of a later request, to the end of its headers; also from an answer to the
end of a body that came too late for it."""
OLD_SECONDS = 60.0
"""A kept connection is closed after its first answer past this age. Its client connects again, to the worker that then
has the fewest connections: so load evens out, also with a worker that was just started."""
IDLE_SECONDS = 2.0
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
        self._timer: asyncio.TimerHandle | None = None
        self._made = self.loop.time()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request."""
        super().connection_made(transport)
        self._start_head_timer()

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
            elif self._timer is None:
                self._start_head_timer()

    def on_message_begin(self) -> None:
        """The head of a request begins, maybe behind another request in the same bytes."""
        super().on_message_begin()
        self._head_bytes = max(self._head_bytes, 1)

    def on_headers_complete(self) -> None:
        """Start the answer; one too large a head is a refusal."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > HEAD_BYTES or len(self.headers) > HEAD_FIELDS:
            self._refuse(refused("headers_too_large"))
            raise ValueError("no more is parsed")
        self._in_head = False
        self._stop_timer()
        super().on_headers_complete()
        if "ending" in self.app_state or self.loop.time() - self._made > OLD_SECONDS:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """Wait for the head of the next request."""
        super().on_message_complete()
        self._stop_timer()
        self._in_head = True
        self._head_bytes = 0

    def on_response_complete(self) -> None:
        """Go on; the rest of a body that was answered before it came does not hold the connection for long."""
        super().on_response_complete()
        if self.cycle.response_complete and not self._in_head and not self.transport.is_closing():
            self._start_timer(self.transport.close)

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
        asking = self._in_head and self._head_bytes > 0
        if (self.cycle is None or self.cycle.response_complete) and not asking:
            self.transport.close()

    def _start_head_timer(self) -> None:
        self._start_timer(lambda: self._refuse(refused("headers_too_slow")))

    def _start_timer(self, callback: Callable[[], None]) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, callback)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, refusal: Refused) -> None:
        """Answer without the application, and close."""
        if self.transport.is_closing():
            return
        if self.cycle is not None and not self.cycle.response_complete:  # the answer before it goes first
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        if self._head_bytes:  # else nothing was asked
            self._answer(refusal)
        self.transport.close()

    def _answer(self, refusal: Refused) -> None:
        request_id = uuid.uuid4().hex
        content = orjson.dumps(refusal.body(request_id))
        headers = {
            "content-type": "application/json",
            "content-length": str(len(content)),
            "x-request-id": request_id,
            "connection": "close",
            **SAFE_HEADERS,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.transport.write(STATUS_LINE[refusal.status] + lines.encode() + b"\r\n" + content)
        log.info("%s %s -: %s", request_id, refusal.status, refusal.error)
        service_metrics().count_request("other", refusal.status, 0.0)
