"""The implementation of `PredictiveUncertainty`: recalibrated compound distributions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtr

from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.compound import Distribution, columns_of, joined, some
from training.uncertainty.compounds import Chunk, Compound, Compounds, without
from training.uncertainty.decided import share_that_decides
from training.uncertainty.hits_and_evidence import EvidenceSoFar, Hits, RequiredEvidence
from training.uncertainty.interface import Predicted
from training.uncertainty.launches import LaunchPredictions
from training.uncertainty.levels import MOST
from training.uncertainty.recalibration import OTHER, Columns, GroupTables, Recalibration
from training.uncertainty.volume_model import VolumeModel

HIT_MONEY = "hit_money"
"""Name of the distribution of the money that hits are ranked by."""
TAILS = np.linspace(0.0, 0.75, 7)
"""Shares, below the interval, of what it leaves out; the narrowest on the log1p scale is taken. A quarter of it at
least lies above, so that no upper end is an extreme of the distribution."""
DRIFT = 0.05
"""Variance of the log rate between what the counts say and the window after them: what is left in the sample's worlds
`additive` and `shift` where a creative has had 30 orders or more (`benchmarks.decisions`)."""
ROWS_AT_ONCE = 512
"""Rows computed at a time: bounds memory."""


class CompoundUncertainty(BaseModel):
    """Plain data; `PredictiveUncertainty` explains what it answers.

    Attributes:
        funnel: The funnel.
        level: That the intervals are to hold.
        added_levels: Target → promotion type → what is added to it where few rows calibrated
            (`training.uncertainty.levels`); none in bundles that were written before there was any.
        min_volume: Later impressions (spend where there are none) from which on rates are calibrated.
        volume: The distribution of later volume.
        volume_calibration: Of its probabilities.
        compounds: By target, and HIT_MONEY; targets with too few rows are absent.
        hits_model: What a hit is; None with too few of them.
        evidence: What ranks two creatives rightly.
        launches: What creatives were predicted at launch.
        calibration_rows: Target → rows that could calibrate it; also of targets that had too few.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    funnel: Funnel
    level: float
    added_levels: Mapping[str, Mapping[str, float]] = {}
    min_volume: float
    volume: VolumeModel
    volume_calibration: Recalibration
    compounds: Mapping[str, Compound]
    hits_model: Hits | None
    evidence: RequiredEvidence
    launches: LaunchPredictions
    calibration_rows: Mapping[str, int]

    @cached_property
    def arrays(self) -> Compounds:
        """All compounds as arrays, in the order of `names`; made once."""
        return Compounds.of([self.compounds[name] for name in self.names[1:]])

    @cached_property
    def groups(self) -> GroupTables:
        """Tables of the calibrations, in the order of `names`; made once."""
        compounds = (self.compounds[name].calibration for name in self.names[1:])
        return GroupTables.of([self.volume_calibration, *compounds])

    @cached_property
    def interval_levels(self) -> Floats:
        """Lower ends of the intervals of `level` that leave out TAILS, their upper ends, and ½."""
        return _ends(np.array(self.level))

    @cached_property
    def widens(self) -> bool:
        """Whether intervals of any target and promotion type are computed at a higher level."""
        return any(added > 0 for own in self.added_levels.values() for added in own.values())

    def levels_of(self, target: str, promotion_types: Sequence[str]) -> Floats:
        """(rows,) Level at which the intervals of a target are computed."""
        own = self.added_levels.get(target, {})
        added = np.array([own.get(name, own.get(OTHER, 0.0)) for name in promotion_types], dtype=np.float64)
        return np.minimum(self.level + added, max(self.level, MOST))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What has a distribution: later volume, calibrated rates in the funnel's order, HIT_MONEY."""
        rates = (name for name in (*self.funnel.rate_targets, HIT_MONEY) if name in self.compounds)
        return (self.funnel.volume_target, *rates)

    def __copy__(self) -> Self:
        return without(super().__copy__(), "arrays", "groups", "names", "interval_levels", "widens")

    @property
    def targets(self) -> tuple[str, ...]:
        """Rates in the funnel's order, then later volume."""
        return (*(name for name in self.funnel.rate_targets if name in self.compounds), self.funnel.volume_target)

    @property
    def hit_measure(self) -> str:
        """What hits are ranked by; empty where too few were seen."""
        return self.hits_model.measure if self.hits_model else ""

    @property
    def hit_thresholds(self) -> Mapping[str, float]:
        """By promotion type; empty where too few hits were seen."""
        return self.hits_model.threshold if self.hits_model else {}

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


def _ends(level: Floats) -> Floats:
    """(…, ends) Lower ends of the intervals of a level (…,) that leave out TAILS, their upper ends, and ½."""
    below = (1.0 - level)[..., None] * TAILS
    return np.concatenate([below, below + level[..., None], np.full_like(below[..., :1], 0.5)], axis=-1)


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
    def whole(self) -> Chunk:
        """All rows as one chunk."""
        return self._chunk(self.columns, self._cells)

    def _chunk(self, columns: Columns, cells: npt.NDArray[np.int64]) -> Chunk:
        model = self.uncertainty
        return Chunk(columns, *model.volume.mean_and_deviation(columns), model.groups.maps_of(cells))

    @cached_property
    def _cells(self) -> npt.NDArray[np.int64]:
        return self.uncertainty.groups.cells(self.columns)

    @property
    def chunks(self) -> Iterator[tuple[slice, Chunk]]:
        """At most ROWS_AT_ONCE rows each. What is computed of them is kept only where they are all rows."""
        count = len(self.features.reference_price)
        if count <= ROWS_AT_ONCE:
            yield slice(count), self.whole
            return
        for first in range(0, count, ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            yield rows, self._chunk(some(self.columns, rows), self._cells[:, rows])

    def distribution(self, name: str, chunk: Chunk) -> Distribution:
        """Of one of `names` of the model, for the rows of one chunk."""
        model = self.uncertainty
        if len(chunk.mean) == len(self.features.reference_price):
            return self.distributions(chunk).part(model.names.index(name))
        return chunk.volume().part(0) if name == model.names[0] else model.compounds[name].distribution(chunk)

    def some_distributions(self, names: Sequence[str], chunk: Chunk) -> Distribution:
        """(names, rows) Of some of `names` of the model, for the rows of one chunk."""
        if len(chunk.mean) == len(self.features.reference_price):
            return self.distributions(chunk).part([self.uncertainty.names.index(name) for name in names])
        return joined([self.distribution(name, chunk).part(None) for name in names])

    def distributions(self, chunk: Chunk) -> Distribution:
        """(names, rows) Of all `names` of the model, for the rows of one chunk; kept by the chunk."""
        if not chunk.distributions:
            model = self.uncertainty
            own = [model.arrays.distributions(chunk, chunk.maps[1:])] if model.compounds else []
            chunk.distributions.append(joined([chunk.volume(), *own]))
        return chunk.distributions[0]

    @cached_property
    def quantiles(self) -> Floats:
        """(3, targets, rows) Lower end, upper end and median of every target of the funnel, as log1p."""
        model = self.uncertainty
        targets = model.funnel.targets
        found = np.full((3, len(targets), len(self.features.reference_price)), np.nan)
        lines = [targets.index(name) for name in model.names if name != HIT_MONEY]
        levels = model.interval_levels
        if model.widens:
            levels = _ends(np.array([self.levels(name) for name in model.names]))
        for rows, chunk in self.chunks:
            own = levels if levels.ndim == 1 else levels[:, rows]
            quantiles = self.distributions(chunk).log_quantiles(own)[: len(lines)]  # HIT_MONEY comes last
            quantiles[..., 0] = 0.0
            widths = quantiles[..., len(TAILS) : -1] - quantiles[..., : len(TAILS)]
            best = (widths <= widths.min(axis=-1, keepdims=True) * (1.0 + 1e-9)).argmax(axis=-1)
            low = np.arange(best.size).reshape(best.shape) * levels.shape[-1] + best
            found[:, lines, rows] = quantiles.take(low), quantiles.take(low + len(TAILS)), quantiles[..., -1]
        return found

    def levels(self, target: str) -> Floats:
        """(rows,) Level at which the intervals of a target are computed."""
        return self.uncertainty.levels_of(target, self.columns["promotion_type"].tolist())

    @cached_property
    def intervals(self) -> dict[str, Floats]:
        """`<target>_low` and `<target>_high` of every target of the funnel."""
        ends = np.expm1(self.quantiles[:2]).swapaxes(0, 1)
        return {
            f"{name}_{end}": values
            for name, own in zip(self.uncertainty.funnel.targets, ends)
            for end, values in zip(("low", "high"), own)
        }

    def median(self, target: str) -> Floats:
        """(rows,) The median."""
        place = self.uncertainty.funnel.targets.index(target)
        return np.asarray(np.expm1(self.quantiles[2, place]), dtype=np.float64)

    def typical(self, target: str) -> Floats:
        """(rows,) expm1 of the mean of log1p."""
        found = np.full(len(self.features.reference_price), np.nan)
        for rows, chunk in self.chunks if target in self.uncertainty.targets else ():
            found[rows] = np.expm1(self.distribution(target, chunk).mean_log1p())
        return found

    def chance(self, threshold: Floats | float, target: str = "") -> Floats:
        """(rows,) P(target ≥ threshold)."""
        name = target or self.uncertainty.funnel.main_roi
        return self._reached({name: np.asarray(threshold, dtype=np.float64)})[0]

    def hit_chance(self) -> Floats:
        """(rows,) P(hit)."""
        return self._reached(self._hit)[0]

    def chances(self, threshold: Floats | float) -> tuple[Floats, Floats]:
        """(rows,) P(main ROI ≥ threshold) and P(hit)."""
        wanted = {self.uncertainty.funnel.main_roi: np.asarray(threshold, dtype=np.float64)}
        chance, hit_chance = self._reached(wanted | self._hit)
        return chance, hit_chance

    @property
    def _hit(self) -> dict[str, Floats]:
        """What a hit is measured by → (rows,) what it has to reach."""
        model = self.uncertainty
        if model.hits_model is None:
            return {HIT_MONEY: np.asarray(np.nan)}
        name = model.funnel.volume_target if model.hits_model.measure == "volume" else HIT_MONEY
        return {name: model.hits_model.needed(self.columns["promotion_type"])}

    def _reached(self, thresholds: Mapping[str, Floats]) -> Floats:
        """(names, rows) P(at least the threshold) of some of `names`; NaN where either is not known.

        Args:
            thresholds: By name: (rows,) or one for all.
        """
        found = np.full((len(thresholds), len(self.features.reference_price)), np.nan)
        wanted = np.empty_like(found)
        for line, values in zip(wanted, thresholds.values()):
            line[:] = values
        known = [place for place, name in enumerate(thresholds) if name in self.uncertainty.names]
        names = [name for name in thresholds if name in self.uncertainty.names]
        for rows, chunk in self.chunks if names else ():
            values = wanted[known, rows]
            missing = np.isnan(values)
            at_least = (
                1.0 - self.some_distributions(names, chunk).cdf(np.where(missing, 0.0, values)[..., None])[..., 0]
            )
            # A distribution has no atom but at 0, and no mass below 0.
            found[known, rows] = np.where(missing, np.nan, np.where(values <= 0, 1.0, at_least))
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

    def rate_variance(self, target: str) -> Floats:
        """(rows,) Variance of the log rate; its mean is the prediction.

        Never less than the posterior variance and DRIFT: the share of it that fits outcomes best may be smaller, but
        outcomes are mostly the chance of single orders and say little about it.
        """
        compound = self.uncertainty.compounds.get(target)
        if compound is None:
            return np.full(len(self.features.reference_price), np.nan)
        posterior = max(compound.share, 1.0) * self.columns[f"variance:{target}"]
        return np.asarray(posterior + max(compound.extra, DRIFT), dtype=np.float64)

    def rate_chance(self, threshold: Floats, target: str = "") -> Floats:
        """(rows,) P(true rate ≥ threshold), the rate being log-normal."""
        name = target or self.uncertainty.funnel.main_roi
        mean, deviation = self._log_over(threshold, name)
        return np.asarray(ndtr(mean / deviation), dtype=np.float64)

    def spend_until_decided(
        self, threshold: Floats, below: float, above: float, probability: float
    ) -> dict[str, Floats]:
        """`rate_chance`, `decide_events` and `decide_cny`, each (rows,)."""
        name = self.uncertainty.funnel.main_roi
        mean, deviation = self._log_over(threshold, name)
        share = share_that_decides(mean, deviation**2, self.columns[f"variance:{name}"], below, above, probability)
        return {"rate_chance": np.asarray(ndtr(mean / deviation)), **self._evidence.until(share)}

    def _log_over(self, threshold: Floats, name: str) -> tuple[Floats, Floats]:
        """(rows,) each: mean and deviation of the log of the true rate over a threshold."""
        variance = self.rate_variance(name)
        rate = np.asarray(self.predicted[name], dtype=np.float64)
        return np.log(np.maximum(rate, 1e-12) / threshold) - variance / 2.0, np.sqrt(variance)

    def comparable_creatives(self, target: str = "") -> npt.NDArray[np.int64]:
        """(rows,) Creatives that calibrated the narrowest group of each row."""
        model, name = self.uncertainty, target or self.uncertainty.funnel.main_roi
        if name not in model.compounds:
            return np.zeros(len(self.features.reference_price), dtype=np.int64)
        return model.groups.creatives.take(self._cells[model.names.index(name)])

    def required_evidence(self, distinguish_probability: float) -> dict[str, Floats]:
        """`own_events`, `more_events`, `more_cny`, `more_volume`, each (rows,)."""
        return self._evidence.required(distinguish_probability)

    @cached_property
    def _evidence(self) -> EvidenceSoFar:
        return self.uncertainty.evidence.so_far(self.predicted, self.features, self.uncertainty.funnel)

    def place_at_launch(self) -> Floats:
        """(rows,) Share of launch predictions of its promotion type that lie below each row's."""
        name, count = self.uncertainty.funnel.main_roi, len(self.features.reference_price)
        roi = np.asarray(self.predicted[name], dtype=np.float64) if name else np.full(count, np.nan)
        return self.uncertainty.launches.place(roi, self.columns["promotion_type"])
