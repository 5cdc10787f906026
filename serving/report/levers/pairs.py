"""Which values of two levers do better or worse together than both do alone, and which phrases of the copy are clicked.

Both go beyond what the model adds up: they are shrunk mean residuals (`contribution_groups.shrunk_cells`).
"""

import re
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.arrays import Codes, Floats, Mask
from features.stages import CLICK, signs_of
from serving.report.context import ReportContext
from serving.report.contribution_groups import ResidualCell, StageResidual, shrunk_cells
from serving.report.effects import ReportPart, TagGrouping, group_by_tag
from serving.report.levers.slice_effects import KOC

LEAST_PAIR_CREATIVES = 8
FAMILYWISE_ERROR = 0.1
"""Chance that any of all examined pairs is called clear although no pair has an effect (Bonferroni)."""
PHRASE_BREAKS = re.compile(r"[\s,，。.!！?？;；:：、|~～…]+")
LONGEST_PHRASE = 24
LEAST_PHRASE_CREATIVES = 10
CATEGORY = "category"
"""Goes with levers in pairs, though nobody chooses it."""


class LeverPair(ReportPart):
    """A value of one lever together with a value of another, among all creatives of a promotion type.

    Attributes:
        promotion_type: Which.
        lever: The first, as an index of `Levers.levers`.
        other_tag, other: The second, by tag and value.
        creatives: Creatives with both that have counts.
        log: Log factor on the main target beyond both effects, shrunk.
        sd: Its standard deviation.
        clear: Whether it is significant among all examined pairs.
    """

    promotion_type: str
    lever: int
    other_tag: str
    other: str
    creatives: int
    log: float
    sd: float
    clear: bool


class LeverPairs(ReportPart):
    """The strongest pair of every value.

    Attributes:
        examined: Promotion type → number of pairs with enough creatives.
        pairs: The clearest pair of each value.
    """

    examined: dict[str, int]
    pairs: list[LeverPair]


def lever_pairs(
    context: ReportContext, groups: Sequence[TagGrouping], types: dict[str, Mask], stages: Sequence[str]
) -> LeverPairs:
    """The strongest pair of each value of a single-valued tag, price or duration.

    The factor of a pair is the mean contribution of the model's own pair effect, where it has one, plus the shrunk mean
    residual of the creatives with both values.

    Args:
        context: The chosen creatives.
        groups: Of `lever_effects.lever_groups`.
        types: Promotion type → its creatives.
        stages: Stages whose factors make up the main target.
    """
    single = [
        group for group in groups if group.tag != KOC and (group.shares.max(axis=1) == group.shares.sum(axis=1)).all()
    ]
    if CATEGORY in context.observed:
        single.append(group_by_tag(context, CATEGORY, CATEGORY))
    pairs_of = {
        frozenset((one.tag, other.tag)): _pair_contributions(context, one.tag, other.tag, stages)
        for one, other in combinations(single, 2)
    }
    places = {lever: place for place, lever in enumerate((one.tag, value) for one in groups for value in one.values)}
    z = float(norm.ppf(0.5 + context.settings.interval.level / 2))
    examined, best = {}, []
    for promotion_type, rows in types.items():
        found = [
            (one, other, cell, log)
            for one, other in combinations(single, 2)
            if one.values and other.values
            for cell, log in _cells(context, one, other, rows, stages, pairs_of[frozenset((one.tag, other.tag))])
        ]
        examined[promotion_type] = len(found)
        critical = float(norm.isf(FAMILYWISE_ERROR / 2 / max(len(found), 1)))
        strongest: dict[tuple[str, str], tuple[float, LeverPair]] = {}
        for one, other, cell, log in found:
            left, right = divmod(cell.code, len(other.values))
            ends = (one.tag, one.values[left]), (other.tag, other.values[right])
            for mine, its in (ends, ends[::-1]):
                apart = abs(log) / max(cell.sd, 1e-9)
                if mine[0] != CATEGORY and apart > strongest.get(mine, (0.0, None))[0]:
                    strongest[mine] = apart, LeverPair(
                        promotion_type=promotion_type, lever=places[mine], other_tag=its[0], other=its[1],
                        creatives=cell.creatives, log=round(log, 4), sd=round(cell.sd, 4),
                        clear=abs(cell.z) >= critical and apart >= z,
                    )  # fmt: skip
        best += [pair for _, pair in strongest.values()]
    return LeverPairs(examined=examined, pairs=best)


def _cells(
    context: ReportContext, one: TagGrouping, other: TagGrouping, rows: Mask, stages: Sequence[str], of_model: Floats
) -> list[tuple[ResidualCell, float]]:
    """Pairs with enough creatives among these rows, and their log factors."""
    codes: Codes = np.where(
        rows & (one.codes >= 0) & (other.codes >= 0), one.codes * len(other.values) + other.codes, -1
    )
    means = pd.Series(of_model).groupby(codes).mean()
    signed = [
        StageResidual(sign * context.residuals[stage].deviation, context.residuals[stage].weight)
        for stage, sign in signs_of(stages).items()
    ]
    cells = shrunk_cells(signed, codes, len(one.values) * len(other.values))
    return [(cell, cell.log + float(means[cell.code])) for cell in cells if cell.creatives >= LEAST_PAIR_CREATIVES]


def _pair_contributions(context: ReportContext, tag: str, other: str, stages: Sequence[str]) -> Floats:
    """(creatives,) Contributions of the model's own pair effects; zeros where it has none."""
    total = np.zeros(len(context.observed))
    for stage, sign in signs_of(stages).items():
        for name in (f"{tag}*{other}", f"{other}*{tag}"):
            total = total + sign * context.stages[stage].of_group(name)
    return total


class PhraseEffect(ReportPart):
    """Click rate of creatives whose copy has a phrase, beyond what the model predicts for them.

    Attributes:
        promotion_type: Whose creatives.
        text: The phrase.
        creatives: Creatives with counts that have it.
        log: Log factor on the click rate, shrunk.
        sd: Its standard deviation.
    """

    promotion_type: str
    text: str
    creatives: int
    log: float
    sd: float


def phrase_effects(context: ReportContext, types: dict[str, Mask]) -> list[PhraseEffect]:
    """Phrases of the copy, those with the highest click rate beyond the model first.

    The model has components of the whole text and no phrases, so these are residuals, not contributions. Phrases of
    fewer than LEAST_PHRASE_CREATIVES creatives are left out.

    Args:
        context: The chosen creatives.
        types: Promotion type → its creatives.
    """
    if "copy_text" not in context.observed or not context.funnel.has(CLICK.name):
        return []
    found = []
    for promotion_type, rows in types.items():
        texts = context.observed["copy_text"][rows].dropna().astype(str)
        parts = texts.str.split(PHRASE_BREAKS.pattern, regex=True).explode()
        parts = parts[(parts.str.len() > 1) & (parts.str.len() <= LONGEST_PHRASE)].rename("phrase")
        pairs = parts.rename_axis("row").reset_index().drop_duplicates()
        sizes = pairs["phrase"].value_counts()
        pairs = pairs[pairs["phrase"].map(sizes) >= LEAST_PHRASE_CREATIVES]
        codes, names = pd.factorize(pairs["phrase"], sort=True)
        at = pairs["row"].to_numpy(np.int64)
        click = context.residuals[CLICK.name]
        residual = StageResidual(click.deviation[at], click.weight[at])
        found += [
            PhraseEffect(
                promotion_type=promotion_type,
                text=str(names[cell.code]),
                creatives=cell.creatives,
                log=round(cell.log, 4),
                sd=round(cell.sd, 4),
            )
            for cell in shrunk_cells([residual], codes.astype(np.int64), len(names))
        ]
    return sorted(found, key=lambda phrase: -phrase.log)
