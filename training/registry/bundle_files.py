"""Files of a bundle: its manifest with the sha256 of every file, sealed by its own. Reads bytes, loads no model."""

import json
from hashlib import file_digest
from pathlib import Path
from typing import Any

from training.errors import BundleError

MANIFEST = "manifest.json"
SEAL = "manifest.sha256"
CURE = "Take an unchanged copy from the model registry, or train again."


def read_sealed_manifest(folder: Path) -> dict[str, Any]:
    """Return the content of a bundle's manifest after a check of its hash; the other files are not read.

    Raises:
        BundleError: The manifest or its hash is missing or changed.
    """
    for name in (MANIFEST, SEAL):
        if not (folder / name).is_file():
            raise BundleError(f"{folder}: is no model bundle: {name} is missing. {CURE}")
    if file_sha256(folder / MANIFEST) != (folder / SEAL).read_text(encoding="ascii", errors="replace").strip():
        raise BundleError(f"{folder}: {MANIFEST} or {SEAL} was changed after the bundle was written. {CURE}")
    content: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return content


def check_files(folder: Path, files: dict[str, str]) -> None:
    """Check every byte of a bundle against its manifest.

    Args:
        folder: Of the bundle.
        files: Name → sha256, of the manifest.

    Raises:
        BundleError: A file is missing, added or changed.
    """
    found = {path.name for path in folder.iterdir()} - {MANIFEST, SEAL}
    for name in sorted(set(files) | found):
        if name not in found:
            raise BundleError(f"{folder}: the file {name} is missing. {CURE}")
        if name not in files:
            raise BundleError(f"{folder}: the file {name} does not belong to the bundle. {CURE}")
        if file_sha256(folder / name) != files[name]:
            raise BundleError(f"{folder}: the file {name} was changed after the bundle was written. {CURE}")


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
