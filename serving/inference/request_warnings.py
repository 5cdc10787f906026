"""Warnings of a request's creatives; codes, texts and thresholds are those of the batch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.point_in_time.array_frame import ArrayFrame
from features.schema import VALUES
from serving.api.requests import Creative, MetricsRow
from serving.inference.loaded_model import EARLY, LoadedModel
from training.decision.prediction_warnings import (
    PredictionWarning,
    known_without_metrics,
    missing_attributes,
    missing_metrics,
    no_delivery,
    not_predicted,
    outside_range,
    pace_unknown,
    stale_history,
    unseen_promotion_type,
    unseen_value,
    unused_metrics,
)

METRIC_NAMES = frozenset(VALUES)
DAY = pd.Timedelta(days=1)
Mask = npt.NDArray[np.bool_]


def request_warnings(
    loaded: LoadedModel,
    creatives: Sequence[Creative],
    observed: ArrayFrame,
    summed: Mask,
    unreported: Mask,
    now: pd.Timestamp,
) -> list[list[dict[str, str]]]:
    """Return the warnings of each creative as `code`, `zh` and `en`.

    Args:
        loaded: The model that predicts.
        creatives: Of the request.
        observed: Their counts, in the same order.
        summed: Per creative, whether its metrics are sums over its life.
        unreported: Per creative, whether the model's data have metrics of it, and the request has none.
        now: Time of the request, in the model's time zone.
    """
    moment, outcome_days = loaded.as_of.moment, loaded.manifest.settings.outcome_days
    general = stale_history((now - moment) / DAY, moment)
    general += not_predicted(loaded.model.fitted.funnel)
    ages = observed["age_hours"].tolist()
    silent = ((observed["cutoff"] - np.datetime64(now.to_pydatetime(), "us")) / np.timedelta64(-1, "D")).tolist()
    reported = loaded.as_of.reported_until(observed).tolist() if unreported.any() else []
    names, limits = loaded.life_limits
    sums = observed.known(names)
    outside = np.argwhere(((sums < limits[:, :1]) | (sums > limits[:, 1:])).T).tolist()  # what is not known is nowhere
    found = []
    for row, creative in enumerate(creatives):
        warnings = [*general, *_unseen(loaded, creative), *_missing(loaded, creative)]
        if ages[row] > 0:
            warnings += no_delivery(silent[row], outcome_days)
            warnings += [pace_unknown()] if summed[row] and ages[row] > 24 else []
        elif unreported[row]:
            warnings.append(known_without_metrics(reported[row]))
        for name, (low, high) in loaded.creative_ranges.items():
            value = max(ages[row], low) if name == "age_hours" else getattr(creative, name)
            if value is not None and not low <= value <= high:
                warnings += outside_range(name, value, low, high)
        for place in [place for of_row, place in outside if of_row == row]:
            name = names.all[place].removeprefix(EARLY)
            warnings += outside_range(name, float(sums[place, row]), *limits[place].tolist())
        found.append([warning._asdict() for warning in warnings])
    return found


def _unseen(loaded: LoadedModel, creative: Creative) -> list[PredictionWarning]:
    found = unseen_promotion_type(creative.promotion_type, loaded.promotion_types)
    for column, known in loaded.known_values.items():
        value = _value(creative, column)
        if value is None or (isinstance(value, str) and value in known):
            continue
        values = value if isinstance(value, list) else [str(value)]
        found += [unseen_value(column, one) for one in values if one not in known]
    return found


def _missing(loaded: LoadedModel, creative: Creative) -> list[PredictionWarning]:
    found = missing_attributes([name for name in loaded.used_attributes if _value(creative, name) in (None, "", [])])
    rows: list[MetricsRow] = [*(creative.metrics or []), *([creative.sums] if creative.sums else [])]
    if rows:
        given = [{name for name, value in row.items() if value is not None} & METRIC_NAMES for row in rows]
        in_all, in_some = set.intersection(*given), set.union(*given)
        found += missing_metrics([name for name in loaded.used_metrics if name not in in_all])
        found += unused_metrics(sorted(in_some - set(loaded.metric_columns)))
    return found


def _value(creative: Creative, column: str) -> str | float | list[str] | None:
    return creative.tags.get(column[4:]) if column.startswith("tag_") else getattr(creative, column)
