"""MLflow's client as far as a service needs it: which version is the champion, and the download of its files.

MLflow is imported here, in `mlflow_tracking.py` and in `score_process.py`, and nowhere else.
"""

import logging
import os
import posixpath
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
from mlflow import MlflowClient
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException

from features.partitions.address import printable
from training.errors import BundleError
from training.mlflow_address import REGISTRY_URI, TRACKING_URI, MlflowAddress
from training.registry.registry_stamp import CHAMPION
from training.workspace import MODEL_PREFIX

MOST_FILES = 200
"""Files of a bundle; it has about 20."""


@dataclass(frozen=True)
class Registered:
    """A version in the model registry.

    Attributes:
        name: Of the registered model.
        version: Version number.
        run_id: Of the MLflow run.
        created_at: When it was registered, milliseconds since 1970.
    """

    name: str
    version: str
    run_id: str
    created_at: int

    def __str__(self) -> str:
        return f"{self.name} version {self.version}"


def connect(address: MlflowAddress) -> MlflowClient:
    """Point MLflow at an address and return its client.

    Raises:
        BundleError: It is none of MLflow.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    # MLflow writes what it is told into the environment, where it would look like a choice of the user.
    chosen = {name: os.environ.get(name) for name in (TRACKING_URI, REGISTRY_URI)}
    mlflow.set_tracking_uri(address.tracking)
    mlflow.set_registry_uri(address.registry)
    for name, value in chosen.items():
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    try:
        return MlflowClient()
    except MlflowException as error:
        raise BundleError(
            f"{address}: is no address of MLflow: {address.without_secrets(str(error).strip())} Expected an http(s) "
            f"address of a server or a SQLite file (sqlite:///…). Correct {TRACKING_URI} or {REGISTRY_URI}.",
            zh=f"{address.place}：不是 MLflow 的地址；应为服务器的 http 或 https 地址，或 SQLite 文件（sqlite:///…）。"
            f"处理：改正 {TRACKING_URI} 或 {REGISTRY_URI}，或去掉它。",
        ) from None


def champions(address: MlflowAddress, names: Sequence[str] = ()) -> list[Registered]:
    """Return the versions that have the champion alias, in the order of these names; without names all of gpmcast."""
    client = connect(address)
    if not names:
        names, token = [], None
        while token is None or token:
            page = client.search_registered_models(f"name LIKE '{MODEL_PREFIX}%'", page_token=token)
            names += [model.name for model in page if CHAMPION in model.aliases]
            token = page.token or ""
    found = []
    for name in names:
        try:
            found.append(to_registered(client.get_model_version_by_alias(name, CHAMPION)))
        except MlflowException as error:
            if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                raise  # a registry that cannot be reached must not look like one without a champion
    return found


def source_of(address: MlflowAddress, registered: Registered) -> str:
    """Return the URI of a registered version's bundle."""
    uri = connect(address).get_model_version_download_uri(registered.name, registered.version)
    parts = urlsplit(uri)
    if parts.scheme == "file" and not Path(url2pathname(parts.path)).is_dir():
        raise BundleError(
            f"{registered}: lies at {uri}, a folder that this machine does not have. A model that is trained on one "
            "machine and served on another goes through an MLflow server that serves artifacts "
            "(`mlflow server --serve-artifacts`); an experiment keeps the place that it was made with: delete it and "
            "train again.",
            zh=f"{registered}：模型放在 {uri}，这台机器上没有这个文件夹。"
            "处理：在一台机器上训练、另一台上用，要用能存文件的"
            " MLflow 服务（mlflow server --serve-artifacts）；实验的位置建好就不变，先删掉它再训练。",
        )
    return uri


def download_file(uri: str, folder: Path) -> Path:
    """Download one file of a bundle into a folder."""
    return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=str(folder)))


def download(uri: str, folder: Path, most_bytes: int) -> None:
    """Download the files of a bundle into a folder.

    Args:
        uri: Of the bundle, as MLflow names artifacts.
        folder: An empty folder.
        most_bytes: Largest sum of their sizes.

    Raises:
        BundleError: There are none, or they are no bundle by their number, names or size.
    """
    files = mlflow.artifacts.list_artifacts(artifact_uri=uri)
    if not files:
        raise BundleError(f"{printable(uri)}: there are no files.", zh=f"{printable(uri)}：这里没有文件。")
    if len(files) > MOST_FILES or any(file.is_dir for file in files):
        raise BundleError(
            f"{printable(uri)}: {len(files)} files or folders are no model bundle.",
            zh=f"{printable(uri)}：{len(files)} 个文件或文件夹，不是模型。",
        )
    left = most_bytes
    for file in files:
        if left < (file.file_size or 0):
            raise BundleError(
                f"{printable(uri)}: is larger than {most_bytes:,} bytes, the most that is taken.",
                zh=f"{printable(uri)}：超过 {most_bytes:,} 字节的上限。",
            )
        left -= download_file(f"{uri}/{posixpath.basename(file.path)}", folder).stat().st_size


def to_registered(version: ModelVersion) -> Registered:
    """Return a version as MLflow describes it."""
    return Registered(version.name, str(version.version), version.run_id, int(version.creation_timestamp))
