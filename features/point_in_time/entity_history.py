"""Entity history: counts, at a cutoff, of other creatives with the same account, product, KOC or tags.

Strictly before the cutoff, only rows that had been reported by then, and never the creative's own. Sums over an entity
are first taken over all its creatives, from one of three sources (`SumsOfAll`): the rows of metrics in memory
(`features.point_in_time.counts`), partial sums exchanged between parts of the data
(`features.point_in_time.partial_sums`) or the as-of table of a bundle (`features.point_in_time.as_of_table`). What the
creative itself contributes is then left out here, in one way for all.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import pandas as pd

from features.arrays import Codes, Floats, Mask, Seconds
from features.attributes import CREATIVE_ATTRIBUTES
from features.funnel import Funnel
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.availability import AVAILABILITIES, Availability, ReportedRows, availability_of
from features.point_in_time.market import Market
from features.point_in_time.number_columns import Names, NumberColumns
from features.point_in_time.windowed_sums import TimedSums, exact
from features.schema import MONEY_DECIMALS
from features.stages import Stage

TAG = "tag_"


@dataclass(frozen=True)
class Entity:
    """Something that creatives share.

    Attributes:
        name: In feature names: `market`, `account_id`, `hook`, `creator_id*product_id` …
        columns: Attributes of creatives; all must be known for a creative to have this entity.
    """

    name: str
    columns: tuple[str, ...]


MARKET = Entity("market", ("promotion_type",))
ACCOUNT = Entity("account", ("promotion_type", "account_id"))
GROUPS = ("account_id", *(attribute.name for attribute in CREATIVE_ATTRIBUTES if attribute.grouping))
"""Columns with a history of their own besides tags."""
CODED = tuple(attribute.name for attribute in CREATIVE_ATTRIBUTES if attribute.coded)
RESERVED = tuple(dict.fromkeys((MARKET.name, "promotion_type", "time", *GROUPS, *CODED)))
"""Names that no tag of a team's own can have."""
CHAIN = ("category", "account_id", "product_id", "creator_id*product_id")
"""From what all share down to what few share: the order in which empirical Bayes shrinks."""


def entities(creatives: pd.DataFrame, multi: Sequence[str], crosses: Sequence[tuple[str, str]]) -> list[Entity]:
    """Everything that these creatives can share, given what is known of them.

    Args:
        creatives: Checked creatives.
        multi: Tags of which a creative may carry several values; they have no history of their own.
        crosses: Pairs of attributes, tags by their bare names.
    """
    columns = {entity_name(name): name for name in map(str, creatives) if name in GROUPS or name.startswith(TAG)}
    single = {
        name: column for name, column in columns.items() if name not in multi and creatives[column].nunique() >= 1
    }
    found = [MARKET]
    found += [Entity(name, ("promotion_type", column)) for name, column in single.items()]
    for left, right in crosses:
        if left in single and right in single:
            found.append(Entity(f"{left}*{right}", ("promotion_type", single[left], single[right])))
    return found


def entity_name(column: str) -> str:
    """What the values of a column are called as something that creatives share: a tag by its bare name."""
    # A team's own tag may be called like something that is no tag; it then keeps its prefix.
    bare = column.removeprefix(TAG)
    taken = column != bare and (bare in RESERVED or bare.startswith(("log_", "hour_")) or "*" in bare)
    return column if taken else bare


def single_tags(shared: Sequence[Entity]) -> list[str]:
    """Columns of the tags with a history of their own."""
    return [e.columns[1] for e in shared if len(e.columns) == 2 and e.columns[1].startswith(TAG)]


def entity_codes(creatives: ArrayFrame, entity: Entity) -> Codes:
    """(creatives,) code of each one's value of the entity; −1 where it is not known."""
    codes = np.zeros(len(creatives), dtype=np.int64)
    if not all(column in creatives for column in entity.columns):
        return codes - 1
    for column in entity.columns:
        part = creatives.categories(column)
        codes = np.where((codes < 0) | (part.codes < 0), -1, codes * max(len(part.values), 1) + part.codes)
    return np.unique(codes, return_inverse=True)[1] - int((codes < 0).any())


@dataclass(frozen=True)
class AddedRows:
    """What some rows add to the sums of their creatives, and of everything that these share.

    Attributes:
        units: (rows,) creative of each.
        moments: (rows,) from when each is known, in seconds.
        table: Figure → (rows,) what each adds.
    """

    units: Codes
    moments: Seconds
    table: Mapping[str, Floats]


Additions = Mapping[Availability, AddedRows]
"""What `additions` returns."""


def additions(
    reported: ReportedRows, own: Mapping[Availability, TimedSums], market: Market, types: Codes, funnel: Funnel
) -> dict[Availability, AddedRows]:
    """What each row of metrics adds to its creative's weight, and to weight × ratio, of every stage; and to volume.

    Exposure follows success, so plain sums over an entity are those of its few hits. Here each creative's ratio to its
    market counts with the weight u/(u + half), u being its events so far: every creative counts for about one.

    Args:
        reported: The rows.
        own: Sums of each creative (`features.point_in_time.availability.own_sums`).
        market: What ratios are taken to: its rates strictly before each row was known.
        types: (creatives,) code of each promotion type.
        funnel: The funnel.

    Returns:
        By availability: `<stage>:weight`, `<stage>:ratio` and the figure of later volume, in row order.
    """
    found: dict[Availability, AddedRows] = {}
    for availability in AVAILABILITIES:
        stages = [stage for stage in funnel.stages if availability_of(stage) == availability]
        columns: dict[str, Floats] = {}
        if stages:
            moments = reported.moments(availability)
            order = np.lexsort((moments, reported.units))
            span = own[availability].span(reported.units, moments)
            rates = market.rates(availability, stages, types[reported.units], moments - 1)
            for stage, rate in zip(stages, rates):
                count, exposure, events = (
                    own[availability].total(f"{stage.name}:{name}", span)
                    for name in (stage.numerator, stage.exposure, stage.events_column)
                )
                ratio, weight = ratio_and_weight(stage, count, exposure, events, rate)
                columns[f"{stage.name}:weight"] = _steps(weight, reported.units, order)
                columns[f"{stage.name}:ratio"] = _steps(weight * ratio, reported.units, order)
        if availability == "known":
            volume = reported.figures[funnel.volume_of]
            columns[funnel.volume_of] = np.where(np.isnan(volume), 0.0, volume)
        if columns:
            found[availability] = AddedRows(reported.units, reported.moments(availability), columns)
    return found


def _steps(totals: Floats, units: Codes, order: Codes) -> Floats:
    """By how much a creative's total rises from row to row, in row order; `order` sorts by creative and moment."""
    rounded = np.round(totals, MONEY_DECIMALS)[order]
    steps = rounded.copy()
    same = units[order][1:] == units[order][:-1]
    steps[1:][same] -= rounded[:-1][same]
    found = np.empty_like(steps)
    found[order] = steps
    return found


def ratio_and_weight(
    stage: Stage, count: Floats, exposure: Floats, events: Floats, rate: Floats
) -> tuple[Floats, Floats]:
    """Return the ratio of each count to its expected value, and its weight u/(u + half), u being its events.

    Elementwise, arrays of one shape; `rate` is the rate to compare with. The ratio is 1 where nothing is expected.
    """
    expected = exposure * rate
    known = expected > 0
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    informative = np.where(known, expected if stage.is_poisson else events, 0.0)
    return ratio, informative / (informative + stage.half_weight_events)


@dataclass(frozen=True)
class Contributions:
    """What some creatives, each at its moment, contribute to the sums over everything that they share.

    The last axis of every array: snapshots (several may be of one creative).

    Attributes:
        market_figures: M names `<stage>:<figure>`.
        figures: F names of `additions`.
        market: (M, snapshots) sums strictly before the moment.
        history: (F + 1, snapshots) the same of the figures; the last line is 1 where the creative was known, else 0.
        long_ago: (F, snapshots) the figures as they were `history_days` before.
        activity: (2, snapshots) 1 where it was live, and where it was launched of late, else 0
            (`features.point_in_time.account_activity`).
    """

    market_figures: tuple[str, ...]
    figures: tuple[str, ...]
    market: Floats
    history: Floats
    long_ago: Floats
    activity: Floats


@dataclass(frozen=True)
class EntitySums:
    """Sums over all creatives of the values that some snapshots have of some entities, strictly before their moments.

    Attributes:
        names: E names of entities.
        member: (E, snapshots) whether the creative has the entity.
        counted: (E, snapshots) whether the creative itself is in the sums.
        totals: (figures, E, snapshots) sums; 0 of a value that no creative has.
        long_ago: Of the market alone: (F, E, snapshots) sums as they were `history_days` before.
    """

    names: tuple[str, ...]
    member: Mask
    counted: Mask
    totals: Floats
    long_ago: Floats | None = None

    def without_own(self, own: Floats) -> Floats:
        """(figures, E, snapshots) sums over the other creatives, given (figures, snapshots) of the creative's own."""
        return self.totals - np.where(self.counted, own[:, None, :], 0.0)


class SumsOfAll(Protocol):
    """Where sums over all creatives come from, for some snapshots."""

    @property
    def own(self) -> Contributions:
        """What the creative of each snapshot itself contributes to them."""
        ...

    def market(self) -> EntitySums:
        """(M, 1, snapshots) figures of the promotion type."""
        ...

    def entities(self) -> Iterator[EntitySums]:
        """(F + 1, E, snapshots) of every entity, the market included, a few entities at a time."""
        ...

    def activity(self) -> tuple[EntitySums, EntitySums]:
        """(2, 1, snapshots) of the account; (1, tags, snapshots) launches of late, of each tag within the account."""
        ...


def market_columns(market: EntitySums, own: Contributions) -> NumberColumns:
    """`market:<stage>:<figure>`, each (snapshots,): figures of the whole market without the creative's own."""
    others = np.maximum(exact(market.without_own(own.market)[:, 0]), 0.0)
    return NumberColumns([(_market_names(own.market_figures), others)])


def history_columns(blocks: Iterator[EntitySums], own: Contributions) -> NumberColumns:
    """What the others of each entity did at each stage, every creative counting for about one.

    Of the market itself only what was added of late counts: that is how the typical creative drifts.

    Returns:
        `hist:<entity>:<stage>:weight` (about how many creatives count), `…:ratio` (weight × ratio, summed) and
        `hist:<entity>:<volume>`; and `launched:<entity>` (how many others had started).
    """
    columns = []
    for block in blocks:
        others = block.without_own(own.history)
        if block.long_ago is not None:
            others[:-1] = np.maximum(others[:-1] - block.long_ago + own.long_ago[:, None, :], 0.0)
        others = np.where(block.member, exact(others), 0.0)
        names = _history_names(own.figures, block.names)
        columns.append((names, others.reshape(len(names.all), others.shape[-1])))
    return NumberColumns(columns)


@cache
def _market_names(figures: tuple[str, ...]) -> Names:
    return Names(tuple(f"market:{name}" for name in figures))


@cache
def _history_names(figures: tuple[str, ...], names: tuple[str, ...]) -> Names:
    history = (f"hist:{name}:{figure}" for figure in figures for name in names)
    return Names((*history, *(f"launched:{name}" for name in names)))


def known_before(first_known: Seconds, units: Codes, moments: Seconds) -> Floats:
    """Return (snapshots,) 1.0 where the creative was known strictly before the moment, else 0.0.

    Args:
        first_known: (creatives,) when each was first known, in seconds since 1970.
        units: (snapshots,) position of the creative.
        moments: (snapshots,) in seconds since 1970.
    """
    return (first_known[units] < moments).astype(np.float64)
