"""What is wrong with an uploaded file: in the answer, and in the refusal of a file of which nothing can be used."""

from collections.abc import Mapping, Sequence
from typing import Any

from features.bilingual import Words
from features.errors import Problem
from features.readers.findings import CureWords
from serving.api.errors import Refused, RequestProblem, refused

MOST_CHARACTERS = 500
"""Characters of a text about a file."""
PAGE = CureWords(
    headers=Words(
        "把文件发给负责训练的同事，让系统认识这些表头",
        "send the file to whoever trains the model, to have its headers read",
    ),
    value=Words(
        "请负责训练的同事让系统认识这个值",
        "ask whoever trains the model to have this value read",
    ),
    percent=Words("导出时带上 %", "export them with their % signs"),
    basis=Words("放入口径一致的导出", "give files of that basis"),
)
"""What those who give files to the service can do."""


def unusable(problems: Sequence[RequestProblem]) -> Refused:
    """The refusal of a file of which nothing can be used."""
    refusal = refused("unusable_file")
    refusal.problems = problems
    return refusal


def left_out(
    row: int | None, creative_id: str | None, field: str | None, found: str, cure: str, zh: str
) -> dict[str, object]:
    """The problem of a row, or of one field of its creative, that was left out."""
    rows = [] if row is None else [row]
    return file_problem("row", found=found, cure=cure, zh=zh, field=field, rows=rows, creative_id=creative_id)


def of_file(problem: Problem) -> dict[str, object]:
    """What the readers found wrong in the file."""
    return file_problem(
        problem.severity,
        found=problem.found,
        expected=problem.expected,
        cure=problem.cure,
        zh=problem.zh,
        column=problem.column,
        rows=problem.rows,
        count=problem.count,
    )


def file_problem(
    severity: str,
    *,
    found: str,
    cure: str,
    zh: str,
    expected: str = "",
    field: str | None = None,
    column: str | None = None,
    rows: Sequence[int] = (),
    count: int = 0,
    creative_id: str | None = None,
) -> dict[str, object]:
    """A `serving.api.responses.FileProblem` as plain values; long texts are cut."""
    return {
        "severity": severity,
        "creative_id": creative_id,
        "field": None if field is None else field[:MOST_CHARACTERS],
        "column": None if column is None else column[:MOST_CHARACTERS],
        "rows": list(rows),
        "count": max(count, len(rows)),
        "found": found[:MOST_CHARACTERS],
        "expected": expected[:MOST_CHARACTERS],
        "cure": cure[:MOST_CHARACTERS],
        "zh": zh[:MOST_CHARACTERS],
    }


def as_reason(problem: Mapping[str, Any]) -> RequestProblem:
    """A problem of a file of which nothing can be used, as a problem of the request, with its rows."""
    rows, left = problem["rows"], problem["count"] - len(problem["rows"])
    where = f" (row {', '.join(map(str, rows))}{f' and {left} more' if left else ''})" if rows else ""
    hint = "; ".join(text for text in (problem["expected"], problem["cure"]) if text)
    creative_id, field = problem["creative_id"], problem["column"] or problem["field"]
    more = f"等 {problem['count']} 行" if left else ""
    where_zh = f"第 {'、'.join(map(str, rows))} 行{more}：" if rows else ""
    return RequestProblem(f"{problem['found']}{where}", hint, f"{where_zh}{problem['zh']}", field, creative_id)


def as_request_problem(problem: Problem) -> RequestProblem:
    """What the readers found wrong in a file, as a problem of the request."""
    where = None if problem.column is None else problem.column[:MOST_CHARACTERS]
    return RequestProblem(
        problem.found[:MOST_CHARACTERS],
        f"{problem.expected[:MOST_CHARACTERS]}; {problem.cure[:MOST_CHARACTERS]}",
        problem.zh[:MOST_CHARACTERS],
        where,
    )
