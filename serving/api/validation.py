"""Parse and check the body of a request: its shape, contradictions, and names that the model does not know."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from difflib import get_close_matches
from itertools import pairwise
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from features.schema import MULTI
from serving.api.errors import Refused, RequestProblem
from serving.api.requests import (
    MOST_CREATIVES,
    Creative,
    MetricValues,
    RankRequest,
    RequestT,
    with_limit,
)

POSSIBLE_ONLY_WITH = [
    ("clicks", "impressions"),
    ("orders", "impressions"),
    ("plays_3s", "plays"),
    ("plays_5s", "plays"),
    ("plays_10s", "plays"),
    ("finishes", "plays"),
    ("gmv_cny", "impressions"),
]
"""The first cannot be above 0 where the second is 0."""
PART_OF = [("net_gmv_cny", "gmv_cny"), ("net_orders", "orders"), ("boost_spend_cny", "spend_cny")]
"""The first is a part of the second."""


class ModelVocabulary(BaseModel):
    """What requests may name, by the loaded model.

    Attributes:
        tags: Names of its tags.
        multi: Tags of which a creative may have several values.
        time_zone: Of times without an offset.
    """

    tags: frozenset[str]
    multi: frozenset[str]
    time_zone: str


def parse_request(
    model: type[RequestT], body: bytes, vocabulary: ModelVocabulary, most_creatives: int = MOST_CREATIVES
) -> RequestT:
    """Parse and check the body of a request.

    Args:
        model: Which request.
        body: JSON in UTF-8.
        vocabulary: Of the loaded model.
        most_creatives: The setting `limits.creatives`.

    Raises:
        Refused: 400 where the body has not the declared shape, 422 where its values contradict each other or the
            model; with every problem found.
    """
    limited = with_limit(model, most_creatives)
    try:
        request = limited.model_validate_json(body)
    except ValidationError as error:
        problems = _shape_problems(limited, error, body, vocabulary, most_creatives)
        raise Refused(400, "The request is not understood.", problems) from None
    problems = list(contradictions(request.creatives, vocabulary))
    if isinstance(request, RankRequest):
        problems += _rank_problems(request)
    if problems:
        raise Refused(422, "What the request says cannot be.", problems)
    return request


def contradictions(creatives: Iterable[Creative], vocabulary: ModelVocabulary) -> Iterator[RequestProblem]:
    """Problems of creatives that have the declared shape but cannot be true, or that the model cannot use."""
    seen: set[tuple[str, str, str]] = set()
    for place, creative in enumerate(creatives):
        key = (creative.promotion_type, creative.account_id, creative.creative_id)
        path = f"creatives[{place}]"
        if key in seen:
            hint = "name each creative of a promotion type and account once"
            yield RequestProblem("named twice", hint, f"{path}.creative_id", creative.creative_id)
        seen.add(key)
        for field, problem, hint in _contradictions(creative, vocabulary):
            yield RequestProblem(problem, hint, f"{path}.{field}", creative.creative_id)


def plain_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment in the model's time zone, without an offset."""
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _contradictions(creative: Creative, vocabulary: ModelVocabulary) -> Iterator[tuple[str, str, str]]:
    for name, value in creative.tags.items():
        yield from _tag_problems(name, value, vocabulary)
    if creative.metrics and creative.sums:
        yield "sums", "given beside metrics", "give rows (`metrics`) or sums with their age (`sums`), not both"
    if creative.sums:
        if creative.launched_at is None:
            yield "launched_at", "missing beside sums", "say when the creative was launched"
        yield from _value_problems("sums", [creative.sums])
    if creative.metrics:
        yield from _row_problems(creative, ZoneInfo(vocabulary.time_zone))
        yield from _value_problems("metrics", creative.metrics)


def _tag_problems(name: str, value: str | list[str], vocabulary: ModelVocabulary) -> Iterator[tuple[str, str, str]]:
    if name not in vocabulary.tags:
        near = get_close_matches(name, vocabulary.tags, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(sorted(vocabulary.tags)) or 'none'}"
        yield f"tags.{name}", "the model knows no tag of this name", hint
    elif isinstance(value, list) and name not in vocabulary.multi:
        yield f"tags.{name}", "several values of a tag that takes one", "give one text"
    values = value if isinstance(value, list) else [value]
    if any(MULTI in part for part in values):
        yield f"tags.{name}", f"a value holds “{MULTI}”", "give several values as a list"


def _row_problems(creative: Creative, zone: ZoneInfo) -> Iterator[tuple[str, str, str]]:
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


def _value_problems(field: str, rows: Iterable[MetricValues]) -> Iterator[tuple[str, str, str]]:
    periods = list(rows)

    def total(name: str) -> float | None:
        values = [getattr(row, name) for row in periods]
        return None if None in values else sum(values)

    for what, base in POSSIBLE_ONLY_WITH:
        some, of = total(what), total(base)
        if some and of == 0:
            yield f"{field}.{what}" if field == "sums" else field, f"{what} without any {base}", f"check {base}"
    for what, whole in PART_OF:
        some, of = total(what), total(whole)
        if some is not None and of is not None and some > of * (1 + 1e-9) + 0.01:
            yield f"{field}.{what}" if field == "sums" else field, f"more {what} than {whole}", f"check {whole}"


def _rank_problems(request: RankRequest) -> list[RequestProblem]:
    problems = []
    if (request.budget_cny is None) == (request.top is None):
        hint = "give budget_cny or top, not both"
        problems.append(RequestProblem("either a budget or a number is needed", hint, "budget_cny"))
    if request.budget_cny is not None and request.spend_cny is None:
        problems.append(RequestProblem("missing beside budget_cny", "say what trying one candidate costs", "spend_cny"))
    return problems


def _shape_problems(
    model: type[BaseModel], error: ValidationError, body: bytes, vocabulary: ModelVocabulary, most_creatives: int
) -> list[RequestProblem]:
    """What pydantic found, and the contradictions of those creatives that have the declared shape."""
    raw = _raw_creatives(body, most_creatives)
    problems, wrong = [], set()
    for found in error.errors(include_url=False, include_context=False):
        place = _place(found["loc"])
        wrong.add(place)
        named = raw[place].get("creative_id") if place is not None and place < len(raw) else None
        creative_id = named if isinstance(named, str) and len(named) <= 128 else None
        problems.append(RequestProblem(_problem(found), _hint(found, model), _path(found["loc"]), creative_id))
    for place, content in enumerate(raw):
        if place not in wrong and None not in wrong:
            creative = Creative.model_validate_json(json.dumps(content))
            for field, problem, hint in _contradictions(creative, vocabulary):
                problems.append(RequestProblem(problem, hint, f"creatives[{place}].{field}", creative.creative_id))
    return problems


def _raw_creatives(body: bytes, most_creatives: int) -> list[dict[str, object]]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return []
    creatives = content.get("creatives") if isinstance(content, dict) else None
    if not isinstance(creatives, list) or len(creatives) > most_creatives:
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
        fields = {**model.model_fields, **Creative.model_fields, **MetricValues.model_fields}
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
