"""Many candidates in, an order out: best first, with the probability that each belongs among the first k."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from serving.beyond import log_sd
from serving.contract import RankRequest
from serving.errors import Fault, Refused
from serving.explain import terms
from serving.predict import CHUNK, compute
from serving.served import Served
from serving.warn import warnings_of

Floats = npt.NDArray[np.float64]

DRAWS = 2000


def ranking(
    served: Served, request: RankRequest, *, now: pd.Timestamp, go_on: Callable[[], None] = lambda: None
) -> tuple[int, list[dict[str, object]], Floats]:
    """How many are wanted, the candidates in order, and their features in the order of the request.

    Under a budget as many are funded as it pays for.
    """
    plan = served.model.fitted.plan
    if request.by not in plan.targets:
        hint = f"this model predicts {', '.join(plan.targets)}"
        raise Refused(422, "What is asked for is not predicted.", [Fault(f"no {request.by}", hint, "by")])
    values, spreads, warnings, features = [], [], [], []
    for first in range(0, len(request.creatives), CHUNK):
        go_on()
        part = request.creatives[first : first + CHUNK]
        done = compute(served, part)
        values.append(done.predicted[request.by])
        spreads.append(log_sd(served, done.features, terms(request.by, plan)))
        warnings += warnings_of(served, part, done.observed, done.summed, now)
        features.append(done.features.values.to_numpy(np.float64))
    value, spread = np.concatenate(values), np.concatenate(spreads)
    top = _wanted(request, len(value))
    chance = chance_in_top(value, spread, top)
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


def chance_in_top(value: Floats, log_sd: Floats, top: int) -> Floats:
    """Probability that each is among the `top` largest, were each value log-normal around its prediction.

    The same draws every time: the same question has the same answer.
    """
    if top >= len(value):
        return np.ones(len(value))
    if top == 0:
        return np.zeros(len(value))
    draws = np.log(value) + log_sd * np.random.default_rng(0).standard_normal((DRAWS, len(value)))
    best = np.argpartition(-draws, top - 1, axis=1)[:, :top]
    return np.bincount(best.ravel(), minlength=len(value)) / DRAWS


def _wanted(request: RankRequest, count: int) -> int:
    if request.budget_cny is not None and request.spend_cny is not None:
        return min(int(request.budget_cny // request.spend_cny), count)
    return min(request.top or 0, count)
