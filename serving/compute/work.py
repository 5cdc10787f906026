"""Bytes in, bytes out: parse requests, predict, rank or plan, serialise. No event loop, no threads, no ledger."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal

import orjson

from serving.api.errors import Refused, RequestProblem, refused
from serving.api.requests import PlanRequest, PredictRequest, RankRequest, listed
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import predictions
from serving.inference.rank import ranking
from serving.ledger.record import LedgerRecord, RecordedCreative, RecordedModel, recorded_creatives
from serving.upload.file_context import FileContext

log = logging.getLogger("gpmcast.serving")

Endpoint = Literal["predict", "rank", "plan"]
Request = PredictRequest | RankRequest | PlanRequest


@dataclass(frozen=True)
class RawRequest:
    """A request as it came.

    Attributes:
        endpoint: Which endpoint.
        body: JSON in UTF-8.
        request_id: Of the request.
        caller: Name of the API key.
        deadline: `time.monotonic()` at which it is given up; that clock is the same in all processes of a machine.
    """

    endpoint: Endpoint
    body: bytes
    request_id: str
    caller: str
    deadline: float


@dataclass(frozen=True)
class RawFile:
    """An uploaded file as it came.

    Attributes:
        content: Its bytes.
        context: What the caller gives about it.
        request_id: Of the request.
        deadline: As of a `RawRequest`.
    """

    content: bytes
    context: FileContext
    request_id: str
    deadline: float


@dataclass(frozen=True)
class Computed:
    """An answer that is not recorded yet.

    Attributes:
        content: JSON.
        record: For the ledger; None: nothing is recorded.
    """

    content: bytes
    record: LedgerRecord | None = None


class TooMany(Exception):
    """A request has more creatives than are computed together with others."""


def compute_together(
    loaded: LoadedModel, requests: Sequence[RawRequest], most_creatives: int, most_each: int
) -> list[Computed | Exception]:
    """Compute small requests; those that want the same are predicted in one call. None depends on the others.

    Args:
        loaded: The model.
        requests: As they came.
        most_creatives: The setting `limits.creatives`.
        most_each: Creatives of one request.

    Returns:
        Per request its answer, or why there is none: Refused, TooMany, or an error that is none of the request's.
    """
    outcomes: dict[int, Computed | Exception] = {}
    alike: dict[object, list[tuple[int, Request]]] = {}
    for place, raw in enumerate(requests):
        try:
            request = parse(loaded, raw, most_creatives)
            if len(request.creatives) > most_each:
                raise TooMany
        except Exception as error:
            outcomes[place] = error
            continue
        wants = (request.explain, listed(request)) if isinstance(request, PredictRequest) else place
        alike.setdefault(wants, []).append((place, request))
    for group in alike.values():
        parsed = [request for _, request in group]
        for (place, _), outcome in zip(group, _compute_alike(loaded, [requests[p] for p, _ in group], parsed)):
            outcomes[place] = outcome
    return [outcomes[place] for place in range(len(requests))]


def _compute_alike(
    loaded: LoadedModel, raws: Sequence[RawRequest], requests: Sequence[Request]
) -> list[Computed | Exception]:
    """Compute requests with the same options in one call; where that fails, one by one."""
    try:
        return [*_compute(loaded, raws, requests, lambda: None)]
    except Exception as error:
        if len(requests) == 1:
            return [error]
        log.warning("%d requests are computed one by one: %s: %s", len(requests), type(error).__name__, error)
        return [one for raw, request in zip(raws, requests) for one in _compute_alike(loaded, [raw], [request])]


def compute_one(loaded: LoadedModel, raw: RawRequest, most_creatives: int) -> Computed:
    """Compute a request of any size.

    Args:
        loaded: The model.
        raw: As it came.
        most_creatives: The setting `limits.creatives`.

    Raises:
        Refused: 400, 409 or 422 with every problem found; 504 after its deadline.
    """

    check_deadline = deadline_of(raw)
    check_deadline()
    return _compute(loaded, [raw], [parse(loaded, raw, most_creatives)], check_deadline)[0]


def read_one(loaded: LoadedModel, raw: RawFile) -> Computed:
    """An uploaded file as creatives.

    Raises:
        Refused: 422 where nothing of it can be used; 504 after its deadline.
    """
    # Imported here: workers, which read no files, are smaller without DuckDB.
    from serving.upload.read_creatives import read_file

    check_deadline = deadline_of(raw)
    check_deadline()
    now = datetime.now(loaded.zone).replace(tzinfo=None)
    found = read_file(loaded, raw.content, raw.context, now, check_deadline)
    return Computed(orjson.dumps({"request_id": raw.request_id, **found}))


def parse(loaded: LoadedModel, raw: RawRequest, most_creatives: int) -> Request:
    """Parse and check a body.

    Raises:
        Refused: 400, 409 or 422, with every problem found.
    """
    request: Request
    if raw.endpoint == "predict":
        request = parse_request(PredictRequest, raw.body, loaded.vocabulary, most_creatives)
    elif raw.endpoint == "plan":
        request = parse_request(PlanRequest, raw.body, loaded.vocabulary, most_creatives)
    else:
        request = parse_request(RankRequest, raw.body, loaded.vocabulary, most_creatives)
    if request.model_version not in (None, loaded.version):
        zh = f"这个版本没有在服务；现在服务的是 {loaded.version}。"
        problem = RequestProblem("does not serve", f"version {loaded.version} serves", zh, "model_version")
        raise Refused(409, "Another model version serves.", [problem])
    return request


def deadline_of(raw: RawRequest | RawFile) -> Callable[[], None]:
    """What raises Refused (504) once a request or file is past its deadline."""

    def check_deadline() -> None:
        if time.monotonic() > raw.deadline:
            raise too_late()

    return check_deadline


def too_late() -> Refused:
    """The refusal of a request that was given up."""
    return refused("too_slow")


def _compute(
    loaded: LoadedModel, raws: Sequence[RawRequest], requests: Sequence[Request], check_deadline: Callable[[], None]
) -> list[Computed]:
    """Answers to one ranking, to one plan, or to predictions that want the same explanations."""
    now = datetime.now(loaded.zone).replace(tzinfo=None)
    first = requests[0]
    if isinstance(first, RankRequest):
        done = ranking(loaded, first, now=now, check_deadline=check_deadline)
        stored = [{**answer, "by": first.by, "top": done.top} for answer in done.answers]
        content: dict[str, object] = {"by": first.by, "top": done.top, "ranking": done.answers}
        recorded = recorded_creatives(stored, done.values, done.age_hours, done.cutoffs)
        return [_computed(loaded, raws[0], content, recorded)]
    if isinstance(first, PlanRequest):
        # Imported here: the integer programme is loaded by the first plan, not by every worker.
        from serving.inference.plan import planned

        plan = planned(loaded, first, check_deadline=check_deadline)
        recorded = recorded_creatives(plan.stored, plan.values, plan.age_hours, plan.cutoffs)
        return [_computed(loaded, raws[0], plan.content, recorded)]
    creatives = [creative for request in requests for creative in request.creatives]
    explain, top = first.explain, listed(first)
    found = predictions(loaded, creatives, now=now, explain=explain, top=top, check_deadline=check_deadline)
    recorded = recorded_creatives(found.answers, found.values, found.age_hours, found.cutoffs)
    computed, begin = [], 0
    for raw, request in zip(raws, requests):
        own = slice(begin, begin := begin + len(request.creatives))
        computed.append(_computed(loaded, raw, {"predictions": found.answers[own]}, recorded[own]))
    return computed


def _computed(
    loaded: LoadedModel, raw: RawRequest, content: dict[str, object], recorded: tuple[RecordedCreative, ...]
) -> Computed:
    about = {**loaded.identity, "time_zone": loaded.zone.key, "hit": loaded.hit}
    record = LedgerRecord(
        request_id=raw.request_id,
        at=datetime.now(UTC).isoformat(timespec="microseconds"),
        caller=raw.caller,
        endpoint=raw.endpoint,
        model=RecordedModel(loaded.name, loaded.version, loaded.feature_names, about),
        input_sha256=sha256(raw.body).hexdigest(),
        creatives=recorded,
    )
    return Computed(orjson.dumps({"request_id": raw.request_id, "model": loaded.identity, **content}), record)
