"""What was known, at a cutoff, of others that share something with a creative: its account, product, KOC, tags.

Strictly before the cutoff, only rows that had been reported by then, and never the creative's own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.window import Codes, Seconds, TimedSums

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
CHAIN = ("category", "account_id", "product_id", "creator_id*product_id")
"""From what all share down to what few share: the order in which empirical Bayes shrinks."""
RECENT = ("market", "account_id", "product_id")
"""Entities whose recent history is kept apart from their whole history: markets drift, products wear out."""


def entities(creatives: pd.DataFrame, multi: Sequence[str], crosses: Sequence[tuple[str, str]]) -> list[Entity]:
    """Everything that these creatives can share, given what is known of them.

    Args:
        creatives: Checked creatives.
        multi: Tags of which a creative may carry several values; they have no history of their own.
        crosses: Pairs of attributes, tags by their bare names.
    """
    columns = {name.removeprefix(TAG): name for name in creatives if name in GROUPS or name.startswith(TAG)}
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
    """Measures with the moment each could be had.

    Attributes:
        units: Row position of each row's creative.
        known: Moment from which the row is known.
        settled: Moment from which its settled figures are known.
        prompt: Figures known at `known`, by name.
        late: Figures known at `settled`, by name.
    """

    units: Codes
    known: Seconds
    settled: Seconds
    prompt: pd.DataFrame
    late: pd.DataFrame

    def sums(self, groups: Codes) -> tuple[TimedSums, TimedSums]:
        """Running sums by the group of each creative, of prompt and of late figures."""
        rows = groups[self.units]
        return (
            TimedSums(rows, self.known, self.known, self.prompt),
            TimedSums(rows, self.settled, self.settled, self.late),
        )


def history(
    reported: Reported,
    creatives: pd.DataFrame,
    found: Sequence[Entity],
    units: Codes,
    cutoffs: Seconds,
    recent_seconds: int,
) -> Iterator[tuple[str, npt.NDArray[np.float64]]]:
    """Sums over the others of each entity, known strictly before each cutoff.

    Args:
        reported: Measures of all creatives.
        creatives: Checked creatives; row positions are the unit codes.
        found: The entities.
        units: Creative of each snapshot.
        cutoffs: Cutoff of each snapshot.
        recent_seconds: How far back recent history looks.

    Yields:
        Column name (`hist:<entity>:<figure>`, `recent:<entity>:<figure>`) and its values, one a snapshot.
    """
    before = cutoffs - 1
    since = before - recent_seconds
    alone = reported.sums(np.arange(len(creatives), dtype=np.int64))
    own = [sums.until(units, before) for sums in alone]
    own_since = [sums.until(units, since) for sums in alone]
    for entity in found:
        groups = entity_codes(creatives, entity)
        member = groups[units] >= 0
        for sums, mine, mine_since in zip(reported.sums(groups), own, own_since):
            whole = sums.until(groups[units], before)
            for name, total in whole.items():
                yield f"hist:{entity.name}:{name}", np.where(member, _others(total, mine[name]), 0.0)
            if entity.name in RECENT:
                for name, total in sums.until(groups[units], since).items():
                    recent = _others(whole[name], mine[name]) - _others(total, mine_since[name])
                    yield f"recent:{entity.name}:{name}", np.where(member, np.maximum(recent, 0.0), 0.0)


def launched_before(
    launched: pd.Series, creatives: pd.DataFrame, entity: Entity, units: Codes, moments: Seconds
) -> npt.NDArray[np.float64]:
    """How many other creatives of the entity had been launched strictly before each moment."""
    groups = entity_codes(creatives, entity)
    known = launched.notna().to_numpy()
    times = launched[known].to_numpy("datetime64[s]").astype(np.int64)
    sums = TimedSums(groups[known], times, times, {"launched": np.ones(len(times))})
    count = sums.until(groups[units], moments - 1)["launched"]
    own_launch = launched.to_numpy("datetime64[s]").astype(np.int64)[units]
    own = known[units] & (own_launch < moments)
    return np.where(groups[units] >= 0, count - own, 0.0)


def _others(total: npt.NDArray[np.float64], own: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    # Sums are exact in units of 1e-4; so is their difference, after the division is undone.
    return np.rint(total * 1e4 - own * 1e4) / 1e4


def reported_measures(
    metrics: pd.DataFrame,
    figures: pd.DataFrame,
    units: Codes,
    delay_hours: Mapping[str, int],
    settle_hours: int,
    late: Sequence[str],
) -> Reported:
    """When each row of metrics could be had.

    Args:
        metrics: Checked metrics.
        figures: Their measures, in the same order.
        units: Their creatives.
        delay_hours: By grain: hours from a period's end until its row can be had.
        settle_hours: Hours from a payment until the basis' net money stands.
        late: Names of the figures that wait for that.

    A row that misses a figure which others have counts for none: a numerator without its exposure would mislead.
    """
    complete = figures.notna().all(axis=1).to_numpy()
    metrics, figures, units = metrics[complete], figures[complete], units[complete]
    ends = metrics["period_end"].to_numpy("datetime64[s]").astype(np.int64)
    delay = metrics["grain"].map(delay_hours).to_numpy(np.int64) * 3600
    return Reported(
        units=units,
        known=ends + delay,
        settled=ends + np.maximum(delay, settle_hours * 3600),
        prompt=figures[[name for name in figures if name not in late]],
        late=figures[[name for name in figures if name in late]],
    )
