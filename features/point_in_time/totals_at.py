"""What each creative had done by any moment, as far as it had been reported by then."""

import numpy as np
import pandas as pd

from configs.settings import BASES, Settings
from features.point_in_time.availability import Floats, reported_measures
from features.point_in_time.counts import Measured
from features.point_in_time.measures import split_settled
from features.point_in_time.windowed_sums import TimedSums


class Totals:
    """Figures of each creative until any moment: sorted once, asked many times."""

    def __init__(self, measured: Measured, settings: Settings) -> None:
        """Sort the rows of metrics by creative and by the moment they could be had."""
        delays = {str(grain): hours for grain, hours in settings.report_delay_hours.items()}
        settle_hours = BASES[settings.basis][1]
        reported = reported_measures(measured.loaded.metrics, measured.figures, measured.rows, delays, settle_hours)
        self._count = len(measured.loaded.creatives)
        self._sums = [
            TimedSums(measured.rows, moments, moments, measured.figures[names])
            for names, moments in zip(split_settled(list(measured.figures)), (reported.known, reported.settled))
        ]

    def at(self, moment: pd.Timestamp) -> pd.DataFrame:
        """Every figure of each creative, in their order, from the rows that had been reported by a moment.

        What refunds change counts once it stood by then.
        """
        everyone = np.arange(self._count, dtype=np.int64)
        moments = np.full(self._count, int(moment.timestamp()), dtype=np.int64)
        found: dict[str, Floats] = {}
        for sums in self._sums:
            found |= sums.until(everyone, moments)
        return pd.DataFrame(found)
