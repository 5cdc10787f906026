"""Fewer snapshots than there are: whole creatives, drawn by what they are called and not by how they did."""

import numpy as np
import pandas as pd

from features.schema import KEY


def drawn(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most so many snapshots: all of some creatives, the same ones in every run and on every machine.

    Args:
        rows: Snapshots.
        most: How many may stay.

    Returns:
        Those that stay, in their order.
    """
    if len(rows) <= most:
        return rows
    place = pd.util.hash_pandas_object(rows[KEY], index=False).to_numpy()
    lots, counts = np.unique(place, return_counts=True)
    kept = lots[np.cumsum(counts) <= most]
    return rows[np.isin(place, kept)].reset_index(drop=True)
