"""What became of each creative, in numbers to rank, and how much of each number was luck of the draw?"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel_model.empirical_bayes import safe_rate
from training.data.dataset import Dataset

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

LEAST_ORDERS = 3.0
"""Orders to be expected of a creative's later spend for its return to be more than luck."""


@dataclass(frozen=True)
class Later:
    """One outcome of each creative.

    Attributes:
        values: NaN where they would say next to nothing.
        halves: Of a rate: the same from two halves of its events, drawn at random. What both agree on is the
            creative's own; where they differ is luck, which nothing written down before can know. None for a total:
            its size is the creative's own.
    """

    values: Floats
    halves: tuple[Floats, Floats] | None = None


def later_outcomes(dataset: Dataset, places: Ints, draw: np.random.Generator) -> dict[str, Later]:
    """Later volume, later money, each rate of the funnel and the return on spend, as far as the columns allow."""
    outcome, funnel = dataset.outcome.iloc[places], dataset.funnel
    found = {funnel.volume_of: Later(_later(outcome, funnel.volume_of))}
    money = "settled_net_cny" if funnel.net_only else "gmv_cny"
    if f"later:{money}" in outcome:
        found[money] = Later(_later(outcome, money))
    for stage in funnel.stages:
        count, exposure = _later(outcome, stage.numerator), _later(outcome, stage.exposure)
        if stage.is_poisson:
            found[stage.name] = _rate(
                count, exposure, count, _expected(count, exposure) >= stage.half_weight_events, draw
            )
        else:
            events = _later(outcome, stage.events)
            found[stage.name] = _rate(count, exposure, events, events >= stage.half_weight_events, draw)
    if {f"later:{name}" for name in ("spend_cny", "orders", money)} <= set(outcome) and not funnel.net_only:
        spend, orders = _later(outcome, "spend_cny"), _later(outcome, "orders")
        enough = _expected(orders, spend) >= LEAST_ORDERS
        found["roi"] = _rate(_later(outcome, money), spend, orders, enough, draw)
    return found


def _later(outcome: pd.DataFrame, name: str) -> Floats:
    return outcome[f"later:{name}"].to_numpy(np.float64)


def _expected(count: Floats, exposure: Floats) -> Floats:
    known = np.isfinite(count) & np.isfinite(exposure)
    return exposure * safe_rate(float(count[known].sum()), float(exposure[known].sum()))


def _rate(count: Floats, exposure: Floats, events: Floats, enough: np.ndarray, draw: np.random.Generator) -> Later:
    known = enough & (exposure > 0) & np.isfinite(count) & np.isfinite(events)
    rate = np.divide(count, exposure, out=np.full(len(count), np.nan), where=known)
    whole = np.where(known, np.rint(events), 0.0).astype(np.int64)
    first = draw.binomial(whole, 0.5) / np.maximum(whole, 1)
    return Later(rate, (rate * first, rate * (1.0 - first)))
