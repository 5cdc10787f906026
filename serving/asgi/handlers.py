"""Handle parsed HTTP requests: body in, JSON out, every answer recorded. Independent of ASGI and of paths."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

import orjson
import pandas as pd

from serving.api.errors import Refused, RequestProblem
from serving.api.requests import PredictRequest, RankRequest
from serving.api.validation import parse_request
from serving.asgi.prometheus import ServiceMetrics
from serving.inference.loaded_model import LoadedModel
from serving.inference.model_watcher import ModelWatcher
from serving.inference.predict import predictions
from serving.inference.rank import ranking
from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.ledger.writer import KEPT, Ledger
from serving.upload.read_creatives import FileContext, read_file

Endpoint = Literal["predict", "rank"]


@dataclass(frozen=True)
class ParsedRequest:
    """A request that has been parsed and checked.

    Attributes:
        endpoint: Which endpoint.
        request: The parsed body.
        loaded: The model that answers it, even if another is loaded meanwhile.
        body_sha256: Of the body.
        request_id: Of the request.
        caller: Name of the API key.
    """

    endpoint: Endpoint
    request: PredictRequest | RankRequest
    loaded: LoadedModel
    body_sha256: str
    request_id: str
    caller: str


class RequestHandlers:
    """The handlers of one worker: model, ledger, metrics."""

    def __init__(self, watcher: ModelWatcher, ledger: Ledger | None, metrics: ServiceMetrics) -> None:
        """Hold what handlers need.

        Args:
            watcher: Holds the loaded model.
            ledger: Where answers are recorded; None: nowhere.
            metrics: For Prometheus.
        """
        self.watcher = watcher
        self.ledger = ledger
        self.metrics = metrics

    def model(self) -> LoadedModel:
        """The model that answers now; raises Refused (503) where none is loaded."""
        if self.watcher.loaded is None:
            raise Refused(503, "No model is loaded.", headers={"retry-after": "5"})
        return self.watcher.loaded

    def parse(
        self, endpoint: Endpoint, body: bytes, request_id: str, caller: str, most_creatives: int
    ) -> ParsedRequest:
        """Parse a body for the model that is loaded now.

        Args:
            endpoint: Which endpoint.
            body: JSON in UTF-8.
            request_id: Of the request.
            caller: Name of the API key.
            most_creatives: The setting `limits.creatives`.

        Raises:
            Refused: 400, 409 or 422, with every problem found.
        """
        loaded = self.model()
        request: PredictRequest | RankRequest
        if endpoint == "predict":
            request = parse_request(PredictRequest, body, loaded.vocabulary, most_creatives)
        else:
            request = parse_request(RankRequest, body, loaded.vocabulary, most_creatives)
        if request.model_version not in (None, loaded.version):
            hint = f"version {loaded.version} serves"
            problem = RequestProblem("does not serve", hint, "model_version")
            raise Refused(409, "Another model version serves.", [problem])
        return ParsedRequest(endpoint, request, loaded, sha256(body).hexdigest(), request_id, caller)

    def answer(
        self, parsed: ParsedRequest, check_deadline: Callable[[], None] = lambda: None
    ) -> tuple[bytes, LedgerRecord]:
        """Compute an answer.

        Args:
            parsed: The request.
            check_deadline: Called between chunks of creatives; raises to give up.

        Returns:
            The JSON body, and what the ledger records of it.

        Raises:
            Refused: The request cannot be answered, or `check_deadline` gave it up.
        """
        loaded, request = parsed.loaded, parsed.request
        now = pd.Timestamp(datetime.now(loaded.zone).replace(tzinfo=None))
        content: dict[str, object] = {"request_id": parsed.request_id, "model": loaded.identity}
        if isinstance(request, PredictRequest):
            done = predictions(
                loaded,
                request.creatives,
                now=now,
                explain=request.explain,
                top=request.top,
                check_deadline=check_deadline,
            )
            answers = done.answers
            content["predictions"] = answers
            creatives = recorded_creatives(answers, done.values, done.age_hours, done.cutoffs)
            self.metrics.count_predictions(answers)
        else:
            ranked = ranking(loaded, request, now=now, check_deadline=check_deadline)
            answers = ranked.answers
            content |= {"by": request.by, "top": ranked.top, "ranking": answers}
            stored = [{**answer, "by": request.by, "top": ranked.top} for answer in answers]
            creatives = recorded_creatives(stored, ranked.values, ranked.age_hours, ranked.cutoffs)
        record = LedgerRecord(
            request_id=parsed.request_id,
            at=datetime.now(UTC).isoformat(timespec="microseconds"),
            caller=parsed.caller,
            endpoint=parsed.endpoint,
            model=RecordedModel(
                loaded.name, loaded.version, loaded.feature_names, {**loaded.identity, "time_zone": loaded.zone.key}
            ),
            input_sha256=parsed.body_sha256,
            creatives=creatives,
        )
        return orjson.dumps(content), record

    async def record(self, record: LedgerRecord) -> dict[str, str]:
        """Record an answer before it is sent; a header if it is not (yet) in the ledger."""
        if self.ledger is None:
            return {}
        outcome = await self.ledger.record(record)
        return {} if outcome == KEPT else {"x-gpmcast-ledger": outcome}

    def read(self, content: bytes, context: FileContext, request_id: str) -> bytes:
        """An uploaded file as creatives, JSON; nothing is recorded.

        Raises:
            Refused: Nothing of it can be used.
        """
        loaded = self.model()
        now = datetime.now(loaded.zone).replace(tzinfo=None)
        return orjson.dumps({"request_id": request_id, **read_file(loaded, content, context, now)})

    def not_ready(self) -> list[str]:
        """Reasons why the service is not ready; empty if it is."""
        reasons = [] if self.watcher.loaded is not None else ["no model is loaded"]
        if self.ledger is not None and not self.ledger.healthy:
            reasons.append("the ledger cannot be written")
        return reasons


def deadline(seconds: float) -> Callable[[], None]:
    """A function that raises Refused (504) once this many seconds have passed."""
    until = time.monotonic() + seconds

    def check() -> None:
        if time.monotonic() > until:
            raise Refused(504, f"Not done within {seconds:g} seconds; ask for fewer creatives at a time.")

    return check
