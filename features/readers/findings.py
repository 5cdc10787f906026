"""Collect what is wrong in one file while it is read, and format values for messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from features.bilingual import Words, series
from features.errors import Problem, RowList, row_problem

EXPECTED_NUMBER = "a number, or `-` where there is none"
EXPORT_AGAIN = "Export the file again and do not open it in a spreadsheet in between."
EXPORT_AGAIN_ZH = "重新导出，中间不要用Excel打开再保存。"

_NAMES_SHOWN = 12
"""Names of a list that a message shows; the others are counted."""
EXAMPLE_LENGTH = 60
"""Characters of a value that a message shows."""


@dataclass(frozen=True)
class CureWords:
    """What those who give files can do besides correcting them; parts of sentences.

    Attributes:
        headers: To have headers read that are not known.
        value: To have a promotion type read that is not known.
        percent: Where rates without a % sign are percent.
        basis: Where the money of a file belongs to another basis.
    """

    headers: Words
    value: Words
    percent: Words
    basis: Words


COMMAND_LINE = CureWords(
    headers=Words(
        "在自己的来源配置里写上表头（make doctor 会给出要写的行）",
        "name headers in a source config of your own: `make doctor` suggests the lines",
    ),
    value=Words(
        "在来源配置的 promotion_type.values 里写上这个值",
        "name this value under promotion_type.values of the source config",
    ),
    percent=Words(
        "在自己的来源配置里给它单位 percent_points",
        "give the column the unit percent_points in a source config of your own",
    ),
    basis=Words(
        "分开文件夹，并在配置里用 basis 指定要用的口径",
        "keep the two kinds of files apart, in workspaces of their own, and set `basis` to the one you mean",
    ),
)
DOCTOR = replace(
    COMMAND_LINE,
    headers=Words(
        "在自己的来源配置里写上表头（写法见 docs/sources.md）",
        "name headers in a source config of your own (docs/sources.md says how)",
    ),
)
"""The same inside the doctor, which shows the lines that it suggests beside its findings, where it has any."""


class UnusableFile(Exception):
    """Ends the reading of a file; `problem` states why."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


class Findings:
    """The problems of one file so far.

    Attributes:
        file: Its name as the user gave it.
        surface: What whoever gave it can do.
        problems: So far.
    """

    def __init__(self, file: str, surface: CureWords = COMMAND_LINE) -> None:
        self.file = file
        self.surface = surface
        self.problems: list[Problem] = []

    def unusable(self, *, found: str, expected: str, cure: str, zh: str, column: str | None = None) -> UnusableFile:
        """Build the error to raise when the whole file cannot be used; `zh` says the three in Chinese."""
        return UnusableFile(Problem("file", self.file, found, expected, cure, column, zh=zh))

    def left_out(
        self, rows: RowList, *, found: str, expected: str, cure: str, zh: str, column: str | None = None
    ) -> None:
        """Add a problem of rows that are left out, unless there are none."""
        if len(rows):
            problem = row_problem(self.file, rows, found=found, expected=expected, cure=cure, zh=zh, column=column)
            self.problems.append(problem)

    def note(
        self, *, found: str, expected: str, cure: str, zh: str, column: str | None = None, rows: RowList = ()
    ) -> None:
        """Add a note: something odd that is kept, or rows that are not creatives."""
        self.problems.append(
            row_problem(
                self.file, rows, found=found, expected=expected, cure=cure, zh=zh, column=column, severity="note"
            )
        )


def example(value: object) -> str:
    """Format a value for a message: quoted, on one line, cut to EXAMPLE_LENGTH characters."""
    text = " ".join(str(value).split())
    return f"“{text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + '…'}”"


def counted(mask: npt.NDArray[np.bool_], what: str = "row") -> str:
    """Format the number of true entries: `1 row`, `12 rows`."""
    number = int(mask.sum())
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def listed(names: Sequence[str]) -> str:
    """Format names for a message: the first ones, and the number of the others."""
    rest = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return series(names[:_NAMES_SHOWN]).en + rest


def listed_zh(names: Sequence[str]) -> str:
    """Format names for a message in Chinese."""
    rest = f" 等，另有 {len(names) - _NAMES_SHOWN} 个" if len(names) > _NAMES_SHOWN else ""
    return series(names[:_NAMES_SHOWN]).zh + rest
