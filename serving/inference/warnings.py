"""What to mind about a prediction: unseen values, missing figures, numbers beyond training, stale history."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from serving.api.requests import Creative, MetricValues
from serving.inference import warning_text as wording
from serving.inference.loaded_model import LoadedModel

STALE_DAYS = 3.0
FIGURES = frozenset(MetricValues.model_fields)


def warnings_of(
    served: LoadedModel, creatives: Sequence[Creative], observed: pd.DataFrame, summed: np.ndarray, now: pd.Timestamp
) -> list[list[wording.Warned]]:
    """Of each creative, in order."""
    moment = served.as_of.moment
    stale = (now - moment) / pd.Timedelta(days=1)
    general = [wording.stale_history(stale, moment.isoformat())] if stale > STALE_DAYS else []
    missing = served.model.fitted.funnel.missing
    general += [wording.not_predicted(name, missing[name]) for name in ("gpm", "net_gpm") if name in missing]
    cutoffs = observed["cutoff"].to_numpy("datetime64[us]")
    ages = observed["age_hours"].to_numpy(np.float64)
    known = served.as_of.known(observed)
    found = []
    for row, creative in enumerate(creatives):
        notes = [*general, *_unseen(served, creative), *_missing(served, creative)]
        if ages[row] > 0:
            silent = (now - pd.Timestamp(cutoffs[row])) / pd.Timedelta(days=1)
            notes += [wording.silent(silent)] if silent >= 2.0 else []
            notes += [wording.pace_unknown()] if summed[row] and ages[row] > 24 else []
        elif known[row] >= 0 and served.as_of.launched(known[row]):
            notes.append(wording.no_metrics_though_known())
        notes += _outside(served, creative, float(ages[row]))
        found.append(notes)
    return found


def _unseen(served: LoadedModel, creative: Creative) -> list[wording.Warned]:
    notes = []
    if creative.promotion_type not in served.promotion_types:
        notes.append(wording.unseen_promotion(creative.promotion_type))
    for column, seen in served.categories.items():
        for value in _values(creative, column):
            if value not in seen:
                notes.append(wording.unseen_value(column.removeprefix("tag_"), value))
    return notes


def _values(creative: Creative, column: str) -> list[str]:
    value = _value(creative, column)
    if value is None or column == "promotion_type":
        return []
    return value if isinstance(value, list) else [str(value)]


def _value(creative: Creative, column: str) -> str | float | list[str] | None:
    return creative.tags.get(column[4:]) if column.startswith("tag_") else getattr(creative, column)


def _missing(served: LoadedModel, creative: Creative) -> list[wording.Warned]:
    notes = []
    absent = [name for name in served.used_attributes if _value(creative, name) in (None, "", [])]
    if absent:
        notes.append(wording.missing([name.removeprefix("tag_") for name in absent]))
    rows: list[MetricValues] = [*(creative.metrics or []), *([creative.sums] if creative.sums else [])]
    if rows:
        known = [{name for name, value in vars(row).items() if value is not None} & FIGURES for row in rows]
        told, some = set.intersection(*known), set.union(*known)
        if lacking := [name for name in served.used_metrics if name not in told]:
            notes.append(wording.missing_figures(lacking))
        if unused := sorted(some - set(served.metric_columns)):
            notes.append(wording.unused_figures(unused))
    return notes


def _outside(served: LoadedModel, creative: Creative, age_hours: float) -> list[wording.Warned]:
    notes = []
    for name, (low, high) in served.ranges.items():
        value = max(age_hours, low) if name == "age_hours" else getattr(creative, name)
        if value is not None and not low <= value <= high:
            notes.append(wording.outside(name, value, low, high))
    return notes
