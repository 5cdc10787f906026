"""Diversity of an account's creatives: combinations of tags used, how alike creatives are, and the chance of a hit."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.point_in_time.entity_history import TAG
from serving.report.context import ReportContext
from serving.report.contribution_groups import Codes
from serving.report.effects import Floats, ReportPart

DIRECTION_TAGS = ("hook", "scene", "face", "script")
"""Tags whose combination is called a direction."""
RECENT_LAUNCH_DAYS = 28
CREATIVE_COUNTS = (1, 2, 3, 5, 8, 12, 20, 30, 50)

Mask = npt.NDArray[np.bool_]


class CombinationCounts(ReportPart):
    """Creatives of each combination of two tags.

    Attributes:
        rows_tag, columns_tag: The tags.
        rows, columns: Their values.
        counts: [row][column] Number of creatives.
    """

    rows_tag: str
    columns_tag: str
    rows: list[str]
    columns: list[str]
    counts: list[list[int]]


class HitCurve(ReportPart):
    """Chance of at least one hit among N new creatives, under three assumptions about how alike they are.

    Attributes:
        one: Chance of a single new creative of the account: mean of the predictions before launch.
        counts: N.
        one_direction: If all are of one direction.
        current: If they are as alike as the account's recent ones.
        all_different: If no two share a direction.
        correlation: Intraclass correlation of hits within a direction, over all mature creatives.
        directions: Directions with two mature creatives or more, from which it is estimated.
    """

    one: float
    counts: list[int]
    one_direction: list[float]
    current: list[float]
    all_different: list[float]
    correlation: float
    directions: int


class Diversity(ReportPart):
    """Diversity of one account's creatives.

    Attributes:
        account: Account id.
        tags: Those of DIRECTION_TAGS that the data have.
        creatives: Creatives of the account with all of these tags.
        directions: Different combinations among them.
        possible: Combinations of all values in the training data.
        effective: exp of the Shannon entropy of the directions: as many equally used ones would be as diverse.
        recent: Creatives launched in the last RECENT_LAUNCH_DAYS, or not launched yet.
        shared_tags: Mean share of these tags that two recent creatives have in common; None with fewer than two.
        shared_tags_all: The same over all creatives of the data.
        repeat_share: Share of recent creatives that repeat the direction of an older one.
        combinations: Creatives by the first two tags.
        hits: Chance of a hit; None where chances are not calibrated.
        missing: Those of DIRECTION_TAGS that the data do not have.
    """

    account: str
    tags: list[str]
    creatives: int
    directions: int
    possible: int
    effective: float
    recent: int
    shared_tags: float | None
    shared_tags_all: float | None
    repeat_share: float
    combinations: CombinationCounts | None
    hits: HitCurve | None
    missing: list[str]


def account_diversity(context: ReportContext) -> Diversity:
    """Diversity of the chosen account; of several, of the one with most creatives."""
    tags = [tag for tag in DIRECTION_TAGS if tag in context.tags]
    observed = context.observed
    account = context.creative_filter.account or str(observed["account_id"].value_counts().index[0])
    of_account = (observed["account_id"] == account).to_numpy()
    all_codes = _codes(observed, context, tags)
    no_codes = np.zeros((0, 0), dtype=np.int64)
    codes = all_codes[of_account & (all_codes >= 0).all(axis=1)] if tags else no_codes
    counts = np.unique(codes, axis=0, return_counts=True)[1] if len(codes) else np.zeros(0)
    shares = counts / counts.sum() if len(counts) else np.ones(1)
    since = context.now - pd.Timedelta(days=RECENT_LAUNCH_DAYS)
    recent = of_account & (~context.launched | (observed["launched_at"] >= since).to_numpy())
    possible = 1
    for tag in tags:
        possible *= len(_known_values(context, tag))
    shared = mean_shared_tags(all_codes[recent]) if tags else None
    return Diversity(
        account=account,
        tags=tags,
        creatives=len(codes),
        directions=len(counts),
        possible=possible if tags else 0,
        effective=float(np.exp(-(shares * np.log(shares)).sum())) if len(counts) else 0.0,
        recent=int(recent.sum()),
        shared_tags=shared,
        shared_tags_all=mean_shared_tags(_codes(context.all_creatives, context, tags)) if tags else None,
        repeat_share=_repeat_share(all_codes, of_account, recent) if tags else 0.0,
        combinations=_combinations(context, tags, of_account),
        hits=_hit_curve(context, tags, recent, shared) if tags else None,
        missing=[tag for tag in DIRECTION_TAGS if tag not in tags],
    )


def mean_shared_tags(codes: Codes) -> float | None:
    """Mean share of tags that two creatives have in common, over all pairs; `codes`: (creatives, tags), −1 unknown."""
    if len(codes) < 2:
        return None
    shares = []
    for column in codes.T:
        counts = np.bincount(column[column >= 0])
        known = counts.sum()
        if known >= 2:
            shares.append(float((counts * (counts - 1)).sum() / (known * (known - 1))))
    return float(np.mean(shares)) if shares else None


def _repeat_share(codes: Codes, of_account: Mask, recent: Mask) -> float:
    """Share of recent creatives with an older combination of tags; codes: (creatives, tags), masks (creatives,)."""
    known = (codes >= 0).all(axis=1)
    older = {tuple(row) for row in codes[of_account & ~recent & known].tolist()}
    new = [tuple(row) for row in codes[recent & known].tolist()]
    return float(np.mean([row in older for row in new])) if new else 0.0


def _hit_curve(context: ReportContext, tags: Sequence[str], recent: Mask, shared: float | None) -> HitCurve | None:
    uncertainty = context.loaded_model.model.uncertainty
    if uncertainty is None or not uncertainty.hit_measure:
        return None
    new = recent & ~context.launched
    chances = context.predicted["hit_chance"].to_numpy(np.float64)[new if new.any() else recent]
    chances = chances[np.isfinite(chances)]
    creatives = context.all_creatives
    codes = _codes(creatives, context, tags)
    hits = uncertainty.hits(creatives, creatives["promotion_type"].astype("str"))
    mature = creatives["known"].to_numpy() & np.isfinite(hits) & (codes >= 0).all(axis=1)
    correlation, directions = intraclass_correlation(hits[mature], codes[mature])
    if not len(chances):
        return None
    one = float(chances.mean())
    return HitCurve(
        one=one,
        counts=list(CREATIVE_COUNTS),
        one_direction=[at_least_one(one, count, correlation) for count in CREATIVE_COUNTS],
        current=[at_least_one(one, count, correlation * (shared or 0.0)) for count in CREATIVE_COUNTS],
        all_different=[at_least_one(one, count, 0.0) for count in CREATIVE_COUNTS],
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
    steps = np.arange(count)
    miss = ((1.0 - chance) * total + steps) / (total + steps)
    return float(1.0 - miss.prod())


def _codes(frame: pd.DataFrame, context: ReportContext, tags: Sequence[str]) -> Codes:
    """(creatives, tags) Values of the tags as numbers; −1 where unknown."""
    parts = [pd.factorize(frame[context.tags[tag]], sort=True)[0] for tag in tags]
    return np.column_stack(parts) if parts else np.zeros((len(frame), 0), dtype=np.int64)


def _known_values(context: ReportContext, tag: str) -> Sequence[str]:
    return context.loaded_model.tags[context.tags[tag].removeprefix(TAG)]


def _combinations(context: ReportContext, tags: Sequence[str], of_account: Mask) -> CombinationCounts | None:
    if len(tags) < 2:
        return None
    rows, columns = tags[:2]
    table = pd.crosstab(
        context.observed[context.tags[rows]][of_account], context.observed[context.tags[columns]][of_account]
    )
    row_values, column_values = list(_known_values(context, rows)), list(_known_values(context, columns))
    table = table.reindex(index=row_values, columns=column_values, fill_value=0)
    counts = table.to_numpy().astype(int).tolist()
    return CombinationCounts(rows_tag=rows, columns_tag=columns, rows=row_values, columns=column_values, counts=counts)
