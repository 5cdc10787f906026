"""Training data of each stage, and the composition of stage rates into GPM, ROI and volume."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, VOLUME, Funnel, Stage
from features.funnel_model.empirical_bayes import ratio_and_events, stage_counts
from features.matrix.feature_matrix import Features, Fitted
from training.boosting.volume_offset import TWEEDIE_POWER, VolumeOffset

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StageData:
    """One stage's training rows; arrays are (rows used,).

    Attributes:
        stage: Its name.
        rows: Positions, among all rows, of those whose outcome has exposure at this stage.
        label: Later rate, in the unit of the stage; later volume over a whole window.
        weight: Of the loss on the scale of the label.
        effective_sample_size: Weight on the scale of label / exp(offset), relative to its mean for rates.
        offset: Log of the prediction without trees; LightGBM's `init_score`.
    """

    stage: str
    rows: npt.NDArray[np.int64]
    label: Floats
    weight: Floats
    effective_sample_size: Floats
    offset: Floats


def rate_data(stage: Stage, features: Features, outcome: pd.DataFrame, fitted: Fitted) -> StageData:
    """Training rows of a rate.

    The weight of a row is 1/(φ/u + s²) on the scale of the ratio, u being the events expected from its exposure: an
    effective sample size. A few hits do not dominate, because the variance between creatives, s², does not average out.
    """
    prior = fitted.priors[stage.name]
    offset = features.posteriors[stage.name].log_rate
    count, exposure, events = stage_counts(stage, outcome, "later:")
    _, effective_events = ratio_and_events(stage.is_poisson, count, exposure, events, np.exp(offset))
    rows = np.flatnonzero((effective_events > 0) & (exposure > 0))
    rate = np.exp(offset[rows])
    size = 1.0 / (prior.dispersion / effective_events[rows] + prior.creative_variance)
    size = size / size.mean() if len(size) else size
    return StageData(
        stage=stage.name,
        rows=rows,
        label=count[rows] / exposure[rows],
        weight=size / rate,
        effective_sample_size=size,
        offset=offset[rows],
    )


def volume_data(features: Features, outcome: pd.DataFrame, funnel: Funnel, volume: VolumeOffset) -> StageData:
    """Training rows of later volume, per whole outcome window."""
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    covered = outcome["covered_share"].to_numpy(np.float64)
    rows = np.flatnonzero(np.isfinite(later) & (covered > 0))
    offset = volume.log_volume(features)[rows]
    weight = covered[rows]
    return StageData(
        stage=VOLUME,
        rows=rows,
        label=later[rows] / covered[rows],
        weight=weight,
        effective_sample_size=weight * np.exp((2 - TWEEDIE_POWER) * offset),
        offset=offset,
    )


def stage_features(features: Features, stage: str) -> list[str]:
    """Names of the features that this stage's trees may use, in order."""
    return [feature.name for feature in features.catalogue if feature.serves(stage)]


def compose(log_rates: Mapping[str, Floats], funnel: Funnel, reference_price: Floats) -> pd.DataFrame:
    """Stage rates and targets from log stage rates.

    Args:
        log_rates: By stage and `volume`, each (rows,): natural log; of priced stages relative to the reference price.
        funnel: Of the model.
        reference_price: (rows,) CNY.

    Returns:
        One column per stage (its rate; gmv per order in CNY for `value`), then per target of the funnel. `gpm` and
        `net_gpm` in CNY per 1 000 impressions, `roi` and `net_roi` as ratios, `later_…` over the outcome window.
    """
    return pd.DataFrame(composed(log_rates, funnel, reference_price))


def composed(log_rates: Mapping[str, Floats], funnel: Funnel, reference_price: Floats) -> dict[str, Floats]:
    """`compose` as arrays by name, each (rows,)."""
    rates: dict[str, Floats] = {}
    for stage in funnel.stages:
        rates[stage.name] = np.exp(log_rates[stage.name]) * (reference_price if stage.priced else 1.0)
    known = {**rates, VOLUME: np.exp(log_rates[VOLUME])}
    return {**rates, **{name: TARGETS[name].compose(known, funnel) for name in funnel.targets}}
