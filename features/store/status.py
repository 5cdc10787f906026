"""Summarise a store: rows, creatives, missing days, revisions, rejected rows, and the funnel stages it allows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pandas as pd

from configs.settings import BASES, Settings
from features.funnel import build_funnel
from features.schema import VALUES
from features.stages import VOLUME
from features.store.duckdb_store import Store

_BY_GRAIN = """
SELECT grain, count(*) AS rows, count(DISTINCT (promotion_type, account_id, creative_id)) AS creatives,
       min(period_start) AS first, max(period_end) AS last
FROM named_metrics GROUP BY grain ORDER BY min(period_end - period_start), grain
"""
_BY_ACCOUNT = """
SELECT promotion_type, account_id, count(*) AS rows, count(DISTINCT creative_id) AS creatives
FROM named_metrics GROUP BY ALL ORDER BY ALL
"""
_SPANS = """
SELECT DISTINCT promotion_type, account_id, CAST(period_start AS DATE) AS first,
       CAST(period_end - INTERVAL 1 MICROSECOND AS DATE) AS last
FROM named_metrics WHERE grain <> 'reading'
"""
_REJECTED = """
SELECT expected, any_value(found) AS example, count(DISTINCT sha256) AS files,
       CAST(sum(row_count) AS BIGINT) AS rows
FROM rejects WHERE severity <> 'note' GROUP BY expected ORDER BY rows DESC, expected
"""
_REVISIONS = "SELECT name, count(*) AS revisions FROM revisions GROUP BY name ORDER BY revisions DESC, name"


@dataclass(frozen=True)
class GrainSummary:
    """Rows of one grain; `first` and `last` bound their periods."""

    grain: str
    rows: int
    creatives: int
    first: pd.Timestamp
    last: pd.Timestamp


@dataclass(frozen=True)
class AccountSummary:
    """One account in one promotion type; `missing` are the days without a row between its first and last day."""

    promotion_type: str
    account_id: str
    rows: int
    creatives: int
    first: date | None
    last: date | None
    missing: tuple[date, ...]


@dataclass(frozen=True)
class RejectSummary:
    """Rows and files that were left out for one reason."""

    expected: str
    example: str
    files: int
    rows: int


@dataclass(frozen=True)
class StoreStatus:
    """Summary of a store.

    Attributes:
        files: Number of files imported.
        grains: Rows by grain.
        accounts: Rows by account and promotion type.
        described: Number of creatives with an attribute, with metrics or without.
        revisions: Value column or attribute → number of revisions.
        rejected: Rows left out, by reason.
        open_from: First day that the platform may still revise; None without metrics.
        stages: Funnel stage that the columns allow → numerator and exposure.
        missing: Funnel stage or target → columns that would allow it.
    """

    files: int
    grains: tuple[GrainSummary, ...]
    accounts: tuple[AccountSummary, ...]
    described: int
    revisions: dict[str, int]
    rejected: tuple[RejectSummary, ...]
    open_from: date | None
    stages: dict[str, str]
    missing: dict[str, str]


def store_status(store: Store, settings: Settings) -> StoreStatus:
    """Query the summary of a store."""
    grains = tuple(GrainSummary(*row) for row in _rows(store, _BY_GRAIN))
    counts = store.select("SELECT " + ", ".join(f"count({name}) AS {name}" for name in VALUES) + " FROM named_metrics")
    columns = [name for name in VALUES if counts[name].iloc[0]]
    funnel = build_funnel(columns, BASES[settings.basis][0])
    stages = {stage.name: f"{stage.numerator} / {stage.exposure}" for stage in funnel.stages}
    missing = dict(funnel.missing)
    if funnel.volume_of in columns:
        stages[VOLUME] = funnel.volume_of
    else:
        missing[VOLUME] = "impressions, or spend_cny"
    described = store.select("SELECT count(DISTINCT creative_id) AS creatives FROM attributes")
    last = max((grain.last for grain in grains), default=None)
    return StoreStatus(
        files=len(store.table("files")),
        grains=grains,
        accounts=account_summaries(store),
        described=int(described["creatives"].iloc[0]),
        revisions={str(name): int(count) for name, count in _rows(store, _REVISIONS)},
        rejected=tuple(RejectSummary(*row) for row in _rows(store, _REJECTED)),
        open_from=None if last is None else (last - timedelta(days=settings.open_days)).date(),
        stages=stages,
        missing=missing,
    )


def account_summaries(store: Store) -> tuple[AccountSummary, ...]:
    """Query the rows, creatives and days of each account and promotion type."""
    spans = store.select(_SPANS)
    return tuple(_account(row, spans) for row in _rows(store, _BY_ACCOUNT))


def _account(row: tuple[str, str, int, int], spans: pd.DataFrame) -> AccountSummary:
    own = spans[(spans["promotion_type"] == row[0]) & (spans["account_id"] == row[1])]
    if own.empty:
        return AccountSummary(*row, first=None, last=None, missing=())
    covered: set[date] = set()
    for first, last in zip(own["first"], own["last"]):
        covered.update(day.date() for day in pd.date_range(first, last))
    whole = pd.date_range(min(covered), max(covered))
    missing = tuple(day.date() for day in whole if day.date() not in covered)
    return AccountSummary(*row, first=min(covered), last=max(covered), missing=missing)


def _rows(store: Store, query: str) -> list[tuple]:  # type: ignore[type-arg]
    return list(store.select(query).itertuples(index=False, name=None))
