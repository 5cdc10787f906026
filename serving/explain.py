"""Why a prediction is what it is: contributions by stage and by target, which add up to it, checked on every answer.

On the log scale a target is a sum of stages: log net ROI = click + order + value + keep − cost. So is its explanation.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import exp

import numpy as np
import numpy.typing as npt

from features.build import Features
from features.catalogue import NUMBERS, PLAIN_CODES, Feature, entity_label
from features.encode import Encoder
from features.funnel import VOLUME, Plan
from serving.errors import Refused

Floats = npt.NDArray[np.float64]

TOLERANCE = 1e-6
BASELINE = "baseline"
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
        steps: By term or entity: what a creative is, or shares with others, adds to that.
        early: Its own counts.
        held: What was cut off a share above 1.
        features: One column a feature.
        names: Of these features.
    """

    baseline: Floats
    steps: Mapping[str, Floats]
    early: Floats
    held: Floats
    features: Floats
    names: Sequence[str]

    @cached_property
    def total(self) -> Floats:
        """Their sum."""
        known = sum(self.steps.values(), self.baseline)
        return known + self.early + self.held + self.features.sum(axis=1)


def terms(target: str, plan: Plan) -> dict[str, float]:
    """Stages of a target and the sign with which each one's log counts."""
    if target.startswith("later_"):
        return {VOLUME: 1.0}
    signs: dict[str, float] = {}
    gross = plan.to_gmv if plan.to_gmv and (target.endswith("gpm") or not plan.to_roi) else plan.to_roi
    signs |= dict.fromkeys(gross, 1.0)
    if target.startswith("net_") and not plan.net_only:
        signs["keep"] = 1.0
    if target.endswith("roi") and gross == plan.to_gmv:
        signs["cost"] = -1.0
    return signs


def of_target(target: str, plan: Plan, stages: Mapping[str, Parts]) -> Parts:
    """The parts of a target: those of its stages, signed and summed by feature."""
    signs = terms(target, plan)
    names = list(dict.fromkeys(name for stage in signs for name in stages[stage].names))
    place = {name: number for number, name in enumerate(names)}
    count = len(next(iter(stages.values())).baseline)
    baseline, early, held = (np.zeros(count) for _ in range(3))
    features = np.zeros((count, len(names)))
    steps: dict[str, Floats] = {}
    for stage, sign in signs.items():
        parts = stages[stage]
        baseline = baseline + sign * parts.baseline
        early, held = early + sign * parts.early, held + sign * parts.held
        steps |= {name: steps.get(name, 0.0) + sign * step for name, step in parts.steps.items()}
        features[:, [place[name] for name in parts.names]] += sign * parts.features
    if target.endswith("gpm"):
        baseline = baseline + np.log(1000.0)
    return Parts(baseline, steps, early, held, features, names)


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
    order = np.argsort(-np.abs(each), kind="stable")
    shown = order[: np.count_nonzero(each)][:top]
    logs, factors = each[shown], np.exp(each[shown])
    names = [parts.names[place] for place in shown.tolist()]
    words = [labels[name] for name in names]
    rest = float(each.sum() - logs.sum()) if top is not None and len(order) > top else 0.0
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
    told = {name: log for name, step in parts.steps.items() if (log := float(step[row])) != 0.0}
    found: list[dict[str, object]] = []
    for name in sorted(told, key=lambda name: -abs(told[name])):
        zh, en = KNOWN[name] if name in KNOWN else entity_label(name)
        found.append({"name": name, "zh": zh, "en": en, **_part(told[name])})
    return found


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
