"""The service as BentoML's users know it, and the only file with bentoml besides `bento_build.py`.

API methods take and give the models of `serving/api/`. Over HTTP they get the body as it came, and give JSON: it is
parsed, predicted and written elsewhere, together with other requests. Keys, limits and the shape of errors are
middleware (`serving/middleware/`); page, report and docs are mounted (`serving/mounts/`).
"""

# What is used of BentoML that its documentation does not promise; `tests/serving/test_bentoml_hooks.py` has a test for
# each, and pyproject.toml allows no other minor version:
# - `@bentoml.service(service_class=…)`: the class of the service, whose `to_asgi` and `schema` BentoML's server calls;
# - `SERVICE.apis[…].input_spec.from_http_request`: makes the argument of a method from an HTTP request;
# - attributes of the instance are found before its API methods (`self.predict = self.predict`);
# - `__is_ready__`: asked for `/readyz`, inside the context of its request (`SERVICE.context.request`).

from __future__ import annotations

import os

from serving.settings import BENTOML_ENVIRONMENT, settings_of_environment

os.environ["BENTOML_DO_NOT_TRACK"] = BENTOML_ENVIRONMENT["BENTOML_DO_NOT_TRACK"]
os.environ.setdefault("OTEL_SDK_DISABLED", BENTOML_ENVIRONMENT["OTEL_SDK_DISABLED"])

import asyncio
import atexit
import gc
import logging
import math
import shutil
import tempfile
import time
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import bentoml
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response

from serving.api.errors import refused
from serving.api.file_query import FILE_MEDIA_TYPES, file_query
from serving.api.plan_answer import PlanAnswer
from serving.api.requests import PlanRequest, PredictRequest, RankRequest
from serving.api.responses import PredictAnswer, RankAnswer, ReadAnswer
from serving.middleware.call import CALL, Call, call_of
from serving.middleware.door import Catch, Door, refusal_of
from serving.middleware.keys import DOCS, HEALTH, Keys
from serving.middleware.limits import BodyLimits
from serving.mounts.openapi import complete
from serving.mounts.pages import mounted_paths, pages_app

if TYPE_CHECKING:
    from serving.inference.loaded_model import LoadedModel
    from serving.ledger.record import LedgerRecord

log = logging.getLogger("gpmcast.serving")

Endpoint = Literal["predict", "rank", "plan", "read"]
SETTINGS = settings_of_environment()
BUNDLE_IN_BENTO = Path(__file__).parents[1] / "bundle"
PAGES = pages_app(SETTINGS)
JSON = ("application/json",)
MEDIA_TYPES = {"/v1/predict": JSON, "/v1/rank": JSON, "/v1/plan": JSON, "/v1/read": FILE_MEDIA_TYPES}
COUNTED_AT_ONCE = 8
"""Most creatives that the event loop counts itself: 500 take 14 ms."""
SPARE_SECONDS = 5
"""BentoML's own timeout comes so much later than ours, which answers in our shape and stops the computation."""


class ServiceBehindDoor(bentoml.Service):  # type: ignore[misc]
    """A BentoML service whose application stands behind `Door`, also for BentoML's own middleware."""

    def to_asgi(self, is_main: bool = True) -> Starlette:
        """The ASGI application, for `bentoml serve` and for any ASGI server."""
        if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:  # read by prometheus_client when it is imported
            folder = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="gpmcast-metrics-")
            atexit.register(shutil.rmtree, folder, ignore_errors=True)
        from serving.metrics import service_metrics

        app: Starlette = super().to_asgi(is_main)
        paths = [*MEDIA_TYPES, *HEALTH, *DOCS, "/metrics", *mounted_paths(SETTINGS)]
        app.add_middleware(Door, settings=SETTINGS, paths=paths, metrics=service_metrics())
        return app

    @cache  # noqa: B019 (the service lives as long as the process)
    def schema(self) -> dict[str, Any]:
        """The API methods for BentoML's clients (`/schema.json`), made once: it takes 20 ms."""
        return dict(super().schema())


@bentoml.service(
    name="gpmcast",
    service_class=ServiceBehindDoor,
    workers=SETTINGS.workers,
    # BentoML holds each request until its timeout: one of seconds keeps memory small.
    traffic={"timeout": math.ceil(SETTINGS.limits.seconds) + SPARE_SECONDS},
    metrics={"enabled": True},
    logging={"access": {"enabled": False}},
    # Where OpenTelemetry is off its middleware would still cost time.
    tracing={"excluded_urls": "." if os.environ["OTEL_SDK_DISABLED"].lower() == "true" else ""},
)
class PredictionService:
    """Forecasts what a short-video creative will earn next, and says why."""

    def __init__(self) -> None:
        # Imported here: the supervising process needs none of it, and starts seconds earlier without.
        from serving.compute.compute import Compute
        from serving.inference.model_watcher import ModelWatcher
        from serving.ledger.writer import Ledger
        from serving.metrics import service_metrics

        logging.getLogger("gpmcast.serving").setLevel(logging.INFO)
        settings = SETTINGS
        if settings.bundle is None and BUNDLE_IN_BENTO.is_dir():
            settings = settings.model_copy(update={"bundle": BUNDLE_IN_BENTO})
        metrics = self._metrics = service_metrics()

        def on_outcome(outcome: str) -> None:
            metrics.models.labels(outcome).inc()
            # The loaded model stays: if the garbage collector scanned it, a request would wait a tenth of a second now
            # and then. A replaced model is freed by reference counts, its reference cycles at the next swap.
            gc.unfreeze()
            gc.collect()
            gc.freeze()

        def on_check() -> None:
            metrics.show_model(self._watcher.loaded, confirmed=self._watcher.source.confirmed)

        self._watcher = ModelWatcher(settings, on_outcome, on_check)
        self._watcher.start()
        self._ledger = None
        if settings.ledger:
            self._ledger = Ledger(
                settings.ledger,
                queue_bytes=settings.ledger_queue_bytes,
                keep_days=settings.ledger_keep_days,
                on_up=metrics.ledger_up.set,
                on_lost=metrics.unrecorded.inc,
            )
        self._compute = Compute(self._model, settings.limits, self._record)
        self._compute.start_process()
        self._missing: list[str] = []  # what `/readyz` said last
        PAGES.state.model, PAGES.state.source = self._model, lambda: self._watcher.source
        # BentoML looks a method up for every request and makes it anew each time; an attribute is found first.
        self.predict, self.rank, self.plan, self.read = self.predict, self.rank, self.plan, self.read

    @bentoml.api(route="/v1/predict")  # type: ignore[untyped-decorator]
    async def predict(self, request: PredictRequest, /) -> PredictAnswer:
        """What creatives will earn next, and why.

        1–500 creatives in; for each its stage rates, targets with intervals, chances, a verdict and warnings.
        """
        return await self._answer("predict", request, PredictAnswer)

    @bentoml.api(route="/v1/rank")  # type: ignore[untyped-decorator]
    async def rank(self, request: RankRequest, /) -> RankAnswer:
        """Candidates in order, under a budget.

        Each with the probability that it is among the best.
        """
        return await self._answer("rank", request, RankAnswer)

    @bentoml.api(route="/v1/plan")  # type: ignore[untyped-decorator]
    async def plan(self, request: PlanRequest, /) -> PlanAnswer:
        """Creatives and a budget to a plan.

        Which candidates to launch, what their tests cost, today's money of running creatives, whom to stop or scale.
        """
        return await self._answer("plan", request, PlanAnswer)

    @bentoml.api(route="/v1/read")  # type: ignore[untyped-decorator]
    async def read(self, file: Path, /) -> ReadAnswer:
        """A tag sheet or an export as creatives that can be predicted.

        The bytes of a CSV or XLSX file in; creatives in the form of such a request, and problems by row and field.
        """
        return await self._answer("read", file, ReadAnswer)

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def end(self) -> None:
        """Stop looking for models, end the computations, and write the answers that wait for the ledger."""
        with ExitStack() as last_first:  # each is called although another one failed
            last_first.callback(gc.unfreeze)
            if self._ledger is not None:
                last_first.callback(self._ledger.close)
            last_first.callback(self._compute.close)
            last_first.callback(self._watcher.stop)

    async def __is_ready__(self) -> bool:
        """For BentoML's `/readyz`: whether a model is loaded, the ledger can be written, and the service goes on.

        Anyone may ask: which model serves and where it comes from is in `/v1/model`, which asks for a key.
        """
        reasons = [] if self._watcher.loaded is not None else ["no model is loaded"]
        if self._ledger is not None and not self._ledger.healthy:
            reasons.append("the ledger cannot be written")
        request = SERVICE.context.request
        if getattr(request.state, "ending", False):  # set by `serving.server.worker`
            reasons.append("the service is ending")
        refusal = refused("not_ready")
        if reasons:
            refusal.error = f"Not ready: {'; '.join(reasons)}."
            call_of(request.scope).refusal = refusal
        if reasons != self._missing:  # `Door` does not log it with every probe
            self._missing = reasons
            log.warning("%s", refusal.error if reasons else "Ready again.")
        return not reasons

    def _model(self) -> LoadedModel:
        if self._watcher.loaded is None:
            raise refused("no_model", retry_after="5")
        return self._watcher.loaded

    async def _record(self, record: LedgerRecord) -> dict[str, str]:
        """Count and record an answer; a header where it is not (yet) in the ledger."""
        from serving.ledger.writer import KEPT

        if record.endpoint == "predict" and len(record.creatives) <= COUNTED_AT_ONCE:
            self._metrics.count_predictions(record)
        elif record.endpoint == "predict":
            await asyncio.to_thread(self._metrics.count_predictions, record)
        if self._ledger is None or (outcome := await self._ledger.record(record)) == KEPT:
            return {}
        return {"x-gpmcast-ledger": outcome}

    async def _answer(self, endpoint: Endpoint, given: BaseModel | Path | Call, shape: type[BaseModel]) -> Any:
        """The answer of an API method.

        Args:
            endpoint: Which method.
            given: Over HTTP a `Call`, whatever the method's signature says: `_body_as_it_came` makes it of the request.
                In this process the model or the path of the signature.
            shape: Of the answer in this process.

        Raises:
            Refused: In this process. Over HTTP it is answered.
        """
        if isinstance(given, Call):
            return await self._answer_http(endpoint, given)
        return await self._answer_here(endpoint, given, shape)

    async def _answer_http(self, endpoint: Endpoint, call: Call) -> Response:
        try:
            content, headers = await self._content(endpoint, call)
        except Exception as error:  # not raised: BentoML would log a stack trace for every refusal
            call.refusal = refusal_of(error, call.request_id)
            return Response(status_code=call.refusal.status)
        return Response(content, media_type="application/json", headers=headers)

    async def _answer_here(self, endpoint: Endpoint, given: BaseModel | Path, shape: type[BaseModel]) -> BaseModel:
        with suppress(LookupError):  # there is no HTTP request
            if CALL in SERVICE.context.request.scope:
                raise RuntimeError("BentoML has parsed the body of an HTTP request itself")
        body = given.read_bytes() if isinstance(given, Path) else given.model_dump_json(exclude_none=True).encode()
        content, _ = await self._content(endpoint, Call(time.monotonic() + SETTINGS.limits.seconds, body=body))
        return shape.model_validate_json(content)

    async def _content(self, endpoint: Endpoint, call: Call) -> tuple[bytes, dict[str, str]]:
        """JSON and headers of the answer to a call."""
        from serving.compute.work import RawFile, RawRequest
        from serving.upload.file_context import FileContext

        if endpoint == "read":
            context = FileContext(**file_query(call.query))
            return await self._compute.read(RawFile(call.body, context, call.request_id, call.deadline)), {}
        request = RawRequest(endpoint, call.body, call.request_id, call.caller, call.deadline)
        answered = await self._compute.answer(request)
        return answered.content, answered.headers


async def _body_as_it_came(request: Request, serde: object) -> Call:
    """In the place of BentoML's parsing: the body that `BodyLimits` has read."""
    call = call_of(request.scope)
    call.query = request.scope["query_string"]
    return call


SERVICE: Any = PredictionService
"""The same, as what the decorator has made of the class."""
for method in SERVICE.apis.values():
    method.input_spec.from_http_request = _body_as_it_came
SERVICE.mount_asgi_app(PAGES)
# In this order, outermost first; `Door` stands outside all of them.
SERVICE.add_asgi_middleware(Catch)
SERVICE.add_asgi_middleware(Keys, settings=SETTINGS)
SERVICE.add_asgi_middleware(BodyLimits, limits=SETTINGS.limits, media_types=MEDIA_TYPES)
PAGES.state.openapi = cache(lambda: complete(SERVICE.openapi_spec.asdict(), SETTINGS))
