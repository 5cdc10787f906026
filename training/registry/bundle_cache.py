"""Cache of bundles on this machine: one folder per bundle, named by the sha256 of its manifest, and small records.

A bundle enters by one rename, after every byte was checked, so a process that is killed leaves at most a draft, which
the next clean-up removes.
"""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from features.atomic_write import write_text
from training.errors import BundleError
from training.registry.bundle_files import SEAL, check_files, read_sealed_manifest

DRAFT = ".draft-"
BUNDLE_NAME = re.compile(r"[0-9a-f]{64}")
SPARE = 1
"""Bundles kept beyond those that records name: another process may be loading the one that served before."""


class BundleCache:
    """A folder of checked bundles and records, for one registry."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made when something is written."""
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Folder of the bundle whose manifest has this sha256, whether it exists or not."""
        return self.folder / sha256

    def holds(self, sha256: str) -> bool:
        """Whether a bundle is here, every byte of it unchanged; a damaged one is removed."""
        folder = self.path(sha256)
        if not BUNDLE_NAME.fullmatch(sha256) or not folder.is_dir():
            return False
        try:
            check_files(folder, read_sealed_manifest(folder)["files"])
        except (BundleError, OSError, ValueError, KeyError, TypeError):
            shutil.rmtree(folder, ignore_errors=True)
            return False
        return True

    @contextmanager
    def draft(self) -> Iterator[Path]:
        """Yield a new folder inside the cache, to download into; what is left of it is removed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self.folder))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def add(self, draft: Path) -> str:
        """Check a downloaded bundle and take it in; return the sha256 of its manifest.

        Raises:
            BundleError: A file is missing, added or changed.
        """
        check_files(draft, read_sealed_manifest(draft)["files"])
        sha256 = (draft / SEAL).read_text(encoding="ascii").strip()
        if not self.holds(sha256):
            os.replace(draft, self.path(sha256))
        return sha256

    def read(self, record: str) -> dict[str, Any] | None:
        """Return a record, a JSON object; None where there is none that can be read."""
        try:
            content = json.loads((self.folder / record).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return content if isinstance(content, dict) else None

    def write(self, record: str, content: dict[str, Any]) -> None:
        """Write a record, atomically."""
        write_text(json.dumps(content, ensure_ascii=False), self.folder / record)

    def clean_up(self, keep: set[str]) -> None:
        """Remove drafts, and all bundles but those of these sha256 and the newest other; only one process may."""
        bundles = [path for path in self.folder.iterdir() if BUNDLE_NAME.fullmatch(path.name) and path.name not in keep]
        bundles.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        for path in [*bundles[SPARE:], *self.folder.glob(f"{DRAFT}*")]:
            shutil.rmtree(path, ignore_errors=True)
