"""Hurdle distributions of later volume, and of later rates over a volume that is itself uncertain.

A hurdle distribution is 0 with some probability and log-normal around a corrected prediction otherwise. The spread of a
rate depends on the exposure over which it will be counted, so its distribution is a mixture over quantiles of later
volume. Everything is a closed form on a fixed grid, without random draws: a row alone gives what it gives in a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtr, ndtri

from training.uncertainty.calibration import Calibration, Names
from training.uncertainty.covariates import Covariates, RateCovariates, column, shared_columns
from training.uncertainty.interface import Floats
from training.uncertainty.regressions import (
    Columns,
    CrossFitParts,
    LinearPredictors,
    Regression,
    cross_fit,
    pack,
    probability,
)

POINTS = 161
"""Of the grid of values on which a distribution is evaluated."""
GRID_DEVIATIONS = 5.0
"""Standard deviations of the log around the centre that the grid covers."""
GRID_SHARES = np.arange(POINTS) / (POINTS - 1.0)
NODES = 9
"""Quantiles of later volume that stand for its distribution."""
MIDDLES = (np.arange(NODES) + 0.5) / NODES
"""Levels of these quantiles: the middles of NODES parts of equal probability."""
DEVIATION = float(np.sqrt(np.pi / 2.0))
"""Standard deviation of a normal variable whose mean absolute deviation is 1."""
LEAST_DEVIATION = 0.02
LEAST_NONZERO = 20
"""Rows above 0 below which shift and spread do not depend on covariates."""


@dataclass(frozen=True)
class Mixture:
    """Equal-weight mixtures of hurdle distributions; all arrays are (rows, components).

    Attributes:
        zero: P(0) of each component.
        centre: Mean of the log, given a value above 0.
        deviation: Standard deviation of the log.
    """

    zero: Floats
    centre: Floats
    deviation: Floats

    @property
    def zero_probability(self) -> Floats:
        """(rows,) P(0) of the mixture."""
        return np.asarray(self.zero.sum(axis=-1) / self.zero.shape[1])

    def every(self, step: int, first: int) -> "Mixture":
        """Every `step`-th row from `first` on."""
        return Mixture(*(part[first::step] for part in (self.zero, self.centre, self.deviation)))

    def cdf(self, value: Floats) -> Floats:
        """P(at most `value`), non-negative: (rows,) or (rows, values); returns the same shape."""
        some = value > 0
        log = np.log(np.where(some, value, 1.0))
        shape = (len(value), *[1] * (value.ndim - 1), -1)
        zero, centre, deviation = (part.reshape(shape) for part in (self.zero, self.centre, self.deviation))
        body = ndtr((log[..., None] - centre) / deviation)
        body *= some[..., None]
        # A row's components are contiguous: their sum has the same last bit for one row as for many.
        return (zero + (1.0 - zero) * body).sum(axis=-1) / self.zero.shape[1]

    def grid(self) -> Floats:
        """(rows, POINTS) Rising values of each row that cover nearly all of the distribution above 0."""
        low = (self.centre - GRID_DEVIATIONS * self.deviation).min(axis=1)[:, None]
        high = (self.centre + GRID_DEVIATIONS * self.deviation).max(axis=1)[:, None]
        return np.exp(low + (high - low) * GRID_SHARES)


@dataclass(frozen=True, eq=False)
class PackedHurdle:
    """The linear predictors of a hurdle, evaluated together.

    Attributes:
        names: Columns of the table that `predictors` takes.
        predictors: Of nonzero, shift and spread: regressions of shape (3, 1).
    """

    names: tuple[str, ...]
    predictors: LinearPredictors


class Hurdle(BaseModel):
    """Regressions that give the parameters of a hurdle distribution.

    Attributes:
        nonzero: Logit of P(above 0).
        shift: Mean error of the log prediction, given a value above 0.
        spread: Log of the mean absolute deviation from the shifted prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nonzero: Regression
    shift: Regression
    spread: Regression

    @property
    def regressions(self) -> tuple[Regression, Regression, Regression]:
        """Nonzero, shift, spread."""
        return self.nonzero, self.shift, self.spread

    @cached_property
    def packed(self) -> PackedHurdle:
        """Their linear predictors over the union of their columns."""
        names = tuple(dict.fromkeys(name for one in self.regressions for name in one.weights))
        return PackedHurdle(names, pack(self.regressions, names, (3, 1)))

    def corrections(self, table: pd.DataFrame | Covariates) -> Floats:
        """(3, rows) What trees add to each regression."""
        return np.array([one.correction(table) for one in self.regressions])

    def parameters(self, columns: Columns, log_predicted: Floats, corrections: Floats) -> tuple[Floats, Floats, Floats]:
        """P(0), centre and deviation of the log, each (rows,)."""
        table = np.empty((*log_predicted.shape, len(self.packed.names)))
        for place, name in enumerate(self.packed.names):
            table[..., place] = columns[name]
        return hurdle_parameters(self.packed.predictors(table) + corrections, log_predicted)


def hurdle_parameters(raw: Floats, log_predicted: Floats) -> tuple[Floats, Floats, Floats]:
    """P(0), centre and deviation of the log from the raw regressions; axis 0 of `raw`: nonzero, shift, spread."""
    nonzero, shift, spread = raw
    return probability(-nonzero), log_predicted + shift, np.maximum(DEVIATION * np.exp(spread), LEAST_DEVIATION)


@dataclass(frozen=True)
class CrossFittedHurdle:
    """A hurdle fitted on all rows, and one without each part of the creatives."""

    whole: Hurdle
    without: tuple[Hurdle, ...]


def fit_hurdle(
    columns: Columns, table: pd.DataFrame, log_predicted: Floats, actual: Floats, parts: CrossFitParts
) -> CrossFittedHurdle:
    """Fit the three regressions, cross-fitted over parts of the creatives.

    Args:
        columns: Covariates of the linear predictors, each (rows,).
        table: Covariates of their trees, rows × columns.
        log_predicted: (rows,) Log of the prediction.
        actual: (rows,) Outcome, 0 or more.
        parts: Of the rows.
    """
    some = actual > 0
    nonzero = cross_fit("logistic", columns, table, some.astype(np.float64), parts)
    given = {name: values[some] for name, values in columns.items()} if some.sum() >= LEAST_NONZERO else {}
    inside, own_parts = table[some], parts.of(some)
    error = np.log(actual[some]) - log_predicted[some]
    shift = cross_fit("squared", given, inside, error, own_parts)
    spread = cross_fit("gamma", given, inside, error - shift.out_of_part, own_parts)
    without = [Hurdle(nonzero=a, shift=b, spread=c) for a, b, c in zip(nonzero.without, shift.without, spread.without)]
    return CrossFittedHurdle(Hurdle(nonzero=nonzero.whole, shift=shift.whole, spread=spread.whole), tuple(without))


def volume_columns(covariates: pd.DataFrame | Covariates) -> dict[str, Floats]:
    """Covariates of the spread of later volume, each (rows,)."""
    log_volume = column(covariates, "log_volume")
    names = [name for name in map(str, covariates) if name.startswith(("is_", "age_", "about_"))]
    columns = {name: column(covariates, name) for name in names}
    for name in [name for name in columns if name.startswith("age_")]:
        columns[f"{name}:log_volume"] = columns[name] * log_volume
    return columns | {"log_volume": log_volume, "log_volume²": log_volume**2}


RATE_COLUMNS = ("log_events", "log_events²", "at_least_one", "volume_deviation", "log_variance", "own_events")
"""Covariates of the spread of a rate, besides age steps and promotion types."""


def rate_columns(covariates: pd.DataFrame, log_volume: Floats, log_unit: float) -> dict[str, Floats]:
    """Covariates of the spread of a rate, given the later volume.

    Args:
        covariates: With the columns of the rate (`with_rate_covariates`).
        log_volume: (rows,) Log of the later volume.
        log_unit: Log of what counts as one event (`fit_unit`).
    """
    table = rate_design(covariates, [_rate_covariates(covariates)], log_volume[:, None], [log_unit])
    return {name: table[:, 0, 0, place] for place, name in enumerate((*shared_columns(covariates), *RATE_COLUMNS))}


def rate_design(
    covariates: pd.DataFrame | Covariates,
    of_rates: Sequence[RateCovariates],
    log_volumes: Floats,
    log_units: Sequence[float],
) -> Floats:
    """Design of the spreads of some rates over several later volumes.

    Args:
        covariates: Of each row.
        of_rates: By rate: its own covariates.
        log_volumes: (rows, volumes) Logs of later volumes.
        log_units: By rate: log of what counts as one event.

    Returns:
        (rows, rates, volumes, columns): the columns `shared_columns`, then RATE_COLUMNS.
    """
    shared = [column(covariates, name) for name in shared_columns(covariates)]
    table = np.empty((len(log_volumes), len(of_rates), log_volumes.shape[1], len(shared) + len(RATE_COLUMNS)))
    for place, values in enumerate(shared):
        table[..., place] = values[:, None, None]
    per_volume = np.stack([one.log_events for one in of_rates], axis=1)
    log_events = (per_volume[:, :, None] + log_volumes[:, None, :]) - np.asarray(log_units)[:, None]
    table[..., -6] = log_events
    table[..., -5] = log_events**2
    # A rate above 0 over a small exposure is that of at least one event, however small the expected rate: −log P(≥ 1).
    clipped = np.maximum(np.minimum(log_events, 6.0), -12.0)
    table[..., -4] = -np.log(-np.expm1(-np.exp(clipped)))
    table[..., -3] = (log_volumes - column(covariates, "log_volume")[:, None])[:, None, :]
    table[..., -2] = np.stack([one.log_variance for one in of_rates], axis=1)[:, :, None]
    table[..., -1] = np.stack([one.own_events for one in of_rates], axis=1)[:, :, None]
    return table


def fit_unit(log_events: Floats, some: npt.NDArray[np.bool_]) -> float:
    """Log of the unit in which a Poisson count of the expected events is above 0 as often as outcomes are.

    `log_events`: (rows,) log of the expected events; `some`: (rows,) whether the outcome is above 0.
    """
    share = float(np.clip(some.mean(), 0.5 / len(some), 1.0 - 0.5 / len(some)))
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        above_zero = float(-np.expm1(-np.exp(np.clip(log_events - middle, -30.0, 30.0))).mean())
        low, high = (middle, high) if above_zero > share else (low, middle)
    return (low + high) / 2.0


def volume_mixture(hurdle: Hurdle, covariates: pd.DataFrame | Covariates) -> Mixture:
    """The distribution of later volume: one component per row."""
    columns, log_volume = volume_columns(covariates), column(covariates, "log_volume")
    found = hurdle.parameters(columns, log_volume, hurdle.corrections(covariates))
    return Mixture(*(part[:, None] for part in found))


def rate_mixture(rate: Hurdle, log_unit: float, nodes: Floats, covariates: pd.DataFrame) -> Mixture:
    """The distribution of one rate over later volumes whose logs are the nodes (rows, NODES)."""
    rates = RateHurdles.of([rate], [log_unit], shared_columns(covariates))
    return rate_mixtures(rates, nodes, covariates, [_rate_covariates(covariates)])


@dataclass(frozen=True, eq=False)
class RateHurdles:
    """Hurdles of several rates, evaluated together.

    Attributes:
        hurdles: By rate.
        log_units: By rate: log of what counts as one event.
        predictors: Regressions of shape (3, 1, rates, 1) on the columns of `rate_design`.
    """

    hurdles: Sequence[Hurdle]
    log_units: Sequence[float]
    predictors: LinearPredictors

    @classmethod
    def of(cls, hurdles: Sequence[Hurdle], log_units: Sequence[float], shared: Sequence[str]) -> "RateHurdles":
        """Of these rates, for covariates with these shared columns (`shared_columns`)."""
        names = (*shared, *RATE_COLUMNS)
        regressions = [one for of_all in zip(*(hurdle.regressions for hurdle in hurdles)) for one in of_all]
        return cls(hurdles, log_units, pack(regressions, names, (3, 1, len(hurdles), 1)))


def rate_mixtures(
    rates: RateHurdles, nodes: Floats, covariates: pd.DataFrame | Covariates, of_rates: Sequence[RateCovariates]
) -> Mixture:
    """Distributions of several rates over later volumes whose logs are the nodes (rows, NODES).

    Returns:
        (rows · rates, NODES): row by row, and within a row rate by rate.
    """
    raw = rates.predictors(rate_design(covariates, of_rates, nodes, rates.log_units))  # (3, rows, rates, nodes)
    if any(one.trees for hurdle in rates.hurdles for one in hurdle.regressions):
        raw += np.stack([hurdle.corrections(covariates) for hurdle in rates.hurdles], axis=-1)[..., None]
    log_predicted = np.stack([one.log_predicted for one in of_rates], axis=1)[:, :, None]
    return Mixture(*(part.reshape(-1, nodes.shape[1]) for part in hurdle_parameters(raw, log_predicted)))


def _rate_covariates(covariates: pd.DataFrame) -> RateCovariates:
    return RateCovariates(**{name: column(covariates, name) for name in RateCovariates.__dataclass_fields__})


def volume_nodes(
    volume: Hurdle, calibration: Calibration, covariates: pd.DataFrame | Covariates, min_volume: float
) -> Floats:
    """(rows, NODES) Log volumes of equal weight that stand for a later volume of at least `min_volume`."""
    return nodes_of(volume_mixture(volume, covariates), calibration, calibration.group_of(covariates), min_volume)


def nodes_of(mixture: Mixture, calibration: Calibration, group: Names, min_volume: float) -> Floats:
    """The same from the distribution of later volume and each row's calibration group."""
    below = calibration(mixture.cdf(np.full((len(group), 1), min_volume)), group)
    raw = calibration.inverse(below + (1.0 - below) * MIDDLES, group)
    level = (raw - mixture.zero) / np.maximum(1.0 - mixture.zero, 1e-9)
    level = np.maximum(np.minimum(level, 1.0 - 1e-9), 1e-9)
    return np.maximum(mixture.centre + mixture.deviation * ndtri(level), np.log(min_volume))
