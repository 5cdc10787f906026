"""Parse and check the body of a request: its shape, then what it says (`serving.api.contradictions`).

Whatever a body holds, checking it takes bounded time: what is wrong is listed up to `MOST_PROBLEMS`, and a large body
with more fields than any request has is refused before it is looked at field by field.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import orjson
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from features.bilingual import Words
from features.garbage_collector import no_collection
from features.schema import VALUES
from serving.api import problem_words as words
from serving.api.contradictions import ModelVocabulary, Suggestions, contradictions, contradictions_of
from serving.api.errors import CODES, MOST_PROBLEMS, Refused, RequestProblem
from serving.api.requests import (
    MOST_CREATIVES,
    MOST_METRICS_ROWS,
    MOST_TAGS,
    Creative,
    MetricsRow,
    RankRequest,
    RequestT,
    with_limit,
)

LARGE_BODY = 100_000
"""Bytes from which what does not belong is counted first: pydantic takes seconds to list a million unknown fields."""
LONGEST_FIELD = 80
"""Characters of a name that is shown."""
UNION_MEMBERS = frozenset(("constrained-str", "list[constrained-str]", "[key]"))
"""Parts of pydantic's places that are no fields: which type of a tag's value, or that its name is meant."""
ROW_FIELDS = frozenset(("period_start", "period_end", *VALUES))
SUMS_FIELDS = frozenset(("age_hours", *VALUES))
CREATIVE_FIELDS = frozenset(Creative.model_fields)
NOT_UNDERSTOOD = "The request is not understood."
_ROWS = TypeAdapter(list[MetricsRow])
_ROWS_AT_ONCE = 50
"""Rows checked between two looks at how many problems are found."""


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
    plain = _plain(body, limited, most_creatives) if len(body) >= LARGE_BODY else None
    understood: list[Creative] = []
    try:
        request: RequestT = limited.model_validate_json(body, context=understood)
    except ValidationError as error:
        raw = _creatives(_from_json(body) if plain is None else plain)
        raise _not_understood(limited, error, raw, understood, vocabulary) from None
    problems = [*contradictions(request.creatives, vocabulary), *_rank_problems(request)]
    if problems:
        raise Refused(422, CODES["contradiction"][2], problems)
    return request


def _rank_problems(request: BaseModel) -> Iterator[RequestProblem]:
    if not isinstance(request, RankRequest):
        return
    if (request.budget_cny is None) == (request.top is None):
        yield words.BUDGET_OR_TOP.of("budget_cny", None)
    if request.budget_cny is not None and request.spend_cny is None:
        yield words.NO_COST.of("spend_cny", None)


def _plain(body: bytes, model: type[BaseModel], most_creatives: int) -> object:
    """The content of a large body, with at most as many creatives, tags and unknown fields as can be listed.

    Raises:
        Refused: It has more, or is no JSON.
    """
    try:
        with no_collection():
            content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        if str(error).startswith("Not enough memory"):
            raise MemoryError from None
        raise Refused(400, NOT_UNDERSTOOD, [words.LARGE_JSON.of(None, None, error=error)]) from None
    found: list[RequestProblem] = []
    unlisted, suggestions = 0, Suggestions()
    for path, names, creative_id in _unknown_fields(content, model):
        room = max(MOST_PROBLEMS - len(found), 0)
        for name in names[:room]:
            found.append(_unknown(name, f"{path}{name[:LONGEST_FIELD]}", creative_id, model, suggestions))
        unlisted += max(len(names) - room, 0)
    too_many = [
        words.TOO_MANY.of(field, creative_id, count=count, what=what, most=most, schema=schema_path(model))
        for what, count, most, field, creative_id in _counts(content, most_creatives)
        if count > most
    ]
    if too_many or unlisted:
        raise Refused(400, NOT_UNDERSTOOD, [*too_many, *found], unlisted=unlisted)
    return content


def _unknown_fields(content: object, model: type[BaseModel]) -> Iterator[tuple[str, list[str], str | None]]:
    """Path in front of the fields of an object of a body, the names of its unknown fields, the id of its creative."""
    objects: list[tuple[str, object, Collection[str], str | None]] = [("", content, model.model_fields, None)]
    for place, creative in enumerate(_creatives(content)):
        path, creative_id = f"creatives[{place}]", _id_of(creative)
        objects.append((f"{path}.", creative, CREATIVE_FIELDS, creative_id))
        objects.append((f"{path}.sums.", creative.get("sums"), SUMS_FIELDS, creative_id))
        rows = creative.get("metrics")
        for number, row in enumerate(rows[:MOST_METRICS_ROWS] if isinstance(rows, list) else ()):
            if isinstance(row, dict) and not row.keys() <= ROW_FIELDS:
                objects.append((f"{path}.metrics[{number}].", row, ROW_FIELDS, creative_id))
    for path, one, known, creative_id in objects:
        if isinstance(one, dict) and (names := [name for name in one if name not in known]):
            yield path, names, creative_id


def _counts(content: object, most_creatives: int) -> Iterator[tuple[Words, int, int, str, str | None]]:
    """What is counted, how many there are, how many there may be, the field, and the id of the creative."""
    creatives = content.get("creatives") if isinstance(content, dict) else None
    if isinstance(creatives, list):
        yield words.CREATIVES, len(creatives), most_creatives, "creatives", None
    for place, creative in enumerate(_creatives(content)):
        if isinstance(tags := creative.get("tags"), dict):
            yield words.TAGS, len(tags), MOST_TAGS, f"creatives[{place}].tags", _id_of(creative)


def _not_understood(
    model: type[BaseModel],
    error: ValidationError,
    raw: Sequence[Mapping[str, Any]],
    understood: Sequence[Creative],
    vocabulary: ModelVocabulary,
) -> Refused:
    """The refusal with what pydantic found, and the contradictions of those creatives that have the declared shape.

    Args:
        model: The request.
        error: What pydantic found.
        raw: The creatives as they stand in the body.
        understood: Those that have the declared shape, in their order.
        vocabulary: Of the loaded model.
    """
    errors = error.errors(include_url=False, include_input=False)
    suggestions = Suggestions()
    problems = [_problem(found, found["loc"], raw, model, suggestions) for found in errors[:MOST_PROBLEMS]]
    if len(errors) > MOST_PROBLEMS:
        return Refused(400, NOT_UNDERSTOOD, problems, unlisted=len(errors) - MOST_PROBLEMS)
    wrong = {_place(found["loc"]) for found in errors}
    first_wrong_rows = dict(filter(None, (_row(found["loc"]) for found in errors)))
    for place, row in first_wrong_rows.items():  # a list of rows is checked up to its first wrong one
        for found in _later_rows(raw[place]["metrics"], row + 1, MOST_PROBLEMS - len(problems)):
            problems.append(_problem(found, ("creatives", place, "metrics", *found["loc"]), raw, model, suggestions))
    places = (place for place in range(len(raw)) if place not in wrong)
    for place, creative in zip(places, understood if None not in wrong else ()):
        problems += contradictions_of(creative, place, vocabulary, suggestions)
    return Refused(400, NOT_UNDERSTOOD, problems)


def shape_problems(error: ValidationError, model: type[BaseModel]) -> list[RequestProblem]:
    """What pydantic found wrong with one object, once for each field."""
    suggestions = Suggestions()
    errors = error.errors(include_url=False, include_input=False)
    found = [_problem(one, one["loc"], (), model, suggestions) for one in errors[:MOST_PROBLEMS]]
    return list({problem.field: problem for problem in reversed(found)}.values())[::-1]


def _later_rows(rows: list[object], first: int, wanted: int) -> Iterator[ErrorDetails]:
    """Errors of the rows of metrics from the first one on, until so many are found, with their places in `rows`."""
    for start in range(first, min(len(rows), MOST_METRICS_ROWS), _ROWS_AT_ONCE):
        if wanted <= 0:
            return
        try:
            _ROWS.validate_json(to_json(rows[start : start + _ROWS_AT_ONCE], inf_nan_mode="constants"))
        except ValidationError as error:
            for found in error.errors(include_url=False, include_input=False):
                place, *inner = found["loc"]
                found["loc"] = (start + int(place), *inner)
                yield found
                wanted -= 1


def _from_json(body: bytes) -> object:
    try:
        return from_json(body)
    except ValueError:
        return None


def _creatives(content: object) -> list[dict[str, Any]]:
    """The creatives of a body as they stand there, as many as a request may have; an empty one for what is none."""
    creatives = content.get("creatives") if isinstance(content, dict) else None
    if not isinstance(creatives, list):
        return []
    return [creative if isinstance(creative, dict) else {} for creative in creatives[:MOST_CREATIVES]]


def _id_of(creative: Mapping[str, Any]) -> str | None:
    named = creative.get("creative_id")
    return named if isinstance(named, str) and len(named) <= 128 else None


def _place(loc: tuple[int | str, ...]) -> int | None:
    return loc[1] if len(loc) > 1 and loc[0] == "creatives" and isinstance(loc[1], int) else None


def _row(loc: tuple[int | str, ...]) -> tuple[int, int] | None:
    """Place of the creative and of its row of metrics that an error is about."""
    place, row = _place(loc), loc[3] if len(loc) > 3 and loc[2] == "metrics" else None
    return (place, row) if place is not None and isinstance(row, int) else None


def _path(loc: tuple[int | str, ...]) -> str | None:
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part not in UNION_MEMBERS:
            path += f".{part[:LONGEST_FIELD]}" if path else part[:LONGEST_FIELD]
    return path or None


def _problem(
    found: ErrorDetails,
    loc: tuple[int | str, ...],
    raw: Sequence[Mapping[str, Any]],
    model: type[BaseModel],
    suggestions: Suggestions,
) -> RequestProblem:
    place = _place(loc)
    creative_id = _id_of(raw[place]) if place is not None and place < len(raw) else None
    kind, field = found["type"], _path(loc)
    if kind == "extra_forbidden":
        return _unknown(str(loc[-1]), field, creative_id, model, suggestions)
    values: dict[str, Any] = {**found.get("ctx", {}), "message": found["msg"], "schema": schema_path(model)}
    if kind == "literal_error":
        values["expected"] = Words(values["expected"].replace(", ", "、").replace(" or ", "、"), values["expected"])
    surrogate = kind == "json_invalid" and "hex escape" in values["error"]
    told = words.SURROGATE if surrogate else words.SHAPES.get(kind, words.OTHER_SHAPE)
    return told.of(field, creative_id, **values)


def schema_path(model: type[BaseModel]) -> str:
    """Path of the schema that a body is checked against; that of predictions for a part of one."""
    name = model.__name__.removesuffix("Request").lower()
    return f"/v1/schema/{name if name in ('rank', 'plan') else 'predict'}"


def _unknown(
    name: str, field: str | None, creative_id: str | None, model: type[BaseModel], suggestions: Suggestions
) -> RequestProblem:
    if near := suggestions.of(name, [*model.model_fields, *CREATIVE_FIELDS, *ROW_FIELDS, *SUMS_FIELDS]):
        return words.MISSPELT_FIELD.of(field, creative_id, near=near)
    return words.UNKNOWN_FIELD.of(field, creative_id, schema=schema_path(model))
