"""Many candidates in, an order out: best first, with the probability that each belongs among the first k."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from serving.api.errors import Refused, RequestProblem
from serving.api.requests import RankRequest
from serving.inference.loaded_model import LoadedModel
from serving.inference.predict import CHUNK, compute
from serving.inference.uncertainty import spread_of
from serving.inference.warnings import warnings_of

Floats = npt.NDArray[np.float64]

CELLS = 256
"""Between the values at which distributions are compared."""
SHARES = 16
"""That the chance of nothing at all is cut into: those that come to nothing are in any order."""


def ranking(
    served: LoadedModel, request: RankRequest, *, now: pd.Timestamp, go_on: Callable[[], None] = lambda: None
) -> tuple[int, list[dict[str, object]], Floats]:
    """How many are wanted, the candidates in order, and their features in the order of the request.

    Under a budget as many are funded as it pays for.
    """
    funnel = served.model.fitted.funnel
    if request.by not in funnel.targets:
        hint = f"this model predicts {', '.join(funnel.targets)}"
        raise Refused(422, "What is asked for is not predicted.", [RequestProblem(f"no {request.by}", hint, "by")])
    values, outlooks, warnings, features = [], [], [], []
    for first in range(0, len(request.creatives), CHUNK):
        go_on()
        part = request.creatives[first : first + CHUNK]
        done = compute(served, part)
        values.append(done.predicted[request.by])
        outlooks.append(spread_of(served, done.features, done.predicted, request.by))
        warnings += warnings_of(served, part, done.observed, done.summed, now)
        features.append(done.features.values.to_numpy(np.float64))
    value = np.concatenate(values)
    top = _wanted(request, len(value))
    edges = common_edges([outlook.reach() for outlook in outlooks])
    chance = chance_in_top(np.concatenate([outlook.below(edges) for outlook in outlooks]), top)
    order = np.argsort(-value, kind="stable")
    ranked = [
        {
            "place": place + 1,
            "creative_id": (creative := request.creatives[row]).creative_id,
            "promotion_type": creative.promotion_type,
            "account_id": creative.account_id,
            "value": float(value[row]),
            "chance_in_top": float(chance[row]),
            "funded": place < top,
            "warnings": warnings[row],
        }
        for place, row in enumerate(order.tolist())
    ]
    return top, ranked, np.concatenate(features)


def common_edges(reaches: Sequence[tuple[float, float]]) -> Floats:
    """0, then values between which all that matters of some distributions lies: equal steps of the log."""
    low, high = min(low for low, _ in reaches), max(high for _, high in reaches)
    return np.concatenate([[0.0], np.geomspace(low, max(high, low * 1.001), CELLS + 1)])


def chance_in_top(below: Floats, top: int) -> Floats:
    """Probability that each candidate is among the `top` largest; the candidates' outcomes are independent.

    How many of the others lie above a value is a sum of independent yes and no: its distribution is exact (Poisson
    binomial), and summed over the cells between the values. What cannot be told apart, nothing at all first of all,
    is shared evenly.

    Args:
        below: Chance of each candidate (a row) to reach at most each of some rising values, the first of them 0.
        top: How many.
    """
    if top >= len(below):
        return np.ones(len(below))
    if top == 0:
        return np.zeros(len(below))
    nothing = below[:, :1] * np.arange(SHARES + 1) / SHARES
    rising = np.concatenate([nothing, below[:, 1:], np.ones((len(below), 1))], axis=1)
    mass, above = np.diff(rising, axis=1), 1.0 - (rising[:, :-1] + rising[:, 1:]) / 2.0
    return np.clip((mass * _few_others(above, top)).sum(axis=1), 0.0, 1.0)


def _few_others(above: Floats, top: int) -> Floats:
    """Chance that fewer than `top` of the others lie above, by candidate and value.

    The distribution of the count of all is taken apart again by one candidate: from below where that one lies above
    rather not, from the other end where rather so; either way errors shrink on the way.
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
        return min(int(request.budget_cny // request.spend_cny), count)
    return min(request.top or 0, count)
