"""Everything counted about a snapshot, before any estimate: own counts, history of others, account activity.

Nothing here is fitted: the same data give the same counts whatever was trained on them. Training, batch prediction and
the service all end in `observe`; they differ only in where the sums over other creatives come from (`SumsOfAll`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.arrays import Codes, Floats, Seconds
from features.funnel import Funnel, build_funnel
from features.point_in_time.account_activity import Activity, activity_columns
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.availability import NEVER, counted_rows, first_known, own_sums
from features.point_in_time.entity_history import (
    MARKET,
    Additions,
    Contributions,
    Entity,
    EntitySums,
    SumsOfAll,
    additions,
    entities,
    entity_codes,
    history_columns,
    known_before,
    market_columns,
    single_tags,
)
from features.point_in_time.market import Market, market_tables
from features.point_in_time.metric_rows import MetricRows, measures, reference_prices, split_settled, unit_codes
from features.point_in_time.number_columns import Names, NumberColumns
from features.point_in_time.snapshots import snapshot_table
from features.point_in_time.windowed_sums import DAY, HOUR, TimedSums, seconds
from features.schema import KEY, VALUES, Loaded

RECENT_DAYS = 3
"""The last days of a life, counted apart: rates drift, costs most of all."""


def data_funnel(loaded: Loaded, settings: Settings) -> Funnel:
    """The funnel that the loaded data allow under the settings' ROI basis."""
    return funnel_of(held_values(loaded.metrics), loaded.creatives, settings)


def held_values(metrics: pd.DataFrame) -> list[str]:
    """Value columns of metrics that hold something."""
    return [name for name in VALUES if name in metrics and metrics[name].notna().any()]


def funnel_of(held: Sequence[str], creatives: pd.DataFrame, settings: Settings) -> Funnel:
    """The funnel that columns of metrics allow, for these creatives, under the settings' ROI basis."""
    prices = creatives.get("price_cny", pd.Series(dtype=float))
    known = prices[prices > 0]
    typical = float(known.median()) if len(known) > len(creatives) / 2 else None
    return build_funnel(held, BASES[settings.basis][0], typical)


def entities_of(creatives: pd.DataFrame, settings: Settings) -> list[Entity]:
    """What these creatives share, under the settings' tags and crosses."""
    return entities(creatives, settings.tags.multi, settings.tags.crosses)


def observe(
    snapshots: ArrayFrame, rows: MetricRows, others: Mapping[str, Floats], funnel: Funnel, settings: Settings
) -> ArrayFrame:
    """Counts of each snapshot as they were known at its cutoff.

    Args:
        snapshots: Table of `features.point_in_time.snapshots`.
        rows: Creatives with their own rows of metrics; rows after a snapshot's cutoff do not change its counts.
        others: Columns of `columns_of_others`, in the order of the snapshots.
        funnel: The funnel in use; figures of it that the metrics do not have are missing.
        settings: Of the run.

    Returns:
        The snapshots in their order, with KEY and the creative's attributes and, per figure f: `early:f` (its life so
        far), `last_days:f` (its last RECENT_DAYS), `market:s:f` (all others, by stage), `hist:e:…` (others of entity
        e), `launched:e` (how many others of e had started); of volume also `last_day:f` and `late_half:f` (the younger
        half of its life); and the columns of `features.point_in_time.account_activity`.
    """
    return joined(snapshots, rows.creatives, own_counts(snapshots, rows, funnel, settings), others)


def observe_loaded(
    frame: pd.DataFrame, loaded: Loaded | MetricRows, funnel: Funnel, shared: Sequence[Entity], settings: Settings
) -> ArrayFrame:
    """`observe` for a pandas frame of snapshots (SNAPSHOT), each at its own cutoff, with all metrics in memory.

    Args:
        frame: The snapshots.
        loaded: All metrics and creatives.
        funnel: The funnel in use.
        shared: Entities whose history is counted; those that the creatives do not name are empty.
        settings: Of the run.
    """
    rows = loaded if isinstance(loaded, MetricRows) else MetricRows.of(loaded)
    creatives = rows.creatives.select(KEY).frame()
    snapshots = snapshot_table(frame, unit_codes(frame, creatives))
    units, cutoffs = snapshots["unit"], seconds(snapshots["cutoff"])
    # Sums by entity take as much memory as the metrics: they are gone before own counts are made.
    others = columns_of_others(SumsInMemory.of(rows, units, cutoffs, funnel, shared, settings))
    return observe(snapshots, rows, others, funnel, settings)


def joined(
    snapshots: ArrayFrame, creatives: ArrayFrame, own: Mapping[str, Floats], others: Mapping[str, Floats]
) -> ArrayFrame:
    """Snapshots with the attributes of their creatives and all counts."""
    attributes, units = creatives, snapshots["unit"]
    if len(units) != len(creatives) or (units != np.arange(len(units))).any():  # else each creative once, in order
        attributes = attributes.take(units)
    counts = NumberColumns.of(own) | NumberColumns.of(others)
    return attributes.assign(snapshots.without(["unit"])).assign(counts)


def columns_of_others(sums: SumsOfAll) -> NumberColumns:
    """Columns of other creatives, each (snapshots,): `market:…`, `hist:…`, `launched:…`, account activity."""
    own = sums.own
    columns = market_columns(sums.market(), own) | history_columns(sums.entities(), own)
    return columns | activity_columns(*sums.activity(), own)


def own_counts(snapshots: ArrayFrame, rows: MetricRows, funnel: Funnel, settings: Settings) -> NumberColumns:
    """Own counts of each snapshot until its cutoff, each (snapshots,): `early:f`, `last_days:f`, `last_day:f` …"""
    prices = reference_prices(rows.creatives, funnel.typical_price)
    figures = measures(rows.values, prices[rows.units], BASES[settings.basis][0])
    if missing := [name for name in funnel.counted_columns if name not in figures]:
        figures |= dict.fromkeys(missing, np.broadcast_to(np.nan, len(rows)))
    at_once, settled = split_settled(tuple(figures))
    names, units, volume = at_once + settled, snapshots["unit"], funnel.volume_of
    sums = TimedSums(rows.units, rows.start_seconds, rows.end_seconds, {name: figures[name] for name in names})
    cutoffs = seconds(snapshots["cutoff"])
    middle = cutoffs - (snapshots.floats("elapsed_hours") * HOUR / 2).astype(np.int64)
    # What refunds change is final so much later than its period's end.
    final = cutoffs - BASES[settings.basis][1] * HOUR
    life, recent = np.zeros_like(cutoffs), cutoffs - RECENT_DAYS * DAY
    since = np.array([life, recent, life, recent, cutoffs - DAY, middle])
    low, high = sums.span_between(units, since, np.array([cutoffs, cutoffs, final, final, cutoffs, cutoffs]))
    counts = np.empty((len(names), 2, len(units)))  # axis 1: life so far, last days
    sums.write(counts, slice(0, len(at_once)), (low[:2], high[:2]))
    sums.write(counts, slice(len(at_once), len(names)), (low[2:4], high[2:4]))
    others = [*sums.total(volume, (low[4:], high[4:])), prices[units]]
    return NumberColumns(
        [(_own_names(names), counts.reshape(2 * len(names), len(units))), (_other_names(volume), np.array(others))]
    )


@cache
def _own_names(names: tuple[str, ...]) -> Names:
    return Names(tuple(prefix + name for name in names for prefix in ("early:", "last_days:")))


@cache
def _other_names(volume: str) -> Names:
    return Names((f"last_day:{volume}", f"late_half:{volume}", "reference_price"))


def recent_seconds(settings: Settings) -> int:
    """How far back the market's past is looked at."""
    return settings.history_days * DAY


@dataclass(frozen=True)
class SumsInMemory:
    """Sums over all creatives from rows of metrics in memory, at any moments (`SumsOfAll`).

    Of a part of the data (whole accounts) `market` and `activity` are complete, given the market of all parts;
    `entities` is not (`features.point_in_time.partial_sums`).

    Attributes:
        rows: Rows of metrics.
        units: (snapshots,) creative of each.
        moments: (snapshots,) strictly before when sums are taken, in seconds.
        shared: What creatives share.
        recent: Seconds back to which the market's past is looked at.
        market_sums: Of all creatives.
        types: (creatives,) code of each promotion type in `market_sums`.
        additions: What each row of metrics adds to everything that creatives share.
        first_known: (creatives,) when each was first known of, in seconds.
        lives: When creatives were live.
        own: What the creative of each snapshot contributes.
    """

    rows: MetricRows
    units: Codes
    moments: Seconds
    shared: Sequence[Entity]
    recent: int
    market_sums: Market
    types: Codes
    additions: Additions
    first_known: Seconds
    lives: Activity
    own: Contributions

    @classmethod
    def of(
        cls,
        rows: MetricRows,
        units: Codes,
        moments: Seconds,
        funnel: Funnel,
        shared: Sequence[Entity],
        settings: Settings,
        market: Market | None = None,
    ) -> "SumsInMemory":
        """Count what every row adds, and what each snapshot's own creative contributes.

        Args:
            rows: Rows of metrics.
            units: (snapshots,) creative of each.
            moments: (snapshots,) strictly before when things count, in seconds.
            funnel: The funnel.
            shared: What creatives share.
            settings: Of the run.
            market: Of all creatives, where these are a part of them.
        """
        reported, recent = counted_rows(rows, funnel, settings), recent_seconds(settings)
        promotion_types = rows.creatives.categories("promotion_type")
        market = market or Market(market_tables(reported, promotion_types, funnel.stages))
        types = market.codes(promotion_types)
        sums, before = own_sums(reported, funnel.stages), moments - 1
        own_market: dict[str, Floats] = {}
        for part in sums.values():
            own_market |= part.until(units, before)
        added = additions(reported, sums, market, types, funnel)
        del sums  # the largest arrays of all
        now: dict[str, Floats] = {}
        long_ago: dict[str, Floats] = {}
        for rows_added in added.values():
            alone = TimedSums(rows_added.units, rows_added.moments, rows_added.moments, rows_added.table)
            now |= alone.until(units, before)
            long_ago |= alone.until(units, before - recent)
        first = first_known(reported, len(rows.creatives))
        lives = Activity(reported.known, reported.units, first)
        own = Contributions(
            market_figures=tuple(own_market),
            figures=tuple(now),
            market=_stack(own_market, len(units)),
            history=_stack({**now, "launched": known_before(first, units, moments)}, len(units)),
            long_ago=_stack(long_ago, len(units)),
            activity=lives.own(units, moments),
        )
        return cls(rows, units, moments, tuple(shared), recent, market, types, added, first, lives, own)

    def market(self) -> EntitySums:
        """As declared by `SumsOfAll`."""
        totals = self.market_sums.until(self.types[self.units], self.moments - 1)
        everyone = np.ones((1, len(self.units)), dtype=np.bool_)
        table = _stack({name: totals[name] for name in self.own.market_figures}, len(self.units))
        return EntitySums((MARKET.name,), everyone, everyone, table[:, None])

    def entities(self) -> Iterator[EntitySums]:
        """As `SumsOfAll.entities`, one entity at a time, for the sums of all rows by entity are large."""
        born = np.flatnonzero(self.first_known != NEVER)
        for entity in self.shared:
            codes = entity_codes(self.rows.creatives, entity)
            wanted, before = codes[self.units], self.moments - 1
            totals: dict[str, Floats] = {}
            long_ago: dict[str, Floats] = {}
            for added in self.additions.values():
                sums = TimedSums(codes[added.units], added.moments, added.moments, added.table)
                totals |= sums.until(wanted, before)
                if entity == MARKET:
                    long_ago |= sums.until(wanted, before - self.recent)
            times = self.first_known[born]
            launched = TimedSums(codes[born], times, times, {"launched": np.ones(len(born))})
            totals |= launched.until(wanted, before)
            member = (wanted >= 0)[None]
            yield EntitySums(
                names=(entity.name,),
                member=member,
                counted=member,
                totals=_stack(totals, len(wanted))[:, None],
                long_ago=_stack(long_ago, len(wanted))[:, None] if entity == MARKET else None,
            )

    def activity(self) -> tuple[EntitySums, EntitySums]:
        """As declared by `SumsOfAll`."""
        creatives = self.rows.creatives
        tags = [column for column in single_tags(self.shared) if column in creatives]
        return (
            self.lives.account(creatives, self.units, self.moments),
            self.lives.tags(creatives, tags, self.units, self.moments),
        )


def _stack(columns: Mapping[str, Floats], count: int) -> Floats:
    return np.array(list(columns.values()), dtype=np.float64).reshape(len(columns), count)
