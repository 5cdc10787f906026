"""Groups of creatives by the values of a tag, the model's contributions by value, and how sure an effect is."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict
from scipy.stats import norm

from features.arrays import Floats
from features.schema import MULTI
from serving.report.context import ReportContext

MOST_TAG_VALUES = 60
"""Values of a tag that are compared; the rarest are left out."""


Grade = Literal["certain", "likely", "unclear"]
LIKELY = 0.8
"""Probability of the direction from which an effect is called likely."""
LIKELY_APART = float(norm.ppf(LIKELY))
"""The same in standard deviations from ×1."""


def grade(log: float, sd: float, level: float) -> Grade:
    """How sure the direction of an effect is.

    Args:
        log: Log factor.
        sd: Its posterior standard deviation.
        level: Of the report's intervals.

    Returns:
        `certain` where the interval excludes ×1, `likely` where the direction is right with `LIKELY`, else `unclear`.
    """
    if sd <= 0:
        return "unclear"
    apart = abs(log) / sd
    if apart > _half_width(level):
        return "certain"
    return "likely" if apart >= LIKELY_APART else "unclear"


@cache
def _half_width(level: float) -> float:
    """Half the width of an interval, in standard deviations."""
    return float(norm.ppf(0.5 + level / 2))


class ReportPart(BaseModel):
    """Base of the report's numbers: plain, frozen data that survives JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


@dataclass(frozen=True)
class Baseline:
    """Prediction for the mean chosen creative without own counts.

    Attributes:
        targets: Target → geometric mean of its predictions, in the target's unit.
        cpm: Cost of 1 000 impressions, CNY; NaN where cost is not modelled.
    """

    targets: Mapping[str, float]
    cpm: float


def baseline(context: ReportContext) -> Baseline:
    """Geometric means of the predictions without own counts."""
    means = {name: float(np.exp(part.without_own_evidence.mean())) for name, part in context.targets.items()}
    cost = context.stages.get("cost")
    cpm = float("nan") if cost is None else 1000.0 * float(np.exp(cost.without_own_evidence.mean()))
    return Baseline(means, cpm)


@dataclass(frozen=True)
class TagGrouping:
    """Values of one tag among the chosen creatives.

    Attributes:
        tag: Feature group of the tag.
        values: Values that occur.
        shares: (creatives, values) 1 for a single value, 1/k for each of a creative's k values, 0 elsewhere.
    """

    tag: str
    values: tuple[str, ...]
    shares: Floats

    @cached_property
    def has_value(self) -> Floats:
        """(creatives, values) 1 where a creative has a value, else 0."""
        return (self.shares > 0).astype(np.float64)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """(values,) Creatives with each value."""
        return self.has_value.sum(axis=0).astype(np.int64)

    @cached_property
    def single(self) -> bool:
        """Whether no creative has several values."""
        return bool((self.has_value.sum(axis=1) <= 1).all())

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """(creatives,) Index of each creative's value, −1 where it has none; of single-valued tags only."""
        if not self.values:
            return np.full(len(self.shares), -1)
        return np.where(self.shares.any(axis=1), self.shares.argmax(axis=1), -1)

    def contribution_by_value(self, logs: Floats) -> Floats:
        """(values,) Contribution of each value, from the (creatives,) contributions of the tag.

        Of a single-valued tag the mean over its creatives; otherwise least squares, so that the shares of a creative's
        values add up to its contribution.
        """
        if self.single:
            return (logs @ self.has_value) / np.maximum(self.sizes, 1)
        return np.asarray(np.linalg.lstsq(self.shares, logs, rcond=None)[0])


def group_by_tag(context: ReportContext, tag: str, column: str) -> TagGrouping:
    """Group the chosen creatives by the most frequent values of a column; values are sorted by name."""
    column_values = context.observed[column].astype(object)
    lists = [[] if value != value or value is None else [str(value)] for value in column_values]
    if tag in context.loaded_model.vocabulary.multi:
        lists = [list(dict.fromkeys(one[0].split(MULTI))) if one else [] for one in lists]
    counts = Counter(value for one in lists for value in one)
    values = tuple(sorted(value for value, _ in counts.most_common(MOST_TAG_VALUES)))
    places = {value: place for place, value in enumerate(values)}
    shares = np.zeros((len(lists), len(values)))
    for row, one in enumerate(lists):
        for value in one:
            if value in places:
                shares[row, places[value]] = 1.0 / len(one)
    return TagGrouping(tag, values, shares)


def model_variance(context: ReportContext, stage: str, group: TagGrouping) -> tuple[Floats, float]:
    """(values,) The model's posterior variance of each value's effect, and its between-value variance."""
    fitted, zeros = context.loaded_model.model.fitted, np.zeros(len(group.values))
    if fitted.funnel_models:
        funnel_model = fitted.funnel_models[-1]
        of_stage = funnel_model.stages[stage]
        if group.tag not in of_stage.effect_variances:
            return zeros, 0.0
        places = funnel_model.terms.category_codes[group.tag]
        known, never = of_stage.effect_variances[group.tag], of_stage.variance_components.get(group.tag, 0.0)
        return np.array([known[places[v]] if v in places else never for v in group.values], dtype=np.float64), never
    prior = fitted.priors[stage]
    if group.tag not in prior.strengths:
        return zeros, 0.0
    column = f"hist:{group.tag}:{stage}:weight"
    observed = context.observed
    weight = group.contribution_by_value(observed[column].to_numpy(np.float64)) if column in observed else zeros
    scale = prior.weights.get(group.tag, 1.0) ** 2 * prior.creative_variance
    return scale / (weight + prior.strengths[group.tag]), scale / prior.strengths[group.tag]
