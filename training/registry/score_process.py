"""Log a track record to MLflow as a run of its own, in a process of its own: what serves never loads MLflow.

The request comes as JSON on standard input; the id of the run goes to standard output.
"""

import sys
from contextlib import redirect_stdout
from pathlib import Path

import mlflow
from pydantic import BaseModel

from training.mlflow_address import MlflowAddress
from training.registry.mlflow_tracking import tracked_run
from training.workspace import Workspace


class ScoreRun(BaseModel):
    """What is logged.

    Attributes:
        name: Of the workspace: the run stands in its experiment.
        folder: Of the workspace.
        tracking, registry: As in `MlflowAddress`.
        run_name: Of the run.
        tags: Of the run.
        metrics: By name.
        files: Files to keep with the run.
    """

    name: str
    folder: Path
    tracking: str
    registry: str
    run_name: str
    tags: dict[str, str]
    metrics: dict[str, float]
    files: list[Path]


def log_score(request: ScoreRun) -> str:
    """Log the run; return its id."""
    space = Workspace(request.name, request.folder, MlflowAddress(request.tracking, request.registry, ""))
    with tracked_run(space, request.run_name) as run_id:
        mlflow.set_tags(request.tags)
        mlflow.log_metrics(request.metrics)
        for file in request.files:
            mlflow.log_artifact(str(file))
    return run_id


def main() -> None:
    """Log the run on standard input."""
    request = ScoreRun.model_validate_json(sys.stdin.buffer.read())
    with redirect_stdout(sys.stderr):
        run_id = log_score(request)
    print(run_id)


if __name__ == "__main__":
    main()
