"""How rich is what an account shoots: directions covered, how alike its creatives are, and the chance of a hit."""

import numpy as np
import pandas as pd

from features.point_in_time.entity_history import TAG
from serving.report.context import Seen
from serving.report.effects import Figure, Floats

DIRECTION = ("hook", "scene", "face", "script")
RECENT_DAYS = 28
COUNTS = (1, 2, 3, 5, 8, 12, 20, 30, 50)


class Covered(Figure):
    """One pair of tags: how many creatives of each combination.

    Attributes:
        rows_tag, columns_tag: The tags.
        rows, columns: Their values.
        counts: Creatives of each pair.
    """

    rows_tag: str
    columns_tag: str
    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


class Chance(Figure):
    """Chance of at least one hit from N creatives, as they grow more different.

    Attributes:
        one: Of a single new creative of the account: mean chance predicted before launch.
        counts: N.
        alike: Were all of one direction.
        now: As different as the account's recent ones.
        apart: Were none like another.
        together: Intraclass correlation of hits in one direction, from all creatives of known outcome.
        directions: Directions with two such creatives or more, which tell it.
    """

    one: float
    counts: list[int]
    alike: list[float]
    now: list[float]
    apart: list[float]
    together: float
    directions: int


class Richness(Figure):
    """Of one account.

    Attributes:
        account: Which.
        tags: That make a direction, of those there are.
        creatives: Of the account, with all of these tags.
        directions: Different combinations among them.
        possible: Of all values that training saw.
        effective: How many equally used directions would be as varied.
        recent: Launched in the last RECENT_DAYS, or announced.
        alike: Mean share of these tags that two recent ones have in common; None with fewer than two.
        market_alike: The same of two creatives of all the data.
        twins: Share of the recent ones that repeat an older creative's direction.
        covered: The first two tags against each other.
        chance: Of hits; None where they are not calibrated.
        missing: Tags that are not known.
    """

    account: str
    tags: list[str]
    creatives: int
    directions: int
    possible: int
    effective: float
    recent: int
    alike: float | None
    market_alike: float | None
    twins: float
    covered: Covered | None
    chance: Chance | None
    missing: list[str]


def richness(seen: Seen) -> Richness:
    """Of the chosen account; of several, of the one with most creatives."""
    tags = [tag for tag in DIRECTION if tag in seen.tags]
    missing = [tag for tag in DIRECTION if tag not in tags]
    account = seen.chosen.account or str(seen.observed["account_id"].value_counts().index[0])
    mine = (seen.observed["account_id"] == account).to_numpy()
    everyone = _codes(seen.observed, seen, tags)
    codes = everyone[mine & (everyone >= 0).all(axis=1)] if tags else np.zeros((0, 0), dtype=np.int64)
    counts = np.unique(codes, axis=0, return_counts=True)[1] if len(codes) else np.zeros(0)
    shares = counts / counts.sum() if len(counts) else np.ones(1)
    launched = seen.observed["launched_at"]
    fresh = mine & (~seen.launched | (launched >= seen.now - pd.Timedelta(days=RECENT_DAYS)).to_numpy())
    possible = 1
    for tag in tags:
        possible *= len(seen.served.tags[seen.tags[tag].removeprefix(TAG)])
    alike = likeness(everyone[fresh]) if tags else None
    return Richness(
        account=account,
        tags=tags,
        creatives=len(codes),
        directions=len(counts),
        possible=possible if tags else 0,
        effective=float(np.exp(-(shares * np.log(shares)).sum())) if len(counts) else 0.0,
        recent=int(fresh.sum()),
        alike=alike,
        market_alike=likeness(_codes(seen.everyone, seen, tags)) if tags else None,
        twins=_twins(everyone, mine, fresh) if tags else 0.0,
        covered=_covered(seen, tags, mine),
        chance=_chance(seen, tags, fresh, alike) if tags else None,
        missing=missing,
    )


def likeness(codes: np.ndarray) -> float | None:
    """Mean share of tags that two creatives have in common, over all pairs."""
    if len(codes) < 2:
        return None
    shares = []
    for column in codes.T:
        counts = np.bincount(column[column >= 0])
        known = counts.sum()
        if known >= 2:
            shares.append(float((counts * (counts - 1)).sum() / (known * (known - 1))))
    return float(np.mean(shares)) if shares else None


def _twins(codes: np.ndarray, mine: np.ndarray, fresh: np.ndarray) -> float:
    known = (codes >= 0).all(axis=1)
    older = {tuple(row) for row in codes[mine & ~fresh & known].tolist()}
    recent = [tuple(row) for row in codes[fresh & known].tolist()]
    return float(np.mean([row in older for row in recent])) if recent else 0.0


def _chance(seen: Seen, tags: list[str], fresh: np.ndarray, alike: float | None) -> Chance | None:
    uncertainty = seen.served.model.uncertainty
    if uncertainty is None or not uncertainty.hit_measure:
        return None
    new = fresh & ~seen.launched
    rows = new if new.any() else fresh
    stated = seen.predicted["hit_chance"].to_numpy(np.float64)[rows]
    stated = stated[np.isfinite(stated)]
    codes = _codes(seen.everyone, seen, tags)
    hits = uncertainty.hits(seen.everyone, seen.everyone["promotion_type"].astype("str"))
    told = seen.everyone["known"].to_numpy() & np.isfinite(hits) & (codes >= 0).all(axis=1)
    together, directions = intraclass(hits[told], codes[told])
    if not len(stated):
        return None
    one = float(stated.mean())
    return Chance(
        one=one,
        counts=list(COUNTS),
        alike=[at_least_one(one, count, together) for count in COUNTS],
        now=[at_least_one(one, count, together * (alike or 0.0)) for count in COUNTS],
        apart=[at_least_one(one, count, 0.0) for count in COUNTS],
        together=together,
        directions=directions,
    )


def intraclass(hits: Floats, codes: np.ndarray) -> tuple[float, int]:
    """How much hits cluster in directions (one-way analysis of variance), 0 where they do not; and directions used."""
    if not len(hits):
        return 0.0, 0
    group = np.unique(codes, axis=0, return_inverse=True)[1].ravel()
    sizes = np.bincount(group)
    kept = sizes[group] >= 2
    group = np.unique(group[kept], return_inverse=True)[1]
    hits, sizes = hits[kept], np.bincount(group)
    count, groups = len(hits), len(sizes)
    if groups < 2 or count == groups:
        return 0.0, groups
    means = np.bincount(group, hits) / sizes
    between = float((sizes * (means - hits.mean()) ** 2).sum() / (groups - 1))
    within = float(((hits - means[group]) ** 2).sum() / (count - groups))
    typical = (count - float((sizes**2).sum()) / count) / (groups - 1)
    bottom = between + (typical - 1.0) * within
    return (float(np.clip((between - within) / bottom, 0.0, 0.9)) if bottom > 0 else 0.0), groups


def at_least_one(chance: float, count: int, together: float) -> float:
    """Chance of a hit among so many whose hits are beta-binomial with this intraclass correlation."""
    if together <= 0.0 or not 0.0 < chance < 1.0:
        return float(1.0 - (1.0 - chance) ** count)
    total = 1.0 / together - 1.0
    steps = np.arange(count)
    miss = ((1.0 - chance) * total + steps) / (total + steps)
    return float(1.0 - miss.prod())


def _codes(frame: pd.DataFrame, seen: Seen, tags: list[str]) -> np.ndarray:
    parts = [pd.factorize(frame[seen.tags[tag]], sort=True)[0] for tag in tags]
    return np.column_stack(parts) if parts else np.zeros((len(frame), 0), dtype=np.int64)


def _covered(seen: Seen, tags: list[str], mine: np.ndarray) -> Covered | None:
    if len(tags) < 2:
        return None
    rows, columns = tags[:2]
    table = pd.crosstab(seen.observed[seen.tags[rows]][mine], seen.observed[seen.tags[columns]][mine])
    every = [list(seen.served.tags[seen.tags[tag].removeprefix(TAG)]) for tag in (rows, columns)]
    table = table.reindex(index=every[0], columns=every[1], fill_value=0)
    counts = table.to_numpy().astype(int).tolist()
    return Covered(rows_tag=rows, columns_tag=columns, rows=every[0], columns=every[1], counts=counts)
