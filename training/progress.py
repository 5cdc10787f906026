"""Callbacks through which a run reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Phase = Literal[
    "read",
    "count",
    "funnel",
    "tune",
    "fit",
    "evaluate",
    "write",
    "register",
    "predict",
    "backtest",
    "check",
    "explain",
    "levers",
    "cards",
    "shoot",
    "page",
]


@dataclass(frozen=True)
class ProgressCallbacks:
    """Progress callbacks; each does nothing by default.

    Attributes:
        phase: Called when a phase begins; the one before has ended.
        line: Called with one line of detail.
        file: Called before each file is read with files done, number of files, path.
        trial: Called after each trial with the head, trials of all heads done, number of all trials, and the head's
            best deviance so far over the hand setting's.
        step: Called before each of several equal steps with their name, steps done, number of steps.
    """

    phase: Callable[[Phase], None] = lambda _: None
    line: Callable[[str], None] = lambda _: None
    file: Callable[[int, int, Path], None] = lambda done, total, path: None
    trial: Callable[[str, int, int, float], None] = lambda head, done, total, best: None
    step: Callable[[str, int, int], None] = lambda what, done, total: None

    def refit(self, done: int, total: int) -> None:
        """Report that the next funnel model is being fitted: fits done, number of fits."""
        self.step("fitting the funnel model", done, total)


NO_PROGRESS = ProgressCallbacks()
"""Nobody is told."""
