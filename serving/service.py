"""The service as BentoML runs it: the only file with bentoml.

Our application answers every HTTP request itself, as the outermost layer that a service may add: BentoML's own answers
come in other shapes, and its own start page calls outside hosts. BentoML supervises the workers, binds the port, hands
SIGTERM on, and builds the bento.
"""

from __future__ import annotations

import os

os.environ["BENTOML_DO_NOT_TRACK"] = "true"  # `1` would not do
os.environ["OTEL_SDK_DISABLED"] = "true"

import gc
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml

from serving.settings import handed_on

if TYPE_CHECKING:
    from serving.asgi.app import App

SETTINGS = handed_on()
BUNDLE_IN_BENTO = Path(__file__).parents[1] / "bundle"

Message = MutableMapping[str, Any]


class Front:
    """All of HTTP; only the server's own start and end go further in."""

    app: App | None = None

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._inner = app

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer, or hand on."""
        if scope["type"] == "http" and Front.app is not None:
            await Front.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
        else:
            await self._inner(scope, receive, send)


@bentoml.service(
    name="gpmcast",
    workers=SETTINGS.workers,
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    traffic={"timeout": 3600},  # ours is shorter, and answers in our shape
)
class PredictionService:
    """One worker."""

    def __init__(self) -> None:
        # Here and not above: the process that supervises the workers needs none of it, and starts seconds earlier.
        from serving.asgi.app import App
        from serving.asgi.handlers import Desk
        from serving.asgi.prometheus import Measured
        from serving.ledger.writer import Ledger
        from serving.registry.watcher import Holder

        logging.getLogger("gpmcast.serving").setLevel(logging.INFO)
        settings = SETTINGS
        if settings.bundle is None and BUNDLE_IN_BENTO.is_dir():
            settings = settings.model_copy(update={"bundle": BUNDLE_IN_BENTO})
        measured = Measured()

        def swapped(outcome: str) -> None:
            measured.models.labels(outcome).inc()
            # What is loaded stays: a collector that looked through all of it would hold up a request for a tenth of a
            # second now and then. A model that went is freed all the same, at the next swap what of it holds itself.
            gc.unfreeze()
            gc.collect()
            gc.freeze()

        self._holder = Holder(settings, swapped)
        self._holder.start()
        self._ledger = None
        if settings.ledger:
            self._ledger = Ledger(
                settings.ledger, settings.ledger_spool, settings.ledger_queue, lambda up: measured.ledger_up.set(up)
            )
        Front.app = App(Desk(self._holder, self._ledger, measured), settings)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        """Write what waits for the ledger."""
        self._holder.stop()
        if self._ledger is not None:
            self._ledger.close()


PredictionService.add_asgi_middleware(Front)  # type: ignore[attr-defined]
