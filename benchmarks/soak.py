"""Ask the service for a long time at half its capacity: errors, answers that the ledger lacks, memory over time.

python -m benchmarks.soak [--bundle FOLDER] [--minutes 30] [--workers 1]
"""

import argparse
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.serving_client import Load
from benchmarks.serving_processes import Service, gpmcast, memory_mb
from benchmarks.serving_speed import make_bodies
from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import find_bundle
from serving.settings import ServiceSettings

CAPACITY_REQUESTS = 3000
"""By which the capacity is measured."""
CONNECTIONS = 32


def main() -> None:
    """Print a line per minute, then the sum."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion")
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    bundle = options.bundle or find_bundle(ServiceSettings()).folder
    body = make_bodies(load_model(bundle))["one"]
    with gpmcast(bundle, options.workers) as service:
        load = Load(service.port, body, CONNECTIONS)
        capacity = load.one_after_the_other(CAPACITY_REQUESTS).rate
        rate = capacity / 2
        print(f"capacity {capacity:.0f} answers a second; {rate:.0f} a second for {options.minutes} minutes")
        good = CAPACITY_REQUESTS
        failures = 0
        for minute in range(1, options.minutes + 1):
            found = load.at_rate(rate, 60.0)
            good += len(found.milliseconds) - found.failures
            failures += found.failures
            time.sleep(1.0)
            memory = ", ".join(f"{memory_mb(pid):.0f}" for pid in service.workers())
            print(
                f"minute {minute:3}: {len(found.milliseconds):6} answers, {found.failures} failures, "
                f"p50 {found.quantile(0.5):.1f} ms, p99 {found.quantile(0.99):.1f} ms, "
                f"ledger gap {good - recorded(service)}, workers {memory} MB",
                flush=True,
            )
        load.close()
        print(f"{good:,} answers, {failures} failures, ledger gap {good - recorded(service)}")


def recorded(service: Service) -> int:
    """Answers in the ledger; each is of one creative."""
    with closing(sqlite3.connect(f"file:{service.folder}/ledger.db?mode=ro", uri=True)) as ledger:
        return int(ledger.execute("SELECT count(*) FROM gpmcast_answers").fetchone()[0])


if __name__ == "__main__":
    main()
