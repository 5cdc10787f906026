"""Requests answered one after the other: bytes in, bytes out, everything recorded. No HTTP, no framework."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo

import numpy as np
import orjson
import pandas as pd

from serving.api.errors import Fault, Refused
from serving.api.requests import PredictRequest, RankRequest
from serving.api.validation import asked
from serving.asgi.prometheus import Measured
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.inference.rank import ranking
from serving.ledger.record import Record, fingerprint
from serving.ledger.writer import KEPT, LOST, Ledger
from serving.registry.watcher import Holder
from serving.upload.read_creatives import Given, read_file

Endpoint = Literal["predict", "rank"]


@dataclass(frozen=True)
class Told:
    """An answer on its way out.

    Attributes:
        body: JSON.
        headers: More headers: a warning where it could not be recorded.
    """

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Asking:
    """A request that is understood.

    Attributes:
        endpoint: What is asked.
        request: The parsed body.
        served: The model that will answer.
        body_sha256: Fingerprint of the body.
        request_id: Of the request.
        caller: Who asks.
    """

    endpoint: Endpoint
    request: PredictRequest | RankRequest
    served: LoadedModel
    body_sha256: str
    request_id: str
    caller: str


class Desk:
    """Everything a worker needs to answer."""

    def __init__(self, holder: Holder, ledger: Ledger | None, measured: Measured) -> None:
        self.holder = holder
        self.ledger = ledger
        self.measured = measured

    def serving(self) -> LoadedModel:
        """The model that answers now; 503 where there is none."""
        if self.holder.served is None:
            raise Refused(503, "No model is loaded.", headers={"retry-after": "5"})
        return self.holder.served

    def understand(self, endpoint: Endpoint, body: bytes, request_id: str, caller: str) -> Asking:
        """The request in a body, for the model that serves now."""
        served = self.serving()
        request: PredictRequest | RankRequest
        if endpoint == "predict":
            request = asked(PredictRequest, body, served.known)
        else:
            request = asked(RankRequest, body, served.known)
        if request.model_version not in (None, served.version):
            hint = f"version {served.version} serves"
            raise Refused(409, "Another model version serves.", [Fault("does not serve", hint, "model_version")])
        return Asking(endpoint, request, served, fingerprint(body), request_id, caller)

    def answer(self, asking: Asking, go_on: Callable[[], None] = lambda: None) -> Told:
        """Compute, record, and put into words.

        Raises:
            Refused: The request cannot be answered, or `go_on` gave it up.
        """
        served, request = asking.served, asking.request
        now = pd.Timestamp(datetime.now(ZoneInfo(served.known.time_zone)).replace(tzinfo=None))
        told: dict[str, object] = {"request_id": asking.request_id, "model": served.told}
        if isinstance(request, PredictRequest):
            done = predictions(
                served, request.creatives, now=now, explain=request.explain, top=request.top, go_on=go_on
            )
            answers, values = done.answers, done.values
            told["predictions"] = answers
            self.measured.answered(answers)
        else:
            top, answers, values = ranking(served, request, now=now, go_on=go_on)
            told |= {"by": request.by, "top": top, "ranking": answers}
        return Told(orjson.dumps(told), self._record(asking, answers, values))

    def _record(self, asking: Asking, answers: list[dict[str, object]], values: np.ndarray) -> dict[str, str]:
        if self.ledger is None:
            return {}
        kept = [{name: part for name, part in answer.items() if name != "explanation"} for answer in answers]
        outcome = self.ledger.add(
            Record(
                request_id=asking.request_id,
                at=datetime.now(UTC).isoformat(timespec="microseconds"),
                caller=asking.caller,
                endpoint=asking.endpoint,
                model=asking.served.name,
                version=asking.served.version,
                input_sha256=asking.body_sha256,
                features=asking.served.feature_names,
                answers=kept,
                values=values,
            )
        )
        if outcome == KEPT:
            return {}
        if outcome == LOST:
            self.measured.unrecorded.inc()
        return {"x-gpmcast-ledger": outcome}

    def read(self, content: bytes, given: Given, request_id: str) -> bytes:
        """An uploaded file as creatives; nothing is recorded.

        Raises:
            Refused: Nothing of it can be used.
        """
        served = self.serving()
        now = datetime.now(served.zone).replace(tzinfo=None)
        return orjson.dumps({"request_id": request_id, **read_file(served, content, given, now)})

    def unready(self) -> list[str]:
        """What keeps the service from being ready; nothing as a rule."""
        reasons = [] if self.holder.served is not None else ["no model is loaded"]
        if self.ledger is not None and not self.ledger.healthy:
            reasons.append("the ledger cannot be written")
        return reasons


def deadline(seconds: float) -> Callable[[], None]:
    """Raises 504 once so much time has passed."""
    until = time.monotonic() + seconds

    def go_on() -> None:
        if time.monotonic() > until:
            raise Refused(504, f"Not done within {seconds:g} seconds; ask for fewer creatives at a time.")

    return go_on
