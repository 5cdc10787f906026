"""Start services for measuring, and read CPU time and memory of their processes from /proc."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FLOOR = "import bentoml, numpy, lightgbm"
"""What a service with these libraries cannot start without."""


class Service:
    """A started service and its processes.

    Attributes:
        port: On loopback.
        pid: Of the process that was started.
        seconds_to_ready: From its start to the first 200 of `/readyz`.
        folder: For its files.
    """

    def __init__(self, port: int, pid: int, seconds_to_ready: float, folder: Path) -> None:
        self.port = port
        self.pid = pid
        self.seconds_to_ready = seconds_to_ready
        self.folder = folder

    def cpu_seconds(self) -> float:
        """CPU seconds so far of all its processes and their threads."""
        return sum(cpu_seconds(pid) for pid in family(self.pid))

    def wait_until_idle(self) -> None:
        """Return once a second takes less than .1 of CPU: processes of large requests start after it is ready."""
        before = -1.0
        while (now := self.cpu_seconds()) - before >= 0.1:
            before = now
            time.sleep(1)

    def workers(self) -> list[int]:
        """Process ids of its workers; of a service of one process its own."""
        found = [
            pid for pid in family(self.pid) if "serving.server.worker" in command(pid) or "spawn_main" in command(pid)
        ]
        return found or [self.pid]

    def batch_processes(self) -> list[int]:
        """Process ids of its processes of large requests."""
        return [pid for pid in family(self.pid) if "batch_process" in command(pid)]


@contextmanager
def bare(bundle: Path, workers: int = 1) -> Iterator[Service]:
    """The bare application."""
    port = free_port()
    with _started(["-m", "benchmarks.serving_bare", str(bundle), str(port), str(workers)], port) as service:
        yield service


@contextmanager
def gpmcast(bundle: Path, workers: int = 1, checkout: Path = Path(), **settings: str) -> Iterator[Service]:
    """The service as `make serve` starts it, with a ledger of its own, once all its processes have started.

    Args:
        bundle: It serves.
        workers: How many.
        checkout: Whose code; by default of the current folder.
        settings: Further ones.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as place:
        ledger = f"sqlite:///{place}/ledger.db"
        own = {"bundle": str(bundle.resolve()), "port": port, "workers": workers, "ledger": ledger, **settings}
        config = Path(place) / "serving.yaml"
        config.write_text(json.dumps(own), encoding="utf-8")
        with _started(["-m", "serving", "serve", "--config", str(config)], port, Path(place), checkout) as service:
            service.wait_until_idle()
            yield service


@contextmanager
def _started(arguments: list[str], port: int, folder: Path = Path(), checkout: Path = Path()) -> Iterator[Service]:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], cwd=checkout, env=env, stdout=log, stderr=log)
        try:
            while not _ready(port):
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"it did not start: {log.read()[-2000:].decode()}")
                time.sleep(0.02)
            yield Service(port, process.pid, time.perf_counter() - began, folder)
        finally:
            process.terminate()
            process.wait(60)


def free_port() -> int:
    """A port of loopback that nothing uses now: two measurements on one machine never ask each other's services."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def floor_seconds() -> float:
    """Least of three times that a Python process takes to import what no such service starts without."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", FLOOR], check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        times.append(time.perf_counter() - began)
    return min(times)


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    for own in found:
        for task in Path(f"/proc/{own}/task").glob("*/children"):
            found += [int(child) for child in task.read_text().split()]
    return found


def command(pid: int) -> str:
    """Command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process so far, all threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024
