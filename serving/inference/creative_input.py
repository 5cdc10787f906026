"""Convert the creatives of a request into the arrays that counts are made of."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from features.attributes import names_of
from features.point_in_time.array_frame import ArrayFrame, Categories, encoded
from features.point_in_time.entity_history import TAG
from features.point_in_time.metric_rows import GRAINS, Grain, MetricRows
from features.schema import KEY, MULTI, NUMBERS, TIMES
from serving.api.contradictions import plain_time
from serving.api.requests import Creative, MetricsRow

HOUR = timedelta(hours=1)
TEXTS = tuple(names_of("text", requested=True))


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
    units: list[int] = []
    periods: list[tuple[int, datetime, datetime]] = []
    values: list[list[float | None]] = []
    for unit, creative in enumerate(creatives):
        for grain, start, end, row in _periods(creative, zone):
            units.append(unit)
            periods.append((GRAINS.index(grain), start, end))
            values.append([row.get(name) for name in metric_columns])
    matrix = np.array(values, dtype=np.float64).reshape(len(values), len(metric_columns))  # None becomes NaN
    starts, ends = np.array([times for _, *times in periods], dtype="datetime64[us]").reshape(-1, 2).T.copy()
    return MetricRows(
        creatives=_attributes(creatives, tags, zone),
        units=np.array(units, dtype=np.int64),
        grains=np.array([grain for grain, _, _ in periods], dtype=np.int8),
        starts=starts,
        ends=ends,
        values=dict(zip(metric_columns, matrix.T)),
    )


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
    texts = {name: [getattr(creative, name) for creative in creatives] for name in (*KEY, *TEXTS)}
    texts |= {TAG + name: [_tag(creative.tags.get(name)) for creative in creatives] for name in tags}
    numbers = np.array([[getattr(creative, name) for creative in creatives] for name in NUMBERS], dtype=np.float64)
    times = [[_plain(getattr(creative, name), zone) for creative in creatives] for name in TIMES]
    columns: dict[str, npt.NDArray[Any] | Categories] = dict(encoded(texts))
    columns |= zip((*NUMBERS, *TIMES), (*numbers, *np.array(times, dtype="datetime64[us]")))
    return ArrayFrame(columns, len(creatives))


def _plain(time: datetime | None, zone: ZoneInfo) -> datetime | None:
    return None if time is None else plain_time(time, zone)


def _tag(value: str | list[str] | None) -> str | None:
    return MULTI.join(value) if isinstance(value, list) else value
