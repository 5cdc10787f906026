"""From the bytes of a body to a request, or to every problem in it at once."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from itertools import pairwise
from typing import TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.schema import MULTI
from serving.api.errors import Fault, Refused
from serving.api.requests import Creative, Figures, PredictRequest, RankRequest

Asked = TypeVar("Asked", PredictRequest, RankRequest)

IMPOSSIBLE = [
    ("clicks", "impressions"),
    ("orders", "impressions"),
    ("plays_3s", "plays"),
    ("plays_5s", "plays"),
    ("plays_10s", "plays"),
    ("finishes", "plays"),
    ("gmv_cny", "impressions"),
]
"""The first cannot have happened where the second did not at all."""
PARTS = [("net_gmv_cny", "gmv_cny"), ("net_orders", "orders"), ("boost_spend_cny", "spend_cny")]
"""The first is a part of the second."""


class Known(BaseModel):
    """What the serving model takes.

    Attributes:
        tags: Names of its tags.
        multi: Those of which a creative may carry several values.
        time_zone: Of times without an offset.
        creatives: Most in one request.
    """

    tags: frozenset[str]
    multi: frozenset[str]
    time_zone: str
    creatives: int


def asked(model: type[Asked], body: bytes, known: Known) -> Asked:
    """The request in this body.

    Raises:
        Refused: 400 where it is not of the declared shape, 422 where what it says cannot be; with all that is wrong.
    """
    try:
        request = model.model_validate_json(body)
    except ValidationError as error:
        raise Refused(400, "The request is not understood.", _faults(model, error, body, known)) from None
    faults = list(contradictions(request.creatives, known))
    if isinstance(request, RankRequest):
        faults += _rank_faults(request)
    if faults:
        raise Refused(422, "What the request says cannot be.", faults)
    return request


def contradictions(creatives: Iterable[Creative], known: Known) -> Iterator[Fault]:
    """What is well formed and cannot be, or cannot be used by the model."""
    seen: set[tuple[str, str, str]] = set()
    for place, creative in enumerate(creatives):
        if place == known.creatives:
            yield Fault("too many creatives", f"at most {known.creatives} in one request", "creatives")
        key = (creative.promotion_type, creative.account_id, creative.creative_id)
        where = f"creatives[{place}]"
        if key in seen:
            hint = "name each creative of a promotion type and account once"
            yield Fault("named twice", hint, f"{where}.creative_id", creative.creative_id)
        seen.add(key)
        for field, problem, hint in _contradictions(creative, known):
            yield Fault(problem, hint, f"{where}.{field}", creative.creative_id)


def plain_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment as the model tells times: naive, in its time zone."""
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _contradictions(creative: Creative, known: Known) -> Iterator[tuple[str, str, str]]:
    for name, value in creative.tags.items():
        yield from _tag_faults(name, value, known)
    if creative.metrics and creative.sums:
        yield "sums", "given beside metrics", "give rows (`metrics`) or sums with their age (`sums`), not both"
    if creative.sums:
        if creative.launched_at is None:
            yield "launched_at", "missing beside sums", "say when the creative was launched"
        yield from _figure_faults("sums", [creative.sums])
    if creative.metrics:
        yield from _row_faults(creative, ZoneInfo(known.time_zone))
        yield from _figure_faults("metrics", creative.metrics)


def _tag_faults(name: str, value: str | list[str], known: Known) -> Iterator[tuple[str, str, str]]:
    if name not in known.tags:
        near = get_close_matches(name, known.tags, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(known.tags)) or 'none'}"
        yield f"tags.{name}", "the model knows no tag of this name", hint
    elif isinstance(value, list) and name not in known.multi:
        yield f"tags.{name}", "several values of a tag that takes one", "give one text"
    values = value if isinstance(value, list) else [value]
    if any(MULTI in part for part in values):
        yield f"tags.{name}", f"a value holds “{MULTI}”", "give several values as a list"


def _row_faults(creative: Creative, zone: ZoneInfo) -> Iterator[tuple[str, str, str]]:
    rows = creative.metrics or []
    times = [(plain_time(row.period_start, zone), plain_time(row.period_end, zone)) for row in rows]
    for place, (start, end) in enumerate(times):
        if start >= end:
            yield f"metrics[{place}].period_end", "is not after period_start", "a period ends after it starts"
    order = sorted(range(len(times)), key=times.__getitem__)
    for before, after in pairwise(order):
        if times[before][1] > times[after][0] and times[before][0] < times[before][1]:
            hint = f"it begins before metrics[{before}] ends; give each moment once"
            yield f"metrics[{after}].period_start", "overlaps another period", hint
    if creative.launched_at is not None and times:
        delivered = [
            time for time, row in zip(times, rows) if (row.impressions or row.spend_cny or 0) > 0 and time[0] < time[1]
        ]
        if delivered and plain_time(creative.launched_at, zone) >= min(delivered)[1]:
            yield "launched_at", "is after the first period with delivery", "say when it was first delivered"


def _figure_faults(field: str, rows: Iterable[Figures]) -> Iterator[tuple[str, str, str]]:
    held = list(rows)

    def total(name: str) -> float | None:
        values = [getattr(row, name) for row in held]
        return None if None in values else sum(values)

    for what, base in IMPOSSIBLE:
        some, of = total(what), total(base)
        if some and of == 0:
            yield f"{field}.{what}" if field == "sums" else field, f"{what} without any {base}", f"check {base}"
    for what, whole in PARTS:
        some, of = total(what), total(whole)
        if some is not None and of is not None and some > of * (1 + 1e-9) + 0.01:
            yield f"{field}.{what}" if field == "sums" else field, f"more {what} than {whole}", f"check {whole}"


def _rank_faults(request: RankRequest) -> list[Fault]:
    faults = []
    if (request.budget_cny is None) == (request.top is None):
        faults.append(Fault("either a budget or a number is needed", "give budget_cny or top, not both", "budget_cny"))
    if request.budget_cny is not None and request.spend_cny is None:
        faults.append(Fault("missing beside budget_cny", "say what trying one candidate costs", "spend_cny"))
    return faults


def _faults(model: type[Asked], error: ValidationError, body: bytes, known: Known) -> list[Fault]:
    raw = _raw_creatives(body)
    faults, wrong = [], set()
    for found in error.errors(include_url=False, include_context=False):
        place = _place(found["loc"])
        wrong.add(place)
        named = raw[place].get("creative_id") if place is not None and place < len(raw) else None
        creative_id = named if isinstance(named, str) and len(named) <= 128 else None
        faults.append(Fault(_problem(found), _hint(found, model), _path(found["loc"]), creative_id))
    for place, content in enumerate(raw):  # what is well formed is looked through as well: all problems at once
        if place not in wrong and None not in wrong:
            creative = Creative.model_validate_json(json.dumps(content))
            for field, problem, hint in _contradictions(creative, known):
                faults.append(Fault(problem, hint, f"creatives[{place}].{field}", creative.creative_id))
    return faults


def _raw_creatives(body: bytes) -> list[dict[str, object]]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return []
    creatives = content.get("creatives") if isinstance(content, dict) else None
    if not isinstance(creatives, list) or len(creatives) > 500:
        return []
    return [creative if isinstance(creative, dict) else {} for creative in creatives]


def _place(loc: tuple[int | str, ...]) -> int | None:
    return loc[1] if len(loc) > 1 and loc[0] == "creatives" and isinstance(loc[1], int) else None


def _path(loc: tuple[int | str, ...]) -> str | None:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith(("function-", "list[", "constrained-", "str")):
            path += f".{part[:80]}" if path else part[:80]
    return path or None


def _problem(found: ErrorDetails) -> str:
    return str(found["msg"]).removeprefix("Value error, ")


def _hint(found: ErrorDetails, model: type[BaseModel]) -> str:
    kind = found["type"]
    if kind == "extra_forbidden":
        fields = {**model.model_fields, **Creative.model_fields, **Figures.model_fields}
        near = get_close_matches(str(found["loc"][-1]), fields, n=1)
        return f"did you mean {near[0]}?" if near else "no field has this name; see GET /v1/schema/predict"
    if kind == "missing":
        return "this field is needed"
    if kind == "json_invalid":
        return "send one JSON object in UTF-8"
    if kind == "finite_number":
        return "NaN and infinity are no numbers here; leave out what is not known"
    if kind.endswith(("_type", "_parsing")):
        return "give a value of this type; numbers are not texts, texts are not numbers"
    return "see GET /v1/schema/predict for what is taken"
