"""Between which values an outcome lies, how likely it reaches a target, how likely a creative becomes a hit."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.build import Features
from features.funnel import Plan
from training.calibrate import Calibration, Names
from training.distribution import Hurdle, Mixture, rate_mixture, volume_mixture, volume_nodes
from training.evidence import Evidence
from training.hit import Hit
from training.situation import of_target, situation

Floats = npt.NDArray[np.float64]

TAILS = 11
"""Ways to part what an interval leaves out between below and above; the narrowest is told."""
RATE_POWER, VOLUME_POWER = 0.75, 0.5
"""Narrowest on the scale of value^power: on the plain scale a lower end above 0 is hardly ever worth it, on the log
scale upper ends run away. Volume spans more orders of magnitude, and its lower ends matter."""
CHUNK = 4096
"""Rows at a time: bounds memory."""


class RateSpread(BaseModel):
    """How one rate is spread around its prediction.

    Attributes:
        hurdle: Given the volume it is counted over.
        log_unit: Log of what counts as one event.
        calibration: Of the mixture over volumes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hurdle: Hurdle
    log_unit: float
    calibration: Calibration


class Uncertainty(BaseModel):
    """What is known of how far predictions are off: pure data, calibrated on rows that the model had not seen.

    All that is said of a rate holds for a creative that gets at least `least` of volume in its outcome window; what is
    said of volume and of hits holds for all.

    Attributes:
        plan: The funnel.
        level: Of the intervals.
        least: Later impressions (spend, where there are none).
        kinds: Promotion types that taught.
        volume: How later volume is spread.
        volume_calibration: Its calibration.
        rates: By target; a target with too few rows is not there, and nothing is said of it.
        hit: What makes a hit; None with too few of them.
        evidence: What tells creatives apart.
        rows: Target → rows that calibrated it, those that were too few too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan: Plan
    level: float
    least: float
    kinds: tuple[str, ...]
    volume: Hurdle
    volume_calibration: Calibration
    rates: Mapping[str, RateSpread]
    hit: Hit | None
    evidence: Evidence
    rows: Mapping[str, int]

    def bounds(self, predicted: pd.DataFrame, features: Features) -> pd.DataFrame:
        """Ends of the interval of every target, in row order: `<target>_low`, `<target>_high`; NaN where none is told.

        The narrowest interval that holds `level`: it starts at 0 where nothing at all is likely, and then leaves out
        only what lies above.
        """
        table = {}
        for target in self.plan.targets:
            power = VOLUME_POWER if target.startswith("later_") else RATE_POWER
            ends = []
            for part, calibration, group in self._chunks(predicted, features, target):
                values = part.grid()
                calibrated = calibration(part.below(values), group)
                nothing = calibration(part.below(np.zeros(len(values))), group)
                ends.append(_narrowest(values, calibrated, nothing, calibration.level_of(self.level, group), power))
            unknown = np.full((len(predicted), 2), np.nan)
            found = np.concatenate(ends) if ends else unknown
            table[f"{target}_low"], table[f"{target}_high"] = found[:, 0], found[:, 1]
        return pd.DataFrame(table)

    def chance(self, predicted: pd.DataFrame, features: Features, asked: Floats | float, target: str = "") -> Floats:
        """Chance of each row that a target turns out at `asked` or more; NaN where it is not told.

        Args:
            predicted: Of the model.
            features: The rows.
            asked: For all rows, or of each; NaN gives NaN.
            target: `roi_target` of the plan if not named.
        """
        wanted = np.broadcast_to(np.asarray(asked, dtype=np.float64), len(predicted))
        found, first = [], 0
        for part, calibration, group in self._chunks(predicted, features, target or roi_target(self.plan)):
            value = wanted[first : first + len(group)]
            first += len(group)
            # The distribution has no lumps but at 0, and everything is 0 or more.
            reached = 1.0 - calibration(part.below(np.nan_to_num(np.maximum(value, 0.0))), group)
            found.append(np.where(np.isnan(value), np.nan, np.where(value <= 0, 1.0, reached)))
        return np.concatenate(found) if found else np.full(len(predicted), np.nan)

    def hit_chance(self, predicted: pd.DataFrame, features: Features) -> Floats:
        """Chance of each row that the creative is a hit in its outcome window; NaN where it is not told."""
        if self.hit is None:
            return np.full(len(predicted), np.nan)
        return self.hit.chance(predicted, situation(predicted, features, self.plan, self.kinds), self.plan)

    def needed(self, predicted: pd.DataFrame, features: Features, told_apart: float) -> pd.DataFrame:
        """What is missing until creatives like each row's are told apart (`Evidence.needed`)."""
        return self.evidence.needed(predicted, features, self.plan, told_apart)

    def creatives_like(self, predicted: pd.DataFrame, features: Features, target: str = "") -> npt.NDArray[np.int64]:
        """Creatives whose outcomes calibrated the group of each row; 0 where the target is not calibrated."""
        rate = self.rates.get(target or roi_target(self.plan))
        if rate is None:
            return np.zeros(len(predicted), dtype=np.int64)
        rows = situation(predicted, features, self.plan, self.kinds)
        names = rate.calibration.groups.names(rows)[-1]
        return np.array([rate.calibration.creatives.get(name, 0) for name in names], dtype=np.int64)

    def _chunks(
        self, predicted: pd.DataFrame, features: Features, target: str
    ) -> Iterator[tuple[Mixture, Calibration, Names]]:
        """The distribution of a target, its calibration and the groups of some rows, in row order."""
        plan = self.plan
        volume = f"later_{plan.volume_of}"
        if target != volume and target not in self.rates:
            return
        rows = situation(predicted, features, plan, self.kinds)
        if target != volume:
            rows = of_target(rows, predicted, features, plan, target)
        for first in range(0, len(rows), CHUNK):
            part = rows.iloc[first : first + CHUNK]
            if target == volume:
                yield volume_mixture(self.volume, part), self.volume_calibration, self.volume_calibration.group_of(part)
            else:
                rate = self.rates[target]
                nodes = volume_nodes(self.volume, self.volume_calibration, part, self.least)
                mixture = rate_mixture(rate.hurdle, rate.log_unit, nodes, part)
                yield mixture, rate.calibration, rate.calibration.group_of(part)


def roi_target(plan: Plan) -> str:
    """The rate that verdicts ask about: net ROI, ROI where that is not known; empty where there is neither."""
    return next((name for name in ("net_roi", "roi") if name in plan.targets), "")


def _narrowest(values: Floats, calibrated: Floats, nothing: Floats, level: Floats, power: float) -> Floats:
    """Both ends for each row, from a distribution on rising values."""
    best = np.full(len(values), np.inf)
    ends = np.zeros((len(values), 2))
    for place in range(TAILS):
        below = (1.0 - level) * place / (TAILS - 1)
        low = _quantile(values, calibrated, nothing, below) if place else np.zeros(len(values))
        high = _quantile(values, calibrated, nothing, below + level)
        width = high**power - low**power
        better = width < best * (1.0 - 1e-9)
        best = np.where(better, width, best)
        ends = np.where(better[:, None], np.column_stack([low, high]), ends)
    return ends


def _quantile(values: Floats, calibrated: Floats, nothing: Floats, level: Floats) -> Floats:
    right = np.clip((calibrated < level[:, None]).sum(axis=1), 1, values.shape[1] - 1)[:, None]
    high, low = np.take_along_axis(calibrated, right, 1), np.take_along_axis(calibrated, right - 1, 1)
    share = np.clip((level[:, None] - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)
    left = np.log(np.take_along_axis(values, right - 1, 1))
    found = np.exp(left + share * (np.log(np.take_along_axis(values, right, 1)) - left))[:, 0]
    return np.where(level <= nothing, 0.0, found)
