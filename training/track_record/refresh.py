"""Whether `make refresh` pays: what the drift cost in decisions since it began, and whether a refit can see it yet.

The rule. A refit is proposed for an alarm that stands if (1) the answers of the first week since the change have their
outcomes, of at least LEAST_CREATIVES creatives, for a refit learns from closed outcomes alone, and (2) levelling the
forecasts by the change would have moved money to the better side of the asked ROI: over the answers since, the spend
that changes sides times (ROI − asked ROI), with the lower end of its 90 % interval above 0. Values that the model has
never seen are enough by (1) alone: no level mends them. Else the date is named on which (1) can hold.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.schema import KEY
from training.labels.outcomes import settle_days
from training.track_record.daily import MIX, NEW_VALUES
from training.track_record.resampling import Figure, Resampling

LEAST_CREATIVES = 30
WEEK_DAYS = 7
PAYS, TOO_EARLY, NOT_PROVED, NO_NEED = "pays", "too_early", "not_proved", "no_need"


@dataclass(frozen=True)
class RefreshAdvice:
    """What an alarm that stands means for a refit.

    Attributes:
        promotion_type: Of the series.
        cause: Of the alarm.
        verdict: PAYS, TOO_EARLY, NOT_PROVED, or NO_NEED: the change is in what runs, and the forecasts follow it.
        creatives: Asked for since the change, with an outcome.
        moved_cny: Per week, (ROI − asked ROI) × the spend that levelling would have moved; NaN where not computed.
        again_on: When the answers of the first week after the change will have their outcomes.
    """

    promotion_type: str
    cause: str
    verdict: str
    creatives: int
    moved_cny: Figure
    again_on: pd.Timestamp


def refresh_advice(
    table: pd.DataFrame,
    alarms: pd.DataFrame,
    draws: Resampling,
    funnel: Funnel,
    settings: Settings,
    until: pd.Timestamp,
) -> list[RefreshAdvice]:
    """One per alarm that stands.

    Args:
        table: Of `training.track_record.matured.Matured`.
        alarms: Of `training.track_record.drift.drifts`.
        draws: Of the rows of the table.
        funnel: Of the data.
        settings: Of the run.
        until: End of the data.
    """
    roi, found = funnel.main_roi, []
    signs = funnel.compositions[roi].signs if roi else {}
    for alarm in alarms[alarms["standing"]].itertuples():
        kind, cause, began = str(alarm.promotion_type), str(alarm.cause), pd.Timestamp(str(alarm.began_on))
        since = ((table["promotion_type"] == kind) & (table["opens"] >= began)).to_numpy(np.bool_)
        if cause == NEW_VALUES:
            since = since & table["unseen"].to_numpy(np.bool_)
        creatives = len(table.loc[since, KEY].drop_duplicates())
        again = began + pd.Timedelta(days=WEEK_DAYS + settings.outcome_days + settle_days(settings))
        moved = draws.figure(np.full(len(draws.counts), np.nan), since)
        if cause == MIX:
            verdict = NO_NEED
        elif creatives < LEAST_CREATIVES or until < again:
            verdict = TOO_EARLY
        elif cause == NEW_VALUES:
            verdict = PAYS
        elif not roi:
            verdict = NOT_PROVED
        else:
            factor = float(np.exp(signs.get(cause, 0.0) * float(str(alarm.shift))))
            moved = _moved(table, since, draws, roi, factor)
            verdict = PAYS if moved.low > 0 else NOT_PROVED
        found.append(RefreshAdvice(kind, cause, verdict, creatives, moved, again))
    return found


def _moved(table: pd.DataFrame, since: npt.NDArray[np.bool_], draws: Resampling, roi: str, factor: float) -> Figure:
    told, actual, asked, spend, share = (
        table[name].to_numpy(np.float64)
        for name in (f"predicted_{roi}", f"actual_{roi}", "asked_roi", "spend_cny", "share")
    )
    side = (told * factor >= asked).astype(np.float64) - (told >= asked)
    gain = np.nan_to_num(share * spend * (actual - asked) * side)
    weeks = max(float((table.loc[since, "opens"].max() - table.loc[since, "opens"].min()) / pd.Timedelta(days=7)), 1.0)
    return draws.sum(gain / weeks, since & np.isfinite(told) & np.isfinite(asked))
