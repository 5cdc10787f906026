"""Whether a creative waits for its launch, is running, or has stopped."""

import numpy as np
import pandas as pd

from features.arrays import Times
from features.bilingual import Words
from features.point_in_time.array_frame import ArrayFrame
from features.schema import KEY, Loaded
from training.labels.outcomes import data_until

WAITING, RUNNING, STOPPED = "waiting", "running", "stopped"
STATUS_LABELS = {
    WAITING: Words("待投", "not launched"),
    RUNNING: Words("在投", "running"),
    STOPPED: Words("已停", "stopped"),
}
RUNNING_DAYS = 2
"""A creative that was shown within so many last days that its account has reported is running."""


def statuses(observed: ArrayFrame, reported_until: Times) -> list[str]:
    """Status of each creative.

    Args:
        observed: Latest snapshots (`features.point_in_time.snapshots.latest_snapshots`).
        reported_until: (rows,) End of the last period that the account of each has reported; a creative's own last
            period counts too where it is later.
    """
    until = np.maximum(reported_until, observed["cutoff"])
    recent = observed["delivered_until"] > until - np.timedelta64(RUNNING_DAYS, "D")
    ages = observed["age_hours"].tolist()
    return [(RUNNING if shown else STOPPED) if age > 0 else WAITING for age, shown in zip(ages, recent.tolist())]


def reported_until(rows: pd.DataFrame, loaded: Loaded, now: pd.Timestamp) -> Times:
    """(rows,) End of the last period of each creative's account; `now` for accounts without metrics.

    Args:
        rows: Creatives by KEY.
        loaded: Metrics and creatives of their accounts.
        now: End of the last period of all data.
    """
    until = rows.join(data_until(loaded).rename("until"), on=KEY[:2])["until"].fillna(now)
    return until.to_numpy("datetime64[us]")
