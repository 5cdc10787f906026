"""Later volume as a censored normal of its log, and rates as compound Poisson–gamma sums over that volume.

A rate is a sum of order values over an exposure that is itself uncertain: volume log-normal, rate log-normal, number of
orders Poisson, their value gamma (a Tweedie sum given volume and rate, Jørgensen 1987). It is evaluated at one fixed
lattice of points, the same for every row: no random draws, and a row alone gets what it gets in a batch, bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from features.targets import TARGETS
from training.uncertainty.interface import Predicted
from training.uncertainty.recalibration import Columns, calibrated, group_columns, interpolated, predicted_at
from training.uncertainty.volume_model import LEAST, TYPICAL_VOLUME, VOLUME_FEATURES

POINTS = 128
LATTICE = (np.add(np.outer(np.arange(POINTS), (1, 53, 53**2)), (0, 119, 101)) % POINTS + 0.5) / POINTS
"""(POINTS, 3) Levels of volume, rate and amount: a shifted rank-1 lattice (Korobov 1959; Cranley and Patterson 1976).
This generator and shift leave the columns uncorrelated and spread sums of their normal scores most evenly."""
VOLUME_LEVELS, RATE_POINTS, AMOUNT_POINTS = LATTICE[:, 0], ndtri(LATTICE[:, 1]), ndtri(LATTICE[:, 2])
VALUE_VARIANCE = 0.3
"""Squared coefficient of variation of an order's value; values from 0 to 1 gave the same distributions on folds."""
LOG_TAILS = (-4.0, 1.5)
"""How far the outermost points' weights reach beyond them, on the log scale."""
MOST_LOG = 30.0
"""Largest log that is computed with."""
LEAST_LOGGED = 1e-300
"""Smallest value of which a logarithm is taken: below the first point of every curve."""


def columns_of(predicted: Predicted, features: Features, funnel: Funnel) -> dict[str, npt.NDArray[Any]]:
    """What distributions are computed from; each array is (rows,).

    Returns:
        The columns that group rows (`training.uncertainty.recalibration`), `volume` (log1p of predicted later volume),
        TYPICAL_VOLUME (log1p of it less `volume`) and VOLUME_FEATURES, those that there are, `log_value` (log of the
        predicted value of an order; 0 where orders are not counted), and of every rate target: `rate:<target>` (log of
        its prediction), `per_volume:<target>` (log of the money predicted per unit of later volume) and
        `variance:<target>` (posterior variance of its log, summed over its stages).
    """
    rates = funnel.rate_targets
    units = [TARGETS[name].per_impression if funnel.to_gmv else TARGETS[name] for name in rates]
    wanted = [*rates, *[unit.name for unit in units], *["value"] * counts_orders(funnel)]
    values = np.array([predicted[name] for name in wanted], dtype=np.float64).reshape(len(wanted), -1)
    logs = np.log(np.maximum(values, 1e-12))
    columns = group_columns(features)
    columns["volume"] = np.log1p(np.asarray(predicted[funnel.volume_target], dtype=np.float64))
    if TYPICAL_VOLUME in predicted:
        typical = np.log1p(np.asarray(predicted[TYPICAL_VOLUME], dtype=np.float64))
        columns[TYPICAL_VOLUME] = typical - columns["volume"]
    columns["log_value"] = logs[-1] if counts_orders(funnel) else np.zeros(len(features.reference_price))
    known = [name for name in VOLUME_FEATURES if name in features.values]
    seen = features.values.select(known).T
    columns |= zip(known, np.where(np.isnan(seen), 0.0, seen))
    per_volume = logs[len(rates) : 2 * len(rates)] - np.log([[unit.scale] for unit in units])
    for rate, *own in zip(rates, logs, per_volume):
        own.append(features.posteriors.product_variance(stages_of(funnel, rate)))
        columns |= zip((f"rate:{rate}", f"per_volume:{rate}", f"variance:{rate}"), own)
    return columns


def some(columns: Columns, rows: slice | npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[Any]]:
    """The columns of some rows."""
    return {name: values[rows] for name, values in columns.items()}


def stages_of(funnel: Funnel, target: str) -> list[str]:
    """Names of the stages that a rate is composed of."""
    return list(funnel.compositions[target].signs)


def counts_orders(funnel: Funnel) -> bool:
    """Whether the funnel predicts the value of an order, so that money per volume gives a number of orders."""
    return "value" in funnel.to_gmv


@dataclass(frozen=True)
class Distribution:
    """Distributions: a mass at 0 and weighted points above it, then a map to calibrated probabilities.

    All axes but the last number them: rows, or targets and rows.

    Attributes:
        zero: (…,) Uncalibrated P(0).
        log_values: (…, POINTS) Rising: logs of the points.
        weights: (…, POINTS) Uncalibrated probability of each.
        maps: (…, len(GRID)) See `training.uncertainty.recalibration`.
    """

    zero: Floats
    log_values: Floats
    weights: Floats
    maps: Floats

    @cached_property
    def curve(self) -> tuple[Floats, Floats]:
        """(…, POINTS + 2) each: rising logs of values, uncalibrated P(at most each); linear between them.

        The first has P(0) and the last 1: half the weight of the outermost points lies beyond them.
        """
        logs, levels = np.empty((2, *self.zero.shape, self.log_values.shape[-1] + 2))
        logs[..., 1:-1] = self.log_values
        logs[..., 0] = self.log_values[..., 0] + LOG_TAILS[0]
        logs[..., -1] = self.log_values[..., -1] + LOG_TAILS[1]
        levels[..., 1:-1] = self.zero[..., None] + self.weights.cumsum(axis=-1) - self.weights / 2.0
        levels[..., 0], levels[..., -1] = self.zero, 1.0
        return logs, levels

    def part(self, place: int | slice | list[int] | None) -> "Distribution":
        """Those at this place, or these, of the first axis; None: all, below a new first axis."""
        found = Distribution(self.zero[place], self.log_values[place], self.weights[place], self.maps[place])
        logs, levels = self.curve
        found.__dict__["curve"] = logs[place], levels[place]
        return found

    def cdf(self, values: Floats) -> Floats:
        """(…, values) P(at most each value) of `values` (…, values); 0 below 0."""
        logs = np.log(np.maximum(values, LEAST_LOGGED))
        return np.where(values < 0, 0.0, calibrated(self.maps, interpolated(logs, *self.curve)))

    def log_quantiles(self, levels: Floats) -> Floats:
        """(…, levels) log1p of the quantiles at `levels`, (levels,) for all or (…, levels)."""
        points, raw = self.curve
        reached = calibrated(self.maps, raw)
        logs = interpolated(levels, reached, points)
        return np.where(levels <= reached[..., :1], 0.0, np.logaddexp(0.0, logs))  # the first is P(0)

    def mean_log1p(self) -> Floats:
        """(…,) Mean of log1p."""
        above = calibrated(self.maps, self.zero[..., None] + np.cumsum(self.weights, axis=-1))
        weights = np.diff(above, axis=-1, prepend=calibrated(self.maps, self.zero[..., None]))
        return np.asarray((weights * np.logaddexp(0.0, self.log_values)).sum(axis=-1), dtype=np.float64)


def joined(parts: Sequence[Distribution]) -> Distribution:
    """Distributions of several targets, one after the other along the first axis."""
    return Distribution(
        *(np.concatenate(own) for own in zip(*((one.zero, one.log_values, one.weights, one.maps) for one in parts)))
    )


def volume_distribution(mean: Floats, deviation: Floats, maps: Floats) -> Distribution:
    """The distribution of later volume; `mean` and `deviation` (…,), maps as in `Distribution`."""
    zero = ndtr(-mean / deviation)
    some = (1.0 - zero)[..., None]
    levels = zero[..., None] + some * (np.arange(POINTS) + 0.5) / POINTS
    log1p = mean[..., None] + deviation[..., None] * ndtri(np.minimum(levels, 1.0 - LEAST))
    return Distribution(zero, _log_volume(log1p), (some / POINTS).repeat(POINTS, axis=-1), maps)


def volumes_of_at_least(mean: Floats, deviation: Floats, maps: Floats, least: Floats | float) -> tuple[Floats, Floats]:
    """Calibrated later volume, given that it reaches `least` (above 0 where that is 0).

    Args:
        mean: (rows,) Of log1p of later volume.
        deviation: (rows,) Its standard deviation.
        maps: (rows, len(GRID)) Calibration of its probabilities.
        least: A volume, or (volumes, 1) several.

    Returns:
        (…, rows) probability that it does, (…, rows, POINTS) log volume at VOLUME_LEVELS.
    """
    log_least = np.log1p(least)
    below = calibrated(maps, ndtr((log_least - mean) / deviation)[..., None])
    raw = predicted_at(maps, below + (1.0 - below) * VOLUME_LEVELS)
    log1p = mean[:, None] + deviation[:, None] * ndtri(np.minimum(np.maximum(raw, LEAST), 1.0 - LEAST))
    return 1.0 - below[..., 0], _log_volume(np.maximum(log1p, log_least[..., None]))


def _log_volume(log1p: Floats) -> Floats:
    return np.log(np.maximum(np.expm1(np.minimum(log1p, MOST_LOG)), LEAST))


def compound_distribution(
    log_mean: Floats, log_events: Floats, variance: Floats, reached: Floats, maps: Floats
) -> Distribution:
    """Distributions of sums of order values whose mean is itself uncertain.

    Args:
        log_mean: (…, POINTS) Log of the expected sum (per unit of exposure for a rate) at each volume.
        log_events: (…, POINTS) Log of the number of orders expected at each volume.
        variance: (…,) Of the log rate; the rate is log-normal with mean `log_mean`.
        reached: (…,) Probability of the volumes; the outcome is 0 otherwise.
        maps: As in `Distribution`.
    """
    variance = variance[..., None]
    log_rate = np.sqrt(variance) * RATE_POINTS - variance / 2.0
    events = np.exp(np.minimum(log_events + log_rate, MOST_LOG))
    some = -np.expm1(-events)  # P(at least one order)
    # Given one order at least: a gamma distribution of the same mean and variance, its quantiles by Wilson and Hilferty
    # (1931). Its shape is mean²/variance of (sum over its expected value).
    square = some * (1.0 + (1.0 + VALUE_VARIANCE) / events)
    spread = np.sqrt(np.maximum(square - 1.0, LEAST)) / 3.0
    cube_root = np.maximum(1.0 - spread**2 + AMOUNT_POINTS * spread, 0.05)
    log_values = log_mean + log_rate - np.log(some) + 3.0 * np.log(cube_root)
    order = log_values.argsort(axis=-1)
    order += np.arange(reached.size).reshape(*reached.shape, 1) * POINTS
    weights = some.take(order) * (reached / POINTS)[..., None]
    zero = np.maximum(1.0 - weights.sum(axis=-1), 0.0)
    return Distribution(zero, log_values.take(order), weights, maps)


def crps(own: Distribution, came: Floats) -> Floats:
    """(rows,) Continuous ranked probability score of log1p (Gneiting and Raftery 2007), before calibration.

    Args:
        own: Of the rows.
        came: (rows,) Outcomes.
    """
    logs, log_came = np.logaddexp(0.0, own.log_values), np.log1p(came)
    distance = own.zero * log_came + (own.weights * np.abs(logs - log_came[:, None])).sum(axis=1)
    levels = own.zero[:, None] + np.cumsum(own.weights, axis=1)
    within = (own.weights * logs * (2.0 * levels - own.weights - 1.0)).sum(axis=1)
    return np.asarray(distance - within, dtype=np.float64)
