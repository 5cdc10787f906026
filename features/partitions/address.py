"""What a path or URL of data is, and what of it may be printed; nothing is opened, so nothing heavy is loaded."""

from __future__ import annotations

import os
import re

MANIFEST_NAME = "_gpmcast.json"
"""File of a partitioned dataset; a folder without it is none."""
HIDDEN = "***"


def is_url(root: str) -> bool:
    """Whether this is a URL; everything else is a path on this machine."""
    return "://" in root


def is_partitioned(path: str) -> bool:
    """Whether this is a partitioned dataset: a folder with a manifest, or a URL, behind which nothing else is read."""
    return is_url(path) or os.path.isfile(os.path.join(path, MANIFEST_NAME))


def printable(root: str) -> str:
    """Return the name of a folder for output: without what a URL has before the @ or after the ?."""
    if not is_url(root):
        return root
    return re.sub(r"\?.*$", f"?{HIDDEN}", re.sub(r"://.*@", f"://{HIDDEN}@", root, flags=re.DOTALL), flags=re.DOTALL)


def without_password(root: str) -> str:
    """Return a URL without its password and what follows the ?; it keeps the user, so different folders keep
    different names."""
    if not is_url(root):
        return root
    return re.sub(r"(://[^/@:]*):.*@|\?.*$", lambda found: f"{found[1]}@" if found[1] else "", root, flags=re.DOTALL)
