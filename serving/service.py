"""The service as BentoML runs it: the only file with bentoml.

Our ASGI application answers every HTTP request itself, in the outermost middleware that a service may add: BentoML's
own answers have other shapes, and its start page calls outside hosts. BentoML supervises the workers, binds the port,
passes SIGTERM on, and builds the bento.
"""

from __future__ import annotations

import os

os.environ["BENTOML_DO_NOT_TRACK"] = "true"  # BentoML ignores `1`
os.environ["OTEL_SDK_DISABLED"] = "true"

import gc
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bentoml

from serving.settings import settings_of_environment

if TYPE_CHECKING:
    from serving.asgi.app import App

SETTINGS = settings_of_environment()
BUNDLE_IN_BENTO = Path(__file__).parents[1] / "bundle"

Message = MutableMapping[str, Any]


class AppMiddleware:
    """Passes HTTP requests to our application, and only lifespan events to BentoML's."""

    app: App | None = None

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._inner = app

    async def __call__(
        self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        """Answer an HTTP request, close a websocket, or pass the event on."""
        if scope["type"] == "http" and AppMiddleware.app is not None:
            await AppMiddleware.app(scope, receive, send)
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
        # Imported here: the supervising process needs none of it, and starts seconds earlier without.
        from serving.asgi.app import App
        from serving.asgi.handlers import RequestHandlers
        from serving.asgi.prometheus import ServiceMetrics
        from serving.inference.model_watcher import ModelWatcher
        from serving.ledger.writer import Ledger

        logging.getLogger("gpmcast.serving").setLevel(logging.INFO)
        settings = SETTINGS
        if settings.bundle is None and BUNDLE_IN_BENTO.is_dir():
            settings = settings.model_copy(update={"bundle": BUNDLE_IN_BENTO})
        metrics = ServiceMetrics()

        def on_outcome(outcome: str) -> None:
            metrics.models.labels(outcome).inc()
            # The loaded model stays: if the garbage collector scanned it, a request would wait a tenth of a second now
            # and then. A replaced model is freed by reference counts, its reference cycles at the next swap.
            gc.unfreeze()
            gc.collect()
            gc.freeze()

        self._watcher = ModelWatcher(settings, on_outcome)
        self._watcher.start()
        self._ledger = None
        if settings.ledger:
            self._ledger = Ledger(
                settings.ledger,
                queue_bytes=settings.ledger_queue_bytes,
                on_up=metrics.ledger_up.set,
                on_lost=metrics.unrecorded.inc,
            )
        AppMiddleware.app = App(RequestHandlers(self._watcher, self._ledger, metrics), settings)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        """Stop looking for models, and write the answers that wait for the ledger."""
        self._watcher.stop()
        if self._ledger is not None:
            self._ledger.close()


PredictionService.add_asgi_middleware(AppMiddleware)  # type: ignore[attr-defined]
