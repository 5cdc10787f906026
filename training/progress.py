"""Callbacks through which a run reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProgressCallbacks:
    """Progress callbacks; each does nothing by default.

    Attributes:
        line: Called at each step with one line of text.
        file: Called before each file is read with files done, number of files, path.
        trial: Called after each trial with the head, its trials done, number of trials, and the best deviance so far
            over the hand setting's.
        step: Called before each of several equal steps with their name, steps done, number of steps.
    """

    line: Callable[[str], None] = lambda _: None
    file: Callable[[int, int, Path], None] = lambda done, total, path: None
    trial: Callable[[str, int, int, float], None] = lambda head, done, total, best: None
    step: Callable[[str, int, int], None] = lambda what, done, total: None

    def refit(self, done: int, total: int) -> None:
        """Report that the next funnel model is being fitted: fits done, number of fits."""
        self.step("fitting the funnel model", done, total)
