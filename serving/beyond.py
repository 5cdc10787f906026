"""What is told beyond the point prediction: intervals, the chance of a target and of a hit, a verdict with its reason.

The one place where a model's uncertainty reaches the answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.build import Features
from features.table import Table
from serving.served import Served
from training.advice import advise
from training.interval import roi_target

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Beyond:
    """Of one creative; what the model cannot tell is None.

    Attributes:
        intervals: Target → `low` and `high`.
        asked_roi: What its ROI is to reach.
        chance: Of that.
        hit_chance: Of a hit.
        verdict: `name`, `zh`, `en`.
    """

    intervals: Mapping[str, dict[str, float | None]]
    asked_roi: float
    chance: float | None
    hit_chance: float | None
    verdict: dict[str, str]


def beyond(
    served: Served, features: Features, observed: Table, predicted: Mapping[str, Floats], own_targets: Floats
) -> list[Beyond]:
    """What this model can say of each row, in order: that of the batch (`training.advice`).

    Args:
        served: The model.
        features: Of the rows.
        observed: Their counts.
        predicted: Rates and targets of the rows.
        own_targets: What each creative's ROI is to reach; NaN where it names none.
    """
    plan = served.model.fitted.plan
    told = advise(predicted, features, observed, served.model, served.manifest.settings, own_targets)
    columns = {name: values.tolist() for name, values in told.figures.items()}
    ends = [(name, columns[f"{name}_low"], columns[f"{name}_high"]) for name in plan.targets]
    chance, hit_chance = columns[f"{roi_target(plan) or 'roi'}_chance"], columns["hit_chance"]
    return [
        Beyond(
            intervals={name: {"low": _known(low[row]), "high": _known(high[row])} for name, low, high in ends},
            asked_roi=columns["asked_roi"][row],
            chance=_known(chance[row]),
            hit_chance=_known(hit_chance[row]),
            verdict=dict(zip(("name", "zh", "en"), verdict)),
        )
        for row, verdict in enumerate(told.verdicts)
    ]


def _known(value: float) -> float | None:
    return value if value == value else None


def log_sd(served: Served, features: Features, stages: Mapping[str, float]) -> Floats:
    """How far a target may lie from its prediction: standard deviation of its log, from what each stage leaves open.

    Args:
        served: The model.
        features: Of the rows.
        stages: The target's stages (`serving.explain.terms`); their errors are taken as independent.
    """
    variance = np.zeros(len(features.reference_price))
    for stage in stages:
        if stage in features.starts:
            variance = variance + features.starts[stage].variance
    return np.sqrt(variance)
