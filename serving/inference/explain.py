"""Explanations as the response gives them: names, labels in both languages, logs and factors."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import exp

import numpy as np

from features.attributes import NUMBER_ATTRIBUTES
from features.matrix.catalogue import NUMBERS, PLAIN_CODES, Feature, entity_label
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from training.explanation.contributions import LogContributions

NO_FEATURES = np.zeros(0, dtype=np.int64)
SLOPES = {
    **{a.slope_name: a.label for a in NUMBER_ATTRIBUTES},
    **{a.square_name: (f"{a.label.zh}（平方）", f"{a.label.en}, squared") for a in NUMBER_ATTRIBUTES if a.squared},
    "hour_sin": ("首投时刻", "time of launch, sine"),
    "hour_cos": ("首投时刻（余弦）", "time of launch, cosine"),
}
"""Labels of the slopes of the funnel model."""
TERM_LABELS = {feature.name: (feature.zh, feature.en) for feature in NUMBERS} | PLAIN_CODES | SLOPES


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
    labels = [_term_label(name) for _, name in terms]
    return [
        {"name": name, "zh": zh, "en": en, "log": log, "factor": exp(log)}
        for (log, name), (zh, en) in zip(terms, labels)
    ]


@lru_cache(maxsize=4096)
def _term_label(term: str) -> tuple[str, str]:
    return TERM_LABELS[term] if term in TERM_LABELS else entity_label(term)


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
