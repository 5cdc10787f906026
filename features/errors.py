"""Problems of input files, and the errors of this package; each states what was found, expected and the cure.

configs.errors.GpmcastError
├── InputError       no input can be used, or --strict found a problem
├── StoreError       the store file is not one of gpmcast, has another version, or is in use
└── PartitionError   a partitioned dataset cannot be reached, or a file differs from its manifest
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt

from configs.errors import GpmcastError
from features.bilingual import Language

Severity = Literal["file", "row", "note"]
"""`file`: the whole file was left out; `row`: the rows were left out; `note`: kept, but worth a look."""
GRAVEST_FIRST: tuple[Severity, ...] = get_args(Severity)

RowList: TypeAlias = Sequence[int] | npt.NDArray[np.int64]

FIRST_ROWS = 5
"""Row numbers that a problem names; the rest are counted."""


@dataclass(frozen=True)
class Problem:
    """One finding about one file.

    Attributes:
        severity: What became of the file or the rows.
        file: The file's name as the user gave it.
        found: What is there, with an example value.
        expected: What would have been right.
        cure: What to do about it.
        column: The header in the file, if the problem concerns one column.
        rows: The first few row numbers as a spreadsheet counts them (the first row of the file is 1).
        count: Number of rows concerned; 0 if the problem is not about rows.
        zh: The same three in Chinese, as one or two sentences; empty for a problem that was read back from a store.
    """

    severity: Severity
    file: str
    found: str
    expected: str
    cure: str
    column: str | None = None
    rows: tuple[int, ...] = field(default=())
    count: int = 0
    zh: str = field(default="", compare=False)

    def __str__(self) -> str:
        where = self.file
        if self.column is not None:
            where += f", column “{self.column}”"
        if self.rows:
            more = f" and {self.count - len(self.rows)} more" if self.count > len(self.rows) else ""
            where += f", row {', '.join(map(str, self.rows))}{more}"
        return f"{where}: found {self.found}; expected {self.expected}. {self.cure}"

    def in_language(self, language: Language, *, name: str | None = None) -> str:
        """State the problem in one language.

        Args:
            language: Chinese or English.
            name: Of the file, where another than the path is to be shown.
        """
        stated = self if name is None else replace(self, file=name)
        if language == "en" or not self.zh:
            return str(stated)
        where = stated.file
        if self.column is not None:
            where += f"，“{self.column}”列"
        if self.rows:
            more = f"等 {self.count} 行" if self.count > len(self.rows) else ""
            where += f"，第 {'、'.join(map(str, self.rows))} 行{more}"
        return f"{where}：{self.zh}"


def unopened(file: str, error: OSError) -> Problem:
    """Build the problem of a file that the system does not open."""
    reason = error.strerror or type(error).__name__
    reasons_zh = {
        FileNotFoundError: "没有这个文件",
        IsADirectoryError: "这是一个文件夹",
        PermissionError: "没有权限",
    }
    reason_zh = reasons_zh.get(type(error), reason)
    return Problem(
        severity="file",
        file=file,
        found=f"that it cannot be opened ({reason})",
        expected="a file that can be read",
        cure="Check that it is there, may be read, and is not open in another program.",
        zh=f"打不开（{reason_zh}）；应为可以读取的文件。处理：检查文件是否还在、有没有读取权限、是否正被别的程序打开。",
    )


def row_problem(
    file: str,
    rows: RowList,
    *,
    found: str,
    expected: str,
    cure: str,
    zh: str,
    column: str | None = None,
    severity: Severity = "row",
) -> Problem:
    """Build a problem of the rows with these numbers; the first FIRST_ROWS are named, the rest counted."""
    return Problem(
        severity=severity,
        file=file,
        found=found,
        expected=expected,
        cure=cure,
        zh=zh,
        column=column,
        rows=tuple(int(row) for row in rows[:FIRST_ROWS]),
        count=len(rows),
    )


class InputError(GpmcastError):
    """The input cannot be used; `problems` holds every problem found in it."""

    def __init__(self, message: str, problems: Iterable[Problem] = (), *, zh: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([message, *(f"  - {problem}" for problem in self.problems)]), zh=zh)


class StoreError(GpmcastError):
    """The store cannot be opened, has another version, or is not a store of gpmcast."""


class PartitionError(GpmcastError):
    """A partitioned dataset cannot be reached, read or written, or a file differs from its manifest."""
