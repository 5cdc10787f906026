"""Every setting of the service: which model, who may ask, how much at a time, where answers are recorded."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from configs.settings import Section
from configs.yaml_file import parse, read_yaml

Scope = Literal["predict", "read", "metrics"]

HANDED_ON = "GPMCAST_SERVING"
"""Environment variable in which the command line hands the settings to the workers, as JSON."""

CONFIG_FILE = "GPMCAST_SERVING_CONFIG"
"""Environment variable that names a settings file where BentoML itself starts the service: a bento, a container."""


class Key(Section):
    """One caller's API key; only its hash is kept."""

    name: Annotated[str, Field(pattern=r"^[\w.-]{1,64}$")]
    """Stands in the ledger beside every answer."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the key, as `python -m serving key NAME` prints it."""
    per_minute: Annotated[int, Field(ge=1)] = 6000
    """Requests a minute in each worker, and the largest burst is a sixth of that."""
    scopes: tuple[Scope, ...] = ("predict", "read", "metrics")


class Limits(Section):
    """What one request, and all at a time, may take."""

    body_bytes: Annotated[int, Field(ge=1024)] = 8_000_000
    creatives: Annotated[int, Field(ge=1, le=500)] = 500
    seconds: Annotated[float, Field(gt=0)] = 10.0
    """Until a request is given up; its work stops with it."""
    concurrent: Annotated[int, Field(ge=1)] = 2
    """Requests computed at a time in each worker."""
    waiting: Annotated[int, Field(ge=0)] = 64
    """Requests that wait for a place; more are refused."""


class Serving(Section):
    """The service. Paths are relative to where the command is typed."""

    bundle: Path | None = None
    """A bundle folder; none: the champion of the registry."""
    registry: Path = Path("var/mlflow.db")
    registered_model: str = ""
    """Name in the registry; empty: the only one that has a champion."""
    watch_seconds: Annotated[float, Field(gt=0)] = 5.0
    """How often it is looked for a new champion or a new bundle."""

    ledger: str = "sqlite:///var/ledger.db"
    """SQLAlchemy URL; empty: nothing is recorded."""
    ledger_spool: Path = Path("var/ledger-spool")
    """Folder for answers on their way to the ledger: those of a killed process are taken in at the next start."""
    ledger_queue: Annotated[int, Field(ge=1)] = 10_000
    """Answers that wait to be written; when it is full, answers still go out, unrecorded and marked."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 3000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    keys: tuple[Key, ...] = ()
    open_docs: bool = True
    """Whether the API's description can be read without a key."""
    page: bool = True
    """Whether the page is at `/`. Its files hold nothing of the model; what it shows it asks for as callers do."""
    report: Path = Path("var/report.html")
    """The strategist's report, which the page opens where the file is there."""
    open_metrics: bool = False
    """Whether Prometheus metrics can be read without a key."""
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _keys_off_loopback(self) -> Serving:
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
    """Whether only this machine can reach it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def load_serving(path: Path) -> Serving:
    """Settings from a YAML file; keys it does not name keep their defaults.

    Raises:
        ConfigError: The file cannot be read, or a setting is unknown or wrong.
    """
    return parse(Serving, read_yaml(path), path)


def handed_on() -> Serving:
    """The settings that the command line handed on, or of the file that is named; else the defaults."""
    content, file = os.environ.get(HANDED_ON), os.environ.get(CONFIG_FILE)
    if content is None and file:
        return load_serving(Path(file))
    return Serving.model_validate_json(content) if content else Serving()
