"""`python -m training train --engine dask`, with a worker killed and then the whole run: it ends right in the end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

psutil = pytest.importorskip("psutil")
pytest.importorskip("distributed")

CONFIG = """
var: {var}
name: killed
open_days: 1
tune: {{trials: 1}}
trees: {{rounds: 10}}
volume_trees: {{rounds: 10}}
split: {{holdout_days: 7, folds: 2}}
refits: {{every_days: 30}}
thin: {{min_creatives: 20, min_orders: 10}}
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    exports = tmp_path / "exports"
    made = [sys.executable, "-m", "sample", "--out", str(exports), "--truth", str(tmp_path / "truth.parquet")]
    subprocess.run([*made, "--creatives", "150", "--days", "50"], check=True, stdout=subprocess.DEVNULL)
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.format(var=tmp_path / "var"), encoding="utf-8")
    return [
        sys.executable,
        "-m",
        "training",
        "train",
        "--config",
        str(config),
        "--data",
        str(exports),
        "--engine",
        "dask",
    ]


def wait_for(what: Callable[[], object], run: subprocess.Popen[str], seconds: float = 600.0) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert run.poll() is None, run.communicate()[1]
        assert time.monotonic() < until, "it took too long"
        time.sleep(0.05)


def workers(run: subprocess.Popen[str]) -> list["psutil.Process"]:
    found = []
    for child in psutil.Process(run.pid).children():
        with suppress(psutil.NoSuchProcess):  # it may end while it is looked at
            if any("spawn_main" in part for part in child.cmdline()):
                found.append(child)
    return found


def test_a_killed_worker_costs_its_work_and_a_killed_run_goes_on_where_it_was(command: list[str], tmp_path: Path):
    tables = tmp_path / "var" / "work" / "killed" / "parts"
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(tables.glob("*/value_columns/*.arrow")), run)
    os.kill(workers(run)[0].pid, signal.SIGKILL)
    wait_for(lambda: list(tables.glob("*/*/outcome/*.arrow")) and list(tables.glob("*/*/observed/*.arrow")), run)
    left = workers(run)
    run.kill()
    run.communicate()
    _, alive = psutil.wait_procs(left, timeout=120)
    assert not alive, "workers outlived the run"

    kept = {path: path.stat().st_mtime_ns for path in tables.glob("*/*/observed/*.arrow")}
    again = subprocess.run(command, capture_output=True, text=True, timeout=1200)
    assert again.returncode == 0, again.stderr
    assert "is the champion" in again.stdout
    assert (tmp_path / "var" / "work" / "killed" / "predictions.csv").exists()
    assert kept
    assert all(path.stat().st_mtime_ns == moment for path, moment in kept.items())
