"""What each stage's trees learn from, and how stage rates become GPM, ROI and volume."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import VOLUME, Plan, Stage
from features.funnel_model.empirical_bayes import ratio_and_events, stage_figures
from features.matrix.feature_matrix import Features, Fitted
from training.boosting.volume_offset import POWER, VolumeStart

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Lesson:
    """One stage's training rows.

    Attributes:
        stage: Its name.
        rows: Positions of the rows whose outcome says something about this stage.
        label: Later rate (later volume a whole window).
        weight: Of each row, for the loss in units of the label.
        worth: Of each row, once its label is told as a ratio to the start: its effective sample size.
        offset: Log of the start.
    """

    stage: str
    rows: npt.NDArray[np.int64]
    label: Floats
    weight: Floats
    worth: Floats
    offset: Floats

    def subset(self, kept: npt.NDArray[np.bool_]) -> "Lesson":
        """The same for some of the rows."""
        return Lesson(
            self.stage,
            self.rows[kept],
            self.label[kept],
            self.weight[kept],
            self.worth[kept],
            self.offset[kept],
        )


def rate_lesson(stage: Stage, features: Features, outcome: pd.DataFrame, fitted: Fitted) -> Lesson:
    """Training rows of a rate.

    The weight of a row is 1/(φ/u + s²) on the scale of the ratio, u being the events its exposure lets expect: an
    effective sample size, so that a few hits do not decide everything (their luck, s², does not average out).
    """
    prior = fitted.priors[stage.name]
    offset = features.starts[stage.name].log_rate
    count, exposure, events = stage_figures(stage, outcome, "later:")
    _, sure = ratio_and_events(stage, count, exposure, events, np.exp(offset))
    rows = np.flatnonzero((sure > 0) & (exposure > 0))
    rate = np.exp(offset[rows])
    worth = 1.0 / (prior.dispersion / sure[rows] + prior.own)
    worth = worth / worth.mean() if len(worth) else worth
    return Lesson(
        stage=stage.name,
        rows=rows,
        label=count[rows] / exposure[rows],
        weight=worth / rate,
        worth=worth,
        offset=offset[rows],
    )


def volume_lesson(features: Features, outcome: pd.DataFrame, plan: Plan, begin: VolumeStart) -> Lesson:
    """Training rows of later volume, per whole outcome window."""
    later = outcome[f"later:{plan.volume_of}"].to_numpy(np.float64)
    covered = outcome["covered_share"].to_numpy(np.float64)
    rows = np.flatnonzero(np.isfinite(later) & (covered > 0))
    offset = begin.log_volume(features)[rows]
    weight = covered[rows]
    return Lesson(
        stage=VOLUME,
        rows=rows,
        label=later[rows] / covered[rows],
        weight=weight,
        worth=weight * np.exp((2 - POWER) * offset),
        offset=offset,
    )


def stage_features(features: Features, stage: str) -> list[str]:
    """Names of the features that this stage's trees may use, in order."""
    return [feature.name for feature in features.catalogue if feature.serves(stage)]


def compose(log_rates: Mapping[str, Floats], plan: Plan, reference_price: Floats) -> pd.DataFrame:
    """Stage rates and targets from log stage rates.

    Returns:
        One column per stage (its rate; gmv per order in CNY for `value`), then per target of the plan. `gpm` and
        `net_gpm` in CNY per 1 000 impressions, `roi` and `net_roi` as ratios, `later_…` over the outcome window.
    """
    return pd.DataFrame(composed(log_rates, plan, reference_price))


def composed(log_rates: Mapping[str, Floats], plan: Plan, reference_price: Floats) -> dict[str, Floats]:
    """The same as arrays by name."""
    rates: dict[str, Floats] = {}
    for stage in plan.stages:
        rates[stage.name] = np.exp(log_rates[stage.name]) * (reference_price if stage.priced else 1.0)
    targets: dict[str, Floats] = {}
    keep = rates.get("keep")
    if plan.to_gmv:
        gross = np.prod([rates[name] for name in plan.to_gmv], axis=0)
        targets["gpm"] = 1000.0 * gross
        if keep is not None:
            targets["net_gpm"] = 1000.0 * gross * keep
        if "cost" in rates:
            targets["roi"] = gross / rates["cost"]
            if keep is not None:
                targets["net_roi"] = gross * keep / rates["cost"]
    for name in plan.to_roi:
        if plan.net_only:
            targets["net_roi"] = rates[name]
        else:
            targets["roi"] = rates[name]
            if keep is not None:
                targets["net_roi"] = rates[name] * keep
    targets[f"later_{plan.volume_of}"] = np.exp(log_rates[VOLUME])
    return {**rates, **{name: targets[name] for name in plan.targets}}


def actual_targets(outcome: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """What the targets turned out to be; NaN where nothing was exposed or a figure or column is missing.

    Returns:
        One column per target of the plan, `later_…` for a whole outcome window where readings cover a part of it.
    """

    def figure(name: str) -> Floats:
        column = f"later:{name}"
        return outcome[column].to_numpy(np.float64) if column in outcome else np.full(len(outcome), np.nan)

    found: dict[str, Floats] = {}
    for target in plan.targets:
        if target.startswith("later_"):
            found[target] = figure(plan.volume_of) / outcome["covered_share"].to_numpy(np.float64)
            continue
        money = figure("settled_net_cny" if target.startswith("net_") else "gmv_cny")
        base = figure("impressions") / 1000.0 if target.endswith("gpm") else figure("spend_cny")
        found[target] = np.divide(money, base, out=np.full_like(base, np.nan), where=base > 0)
    return pd.DataFrame(found)
