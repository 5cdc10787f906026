"""Read the body of a request within its limits, before anything else is done with it.

Bodies that are still coming hold no place in the queue of requests that are computed (`serving/compute/`): slow senders
shut nobody out. What they have sent so far is bounded in bytes instead: bodies beyond SMALL_BODY share a budget, so
that small ones are always read.
"""

import asyncio
from collections.abc import Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api.errors import Refused, refused
from serving.middleware.call import call_of
from serving.settings import SMALL_BODY, Limits


class BodyLimits:
    """Middleware of the paths that take a body."""

    def __init__(self, app: ASGIApp, *, limits: Limits, media_types: Mapping[str, tuple[str, ...]]) -> None:
        """Hold the limits.

        Args:
            app: What answers.
            limits: Of the settings.
            media_types: Path → media types that it takes; the first one is named in the refusal.
        """
        self._app = app
        self._limits = limits
        self._media_types = media_types
        self._coming = 0  # bytes of large bodies that have not come completely

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body of a request and pass it on; raises Refused."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._media_types:
            await self._app(scope, receive, send)
            return
        call = call_of(scope)
        _check_headers(scope, self._media_types[scope["path"]], self._limits.body_bytes)
        try:
            async with asyncio.timeout(self._limits.seconds):
                call.body = await self._body(receive)
        except TimeoutError:
            raise refused("body_too_slow") from None
        await self._app(scope, receive, send)

    async def _body(self, receive: Receive) -> bytes:
        most = self._limits.body_bytes
        parts: list[bytes] = []
        size = held = 0
        more = True
        try:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Refused(400, "The connection ended before the body did.", zh="请求内容收完之前连接已断开。")
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                more = message.get("more_body", False)
                if size > most:
                    raise body_too_large(most)
                if more and size > SMALL_BODY:
                    self._coming += size - held
                    held = size
                    if self._coming > self._limits.coming_bytes:
                        raise refused("busy", retry_after="1")
        finally:
            self._coming -= held
        return parts[0] if len(parts) == 1 else b"".join(parts)


def body_too_large(most: int) -> Refused:
    """The refusal of a body beyond this many bytes; the connection is closed, for its rest is not read."""
    refusal = refused("too_large", connection="close")
    refusal.error = f"The body is larger than {most:,} bytes."
    refusal.zh = f"请求内容超过 {most:,} 字节。"
    return refusal


def _check_headers(scope: Scope, media_types: tuple[str, ...], most: int) -> None:
    """Check what the headers say of a body."""
    headers = dict(scope["headers"])
    given = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip().lower()
    if given not in media_types:
        raise Refused(415, f"The body must be {media_types[0]}.", zh=f"请求内容须为 {media_types[0]}。")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Refused(415, "The body must not be compressed.", zh="请求内容不得压缩。")
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or len(length) > 18 or int(length) > most:
        raise body_too_large(most)
