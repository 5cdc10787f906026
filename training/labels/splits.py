"""Training, validation and holdout rows: split by cutoff time, with a gap.

A model trained on a day knows only outcomes that were final by then. So a row is a training row only if its outcome
window, and the time its figures take to settle, ended before the first cutoff of the evaluated rows: that is the gap.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from features.arrays import Mask
from training.errors import TooThinError
from training.labels.outcomes import MATURE


def holdout_split(rows: pd.DataFrame, holdout_days: int) -> tuple[Mask, Mask, pd.Timestamp]:
    """Split into training rows and holdout rows; also return the cutoff after which the holdout starts.

    Args:
        rows: With `cutoff`, `closed_at` and `state`.
        holdout_days: Days of mature cutoffs, from the last one back, that form the holdout.

    Raises:
        TooThinError: No row is mature, or none closed before the holdout starts.
    """
    mature = (rows["state"] == MATURE).to_numpy(np.bool_)
    if not mature.any():
        first, last = rows["cutoff"].min(), rows["cutoff"].max()
        raise TooThinError(
            f"No snapshot has a closed outcome window: cutoffs run from {first} to {last}. Outcomes close "
            f"{_gap_days(rows):g} days after a cutoff; add later exports, or shorten outcome_days or open_days.",
            zh=f"没有一个素材的结果已出：数据从 {first:%Y-%m-%d} 到 {last:%Y-%m-%d}，"
            f"结果要 {_gap_days(rows):g} 天后才出。"
            "处理：导出更早的日期，或过些天加上新的导出。",
        )
    starts = rows.loc[mature, "cutoff"].max() - pd.Timedelta(days=holdout_days)
    train = mature & (rows["closed_at"] <= starts).to_numpy()
    holdout = mature & (rows["cutoff"] > starts).to_numpy()
    if not train.any():
        days = (rows.loc[mature, "cutoff"].max() - rows["cutoff"].min()) / pd.Timedelta(days=1)
        raise TooThinError(
            f"Mature cutoffs span {days:.0f} days. Needed: more than {holdout_days + _gap_days(rows):g} "
            f"({holdout_days} held out and a gap of {_gap_days(rows):g}). Add earlier exports, or set "
            "split.holdout_days lower.",
            zh=f"已出结果的数据只有 {days:.0f} 天；应多于 {holdout_days + _gap_days(rows):g} 天（"
            f"{holdout_days} 天留作检验，"
            f"间隔 {_gap_days(rows):g} 天）。处理：导出更早的日期，或在配置里把 split.holdout_days 设小。",
        )
    return train, holdout, starts


def folds(rows: pd.DataFrame, train: Mask, count: int) -> Iterator[tuple[Mask, Mask, pd.Timestamp]]:
    """Forward-chaining folds inside the training rows: fit mask, validation mask and the first cutoff validated.

    The later 60 % of the training rows are cut into `count` stretches of equal numbers of rows; each is validated by a
    fit on what had closed before it. A fold without rows on either side is left out.

    Args:
        rows: With `cutoff`, `closed_at` and `state`.
        train: (rows,) The training rows.
        count: Number of folds.
    """
    cutoffs = rows.loc[train, "cutoff"].sort_values(ignore_index=True)
    places = np.linspace(0.4, 1.0, count + 1)
    edges = [cutoffs.iloc[min(int(place * len(cutoffs)), len(cutoffs) - 1)] for place in places]
    for start, end in pairwise(edges):
        fit = train & (rows["closed_at"] <= start).to_numpy()
        validate = train & rows["cutoff"].gt(start).to_numpy() & rows["cutoff"].le(end).to_numpy()
        if fit.any() and validate.any():
            yield fit, validate, start


def after_first_fit(rows: pd.DataFrame, masks: Sequence[Mask], days: float) -> list[Mask]:
    """Leave out rows from before the first fit of the funnel model; all stay where one of the masks would be empty.

    Args:
        rows: With `cutoff`.
        masks: (rows,) each.
        days: From the first cutoff until that fit.
    """
    late = rows["cutoff"].ge(rows["cutoff"].min() + pd.Timedelta(days=days)).to_numpy(np.bool_)
    kept = [mask & late for mask in masks]
    return kept if all(mask.any() for mask in kept) else list(masks)


def _gap_days(rows: pd.DataFrame) -> float:
    return float((rows["closed_at"] - rows["cutoff"]).iloc[0] / pd.Timedelta(days=1))
