"""How long work tells where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Told:
    """How a run tells where it is.

    Attributes:
        line: Called with a line for people at each step.
        file: Called before each file is read: files done, in all, path.
        trial: Called after each trial: trials done, in all, best value so far.
    """

    line: Callable[[str], None] = lambda _: None
    file: Callable[[int, int, Path], None] = lambda done, total, path: None
    trial: Callable[[int, int, float], None] = lambda done, total, best: None
