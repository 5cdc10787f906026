"""What was known, at a cutoff, of others that share something with a creative: its account, product, KOC, tags.

Strictly before the cutoff, only rows that had been reported by then, and never the creative's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Funnel, Stage
from features.point_in_time.availability import WAITS, Floats, Reported, Wait, wait_of
from features.point_in_time.market import Market, exact, summed_by
from features.point_in_time.windowed_sums import Codes, Seconds, TimedSums
from features.schema import MONEY_DECIMALS

Mask = npt.NDArray[np.bool_]

TAG = "tag_"


@dataclass(frozen=True)
class Entity:
    """Something that creatives share.

    Attributes:
        name: In feature names: `market`, `account_id`, `hook`, `creator_id*product_id` …
        columns: Of the creatives frame; all must be known for a creative to have this entity.
    """

    name: str
    columns: tuple[str, ...]


MARKET = Entity("market", ("promotion_type",))
GROUPS = ("account_id", "product_id", "creator_id", "category")
RESERVED = (MARKET.name, "promotion_type", "time", "creative_source", *GROUPS)
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
    columns = {entity_name(name): name for name in creatives if name in GROUPS or name.startswith(TAG)}
    single = {
        name: column for name, column in columns.items() if name not in multi and creatives[column].nunique() >= 1
    }
    found = [MARKET]
    found += [Entity(name, ("promotion_type", column)) for name, column in single.items()]
    for left, right in crosses:
        if left in single and right in single:
            found.append(Entity(f"{left}*{right}", ("promotion_type", single[left], single[right])))
    return found


def entity_codes(creatives: pd.DataFrame, entity: Entity) -> Codes:
    """Code of each creative's entity, in the order of `creatives`; -1 where it is not known."""
    codes = np.zeros(len(creatives), dtype=np.int64)
    if not set(entity.columns) <= set(creatives):
        return codes - 1
    for column in entity.columns:
        part, values = pd.factorize(creatives[column])
        codes = np.where((codes < 0) | (part < 0), -1, codes * max(len(values), 1) + part)
    return np.unique(codes, return_inverse=True)[1] - int((codes < 0).any())


@dataclass(frozen=True)
class Added:
    """What some rows add to the sums of their creatives, and of everything that these share.

    Attributes:
        units: Creative of each row.
        moments: From when each is known.
        table: What each adds.
    """

    units: Codes
    moments: Seconds
    table: pd.DataFrame

    def for_questions_at(self, moments: Seconds) -> "Added":
        """The same, in fewer rows, to those who ask about no other moments than these, given in order of time.

        What a creative adds between two of them is known at the later one; what comes after the last is left out.
        """
        place = np.searchsorted(moments, self.moments, side="left")
        units = np.where(place < len(moments), self.units, -1)
        units, known, summed = summed_by(units, moments[np.minimum(place, len(moments) - 1)], self.table)
        return Added(units, known, pd.DataFrame(summed, copy=False))


Adds = Mapping[Wait, Added]
"""Of `additions`."""


@dataclass(frozen=True)
class OwnHistory:
    """What a snapshot's own creative adds to the sums of everything that it shares: to be left out of them.

    Attributes:
        now: Sums of each addition strictly before each cutoff.
        long_ago: The same so long before the cutoff as the market's past is looked at.
        launched: 1 where the creative was known strictly before the cutoff, else 0.
    """

    now: Mapping[str, Floats]
    long_ago: Mapping[str, Floats]
    launched: Floats


def own_history(adds: Adds, units: Codes, cutoffs: Seconds, recent_seconds: int, first_known: pd.Series) -> OwnHistory:
    """What each snapshot's own creative adds.

    Args:
        adds: Of all rows (`additions`).
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.
        recent_seconds: How far back the market's past is looked at.
        first_known: When each creative was first known of.
    """
    now: dict[str, Floats] = {}
    long_ago: dict[str, Floats] = {}
    for added in adds.values():
        sums = TimedSums(added.units, added.moments, added.moments, added.table)
        now |= sums.until(units, cutoffs - 1)
        long_ago |= sums.until(units, cutoffs - 1 - recent_seconds)
    return OwnHistory(now, long_ago, known_before(first_known, units, cutoffs))


def entity_history(
    adds: Adds,
    own: OwnHistory,
    creatives: pd.DataFrame,
    found: Sequence[Entity],
    units: Codes,
    cutoffs: Seconds,
    recent_seconds: int,
) -> Iterator[tuple[str, Floats]]:
    """What the others of each entity did at each stage, every creative counting for about one.

    Exposure follows success, so sums over an entity are those of its few hits, and say more of their luck than of the
    entity. Here each creative's ratio to its market counts with the weight u/(u + half), u being its events so far.
    Of the market itself only what was added of late is told: that is how the typical creative drifts.

    Args:
        adds: Of the rows of all creatives (`additions`).
        own: What each snapshot's creative itself adds.
        creatives: Checked creatives; row positions are the unit codes.
        found: The entities.
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.
        recent_seconds: How far back the market's past is looked at.

    Yields:
        As `of_others`.
    """
    before = cutoffs - 1
    for entity in found:
        codes = entity_codes(creatives, entity)
        asked = codes[units]
        totals: dict[str, Floats] = {}
        long_ago: dict[str, Floats] = {}
        for added in adds.values():
            sums = TimedSums(codes[added.units], added.moments, added.moments, added.table)
            totals |= sums.until(asked, before)
            if entity == MARKET:
                long_ago |= sums.until(asked, before - recent_seconds)
        yield from of_others(entity, totals, long_ago, own, asked >= 0)


def of_others(
    entity: Entity, totals: Mapping[str, Floats], long_ago: Mapping[str, Floats], own: OwnHistory, member: Mask
) -> Iterator[tuple[str, Floats]]:
    """Sums over an entity without the creative's own.

    Args:
        entity: Which.
        totals: Of all its creatives, strictly before each cutoff.
        long_ago: The same so long before the cutoff; of the market alone.
        own: What each snapshot's creative itself adds.
        member: Whether each snapshot's creative has this entity.

    Yields:
        Column name and values, one a snapshot: `hist:<entity>:<stage>:weight` (about how many creatives speak),
        `…:ratio` (weight × ratio, summed) and `hist:<entity>:<volume>`.
    """
    for name, total in totals.items():
        others = total - own.now[name]
        if entity == MARKET:
            others = np.maximum(others - long_ago[name] + own.long_ago[name], 0.0)
        yield f"hist:{entity.name}:{name}", np.where(member, exact(others), 0.0)


def additions(
    reported: Reported, own: Mapping[Wait, TimedSums], market: Market, types: Codes, funnel: Funnel
) -> dict[Wait, Added]:
    """What each row of metrics adds to its creative's weight, and to weight × ratio, of every stage; and to volume.

    Args:
        reported: The rows.
        own: Of each creative (`features.point_in_time.availability.own_sums`).
        market: What ratios are taken to: its rates strictly before each row was known.
        types: Code of each creative's promotion type.
        funnel: The funnel.

    Returns:
        By what it waits for: `<stage>:weight`, `<stage>:ratio` and the figure of later volume, in row order.
    """
    adds: dict[Wait, Added] = {}
    for wait in WAITS:
        stages = [stage for stage in funnel.stages if wait_of(stage) == wait]
        columns: dict[str, Floats] = {}
        if stages:
            moments = reported.moments(wait)
            order = np.lexsort((moments, reported.units))
            span = own[wait].span(reported.units, moments)
            for stage, rate in zip(stages, market.rates(wait, stages, types[reported.units], moments - 1)):
                count, exposure, events = (
                    own[wait].total(f"{stage.name}:{name}", span)
                    for name in (stage.numerator, stage.exposure, stage.events_column)
                )
                ratio, weight = ratio_and_weight(stage, count, exposure, events, rate)
                columns[f"{stage.name}:weight"] = _steps(weight, reported.units, order)
                columns[f"{stage.name}:ratio"] = _steps(weight * ratio, reported.units, order)
        if wait == "known":
            columns[funnel.volume_of] = reported.figures[funnel.volume_of].fillna(0.0).to_numpy(np.float64)
        if columns:
            adds[wait] = Added(reported.units, reported.moments(wait), pd.DataFrame(columns, copy=False))
    return adds


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
    """A creative's ratio to a rate, and how much it says: u/(u + half)."""
    expected = exposure * rate
    known = expected > 0
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    sure = np.where(known, expected if stage.is_poisson else events, 0.0)
    return ratio, sure / (sure + stage.half_weight_events)


def launched_before(
    first_known: pd.Series, creatives: pd.DataFrame, entity: Entity, units: Codes, moments: Seconds
) -> Floats:
    """How many other creatives of the entity were known strictly before each moment."""
    groups = entity_codes(creatives, entity)
    known = first_known.notna().to_numpy()
    times = first_known[known].to_numpy("datetime64[s]").astype(np.int64)
    sums = TimedSums(groups[known], times, times, {"launched": np.ones(len(times))})
    count = sums.until(groups[units], moments - 1)["launched"]
    return np.where(groups[units] >= 0, count - known_before(first_known, units, moments), 0.0)


def known_before(first_known: pd.Series, units: Codes, moments: Seconds) -> Floats:
    """1 where each snapshot's own creative was known strictly before the moment, else 0."""
    known = first_known.notna().to_numpy()[units]
    times = first_known.to_numpy("datetime64[s]").astype(np.int64)[units]
    return (known & (times < moments)).astype(np.float64)


def entity_name(column: str) -> str:
    """What the values of a column are called as something that creatives share: a tag by its bare name."""
    # A team's own tag may be called like something that is no tag; it then keeps its prefix.
    bare = column.removeprefix(TAG)
    taken = column != bare and (bare in RESERVED or bare.startswith(("log_", "hour_")) or "*" in bare)
    return column if taken else bare
