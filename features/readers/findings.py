"""What was found wrong in one file, collected while it is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from features.errors import Problem, row_problem

MISSING_VALUE = "a number, or `-` where there is none"
EXPORT_AGAIN = "Export the file again and do not open it in a spreadsheet in between."


class UnusableFile(Exception):
    """Ends the reading of a file; carries the problem that says why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class Findings:
    """The problems of one file so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def unusable(self, *, found: str, expected: str, cure: str, column: str | None = None) -> UnusableFile:
        """The error to raise when the whole file cannot be used."""
        return UnusableFile(Problem("file", self.file, found, expected, cure, column))

    def left_out(
        self, rows: Sequence[int] | Any, *, found: str, expected: str, cure: str, column: str | None = None
    ) -> None:
        """RawRows that are left out; none is no problem."""
        if len(rows):
            self.problems.append(row_problem(self.file, rows, found=found, expected=expected, cure=cure, column=column))

    def note(
        self,
        *,
        found: str,
        expected: str,
        cure: str,
        column: str | None = None,
        rows: Sequence[int] | Any = (),
    ) -> None:
        """Something odd that is kept, or a row that is no creative."""
        self.problems.append(
            row_problem(self.file, rows, found=found, expected=expected, cure=cure, column=column, severity="note")
        )


def example(value: object, width: int = 60) -> str:
    """A value as a message shows it: quoted, one line, not too long."""
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= width else text[: width - 1] + '…'}”"


def counted(mask: Any, what: str = "row") -> str:
    """`1 row`, `12 rows`: as many as the mask holds."""
    number = int(mask.sum())
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
