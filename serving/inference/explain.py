"""Contributions as the response gives them: names, labels in both languages, logs and factors."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp

import numpy as np

from features.attributes import NUMBER_ATTRIBUTES
from features.matrix.catalogue import NUMBERS, PLAIN_CODES, Feature, entity_label
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from training.explanation.contributions import Contributions

NO_FEATURES = np.zeros(0, dtype=np.int64)
SLOPES = {
    **{a.slope_name: a.label for a in NUMBER_ATTRIBUTES},
    **{a.square_name: (f"{a.label.zh}（平方）", f"{a.label.en}, squared") for a in NUMBER_ATTRIBUTES if a.squared},
    "hour_sin": ("首投时刻", "time of launch, sine"),
    "hour_cos": ("首投时刻（余弦）", "time of launch, cosine"),
}
"""Labels of the slopes of the funnel model."""
KNOWN = {feature.name: (feature.zh, feature.en) for feature in NUMBERS} | PLAIN_CODES | SLOPES


def parts_told(
    parts: Contributions,
    row: int,
    top: int | None,
    labels: Mapping[str, tuple[str, str]],
    values: Mapping[str, float | str | None],
) -> dict[str, object]:
    """One row's explanation as callers get it: the largest features first, the rest as one sum; none that is 0."""
    each = parts.shap[row]
    some = np.count_nonzero(each)
    shown = np.argsort(-np.abs(each), kind="stable")[:some][:top] if some else NO_FEATURES
    logs, factors = each[shown], np.exp(each[shown])
    names = [parts.feature_names[place] for place in shown.tolist()]
    words = [labels[name] for name in names]
    rest = float(each.sum() - logs.sum()) if top is not None and len(each) > top else 0.0
    return {
        "log_prediction": float(parts.total[row]),
        "baseline": _part(float(parts.baseline[row])),
        "start": _start(parts, row),
        "early_evidence": _part(float(parts.own_evidence[row])),
        "features": [
            {"name": name, "zh": zh, "en": en, "value": values[name], "log": log, "factor": factor}
            for name, (zh, en), log, factor in zip(names, words, logs.tolist(), factors.tolist())
        ],
        "others": _part(rest),
        "held_at_1": _part(float(parts.clipped[row]) + 0.0),
    }


def _start(parts: Contributions, row: int) -> list[dict[str, object]]:
    told = [(log, name) for log, name in zip(parts.effects[row].tolist(), parts.effect_names) if log != 0.0]
    told.sort(key=lambda one: -abs(one[0]))
    words = [_words(name) for _, name in told]
    return [
        {"name": name, "zh": zh, "en": en, "log": log, "factor": exp(log)} for (log, name), (zh, en) in zip(told, words)
    ]


@lru_cache(maxsize=4096)
def _words(term: str) -> tuple[str, str]:
    return KNOWN[term] if term in KNOWN else entity_label(term)


def shown_values(
    features: Features, row: int, encoder: Encoder, catalogue: Sequence[Feature]
) -> dict[str, float | str | None]:
    """What the model saw of each feature: the word behind a code, else the number; None where it saw nothing."""
    numbers = features.values.to_numpy()[row].tolist()
    shown: dict[str, float | str | None] = {}
    for feature, number in zip(catalogue, numbers):
        if number != number:
            shown[feature.name] = None
        elif feature.categorical:
            shown[feature.name] = encoder.codes[feature.name][int(number)]
        else:
            shown[feature.name] = number
    return shown


def _part(log: float) -> dict[str, float]:
    return {"log": log, "factor": exp(log)}
