"""Where the model comes from: a bundle folder, or the version that a local MLflow registry calls `champion`.

MLflow itself takes seconds to load and is never loaded here: the alias is read from the registry's SQLite file, read
only (`tests/serving/registry/test_champion.py` holds it to what MLflow says).
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from serving.settings import Serving
from training.errors import BundleError

CHAMPION = "champion"
QUERY = """
SELECT alias.name, alias.version, version.source
FROM registered_model_aliases AS alias
JOIN model_versions AS version ON version.name = alias.name AND version.version = alias.version
WHERE alias.alias = ?
"""


@dataclass(frozen=True)
class Origin:
    """A bundle that is to be served.

    Attributes:
        folder: Where it lies.
        name: Of the registered model; empty for a plain folder.
        version: Its number; empty for a plain folder.
        seal: Its fingerprint, as far as it can be read.
    """

    folder: Path
    name: str
    version: str
    seal: str

    def __str__(self) -> str:
        return f"{self.name} version {self.version}" if self.name else str(self.folder)


def find(settings: Serving) -> Origin:
    """What is to be served now.

    Raises:
        BundleError: There is none; the message says what to do.
    """
    if settings.bundle is not None:
        return _origin(settings.bundle, "", "")
    if not settings.registry.is_file():
        raise BundleError(f"{settings.registry}: there is no registry. Run `make train`, or name a bundle (--bundle).")
    try:
        with closing(sqlite3.connect(f"{settings.registry.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as held:
            rows = held.execute(QUERY, (CHAMPION,)).fetchall()
    except sqlite3.Error as error:
        raise BundleError(f"{settings.registry}: cannot be read as an MLflow registry: {error}.") from error
    wanted = [row for row in rows if settings.registered_model in ("", row[0])]
    if not wanted:
        raise BundleError(f"{settings.registry}: has no champion. Run `make train`, or name a bundle (--bundle).")
    if len(wanted) > 1:
        names = ", ".join(sorted(row[0] for row in wanted))
        raise BundleError(f"{settings.registry}: has several champions; name one with --name: {names}.")
    name, version, source = wanted[0]
    parts = urlsplit(source)
    if parts.scheme not in ("", "file"):
        raise BundleError(f"{name} version {version}: lies at {source}; only bundles on this machine are served.")
    return _origin(Path(url2pathname(parts.path)), str(name), str(version))


def _origin(folder: Path, name: str, version: str) -> Origin:
    try:
        seal = (folder / "manifest.sha256").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        seal = ""
    return Origin(folder, name, version, seal)
