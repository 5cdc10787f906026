"""Whether a creative waits for its launch, is running, or has stopped."""

import numpy as np
import numpy.typing as npt

from features.bilingual import Words

WAITING, RUNNING, STOPPED = "waiting", "running", "stopped"
STATUS_LABELS = {
    WAITING: Words("待投", "not launched"),
    RUNNING: Words("在投", "running"),
    STOPPED: Words("已停", "stopped"),
}
RUNNING_DAYS = 2.0
"""A creative with delivery in so many last days that its account has reported is running."""


def status_of(age_hours: npt.NDArray[np.float64], silent_days: npt.NDArray[np.float64]) -> list[str]:
    """Status of each creative.

    Args:
        age_hours: (rows,) Hours since launch; 0 before it.
        silent_days: (rows,) Days from the last period with metrics to the end of the account's data.
    """
    running = np.where(silent_days <= RUNNING_DAYS, RUNNING, STOPPED)
    return [str(name) for name in np.where(age_hours > 0, running, WAITING)]
