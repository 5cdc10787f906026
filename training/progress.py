"""How long work tells where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ProgressCallbacks:
    """How a run tells where it is.

    Attributes:
        line: Called with a line for people at each step.
        file: Called before each file is read: files done, in all, path.
        step: Called before each of several steps of one kind: what, steps done, in all.
        trial: Called after each trial: trials done, in all, best value so far.
    """

    line: Callable[[str], None] = lambda _: None
    file: Callable[[int, int, Path], None] = lambda done, total, path: None
    trial: Callable[[int, int, float], None] = lambda done, total, best: None
    step: Callable[[str, int, int], None] = lambda what, done, total: None

    def refit(self, done: int, total: int) -> None:
        """Called before each fit of the mixed model: fits done, and in all."""
        self.step("fitting the mixed model", done, total)
