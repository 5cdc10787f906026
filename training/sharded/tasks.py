"""The tasks of a sharded run: each processes one part of the data, or one bucket of the partial sums of all parts.

Plain functions that read and write tables, the same wherever they run. A table that exists is not computed again.

History crosses parts, because creatives of several accounts share entities. `count_within` writes each part's partial
sums and the sums that it requests, by bucket of entity values; `resolve` computes the requested sums of one bucket from
the partial sums of all parts; `assemble` joins them to the counts of each part. Sums are exact, so the result equals
that of one frame to the last bit.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.arrays import Floats
from features.funnel import Funnel
from features.partitions.manifest import Partition, PartitionedDataset
from features.partitions.reader import read_part
from features.point_in_time.account_activity import activity_columns
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.as_of_table import as_of_table
from features.point_in_time.availability import TotalsUntil, availabilities_of, counted_rows
from features.point_in_time.counts import SumsInMemory, held_values, joined, observe, own_counts
from features.point_in_time.entity_history import Contributions, Entity, history_columns, market_columns
from features.point_in_time.market import Market, market_tables
from features.point_in_time.metric_rows import MetricRows, unit_codes
from features.point_in_time.number_columns import NumberColumns
from features.point_in_time.partial_sums import (
    KEY,
    BucketSums,
    bucket_of,
    partial_sums,
    requested_sums,
    resolved_entities,
    tables_exchanged,
)
from features.point_in_time.snapshots import latest_snapshots, launches, snapshot_frame, snapshot_table, snapshots
from features.point_in_time.windowed_sums import seconds
from features.schema import Loaded
from training.labels.outcomes import outcomes
from training.sharded.work import Work

IN_HISTORY, LONG_AGO, OWN_LAUNCHES = "history:", "long_ago:", "launched"
BEFORE, AFTER = "before:", "after:"
"""Prefixes of columns of the table `within`: what the own creative contributes, and counts before and after history."""


@dataclass(frozen=True)
class Job:
    """The inputs that the tasks of one kind share.

    Attributes:
        dataset: Location of the parts; without their list, which grows with the data.
        root: Of the folder of tables; may hold a password.
        funnel: The funnel.
        shared: Entities that creatives share.
        settings: Of the run.
        facts: Folder of the tables that depend on all of the above.
        request: Folder of the tables of some snapshots.
        buckets: Over how many buckets the partial sums are spread.
    """

    dataset: PartitionedDataset
    root: str = field(repr=False)
    funnel: Funnel
    shared: tuple[Entity, ...]
    settings: Settings
    facts: str
    request: str = ""
    buckets: int = 1

    def market(self, work: Work) -> Market:
        """The market of all parts (`training.sharded.source.market_sums`)."""
        availabilities = availabilities_of(self.funnel.stages)
        return Market({name: work.get(f"{self.facts}/market/{name}") for name in availabilities})


def survey(job: Job, part: Partition) -> None:
    """Survey a part: `launches`, `snapshots`, `value_columns` (those not empty), its contribution to the market."""
    work = Work(job.root)
    if work.done(f"{job.facts}/value_columns/{part.name}"):
        return
    loaded = read_part(job.dataset, part)
    rows = MetricRows.of(loaded)
    launched = launches(rows)
    work.put(f"{job.facts}/launches/{part.name}", launched.frame(rows.creatives))
    found = snapshots(rows, job.settings.ages_hours, weekly=job.settings.weekly, launched=launched)
    work.put(f"{job.facts}/snapshots/{part.name}", snapshot_frame(found, rows.creatives))
    reported = counted_rows(rows, job.funnel, job.settings)
    promotion_types = rows.creatives.categories("promotion_type")
    for availability, table in market_tables(reported, promotion_types, job.funnel.stages).items():
        work.put(f"{job.facts}/market_{availability}/{part.name}", table)
    columns = pd.Series(held_values(loaded.metrics), dtype="str")
    work.put(f"{job.facts}/value_columns/{part.name}", pd.DataFrame({"name": columns}))


def count_within(job: Job, part: Partition) -> None:
    """Count within a part: its partial sums, the sums that it requests, its counts within the part, and outcomes."""
    work = Work(job.root)
    if work.done(f"{job.request}/within/{part.name}"):
        return
    rows = MetricRows.of(read_part(job.dataset, part))
    frame = work.get(f"{job.request}/rows/{part.name}")
    table = snapshot_table(frame, unit_codes(frame, rows.creatives.select(frame.columns[:3]).frame()))
    codes = work.get(f"{job.facts}/codes/{part.name}").to_numpy(np.int64)
    units, moments = table["unit"], seconds(table["cutoff"])
    before = own_counts(table, rows, job.funnel, job.settings)
    sums = SumsInMemory.of(rows, units, moments, job.funnel, job.shared, job.settings, job.market(work))
    for name, partial in partial_sums(sums, codes).items():
        _put_by_bucket(work, f"{job.request}/partial_{name}", partial, part, job.buckets)
    _put_by_bucket(work, f"{job.request}/requested", requested_sums(sums, codes), part, job.buckets)
    work.put(f"{job.request}/outcome/{part.name}", outcomes(frame, rows, job.funnel, job.settings))
    before |= market_columns(sums.market(), sums.own)
    after = activity_columns(*sums.activity(), sums.own)
    work.put(f"{job.request}/within/{part.name}", _flat(before, after, sums.own))


def resolve(job: Job, item: tuple[int, tuple[str, ...]]) -> None:
    """Resolve a bucket: the sums that the parts of these names requested, from the partial sums of all."""
    bucket, parts = item
    work, finished = Work(job.root), f"{job.request}/resolved_buckets/{item[0]}"
    if work.done(finished):
        return
    tables = {
        name: pd.concat(
            [work.get(f"{job.request}/partial_{name}/{bucket}/{part}") for part in parts], ignore_index=True
        )
        for name in tables_exchanged(job.funnel.stages)
    }
    sums = BucketSums(tables)
    for part in parts:
        requested = work.get(f"{job.request}/requested/{bucket}/{part}")
        work.put(f"{job.request}/resolved/{part}/{bucket}", sums.resolve(requested))
    work.put(finished, pd.DataFrame({"bucket": [bucket]}))


def assemble(job: Job, part: Partition) -> None:
    """Assemble the counts of a part's snapshots (`observed`) from its counts within the part and the resolved sums."""
    work, name = Work(job.root), f"{job.request}/observed/{part.name}"
    if work.done(name):
        return
    frame = work.get(f"{job.request}/rows/{part.name}")
    described = work.get(f"{job.facts}/creatives/{part.name}")
    before, after, own = _from_flat(work.get(f"{job.request}/within/{part.name}"))
    resolved = [work.get(f"{job.request}/resolved/{part.name}/{bucket}") for bucket in range(job.buckets)]
    history = history_columns(resolved_entities(pd.concat(resolved, ignore_index=True), own, job.shared), own)
    table = snapshot_table(frame, unit_codes(frame, described))
    work.put(name, joined(table, ArrayFrame.of(described), before, history | NumberColumns.of(after)).frame())


def totals(job: Job, item: tuple[Partition, tuple[pd.Timestamp, ...]]) -> None:
    """Totals of a part's creatives as known at each of some moments."""
    (part, moments), work = item, Work(job.root)
    missing = [moment for moment in moments if not work.done(totals_name(job, part, moment))]
    if missing:
        done = TotalsUntil(MetricRows.of(read_part(job.dataset, part)), job.funnel, job.settings)
        for moment in missing:
            work.put(totals_name(job, part, moment), done.at(moment))


def totals_name(job: Job, part: Partition, moment: pd.Timestamp) -> str:
    """Name of the table of totals at a moment."""
    return f"{job.facts}/totals/{int(moment.timestamp())}/{part.name}"


def as_of(job: Job, item: tuple[Partition, pd.Timestamp]) -> None:
    """The rows of the as-of table that a part's creatives have at a moment."""
    (part, moment), work = item, Work(job.root)
    name = f"{job.facts}/as_of/{int(moment.timestamp())}/{part.name}"
    if not work.done(name):
        rows = MetricRows.of(read_part(job.dataset, part))
        work.put(name, as_of_table(rows, job.funnel, job.shared, job.settings, moment, job.market(work)))


def apply_latest(
    shared: tuple[Job, Callable[[ArrayFrame, Loaded, pd.Timestamp], pd.DataFrame], pd.Timestamp], part: Partition
) -> None:
    """What a function returns for the latest snapshots of a part's creatives, given the end of all data."""
    job, function, now = shared
    work, loaded = Work(job.root), read_part(job.dataset, part)
    rows = MetricRows.of(loaded)
    others = ArrayFrame.of(work.get(f"{job.request}/others/{part.name}"))
    columns = {name: others[name] for name in others}
    observed = observe(latest_snapshots(rows, now), rows, columns, job.funnel, job.settings)
    work.put(f"{job.request}/applied/{part.name}", function(observed, loaded, now))


def _put_by_bucket(work: Work, folder: str, table: pd.DataFrame, part: Partition, buckets: int) -> None:
    place = bucket_of(table[KEY].to_numpy(np.int64), buckets)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(buckets + 1))
    for bucket in range(buckets):
        work.put(f"{folder}/{bucket}/{part.name}", table.iloc[order[ends[bucket] : ends[bucket + 1]]])


def _flat(before: Mapping[str, Floats], after: Mapping[str, Floats], own: Contributions) -> pd.DataFrame:
    """Counts and contributions as one table, one row per snapshot."""
    columns = {BEFORE + name: values for name, values in before.items()}
    columns |= {AFTER + name: values for name, values in after.items()}
    columns |= {IN_HISTORY + name: values for name, values in zip((*own.figures, OWN_LAUNCHES), own.history)}
    columns |= {LONG_AGO + name: values for name, values in zip(own.figures, own.long_ago)}
    return pd.DataFrame(columns, copy=False)


def _from_flat(flat: pd.DataFrame) -> tuple[dict[str, Floats], dict[str, Floats], Contributions]:
    """The same from that table; of contributions, those to history."""

    def group(prefix: str) -> dict[str, Floats]:
        names = [name for name in map(str, flat) if name.startswith(prefix)]
        return {name.removeprefix(prefix): flat[name].to_numpy(np.float64) for name in names}

    def stacked(columns: dict[str, Floats]) -> Floats:
        return np.array(list(columns.values())).reshape(len(columns), len(flat))

    long_ago, nothing = group(LONG_AGO), np.zeros((0, len(flat)))
    own = Contributions((), tuple(long_ago), nothing, stacked(group(IN_HISTORY)), stacked(long_ago), nothing)
    return group(BEFORE), group(AFTER), own
