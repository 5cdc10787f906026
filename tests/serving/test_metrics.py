"""What the workers measure, together."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = """
import sys
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from serving.metrics import service_metrics
metrics = service_metrics()
metrics.ledger_up.set(float(sys.argv[1]))
metrics.unrecorded.inc()
everyone = CollectorRegistry()
multiprocess.MultiProcessCollector(everyone)
print(generate_latest(everyone).decode())
"""


def worker(folder: Path, up: int) -> str:
    """A worker that tells whether its ledger is up, and ends; what it says of all workers."""
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", SCRIPT, str(up)]
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=True).stdout


def test_a_worker_that_ended_while_its_ledger_was_down_is_forgotten_and_what_it_counted_is_not(tmp_path: Path) -> None:
    assert "gpmcast_ledger_up 0.0" in worker(tmp_path, 0)
    said = worker(tmp_path, 1)
    assert "gpmcast_ledger_up 1.0" in said
    assert "gpmcast_unrecorded_total 2.0" in said
