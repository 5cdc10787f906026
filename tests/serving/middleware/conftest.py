"""Middleware around applications of a few lines, spoken to in ASGI."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from serving.middleware.call import CALL, Call

Message = dict[str, Any]


@dataclass
class Exchange:
    """One request and what was sent for it."""

    path: str = "/v1/predict"
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[Message] = ({"type": "http.request", "body": b"{}"},)
    sent: list[Message] = field(default_factory=list)

    @property
    def scope(self) -> dict[str, Any]:
        given = {"host": "localhost", "content-type": "application/json", **self.headers}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value]
        return {"type": "http", "method": self.method, "path": self.path, "headers": raw, "query_string": b""}

    async def send(self, message: Message) -> None:
        self.sent.append(message)

    async def over(self, app: Callable[..., Awaitable[None]], call: Call | None = None) -> "Exchange":
        """Passes the request through an application; after the last piece of its body nothing comes any more."""
        pieces = iter(self.body)

        async def receive() -> Message:
            piece = next(pieces, None)
            return await asyncio.Event().wait() if piece is None else piece

        scope = self.scope | ({CALL: call} if call is not None else {})
        await app(scope, receive, self.send)
        return self

    @property
    def status(self) -> int:
        return self.sent[0]["status"]

    @property
    def reply_headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def content(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent[1:])


@pytest.fixture
def exchange() -> type[Exchange]:
    return Exchange
