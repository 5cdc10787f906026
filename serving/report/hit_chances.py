"""The chance of a hit from new creatives, and how many give at least one, by how alike they are."""

from bisect import bisect_left

import numpy as np
from scipy.stats import betabinom

from features.arrays import Codes, Floats, Mask
from serving.report.context import ReportContext
from serving.report.effects import ReportPart

CERTAINTIES = (0.5, 0.8, 0.95)
"""Chances of at least one hit for which the number of creatives is given."""
MOST_CREATIVES = 500
"""With more creatives no number is given."""
LEAST_WAITING = 10
"""Waiting creatives from which their predictions say how likely a new one is a hit."""
PRIOR_CREATIVES = 50
"""Creatives that the promotion type's share of hits counts for in the share of an account."""


class HitChances(ReportPart):
    """Chance of a hit, and how many new creatives give at least one, under three assumptions about how alike they are.

    Attributes:
        one: Chance of a single new creative.
        waiting: Waiting creatives whose predictions it is the mean of; 0: it is the share of `hits` in `mature`.
        hits, mature: Hits among the creatives whose first outcome window is known.
        needed: Per CERTAINTIES, creatives needed for at least one hit if all are of one direction, if they are as alike
            as the recent ones, and if no two share a direction; None beyond MOST_CREATIVES.
        correlation: Intraclass correlation of hits within a direction, over the promotion type.
        directions: Directions with two mature creatives or more, from which it is estimated.
    """

    one: float
    waiting: int
    hits: int
    mature: int
    needed: list[tuple[int | None, int | None, int | None]]
    correlation: float
    directions: int


def observed_hits(context: ReportContext) -> Floats:
    """(creatives,) 1 for a hit in the first outcome window, 0 for none, NaN where that is not known."""
    uncertainty = context.loaded_model.model.uncertainty
    if uncertainty is None or not uncertainty.hit_measure:
        return np.full(len(context.observed), np.nan)
    hits = uncertainty.hits(context.outcomes, context.observed["promotion_type"].astype("str"))
    return np.where(context.outcomes["known"].to_numpy(np.bool_), hits, np.nan)


def hit_chances(
    context: ReportContext, rows: Mask, of_type: Mask, hits: Floats, shared: float | None, correlation: float,
    directions: int,
) -> HitChances | None:  # fmt: skip
    """The chances of some creatives of a promotion type; None where neither predictions nor past hits tell them.

    Args:
        context: The chosen creatives.
        rows: (creatives,) Those that it is about.
        of_type: (creatives,) Those of their promotion type.
        hits: (creatives,) Of `observed_hits`.
        shared: Mean share of the tags that two recent ones have in common; None where it is not known.
        correlation: Of hits within a direction.
        directions: From which it is estimated.
    """
    known = np.isfinite(hits)
    mature, found, of_all = int((rows & known).sum()), float(hits[rows & known].sum()), hits[of_type & known]
    predicted = context.predicted["hit_chance"].to_numpy(np.float64)
    waiting = rows & ~context.launched & np.isfinite(predicted)
    if waiting.sum() >= LEAST_WAITING:
        one = float(predicted[waiting].mean())
    elif len(of_all):
        one = (found + PRIOR_CREATIVES * float(of_all.mean())) / (mature + PRIOR_CREATIVES)
    else:
        return None
    likeness = (correlation, correlation * (shared or 0.0), 0.0)
    return HitChances(
        one=one,
        waiting=int(waiting.sum()) if waiting.sum() >= LEAST_WAITING else 0,
        hits=int(found),
        mature=mature,
        needed=[
            (needed(one, chance, likeness[0]), needed(one, chance, likeness[1]), needed(one, chance, likeness[2]))
            for chance in CERTAINTIES
        ],
        correlation=correlation,
        directions=directions,
    )


def intraclass_correlation(hits: Floats, codes: Codes) -> tuple[float, int]:
    """Intraclass correlation of hits within directions (one-way analysis of variance), clipped to 0–0.9.

    Args:
        hits: (creatives,) 1 for a hit, else 0.
        codes: (creatives, tags) Tag values; equal rows are one direction.

    Returns:
        The correlation, and the number of directions with two creatives or more.
    """
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


def at_least_one(chance: float, count: int, correlation: float) -> float:
    """Chance of at least one hit among `count` creatives, hits being beta-binomial with this intraclass correlation."""
    if correlation <= 0.0 or not 0.0 < chance < 1.0:
        return float(1.0 - (1.0 - chance) ** count)
    total = 1.0 / correlation - 1.0
    return float(1.0 - betabinom.pmf(0, count, chance * total, (1.0 - chance) * total))


def needed(chance: float, certainty: float, correlation: float) -> int | None:
    """Creatives until at least one is a hit with this certainty; None beyond MOST_CREATIVES."""
    counts = range(1, MOST_CREATIVES + 1)
    place = bisect_left(counts, certainty, key=lambda count: at_least_one(chance, count, correlation))
    return counts[place] if place < len(counts) else None
