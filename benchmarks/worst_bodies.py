"""CPU time that checking the worst bodies of a request takes, none larger than the service accepts.

    python -m benchmarks.worst_bodies

Each body holds as much of one kind of content as fits: unknown fields, wrong rows, tags, overlapping periods … Prints
size, how it is answered, problems found, and CPU seconds of parsing and checking in this process.
"""

import json
import time
from collections.abc import Callable, Iterator

from serving.api.contradictions import ModelVocabulary
from serving.api.errors import Refused
from serving.api.requests import MOST_CREATIVES, MOST_METRICS_ROWS, MOST_TAGS, PredictRequest
from serving.api.validation import parse_request
from serving.settings import Limits

MOST_BYTES = Limits().body_bytes
VOCABULARY = ModelVocabulary(
    tags=frozenset(("hook", "scene", "selling_point")), multi=frozenset(("selling_point",)), time_zone="Asia/Shanghai"
)


def fields(count: int, value: str = "1", prefix: str = "k") -> str:
    """Members of an object with different names."""
    return ",".join(f'"{prefix}{number:x}":{value}' for number in range(count))


def body(content: Callable[[int], str], creatives: int = MOST_CREATIVES) -> bytes:
    """As many of these creatives as fit into a body; `content` gives the fields of each beside its key."""
    written: list[str] = []
    size = 20
    for place in range(creatives):
        one = f'{{"creative_id":"c{place}","promotion_type":"live","account_id":"a",{content(place)}}}'
        size += len(one.encode()) + 1
        if size > MOST_BYTES:
            break
        written.append(one)
    return f'{{"creatives":[{",".join(written)}]}}'.encode()


def metrics(count: int, more: str = "") -> str:
    """Rows of hours that do not overlap."""
    rows = []
    for hour in range(count):
        day = f"2026-{1 + hour // 672:02d}-{1 + hour // 24 % 28:02d}T{hour % 24:02d}"
        rows.append(f'{{"period_start":"{day}:00:00","period_end":"{day}:59:00"{more}}}')
    return f'"metrics":[{",".join(rows)}]'


def repeated(row: str, count: int = MOST_METRICS_ROWS) -> str:
    """The same row of metrics many times."""
    return f'"metrics":[{",".join([row] * count)}]'


def bodies() -> Iterator[tuple[str, bytes]]:
    """Name and body."""
    times = '"period_start":"2026-05-08T09:00:00","period_end":"2026-05-08T10:00:00"'
    tags = ",".join(f'"t{number}":[{",".join(["1"] * 20)}]' for number in range(MOST_TAGS))
    negative = ",".join(f'"{name}":-1' for name in ("likes", "plays", "orders", "clicks", "shares", "follows"))
    yield "valid rows", body(lambda place: metrics(200))
    yield "unknown fields of one creative", body(lambda place: fields(660_000), 1)
    yield "unknown fields like known ones", body(lambda place: fields(480_000, prefix="impres"), 1)
    yield "unknown fields of a row", body(lambda place: f'"metrics":[{{{fields(660_000)}}}]', 1)
    yield "unknown fields of every creative", body(lambda place: fields(1400))
    yield "empty rows", body(lambda place: repeated("{}"))
    yield "rows of wrong values", body(lambda place: repeated(f"{{{negative}}}", 220))
    yield "one wrong row after valid ones", body(lambda place: metrics(150)[:-1] + ",{}]")
    yield "tags without end", body(lambda place: f'"tags":{{{fields(480_000, value="[1,2]")}}}', 1)
    yield "lists of wrong tag values", body(lambda place: f'"tags":{{{tags}}}')
    yield "unknown tags", body(lambda place: f'"tags":{{{fields(MOST_TAGS, chr(34) * 2, f"hok{place}_")}}}')
    yield "overlapping periods", body(lambda place: repeated(f'{{{times},"clicks":1,"impressions":0}}', 130))
    yield "creatives without end", b'{"creatives":[' + b",".join([b"{}"] * (MOST_BYTES // 3 - 10)) + b"]}"


def main() -> None:
    """Print the table."""
    print(f"{'body':34} {'MB':>5} {'answer':>7} {'problems':>9} {'CPU s':>6}")
    for name, content in bodies():
        began, status, found = time.process_time(), "taken", 0
        try:
            parse_request(PredictRequest, content, VOCABULARY)
        except Refused as refused:
            json.dumps(refused.body("id"))
            status, found = str(refused.status), len(refused.problems) + refused.unlisted
        spent = time.process_time() - began
        print(f"{name:34} {len(content) / 1e6:5.1f} {status:>7} {found:9,} {spent:6.2f}")


if __name__ == "__main__":
    main()
