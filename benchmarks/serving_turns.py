"""Compare the service of this checkout with that of another one on a machine that does other things too.

    python -m benchmarks.serving_turns --other CHECKOUT [--bundle FOLDER] [--workers 2] [--rounds 12]

Both services run at once, with the interpreter and the packages of this checkout, and take turns of a second or two:
only one is asked at a time, so other load meets both alike. Prints medians over the turns, and the median of the
ratios of neighbouring turns (this ÷ other). Of a rate, more is better; of CPU and latency, less.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.serving_client import Latencies, Load
from benchmarks.serving_processes import Service, gpmcast
from benchmarks.serving_speed import RATE, WARM, make_bodies
from serving.inference.loaded_model import load_model
from serving.inference.model_watcher import find_bundle
from serving.settings import ServiceSettings

SHOWN = ("answers a second", "ms CPU an answer", "p50, ms", "p99, ms")
WAYS: tuple[tuple[str, int, Callable[[Load], Latencies]], ...] = (
    (f"{RATE:.0f} a second", 16, lambda load: load.at_rate(RATE, 2.0)),
    ("1 client", 1, lambda load: load.one_after_the_other(150)),
    ("4 clients", 4, lambda load: load.one_after_the_other(300)),
    ("16 clients", 16, lambda load: load.one_after_the_other(1000)),
)
"""How is asked: its name, connections, one turn."""


def main() -> None:
    """Print a block for each way of asking."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--other", type=Path, required=True, help="a checkout, such as of the commit before a change")
    parser.add_argument("--bundle", type=Path, help="a bundle folder that both read; else the champion")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    options = parser.parse_args()
    bundle = options.bundle or find_bundle(ServiceSettings()).folder
    body = make_bodies(load_model(bundle))["one"]
    with gpmcast(bundle, options.workers) as this, gpmcast(bundle, options.workers, options.other) as other:
        for label, clients, ask in WAYS:
            take_turns(label, [this, other], body, clients, options.rounds, ask)


def take_turns(
    label: str, services: list[Service], body: bytes, clients: int, rounds: int, ask: Callable[[Load], Latencies]
) -> None:
    """Ask both services again and again, one at a time, and print what came of it."""
    loads = [Load(service.port, body, clients) for service in services]
    for load in loads:
        load.one_after_the_other(WARM)
    found = np.empty((rounds, len(services), len(SHOWN)))
    for number in range(rounds):
        for place in (0, 1) if number % 2 else (1, 0):
            found[number, place] = one_turn(services[place], loads[place], ask)
    for load in loads:
        load.close()
    medians, ratios = np.median(found, axis=0), np.median(found[:, 0] / found[:, 1], axis=0)
    for shown, this, other, ratio in zip(SHOWN, *medians, ratios):
        print(f"{label:14} {shown:18} {this:9.2f} {other:9.2f} {ratio:7.2f} ×", flush=True)


def one_turn(service: Service, load: Load, ask: Callable[[Load], Latencies]) -> npt.NDArray[np.float64]:
    """What `SHOWN` names, of one turn."""
    before = service.cpu_seconds()
    found = ask(load)
    if found.failures:
        raise RuntimeError(f"{found.failures} requests failed")
    spent = (service.cpu_seconds() - before) / len(found.milliseconds) * 1000
    return np.array([found.rate, spent, found.quantile(0.5), found.quantile(0.99)])


if __name__ == "__main__":
    main()
