"""Warnings of a request's creatives; codes, texts and thresholds are those of the batch."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from features.arrays import Mask
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.entity_history import TAG
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

DAY = timedelta(days=1)
NOTHING: tuple[object, ...] = (None, "", [])
"""Values that say nothing."""


def request_warnings(
    loaded: LoadedModel,
    creatives: Sequence[Creative],
    observed: ArrayFrame,
    summed: Mask,
    unreported: Mask,
    now: datetime,
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
    moment, outcome_days = loaded.history_until, loaded.manifest.settings.outcome_days
    general = stale_history((now - moment) / DAY, moment)
    general += not_predicted(loaded.model.fitted.funnel)
    ages = observed["age_hours"].tolist()
    silent = [(now - cutoff) / DAY for cutoff in observed["cutoff"].tolist()]
    reported = loaded.as_of.reported_until(observed).tolist() if unreported.any() else []
    names, limits = loaded.life_limits
    sums = observed.known(names)
    # What is not known is nowhere.
    outside = list(zip(*(at.tolist() for at in np.nonzero((sums < limits[:, :1]) | (sums > limits[:, 1:])))))
    found = []
    for row, creative in enumerate(creatives):
        given = vars(creative) | {TAG + name: value for name, value in creative.tags.items()}
        warnings = [*general, *_unseen(loaded, given), *_missing(loaded, given)]
        if ages[row] > 0:
            warnings += no_delivery(silent[row], outcome_days)
            warnings += [pace_unknown()] if summed[row] and ages[row] > 24 else []
        elif unreported[row]:
            warnings.append(known_without_metrics(reported[row]))
        for name, (low, high) in loaded.creative_ranges.items():
            value = max(ages[row], low) if name == "age_hours" else given[name]
            if value is not None and not low <= value <= high:
                warnings += outside_range(name, value, low, high)
        for place in [place for place, of_row in outside if of_row == row]:
            name = names.all[place].removeprefix(EARLY)
            warnings += outside_range(name, float(sums[place, row]), *limits[place].tolist())
        found.append([warning._asdict() for warning in warnings])
    return found


def _unseen(loaded: LoadedModel, given: Mapping[str, Any]) -> list[PredictionWarning]:
    """Warnings of values that the training data did not have; `given`: attributes and tags by column."""
    found = unseen_promotion_type(given["promotion_type"], loaded.promotion_types)
    for (column, known), value in zip(loaded.known_values.items(), map(given.get, loaded.known_values)):
        if value is None or (isinstance(value, str) and value in known):
            continue
        values = value if isinstance(value, list) else [str(value)]
        found += [unseen_value(column, one) for one in values if one not in known]
    return found


def _missing(loaded: LoadedModel, given: Mapping[str, Any]) -> list[PredictionWarning]:
    """Warnings of what is not given, and of metrics that the model does not use; `given`: as above."""
    used = loaded.used_attributes
    found = missing_attributes([name for name, value in zip(used, map(given.get, used)) if value in NOTHING])
    rows: list[MetricsRow] = [*(given["metrics"] or []), *([given["sums"]] if given["sums"] else [])]
    if rows:
        named = [row.keys() if None not in row.values() else _known(row) for row in rows]
        in_all, in_some = set(named[0]).intersection(*named[1:]), set().union(*named)
        found += missing_metrics([name for name in loaded.used_metrics if name not in in_all])
        found += unused_metrics(sorted(in_some & loaded.unused_metrics))
    return found


def _known(row: MetricsRow) -> set[str]:
    return {name for name, value in row.items() if value is not None}
