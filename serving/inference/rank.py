"""Rank candidates by a target, with the probability that each is among the best k."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from features.arrays import Floats
from features.matrix.feature_matrix import Features
from serving.api.errors import RequestProblem, refused
from serving.api.requests import RankRequest
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import (
    CREATIVES_PER_CHUNK,
    PredictedCreatives,
    number_or_none,
    predict_creatives,
    warnings_of,
)

Cdf = Callable[[Floats], Floats]
"""Rising values (values,), the first of them 0 → P(target ≤ value) (rows, values)."""

COMPARISON_CELLS = 256
"""Cells between the values at which distributions are compared."""
ZERO_PARTS = 16
"""Parts into which the probability mass at 0 is split, so that candidates that come to nothing tie in any order."""
SUPPORT_SD = 5.0
"""Standard deviations around the centre of a log-normal distribution that its support covers."""


@dataclass(frozen=True)
class Ranking:
    """Candidates, best first.

    Attributes:
        top: How many are wanted; under a budget as many as it pays for.
        answers: By candidate: a `serving.api.responses.RankedCreative` as plain values.
        values: Feature values; axis 0: candidates, axis 1: features.
        age_hours: (candidates,) hours since launch at the cutoff.
        cutoffs: (candidates,) datetime64, end of what is known of each, in the model's time zone.
    """

    top: int
    answers: list[dict[str, object]]
    values: Floats
    age_hours: Floats
    cutoffs: npt.NDArray[np.datetime64]


def ranking(
    loaded: LoadedModel,
    request: RankRequest,
    *,
    now: datetime,
    check_deadline: Callable[[], None] = lambda: None,
) -> Ranking:
    """Rank the candidates of a request.

    Args:
        loaded: The model.
        request: Checked.
        now: The time, in the model's time zone; only warnings depend on it.
        check_deadline: Called between chunks; raises to give up.

    Raises:
        Refused: 422 where the model does not predict the target.
    """
    targets = loaded.model.fitted.funnel.targets
    if request.by not in targets:
        refusal = refused("not_predicted")
        hint, zh = (
            f"this model predicts {', '.join(targets)}",
            f"不预测 {request.by}；这个模型预测 {'、'.join(targets)}。",
        )
        refusal.problems = [RequestProblem(f"no {request.by}", hint, zh, "by")]
        raise refusal
    values: list[Floats] = []
    supports: list[tuple[float, float]] = []
    cdfs: list[Cdf] = []
    warnings: list[list[dict[str, str]]] = []
    parts: list[PredictedCreatives] = []
    for first in range(0, len(request.creatives), CREATIVES_PER_CHUNK):
        check_deadline()
        part = request.creatives[first : first + CREATIVES_PER_CHUNK]
        done = predict_creatives(loaded, part)
        predictable: PredictedCreatives | None = done
        if not done.predictable.all():
            others = [creative for creative, known in zip(part, done.predictable) if known]
            predictable = predict_creatives(loaded, others) if others else None
        if predictable is not None:
            support, cdf = distribution(loaded, predictable.features, predictable.predicted, request.by)
            supports.append(support)
            cdfs.append(cdf)
        values.append(np.where(done.predictable, done.predicted[request.by], np.nan))
        warnings += warnings_of(loaded, part, done, now)
        parts.append(done)
    value = np.concatenate(values)
    known = np.flatnonzero(~np.isnan(value))
    top = _wanted(request, len(known))
    chance = np.full(len(value), np.nan)
    if cdfs:
        edges = common_edges(supports)
        chance[known] = chance_in_top(np.concatenate([cdf(edges) for cdf in cdfs]), top)
    order = np.argsort(-value, kind="stable")  # candidates without a value come last
    ranked: list[dict[str, object]] = [
        {
            "place": place + 1,
            "creative_id": (creative := request.creatives[row]).creative_id,
            "promotion_type": creative.promotion_type,
            "account_id": creative.account_id,
            "value": number_or_none(value[row]),
            "chance_in_top": number_or_none(chance[row]),
            "funded": place < top,
            "warnings": warnings[row],
        }
        for place, row in enumerate(order.tolist())
    ]
    return Ranking(
        top,
        ranked,
        np.concatenate([done.features.values.matrix for done in parts])[order],
        np.concatenate([done.observed["age_hours"] for done in parts])[order],
        np.concatenate([done.observed["cutoff"] for done in parts])[order],
    )


def distribution(
    loaded: LoadedModel, features: Features, predicted: Mapping[str, Floats], target: str
) -> tuple[tuple[float, float], Cdf]:
    """Support and cdf of a target: the calibrated distribution where the model has one, else a log-normal one."""
    uncertainty = loaded.model.uncertainty
    if uncertainty is not None and target in uncertainty.targets:
        rows = uncertainty.of(predicted, features)
        return rows.support(target), partial(rows.cdf, target=target)
    stages = loaded.model.fitted.funnel.compositions[target].signs
    log_normal = LogNormal(np.log(predicted[target]), log_sd(features, list(stages)))
    return log_normal.support(), log_normal.cdf


@dataclass(frozen=True)
class LogNormal:
    """Log-normal distributions around predictions.

    Attributes:
        centre: (rows,) log of the prediction.
        deviation: (rows,) standard deviation of the log.
    """

    centre: Floats
    deviation: Floats

    def support(self) -> tuple[float, float]:
        """Values between which nearly all of every row's distribution lies."""
        wide = SUPPORT_SD * self.deviation
        return float(np.exp((self.centre - wide).min())), float(np.exp((self.centre + wide).max()))

    def cdf(self, values: Floats) -> Floats:
        """(rows, values) P(target ≤ value), at non-negative values (values,)."""
        log = np.log(np.where(values > 0, values, 1.0))
        below = ndtr((log - self.centre[:, None]) / np.maximum(self.deviation, 1e-9)[:, None])
        return np.where(values > 0, below, 0.0)


def log_sd(features: Features, stages: Sequence[str]) -> Floats:
    """(rows,) standard deviation of the log of a target: the stages' posterior variances, taken as independent."""
    known = [stage for stage in stages if stage in features.posteriors.stages]
    return np.sqrt(features.posteriors.product_variance(known))


def common_edges(supports: Sequence[tuple[float, float]]) -> Floats:
    """0, then COMPARISON_CELLS + 1 values in equal steps of the log over all supports; ascending."""
    low, high = min(low for low, _ in supports), max(high for _, high in supports)
    return np.concatenate([[0.0], np.geomspace(low, max(high, low * 1.001), COMPARISON_CELLS + 1)])


def chance_in_top(below: Floats, top: int) -> Floats:
    """Probability that each candidate is among the `top` largest; outcomes of candidates are taken as independent.

    The number of other candidates above a value is a sum of independent Bernoulli variables, so its distribution is
    exact (Poisson binomial); it is averaged over the cells between the values. Within a cell, and at 0, candidates tie
    and share places evenly.

    Args:
        below: P(outcome ≤ value); axis 0: candidates, axis 1: rising values, the first of them 0.
        top: How many.

    Returns:
        (candidates,) probabilities; they sum to `top`.
    """
    if top >= len(below):
        return np.ones(len(below))
    if top == 0:
        return np.zeros(len(below))
    at_zero = below[:, :1] * np.arange(ZERO_PARTS + 1) / ZERO_PARTS
    rising = np.concatenate([at_zero, below[:, 1:], np.ones((len(below), 1))], axis=1)
    mass, above = np.diff(rising, axis=1), 1.0 - (rising[:, :-1] + rising[:, 1:]) / 2.0
    return np.clip((mass * _fewer_above(above, top)).sum(axis=1), 0.0, 1.0)


def _fewer_above(above: Floats, top: int) -> Floats:
    """Probability that fewer than `top` of the other candidates are above.

    The Poisson binomial distribution of all candidates is computed once; each candidate is then divided out of it. The
    recursion runs from the low end where the candidate's own probability is at most ½ and from the high end elsewhere,
    because rounding errors shrink in that direction.

    Args:
        above: P(outcome > value); axis 0: candidates, axis 1: cells.
        top: How many.

    Returns:
        Axis 0: candidates, axis 1: cells.
    """
    count = len(above)
    whole = np.zeros((count + 1, above.shape[1]))
    whole[0] = 1.0
    for one in above:
        moved = whole[:-1] * one
        whole *= 1.0 - one
        whole[1:] += moved
    rare = above <= 0.5
    seldom, often = np.where(rare, above, 0.0), np.where(rare, 1.0, above)
    others, few = np.zeros(above.shape), np.zeros(above.shape)
    for number in range(top):
        others = (whole[number] - seldom * others) / (1.0 - seldom)
        few += others
    others, many = np.zeros(above.shape), np.zeros(above.shape)
    for number in range(count - 1, top - 1, -1):
        others = (whole[number + 1] - (1.0 - often) * others) / often
        many += others
    return np.where(rare, few, 1.0 - many)


def _wanted(request: RankRequest, count: int) -> int:
    if request.budget_cny is not None and request.spend_cny is not None:
        return int(min(request.budget_cny // request.spend_cny, count))
    return min(request.top or 0, count)
