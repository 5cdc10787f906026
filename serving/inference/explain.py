"""Explanations as the response gives them: names, labels in both languages, logs and factors."""

from collections.abc import Mapping, Sequence
from math import exp

import numpy as np

from features.matrix.catalogue import Feature
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from training.explanation.contributions import LogContributions
from training.explanation.labels import effect_label

NO_FEATURES = np.zeros(0, dtype=np.int64)


def explanation(
    contributions: LogContributions,
    row: int,
    top: int | None,
    labels: Mapping[str, tuple[str, str]],
    values: Mapping[str, float | str | None],
) -> dict[str, object]:
    """The explanation of one row (`serving.api.responses.AdditiveExplanation`).

    Args:
        contributions: Of all rows, to a stage or a target.
        row: Which row.
        top: Features listed one by one, largest first; None: all that are not 0.
        labels: Feature → label in Chinese and in English.
        values: Feature → its value in this row.
    """
    shap = contributions.shap[row]
    count = np.count_nonzero(shap)
    listed = np.argsort(-np.abs(shap), kind="stable")[:count][:top] if count else NO_FEATURES
    logs, factors = shap[listed], np.exp(shap[listed])
    names = [contributions.feature_names[place] for place in listed.tolist()]
    rest = float(shap.sum() - logs.sum()) if top is not None and len(shap) > top else 0.0
    return {
        "log_prediction": float(contributions.total[row]),
        "baseline": _contribution(float(contributions.baseline[row])),
        "start": _prior_terms(contributions, row),
        "early_evidence": _contribution(float(contributions.own_evidence[row])),
        "features": [
            {"name": name, "zh": zh, "en": en, "value": values[name], "log": log, "factor": factor}
            for name, (zh, en), log, factor in zip(
                names, [labels[name] for name in names], logs.tolist(), factors.tolist()
            )
        ],
        "others": _contribution(rest),
        "held_at_1": _contribution(float(contributions.clipped[row]) + 0.0),  # + 0.0: no negative zero in JSON
    }


def _prior_terms(contributions: LogContributions, row: int) -> list[dict[str, object]]:
    """Terms of the prior that are not 0, largest first."""
    effects = contributions.effects[row].tolist()
    terms = [(log, name) for log, name in zip(effects, contributions.effect_names) if log != 0.0]
    terms.sort(key=lambda term: -abs(term[0]))
    labels = [effect_label(name) for _, name in terms]
    return [
        {"name": name, "zh": zh, "en": en, "log": log, "factor": exp(log)}
        for (log, name), (zh, en) in zip(terms, labels)
    ]


def shown_values(
    features: Features, row: int, encoder: Encoder, catalogue: Sequence[Feature]
) -> dict[str, float | str | None]:
    """Feature → its value in this row: the category behind a code, else the number; None where it is missing."""
    numbers = features.values.matrix[row].tolist()
    shown: dict[str, float | str | None] = {}
    for feature, number in zip(catalogue, numbers):
        if number != number:
            shown[feature.name] = None
        elif feature.categorical:
            shown[feature.name] = encoder.codes[feature.name][int(number)]
        else:
            shown[feature.name] = number
    return shown


def _contribution(log: float) -> dict[str, float]:
    return {"log": log, "factor": exp(log)}
