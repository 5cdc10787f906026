"""The innermost middleware: answers the paths that take a body, bytes in and bytes out.

BentoML would make the models of `serving/api/` of every body, and of every answer to check it, and it would make a
context and a response around them: that costs more than everything else around a computation. Its API methods stand
behind these paths for its documents, its clients, and calls in a Python process.
"""

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.middleware.call import Call, call_of


class Answers:
    """Middleware that answers calls whose body was read."""

    def __init__(self, app: ASGIApp, *, methods: Mapping[str, Callable[[Call], Awaitable[bytes]]]) -> None:
        """Hold what answers.

        Args:
            app: What answers all other requests.
            methods: Path → what makes JSON of a call; it may raise Refused.
        """
        self._app = app
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or pass it on."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._methods:
            await self._app(scope, receive, send)
            return
        call = call_of(scope)
        call.query = scope["query_string"]
        content = await self._methods[scope["path"]](call)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})
