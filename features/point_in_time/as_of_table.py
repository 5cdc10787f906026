"""What stood at one moment: everything that features need of other creatives, one row a creative, without the store.

Training and batch prediction look at the others in the store itself (`features.point_in_time.counts`); the service
has this table.
Sums are exact, so both tell the same to the last bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.point_in_time.account_activity import ACCOUNT, ALIKE_DAYS, in_account, lives, overlap
from features.point_in_time.array_frame import Column
from features.point_in_time.availability import first_reported, own_sums
from features.point_in_time.counts import Measured, measure, recent_seconds, reported_figures, single_tags
from features.point_in_time.entity_history import MARKET, Entity, additions, entity_codes
from features.point_in_time.market import Market, exact, market_tables
from features.point_in_time.snapshots import launches
from features.point_in_time.windowed_sums import Codes, Seconds, TimedSums
from features.schema import KEY, MONEY_DECIMALS, NUMBERS, VALUES, Loaded

Floats = npt.NDArray[np.float64]

LAUNCHED, RECENT, LIVE = "launched", "recent_launches", "live"
LONG_AGO = "long_ago:"
NOBODY, UNKNOWN = -2, -1
"""Places of a creative that has no value of an entity, and of a value that no creative of the table has."""
UNITS = 10.0**MONEY_DECIMALS


@dataclass(frozen=True)
class AsOf:
    """What a bundle keeps of the data it was made from.

    Attributes:
        moment: Strictly before which things were known.
        metrics: Value columns of metrics that the data had.
        ranges: Number of creatives, or `age_hours` → the least and the greatest that the data had.
        table: Of `standing_table`.
    """

    moment: pd.Timestamp
    metrics: tuple[str, ...]
    ranges: dict[str, tuple[float, float]]
    table: pd.DataFrame


def as_of(loaded: Loaded, funnel: Funnel, shared: Sequence[Entity], settings: Settings) -> AsOf:
    """What was known at the end of the last period."""
    moment = loaded.metrics["period_end"].max()
    table = standing_table(measure(loaded, funnel, settings), funnel, shared, settings, moment)
    values = tuple(name for name in VALUES if name in loaded.metrics)
    return AsOf(moment, values, ranges(loaded.creatives, launches(loaded.metrics, loaded.creatives)), table)


def ranges(creatives: pd.DataFrame, born: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Least and greatest of every number of creatives and of their ages, given when each was launched."""
    numbers = creatives[[name for name in NUMBERS if name in creatives]]
    numbers = numbers.assign(age_hours=(born["last_end"] - born["launched_at"]) / pd.Timedelta(hours=1))
    return {name: (float(known.min()), float(known.max())) for name in numbers if len(known := numbers[name].dropna())}


def standing_table(
    measured: Measured,
    funnel: Funnel,
    shared: Sequence[Entity],
    settings: Settings,
    moment: pd.Timestamp,
    market: Market | None = None,
) -> pd.DataFrame:
    """What was known of each creative strictly before a moment.

    Args:
        measured: Rows of metrics.
        funnel: The funnel.
        shared: What creatives share.
        settings: Of the run.
        moment: Strictly before which things were known.
        market: Of all creatives, where these are a part of them.

    Returns:
        One row per creative: KEY and the columns of the entities; `market:s:f`, `hist:…` and `long_ago:hist:…` (the
        sums behind `features.point_in_time.entity_history`), `launched`, `recent_launches` and `live` (how many
        creatives it counts for).
    """
    creatives = measured.loaded.creatives.reset_index(drop=True)
    reported = reported_figures(measured, funnel, settings)
    everyone = np.arange(len(creatives), dtype=np.int64)
    before = np.full(len(creatives), int(moment.timestamp()) - 1, dtype=np.int64)
    columns: dict[str, Floats] = {}

    market = market or Market(market_tables(reported, creatives["promotion_type"], funnel.stages))
    own = own_sums(reported, funnel.stages)
    for sums in own.values():
        columns |= {f"market:{name}": total for name, total in sums.until(everyone, before).items()}
    for added in additions(reported, own, market, market.codes(creatives["promotion_type"]), funnel).values():
        alone = TimedSums(added.units, added.moments, added.moments, added.table)
        columns |= {f"hist:{name}": total for name, total in alone.until(everyone, before).items()}
        long_ago = alone.until(everyone, before - recent_seconds(settings))
        columns |= {f"{LONG_AGO}hist:{name}": total for name, total in long_ago.items()}

    first_known = first_reported(reported, len(creatives))
    columns[LAUNCHED] = (first_known < moment).to_numpy(np.float64)
    long_known = (first_known < moment - pd.Timedelta(days=ALIKE_DAYS)).to_numpy(np.float64)
    columns[RECENT] = columns[LAUNCHED] - long_known
    came, gone = (_count(*times, before) for times in lives(reported.known, reported.units))
    columns[LIVE] = came - gone
    about = dict.fromkeys(column for entity in shared for column in entity.columns)
    names = list(dict.fromkeys([*KEY, *(name for name in about if name in creatives)]))
    return pd.concat([creatives[names], pd.DataFrame(columns)], axis=1)


def _count(units: Codes, times: Seconds, before: Seconds) -> Floats:
    everyone = np.arange(len(before), dtype=np.int64)
    return TimedSums(units, times, times, {"n": np.ones(len(times))}).until(everyone, before)["n"]


@dataclass(frozen=True)
class _Sums:
    """Sums over the creatives of each value of some entities.

    Attributes:
        entities: What is shared.
        places: By entity: its values and their places in `total`.
        member_of: Place of each creative of the table, one line an entity; the last column stands for a new creative.
        total: Sums of each place, one line a figure; the last column, of a value that no creative has, is 0.
        own: Figures of each creative, in the same lines; the last column, of a new creative, is 0.
    """

    entities: Sequence[Entity]
    places: Sequence[dict[tuple[str, ...], int]]
    member_of: Codes
    total: Floats
    own: Floats

    def others(
        self, cells: dict[str, list[str | None]], known: Codes
    ) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]:
        """Which creatives have each entity (entities × creatives), and sums of the others (figures first)."""
        nobody: list[str | None] = [None] * len(known)
        place = np.empty((len(self.entities), len(known)), dtype=np.int64)
        for line, entity, places in zip(place, self.entities, self.places):
            keys = zip(*(cells.get(column, nobody) for column in entity.columns))
            line[:] = [NOBODY if None in key else places.get(key, UNKNOWN) for key in keys]
        told = self.total[:, np.maximum(place, UNKNOWN)]
        if known.max(initial=-1) >= 0:
            # Of itself a creative counts only where it was known under the value that it has now.
            mine = self.member_of[:, known] == place
            told = told - np.where(mine, self.own[:, None, known], 0.0)
        return place != NOBODY, told


class Standing:
    """The table, summed by everything that creatives share: made once, asked many times."""

    def __init__(self, table: pd.DataFrame, funnel: Funnel, shared: Sequence[Entity], moment: pd.Timestamp) -> None:
        """Sum it.

        Args:
            table: Of `standing_table`.
            funnel: The same as there.
            shared: The same as there.
            moment: The same as there.
        """
        self.moment = moment
        self.creatives = len(table)
        self._launched = table[LAUNCHED].to_numpy(np.bool_)
        self._units = {key: place for place, key in enumerate(table[KEY].itertuples(index=False, name=None))}
        market = [name for name in table if name.startswith("market:")]
        hist = [name for name in table if name.startswith("hist:")]
        others = [entity for entity in shared if entity != MARKET]
        tags = [in_account(tag) for tag in single_tags(shared) if tag in table]
        self._market = _sums(table, [MARKET], [*market, *hist, *(LONG_AGO + name for name in hist), LAUNCHED])
        self._shared = _sums(table, others, [*hist, LAUNCHED])
        self._account = _sums(table, [ACCOUNT], [LIVE, RECENT])
        self._tags = _sums(table, tags, [RECENT])
        self._texts = list(dict.fromkeys(c for entity in (MARKET, ACCOUNT, *shared, *tags) for c in entity.columns))
        self._market_names = market
        self._figures = len(hist)
        self._told_names = [
            *(f"hist:{entity.name}:{name.removeprefix('hist:')}" for name in hist for entity in (MARKET, *others)),
            *(f"launched:{entity.name}" for entity in (MARKET, *others)),
        ]

    def known(self, creatives: pd.DataFrame) -> Codes:
        """Place of each creative in the table; -1 of one that it does not have."""
        keys = zip(*(_cells(creatives[name]) for name in KEY))
        return np.array([self._units.get(key, -1) for key in keys], dtype=np.int64)

    def launched(self, place: int) -> bool:
        """Whether this creative of the table had been delivered."""
        return bool(self._launched[place])

    def around(self, creatives: pd.DataFrame) -> dict[str, Floats]:
        """Of each creative: the columns of `features.point_in_time.counts` that tell of others."""
        known = self.known(creatives)
        cells = {name: _cells(creatives[name]) for name in self._texts if name in creatives}
        m, h = len(self._market_names), self._figures
        _, market = self._market.others(cells, known)
        member, told = self._shared.others(cells, known)
        columns = dict(zip(self._market_names, np.maximum(exact(market[:m, 0]), 0.0)))
        recent = exact(np.maximum(market[m : m + h] - market[m + h : m + 2 * h], 0.0))
        told = np.concatenate([np.concatenate([recent, market[-1:]]), np.where(member, exact(told), 0.0)], axis=1)
        columns |= zip(self._told_names, told.reshape(len(self._told_names), -1))
        _, ((live,), (launches,)) = self._account.others(cells, known)
        tagged, (alike,) = self._tags.others(cells, known)
        shared = np.where(tagged, alike, 0.0).sum(axis=0)
        return columns | {
            "live_siblings": live,
            "recent_launches": launches,
            "tag_overlap_share": overlap(shared, tagged.sum(axis=0).astype(np.float64), launches),
        }


def _sums(table: pd.DataFrame, entities: Sequence[Entity], names: list[str]) -> _Sums:
    own = np.zeros((len(names), len(table) + 1))
    own[:, :-1] = table[names].to_numpy(np.float64).T
    units = np.rint(own * UNITS)
    places: list[dict[tuple[str, ...], int]] = []
    member_of = np.full((len(entities), len(table) + 1), NOBODY)
    totals = []
    before = 0
    for line, entity in zip(member_of, entities):
        codes = entity_codes(table, entity)
        inside = np.flatnonzero(codes >= 0)
        total = np.zeros((len(names), codes.max(initial=-1) + 1))
        for figure, values in zip(total, units):
            np.add.at(figure, codes[inside], values[inside])
        first = inside[np.unique(codes[inside], return_index=True)[1]]
        keys = table.reindex(columns=list(entity.columns)).iloc[first].itertuples(index=False, name=None)
        places.append({key: before + code for code, key in enumerate(keys)})
        line[inside] = codes[inside] + before
        totals.append(total)
        before += total.shape[1]
    return _Sums(entities, places, member_of, np.hstack([*totals, np.zeros((len(names), 1))]) / UNITS, own)


def _cells(column: pd.Series) -> list[str | None]:
    if isinstance(column, Column):
        return column.values.tolist()
    return column.astype(object).where(column.notna(), None).tolist()
