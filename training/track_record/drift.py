"""Drift of a daily series: a self-starting two-sided CUSUM with a calibrated false-alarm rate.

Each day's value is compared with the mean of the days so far (Hawkins 1987: no parameters are known in advance), after
its day-to-day dependence is taken out (AR(1) residuals), in units of its own spread. The sums of what lies beyond
ALLOWANCE up and down (Page 1954) raise an alarm above LIMIT, which is chosen by simulation: `python -m
benchmarks.score_drift --calibrate` prints the false alarms per year by LIMIT, length of the start and dependence.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats

START_DAYS = 21
"""Days from which the mean and the spread are first taken; none of them can raise an alarm."""
LAG_DAYS = 3
"""Newest days that do not yet count for mean and spread, so that a change does not hide itself."""
ALLOWANCE = 0.5
LIMIT = 12.0
"""In standard deviations of a day."""
FALSE_ALARMS_PER_YEAR = 1.0
"""False alarms of all series of one promotion type together, where nothing changes; LIMIT was chosen for it."""
LEAST_SPREAD = 0.02
"""Standard deviation of a day below which it counts as this: a change of 2 % is no news."""
MOST_DEPENDENCE = 0.9
LONGEST_Z = 8.0
"""One odd day counts for at most so many standard deviations: it alone is no drift."""


@dataclass(frozen=True)
class Alarm:
    """A change of one series.

    Attributes:
        place: Day on which the alarm was raised, as its index in the series.
        began: Estimated first day of the change: the day after the sum was last 0.
        shift: Mean of the values since `began` minus that of the days before, in the series' units.
    """

    place: int
    began: int
    shift: float


def monitor(values: Floats, limit: float = LIMIT) -> list[Alarm]:
    """Alarms of a series, (days,); NaN is a day without a value. After an alarm it starts again at the change."""
    alarms: list[Alarm] = []
    begin = 0
    while (found := _first_alarm(values[begin:], limit)) is not None:
        alarms.append(Alarm(begin + found.place, begin + found.began, found.shift))
        begin += found.began
    return alarms


def _first_alarm(values: Floats, limit: float) -> Alarm | None:
    known = np.flatnonzero(np.isfinite(values))
    series = values[known]
    if len(series) <= START_DAYS:
        return None
    up = down = 0.0
    up_since = down_since = START_DAYS
    for place in range(START_DAYS, len(series)):
        z = _standardised(series, place)
        up, down = max(0.0, up + z - ALLOWANCE), max(0.0, down - z - ALLOWANCE)
        up_since, down_since = place + 1 if up == 0 else up_since, place + 1 if down == 0 else down_since
        if max(up, down) > limit:
            began = up_since if up >= down else down_since
            shift = float(series[began : place + 1].mean() - series[:began].mean())
            return Alarm(int(known[place]), int(known[began]), shift)
    return None


def _standardised(series: Floats, place: int) -> float:
    """Residual of a day against the days before it, in their standard deviations."""
    past = series[: max(place - LAG_DAYS, START_DAYS - LAG_DAYS)]
    count, mean = len(past), past.mean()
    centred = past - mean
    scale = float((centred**2).sum())
    dependence = float((centred[1:] * centred[:-1]).sum()) / scale if scale > 0 else 0.0
    dependence = min(max(dependence + (1.0 + 4.0 * dependence) / count, 0.0), MOST_DEPENDENCE)  # small-sample bias
    rest = centred[1:] - dependence * centred[:-1]
    spread = max(float(rest.std(ddof=2)), LEAST_SPREAD * (1.0 - dependence))
    # What the mean itself is uncertain by widens the scale while the past is short.
    spread *= np.sqrt(1.0 + 1.0 / count)
    z = ((series[place] - mean) - dependence * (series[place - 1] - mean)) / spread
    return float(np.clip(z, -LONGEST_Z, LONGEST_Z))


def drifts(daily: pd.DataFrame) -> pd.DataFrame:
    """Alarms of every series of `training.track_record.daily.daily`.

    Returns:
        One row per alarm: `promotion_type`, `cause`, `alarm_on`, `began_on`, `shift`, `standing` (no later alarm of the
        same series).
    """
    lines: list[dict[str, object]] = []
    for (kind, cause), part in daily.groupby(["promotion_type", "cause"], sort=True):
        part = part.sort_values("day")
        days = pd.date_range(part["day"].min(), part["day"].max())
        values = part.set_index("day")["value"].reindex(days).to_numpy(np.float64)
        alarms = monitor(values)
        for number, one in enumerate(alarms):
            about = {"promotion_type": kind, "cause": cause, "alarm_on": days[one.place], "began_on": days[one.began]}
            lines.append(about | {"shift": one.shift, "standing": number == len(alarms) - 1})
    columns = ["promotion_type", "cause", "alarm_on", "began_on", "shift", "standing"]
    return pd.DataFrame(lines, columns=columns).astype({"standing": "bool", "shift": "float64"})
