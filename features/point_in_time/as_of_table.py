"""The as-of table: sums of every creative at one moment, one row each: all that predictions need of other creatives.

A bundle keeps it as files (Parquet for the sums, JSON for the moment and the columns). The service and batch
predictions take the sums over others from it, training at each snapshot's own cutoff from the rows of metrics
(`features.point_in_time.counts.SumsInMemory`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from configs.settings import Settings
from features.funnel import Funnel
from features.point_in_time.counts import SumsInMemory
from features.point_in_time.entity_history import Entity
from features.point_in_time.market import Market
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import launches
from features.schema import KEY, NUMBERS, VALUES

TABLE = "asof.parquet"
ABOUT = "asof.json"

LAUNCHED, RECENT, LIVE = "launched", "recent_launches", "live"
REPORTED = "reported_until"
MARKET_PREFIX, HISTORY_PREFIX, LONG_AGO_PREFIX = "market:", "hist:", "long_ago:hist:"
IDS = ("account_id", "product_id", "creator_id")
"""Columns of ids whose history counts."""


@dataclass(frozen=True)
class AsOf:
    """What a bundle keeps of the data it was made from.

    Attributes:
        moment: Strictly before which things were known.
        metrics: Value columns of metrics that the data had.
        ranges: Number of creatives, or `age_hours` → the least and the greatest that the data had.
        table: Of `as_of_table`.
    """

    moment: pd.Timestamp
    metrics: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    table: pd.DataFrame

    @property
    def ids(self) -> dict[str, frozenset[str]]:
        """Account, product, KOC, as far as the model uses them → those of the data."""
        return _ids(self.table)


def as_of(rows: MetricRows, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
    """What was known at the end of the last period."""
    moment = pd.Timestamp(rows.ends.max())
    table = as_of_table(rows, funnel, shared, settings, moment)
    values = tuple(name for name in VALUES if name in rows.values)
    numbers = rows.creatives.select([name for name in NUMBERS if name in rows.creatives]).frame()
    return AsOf(moment, values, ranges(numbers, launches(rows).frame(rows.creatives)), table)


def write_as_of(folder: Path, known: AsOf) -> None:
    """Write both files into a folder that exists."""
    known.table.to_parquet(folder / TABLE, index=False, compression="zstd")
    about = {"moment": known.moment.isoformat(), "metrics": known.metrics, "ranges": known.ranges}
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def read_ids(folder: Path) -> dict[str, frozenset[str]]:
    """Read the ids alone, as `AsOf.ids`; empty for a bundle that was written without an as-of table."""
    if not (folder / TABLE).is_file():
        return {}
    held = [name for name in IDS if name in pq.read_schema(folder / TABLE).names]
    return _ids(pd.read_parquet(folder / TABLE, columns=held))


def _ids(table: pd.DataFrame) -> dict[str, frozenset[str]]:
    return {name: frozenset(table[name].dropna()) for name in IDS if name in table}


def read_as_of(folder: Path) -> AsOf:
    """Read what `write_as_of` wrote; the caller has checked the files.

    Raises:
        FileNotFoundError: The bundle was written without them.
    """
    about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    table = pd.read_parquet(folder / TABLE)
    found = {name: (low, high) for name, (low, high) in about["ranges"].items()}
    return AsOf(pd.Timestamp(about["moment"]).as_unit("us"), tuple(about["metrics"]), found, table)


def ranges(creatives: pd.DataFrame, born: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Least and greatest of every number of creatives and of their ages, given when each was launched."""
    numbers = creatives[[name for name in NUMBERS if name in creatives]].reset_index(drop=True)
    numbers = numbers.assign(age_hours=(born["last_end"] - born["launched_at"]).to_numpy() / np.timedelta64(1, "h"))
    return {
        str(name): (float(known.min()), float(known.max())) for name in numbers if len(known := numbers[name].dropna())
    }


def life_ranges(table: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Value column of metrics → 0 and the largest sum over a creative's life in a table of `as_of_table`."""
    largest: dict[str, float] = {}
    for column in table:
        name = str(column).rpartition(":")[2]
        if str(column).startswith(MARKET_PREFIX) and name in VALUES:
            largest[name] = max(float(table[column].max()), largest.get(name, 0.0))
    return {name: (0.0, most) for name, most in largest.items() if most > 0}


def as_of_table(
    rows: MetricRows,
    funnel: Funnel,
    shared: Sequence[Entity],
    settings: Settings,
    moment: pd.Timestamp,
    market: Market | None = None,
) -> pd.DataFrame:
    """What each creative contributes, strictly before a moment, to the sums over everything that it shares.

    Args:
        rows: Rows of metrics.
        funnel: The funnel.
        shared: What creatives share.
        settings: Of the run.
        moment: The moment.
        market: Of all creatives, where these are a part of them.

    Returns:
        One row per creative: KEY and the columns of the entities; `market:s:f`, `hist:…` and `long_ago:hist:…` (the
        sums behind `features.point_in_time.entity_history`), `launched`, `recent_launches` and `live` (for how many
        creatives it counts: 0 or 1), and `reported_until` (end of the last period of its account; NaT without any).
    """
    count = len(rows.creatives)
    everyone = np.arange(count, dtype=np.int64)
    moments = np.full(count, int(moment.timestamp()), dtype=np.int64)
    own = SumsInMemory.of(rows, everyone, moments, funnel, shared, settings, market).own
    columns = {MARKET_PREFIX + name: values for name, values in zip(own.market_figures, own.market)}
    columns |= {HISTORY_PREFIX + name: values for name, values in zip(own.figures, own.history)}
    columns |= {LONG_AGO_PREFIX + name: values for name, values in zip(own.figures, own.long_ago)}
    columns |= {LAUNCHED: own.history[-1], RECENT: own.activity[1], LIVE: own.activity[0]}
    end = np.minimum(rows.account_until, np.datetime64(moment.to_pydatetime(), "us"))
    attributes = dict.fromkeys(column for entity in shared for column in entity.columns)
    names = dict.fromkeys([*KEY, *(name for name in attributes if name in rows.creatives)])
    return rows.creatives.select(names).assign({**columns, REPORTED: end}).frame()
