"""Convert the creatives of a request into the arrays that counts are made of."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from features.attributes import names_of
from features.point_in_time.array_frame import ArrayFrame, Categories, encoded
from features.point_in_time.entity_history import TAG
from features.point_in_time.metric_rows import GRAINS, MICROSECONDS, Grain, MetricRows
from features.point_in_time.number_columns import Names, NumberColumns
from features.schema import KEY, MULTI, NUMBERS, TIMES
from serving.api.contradictions import plain_time
from serving.api.requests import Creative, MetricsRow

HOUR, MICROSECOND, EPOCH = timedelta(hours=1), timedelta(microseconds=1), datetime(1970, 1, 1)
NOT_A_TIME = int(np.datetime64("NaT", "us").astype(np.int64))
TEXTS = tuple(names_of("text", requested=True))
NUMBER_NAMES = Names(tuple(NUMBERS))
texts_of, numbers_of, times_of = (attrgetter(*names) for names in ((*KEY, *TEXTS), NUMBERS, TIMES))


def request_rows(
    creatives: Sequence[Creative], tags: Sequence[str], metric_columns: Sequence[str], zone: ZoneInfo
) -> MetricRows:
    """The creatives of a request with their rows of metrics, in the order given.

    Args:
        creatives: Checked (`serving.api.validation`).
        tags: Names of the tags that the model uses.
        metric_columns: Value columns that the model's data had; others are left out.
        zone: Of times without an offset.
    """
    periods: list[tuple[int, int, int, int]] = []
    values: list[list[float | None]] = []
    for unit, creative in enumerate(creatives):
        for grain, start, end, row in _periods(creative, zone):
            periods.append((unit, GRAINS.index(grain), _microseconds(start), _microseconds(end)))
            values.append(list(map(row.get, metric_columns)))
    matrix = np.array(values, dtype=np.float64).reshape(len(values), len(metric_columns))  # None becomes NaN
    units, grains, starts, ends = np.array(periods, dtype=np.int64).reshape(-1, 4).T.copy()
    return MetricRows(
        creatives=_attributes(creatives, tags, zone),
        units=units,
        grains=grains.astype(np.int8),
        starts=starts.view(MICROSECONDS),
        ends=ends.view(MICROSECONDS),
        values=dict(zip(metric_columns, matrix.T.copy())),
    )


def _microseconds(moment: datetime) -> int:
    """A time without an offset as numpy counts it: dozens of datetimes are slow to convert."""
    return (moment - EPOCH) // MICROSECOND


def _periods(creative: Creative, zone: ZoneInfo) -> list[tuple[Grain, datetime, datetime, MetricsRow]]:
    """Grain, start, end and values of each row; sums since launch are one row."""
    if creative.sums is not None and creative.launched_at is not None:
        start = plain_time(creative.launched_at, zone)
        return [("gap", start, start + timedelta(hours=creative.sums["age_hours"]), creative.sums)]
    found: list[tuple[Grain, datetime, datetime, MetricsRow]] = []
    for row in creative.metrics or ():
        start, end = plain_time(row["period_start"], zone), plain_time(row["period_end"], zone)
        # Of an hour the start gives the hour of launch; of a longer period it does not.
        found.append(("hour" if end - start <= HOUR else "day", start, end, row))
    return found


def _attributes(creatives: Sequence[Creative], tags: Sequence[str], zone: ZoneInfo) -> ArrayFrame:
    texts: dict[str, Iterable[str | None]] = dict(zip((*KEY, *TEXTS), zip(*map(texts_of, creatives))))
    texts |= {TAG + name: [_tag(creative.tags.get(name)) for creative in creatives] for name in tags}
    numbers = np.array(list(map(numbers_of, creatives)), dtype=np.float64).T.copy()
    times = np.array([[_time(time, zone) for time in times_of(creative)] for creative in creatives]).T.copy()
    columns: dict[str, npt.NDArray[Any] | Categories] = dict(encoded(texts))
    columns |= zip(TIMES, times.view(MICROSECONDS))
    return ArrayFrame(columns, len(creatives), NumberColumns([(NUMBER_NAMES, numbers)]))


def _time(time: datetime | None, zone: ZoneInfo) -> int:
    return NOT_A_TIME if time is None else _microseconds(plain_time(time, zone))


def _tag(value: str | list[str] | None) -> str | None:
    return MULTI.join(value) if isinstance(value, list) else value
