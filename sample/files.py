"""Format cells as the platform prints them, and write files atomically."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sample.randomness import Floats

MISSING = "--"


def counts(values: Iterable[float]) -> list[str]:
    """Thousands separators: `1,234`."""
    return [f"{int(value):,}" for value in values]


def money(values: Iterable[float]) -> list[str]:
    """`1,234.50`."""
    return [f"{value:,.2f}" for value in values]


def ratios(values: Iterable[float]) -> list[str]:
    """`2.31`, `--` where the denominator is 0."""
    return [f"{value:,.2f}" if np.isfinite(value) else MISSING for value in values]


def percents(values: Iterable[float]) -> list[str]:
    """`12.34%` of a share of 0.1234, `--` where the denominator is 0."""
    return [f"{100 * value:.2f}%" if np.isfinite(value) else MISSING for value in values]


def durations(values: Iterable[float]) -> list[str]:
    """`01:05` of 65 seconds."""
    return [f"{int(value) // 60:02d}:{int(value) % 60:02d}" for value in values]


def share(numerator: Floats, denominator: Floats) -> Floats:
    """Quotient; NaN where the denominator is 0."""
    empty = np.full(len(denominator), np.nan)
    return np.divide(numerator, denominator, out=empty, where=denominator > 0)


LIST = ".sample-files"
"""File in the export folder that lists what the last run wrote, so that the next one can remove it."""


class FolderTaken(Exception):
    """The export folder holds files that this program did not write."""


def write(path: Path, content: bytes) -> None:
    """Write to a temporary file and rename it, so that no half-written file is ever read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


def clear(folder: Path) -> None:
    """Remove what an earlier run wrote.

    Raises:
        FolderTaken: The folder holds other files.
    """
    if not folder.exists():
        return
    listed = folder / LIST
    own = set(listed.read_text("utf-8").splitlines()) if listed.exists() else set()
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    foreign = sorted(name for name in found - own - {LIST} if not name.endswith(".part"))
    if foreign:
        raise FolderTaken(
            f"{folder} holds {len(foreign)} file(s) that are not the sample's (first: {foreign[0]}). "
            "Give --out an empty or a new folder."
        )
    for name in found & own:
        (folder / name).unlink()


def remember(folder: Path, names: Iterable[str]) -> None:
    """Save the names that this run is about to write."""
    write(folder / LIST, ("\n".join(sorted(names)) + "\n").encode())
