"""MLflow: log a run, register its model, read and move the champion alias."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema

from configs.settings import Settings
from features.partitions.address import without_password
from training.errors import BundleError
from training.registry.mlflow_client import Registered, champions, connect, download, to_registered
from training.registry.registry_stamp import CHAMPION
from training.workspace import Workspace

BUNDLE = "bundle"
EVALUATION_BUNDLE = "evaluation_bundle"
"""Artifact folders of a run: the final model, and the model that was evaluated on the holdout."""
METRICS = "metrics.csv"
"""Table of all metrics of a run."""
MOST_BYTES = 4_000_000_000
"""Largest bundle that training takes from a registry."""


@dataclass(frozen=True)
class LoggedData:
    """What a run says of its data.

    Attributes:
        name: Of the data set.
        fingerprint: sha256 of its metrics and creatives.
        facts: Further facts, such as the last day.
        columns: Columns of the feature matrix, all float64.
    """

    name: str
    fingerprint: str
    facts: Mapping[str, str]
    columns: Sequence[str]

    @property
    def schema(self) -> Schema:
        """The columns as MLflow shows them."""
        return Schema([ColSpec("double", name) for name in self.columns])


def mlmodel_text(columns: Sequence[str], targets: Sequence[str], created_at: str) -> str:
    """The file `MLmodel` of a bundle: the signature that MLflow shows. Models are loaded by gpmcast, not by MLflow.

    Args:
        columns: Of the feature matrix; any of them may be missing.
        targets: What is predicted.
        created_at: UTC, ISO 8601.
    """
    inputs = Schema([ColSpec("double", name, required=False) for name in columns])
    outputs = Schema([ColSpec("double", name) for name in targets])
    signature = ModelSignature(inputs, outputs)
    return str(Model(signature=signature, flavors={}, utc_time_created=created_at, model_uuid=None).to_yaml())


@contextmanager
def tracked_run(space: Workspace, name: str | None = None, description: str | None = None) -> Iterator[str]:
    """Start a run in this workspace's experiment and yield its id; a run that raises is marked as failed.

    Args:
        space: Its name is that of the experiment.
        name: Of the run; None: one of MLflow's choice.
        description: Markdown, shown above the run and, until the next run, above the experiment.
    """
    connect(space.mlflow)
    if mlflow.get_experiment_by_name(space.name) is None:
        # A server keeps artifacts where it was told to, so that every machine can read them.
        here = None if space.mlflow.keeps_artifacts else (space.folder / "runs").resolve().as_uri()
        mlflow.create_experiment(space.name, artifact_location=here)
    mlflow.set_experiment(space.name)
    if description:
        mlflow.set_experiment_tag("mlflow.note.content", description)
    with mlflow.start_run(run_name=name, description=description) as run:
        yield run.info.run_id


def log_run(
    settings: Settings,
    tags: Mapping[str, str],
    headline: Mapping[str, float],
    metrics: Mapping[str, float],
    data: LoggedData,
    files: Path,
) -> None:
    """Log a run's settings (as params), tags, data set, metrics and files to the active run.

    Args:
        settings: Of the run.
        tags: Of the run.
        headline: Metrics of the run's first page; NaN are left out.
        metrics: All metrics, as the table `metrics.csv`; NaN are left out.
        data: The data set.
        files: Folder of further files.
    """
    flat = _flatten(settings.model_dump(mode="json"))
    mlflow.log_params({name: without_password(str(value))[:6000] for name, value in flat.items()})
    mlflow.set_tags(dict(tags))
    mlflow.log_metrics({name: float(value) for name, value in headline.items() if value == value})
    table = pd.DataFrame(list(metrics.items()), columns=["metric", "value"]).dropna()
    mlflow.log_text(table.to_csv(index=False), METRICS)
    source = CodeDatasetSource({"mlflow.source.name": data.name, **data.facts})
    mlflow.log_input(MetaDataset(source, data.name, data.fingerprint[:12], data.schema), context="training")
    mlflow.log_artifacts(str(files))


def register(space: Workspace, run_id: str, bundle: Path, evaluation_bundle: Path, description: str) -> Registered:
    """Log both bundles to the run and register `bundle` as the next version of the workspace's model."""
    client = connect(space.mlflow)
    client.log_artifacts(run_id, str(bundle), BUNDLE)
    client.log_artifacts(run_id, str(evaluation_bundle), EVALUATION_BUNDLE)
    try:
        client.create_registered_model(space.registered_model)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = f"{client.get_run(run_id).info.artifact_uri}/{BUNDLE}"
    version = client.create_model_version(space.registered_model, source, run_id, description=description)
    return to_registered(version)


def champion(space: Workspace) -> Registered | None:
    """Return the version that has the champion alias; None where there is none."""
    return next(iter(champions(space.mlflow, [space.registered_model])), None)


def promote(space: Workspace, registered: Registered) -> None:
    """Move the champion alias to this version."""
    connect(space.mlflow).set_registered_model_alias(registered.name, CHAMPION, registered.version)


@contextmanager
def fetched(space: Workspace, registered: Registered, what: str = BUNDLE) -> Iterator[Path]:
    """Yield the folder of a registered version's bundle; a copy that was downloaded for it is removed afterwards.

    Args:
        space: Its workspace.
        registered: The version.
        what: BUNDLE or EVALUATION_BUNDLE.

    Raises:
        BundleError: The registry has no such files.
    """
    client = connect(space.mlflow)
    with tempfile.TemporaryDirectory(prefix="gpmcast-bundle-") as place:
        folder = Path(place)
        try:
            source = f"{client.get_run(registered.run_id).info.artifact_uri}/{what}"
            if urlsplit(source).scheme == "file":  # read in place
                folder = Path(url2pathname(urlsplit(source).path))
                if not folder.is_dir():
                    raise FileNotFoundError(f"there is no folder {folder}")
            else:
                download(source, folder, MOST_BYTES)
        except (MlflowException, OSError) as error:
            reason = str(error).rstrip(".")
            raise BundleError(
                f"{registered}: its files cannot be read from the registry: {reason}. Train again.",
                zh=f"{registered}：模型库里读不到它的文件（{reason}）。处理：重新 make train。",
            ) from error
        yield folder


def experiment_path(space: Workspace) -> str:
    """Return the path of this workspace's experiment in MLflow's pages; empty before the first run."""
    connect(space.mlflow)
    found = mlflow.get_experiment_by_name(space.name)
    return "" if found is None else f"/#/experiments/{found.experiment_id}"


def _flatten(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
