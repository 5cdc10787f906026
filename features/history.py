"""What was known, at a cutoff, of others that share something with a creative: its account, product, KOC, tags.

Strictly before the cutoff, only rows that had been reported by then, and never the creative's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Stage
from features.measures import SETTLED
from features.schema import MONEY_DECIMALS
from features.window import Codes, Seconds, TimedSums

Floats = npt.NDArray[np.float64]

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
class Reported:
    """Rows of metrics with the moment each could be had.

    Attributes:
        units: Row position of each row's creative.
        known: Moment from which the row is known.
        settled: Moment from which its settled figures are known.
        figures: Counts and sums of each row; NaN where it misses one.
    """

    units: Codes
    known: Seconds
    settled: Seconds
    figures: pd.DataFrame

    def times(self, name: str) -> Seconds:
        """When this figure of each row is known."""
        return self.settled if name in SETTLED else self.known

    def of_stage(self, stage: Stage) -> pd.DataFrame:
        """The figures of a stage, 0 in a row that misses one: a numerator without its exposure would mislead."""
        figures = self.figures[stage.figures]
        return figures.where(figures.notna().all(axis=1), 0.0)


def reported_measures(
    metrics: pd.DataFrame, figures: pd.DataFrame, units: Codes, delay_hours: Mapping[str, int], settle_hours: int
) -> Reported:
    """When each row of metrics could be had.

    Args:
        metrics: Checked metrics.
        figures: Their measures, in the same order.
        units: Their creatives.
        delay_hours: By grain: hours from a period's end until its row can be had.
        settle_hours: Hours from a payment until the basis' net money stands.
    """
    ends = metrics["period_end"].to_numpy("datetime64[s]").astype(np.int64)
    delay = metrics["grain"].map(delay_hours).to_numpy(np.int64) * 3600
    return Reported(
        units=units,
        known=ends + delay,
        settled=ends + np.maximum(delay, settle_hours * 3600),
        figures=figures.reset_index(drop=True),
    )


def market_history(
    reported: Reported, creatives: pd.DataFrame, stages: Sequence[Stage], units: Codes, cutoffs: Seconds
) -> Iterator[tuple[str, Floats]]:
    """Each stage's figures of the whole market, known strictly before each cutoff, the creative's own left out.

    Yields:
        `market:<stage>:<figure>` and its values, one a snapshot.
    """
    markets, before = entity_codes(creatives, MARKET), cutoffs - 1
    told = [(reported.times(s.numerator), reported.of_stage(s).add_prefix(f"{s.name}:")) for s in stages]
    for times, table in side_by_side(told):
        own = TimedSums(reported.units, times, times, table).until(units, before)
        for name, total in (
            TimedSums(markets[reported.units], times, times, table).until(markets[units], before).items()
        ):
            yield f"market:{name}", np.maximum(exact(total - own[name]), 0.0)


def entity_history(
    reported: Reported,
    creatives: pd.DataFrame,
    stages: Sequence[Stage],
    volume: str,
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
        reported: Rows of all creatives.
        creatives: Checked creatives; row positions are the unit codes.
        stages: The funnel.
        volume: The figure that later volume counts.
        found: The entities.
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.
        recent_seconds: How far back the market's past is looked at.

    Yields:
        Column name and values, one a snapshot: `hist:<entity>:<stage>:weight` (about how many creatives speak),
        `…:ratio` (weight × ratio, summed) and `hist:<entity>:<volume>`.
    """
    before = cutoffs - 1
    said = [effective(reported, creatives, stage) for stage in stages]
    tables = side_by_side([*said, (reported.known, reported.figures[[volume]].fillna(0.0))])
    alone = [TimedSums(reported.units, times, times, table) for times, table in tables]
    own = [sums.until(units, before) for sums in alone]
    for entity in found:
        groups = entity_codes(creatives, entity)
        rows, member = groups[reported.units], groups[units] >= 0
        for place, (times, table) in enumerate(tables):
            sums = TimedSums(rows, times, times, table)
            others = {name: total - own[place][name] for name, total in sums.until(groups[units], before).items()}
            if entity == MARKET:
                long_ago, mine = (
                    part.until(codes, before - recent_seconds)
                    for part, codes in ((sums, groups[units]), (alone[place], units))
                )
                others = {name: np.maximum(others[name] - long_ago[name] + mine[name], 0.0) for name in others}
            for name, total in others.items():
                yield f"hist:{entity.name}:{name}", np.where(member, exact(total), 0.0)


def effective(reported: Reported, creatives: pd.DataFrame, stage: Stage) -> tuple[Seconds, pd.DataFrame]:
    """When what each row adds to its creative's weight, and to weight × ratio, is known; and what it adds."""
    times = reported.times(stage.numerator)
    events = stage.exposure if stage.events == "expected" else stage.events
    figures, markets = reported.of_stage(stage), entity_codes(creatives, MARKET)[reported.units]
    own = TimedSums(reported.units, times, times, figures).until(reported.units, times)
    market = TimedSums(markets, times, times, figures[[stage.numerator, stage.exposure]]).until(markets, times - 1)
    rate = np.divide(
        market[stage.numerator], market[stage.exposure], out=np.zeros(len(times)), where=market[stage.exposure] > 0
    )
    ratio, weight = ratio_and_weight(stage, own[stage.numerator], own[stage.exposure], own[events], rate)
    summed = pd.DataFrame({f"{stage.name}:weight": weight, f"{stage.name}:ratio": weight * ratio}).round(MONEY_DECIMALS)
    order = np.lexsort((times, reported.units))
    increments = summed.iloc[order].groupby(reported.units[order]).diff().fillna(summed.iloc[order])
    return times, increments.sort_index()


def side_by_side(tables: Sequence[tuple[Seconds, pd.DataFrame]]) -> list[tuple[Seconds, pd.DataFrame]]:
    """Tables that are known at the same moments as one: a sort and a search then serve all their columns."""
    known_at: dict[int, tuple[Seconds, list[pd.DataFrame]]] = {}
    for times, table in tables:
        known_at.setdefault(id(times), (times, []))[1].append(table)
    return [(times, pd.concat(parts, axis=1)) for times, parts in known_at.values()]


def ratio_and_weight(
    stage: Stage, count: Floats, exposure: Floats, events: Floats, rate: Floats
) -> tuple[Floats, Floats]:
    """A creative's ratio to a rate, and how much it says: u/(u + half)."""
    expected = exposure * rate
    known = expected > 0
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    sure = np.where(known, expected if stage.events == "expected" else events, 0.0)
    return ratio, sure / (sure + stage.half)


def launched_before(
    first_known: pd.Series, creatives: pd.DataFrame, entity: Entity, units: Codes, moments: Seconds
) -> Floats:
    """How many other creatives of the entity were known strictly before each moment."""
    groups = entity_codes(creatives, entity)
    known = first_known.notna().to_numpy()
    times = first_known[known].to_numpy("datetime64[s]").astype(np.int64)
    sums = TimedSums(groups[known], times, times, {"launched": np.ones(len(times))})
    count = sums.until(groups[units], moments - 1)["launched"]
    own_time = first_known.to_numpy("datetime64[s]").astype(np.int64)[units]
    own = known[units] & (own_time < moments)
    return np.where(groups[units] >= 0, count - own, 0.0)


def entity_name(column: str) -> str:
    """What the values of a column are called as something that creatives share: a tag by its bare name."""
    # A team's own tag may be called like something that is no tag; it then keeps its prefix.
    bare = column.removeprefix(TAG)
    taken = column != bare and (bare in RESERVED or bare.startswith(("log_", "hour_")) or "*" in bare)
    return column if taken else bare


def exact(difference: Floats) -> Floats:
    """A difference of two sums to the last bit: sums are exact in units of 1e-4; so is this, once told in them."""
    return np.rint(difference * 10**MONEY_DECIMALS) / 10**MONEY_DECIMALS
