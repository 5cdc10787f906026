"""Subsample snapshots by whole creatives, by a hash of their keys and not by their results."""

import numpy as np
import pandas as pd

from features.schema import KEY


def subsample(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Keep at most `most` snapshots: all of some creatives, the same ones in every run and on every machine.

    Args:
        rows: Snapshots.
        most: Upper limit.

    Returns:
        The snapshots kept, in their order.
    """
    if len(rows) <= most:
        return rows
    hashed = pd.util.hash_pandas_object(rows[KEY], index=False).to_numpy()
    creatives, counts = np.unique(hashed, return_counts=True)
    kept = creatives[np.cumsum(counts) <= most]
    return rows[np.isin(hashed, kept)].reset_index(drop=True)
