"""Which rows count where a model is judged, how many are needed, and how many come a day."""

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from features.bilingual import Words
from features.funnel import Funnel
from features.targets import TARGETS
from training.labels.outcomes import MATURE, actual_targets, exposures

MIN_GROUP_ROWS = 200
"""Rows with outcomes from which on a target, and an age or a group of it, is judged."""
UNTIL_JUDGED = Words(
    "在那之前：看区间和素材自己的数据；名次不要用来选素材，绝对值不要用来定预算。",
    "Until then read the intervals and each creative's own figures; choose no creatives by their order, and set no "
    "budget by the amounts.",
)
"""What a model can be used for that could not be judged."""


def judged_rows(outcome: pd.DataFrame, funnel: Funnel, least_volume: float) -> dict[str, Mask]:
    """Target → (rows,) whether a row counts for it where a model is judged.

    Args:
        outcome: Outcomes of the rows.
        funnel: Of the data.
        least_volume: Least later volume of a row that counts for a rate, in the funnel's volume.
    """
    actual, exposure = actual_targets(outcome, funnel), exposures(outcome, funnel)
    return {
        name: counts_for(name, actual[name].to_numpy(np.float64), exposure[name], exposure["volume"], least_volume)
        for name in funnel.targets
    }


def counts_for(target: str, actual: Floats, exposure: Floats, volume: Floats, least_volume: float) -> Mask:
    """(rows,) whether a row counts for a target: its outcome is known, and for a rate there was enough volume.

    Args:
        target: Name of the target.
        actual: (rows,) Outcome; NaN where it is not known.
        exposure: (rows,) Denominator of the rate.
        volume: (rows,) Later volume.
        least_volume: Least of it that counts for a rate.
    """
    known = np.isfinite(actual) & (exposure > 0)
    return known if TARGETS[target].is_volume else known & (volume >= least_volume)


def judged_a_day(rows: pd.DataFrame, judged: Mask, days: float) -> float:
    """Return how many rows a day can be judged, over the last days of mature cutoffs.

    Args:
        rows: With `cutoff` and `state`.
        judged: (rows,) Rows by which every rate can be judged.
        days: How many days are counted; all where there are fewer.
    """
    mature = (rows["state"] == MATURE).to_numpy(np.bool_)
    if not mature.any():
        return 0.0
    cutoffs = rows.loc[mature, "cutoff"]
    last, spanned = cutoffs.max(), (cutoffs.max() - cutoffs.min()) / pd.Timedelta(days=1)
    counted = min(days, max(spanned, 1.0))
    recent = mature & (rows["cutoff"] > last - pd.Timedelta(days=counted)).to_numpy()
    return float((recent & judged).sum()) / counted
