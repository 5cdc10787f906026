"""What is told beyond the point prediction: intervals, the chance of a target and of a hit, a verdict with its reason.

The one place where a model's uncertainty reaches the answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import Features
from features.table import Table
from serving.served import Served
from training.advice import advise
from training.interval import roi_target
from training.verdict import COLUMNS

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
    model, settings = served.model, served.manifest.settings
    told = advise(pd.DataFrame(predicted), features, observed, model, settings, own_targets)
    plan = model.fitted.plan
    chance = f"{roi_target(plan) or 'roi'}_chance"
    return [
        Beyond(
            intervals={name: {end: _known(row[f"{name}_{end}"]) for end in ("low", "high")} for name in plan.targets},
            asked_roi=row["asked_roi"],
            chance=_known(row[chance]),
            hit_chance=_known(row["hit_chance"]),
            verdict=dict(zip(("name", "zh", "en"), (row[name] for name in COLUMNS))),
        )
        for row in told.to_dict("records")
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
