"""Measure the service beside the bare application (`serving_bare`) in one run: the table of docs/performance.md.

    python -m benchmarks.serving_speed [--bundle FOLDER] [--seconds 20] [--many 20000]

Starts its own services on loopback and prints a line per measurement as it comes, then all as a Markdown table with
the targets. Latencies depend on what else the machine does; ratios are measured in the same run.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.serving_client import Load
from benchmarks.serving_processes import Service, bare, cpu_seconds, floor_seconds, gpmcast, memory_mb
from serving.api.requests import PredictRequest, listed
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle, self_test_creatives
from serving.inference.predict import predictions
from serving.settings import ServiceSettings

HOURS = 6
"""Of metrics that the creative has."""
RATE = 50.0
ALL = 1000
"""Features listed in a full explanation: every one."""
WARM = 200
"""Requests before measuring starts."""
CLIENTS = (1, 4, 16)
KEPT = (4, 16, 48)


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: Is measured.
        service: The service's figure.
        bare: The bare application's, if there is one.
        unit: Of both.
        target: In words; empty: none.
        ratio: Service ÷ bare.
    """

    what: str
    service: float
    bare: float | None = None
    unit: str = "ms"
    target: str = ""

    @property
    def ratio(self) -> float | None:
        """Service ÷ bare."""
        return self.service / self.bare if self.bare else None

    def cells(self) -> list[str]:
        """What, service, bare, ratio, target."""
        show = {"ms": "{:.2f} ms", "MB": "{:.0f} MB", "/s": "{:.0f} /s", "s": "{:.1f} s", "%": "{:.0f} %"}[self.unit]
        other = "" if self.bare is None else show.format(self.bare)
        return [
            self.what,
            show.format(self.service),
            other,
            "" if self.ratio is None else f"{self.ratio:.2f} ×",
            self.target,
        ]


class Table:
    """The rows so far; each is printed when it comes."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def add(self, *row: object, **more: object) -> None:
        """Take a row and print it."""
        self.rows.append(Row(*row, **more))  # type: ignore[arg-type]
        print(
            "  ".join(f"{cell:{width}}" for cell, width in zip(self.rows[-1].cells(), (58, 12, 12, 10, 0))), flush=True
        )

    def markdown(self) -> str:
        """All rows."""
        lines = [["measured", "service", "bare", "ratio", "target"], ["---"] * 5, *(row.cells() for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print every measurement, then the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion")
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of each measurement")
    parser.add_argument("--many", type=int, default=20_000, help="requests over which memory is watched")
    options = parser.parse_args()
    bundle = options.bundle or find_bundle(ServiceSettings()).folder
    served = load_model(bundle)
    bodies = make_bodies(served)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {len(served.catalogue)} features, "
          f"{sum(b.num_trees() for b in served.model.boosters.values()):,} trees")  # fmt: skip
    table = Table()
    in_process(served, bodies, table)
    with bare(bundle) as plain, gpmcast(bundle) as service:
        table.add(
            "start to ready (bare: import of bentoml, numpy, lightgbm)",
            service.seconds_to_ready,
            floor_seconds(),
            "s",
            "≤ 6 s",
        )
        one_worker(service, plain, bodies, options.seconds, table)
        memory(service, bodies["one"], options.many, table)
        beside_batches(service, bodies, options.seconds, table)
    with bare(bundle, 2) as plain, gpmcast(bundle, 2) as service:
        throughput(service, plain, bodies["one"], options.seconds, table, workers=2)
        shares(service, bodies["one"], options.seconds, table)
    print(f"\n{table.markdown()}")


def make_bodies(served: LoadedModel) -> dict[str, bytes]:
    """Request bodies: one creative with hourly metrics, plain, explained and explained in full; 500 likewise."""
    new, runs = (one.model_dump(mode="json", exclude_none=True) for one in self_test_creatives(served))
    (row,) = runs["metrics"]
    start = served.as_of.moment.to_numpy().astype("datetime64[s]") - np.timedelta64(HOURS, "h")
    hours = [start + np.timedelta64(hour, "h") for hour in range(HOURS + 1)]
    runs["metrics"] = [{**row, "period_start": str(begin), "period_end": str(end)} for begin, end in pairwise(hours)]
    many = [{**(runs if place % 2 else new), "creative_id": f"c{place}"} for place in range(500)]
    return {
        "one": json.dumps({"creatives": [runs]}).encode(),
        "explained": json.dumps({"creatives": [runs], "explain": True}).encode(),
        "full": json.dumps({"creatives": [runs], "explain": True, "top": ALL}).encode(),
        "many": json.dumps({"creatives": many, "explain": True}).encode(),
        "many_full": json.dumps({"creatives": many, "explain": True, "top": ALL}).encode(),
    }


def in_process(served: LoadedModel, bodies: dict[str, bytes], table: Table) -> None:
    """CPU times of parsing and predicting in this process."""
    kinds = (
        ("one", "one creative", 100),
        ("explained", "the same explained", 100),
        ("full", "the same explained in full", 100),
        ("many", "500 explained", 2),
        ("many_full", "500 explained in full", 2),
    )
    for name, label, times in kinds:
        request = parse_request(PredictRequest, bodies[name], served.vocabulary)

        def work(request: PredictRequest = request) -> None:
            top = listed(request)
            predictions(served, request.creatives, now=served.history_until, explain=request.explain, top=top)

        table.add(f"CPU of {label}, in process", cpu(work, times))


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


def one_worker(service: Service, plain: Service, bodies: dict[str, bytes], seconds: float, table: Table) -> None:
    """CPU and latency at a fixed rate, throughput, and a batch."""
    at_rate = {}
    kinds = (
        ("service", "one", service),
        ("bare", "one", plain),
        ("explained", "explained", service),
        ("full", "full", service),
    )
    for name, which, of in kinds:
        load = Load(of.port, bodies[which], 16)
        load.one_after_the_other(WARM)
        before = of.cpu_seconds()
        found = load.at_rate(RATE, seconds)
        at_rate[name] = (of.cpu_seconds() - before) / len(found.milliseconds) * 1000, found
        load.close()
        if found.failures:
            print(f"{name}: {found.failures} failures")
    (own, found), (other, found_bare), (explained, found_explained), (full, found_full) = at_rate.values()
    table.add("CPU of an answer, one creative, 50/s", own, other, target="≤ 3 ×")
    table.add("p50, 50/s", found.quantile(0.5), found_bare.quantile(0.5), target="≤ 2 ×")
    table.add("p99, 50/s", found.quantile(0.99), found_bare.quantile(0.99), target="≤ 3 ×")
    table.add("CPU explained, 50/s", explained, other)
    table.add("p50 explained, 50/s", found_explained.quantile(0.5), found_bare.quantile(0.5))
    table.add("CPU explained in full, 50/s", full, other, target="≤ 4 ×")
    table.add("p50 explained in full, 50/s", found_full.quantile(0.5), found_bare.quantile(0.5))
    throughput(service, plain, bodies["one"], seconds, table, workers=1)
    one = Load(plain.port, bodies["one"], 1)
    alone = one.one_after_the_other(500).quantile(0.5)
    one.close()
    for name, label in (("many", "explained"), ("many_full", "explained in full")):
        many = Load(service.port, bodies[name], 1)
        many.one_after_the_other(1)
        before = service.cpu_seconds()
        batch = many.one_after_the_other(5)
        spent = (service.cpu_seconds() - before) / 5 * 1000
        many.close()
        table.add(f"500 creatives {label}, p50 (bare: one)", batch.quantile(0.5), alone, target="≤ 40 ×")
        table.add(f"500 creatives {label}, CPU (bare: one, 50/s)", spent, other)


def throughput(service: Service, plain: Service, body: bytes, seconds: float, table: Table, *, workers: int) -> None:
    """Answers a second of clients that each ask again at once; with the most clients also where the CPU time goes."""
    for clients in CLIENTS:
        rates, own, clients_own = [], [], []
        for of in (service, plain):
            load = Load(of.port, body, clients)
            count = max(int(load.one_after_the_other(WARM).rate * seconds / 2), clients)
            before, client_before = of.cpu_seconds(), time.process_time()
            found = load.one_after_the_other(count)
            clients_own.append((time.process_time() - client_before) / count * 1000)
            own.append((of.cpu_seconds() - before) / count * 1000)
            load.close()
            rates.append(found.rate)
            if found.failures:
                print(f"{found.failures} failures")
        target = "≥ .35 ×" if (clients, workers) == (16, 2) else ""
        where = f"{clients} clients, {workers} worker{'s' * (workers > 1)}"
        table.add(f"throughput, {where}", *rates, "/s", target)
        if clients == CLIENTS[-1]:
            table.add(f"CPU of an answer, {where}", *own)
            table.add(f"CPU of the client for it, {where}", *clients_own)


def memory(service: Service, body: bytes, many: int, table: Table) -> None:
    """Memory of the worker and of its process of large requests, before and after many requests."""
    (worker,), (batch,) = service.workers(), service.batch_processes()
    before = memory_mb(worker)
    load = Load(service.port, body, 4)
    found = load.one_after_the_other(many)
    load.close()
    table.add("memory of a worker", before, unit="MB", target="≤ 350 MB")
    table.add(
        f"memory of a worker {many:,} requests later ({found.failures} failures)",
        memory_mb(worker),
        unit="MB",
        target="flat",
    )
    table.add("memory of its process of large requests", memory_mb(batch), unit="MB")


def beside_batches(service: Service, bodies: dict[str, bytes], seconds: float, table: Table) -> None:
    """Latency of one creative while two clients send batches of 500 one after the other."""
    load = Load(service.port, bodies["one"], 16)
    with batches_of_others(service.port, bodies["many"], 2):
        time.sleep(2.0)
        found = load.at_rate(RATE, seconds)
    load.close()
    table.add("p50 beside two clients with batches of 500, 50/s", found.quantile(0.5))
    table.add("p99 beside them", found.quantile(0.99))


@contextmanager
def batches_of_others(port: int, body: bytes, clients: int) -> Iterator[None]:
    """A process of its own that sends this body again and again."""
    code = """if True:
        import sys
        from pathlib import Path
        from benchmarks.serving_client import Load
        Load(int(sys.argv[1]), Path(sys.argv[2]).read_bytes(), int(sys.argv[3])).one_after_the_other(10**9)
    """
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        process = subprocess.Popen([sys.executable, "-c", code, str(port), file.name, str(clients)])
        try:
            yield
        finally:
            process.kill()
            process.wait()


def shares(service: Service, body: bytes, seconds: float, table: Table) -> None:
    """Share of the CPU time that the busier of two workers takes, under kept connections."""
    for clients in KEPT:
        load = Load(service.port, body, clients)
        load.one_after_the_other(WARM)
        before = {pid: cpu_seconds(pid) for pid in service.workers()}
        load.one_after_the_other(int(load.one_after_the_other(WARM).rate * seconds / 2))
        load.close()
        spent = [cpu_seconds(pid) - then for pid, then in before.items()]
        table.add(
            f"share of the busier of two workers, {clients} connections",
            100 * max(spent) / sum(spent),
            unit="%",
            target="even",
        )


if __name__ == "__main__":
    main()
