"""From the creatives of a request to what features are made of."""

from collections.abc import Sequence
from datetime import timedelta
from zoneinfo import ZoneInfo

import numpy as np

from features.point_in_time.entity_history import TAG
from features.point_in_time.request_counts import TEXTS, Told
from features.schema import MULTI, NUMBERS, TIMES
from serving.api.requests import Creative, MetricValues
from serving.api.validation import plain_time

HOUR = timedelta(hours=1)


def told(creative: Creative, tags: Sequence[str], figures: Sequence[str], zone: ZoneInfo) -> Told:
    """A creative as features see it.

    Args:
        creative: Checked (`serving.api.validation`).
        tags: Names of tags that the model knows.
        figures: Value columns that the model's data had; others are left out.
        zone: Of times without an offset.
    """
    about: dict[str, object] = {name: getattr(creative, name) for name in (*TEXTS, *NUMBERS)}
    for name in TIMES:
        moment = getattr(creative, name)
        about[name] = None if moment is None else plain_time(moment, zone)
    for name in tags:
        value = creative.tags.get(name)
        about[TAG + name] = MULTI.join(value) if isinstance(value, list) else value
    key = (creative.promotion_type, creative.account_id, creative.creative_id)
    if creative.sums is not None and creative.launched_at is not None:
        start = plain_time(creative.launched_at, zone)
        end = start + timedelta(hours=creative.sums.age_hours)
        return Told(key, about, [("gap", start, end)], [_figures(creative.sums, figures)])
    periods = []
    for row in creative.metrics or ():
        start, end = plain_time(row.period_start, zone), plain_time(row.period_end, zone)
        # Whole hours are told by the hour; a longer period tells no hour of launch.
        periods.append(("hour" if end - start <= HOUR else "day", start, end))
    return Told(key, about, periods, [_figures(row, figures) for row in creative.metrics or ()])


def _figures(row: MetricValues, names: Sequence[str]) -> list[float]:
    return [np.nan if (value := getattr(row, name)) is None else value for name in names]
