"""Why a prediction is what it is: contributions by stage and by target, which add up to it, checked on every answer.

On the log scale a target is a sum of stages: log net ROI = click + order + value + keep − cost. So is its explanation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp

import numpy as np
import numpy.typing as npt

from features.funnel import TARGETS, Funnel
from features.matrix.catalogue import NUMBERS, PLAIN_CODES, Feature, entity_label
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from serving.api.errors import Refused

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
BASELINE = "baseline"
NO_FEATURES = np.zeros(0, dtype=np.int64)
SLOPES = {
    "log_roi_target": ("目标ROI", "ROI target"),
    "log_price²": ("价格（平方）", "price, squared"),
    "log_duration²": ("时长（平方）", "duration, squared"),
    "hour_sin": ("首投时刻", "time of launch, sine"),
    "hour_cos": ("首投时刻（余弦）", "time of launch, cosine"),
}
"""Steps of the start that are called like nothing in the catalogue."""
KNOWN = {feature.name: (feature.zh, feature.en) for feature in NUMBERS} | PLAIN_CODES | SLOPES


@dataclass(frozen=True)
class Parts:
    """Contributions to one log prediction of each row; they add up to it.

    Attributes:
        baseline: What is expected of the mean creative at the time.
        steps: What a creative is, or shares with others, adds to that: one column a term or entity.
        terms: Names of these.
        early: Its own counts.
        held: What was cut off a share above 1.
        features: One column a feature.
        names: Of these features.
    """

    baseline: Floats
    steps: Floats
    terms: tuple[str, ...]
    early: Floats
    held: Floats
    features: Floats
    names: tuple[str, ...]

    @cached_property
    def total(self) -> Floats:
        """Their sum."""
        # A row's numbers beside each other: their sum is the same alone and in company, to the last bit.
        return self.baseline + self.steps.sum(axis=1) + self.early + self.held + self.features.sum(axis=1)


def terms(target: str, funnel: Funnel) -> dict[str, float]:
    """Stages of a target and the sign with which each one's log counts."""
    return TARGETS[target].composition(funnel).signs


def of_target(target: str, funnel: Funnel, stages: Mapping[str, Parts]) -> Parts:
    """The parts of a target: those of its stages, signed and summed by feature."""
    signs = terms(target, funnel)
    several = [(sign, stages[stage]) for stage, sign in signs.items()]
    nothing = np.zeros(len(several[0][1].baseline))
    baseline, early, held = (
        sum((sign * getattr(parts, name) for sign, parts in several), nothing) for name in ("baseline", "early", "held")
    )
    steps, of_steps = _summed([(sign, parts.steps, parts.terms) for sign, parts in several])
    features, names = _summed([(sign, parts.features, parts.names) for sign, parts in several])
    if TARGETS[target].scale != 1.0:
        baseline = baseline + np.log(TARGETS[target].scale)
    return Parts(baseline, steps, of_steps, early, held, features, names)


def _summed(several: Sequence[tuple[float, Floats, tuple[str, ...]]]) -> tuple[Floats, tuple[str, ...]]:
    """Tables with named columns, signed and summed by name."""
    names, places = _together(tuple(own for _, _, own in several))
    total = np.zeros((len(several[0][1]), len(names)))
    for (sign, table, _), at in zip(several, places):
        total[:, at] += sign * table
    return total, names


@lru_cache(maxsize=256)
def _together(each: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], list[npt.NDArray[np.int64]]]:
    names = tuple(dict.fromkeys(name for own in each for name in own))
    place = {name: number for number, name in enumerate(names)}
    return names, [np.array([place[name] for name in own], dtype=np.int64) for own in each]


def check(parts: Parts, predicted: Floats, what: str) -> None:
    """Refuse to answer with an explanation that does not add up to the prediction."""
    apart = np.abs(parts.total - np.log(predicted))
    if not (apart <= TOLERANCE).all():
        raise Refused(500, f"The explanation of {what} does not add up to its prediction; it is not told.")


def parts_told(
    parts: Parts,
    row: int,
    top: int | None,
    labels: Mapping[str, tuple[str, str]],
    values: Mapping[str, float | str | None],
) -> dict[str, object]:
    """One row's explanation as callers get it: the largest features first, the rest as one sum; none that is 0."""
    each = parts.features[row]
    some = np.count_nonzero(each)
    shown = np.argsort(-np.abs(each), kind="stable")[:some][:top] if some else NO_FEATURES
    logs, factors = each[shown], np.exp(each[shown])
    names = [parts.names[place] for place in shown.tolist()]
    words = [labels[name] for name in names]
    rest = float(each.sum() - logs.sum()) if top is not None and len(each) > top else 0.0
    return {
        "log_prediction": float(parts.total[row]),
        "baseline": _part(float(parts.baseline[row])),
        "start": _start(parts, row),
        "early_evidence": _part(float(parts.early[row])),
        "features": [
            {"name": name, "zh": zh, "en": en, "value": values[name], "log": log, "factor": factor}
            for name, (zh, en), log, factor in zip(names, words, logs.tolist(), factors.tolist())
        ],
        "others": _part(rest),
        "held_at_1": _part(float(parts.held[row]) + 0.0),
    }


def _start(parts: Parts, row: int) -> list[dict[str, object]]:
    told = [(log, name) for log, name in zip(parts.steps[row].tolist(), parts.terms) if log != 0.0]
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
