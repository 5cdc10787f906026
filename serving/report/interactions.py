"""Which pair of tag values does more, or less, than both alone: what the model's pair terms and the data say."""

import numpy as np
import pandas as pd
from scipy.stats import norm

from features.funnel import signs_of
from serving.report.context import Seen
from serving.report.effects import Figure, Grouping, grouping
from serving.report.residuals import cells

LEAST_CREATIVES = 8
"""That a pair needs to be told of."""
BY_CHANCE = 0.1
"""How likely luck alone makes the clearest of all pairs that were looked at stand out."""


class Pair(Figure):
    """A tag value beside a value of another tag.

    Attributes:
        tag, value: The first.
        other_tag, other: The second.
        creatives: That carry both.
        factor: On what both alone let expect, shrunk for evidence; with its interval.
        clear: Whether it stands out, so many having been looked at.
    """

    tag: str
    value: str
    other_tag: str
    other: str
    creatives: int
    factor: float
    low: float
    high: float
    clear: bool


class Interplay(Figure):
    """The strongest pairs of one question.

    Attributes:
        looked_at: Pairs with enough creatives.
        pairs: The clearest one, and the same value's opposite, where it has one.
    """

    looked_at: int
    pairs: list[Pair]


def interplay(seen: Seen, group: Grouping, stages: list[str], z: float) -> Interplay:
    """Of one tag with every other, at stages whose factors multiply.

    Args:
        seen: The creatives.
        group: By the tag.
        stages: The stages.
        z: Standard deviations to either end of an interval.
    """
    found: list[tuple[float, float, Pair]] = []
    others = {**seen.tags, **{name: name for name in ("category",) if name in seen.observed}}
    for other_tag, column in others.items():
        if other_tag == group.tag:
            continue
        other = grouping(seen, other_tag, column)
        if not len(other.values) or not len(group.values):
            continue
        both = (group.codes >= 0) & (other.codes >= 0)
        codes = np.where(both, group.codes * len(other.values) + other.codes, -1)
        known = _of_pair_terms(seen, group.tag, other_tag, stages)
        sums = pd.Series(known).groupby(codes).mean()
        for cell in cells([seen.residuals[s] for s in stages], codes, len(group.values) * len(other.values)):
            if cell.creatives < LEAST_CREATIVES:
                continue
            log = cell.log + float(sums[cell.code])
            left, right = divmod(cell.code, len(other.values))
            pair = Pair(
                tag=group.tag,
                value=group.values[left],
                other_tag=other_tag,
                other=other.values[right],
                creatives=cell.creatives,
                factor=float(np.exp(log)),
                low=float(np.exp(log - z * cell.sd)),
                high=float(np.exp(log + z * cell.sd)),
                clear=False,
            )
            found.append((abs(log) / max(cell.sd, 1e-9), abs(cell.z), pair))
    found.sort(key=lambda entry: -entry[0])
    needed = float(norm.isf(BY_CHANCE / 2 / max(len(found), 1)))
    pairs = [pair.model_copy(update={"clear": far >= needed and sure > z}) for sure, far, pair in found]
    if not pairs:
        return Interplay(looked_at=0, pairs=[])
    first = pairs[0]
    same = [pair for pair in pairs[1:] if (pair.value, pair.other_tag) == (first.value, first.other_tag)]
    opposite = [pair for pair in same if (pair.factor - 1.0) * (first.factor - 1.0) < 0]
    return Interplay(looked_at=len(pairs), pairs=[first, *opposite[:1]])


def _of_pair_terms(seen: Seen, tag: str, other: str, stages: list[str]) -> np.ndarray:
    """LoadedModel contributions of the model's own pair terms; 0 where it has none."""
    total = np.zeros(len(seen.observed))
    for stage, sign in signs_of(stages).items():
        for name in (f"{tag}*{other}", f"{other}*{tag}"):
            total = total + sign * seen.stages[stage].of(name)
    return total
