"""Whether the champion may have changed, asked without MLflow's client: the client costs seconds and 90 MB of memory.

A SQLite registry changes with its file's status. A server is asked by MLflow's documented REST API
(https://mlflow.org/docs/latest/api_reference/rest-api.html: `registered-models/alias`, `registered-models/search`).
"""

import json
import os
from pathlib import Path
from typing import Any

import httpx

from features.partitions.address import printable
from training.errors import BundleError
from training.mlflow_address import MlflowAddress
from training.workspace import MODEL_PREFIX

CHAMPION = "champion"
"""The alias of the version that serves."""
SECONDS = 5.0
"""Seconds until a server that does not answer counts as not reached."""
API = "/api/2.0/mlflow/registered-models"


def names_of(name: str) -> tuple[str, str]:
    """The registered models that a name can mean: itself, and that of the workspace of this name."""
    return name, f"{MODEL_PREFIX}{name}"


def registry_stamp(address: MlflowAddress, name: str) -> str | None:
    """Return a text that differs if the champion differs; None where only MLflow's client can tell.

    Args:
        address: Of the registry.
        name: Registered model; empty for all of this project.

    Raises:
        BundleError: There is no such file, the server cannot be reached, or it is none of MLflow.
    """
    if address.database is not None:
        return _file_stamp(address.database)
    if address.is_server:
        try:
            with httpx.Client(timeout=SECONDS, auth=_auth(), headers=_headers(), verify=_verify()) as client:
                return _server_stamp(client, address.registry.rstrip("/") + API, name)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = address.without_secrets(f"{type(error).__name__}: {error}")
            raise BundleError(
                f"{printable(address.registry)}: the registry cannot be reached: {reason}.",
                zh=f"{printable(address.registry)}：连不上模型登记处（MLflow）：{reason}。"
                "处理：检查地址、网络和服务器是否在运行。",
            ) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # a page to sign in, for example
            raise BundleError(
                f"{printable(address.registry)}: what answers there does not speak MLflow's REST API "
                f"({type(error).__name__}). Look at the address in a browser, and at what stands before the server.",
                zh=f"{printable(address.registry)}：答复的不是 MLflow 的接口（{type(error).__name__}）。"
                "处理：用浏览器打开这个地址看看，再看看服务器前面有什么。",
            ) from error
    return None


def _file_stamp(database: Path) -> str:
    stamps = []
    for path in (database, database.with_name(f"{database.name}-wal")):  # WAL: where SQLite is set to write one
        try:
            status = path.stat()
        except FileNotFoundError:
            continue
        stamps.append((status.st_mtime_ns, status.st_size, status.st_ino))
    if not database.is_file():
        raise BundleError(
            f"{database}: there is no registry. Run `make train`, or name a bundle (--bundle).",
            zh=f"{database}：还没有训练过模型。处理：先 make train。",
        )
    return json.dumps(stamps)


def _server_stamp(client: httpx.Client, api: str, name: str) -> str | None:
    if name:
        versions = []
        for one in names_of(name):
            reply = client.get(f"{api}/alias", params={"name": one, "alias": CHAMPION})
            if reply.is_success:
                version = reply.json()["model_version"]
                versions.append((one, version["version"], version.get("creation_timestamp")))
            elif not _is_missing(reply):
                _raise_if_down(reply)
                return None
        return json.dumps(versions)
    found: list[tuple[str, Any]] = []
    query = {"filter": f"name LIKE '{MODEL_PREFIX}%'", "max_results": "1000"}
    while True:
        reply = client.get(f"{api}/search", params=query)
        if not reply.is_success:
            _raise_if_down(reply)
            return None
        page = reply.json()
        for model in page.get("registered_models", []):
            named = {alias["alias"]: alias["version"] for alias in model.get("aliases", [])}
            if CHAMPION in named:
                found.append((model["name"], named[CHAMPION]))
        if not page.get("next_page_token"):
            return json.dumps(sorted(found))
        query["page_token"] = page["next_page_token"]


def _is_missing(reply: httpx.Response) -> bool:
    """Whether the answer is that there is no such model, or none with this alias."""
    try:
        return reply.json().get("error_code") in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
    except (ValueError, AttributeError):
        return False


def _raise_if_down(reply: httpx.Response) -> None:
    """A server that fails is not reached; one that refuses may know MLflow's client by another way to sign in."""
    if reply.is_server_error:
        reply.raise_for_status()


def _auth() -> tuple[str, str] | None:
    user = os.environ.get("MLFLOW_TRACKING_USERNAME")
    return (user, os.environ.get("MLFLOW_TRACKING_PASSWORD", "")) if user else None


def _headers() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"authorization": f"Bearer {token}"} if token else {}


def _verify() -> bool | str:
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        return False
    return os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH") or True
