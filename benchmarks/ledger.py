"""Measure the ledger: CPU time and waiting per answer, batches, and reading.

    python -m benchmarks.ledger [--bundle FOLDER] [--url URL] [--rows 100000]

Answers of the model are recorded as the service does it; each client records its next answer once the one before is in
the database. The database is a new SQLite file, or the one of `--url`, whose ledger tables are dropped.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import orjson

from benchmarks.serving_speed import cpu, make_bodies
from serving.api.requests import PredictRequest
from serving.api.validation import parse_request
from serving.inference.loaded_model import LoadedModel, load_model
from serving.inference.model_watcher import find_bundle
from serving.inference.predict import predictions
from serving.ledger.reading import read
from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.ledger.tables import TABLES, connect
from serving.ledger.writer import Ledger
from serving.settings import ServiceSettings

ANSWERS = 4000


def main() -> None:
    """Print every measurement."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bundle", type=Path, help="default: the champion")
    parser.add_argument("--url", help="SQLAlchemy URL; its ledger tables are dropped")
    parser.add_argument("--rows", type=int, default=100_000, help="recorded answers that are read")
    options = parser.parse_args()
    loaded = load_model(options.bundle or find_bundle(ServiceSettings()).folder)
    records = make_records(loaded)
    row = records[0].creatives[0]
    print(f"a recorded creative: {len(row.answer):,} bytes of answer, {len(row.features):,} of features, "
          f"{records[0].size:,} counted while it waits")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        url = options.url or f"sqlite:///{folder}/ledger.db"
        for clients in (1, 4, 16):
            with opened(url) as ledger:
                print_clients(ledger, records, clients)
        with opened(url) as ledger:
            print_batches(ledger, records)
        with opened(url) as ledger:
            print_reading(ledger, url, records, options.rows)
    print(f"most memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def make_records(loaded: LoadedModel) -> list[LedgerRecord]:
    """The records of 500 answers of one creative each; prints what it takes to make one."""
    body = orjson.dumps({**orjson.loads(make_bodies(loaded)["many"]), "explain": False})
    request = parse_request(PredictRequest, body, loaded.vocabulary)
    done = predictions(loaded, request.creatives, now=loaded.history_until)

    def encoded() -> object:
        return recorded_creatives(done.answers, done.values, done.age_hours, done.cutoffs)

    print(f"encoding an answer: {cpu(encoded, 10) / len(done.answers):.3f} ms CPU")
    about = {**loaded.identity, "time_zone": loaded.zone.key}
    model = RecordedModel(loaded.name, loaded.version, loaded.feature_names, about)
    creatives = recorded_creatives(done.answers, done.values, done.age_hours, done.cutoffs)
    return [LedgerRecord("", "", "anyone", "predict", model, "0" * 64, (one,)) for one in creatives]


def fresh(record: LedgerRecord) -> LedgerRecord:
    """The same answer to another request, now."""
    at = datetime.now(UTC).isoformat(timespec="microseconds")
    return replace(record, request_id=uuid.uuid4().hex, at=at)


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    """A ledger with empty tables that is ready."""
    engine = connect(url)
    TABLES.drop_all(engine)
    engine.dispose()
    told: list[bool] = []
    ledger = Ledger(url, on_up=told.append)
    while not told or not ledger.healthy:
        time.sleep(0.01)
    yield ledger
    ledger.close()


def print_clients(ledger: Ledger, records: list[LedgerRecord], clients: int) -> None:
    """Record ANSWERS answers, so many at a time."""
    waits: list[float] = []

    async def client(first: int) -> None:
        for number in range(first, ANSWERS, clients):
            record = fresh(records[number % len(records)])
            began = time.perf_counter()
            if (outcome := await ledger.record(record)) != "kept":
                sys.exit(f"an answer is {outcome}")
            waits.append(time.perf_counter() - began)

    async def all_clients() -> None:
        await asyncio.gather(*(client(first) for first in range(clients)))

    before, began = time.process_time(), time.perf_counter()
    asyncio.run(all_clients())
    spent, passed = time.process_time() - before, time.perf_counter() - began
    p50, p99 = np.quantile(waits, [0.5, 0.99]) * 1000
    each = spent / ANSWERS * 1000
    print(f"{clients:2d} at a time: {each:.3f} ms CPU per answer, p50 {p50:.2f} ms, p99 {p99:.2f} ms, "
          f"{ANSWERS / passed:,.0f} per second")  # fmt: skip


def print_batches(ledger: Ledger, records: list[LedgerRecord]) -> None:
    """Record 20 batches of 500 creatives, one after the other."""
    creatives = tuple(record.creatives[0] for record in records)

    async def batches() -> None:
        for _ in range(20):
            await ledger.record(replace(fresh(records[0]), creatives=creatives))

    before, began = time.process_time(), time.perf_counter()
    asyncio.run(batches())
    spent, passed = time.process_time() - before, time.perf_counter() - began
    print(f"a batch of {len(creatives)}: {spent / 20 * 1000:.1f} ms CPU, {passed / 20 * 1000:.1f} ms")


def print_reading(ledger: Ledger, url: str, records: list[LedgerRecord], rows: int) -> None:
    """Record so many answers, and read them."""

    async def many() -> None:
        for first in range(0, rows, 200):
            await asyncio.gather(*(ledger.record(fresh(records[n % len(records)])) for n in range(first, first + 200)))

    asyncio.run(many())
    engine = connect(url)
    for features in (False, True):
        began = time.perf_counter()
        found = sum(1 for _ in read(engine, features=features))
        with_them = "with" if features else "without"
        print(f"reading {found:,} answers {with_them} features: {time.perf_counter() - began:.1f} s")
    creative = records[0].creatives[0].creative_id
    began = time.perf_counter()
    found = sum(1 for _ in read(engine, creative_id=creative))
    print(f"reading the {found:,} answers of one creative: {(time.perf_counter() - began) * 1000:.0f} ms")
    engine.dispose()


if __name__ == "__main__":
    main()
