"""CPU time of an answer that comes alone, after pauses of several lengths: computed, through the thread, recorded.

    python -m benchmarks.lone_answer [--bundle FOLDER] [--times 100]

All kinds take turns in one process, so that other load of the machine meets each alike. What a pause adds is what the
processor has forgotten meanwhile (caches, address translations, branches): nothing else runs in this process.
"""

import argparse
import asyncio
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import orjson
import uvloop
from lightgbm import Booster

from benchmarks.serving_speed import make_bodies
from serving.compute.compute import Compute
from serving.compute.work import RawRequest, compute_one
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle
from serving.ledger.record import LedgerRecord
from serving.ledger.writer import Ledger
from serving.settings import Limits, ServiceSettings

PAUSES_MS = (0, 2, 20)
"""20: 50 answers a second."""
MOST = Limits().creatives
Kind = Callable[[], Awaitable[object]]


def main() -> None:
    """Print a line per kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="a bundle folder; else the champion")
    parser.add_argument("--times", type=int, default=100)
    options = parser.parse_args()
    loaded = load_model(options.bundle or find_bundle(ServiceSettings()).folder)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(f"sqlite:///{folder}/ledger.db")
        uvloop.run(measure(loaded, ledger, options.times))
        ledger.close()


async def measure(loaded: LoadedModel, ledger: Ledger, times: int) -> None:
    """Median CPU milliseconds of this process, all threads, per kind and pause."""

    async def record(one: LedgerRecord) -> dict[str, str]:
        await ledger.record(one)
        return {}

    plain, recording = Compute(lambda: loaded, Limits()), Compute(lambda: loaded, Limits(), record)
    kinds = kinds_of(loaded, ledger, plain, recording)
    print(f"{'milliseconds of CPU after a pause of':40}" + "".join(f"{pause:7} ms" for pause in PAUSES_MS))
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for pause in PAUSES_MS:
        spent: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(times):
            for name, kind in kinds.items():
                await kind()  # what the kind before it has displaced comes back
                await asyncio.sleep(pause / 1000)
                before = time.process_time()
                await kind()
                spent[name].append(time.process_time() - before)
        for name, seconds in spent.items():
            found[name].append(float(np.median(seconds)) * 1000)
    for name, medians in found.items():
        print(f"{name:40}" + "".join(f"{median:10.2f}" for median in medians))
    plain.close()
    recording.close()


def kinds_of(loaded: LoadedModel, ledger: Ledger, plain: Compute, recording: Compute) -> dict[str, Kind]:
    """What is measured, by name."""
    body = make_bodies(loaded)["one"]

    def request() -> RawRequest:
        return RawRequest("predict", body, uuid.uuid4().hex, "anyone", time.monotonic() + 60)

    (booster, *_) = sorted(loaded.model.boosters.values(), key=Booster.num_trees, reverse=True)
    row = np.zeros((1, booster.num_feature()))
    answered = compute_one(loaded, request(), MOST).record
    assert answered is not None

    async def in_the_loop() -> object:
        return compute_one(loaded, request(), MOST)

    async def bare() -> object:
        return orjson.loads(body), booster.predict(row, num_threads=1)

    async def recorded() -> object:
        return await ledger.record(replace(answered, request_id=uuid.uuid4().hex))

    async def answer(compute: Compute) -> object:
        return await compute.answer(request())

    return {
        "JSON and one head, as the bare application": bare,
        "computed in the event loop": in_the_loop,
        "computed in the thread": partial(answer, plain),
        "computed in the thread and recorded": partial(answer, recording),
        "recorded alone": recorded,
    }


if __name__ == "__main__":
    main()
