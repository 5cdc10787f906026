"""The implementation of `PredictiveUncertainty`: recalibrated compound distributions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.compound import (
    Distribution,
    VolumeModel,
    columns_of,
    compound_distribution,
    some,
    volume_distribution,
    volumes_of_at_least,
)
from training.uncertainty.hits_and_evidence import Hits, RequiredEvidence
from training.uncertainty.interface import Floats, Predicted
from training.uncertainty.recalibration import Columns, Recalibration

HIT_MONEY = "hit_money"
"""Name of the distribution of the money that hits are ranked by."""
TAILS = np.linspace(0.0, 0.75, 7)
"""Shares, below the interval, of what it leaves out; the narrowest on the log1p scale is taken. A quarter of it at
least lies above, so that no upper end is an extreme of the distribution."""
ROWS_AT_ONCE = 512
"""Rows computed at a time: bounds memory."""


class Compound(BaseModel):
    """The distribution of a rate over a volume of at least `least_volume`, or of money over any volume.

    Attributes:
        rate: The rate target whose prediction gives the money per unit of volume.
        least_volume: Later volume that is given; 0: it is money over any volume, and no volume is no money.
        share: Of the posterior variance of the log rate that counts.
        extra: Variance of the log rate beyond it.
        log_unit: Log of the money that counts as one order where orders are not counted.
        calibration: Of the probabilities.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: str
    least_volume: float
    share: float
    extra: float
    log_unit: float
    calibration: Recalibration

    def distribution(self, chunk: "Chunk") -> Distribution:
        """Of some rows."""
        reached, log_volume = chunk.at_least(self.least_volume)
        is_money, columns = self.least_volume == 0, chunk.columns
        log_money = columns[f"per_volume:{self.rate}"][:, None] + log_volume
        return compound_distribution(
            log_mean=log_money if is_money else columns[f"rate:{self.rate}"][:, None],
            log_events=log_money - columns["log_value"][:, None] - self.log_unit,
            variance=self.share * columns[f"variance:{self.rate}"] + self.extra,
            reached=reached if is_money else np.ones(len(reached)),
            maps=self.calibration.maps_of(columns),
        )


class CompoundUncertainty(BaseModel):
    """Plain data; `PredictiveUncertainty` explains what it answers.

    Attributes:
        funnel: The funnel.
        level: Of the intervals.
        min_volume: Later impressions (spend where there are none) from which on rates are calibrated.
        volume: The distribution of later volume.
        volume_calibration: Of its probabilities.
        compounds: By target, and HIT_MONEY; targets with too few rows are absent.
        hits_model: What a hit is; None with too few of them.
        evidence: What ranks two creatives rightly.
        calibration_rows: Target → rows that could calibrate it; also of targets that had too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    funnel: Funnel
    level: float
    min_volume: float
    volume: VolumeModel
    volume_calibration: Recalibration
    compounds: Mapping[str, Compound]
    hits_model: Hits | None
    evidence: RequiredEvidence
    calibration_rows: Mapping[str, int]

    @property
    def targets(self) -> tuple[str, ...]:
        """Rates in the funnel's order, then later volume."""
        return (*(name for name in self.funnel.rate_targets if name in self.compounds), self.funnel.volume_target)

    @property
    def hit_measure(self) -> str:
        """What hits are ranked by; empty where too few were seen."""
        return self.hits_model.measure if self.hits_model else ""

    @property
    def evidence_stage(self) -> str:
        """The stage whose events are counted."""
        return self.evidence.stage

    def hits(self, outcome: pd.DataFrame, promotion_types: pd.Series) -> Floats:
        """(rows,) 1, 0 or NaN."""
        if self.hits_model is None:
            return np.full(len(outcome), np.nan)
        return self.hits_model.is_hit(outcome, promotion_types, self.funnel)

    def of(self, predicted: Predicted, features: Features) -> "CompoundRows":
        """The distributions of these rows."""
        return CompoundRows(self, predicted, features)

    def document(self) -> dict[str, object]:
        """As JSON."""
        return self.model_dump(mode="json")


@dataclass(frozen=True)
class CompoundRows:
    """The distributions of some rows; `RowUncertainty` explains its methods.

    Attributes:
        uncertainty: The fitted model.
        predicted: Predictions of the rows.
        features: The rows.
    """

    uncertainty: CompoundUncertainty
    predicted: Predicted
    features: Features

    @cached_property
    def columns(self) -> Columns:
        """What the distributions are computed from."""
        return columns_of(self.predicted, self.features, self.uncertainty.funnel)

    @cached_property
    def whole(self) -> "Chunk":
        """All rows as one chunk."""
        return Chunk.of(self.columns, self.uncertainty.volume, self.uncertainty.volume_calibration)

    @property
    def chunks(self) -> Iterator[tuple[slice, "Chunk"]]:
        """At most ROWS_AT_ONCE rows each. What is computed of them is kept only where they are all rows."""
        count, model = len(self.features.reference_price), self.uncertainty
        if count <= ROWS_AT_ONCE:
            yield slice(count), self.whole
            return
        for first in range(0, count, ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            yield rows, Chunk.of(some(self.columns, rows), model.volume, model.volume_calibration)

    def distribution(self, name: str, chunk: "Chunk") -> Distribution:
        """Of a target, or of HIT_MONEY, for the rows of one chunk."""
        if name not in chunk.distributions:
            compound = self.uncertainty.compounds.get(name)
            chunk.distributions[name] = chunk.volume() if compound is None else compound.distribution(chunk)
        return chunk.distributions[name]

    @cached_property
    def summaries(self) -> dict[str, Floats]:
        """Target → (4, rows): lower end, upper end, median and typical value, as log1p."""
        level, count = self.uncertainty.level, len(self.features.reference_price)
        below = (1.0 - level) * TAILS
        levels = np.concatenate([below, below + level, [0.5]])
        found = {name: np.full((4, count), np.nan) for name in self.uncertainty.funnel.targets}
        for rows, chunk in self.chunks:
            for name in self.uncertainty.targets:
                own = self.distribution(name, chunk)
                quantiles = own.log_quantiles(levels)
                quantiles[:, 0] = 0.0
                low, high = quantiles[:, : len(TAILS)], quantiles[:, len(TAILS) : -1]
                widths = high - low
                best = (widths <= widths.min(axis=1)[:, None] * (1.0 + 1e-9)).argmax(axis=1)
                row = np.arange(len(best))
                found[name][:, rows] = low[row, best], high[row, best], quantiles[:, -1], own.mean_log1p()
        return found

    @cached_property
    def intervals(self) -> dict[str, Floats]:
        """`<target>_low` and `<target>_high` of every target of the funnel."""
        return {
            f"{name}_{end}": np.expm1(summary[side])
            for name, summary in self.summaries.items()
            for side, end in enumerate(("low", "high"))
        }

    def median(self, target: str) -> Floats:
        """(rows,) The median."""
        return np.asarray(np.expm1(self.summaries[target][2]), dtype=np.float64)

    def typical(self, target: str) -> Floats:
        """(rows,) expm1 of the mean of log1p."""
        return np.asarray(np.expm1(self.summaries[target][3]), dtype=np.float64)

    def chance(self, threshold: Floats | float, target: str = "") -> Floats:
        """(rows,) P(target ≥ threshold)."""
        name = target or self.uncertainty.funnel.main_roi
        found = np.full(len(self.features.reference_price), np.nan)
        if name not in self.uncertainty.targets:
            return found
        wanted = np.broadcast_to(np.asarray(threshold, dtype=np.float64), len(found))
        for rows, chunk in self.chunks:
            value = wanted[rows]
            reached = 1.0 - self.distribution(name, chunk).cdf(np.nan_to_num(value)[:, None])[:, 0]
            # The distribution has no atom but at 0, and no mass below 0.
            found[rows] = np.where(np.isnan(value), np.nan, np.where(value <= 0, 1.0, reached))
        return found

    def cdf(self, values: Floats, target: str) -> Floats:
        """(rows, values) P(target ≤ value)."""
        parts = []
        for _, chunk in self.chunks:
            shape = (len(chunk.mean), len(values))
            parts.append(self.distribution(target, chunk).cdf(np.broadcast_to(values, shape)))
        return np.concatenate(parts)

    def support(self, target: str) -> tuple[float, float]:
        """From the least third point of a row (two in a hundred lie below) to the greatest end of a curve."""
        curves = [self.distribution(target, chunk).curve[0] for _, chunk in self.chunks]
        low, high = min(own[:, 3].min() for own in curves), max(own[:, -1].max() for own in curves)
        return float(np.exp(low)), float(np.exp(high))

    def hit_chance(self) -> Floats:
        """(rows,) P(hit)."""
        found, model = np.full(len(self.features.reference_price), np.nan), self.uncertainty
        if model.hits_model is None:
            return found
        name = model.funnel.volume_target if model.hits_model.measure == "volume" else HIT_MONEY
        for rows, chunk in self.chunks:
            needed = model.hits_model.needed(chunk.columns["promotion_type"])
            reached = 1.0 - self.distribution(name, chunk).cdf(np.nan_to_num(needed)[:, None])[:, 0]
            found[rows] = np.where(np.isnan(needed), np.nan, reached)
        return found

    def comparable_creatives(self, target: str = "") -> npt.NDArray[np.int64]:
        """(rows,) Creatives that calibrated the narrowest group of each row."""
        compound = self.uncertainty.compounds.get(target or self.uncertainty.funnel.main_roi)
        if compound is None:
            return np.zeros(len(self.features.reference_price), dtype=np.int64)
        return compound.calibration.creatives_like(self.columns)

    def required_evidence(self, distinguish_probability: float) -> dict[str, Floats]:
        """`own_events`, `more_events`, `more_cny`, `more_volume`, each (rows,)."""
        return self.uncertainty.evidence.required(
            self.predicted, self.features, self.uncertainty.funnel, distinguish_probability
        )


@dataclass(frozen=True)
class Chunk:
    """Some rows and their later volume.

    Attributes:
        columns: Of the rows.
        mean: (rows,) Of log1p of later volume.
        deviation: (rows,) Its standard deviation.
        maps: (rows, …) Calibration of its probabilities.
        volumes: Least volume → `volumes_of_at_least`, as far as asked for.
        distributions: By name, as far as asked for.
    """

    columns: Columns
    mean: Floats
    deviation: Floats
    maps: Floats
    volumes: dict[float, tuple[Floats, Floats]] = field(default_factory=dict)
    distributions: dict[str, Distribution] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Columns, model: VolumeModel, calibration: Recalibration) -> "Chunk":
        return cls(columns, *model.mean_and_deviation(columns), calibration.maps_of(columns))

    def volume(self) -> Distribution:
        """Of later volume."""
        return volume_distribution(self.mean, self.deviation, self.maps)

    def at_least(self, least: float) -> tuple[Floats, Floats]:
        """`volumes_of_at_least`."""
        if least not in self.volumes:
            self.volumes[least] = volumes_of_at_least(self.mean, self.deviation, self.maps, least)
        return self.volumes[least]
