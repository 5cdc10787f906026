"""The as-of table summed by every value of what creatives share: sums over all others, for any creatives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Codes, Floats, Mask, Times
from features.point_in_time.account_activity import in_account
from features.point_in_time.array_frame import ArrayFrame, look_up
from features.point_in_time.as_of_table import (
    HISTORY_PREFIX,
    LAUNCHED,
    LIVE,
    LONG_AGO_PREFIX,
    MARKET_PREFIX,
    RECENT,
    REPORTED,
)
from features.point_in_time.entity_history import ACCOUNT, MARKET, Contributions, Entity, EntitySums, single_tags
from features.point_in_time.number_columns import Names
from features.point_in_time.windowed_sums import UNITS
from features.schema import KEY

NO_VALUE, UNKNOWN = -2, -1
"""Places of a creative that has no value of an entity, and of a value that no creative of the table has."""
MANY_CREATIVES = 10_000
"""Creatives from which entities are summed one at a time, which takes less memory."""


class AsOfHistory:
    """The as-of table summed by every value of everything that creatives share: made once, used for any creatives."""

    def __init__(self, table: pd.DataFrame, shared: Sequence[Entity], moment: pd.Timestamp) -> None:
        """Sum the table.

        Args:
            table: Of `as_of_table`.
            shared: The same as there.
            moment: The same as there.
        """
        self.moment = moment
        self._now = np.datetime64(moment.to_pydatetime(), "us")
        self.creatives = len(table)
        columns = ArrayFrame.of(table)
        others = [entity for entity in shared if entity != MARKET]
        tags = [in_account(tag) for tag in single_tags(shared) if tag in columns]
        self._values = _EntityValues(columns, [MARKET, *others, ACCOUNT, *tags])
        count = 1 + len(others)
        self._groups = {
            "market": slice(0, 1),
            "others": slice(1, count),
            "account": slice(count, count + 1),
            "tags": slice(count + 1, count + 1 + len(tags)),
        }
        market, figures, long_ago = (
            tuple(name.removeprefix(prefix) for name in columns if name.startswith(prefix))
            for prefix in (MARKET_PREFIX, HISTORY_PREFIX, LONG_AGO_PREFIX)
        )
        assert figures == long_ago
        names = [
            *(MARKET_PREFIX + name for name in market),
            *(HISTORY_PREFIX + name for name in figures),
            LAUNCHED,
            *(LONG_AGO_PREFIX + name for name in figures),
            LIVE,
            RECENT,
        ]
        # (creatives + 1, figures), what is read together side by side; the last, that the table does not have, is 0.
        self._own = np.zeros((len(table) + 1, len(names)))
        self._own[:-1] = columns.stack(Names(tuple(names))).T
        self._market_figures, self._figures = market, figures
        ends = np.cumsum([len(market), len(figures) + 1, len(figures), 2])
        self._market, self._history, self._long_ago, self._activity = (
            slice(start, end) for start, end in zip((0, *ends), ends)
        )
        self._totals = {
            "market": self._summed("market", slice(0, int(ends[2]))),
            "others": self._summed("others", self._history),
            "account": self._summed("account", self._activity),
            "tags": self._summed("tags", slice(len(names) - 1, len(names))),
        }
        # (entities, 1) each: place of an entity's first value among those of its group, and that of no value at all.
        bounds = {name: self._values.places(lines) for name, lines in self._groups.items()}
        sizes = [(lines.stop - lines.start) for lines in self._groups.values()]
        self._first = np.repeat([first for first, _ in bounds.values()], sizes).astype(np.int32)[:, None]
        self._nowhere = np.repeat([end - first for first, end in bounds.values()], sizes).astype(np.int32)[:, None]
        self._keys = [columns.categories(name) for name in KEY]
        last = columns[REPORTED]
        accounts = zip(*(column.listed() for column in self._keys[:2]))
        self._reported = dict(zip(accounts, np.where(np.isnat(last), self._now, last)))

    def _summed(self, group: str, figures: slice) -> Floats:
        """(values + 1, figures) exact sums over the creatives of each value; 0 in the last place, of no creative."""
        first, end = self._values.places(self._groups[group])
        totals = np.zeros((figures.stop - figures.start, end - first + 1))
        units = np.rint(self._own[:-1, figures] * UNITS).T.copy()
        for member in self._values.member_of[:-1, self._groups[group]].T:
            inside = np.flatnonzero(member >= 0)
            for total, values in zip(totals, units):
                total += np.bincount(member[inside] - first, values[inside], len(total))
        return (totals / UNITS).T.copy()

    @cached_property
    def _places(self) -> dict[tuple[str, ...], int]:
        return {key: place for place, key in enumerate(zip(*(column.listed() for column in self._keys)))}

    def known(self, creatives: ArrayFrame) -> Codes:
        """(creatives,) place of each in the table; −1 of one that it does not have."""
        keys = zip(*(creatives.categories(name).listed() for name in KEY))
        return np.array([self._places.get(key, -1) for key in keys], dtype=np.int64)

    def launched(self, known: Codes) -> Mask:
        """(creatives,) whether each had been delivered; `known`: as `known()` returns."""
        return np.asarray(self._own[known, self._history.stop - 1] > 0)

    def live(self, known: Codes) -> Mask:
        """(creatives,) whether each had a row of metrics in the last days (`account_activity.LIVE_DAYS`)."""
        return np.asarray(self._own[known, self._activity.start] > 0)

    def lives(self, known: Codes) -> dict[str, Floats]:
        """Value column of metrics, as far as the funnel counts it → (creatives,) its sum over the life of each."""
        own = self._own[known, self._market].T
        return {name.rpartition(":")[2]: values for name, values in zip(self._market_figures, own)}

    def reported_until(self, creatives: ArrayFrame) -> Times:
        """(creatives,) end of the last period of each one's account; the moment for an account without any."""
        accounts = zip(*(creatives.categories(name).listed() for name in KEY[:2]))
        return np.array([self._reported.get(account, self._now) for account in accounts], dtype="datetime64[us]")

    def of(self, creatives: ArrayFrame, known: Codes | None = None) -> "SumsAsOf":
        """Sums over all creatives, for these; `known`: (creatives,) as `known()` returns, where the caller has it."""
        known = self.known(creatives) if known is None else known
        found = self._values.find(creatives)
        # Of itself a creative counts only where the table has it under the value that it has now.
        counted: Mask = found == self._values.member_of.take(known, axis=0).T
        at = np.where(found >= 0, found - self._first, self._nowhere)
        return SumsAsOf(self, known, found != NO_VALUE, counted, at, self._contributions(known))

    def _contributions(self, known: Codes) -> Contributions:
        own = self._own.take(known, axis=0).T
        return Contributions(
            self._market_figures,
            self._figures,
            own[self._market],
            own[self._history],
            own[self._long_ago],
            own[self._activity],
        )


@dataclass(frozen=True)
class SumsAsOf:
    """Sums over all creatives at the moment of an as-of table, for some creatives (`SumsOfAll`).

    Attributes:
        history: The table, summed.
        known: (snapshots,) place of each creative in the table; −1 of one that it does not have.
        member: (entities, snapshots) whether the creative has each entity of the table.
        counted: (entities, snapshots) whether the table has it under that value.
        at: (entities, snapshots) place of the value in the sums of the entity's group; the last for a value unknown.
        own: What the table has of each creative itself.
    """

    history: AsOfHistory
    known: Codes
    member: Mask
    counted: Mask
    at: npt.NDArray[np.int32]
    own: Contributions

    def market(self) -> EntitySums:
        """As of `SumsOfAll`."""
        sums = self._market
        return EntitySums(sums.names, sums.member, sums.counted, sums.totals[: len(self.own.market_figures)])

    def entities(self) -> Iterator[EntitySums]:
        """As of `SumsOfAll`: the market, then all others at once, or one by one for many creatives."""
        sums, first = self._market, len(self.own.market_figures)
        end = first + len(self.own.history)
        yield EntitySums(sums.names, sums.member, sums.counted, sums.totals[first:end], sums.totals[end:])
        group = self.history._groups["others"]
        step = 1 if len(self.known) > MANY_CREATIVES else max(group.stop - group.start, 1)
        for start in range(group.start, group.stop, step):
            lines = slice(start, start + step)
            yield self._sums("others", self.history._values.names[lines], lines)

    def activity(self) -> tuple[EntitySums, EntitySums]:
        """As of `SumsOfAll`."""
        tags = self.history._values.names[self.history._groups["tags"]]
        return self._sums("account", (ACCOUNT.name,)), self._sums("tags", tags)

    @cached_property
    def _market(self) -> EntitySums:
        """(all figures, 1, snapshots) of the promotion type."""
        return self._sums("market", (MARKET.name,))

    def _sums(self, group: str, names: tuple[str, ...], lines: slice | None = None) -> EntitySums:
        lines = self.history._groups[group] if lines is None else lines
        totals = self.history._totals[group].take(self.at[lines], axis=0)  # a value's figures are side by side
        return EntitySums(names, self.member[lines], self.counted[lines], totals.transpose(2, 0, 1))


class _EntityValues:
    """The values that the creatives of a table have of some entities, each with a place of its own."""

    def __init__(self, table: ArrayFrame, entities: Sequence[Entity]) -> None:
        self.names = tuple(entity.name for entity in entities)
        texts = list(dict.fromkeys(column for entity in entities for column in entity.columns))
        dictionaries = [table.categories(name).values if name in table else [] for name in texts]
        self._codes = {name: {v: code for code, v in enumerate(held)} for name, held in zip(texts, dictionaries)}
        # An entity is one to three columns; shorter ones repeat columns, which does not change their values.
        columns = [[texts.index(name) for name in entity.columns] for entity in entities]
        self._columns = np.array([(line * 3)[:3] if len(line) < 3 else line for line in columns]).reshape(-1, 3).T
        sizes = np.array([max(len(held), 1) for held in dictionaries])
        self._sizes = sizes[self._columns][:, :, None]
        room = [int(a) * int(b) * int(c) for a, b, c in self._sizes[:, :, 0].T.tolist()]
        if sum(room) >= 2**62:
            raise ValueError("the as-of table has too many different values; train on fewer creatives")
        self._base = np.cumsum([0, *room])[:-1].astype(np.int64)[:, None]
        held = [np.unique(keys[~lacking]) for keys, lacking, _ in self._keys_of(table)]
        self._edges = np.searchsorted(np.concatenate(held), [*self._base[:, 0], sum(room)])
        self._keys = np.concatenate([*held, [2**62]])  # no key is as large as the last
        self.member_of = np.full((len(table) + 1, len(entities)), NO_VALUE, dtype=np.int32)
        """(creatives + 1, entities) place of each creative's value; the last line is for a new creative."""
        self.member_of[:-1] = self.find(table).T

    def places(self, entities: slice) -> tuple[int, int]:
        """First place and end of the values of these entities."""
        return int(self._edges[entities.start]), int(self._edges[entities.stop])

    def find(self, creatives: ArrayFrame) -> npt.NDArray[np.int32]:
        """(entities, creatives) place of each value; NO_VALUE or UNKNOWN where there is none."""
        found = []
        for keys, lacking, unknown in self._keys_of(creatives):
            at = self._keys.searchsorted(keys)
            at[unknown | (self._keys.take(at) != keys)] = UNKNOWN
            at[lacking] = NO_VALUE
            found.append(at.astype(np.int32))
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _keys_of(self, creatives: ArrayFrame) -> Iterator[tuple[Codes, Mask, Mask]]:
        """A number for each value; whether there is none; whether the table lacks a part of it.

        Yields:
            (entities, creatives) arrays: all entities at once, or one by one for many creatives.
        """
        texts, count = creatives.categories_of(self._codes), len(creatives)
        codes = look_up(texts, list(self._codes.values()), UNKNOWN, NO_VALUE, count=count)
        step = 1 if count > MANY_CREATIVES else self._columns.shape[1]
        for start in range(0, self._columns.shape[1], step):
            lines = slice(start, start + step)
            parts = codes.take(self._columns[:, lines], axis=0)  # (3, entities, creatives)
            _, size, last = self._sizes[:, lines]
            least = parts.min(axis=0)
            keys = (parts[0] * size + parts[1]) * last + parts[2] + self._base[lines]
            yield keys, least == NO_VALUE, least == UNKNOWN
