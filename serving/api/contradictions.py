"""What a request of the declared shape says that cannot be true, or that the model cannot use."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from difflib import get_close_matches
from itertools import pairwise
from typing import TypeAlias
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from features.bilingual import Words
from features.schema import LARGEST, MULTI, VALUES
from serving.api import problem_words as words
from serving.api.errors import MOST_PROBLEMS, RequestProblem
from serving.api.problem_words import Kind, named
from serving.api.requests import Creative, MetricsRow

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
IN_REASON = [
    *((name, "impressions", 2.0, 20.0) for name in ("clicks", "likes", "comments", "shares", "follows")),
    *((name, "plays", 2.0, 20.0) for name in ("plays_2s", "plays_3s", "plays_5s", "plays_10s", "finishes")),
    ("orders", "clicks", 2.0, 20.0),
    ("gmv_cny", "orders", 1e6, 1e5),
    ("spend_cny", "impressions", 100.0, 1000.0),
    *((f"settled_gmv_{days}d_cny", "gmv_cny", 2.0, 1000.0) for days in (7, 14, 30, 90)),
]
"""The first is at most so many times the second, plus so much: the platform attributes a few clicks and orders to other
hours, days and creatives, so more clicks than impressions are no error, and a hundred times as many are."""
LONGEST_NAME = 64
"""Characters of a name up to which similar names are looked for: the time this takes grows with the square."""


Finding: TypeAlias = tuple[str, Kind, dict[str, object]]
"""Field of a creative, what is wrong with it, and the values in that."""


class ModelVocabulary(BaseModel):
    """What requests may name, by the loaded model.

    Attributes:
        tags: Names of its tags.
        multi: Tags of which a creative may have several values.
        time_zone: Of times without an offset.
        typical_price: What an order of a creative without a price is measured against, CNY; 0: nothing.
    """

    tags: frozenset[str]
    multi: frozenset[str]
    time_zone: str
    typical_price: float = 0.0


class Suggestions:
    """Known names that are like unknown ones, for at most MOST_PROBLEMS names of a request: each takes .5 ms."""

    def __init__(self) -> None:
        """Start with none looked up."""
        self._found: dict[str, str | None] = {}

    def of(self, name: str, known: Collection[str]) -> str | None:
        """The known name that is most like a name; None where there is none."""
        if name not in self._found and len(self._found) < MOST_PROBLEMS and len(name) <= LONGEST_NAME:
            self._found[name] = next(iter(get_close_matches(name, known, n=1)), None)
        return self._found.get(name)


def contradictions(creatives: Iterable[Creative], vocabulary: ModelVocabulary) -> Iterator[RequestProblem]:
    """Problems of creatives that have the declared shape but cannot be true, or that the model cannot use."""
    suggestions = Suggestions()
    seen: set[tuple[str, str, str]] = set()
    for place, creative in enumerate(creatives):
        key = (creative.promotion_type, creative.account_id, creative.creative_id)
        if key in seen:
            yield words.NAMED_TWICE.of(f"creatives[{place}].creative_id", creative.creative_id)
        seen.add(key)
        yield from contradictions_of(creative, place, vocabulary, suggestions)


def contradictions_of(
    creative: Creative, place: int, vocabulary: ModelVocabulary, suggestions: Suggestions
) -> Iterator[RequestProblem]:
    """Problems of one creative, which stands at this place of the request."""
    for field, kind, values in _contradictions(creative, vocabulary, suggestions):
        yield kind.of(f"creatives[{place}].{field}", creative.creative_id, **values)


def plain_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """A moment in the model's time zone, without an offset."""
    return moment.astimezone(zone).replace(tzinfo=None) if moment.tzinfo else moment


def _contradictions(creative: Creative, vocabulary: ModelVocabulary, suggestions: Suggestions) -> Iterator[Finding]:
    for name, value in creative.tags.items():
        yield from _tag_problems(name, value, vocabulary, suggestions)
    if creative.metrics and creative.sums:
        yield "sums", words.SUMS_AND_ROWS, {}
    if creative.sums:
        if creative.launched_at is None:
            yield "launched_at", words.SUMS_WITHOUT_LAUNCH, {}
        yield from _value_problems("sums", [creative.sums], creative.price_cny or vocabulary.typical_price)
    if creative.metrics:
        yield from _row_problems(creative, ZoneInfo(vocabulary.time_zone))
        yield from _value_problems("metrics", creative.metrics, creative.price_cny or vocabulary.typical_price)


def _tag_problems(
    name: str, value: str | list[str], vocabulary: ModelVocabulary, suggestions: Suggestions
) -> Iterator[Finding]:
    if name not in vocabulary.tags:
        if near := suggestions.of(name, vocabulary.tags):
            yield f"tags.{name}", words.MISSPELT_TAG, {"near": named(near)}
        else:
            known = sorted(vocabulary.tags)
            zh, en = "、".join(named(tag).zh for tag in known), ", ".join(known)
            yield f"tags.{name}", words.UNKNOWN_TAG, {"known": Words(zh or "无", en or "none")}
    elif isinstance(value, list) and name not in vocabulary.multi:
        yield f"tags.{name}", words.ONE_VALUE, {}
    values = value if isinstance(value, list) else [value]
    if any(MULTI in part for part in values):
        yield f"tags.{name}", words.JOINED_VALUES, {"separator": MULTI}


def _row_problems(creative: Creative, zone: ZoneInfo) -> Iterator[Finding]:
    rows = creative.metrics or []
    times = [(plain_time(row["period_start"], zone), plain_time(row["period_end"], zone)) for row in rows]
    for place, (start, end) in enumerate(times):
        if start >= end:
            yield f"metrics[{place}].period_end", words.ENDS_BEFORE, {}
    order = sorted(range(len(times)), key=times.__getitem__)
    for before, after in pairwise(order):
        if times[before][1] > times[after][0] and times[before][0] < times[before][1]:
            yield f"metrics[{after}].period_start", words.OVERLAPS, {"before": before}
    if creative.launched_at is not None and times:
        delivered = [
            time
            for time, row in zip(times, rows)
            if (row.get("impressions") or row.get("spend_cny") or 0) > 0 and time[0] < time[1]
        ]
        if delivered and plain_time(creative.launched_at, zone) >= min(delivered)[1]:
            yield "launched_at", words.LAUNCHED_LATE, {}


def _value_problems(field: str, rows: Sequence[MetricsRow], price: float) -> Iterator[Finding]:
    mentioned = set().union(*rows)
    given = {name: [row[name] for row in rows if row.get(name) is not None] for name in VALUES if name in mentioned}
    known = {name: float(sum(values)) for name, values in given.items()}
    totals = {name: known[name] for name, values in given.items() if len(values) == len(rows)}

    def problem(what: str, kind: Kind, **values: object) -> Finding:
        return f"{field}.{what}" if field == "sums" else field, kind, {"what": named(what), **values}

    for what, total in known.items():
        if total >= LARGEST[what]:
            yield problem(what, words.LARGE_SUM, total=total, most=LARGEST[what])
    for what, base in POSSIBLE_ONLY_WITH:
        if totals.get(what) and totals.get(base) == 0:
            yield problem(what, words.WITHOUT, base=named(base))
    for what, whole in PART_OF:
        if what in totals and whole in totals and totals[what] > totals[whole] * (1 + 1e-9) + 0.01:
            yield problem(what, words.MORE_THAN_WHOLE, whole=named(whole))
    for what, base, factor, more in IN_REASON:
        if what in totals and totals.get(base, 0) > 0 and totals[what] > totals[base] * factor + more:
            values = {"total": totals[what], "base_total": totals[base], "factor": factor, "more": more}
            yield problem(what, words.OUT_OF_REASON, base=named(base), **values)
    if known.get("orders", 0.0) * price >= LARGEST["gmv_cny"]:
        yield problem("orders", words.LARGE_VALUE, orders=known["orders"], price=price)
