"""Measure `make score` on a ledger: seconds of reading and of computing, and most memory.

    python -m benchmarks.score_speed [--answers 100000]

The answers are those of a world (`benchmarks.score_world`), recorded in a new SQLite ledger as the service does it,
with 300 features each.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Hashable, Mapping
from pathlib import Path

import numpy as np

from benchmarks.score_world import RATES, PastWorld, past_world
from configs.settings import Settings
from serving.ledger.database import Database
from serving.ledger.record import LedgerRecord, RecordedModel, recorded_creatives
from serving.score.past_answers import answers_of, ledger_rows
from training.track_record.record import track_record

FEATURES = 300
BATCH = 500
"""Creatives of one recorded request."""
ABOUT = {
    "name": "gpmcast-world", "version": "1", "trained_until": "2026-01-26T00:00:00", "basis": "net_1h",
    "history_until": "2026-01-26T00:00:00", "outcome_days": 7, "time_zone": "Asia/Shanghai",
}  # fmt: skip


def main() -> None:
    """Print seconds and memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--answers", type=int, default=100_000, help="recorded answers")
    options = parser.parse_args()
    world = past_world(0, "none", days=120, running=options.answers // 112)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        count = record(world, url, options.answers)
        size = Path(folder, "ledger.db").stat().st_size
        print(f"{count:,} answers in a ledger of {size / 1e6:,.0f} MB; {len(world.loaded.metrics):,} rows of metrics")
        began, before = time.perf_counter(), time.process_time()
        answers = answers_of(ledger_rows(url))
        read = time.perf_counter()
        found = track_record(answers, world.loaded, Settings(), url)
        done, spent = time.perf_counter(), time.process_time() - before
    print(
        f"read {read - began:.1f} s, scored {done - read:.1f} s, together {done - began:.1f} s; "
        f"{spent:.1f} s of CPU time"
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"scored {len(found.matured.table):,} with outcomes; most memory of this process {memory:.0f} MB")


def record(world: PastWorld, url: str, most: int) -> int:
    """Write the answers of the world into a new ledger, many to a request; how many."""
    database, model = Database(url), RecordedModel("gpmcast-world", "1", [f"f{n}" for n in range(FEATURES)], ABOUT)
    values = np.random.default_rng(0).standard_normal((BATCH, FEATURES))
    rows = world.answers.head(most)
    for first in range(0, len(rows), BATCH):
        part = rows.iloc[first : first + BATCH]
        told = [_told(row) for row in part.to_dict("records")]
        creatives = recorded_creatives(
            told, values[: len(part)], part["age_hours"].to_numpy(), part["cutoff"].to_numpy("datetime64[us]")
        )
        at = f"{part['at'].iloc[0]:%Y-%m-%dT%H:%M:%S}.000000+00:00"
        database.write([LedgerRecord(f"r{first:08d}", at, "anyone", "predict", model, "0" * 64, creatives)])
    database.close()
    return len(rows)


def _told(row: Mapping[Hashable, object]) -> dict[str, object]:
    roi = {"value": row["predicted_net_roi"], "low": row["net_roi_low"], "high": row["net_roi_high"]}
    warning = {"code": "pace_unknown", "zh": "只给了累计数据，看不到近几天的走势。", "en": "sums do not show the trend"}
    return {
        **{name: row[name] for name in ("creative_id", "account_id", "promotion_type")},
        "age_hours": row["age_hours"],
        "stages": {name: {"value": row[f"stage_{name}"]} for name in RATES},
        "targets": dict.fromkeys(("gpm", "net_gpm", "roi", "net_roi", "later_impressions"), roi),
        "asked_roi": row["asked_roi"],
        "chance_of_target": row["chance"],
        "hit_chance": row["hit_chance"],
        "verdict": {
            "name": row["decision"],
            "zh": "净ROI达到 2.00 的概率为 40%。",
            "en": "40% chance of a net ROI of 2.00.",
        },
        "evidence": {"clicks": 71.0, "orders": None},
        "warnings": [warning],
    }


if __name__ == "__main__":
    main()
