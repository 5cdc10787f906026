"""How a later volume, and a later rate over a volume that is itself not known, are spread around their predictions.

Both are a hurdle and a body: nothing at all with some chance, else log-normal around a corrected prediction. A rate's
spread depends on the exposure it will be counted over, so its distribution is a mixture over quantiles of later volume.
Closed forms on fixed grids, no draws: a row alone gives what it gives in a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtr, ndtri

from training.calibrate import Calibration
from training.heads import Columns, Floats, Head, Parting, fit_heads, probability
from training.situation import TREE

NODES = 9
"""Quantiles of later volume that stand for all of it."""
POINTS = 161
"""Of the grid of values on which a distribution is told."""
REACH = 5.0
"""Deviations from the centre that the grid reaches."""
DEVIATION = float(np.sqrt(np.pi / 2.0))
"""Standard deviation of a normal variable whose mean absolute deviation is 1."""
LEAST_DEVIATION = 0.02
LEAST_BODY = 20
"""Rows with something under which the body has one shift and one spread for all."""


class Hurdle(BaseModel):
    """A chance of nothing and a log-normal body.

    Attributes:
        some: Chance of anything at all, as a logistic regression.
        shift: What the log prediction is off by on average, where there is something.
        spread: Log of the mean absolute deviation from that.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    some: Head
    shift: Head
    spread: Head

    def corrections(self, table: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
        """What trees add to each of the three in each row."""
        return self.some.correction(table), self.shift.correction(table), self.spread.correction(table)

    def parts(
        self, columns: Columns, log_predicted: Floats, corrections: tuple[Floats, Floats, Floats]
    ) -> tuple[Floats, Floats, Floats]:
        """Chance of nothing, and centre and deviation of the log where there is something."""
        count = len(log_predicted)
        some, shift, spread = corrections
        deviation = np.maximum(DEVIATION * np.exp(self.spread.line(columns, count) + spread), LEAST_DEVIATION)
        nothing = probability(-(self.some.line(columns, count) + some))
        return nothing, log_predicted + (self.shift.line(columns, count) + shift), deviation


@dataclass(frozen=True)
class Hurdles:
    """A hurdle of all rows, and hurdles that have not seen one part of the creatives each."""

    whole: Hurdle
    without: tuple[Hurdle, ...]


def fit_hurdles(
    columns: Columns, table: pd.DataFrame, log_predicted: Floats, actual: Floats, parting: Parting
) -> Hurdles:
    """Hurdle and body from what came.

    Args:
        columns: What lines of chance and body may depend on.
        table: What their trees may depend on.
        log_predicted: Log of the prediction.
        actual: What came, 0 or more.
        parting: Of the rows.
    """
    some = actual > 0
    chance = fit_heads("likely", columns, table, some.astype(np.float64), parting)
    given = {name: values[some] for name, values in columns.items()} if some.sum() >= LEAST_BODY else {}
    inside, parts = table[some], parting.of(some)
    off = np.log(actual[some]) - log_predicted[some]
    shift = fit_heads("mean", given, inside, off, parts)
    spread = fit_heads("spread", given, inside, off - shift.unseen, parts)
    hurdles = [Hurdle(some=a, shift=b, spread=c) for a, b, c in zip(chance.without, shift.without, spread.without)]
    return Hurdles(Hurdle(some=chance.whole, shift=shift.whole, spread=spread.whole), tuple(hurdles))


@dataclass(frozen=True)
class Mixture:
    """A distribution for each row: parts of equal weight, each with a chance of nothing and a log-normal body.

    Attributes:
        parts: Chance of nothing, centre and deviation of the log.
    """

    parts: Sequence[tuple[Floats, Floats, Floats]]

    def below(self, value: Floats) -> Floats:
        """Chance of at most this value, which is 0 or more; a row per row, and any number of columns."""
        some = value > 0
        log = np.log(np.where(some, value, 1.0))
        total = np.zeros(value.shape)
        for part in self.parts:  # a sum part by part: the same for one row as for many
            nothing, centre, deviation = (figure.reshape(-1, *[1] * (value.ndim - 1)) for figure in part)
            total = total + nothing + (1.0 - nothing) * np.where(some, ndtr((log - centre) / deviation), 0.0)
        return total / len(self.parts)

    def grid(self) -> Floats:
        """POINTS rising values for each row, between which all but a sliver of what is above 0 lies."""
        low, high = self.parts[0][1], self.parts[0][1]
        for _, centre, deviation in self.parts:
            low, high = np.minimum(low, centre - REACH * deviation), np.maximum(high, centre + REACH * deviation)
        steps = np.arange(POINTS) / (POINTS - 1.0)
        return np.exp(low[:, None] + (high - low)[:, None] * steps[None, :])


def volume_columns(situation: pd.DataFrame) -> dict[str, Floats]:
    """What the spread of later volume depends on."""
    log_volume = column(situation, "log_volume")
    columns = {name: column(situation, name) for name in situation if name.startswith(("is_", "age_", "about_"))}
    for name in [name for name in columns if name.startswith("age_")]:
        columns[f"{name}:log_volume"] = columns[name] * log_volume
    return columns | {"log_volume": log_volume, "log_volume²": log_volume**2}


def rate_columns(situation: pd.DataFrame, log_volume: Floats, log_unit: float) -> dict[str, Floats]:
    """What the spread of a rate depends on once the later volume is this.

    Args:
        situation: Of each row (`training.situation.of_target`).
        log_volume: Log of the later volume.
        log_unit: Log of what counts as one event.
    """
    log_events = column(situation, "log_events") + log_volume - log_unit
    return {
        **{name: column(situation, name) for name in situation if name.startswith(("is_", "age_"))},
        "log_events": log_events,
        "log_events²": log_events**2,
        # A rate above 0 over a small exposure is that of one event or more, however small the rate expected.
        "at_least_one": -np.log(-np.expm1(-np.exp(np.clip(log_events, -12.0, 6.0)))),
        "surprise": log_volume - column(situation, "log_volume"),
        "unsure": column(situation, "unsure"),
        "own_events": column(situation, "own_events"),
    }


def fit_unit(log_events: Floats, some: np.ndarray) -> float:
    """Log of what counts as one event, so that a Poisson count of them is above 0 as often as something came."""
    share = float(np.clip(some.mean(), 0.5 / len(some), 1.0 - 0.5 / len(some)))
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        told = float(-np.expm1(-np.exp(np.clip(log_events - middle, -30.0, 30.0))).mean())
        low, high = (middle, high) if told > share else (low, middle)
    return (low + high) / 2.0


def volume_mixture(hurdle: Hurdle, situation: pd.DataFrame) -> Mixture:
    """The distribution of later volume."""
    parts = hurdle.parts(volume_columns(situation), column(situation, "log_volume"), hurdle.corrections(situation))
    return Mixture([parts])


def rate_mixture(rate: Hurdle, log_unit: float, nodes: Sequence[Floats], situation: pd.DataFrame) -> Mixture:
    """The distribution of a rate that will be counted over a later volume whose log is one of the nodes."""
    log_predicted, corrections = column(situation, "log_predicted"), rate.corrections(situation)
    columns = (rate_columns(situation, node, log_unit) for node in nodes)
    return Mixture([rate.parts(given, log_predicted, corrections) for given in columns])


def volume_nodes(volume: Hurdle, calibration: Calibration, situation: pd.DataFrame, least: float) -> list[Floats]:
    """Log volumes that stand, each with the same weight, for a later volume of at least `least`."""
    mixture, group = volume_mixture(volume, situation), calibration.group_of(situation)
    nothing, centre, deviation = mixture.parts[0]
    short = calibration(mixture.below(np.full(len(situation), least)), group)
    nodes = []
    for place in range(NODES):
        stated = calibration.stated(short + (1.0 - short) * (place + 0.5) / NODES, group)
        level = np.clip((stated - nothing) / np.maximum(1.0 - nothing, 1e-9), 1e-9, 1.0 - 1e-9)
        nodes.append(np.maximum(centre + deviation * ndtri(level), np.log(least)))
    return nodes


def tree_columns(situation: pd.DataFrame) -> pd.DataFrame:
    """What trees may depend on: the features that mean the same under every fit."""
    return situation[[name for name in situation if name.startswith(TREE)]]


def column(situation: pd.DataFrame, name: str) -> Floats:
    """A column as float64."""
    return situation[name].to_numpy(np.float64)
