"""Settings of the service: which model, API keys, limits, where answers are recorded."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.yaml_file import Section, parse, read_yaml
from serving.api.requests import MOST_CREATIVES

Scope = Literal["predict", "read", "metrics"]

SETTINGS_VARIABLE = "GPMCAST_SERVING"
"""Environment variable through which the command line passes the settings to the workers, as JSON."""

SETTINGS_FILE_VARIABLE = "GPMCAST_SERVING_CONFIG"
"""Environment variable with the path of a settings file, where BentoML itself starts the service (bento, container)."""


SMALL_BODY = 65_536
"""Bytes of a body that is read whatever others send, and computed in the worker itself where it has few creatives."""

BENTOML_ENVIRONMENT = {"BENTOML_DO_NOT_TRACK": "true", "OTEL_SDK_DISABLED": "true"}
"""Environment variables that BentoML and OpenTelemetry read when they are imported: no telemetry (BentoML
ignores a `1`), and no tracing unless the environment turns it on."""

PROCESS_ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MALLOC_MMAP_THRESHOLD_": "4194304",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""Environment variables of the service's processes. Rows are few: starting OpenMP's threads costs more than it gains.
Buffers above 4 MB (answers of large requests) go back to the system when they are freed: left to itself, glibc raises
this bound to the largest one freed (up to 32 MB) and keeps such buffers (mallopt(3)). Arrow's own allocator sets 1 GB
of address space aside for a table of 1 MB, which counts as taken in the process of large requests."""


class ApiKey(Section):
    """One caller's API key; only its hash is stored."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
    """Recorded in the ledger with every answer."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """sha256 of the key, as `python -m serving key NAME` prints it."""
    per_minute: Annotated[int, Field(ge=1)] = 6000
    """Requests per minute in each worker; the largest burst is a sixth of that."""
    scopes: tuple[Scope, ...] = ("predict", "read", "metrics")


class Limits(Section):
    """Limits of one request, and of all requests at a time."""

    body_bytes: Annotated[int, Field(ge=1024)] = 8_000_000
    creatives: Annotated[int, Field(ge=1, le=MOST_CREATIVES)] = MOST_CREATIVES
    """Creatives in one request; more are refused with 400."""
    seconds: Annotated[float, Field(gt=0)] = 10.0
    """Seconds until a request is given up: for its body, parsing and computation together."""
    coming_bytes: Annotated[int, Field(ge=1)] = 64_000_000
    """Bytes of large bodies that are still coming, all together; beyond it large bodies are refused with 503."""
    waiting: Annotated[int, Field(ge=0)] = 64
    """Requests that wait to be computed; more are refused with 503."""
    batch_memory_mb: Annotated[int, Field(ge=500)] = 2000
    """Most memory of the process that computes large requests and reads files."""


class ServiceSettings(Section):
    """Settings of the service. Paths are relative to the working directory."""

    bundle: Path | None = None
    """A bundle folder; none: the champion of the registry."""
    registry: str = ""
    """Path of a SQLite file, or URI of an MLflow server or database; empty: MLFLOW_REGISTRY_URI, else
    MLFLOW_TRACKING_URI, else var/mlflow.db."""
    registered_model: str = ""
    """Name in the registry, with or without `gpmcast-`; empty: the champion that was registered last."""
    model_cache: Path = Path("var/model-cache")
    """Folder of the champions taken from the registry: the newest, and the one that served last."""
    model_bytes: Annotated[int, Field(ge=100_000)] = 1_000_000_000
    """Largest model that is taken from the registry."""
    watch_seconds: Annotated[float, Field(gt=0)] = 5.0
    """Seconds between two checks for a new champion or a new bundle."""

    ledger: str = "sqlite:///var/ledger.db"
    """SQLAlchemy URL of SQLite or PostgreSQL; empty: nothing is recorded."""
    ledger_queue_bytes: Annotated[int, Field(ge=1_000_000)] = 64_000_000
    """Most memory, in each worker, of answers that wait while the database cannot be written; beyond it answers are
    sent unrecorded, with a header that says so."""
    ledger_keep_days: Annotated[int, Field(ge=1)] | None = None
    """Answers older than this are removed from the database; none: they stay."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    drain_seconds: Annotated[float, Field(ge=0)] = 0.0
    """Of `make serve`: from SIGTERM on `/readyz` gives 503 for so long, while connections are still accepted; a load
    balancer has noticed by then."""
    hosts: tuple[str, ...] = ()
    """Hosts that a request may name in its Host header, beside those of this machine (`localhost`, 127.0.0.1, ::1). If
    empty: without keys those of this machine alone, with keys any."""
    keys: tuple[ApiKey, ...] = ()
    open_docs: bool = True
    """Whether the API's description can be read without a key."""
    page: bool = True
    """Whether `/` serves the page. Its files hold no data; it calls the API like any client."""
    report: Path = Path("var/report.html")
    """The strategist's report, served at `/report` if the file exists."""
    open_metrics: bool = False
    """Whether Prometheus metrics can be read without a key."""
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _keys_off_loopback(self) -> ServiceSettings:
        if not self.keys and not is_loopback(self.host):
            raise ValueError(
                f"host {self.host} can be reached by others and no keys are set: make one with "
                "`python -m serving key NAME`, or stay on 127.0.0.1"
            )
        names = [key.name for key in self.keys]
        if len(set(names)) < len(names):
            raise ValueError("two keys have one name")
        return self


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach this host name or address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_service_settings(path: Path) -> ServiceSettings:
    """Settings from a YAML file; keys it does not name keep their defaults.

    Raises:
        ConfigError: The file cannot be read, or a setting is unknown or wrong.
    """
    return parse(ServiceSettings, read_yaml(path), path)


def settings_of_environment() -> ServiceSettings:
    """Settings passed by the command line, else those of the file that the environment names, else the defaults."""
    content, file = os.environ.get(SETTINGS_VARIABLE), os.environ.get(SETTINGS_FILE_VARIABLE)
    if content is None and file:
        return load_service_settings(Path(file))
    return ServiceSettings.model_validate_json(content) if content else ServiceSettings()
