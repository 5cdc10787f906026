"""What the funnel counts, row by row of metrics, and how long after a period each figure stands."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.schema import VALUES

Floats = npt.NDArray[np.float64]

INTERACTIONS = ["likes", "comments", "shares", "follows"]

SETTLED = ["settled_net_cny", "settled_gmv_cny", "settled_orders", "settled_spend_cny"]
"""Figures that stand only when the refund window of the ROI basis has passed."""


def reference_prices(creatives: pd.DataFrame, typical: float | None) -> pd.Series:
    """What an order of each creative is measured against: its price, else the typical one; 1 where none is used."""
    if typical is None:
        return pd.Series(1.0, index=creatives.index)
    if "price_cny" not in creatives:  # newer data than the model's, which had prices
        return pd.Series(typical, index=creatives.index)
    return creatives["price_cny"].where(creatives["price_cny"] > 0).fillna(typical)


def measures(metrics: pd.DataFrame, prices: pd.Series, basis_column: str | None) -> pd.DataFrame:
    """Value columns of metrics and what the funnel derives from them.

    Args:
        metrics: Checked metrics.
        prices: Reference price of each row's creative.
        basis_column: The column of net money in the ROI basis; None for a gross basis.

    Returns:
        In the order of `metrics`: its value columns; `engagements` (of the interactions it has);
        `reference_gmv_cny` (orders at reference prices); and, for a net
        basis it has, `settled_net_cny` with `settled_gmv_cny`, `settled_orders`, `settled_spend_cny`: the figures
        that refunds change, and what they are compared with, over the same periods.
    """
    told = {name: metrics[name].to_numpy(np.float64) for name in VALUES if name in metrics}
    return pd.DataFrame(measured(told, prices.to_numpy(np.float64), basis_column), index=metrics.index)


def measured(told: Mapping[str, Floats], prices: Floats, basis_column: str | None) -> dict[str, Floats]:
    """The same of arrays by name."""
    table = dict(told)
    interactions = np.array([table[name] for name in INTERACTIONS if name in table])
    if len(interactions):
        known = ~np.isnan(interactions)
        summed = np.where(known, interactions, 0.0).sum(axis=0)
        table["engagements"] = np.where(known.any(axis=0), summed, np.nan)
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


def split_settled(names: list[str]) -> tuple[list[str], list[str]]:
    """Names of figures that stand at once, and of those that stand after the refund window."""
    settled = [name for name in names if name in SETTLED]
    return [name for name in names if name not in settled], settled
