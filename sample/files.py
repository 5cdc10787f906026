"""How does a file reach the disk? Whole or not at all, and never over someone else's."""

import os
from collections.abc import Iterable
from pathlib import Path

LIST = ".sample-files"
"""Inside the export folder: what the last run wrote, so that the next one can take it away again."""


class FolderTaken(Exception):
    """The export folder holds files that this program did not write."""


def write(path: Path, content: bytes) -> None:
    """Writes beside the target and renames, so that nobody reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)


def clear(folder: Path) -> None:
    """Removes what an earlier run wrote; raises FolderTaken if anything else is there."""
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
    """Notes the names this run is about to write."""
    write(folder / LIST, ("\n".join(sorted(names)) + "\n").encode())
