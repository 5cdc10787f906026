"""Creatives and their rows of metrics as arrays, and the measures that the funnel counts in each row."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import BASES, Settings
from features.arrays import Codes, Floats, Seconds, Times
from features.funnel import Funnel
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.windowed_sums import seconds
from features.schema import KEY, VALUES, Loaded

Grain = Literal["hour", "day", "range", "gap"]
GRAINS: tuple[Grain, ...] = ("hour", "day", "range", "gap")
"""Lengths of a period, by their code."""
INTERACTIONS = ["likes", "comments", "shares", "follows"]
SETTLED = ["settled_net_cny", "settled_gmv_cny", "settled_orders", "settled_spend_cny"]
"""Measures that are final only when the refund window of the ROI basis has passed."""

MICROSECONDS = np.dtype("datetime64[us]")
_NAT, _LAST = np.int64(np.iinfo(np.int64).min), np.int64(np.iinfo(np.int64).max)
"""How numpy stores a missing time, and the greatest time."""


@dataclass(frozen=True)
class MetricRows:
    """Creatives and their rows of metrics: those of a store, of one account, or of one request.

    Rows of one creative do not overlap.

    Attributes:
        creatives: One row per creative: KEY and attributes.
        units: (rows,) position of each row's creative.
        grains: (rows,) code of each period's length, as in GRAINS.
        starts: (rows,) when the period starts: datetime64[us], naive.
        ends: (rows,) when it ends.
        values: Value column of metrics → (rows,) float64; NaN where it is not known.
    """

    creatives: ArrayFrame
    units: Codes
    grains: npt.NDArray[np.int8]
    starts: Times
    ends: Times
    values: Mapping[str, Floats]

    @classmethod
    def of(cls, loaded: Loaded) -> "MetricRows":
        """Convert frames; the values are not copied."""
        metrics, creatives = loaded.metrics, loaded.creatives.reset_index(drop=True)
        grains, units = pd.Index(GRAINS).get_indexer(pd.Index(metrics["grain"])), unit_codes(metrics, creatives)
        assert (units >= 0).all(), "every row of metrics belongs to one of the creatives"
        return cls(
            creatives=ArrayFrame.of(creatives),
            units=units,
            grains=grains.astype(np.int8),
            starts=metrics["period_start"].to_numpy("datetime64[us]"),
            ends=metrics["period_end"].to_numpy("datetime64[us]"),
            values={name: metrics[name].to_numpy(np.float64) for name in VALUES if name in metrics},
        )

    def __len__(self) -> int:
        return len(self.units)

    @property
    def start_seconds(self) -> Seconds:
        """(rows,) when each period starts, in seconds since 1970."""
        return seconds(self.starts)

    @property
    def end_seconds(self) -> Seconds:
        """(rows,) when each period ends, in seconds since 1970."""
        return seconds(self.ends)

    @cached_property
    def account_codes(self) -> Codes:
        """(creatives,) code of each creative's promotion type and account."""
        promotion_type, account = (self.creatives.categories(name) for name in KEY[:2])
        return promotion_type.codes * max(len(account.values), 1) + account.codes

    @cached_property
    def account_until(self) -> Times:
        """(creatives,) end of the last period of each creative's account, datetime64[us]; NaT of one without any."""
        accounts = self.account_codes
        return latest(accounts[self.units], self.ends, int(accounts.max(initial=-1)) + 1)[accounts]

    def measures(self, funnel: Funnel, settings: Settings) -> dict[str, Floats]:
        """The measures of every row (`measures`)."""
        prices = reference_prices(self.creatives, funnel.typical_price)
        return measures(self.values, prices[self.units], BASES[settings.basis][0])


def earliest(groups: Codes, times: Times, count: int) -> Times:
    """(groups,) the first time of each group, datetime64[us]; NaT of one without any."""
    found = np.full(count, _LAST)
    np.minimum.at(found, groups, times.view(np.int64))
    found[found == _LAST] = _NAT
    return found.view(MICROSECONDS)


def latest(groups: Codes, times: Times, count: int) -> Times:
    """(groups,) the last time of each group, datetime64[us]; NaT of one without any."""
    found = np.full(count, _NAT)
    np.maximum.at(found, groups, times.view(np.int64))
    return found.view(MICROSECONDS)


def unit_codes(frame: pd.DataFrame, creatives: pd.DataFrame) -> Codes:
    """(rows,) position in `creatives` of each row's creative; −1 where it is not there."""
    index = pd.MultiIndex.from_frame(creatives[KEY])
    return np.asarray(index.get_indexer(pd.MultiIndex.from_frame(frame[KEY])), dtype=np.int64)


def reference_prices(creatives: ArrayFrame, typical: float | None) -> Floats:
    """(creatives,) what an order of each is measured against: its price, else the typical one; 1 where none is used."""
    if typical is None:
        return np.ones(len(creatives))
    prices = creatives.floats("price_cny")  # newer data than the model's may lack prices
    return np.where(prices > 0, prices, typical)


def measures(values: Mapping[str, Floats], prices: Floats, basis_column: str | None) -> dict[str, Floats]:
    """Value columns of metrics and what the funnel derives from them.

    Args:
        values: Value column of metrics → (rows,) numbers.
        prices: (rows,) reference price of each row's creative.
        basis_column: The column of net money in the ROI basis; None for a gross basis.

    Returns:
        The value columns; `engagements` (sum of the interactions that the data have, NaN where all are missing);
        `reference_gmv_cny` (orders at reference prices); and, for a net basis that the data have, `settled_net_cny`
        with `settled_gmv_cny`, `settled_orders`, `settled_spend_cny`: what refunds change, and what it is compared
        with, over the same periods.
    """
    table = dict(values)
    counted = [table[name] for name in INTERACTIONS if name in table]
    if counted:
        interactions = np.array(counted)
        missing = np.isnan(interactions)
        interactions[missing] = 0.0
        table["engagements"] = interactions.sum(axis=0)
        table["engagements"][missing.all(axis=0)] = np.nan
    if "orders" in table:
        table["reference_gmv_cny"] = table["orders"] * prices
    if basis_column is not None and basis_column in table:
        table["settled_net_cny"] = table[basis_column]
        if "gmv_cny" in table:
            table["settled_gmv_cny"] = table["gmv_cny"]
            table["settled_orders"] = table["orders"] if "orders" in table else table["gmv_cny"]
        if "spend_cny" in table:
            table["settled_spend_cny"] = table["spend_cny"]
    return table


@cache
def split_settled(names: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of measures that are final at once, and of those that are final after the refund window."""
    at_once = tuple(name for name in names if name not in SETTLED)
    return at_once, tuple(name for name in names if name in SETTLED)
