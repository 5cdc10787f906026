"""MLflow's address: the server or database of runs and models that training writes to and the service follows.

The order is one for all commands: what a setting names, else MLflow's own environment variables, else a SQLite file.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from features.partitions.address import is_url, printable

TRACKING_URI = "MLFLOW_TRACKING_URI"
"""MLflow's environment variable: a server or database of runs and models instead of a file under `var`."""
REGISTRY_URI = "MLFLOW_REGISTRY_URI"
"""MLflow's environment variable: where models are registered, if not where runs are."""
SQLITE = "sqlite:///"


@dataclass(frozen=True)
class MlflowAddress:
    """Where runs and registered models are.

    Attributes:
        tracking: MLflow's URI of runs and their artifacts; may hold a password.
        registry: MLflow's URI of registered models; may hold a password.
        named_by: What named it, for output: a setting, an environment variable, or nothing.
    """

    tracking: str
    registry: str
    named_by: str

    @property
    def database(self) -> Path | None:
        """The SQLite file of the registry; None where it is something else."""
        return Path(self.registry.removeprefix(SQLITE)) if self.registry.startswith(SQLITE) else None

    @property
    def is_server(self) -> bool:
        """Whether the registry is a server that speaks HTTP."""
        return _is_http(self.registry)

    @property
    def keeps_artifacts(self) -> bool:
        """Whether runs are on a server, which decides where their files lie."""
        return _is_http(self.tracking)

    @property
    def place(self) -> str:
        """The registry for output, without a password."""
        return printable(self.registry)

    def without_secrets(self, text: str) -> str:
        """Return a text, such as a library's error, without the users and passwords of these addresses."""
        for uri in (self.tracking, self.registry):
            if secret := urlsplit(uri).netloc.rpartition("@")[0]:
                text = text.replace(f"{secret}@", "***@")
                if password := secret.partition(":")[2]:
                    text = text.replace(password, "***")
        return text

    def __str__(self) -> str:
        runs = "" if self.tracking == self.registry else f", runs in {printable(self.tracking)}"
        return f"{self.place}{runs} ({self.named_by})"


def mlflow_address(default: Path, named: str = "") -> MlflowAddress:
    """Return the address that is followed.

    Args:
        default: SQLite file that is used where neither a setting nor the environment names anything.
        named: A setting: path of a SQLite file, or a URI of MLflow; empty: not set.
    """
    if named:
        uri = named if is_url(named) or named.startswith("databricks") else _sqlite(Path(named))
        return MlflowAddress(uri, uri, "setting registry")
    own = _sqlite(default)
    tracking, registry = os.environ.get(TRACKING_URI), os.environ.get(REGISTRY_URI)
    names = [name for name, value in ((TRACKING_URI, tracking), (REGISTRY_URI, registry)) if value]
    by = " and ".join(names) if names else f"neither a setting nor {TRACKING_URI} names another"
    return MlflowAddress(tracking or own, registry or tracking or own, by)


def _sqlite(path: Path) -> str:
    return f"{SQLITE}{path}"


def _is_http(uri: str) -> bool:
    return urlsplit(uri).scheme in ("http", "https")
