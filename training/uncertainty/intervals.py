"""Between which values an outcome lies, how likely it reaches a target, how likely a creative becomes a hit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.all_targets import SideBySide, Told, side_by_side
from training.uncertainty.calibration import Calibration, through
from training.uncertainty.covariates import Concern, Logs, Predicted, Situation, concern, logs_of, look, shared_of
from training.uncertainty.hit import Hit
from training.uncertainty.hurdle import Hurdle, Spreads
from training.uncertainty.mixture import POINTS
from training.uncertainty.required_events import Evidence

Floats = npt.NDArray[np.float64]

TAILS = 11
"""Ways to part what an interval leaves out between below and above; the narrowest is told."""
RATE_POWER, VOLUME_POWER = 0.75, 0.5
"""Narrowest on the scale of value^power: on the plain scale a lower end above 0 is hardly ever worth it, on the log
scale upper ends run away. Volume spans more orders of magnitude, and its lower ends matter."""
CHUNK = 512
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
        funnel: The funnel.
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

    funnel: Funnel
    level: float
    least: float
    kinds: tuple[str, ...]
    volume: Hurdle
    volume_calibration: Calibration
    rates: Mapping[str, RateSpread]
    hit: Hit | None
    evidence: Evidence
    rows: Mapping[str, int]

    def __copy__(self) -> "Uncertainty":
        copied = super().__copy__()
        copied.__dict__.pop("ready", None)  # made of what the copy may replace
        return copied

    def bounds(self, predicted: Predicted, features: Features) -> pd.DataFrame:
        """Ends of the interval of every target, in row order: `<target>_low`, `<target>_high`; NaN where none is told.

        The narrowest interval that holds `level`: it starts at 0 where nothing at all is likely, and then leaves out
        only what lies above.
        """
        return pd.DataFrame(self.outlook(predicted, features).ends)

    def chance(self, predicted: Predicted, features: Features, asked: Floats | float, target: str = "") -> Floats:
        """Chance of each row that a target turns out at `asked` or more; NaN where it is not told.

        Args:
            predicted: Of the model.
            features: The rows.
            asked: For all rows, or of each; NaN gives NaN.
            target: `roi_target` of the funnel if not named.
        """
        return self.outlook(predicted, features).chance(asked, target)

    def hit_chance(self, predicted: Predicted, features: Features) -> Floats:
        """Chance of each row that the creative is a hit in its outcome window; NaN where it is not told."""
        return self.outlook(predicted, features).hit_chance()

    def needed(self, predicted: Predicted, features: Features, distinguish_probability: float) -> pd.DataFrame:
        """What is missing until creatives like each row's are told apart (`Evidence.needed`)."""
        return self.evidence.needed(predicted, features, self.funnel, distinguish_probability)

    def creatives_like(self, predicted: Predicted, features: Features, target: str = "") -> npt.NDArray[np.int64]:
        """Creatives whose outcomes calibrated the group of each row; 0 where the target is not calibrated."""
        return self.outlook(predicted, features).creatives_like(target)

    def outlook(self, predicted: Predicted, features: Features) -> "Outlook":
        """All that can be asked about these rows; what several questions need is computed once."""
        return Outlook(self, predicted, features)

    @cached_property
    def ready(self) -> SideBySide:
        """The calibrated targets side by side."""
        names = [name for name in self.funnel.targets if name in self.rates]
        rates = [self.rates[name] for name in names]
        return side_by_side(
            (*names, self.funnel.volume_target),
            Spreads.of([rate.hurdle for rate in rates], [rate.log_unit for rate in rates], shared_of(self.kinds)),
            [*(rate.calibration for rate in rates), self.volume_calibration],
        )


@dataclass(frozen=True)
class Outlook:
    """What can be asked about some rows; what several questions need is computed once.

    Attributes:
        uncertainty: What is known of how far predictions are off.
        predicted: Of the model.
        features: The rows.
    """

    uncertainty: Uncertainty
    predicted: Predicted
    features: Features

    @cached_property
    def logs(self) -> Logs:
        """Logarithms of what was predicted."""
        return logs_of(self.predicted, self.features)

    @cached_property
    def rows(self) -> Situation:
        """What spreads depend on."""
        return look(self.logs, self.features, self.uncertainty.funnel, self.uncertainty.kinds)

    @cached_property
    def told(self) -> list[tuple[slice, Told]]:
        """The distributions of all rows, some rows at a time."""
        known, count = self.uncertainty, len(self.rows)
        concerns = [concern(self.logs, self.features, known.funnel, name) for name in known.ready.targets[:-1]]

        def told(rows: Situation, concerns: Sequence[Concern]) -> Told:
            return known.ready.told(known.volume, known.least, known.level, rows, concerns)

        if count <= CHUNK:
            return [(slice(count), told(self.rows, concerns))]
        slices = [slice(first, first + CHUNK) for first in range(0, count, CHUNK)]
        return [(some, told(self.rows.part(some), [one.part(some) for one in concerns])) for some in slices]

    @cached_property
    def ends(self) -> dict[str, Floats]:
        """Of every target `<target>_low` and `<target>_high`, as `Uncertainty.bounds` tells them."""
        ready, targets = self.uncertainty.ready, self.uncertainty.funnel.targets
        powers = np.array([VOLUME_POWER if TARGETS[name].is_volume else RATE_POWER for name in ready.targets])
        found = np.full((len(targets), 2, len(self.rows)), np.nan)
        places = [targets.index(name) for name in ready.targets]
        for rows, told in self.told:
            values = told.grid()
            count, flat = len(values), values.reshape(-1, POINTS)
            stated = told.stated(values).reshape(len(flat), -1)
            chances = through(told.maps, told.places.ravel(), stated)
            power = np.broadcast_to(powers, (count, len(powers))).reshape(-1)
            ends = _narrowest(flat, chances[:, 1:], chances[:, 0], told.levels.ravel(), power)
            found[places, :, rows] = ends.reshape(count, len(powers), 2).transpose(1, 2, 0)
        return {
            f"{target}_{end}": found[place, side]
            for place, target in enumerate(targets)
            for side, end in enumerate(("low", "high"))
        }

    def chance(self, asked: Floats | float, target: str = "") -> Floats:
        """As of `Uncertainty`."""
        name = target or self.uncertainty.funnel.main_roi
        found = np.full(len(self.rows), np.nan)
        if name not in self.uncertainty.ready.targets:
            return found
        place = self.uncertainty.ready.targets.index(name)
        wanted = np.broadcast_to(np.asarray(asked, dtype=np.float64), len(found))
        for rows, told in self.told:
            value = wanted[rows]
            # The distribution has no lumps but at 0, and everything is 0 or more.
            reached = 1.0 - told.below(np.nan_to_num(np.maximum(value, 0.0))[:, None], place)[:, 0]
            found[rows] = np.where(np.isnan(value), np.nan, np.where(value <= 0, 1.0, reached))
        return found

    def reach(self, target: str) -> tuple[float, float]:
        """Values between which all but a sliver of what is above 0 lies, for all rows, of a calibrated target."""
        place = self.uncertainty.ready.targets.index(target)
        ends = [told.grid()[:, place] for _, told in self.told]
        return min(float(grid[:, 0].min()) for grid in ends), max(float(grid[:, -1].max()) for grid in ends)

    def below(self, values: Floats, target: str) -> Floats:
        """Chance of each row that a calibrated target turns out at most at each of these values, 0 or more."""
        place = self.uncertainty.ready.targets.index(target)
        parts = [told.below(np.broadcast_to(values, (len(told.places), len(values))), place) for _, told in self.told]
        return np.concatenate(parts)

    def hit_chance(self) -> Floats:
        """As of `Uncertainty`."""
        if self.uncertainty.hit is None:
            return np.full(len(self.rows), np.nan)
        return self.uncertainty.hit.chance(self.predicted, self.rows, self.uncertainty.funnel)

    def creatives_like(self, target: str = "") -> npt.NDArray[np.int64]:
        """As of `Uncertainty`."""
        rate = self.uncertainty.rates.get(target or self.uncertainty.funnel.main_roi)
        if rate is None:
            return np.zeros(len(self.rows), dtype=np.int64)
        names = (names[-1] for names in rate.calibration.groups.chains(self.rows))
        return np.array([rate.calibration.creatives.get(name, 0) for name in names], dtype=np.int64)


def _narrowest(values: Floats, chances: Floats, nothing: Floats, level: Floats, power: Floats) -> Floats:
    """Both ends for each row, from a distribution on rising values.

    Args:
        values: Rising, a row a row.
        chances: Of at most each of them.
        nothing: Chance of nothing at all.
        level: What each row's interval holds.
        power: Of the scale on which each row's interval is the narrowest.
    """
    below = (1.0 - level)[:, None] * np.arange(TAILS) / (TAILS - 1)
    found = _quantiles(values, chances, nothing, np.concatenate([below, below + level[:, None]], axis=1))
    found[:, 0] = 0.0
    widths = found ** power[:, None]
    widths = widths[:, TAILS:] - widths[:, :TAILS]
    best = (widths <= widths.min(axis=1)[:, None] * (1.0 + 1e-9)).argmax(axis=1)
    rows = np.arange(len(values))
    return np.stack([found[rows, best], found[rows, best + TAILS]], axis=1)


def _quantiles(values: Floats, chances: Floats, nothing: Floats, levels: Floats) -> Floats:
    """Values at each row's levels."""
    rows = np.arange(len(values))[:, None]
    right = np.array([line.searchsorted(asked) for line, asked in zip(chances, levels)]).clip(1, values.shape[1] - 1)
    high, low = chances[rows, right], chances[rows, right - 1]
    share = np.maximum(np.minimum((levels - low) / np.maximum(high - low, 1e-12), 1.0), 0.0)
    left = np.log(values[rows, right - 1])
    found = np.exp(left + share * (np.log(values[rows, right]) - left))
    return np.where(levels <= nothing[:, None], 0.0, found)
