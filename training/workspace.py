"""Workspace: the folder of one data set's files (store, study, models, evaluation) and its name in the registry."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pandas as pd

from configs.settings import Settings
from features.atomic_write import write_text
from features.partitions.address import is_url, without_password
from features.schema import Loaded
from training.mlflow_address import MlflowAddress, mlflow_address

MODEL_PREFIX = "gpmcast-"
"""Registered models are called so, and then as their workspace."""
DATABASE = "mlflow.db"
"""Name of MLflow's SQLite file under `var`."""
MARKER = "data.json"
"""File of a workspace that says of which data it is."""
BACKTEST = "backtest.parquet"
"""File under `var` that a backtest writes where none is named, and that past answers are read from without a ledger."""
MODEL_CACHE = "model-cache"
"""Folder under `var` of the champions that a service takes from the registry."""


@dataclass(frozen=True)
class Workspace:
    """Paths of one data set, all in one folder.

    Attributes:
        name: Folder name; the registered model is called `gpmcast-<name>`.
        folder: Parent of all paths below.
        mlflow: Where runs and models are; all workspaces of one `var` share it.
    """

    name: str
    folder: Path
    mlflow: MlflowAddress

    @property
    def store(self) -> Path:
        """The DuckDB file."""
        return self.folder / "store.duckdb"

    @property
    def journal(self) -> Path:
        """The file of the Optuna studies."""
        return self.folder / "study.journal"

    @property
    def bundle(self) -> Path:
        """Bundle of the newest final model, trained on all mature rows."""
        return self.folder / "bundle"

    @property
    def evaluation_bundle(self) -> Path:
        """Bundle of the newest evaluation model: the same recipe, trained without the holdout."""
        return self.folder / "evaluation_bundle"

    @property
    def evaluation(self) -> Path:
        """Folder of the newest evaluation: tables, page and model card."""
        return self.folder / "evaluation"

    @property
    def predictions(self) -> Path:
        """The newest predictions."""
        return self.folder / "predictions.csv"

    @property
    def registered_model(self) -> str:
        """Name in the model registry."""
        return f"{MODEL_PREFIX}{self.name}"


def workspace(data: Sequence[str], settings: Settings) -> Workspace:
    """Return the workspace of a data set, named by the settings' `name`, else by the data's first folder; make it.

    Two data folders with the same name do not share a workspace: the second name ends with a hash of its paths.
    """
    found = workspace_of(data, settings)
    marker = found.folder / MARKER
    if not settings.name and not marker.exists():
        # Atomically: a command can be killed, and another can run at the same time.
        write_text(_origin(data), marker)
    found.folder.mkdir(parents=True, exist_ok=True)
    return found


def trained_workspace(data: Sequence[str], settings: Settings) -> Workspace | None:
    """Return the workspace of a data set if a model was trained there; nothing is written."""
    found = workspace_of(data, settings)
    return found if found.bundle.is_dir() else None


def workspace_of(data: Sequence[str], settings: Settings) -> Workspace:
    """Return the workspace that a data set has or would get; nothing is written."""
    name = settings.name
    if not name:
        first = Path(without_password(data[0]))
        name = re.sub(r"[^\w-]+", "-", first.name.split(".")[0]).strip("_-") or "data"
        marker = settings.var / "work" / name / MARKER
        if marker.exists() and marker.read_text(encoding="utf-8") != _origin(data):
            name = f"{name}-{_short(_origin(data))}"
    return Workspace(name=name, folder=settings.var / "work" / name, mlflow=mlflow_address(settings.var / DATABASE))


def _origin(data: Sequence[str]) -> str:
    return json.dumps([_place_of(path) for path in data], ensure_ascii=False)


def data_fingerprint(loaded: Loaded) -> str:
    """Return the sha256 of the loaded metrics and creatives, in their row order."""
    digest = sha256()
    for frame in (loaded.metrics, loaded.creatives):
        digest.update(",".join(frame.columns).encode())
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _place_of(path: str) -> str:
    return without_password(path) if is_url(path) else str(Path(path).resolve())


def _short(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:6]
