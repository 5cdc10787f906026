"""What the workers measure, together."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

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


SHOWS_MODELS = """
import subprocess, sys
from dataclasses import make_dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo
from prometheus_client import CollectorRegistry, generate_latest, multiprocess
from serving.metrics import service_metrics

def show(hours, confirmed):
    zone = ZoneInfo("Asia/Shanghai")
    until = datetime.now(zone).replace(tzinfo=None) - timedelta(hours=hours)
    manifest = make_dataclass("Manifest", ["trained_until"])(until.isoformat())
    service_metrics().show_model(make_dataclass("Model", ["manifest", "zone"])(manifest, zone), confirmed=confirmed)

if len(sys.argv) > 1:  # another worker, alive until the figures are read
    show(5, False)
    print(flush=True)
    sys.stdin.read()
else:
    other = subprocess.Popen([sys.executable, "-c", sys.stdin.read(), "other"], stdin=-1, stdout=-1)
    other.stdout.readline()
    service_metrics().show_model(None, confirmed=True)
    show(2, True)
    everyone = CollectorRegistry()
    multiprocess.MultiProcessCollector(everyone)
    print(generate_latest(everyone).decode())
    other.communicate()
"""


@pytest.mark.parametrize("zone", ["UTC", "America/Los_Angeles"])
def test_the_models_age_is_that_of_the_oldest_in_any_worker_whatever_the_machines_time_zone(tmp_path, zone) -> None:
    env = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "TZ": zone}
    command = [sys.executable, "-c", SHOWS_MODELS]
    root = Path(__file__).parents[2]
    said = subprocess.run(
        command, cwd=root, env=env, input=SHOWS_MODELS, capture_output=True, text=True, check=True
    ).stdout
    (age,) = re.findall(r"^gpmcast_model_age_seconds (.*)$", said, re.M)
    assert 5 * 3600 <= float(age) < 5 * 3600 + 60
    assert "gpmcast_model_confirmed 0.0" in said
