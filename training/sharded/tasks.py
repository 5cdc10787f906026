"""What is done to one part of the data, or to one bucket of what the parts tell each other.

Plain functions that read tables and leave tables, the same wherever they run. A table that is there is not made again.
"""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.partitions.manifest import Partition, PartitionedDataset
from features.partitions.reader import read_part
from features.point_in_time.as_of_table import standing_table
from features.point_in_time.availability import WAITS, waits_of
from features.point_in_time.counts import (
    Measured,
    Within,
    held_values,
    measure,
    observed,
    recent_seconds,
    reported_figures,
    within,
)
from features.point_in_time.cross_part_history import KEY, LAUNCHES, Answers, answered, asked, bucket_of, told
from features.point_in_time.entity_history import Entity, OwnHistory
from features.point_in_time.market import Market, market_tables
from features.point_in_time.snapshots import latest_snapshots, launches, snapshots, unit_codes
from features.point_in_time.totals_at import Totals
from features.point_in_time.windowed_sums import seconds
from training.boosting.model import CreativeModel
from training.decision.predict import predict_rows
from training.labels.outcomes import outcomes
from training.sharded.work import Work

NOW, LONG_AGO, SELF = "now:", "long_ago:", "self"
BEFORE, AFTER = "before:", "after:"


@dataclass(frozen=True)
class Job:
    """What all tasks of one kind need to know.

    Attributes:
        dataset: Where the parts lie; without their list, which grows with the data.
        root: Of the folder of tables; may hold a password.
        funnel: The funnel.
        shared: What creatives share.
        settings: Of the run.
        facts: Folder of the tables that depend on all of the above.
        question: Folder of the tables of the snapshots in question.
        as_of: One moment at which all look at the others, instead of each at its own cutoff.
        buckets: In how many buckets parts tell each other what they add.
    """

    dataset: PartitionedDataset
    root: str = field(repr=False)
    funnel: Funnel
    shared: tuple[Entity, ...]
    settings: Settings
    facts: str
    question: str = ""
    as_of: pd.Timestamp | None = None
    buckets: int = 1

    def read(self, part: Partition) -> Measured:
        """The rows of a part with what the funnel counts in them."""
        return measure(read_part(self.dataset, part), self.funnel, self.settings)

    def market(self, work: Work) -> Market:
        """Of all parts (`market_of`)."""
        return Market({wait: work.get(f"{self.facts}/market/{wait}") for wait in waits_of(self.funnel.stages)})


def survey(job: Job, part: Partition) -> None:
    """Of a part: `born`, `snapshots`, `held` (columns of metrics that hold something) and its share of the market."""
    work = Work(job.root)
    if work.done(f"{job.facts}/held/{part.name}"):
        return
    measured = job.read(part)
    loaded, ages = measured.loaded, job.settings.ages_hours
    reported = reported_figures(measured, job.funnel, job.settings)
    born = launches(loaded.metrics, loaded.creatives)
    work.put(f"{job.facts}/born/{part.name}", born)
    found = snapshots(loaded.metrics, loaded.creatives, ages, weekly=job.settings.weekly, launched=born)
    work.put(f"{job.facts}/snapshots/{part.name}", found)
    for wait, table in market_tables(reported, loaded.creatives["promotion_type"], job.funnel.stages).items():
        work.put(f"{job.facts}/market_{wait}/{part.name}", table)
    held = pd.Series(held_values(loaded.metrics), dtype="str")
    work.put(f"{job.facts}/held/{part.name}", pd.DataFrame({"name": held}))


def latest(job: Job, part: Partition) -> None:
    """Of a part: its creatives' latest snapshots, as the `rows` in question."""
    work, name = Work(job.root), f"{job.question}/rows/{part.name}"
    if not work.done(name) and job.as_of is not None:
        loaded = read_part(job.dataset, part)
        work.put(name, latest_snapshots(loaded.metrics, loaded.creatives, job.as_of))


def tell(job: Job, part: Partition) -> None:
    """Of a part: what it adds to what others share with it (`told`), what it asks (`asked`), and what it knows itself.

    Beside that, where each snapshot looks from its own cutoff, what came after it (`outcome`).
    """
    work = Work(job.root)
    if work.done(f"{job.question}/within/{part.name}"):
        return
    measured = job.read(part)
    rows = work.get(f"{job.question}/rows/{part.name}")
    codes = work.get(f"{job.facts}/codes/{part.name}").to_numpy(np.int64)
    reported = reported_figures(measured, job.funnel, job.settings)
    known = within(rows, measured, reported, job.market(work), job.funnel, job.shared, job.settings, job.as_of)
    for what, table in told(known, codes).items():
        _put_by_bucket(work, f"{job.question}/told_{what}", table, part, job.buckets)
    questions = asked(known, codes, job.shared, recent_seconds(job.settings))
    _put_by_bucket(work, f"{job.question}/asked", questions, part, job.buckets)
    if job.as_of is None:
        came = outcomes(rows, measured.loaded, job.funnel, job.settings)
        work.put(f"{job.question}/outcome/{part.name}", came)
    work.put(f"{job.question}/within/{part.name}", _flat(known))


def answer(job: Job, item: tuple[int, tuple[str, ...]]) -> None:
    """Of a bucket: answers to all that the parts of these names asked, from all that they told."""
    bucket, parts = item
    work, finished = Work(job.root), f"{job.question}/answered/{item[0]}"
    if work.done(finished):
        return
    heard = {
        what: pd.concat([work.get(f"{job.question}/told_{what}/{bucket}/{part}") for part in parts], ignore_index=True)
        for what in told_of(job.funnel)
    }
    answers = Answers(heard)
    for part in parts:
        questions = work.get(f"{job.question}/asked/{bucket}/{part}")
        work.put(f"{job.question}/answers/{part}/{bucket}", answers.to(questions))
    work.put(finished, pd.DataFrame({"bucket": [bucket]}))


def assemble(job: Job, part: Partition) -> None:
    """Of a part: the counts of its snapshots (`observed`), from what it knows itself and the answers it got."""
    work, name = Work(job.root), f"{job.question}/observed/{part.name}"
    if work.done(name):
        return
    rows = work.get(f"{job.question}/rows/{part.name}")
    creatives = work.get(f"{job.facts}/creatives/{part.name}")
    known = _within(work.get(f"{job.question}/within/{part.name}"), rows, creatives, job)
    answers = [work.get(f"{job.question}/answers/{part.name}/{bucket}") for bucket in range(job.buckets)]
    history = answered(pd.concat(answers, ignore_index=True), known.own, job.shared)
    work.put(name, observed(rows, creatives, known, history))


def totals(job: Job, item: tuple[Partition, tuple[pd.Timestamp, ...]]) -> None:
    """Of a part: what its creatives had done by each of some moments."""
    (part, moments), work = item, Work(job.root)
    missing = [moment for moment in moments if not work.done(totals_name(job, part, moment))]
    if missing:
        done = Totals(job.read(part), job.settings)
        for moment in missing:
            work.put(totals_name(job, part, moment), done.at(moment))


def totals_name(job: Job, part: Partition, moment: pd.Timestamp) -> str:
    """Of the table of a moment's totals."""
    return f"{job.facts}/totals/{int(moment.timestamp())}/{part.name}"


def standing(job: Job, item: tuple[Partition, pd.Timestamp]) -> None:
    """Of a part: what the service needs to know of its creatives at a moment."""
    (part, moment), work = item, Work(job.root)
    name = f"{job.facts}/standing/{int(moment.timestamp())}/{part.name}"
    if not work.done(name):
        market = job.market(work)
        work.put(name, standing_table(job.read(part), job.funnel, job.shared, job.settings, moment, market))


def predict(told_of: tuple[Job, CreativeModel, Settings], part: Partition) -> None:
    """Of a part: predictions of the rows in question, by a model under its own settings."""
    job, model, settings = told_of
    work = Work(job.root)
    rows, counts = (work.get(f"{job.question}/{what}/{part.name}") for what in ("rows", "observed"))
    assert job.as_of is not None
    predictions = predict_rows(rows, counts, read_part(job.dataset, part), model, settings, job.as_of)
    work.put(f"{job.question}/predictions/{part.name}", predictions)


def told_of(funnel: Funnel) -> list[str]:
    """What parts tell: additions wait for what their stages wait for, those to volume for the report alone."""
    return [*(wait for wait in WAITS if wait == "known" or wait in waits_of(funnel.stages)), LAUNCHES]


def _put_by_bucket(work: Work, folder: str, table: pd.DataFrame, part: Partition, buckets: int) -> None:
    place = bucket_of(table[KEY].to_numpy(np.int64), buckets)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(buckets + 1))
    for bucket in range(buckets):
        work.put(f"{folder}/{bucket}/{part.name}", table.iloc[order[ends[bucket] : ends[bucket + 1]]])


def _flat(known: Within) -> pd.DataFrame:
    """What is known within a part as one table, a line a snapshot."""
    groups = {BEFORE: known.before, AFTER: known.after, NOW: known.own.now, LONG_AGO: known.own.long_ago}
    columns = {prefix + name: values for prefix, group in groups.items() for name, values in group.items()}
    return pd.DataFrame(columns | {SELF: known.own.launched}, copy=False)


def _within(flat: pd.DataFrame, rows: pd.DataFrame, creatives: pd.DataFrame, job: Job) -> Within:
    """The same from that table; without what the rows of metrics add, which has been told."""

    def group(prefix: str) -> dict[str, np.ndarray]:
        names = [name for name in map(str, flat) if name.startswith(prefix)]
        return {name.removeprefix(prefix): flat[name].to_numpy() for name in names}

    units = unit_codes(rows, creatives)
    moments = seconds(rows["cutoff"])
    own = OwnHistory(group(NOW), group(LONG_AGO), flat[SELF].to_numpy(np.float64))
    return Within(units, moments, {}, own, pd.Series(dtype="datetime64[s]"), group(BEFORE), group(AFTER))
