"""The implementation of `PredictiveUncertainty`: hurdle distributions, recalibrated by group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.calibration import Calibration, apply_maps
from training.uncertainty.covariates import (
    Covariates,
    Logs,
    RateCovariates,
    covariates_of,
    logs_of,
    rate_covariates,
    shared_names,
)
from training.uncertainty.hits_and_evidence import HitModel, RequiredEvidence
from training.uncertainty.hurdle import (
    POINTS,
    Hurdle,
    Mixture,
    RateHurdles,
    nodes_of,
    rate_mixtures,
    volume_mixture,
)
from training.uncertainty.interface import Floats, Predicted

TAILS = 11
"""Candidate splits of what an interval leaves out between below and above it; the narrowest interval is taken."""
RATE_POWER, VOLUME_POWER = 0.75, 0.5
"""Width is measured on the scale of value^power: on the plain scale a lower end above 0 hardly ever pays, on the log
scale upper ends run away. Volume spans more orders of magnitude, and its lower ends matter."""
ROWS_COMPUTED_AT_ONCE = 512
"""Rows computed at a time: bounds memory."""


class CalibratedRate(BaseModel):
    """The predictive distribution of one rate.

    Attributes:
        hurdle: Given the volume over which the rate is counted.
        log_unit: Log of what counts as one event (`training.uncertainty.hurdle.fit_unit`).
        calibration: Of the mixture over volumes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    hurdle: Hurdle
    log_unit: float
    calibration: Calibration


class CalibratedHurdles(BaseModel):
    """Plain data; `PredictiveUncertainty` explains what it answers.

    Attributes:
        funnel: The funnel.
        level: Of the intervals.
        min_volume: Later impressions (spend where there are none) from which on rates are calibrated.
        promotion_types: Of the calibration rows.
        volume: The distribution of later volume.
        volume_calibration: Its calibration.
        rates: By target; targets with too few rows are absent.
        hit: What a hit is, and its chance; None with too few of them.
        evidence: What ranks two creatives rightly.
        calibration_rows: Target → rows that could calibrate it; also of targets that had too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    funnel: Funnel
    level: float
    min_volume: float
    promotion_types: tuple[str, ...]
    volume: Hurdle
    volume_calibration: Calibration
    rates: Mapping[str, CalibratedRate]
    hit: HitModel | None
    evidence: RequiredEvidence
    calibration_rows: Mapping[str, int]

    def __copy__(self) -> "CalibratedHurdles":
        copied = super().__copy__()
        copied.__dict__.pop("all_targets", None)  # computed from what the copy may replace
        return copied

    @property
    def targets(self) -> tuple[str, ...]:
        """Rates in the funnel's order, then later volume."""
        return self.all_targets.targets

    @property
    def hit_measure(self) -> str:
        """What hits are ranked by; empty without a hit model."""
        return self.hit.measure if self.hit else ""

    @property
    def evidence_stage(self) -> str:
        """The stage whose events are counted."""
        return self.evidence.stage

    def hits(self, outcome: pd.DataFrame, promotion_types: pd.Series) -> Floats:
        """(rows,) 1, 0 or NaN."""
        if self.hit is None:
            return np.full(len(outcome), np.nan)
        return self.hit.is_hit(outcome, promotion_types, self.funnel)

    def of(self, predicted: Predicted, features: Features) -> "CalibratedRows":
        """The distributions of these rows."""
        return CalibratedRows(self, predicted, features)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return self.model_dump(mode="json")

    @cached_property
    def all_targets(self) -> "AllTargets":
        """The calibrated targets, packed for evaluation together."""
        names = [name for name in self.funnel.targets if name in self.rates]
        rates = [self.rates[name] for name in names]
        shared = shared_names(self.promotion_types)
        calibrations = [*(rate.calibration for rate in rates), self.volume_calibration]
        maps = [calibration.table.maps for calibration in calibrations]
        return AllTargets(
            targets=(*names, self.funnel.volume_target),
            rates=RateHurdles.of([rate.hurdle for rate in rates], [rate.log_unit for rate in rates], shared),
            calibrations=calibrations,
            maps=np.concatenate(maps),
            first=np.cumsum([0, *(len(one) for one in maps[:-1])]),
        )


@dataclass(frozen=True, eq=False)
class AllTargets:
    """Everything that the distributions of all targets need, packed once.

    Attributes:
        targets: Rates, then later volume.
        rates: Of the rates.
        calibrations: By target.
        maps: (groups of all calibrations, grid) All maps, one calibration below the other.
        first: (targets,) Row of each calibration's first map.
    """

    targets: tuple[str, ...]
    rates: RateHurdles
    calibrations: Sequence[Calibration]
    maps: Floats
    first: npt.NDArray[np.int64]

    def distributions(
        self,
        volume: Hurdle,
        min_volume: float,
        level: float,
        covariates: Covariates,
        of_rates: Sequence[RateCovariates],
    ) -> "TargetDistributions":
        """The distributions of all targets of some rows.

        Args:
            volume: The hurdle of later volume.
            min_volume: Later volume from which on rates are calibrated.
            level: Of the intervals.
            covariates: Of the rows.
            of_rates: By rate: its own covariates.
        """
        mixture = volume_mixture(volume, covariates)
        grouped = [(calibration, calibration.group_of(covariates)) for calibration in self.calibrations]
        places = np.array([calibration.places(group) for calibration, group in grouped]).T + self.first
        levels = np.array([calibration.level_of(level, group) for calibration, group in grouped]).T
        rates = None
        if of_rates:
            nodes = nodes_of(mixture, *grouped[-1], min_volume)
            rates = rate_mixtures(self.rates, nodes, covariates, of_rates)
        return TargetDistributions(self.maps, places, levels, rates, mixture)


@dataclass(frozen=True)
class TargetDistributions:
    """The distributions of all targets of some rows.

    Attributes:
        maps: Of all calibrations.
        places: (rows, targets) Row of the calibration map in `maps`.
        levels: (rows, targets) Level of the interval.
        rates: Of the rates, row by row and within a row rate by rate; None where none is calibrated.
        volume: Of later volume.
    """

    maps: Floats
    places: npt.NDArray[np.int64]
    levels: Floats
    rates: Mixture | None
    volume: Mixture

    def grid(self) -> Floats:
        """(rows, targets, POINTS) Rising values."""
        volume = self.volume.grid()[:, None]
        if self.rates is None:
            return volume
        return np.concatenate([self.rates.grid().reshape(len(volume), -1, POINTS), volume], axis=1)

    def raw_cdf(self, values: Floats) -> Floats:
        """(rows, targets, 1 + values) Uncalibrated P(0), then P(at most each value) of `values` (rows, targets, …)."""
        shape = (*values.shape[:2], values.shape[2] + 1)
        found = np.empty(shape)
        found[:, -1, 0], found[:, -1, 1:] = self.volume.zero_probability, self.volume.cdf(values[:, -1])
        if self.rates is not None:
            of_rates = values[:, :-1].reshape(-1, values.shape[2])
            found[:, :-1, 0] = self.rates.zero_probability.reshape(len(values), -1)
            found[:, :-1, 1:] = self.rates.cdf(of_rates).reshape(len(values), shape[1] - 1, -1)
        return found

    def cdf(self, values: Floats, target: int) -> Floats:
        """Calibrated P(at most each value) of the target at this place, for values (rows, …)."""
        count = self.places.shape[1] - 1
        mixture = self.volume
        if target < count and self.rates is not None:
            mixture = self.rates.every(count, target)
        return apply_maps(self.maps, self.places[:, target], mixture.cdf(values))


@dataclass(frozen=True)
class CalibratedRows:
    """The distributions of some rows; `RowUncertainty` explains its methods.

    Attributes:
        uncertainty: The fitted model.
        predicted: Predictions of the rows.
        features: The rows.
    """

    uncertainty: CalibratedHurdles
    predicted: Predicted
    features: Features

    @cached_property
    def logs(self) -> Logs:
        """Logarithms of the predictions."""
        return logs_of(self.predicted, self.features)

    @cached_property
    def covariates(self) -> Covariates:
        """Of the rows."""
        return covariates_of(self.logs, self.features, self.uncertainty.funnel, self.uncertainty.promotion_types)

    @cached_property
    def chunks(self) -> list[tuple[slice, TargetDistributions]]:
        """The distributions of all rows, ROWS_COMPUTED_AT_ONCE rows at a time."""
        known, count, packed = self.uncertainty, len(self.covariates), self.uncertainty.all_targets
        of_rates = [rate_covariates(self.logs, self.features, known.funnel, name) for name in packed.targets[:-1]]

        def distributions(covariates: Covariates, of_rates: Sequence[RateCovariates]) -> TargetDistributions:
            return packed.distributions(known.volume, known.min_volume, known.level, covariates, of_rates)

        if count <= ROWS_COMPUTED_AT_ONCE:
            return [(slice(count), distributions(self.covariates, of_rates))]
        slices = [slice(first, first + ROWS_COMPUTED_AT_ONCE) for first in range(0, count, ROWS_COMPUTED_AT_ONCE)]
        return [
            (some, distributions(self.covariates.part(some), [one.part(some) for one in of_rates])) for some in slices
        ]

    @cached_property
    def intervals(self) -> dict[str, Floats]:
        """`<target>_low` and `<target>_high` of every target of the funnel."""
        calibrated, targets = self.uncertainty.targets, self.uncertainty.funnel.targets
        powers = np.array([VOLUME_POWER if TARGETS[name].is_volume else RATE_POWER for name in calibrated])
        found = np.full((len(targets), 2, len(self.covariates)), np.nan)
        places = [targets.index(name) for name in calibrated]
        for rows, own in self.chunks:
            values = own.grid()
            count, flat = len(values), values.reshape(-1, POINTS)
            raw = own.raw_cdf(values).reshape(len(flat), -1)
            chances = apply_maps(own.maps, own.places.ravel(), raw)
            power = np.broadcast_to(powers, (count, len(powers))).reshape(-1)
            ends = _narrowest(flat, chances[:, 1:], chances[:, 0], own.levels.ravel(), power)
            found[places, :, rows] = ends.reshape(count, len(powers), 2).transpose(1, 2, 0)
        return {
            f"{target}_{end}": found[place, side]
            for place, target in enumerate(targets)
            for side, end in enumerate(("low", "high"))
        }

    def chance(self, threshold: Floats | float, target: str = "") -> Floats:
        """(rows,) P(target ≥ threshold)."""
        name = target or self.uncertainty.funnel.main_roi
        found = np.full(len(self.covariates), np.nan)
        if name not in self.uncertainty.targets:
            return found
        place = self.uncertainty.targets.index(name)
        wanted = np.broadcast_to(np.asarray(threshold, dtype=np.float64), len(found))
        for rows, own in self.chunks:
            value = wanted[rows]
            # The distribution has no atom but at 0, and no mass below 0.
            reached = 1.0 - own.cdf(np.nan_to_num(np.maximum(value, 0.0))[:, None], place)[:, 0]
            found[rows] = np.where(np.isnan(value), np.nan, np.where(value <= 0, 1.0, reached))
        return found

    def support(self, target: str) -> tuple[float, float]:
        """Least and greatest value of the rows' grids."""
        place = self.uncertainty.targets.index(target)
        grids = [own.grid()[:, place] for _, own in self.chunks]
        return min(float(grid[:, 0].min()) for grid in grids), max(float(grid[:, -1].max()) for grid in grids)

    def cdf(self, values: Floats, target: str) -> Floats:
        """(rows, values) P(target ≤ value)."""
        place = self.uncertainty.targets.index(target)
        parts = [own.cdf(np.broadcast_to(values, (len(own.places), len(values))), place) for _, own in self.chunks]
        return np.concatenate(parts)

    def hit_chance(self) -> Floats:
        """(rows,) P(hit)."""
        if self.uncertainty.hit is None:
            return np.full(len(self.covariates), np.nan)
        return self.uncertainty.hit.chance(self.predicted, self.covariates, self.uncertainty.funnel)

    def comparable_creatives(self, target: str = "") -> npt.NDArray[np.int64]:
        """(rows,) Creatives that calibrated the narrowest group of each row."""
        rate = self.uncertainty.rates.get(target or self.uncertainty.funnel.main_roi)
        if rate is None:
            return np.zeros(len(self.covariates), dtype=np.int64)
        names = (names[-1] for names in rate.calibration.groups.chains(self.covariates))
        return np.array([rate.calibration.creatives.get(name, 0) for name in names], dtype=np.int64)

    def required_evidence(self, distinguish_probability: float) -> dict[str, Floats]:
        """`own_events`, `more_events`, `more_cny`, `more_volume`, each (rows,)."""
        return self.uncertainty.evidence.required(
            self.logs, self.features, self.uncertainty.funnel, distinguish_probability
        )


def _narrowest(values: Floats, chances: Floats, zero: Floats, level: Floats, power: Floats) -> Floats:
    """(rows, 2) Ends of the narrowest interval of each row.

    Args:
        values: (rows, points) Rising.
        chances: (rows, points) P(at most each value).
        zero: (rows,) P(0).
        level: (rows,) What the interval holds.
        power: (rows,) Width is measured on the scale of value^power.
    """
    below = (1.0 - level)[:, None] * np.arange(TAILS) / (TAILS - 1)
    found = _quantiles(values, chances, zero, np.concatenate([below, below + level[:, None]], axis=1))
    found[:, 0] = 0.0
    widths = found ** power[:, None]
    widths = widths[:, TAILS:] - widths[:, :TAILS]
    best = (widths <= widths.min(axis=1)[:, None] * (1.0 + 1e-9)).argmax(axis=1)
    rows = np.arange(len(values))
    return np.stack([found[rows, best], found[rows, best + TAILS]], axis=1)


def _quantiles(values: Floats, chances: Floats, zero: Floats, levels: Floats) -> Floats:
    """(rows, levels) Quantiles at each row's levels, log-linear between the points of the grid."""
    rows = np.arange(len(values))[:, None]
    right = np.array([line.searchsorted(wanted) for line, wanted in zip(chances, levels)]).clip(1, values.shape[1] - 1)
    high, low = chances[rows, right], chances[rows, right - 1]
    share = np.maximum(np.minimum((levels - low) / np.maximum(high - low, 1e-12), 1.0), 0.0)
    left = np.log(values[rows, right - 1])
    found = np.exp(left + share * (np.log(values[rows, right]) - left))
    return np.where(levels <= zero[:, None], 0.0, found)
