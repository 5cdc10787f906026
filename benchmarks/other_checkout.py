"""Predict the holdout rows of a comparison with the model of another checkout, such as the one before a change.

The checkout trains in a process of its own, by its own code and packages (`.venv`), on the same files with the same
split and share of creatives held out. Its predictions are joined to the holdout rows by KEY and `age_hours`.
"""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmarks.tasks import Task
from benchmarks.truth import ON

HERE = Path(__file__).parents[1]
SECONDS = "cpu_seconds"

SCRIPT = """
import json
import sys
import time
from pathlib import Path

from benchmarks.load_files import read, some_creatives
from benchmarks.peers import _gpmcast
from benchmarks.tasks import make_task
from configs.settings import load_settings
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame

asked = json.loads(sys.argv[1])
settings = load_settings(Path(asked["config"]))
loaded = some_creatives(read([Path(path) for path in asked["data"]], settings), asked["every"])
task = make_task(loaded, settings, asked["cold_share"])
started = time.process_time()
model = _gpmcast(task)
predicted = model.predict(build_features(ArrayFrame.of(task.observed), model.fitted))[task.funnel.targets]
table = task.observed[asked["on"]].join(predicted.reset_index(drop=True))
table.assign(**{asked["seconds"]: time.process_time() - started}).to_parquet(asked["out"])
"""
"""What the other checkout runs: the functions that it calls have to exist there, so they keep their names."""


@dataclass(frozen=True)
class OtherCheckout:
    """A checkout, and what its model is trained on.

    Attributes:
        folder: The checkout; it needs a `.venv` of its own.
        data: Files, as for `benchmarks.peers`.
        config: Settings of the run; the checkout uses its own file at the same place, if this one is of the project.
        every: Use every Nth creative only.
        cold_share: Share of the creatives held out altogether.

    Raises:
        FileNotFoundError: The checkout has no `.venv`.
    """

    folder: Path
    data: Sequence[Path]
    config: Path
    every: int = 1
    cold_share: float = 0.0

    def __post_init__(self) -> None:
        if not self.python.exists():
            raise FileNotFoundError(f"{self.python}: there is no such file. Run `make setup` in {self.folder}")

    @property
    def python(self) -> Path:
        """The interpreter of the checkout."""
        return self.folder.resolve() / ".venv" / "bin" / "python"


def predict_elsewhere(other: OtherCheckout, task: Task) -> tuple[pd.DataFrame, float]:
    """Train the other checkout's model and predict the holdout rows.

    Returns:
        A column per target, a row per holdout row of the task; and the CPU seconds of training and predicting.

    Raises:
        RuntimeError: The other checkout fails; with the end of what it reported.
        ValueError: Its holdout rows are others.
    """
    config = other.config.resolve()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "predicted.parquet"
        asked = {
            "data": [str(path.resolve()) for path in other.data],
            "config": str(config.relative_to(HERE) if config.is_relative_to(HERE) else config),
            "every": other.every,
            "cold_share": other.cold_share,
            "on": ON,
            "seconds": SECONDS,
            "out": str(out),
        }
        command = [str(other.python), "-c", SCRIPT, json.dumps(asked)]
        done = subprocess.run(command, cwd=other.folder, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"{other.folder} cannot train its model on these data:\n{done.stderr[-2000:]}")
        predicted = pd.read_parquet(out)
    return align(predicted.drop(columns=SECONDS), task.observed), float(predicted[SECONDS].iloc[0])


def align(predicted: pd.DataFrame, observed: pd.DataFrame) -> pd.DataFrame:
    """Put predictions in the order of the observed rows.

    Args:
        predicted: KEY, `age_hours` and a column per target.
        observed: Holdout rows with KEY and `age_hours`.

    Returns:
        A column per target, a row per observed row.

    Raises:
        ValueError: The rows are not the same ones.
    """
    joined = observed[ON].merge(predicted, on=ON, how="outer", validate="one_to_one", indicator="side")
    apart = int((joined["side"] != "both").sum())
    if apart:
        raise ValueError(f"{apart} holdout rows are in one of the checkouts alone: their data or splits differ")
    return observed[ON].merge(predicted, on=ON, how="left").drop(columns=ON)
