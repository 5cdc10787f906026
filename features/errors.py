"""What can be wrong with an input, said so that a person can put it right.

configs.errors.GpmcastError
├── InputError       nothing usable was given, or --strict met a problem
├── StoreError       the store file is not ours, is from another version, or is in use
└── PartitionError   a partitioned dataset, or a file of it, is not what its manifest says, or cannot be reached
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from configs.errors import GpmcastError

Severity = Literal["file", "row", "note"]


@dataclass(frozen=True)
class Problem:
    """One finding about one file.

    Attributes:
        severity: `file`: the file was left out; `row`: the rows named were left out; `note`: kept, but look.
        file: The file's name as the person gave it.
        found: What is there, with an example value.
        expected: What would have been right.
        cure: What to do about it.
        column: The header as it stands in the file, where one column is meant.
        rows: The first few row numbers, counted as a spreadsheet counts them (the header is row 1).
        count: How many rows are meant in all; 0 where the finding is not about rows.
    """

    severity: Severity
    file: str
    found: str
    expected: str
    cure: str
    column: str | None = None
    rows: tuple[int, ...] = field(default=())
    count: int = 0

    def __str__(self) -> str:
        where = self.file
        if self.column is not None:
            where += f", column “{self.column}”"
        if self.rows:
            more = f" and {self.count - len(self.rows)} more" if self.count > len(self.rows) else ""
            where += f", row {', '.join(map(str, self.rows))}{more}"
        return f"{where}: found {self.found}; expected {self.expected}. {self.cure}"


FIRST_ROWS = 5


def row_problem(
    file: str,
    rows: Sequence[int],
    *,
    found: str,
    expected: str,
    cure: str,
    column: str | None = None,
    severity: Severity = "row",
) -> Problem:
    """A problem of the rows with these numbers; the first few are named, the rest counted."""
    return Problem(
        severity=severity,
        file=file,
        found=found,
        expected=expected,
        cure=cure,
        column=column,
        rows=tuple(int(row) for row in rows[:FIRST_ROWS]),
        count=len(rows),
    )


class InputError(GpmcastError):
    """Input that cannot be used at all, with every problem found in it."""

    def __init__(self, message: str, problems: Iterable[Problem] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  - {problem}" for problem in self.problems)]))


class StoreError(GpmcastError):
    """The store cannot be opened, is of another version, or is not one of ours."""


class PartitionError(GpmcastError):
    """A partitioned dataset cannot be reached, read or written, or a file of it is not what its manifest says."""
