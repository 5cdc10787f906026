"""Recorded answers for people: a line each, or a CSV or JSON Lines file."""

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import orjson

from configs.errors import GpmcastError
from features.atomic_write import PLAIN_ID
from features.sanitise import spreadsheet_cell, visible_text
from features.schema import KEY


def utc_time(option: str, text: str) -> str:
    """A time as answers hold it: UTC, ISO 8601 with microseconds.

    Args:
        option: Whose value it is.
        text: ISO time; without an offset it is UTC; empty: no time.

    Raises:
        GpmcastError: It is no time.
    """
    if not text:
        return ""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise GpmcastError(
            f"{option} {text}: is no time. Give an ISO time in UTC, such as 2026-06-01.",
            zh=f"{option} {text}：不是时间。处理：写成 2026-06-01 或 2026-06-01T08:00（UTC）。",
        ) from None
    in_utc = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    return in_utc.isoformat(timespec="microseconds")


def line(row: Mapping[str, object]) -> str:
    """A recorded answer (`serving.ledger.reading.read`) in a line."""
    answer = row["answer"]
    assert isinstance(answer, dict)
    figure = "test" if "test" in answer else "today" if "today" in answer else answer.get("by", "value")
    # predict, or plan, or rank
    estimates = answer.get("targets") or {figure: {"value": answer.get(figure, answer.get("value"))}}
    targets = "  ".join(f"{name} {estimate['value']:.4g}" for name, estimate in estimates.items())
    whose = (row[name] for name in ("at", "request_id", "caller", "version", "creative_id"))
    return visible_text("  ".join([*map(str, whose), targets]))


def write_file(rows: Iterable[Mapping[str, object]], out: Path) -> int:
    """Write recorded answers, as JSON Lines where the file's name ends in `.jsonl`, else as CSV; how many."""
    count = 0
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for count, row in enumerate(rows, start=1):
            if out.suffix == ".jsonl":
                file.write(orjson.dumps(row).decode() + "\n")
                continue
            if count == 1:
                writer.writerow(row)
            writer.writerow(_cell(name, value) for name, value in row.items())
    return count


def _cell(name: str, value: object) -> object:
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    if name in KEY and isinstance(value, str) and PLAIN_ID.fullmatch(value):
        return value
    return spreadsheet_cell(value)
