"""Measure latency, CPU time and memory of the service, compared with its trees alone and a minimal application.

    python -m benchmarks.serving_speed [--bundle FOLDER] [--seconds 20] [--many 20000]

Starts its own services on loopback and prints a line per measurement: milliseconds, ratios, memory. Latencies depend on
what else the machine does; the ratios are measured in the same run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.serving_client import WARM, Latencies, at_rate, one_after_the_other
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle, self_test_creatives
from serving.inference.predict import predict_creatives, predictions
from serving.settings import ServiceSettings

PORT, BARE_PORT = 3811, 3812
HOURS = 6


def main() -> None:
    """Print every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="default: the champion of var/mlflow.db")
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of each measurement at a fixed rate")
    parser.add_argument("--many", type=int, default=20_000, help="requests over which memory is watched")
    options = parser.parse_args()
    folder = options.bundle or find_bundle(ServiceSettings()).folder
    served = load_model(folder)
    bodies = make_bodies(served)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(served.catalogue)} features, "
          f"{sum(b.num_trees() for b in served.model.boosters.values()):,} trees")  # fmt: skip
    inside(served, bodies)
    bare = over_bare(folder, bodies, options.seconds)
    over_http(folder, bodies, options.seconds, options.many, bare)


def make_bodies(served: LoadedModel) -> dict[str, bytes]:
    """Request bodies: one creative with hourly metrics, without and with contributions, and 500 creatives."""
    new, runs = (one.model_dump(mode="json", exclude_none=True) for one in self_test_creatives(served))
    (row,) = runs["metrics"]
    start = served.as_of.moment.to_numpy().astype("datetime64[s]") - np.timedelta64(HOURS, "h")
    hours = [start + np.timedelta64(hour, "h") for hour in range(HOURS + 1)]
    runs["metrics"] = [{**row, "period_start": str(begin), "period_end": str(end)} for begin, end in pairwise(hours)]
    many = [{**(runs if place % 2 else new), "creative_id": f"c{place}"} for place in range(500)]
    return {
        "one": json.dumps({"creatives": [runs]}).encode(),
        "explained": json.dumps({"creatives": [runs], "explain": True}).encode(),
        "many": json.dumps({"creatives": many, "explain": True}).encode(),
    }


def inside(served: LoadedModel, bodies: dict[str, bytes]) -> None:
    """Print CPU times of the computation in this process."""
    now, boosters = served.as_of.moment, served.model.boosters.values()
    requests = {name: parse_request(PredictRequest, body, served.vocabulary) for name, body in bodies.items()}
    matrix = predict_creatives(served, requests["one"].creatives).features.values.matrix
    trees = cpu(lambda: [booster.predict(matrix, raw_score=True, num_threads=1) for booster in boosters], 100)
    shap = cpu(lambda: [booster.predict(matrix, pred_contrib=True, num_threads=1) for booster in boosters], 50)
    one = cpu(lambda: predictions(served, requests["one"].creatives, now=now), 100)
    explained = cpu(lambda: predictions(served, requests["explained"].creatives, now=now, explain=True), 100)
    many = cpu(lambda: predictions(served, requests["many"].creatives, now=now, explain=True), 2)
    print("in-process, CPU milliseconds")
    print(f"  one creative, features to answer          {one:8.3f}")
    print(f"    trees of all heads                      {trees:8.3f}   {one / (one - trees):.2f} × as fast without")
    print(f"  one creative, all contributions           {explained:8.3f}")
    rest = explained - shap
    print(f"    SHAP values of all heads                {shap:8.3f}   {explained / rest:.2f} × as fast without")
    print(f"  500 creatives, all contributions          {many:8.0f}")


def cpu(work: Callable[[], object], times: int) -> float:
    """Least of five mean CPU milliseconds: other processes can only add to it."""
    work()
    best = float("inf")
    for _ in range(5):
        before = time.process_time()
        for _ in range(max(times // 5, 1)):
            work()
        best = min(best, (time.process_time() - before) / max(times // 5, 1))
    return best * 1000


@contextmanager
def started(command: list[str], port: int, **env: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Start a service; yield its process and the seconds until it is ready."""
    with tempfile.TemporaryFile() as log:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *command], env={**os.environ, **env}, stdout=log, stderr=log)
        try:
            while process.poll() is None:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
                        break
                except OSError:
                    time.sleep(0.05)
            yield process, time.perf_counter() - began
        finally:
            process.terminate()
            process.wait(60)


def over_bare(folder: Path, bodies: dict[str, bytes], seconds: float) -> dict[str, tuple[float, float]]:
    """Request → median milliseconds and CPU milliseconds per request of the minimal application."""
    with started(["-m", "benchmarks.serving_bare", str(BARE_PORT)], BARE_PORT, BENCH_BUNDLE=str(folder)) as (bare, _):
        found = {}
        for name in ("one", "explained"):
            latencies, spent = watched(bare.pid, BARE_PORT, bodies[name], seconds)
            found[name] = latencies.quantile(0.5), spent
        return found


def watched(server: int, port: int, body: bytes, seconds: float) -> tuple[Latencies, float]:
    """Latencies at 50 requests per second, and CPU milliseconds per request of the serving process."""
    before = cpu_seconds(server)
    latencies = at_rate(port, body, 50, seconds)
    return latencies, (cpu_seconds(server) - before) / (len(latencies.milliseconds) + WARM) * 1000


def cpu_seconds(server: int) -> float:
    """CPU seconds of a process so far, all threads."""
    fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def over_http(
    folder: Path, bodies: dict[str, bytes], seconds: float, many: int, bare: dict[str, tuple[float, float]]
) -> None:
    """Print latencies, throughput and memory of the service on loopback."""
    with tempfile.TemporaryDirectory() as place:
        config = Path(place) / "serving.yaml"

        def command(workers: int) -> list[str]:
            settings = {
                "bundle": str(folder),
                "port": PORT,
                "workers": workers,
                "ledger": f"sqlite:///{place}/ledger.db",
            }
            config.write_text(json.dumps(settings), encoding="utf-8")
            return ["-m", "serving", "serve", "--config", str(config)]

        print("over HTTP, wall-clock milliseconds")
        with started(command(1), PORT) as (process, ready):
            print(f"  start to ready                            {ready:8.1f} s")
            for name, label in (("one", "one creative"), ("explained", "one creative, all contributions")):
                latencies, spent = watched(largest(process.pid)[0], PORT, bodies[name], seconds)
                median, late = latencies.quantile(0.5), latencies.quantile(0.99)
                wall, cpu_bare = bare[name]
                print(f"  {label + ', 50/s':41} {median:8.2f} p50 {late:8.2f} p99   {latencies.failures} failures")
                print(f"  {'':41} {median / wall:8.2f} × the bare application ({wall:.2f})")
                print(f"  {'CPU of a request':41} {spent:8.2f}   {spent / cpu_bare:.2f} × the bare application's")
            latencies = one_after_the_other(PORT, bodies["many"], 5)
            print(
                f"  {'500 creatives, all contributions':41} {latencies.quantile(0.5):8.0f} p50   "
                f"{latencies.failures} failures"
            )
            before = largest(process.pid)[1]
            latencies = one_after_the_other(PORT, bodies["one"], many, 2)
            print(f"  memory of the worker                      {before:8.0f} MB, after {many:,} more requests "
                  f"{largest(process.pid)[1]:.0f} MB; {latencies.failures} failures")  # fmt: skip
        with started(command(2), PORT):
            time.sleep(5)
            latencies = one_after_the_other(PORT, bodies["one"], 3000, 4)
            label = "two workers, four connections"
            print(f"  {label:41} {latencies.rate:8.0f} answers per second, {latencies.failures} failures")


def largest(parent: int) -> tuple[int, float]:
    """Process id and resident memory in MB of the largest child process: the worker."""
    command = ["ps", "-o", "rss=,pid=", "--ppid", str(parent)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True)
    size, pid = max((int(size), int(pid)) for size, pid in (line.split() for line in listed.stdout.splitlines()))
    return pid, size / 1024


if __name__ == "__main__":
    main()
