"""What is told beyond the point prediction: intervals, the chance of a target and of a hit, a verdict with its reason.

The one place where a model's uncertainty reaches the answers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

from features.funnel import TARGETS
from features.matrix.feature_matrix import Features
from features.point_in_time.array_frame import Table
from serving.inference.loaded_model import LoadedModel
from training.decision.advice import advise
from training.uncertainty import RowUncertainty

Floats = npt.NDArray[np.float64]

REACH = 5.0
"""Standard deviations around the centre of a log-normal distribution that its range covers."""


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
    served: LoadedModel, features: Features, observed: Table, predicted: Mapping[str, Floats], own_targets: Floats
) -> list[Beyond]:
    """What this model can say of each row, in order: that of the batch (`training.decision.advice`).

    Args:
        served: The model.
        features: Of the rows.
        observed: Their counts.
        predicted: Rates and targets of the rows.
        own_targets: What each creative's ROI is to reach; NaN where it names none.
    """
    funnel = served.model.fitted.funnel
    told = advise(predicted, features, observed, served.model, served.manifest.settings, own_targets)
    columns = {name: values.tolist() for name, values in told.figures.items()}
    ends = [(name, columns[f"{name}_low"], columns[f"{name}_high"]) for name in funnel.targets]
    chance, hit_chance = columns[f"{funnel.main_roi or 'roi'}_chance"], columns["hit_chance"]
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


class Spread(Protocol):
    """How a target of some rows is spread."""

    def reach(self) -> tuple[float, float]:
        """Values above 0 between which all but a sliver of what is above 0 lies."""

    def below(self, values: Floats) -> Floats:
        """Chance of each row to turn out at most at each of these rising values, the first of them 0."""


def spread_of(served: LoadedModel, features: Features, predicted: Mapping[str, Floats], target: str) -> Spread:
    """How a target of some rows is spread: calibrated, where the model is that; else log-normal."""
    funnel, uncertainty = served.model.fitted.funnel, served.model.uncertainty
    if uncertainty is not None and target in uncertainty.targets:
        return Calibrated(uncertainty.of(predicted, features), target)
    return LogNormal(np.log(predicted[target]), log_sd(features, TARGETS[target].composition(funnel).signs))


@dataclass(frozen=True)
class Calibrated:
    """As intervals and chances tell it (`training.uncertainty`)."""

    rows: RowUncertainty
    target: str

    def reach(self) -> tuple[float, float]:
        """As of `Spread`."""
        return self.rows.support(self.target)

    def below(self, values: Floats) -> Floats:
        """As of `Spread`."""
        return self.rows.cdf(values, self.target)


@dataclass(frozen=True)
class LogNormal:
    """Around the prediction, as far as the stages leave it open.

    Attributes:
        centre: Log of the prediction.
        deviation: Of the log.
    """

    centre: Floats
    deviation: Floats

    def reach(self) -> tuple[float, float]:
        """As of `Spread`."""
        wide = REACH * self.deviation
        return float(np.exp((self.centre - wide).min())), float(np.exp((self.centre + wide).max()))

    def below(self, values: Floats) -> Floats:
        """As of `Spread`."""
        log = np.log(np.where(values > 0, values, 1.0))
        told = ndtr((log - self.centre[:, None]) / np.maximum(self.deviation, 1e-9)[:, None])
        return np.where(values > 0, told, 0.0)


def log_sd(features: Features, stages: Mapping[str, float]) -> Floats:
    """How far a target may lie from its prediction: standard deviation of its log, from what each stage leaves open.

    Args:
        features: Of the rows.
        stages: The target's stages with their signs; their errors are taken as independent.
    """
    variance = np.zeros(len(features.reference_price))
    for stage in stages:
        if stage in features.posteriors:
            variance = variance + features.posteriors[stage].variance
    return np.sqrt(variance)
