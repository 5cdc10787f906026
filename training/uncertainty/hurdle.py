"""How a later volume, and a later rate over a volume that is itself not known, are spread around their predictions.

Both are a hurdle and a body: nothing at all with some chance, else log-normal around a corrected prediction. A rate's
spread depends on the exposure it will be counted over, so its distribution is a mixture over quantiles of later volume.
Closed forms on fixed grids, no draws: a row alone gives what it gives in a batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtri

from training.uncertainty.calibration import Calibration, Names
from training.uncertainty.covariates import KIND, TREE, Concern, Situation
from training.uncertainty.linear import Lines
from training.uncertainty.mixture import Mixture
from training.uncertainty.regressions import Columns, Floats, Head, Parting, fit_heads, lines, probability

NODES = 9
"""Quantiles of later volume that stand for all of it."""
MIDDLES = (np.arange(NODES) + 0.5) / NODES
"""Of the parts of equal weight that later volume is cut into."""
DEVIATION = float(np.sqrt(np.pi / 2.0))
"""Standard deviation of a normal variable whose mean absolute deviation is 1."""
LEAST_DEVIATION = 0.02
LEAST_BODY = 20
"""Rows with something under which the body has one shift and one spread for all."""


@dataclass(frozen=True, eq=False)
class Packed:
    """The three lines of a hurdle, made ready once.

    Attributes:
        names: Columns that they go through.
        lines: Of some, shift and spread.
    """

    names: tuple[str, ...]
    lines: Lines


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

    @property
    def heads(self) -> tuple[Head, Head, Head]:
        """In the order of what is made of them."""
        return self.some, self.shift, self.spread

    @cached_property
    def packed(self) -> Packed:
        """The lines, through all columns that one of them needs."""
        names = tuple(dict.fromkeys(name for head in self.heads for name in head.weights))
        return Packed(names, lines(self.heads, names, (3, 1)))

    def corrections(self, table: pd.DataFrame | Situation) -> Floats:
        """What trees add to each of the three, one line each."""
        return np.array([head.correction(table) for head in self.heads])

    def parts(self, columns: Columns, log_predicted: Floats, corrections: Floats) -> tuple[Floats, Floats, Floats]:
        """Chance of nothing, and centre and deviation of the log where there is something."""
        table = np.empty((*log_predicted.shape, len(self.packed.names)))
        for place, name in enumerate(self.packed.names):
            table[..., place] = columns[name]
        return bodies(self.packed.lines(table) + corrections, log_predicted)


def bodies(told: Floats, log_predicted: Floats) -> tuple[Floats, Floats, Floats]:
    """Chance of nothing, centre and deviation of the log, from what the three heads tell (first axis)."""
    some, shift, spread = told
    return probability(-some), log_predicted + shift, np.maximum(DEVIATION * np.exp(spread), LEAST_DEVIATION)


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


def volume_columns(situation: pd.DataFrame | Situation) -> dict[str, Floats]:
    """What the spread of later volume depends on."""
    log_volume = column(situation, "log_volume")
    columns = {name: column(situation, name) for name in situation if name.startswith(("is_", "age_", "about_"))}
    for name in [name for name in columns if name.startswith("age_")]:
        columns[f"{name}:log_volume"] = columns[name] * log_volume
    return columns | {"log_volume": log_volume, "log_volume²": log_volume**2}


OF_RATES = ("log_events", "log_events²", "at_least_one", "surprise", "unsure", "own_events")
"""Columns of a rate's spread beside promotion types and ages."""


def shared_columns(situation: pd.DataFrame | Situation) -> list[str]:
    """Columns that the spread of every rate depends on: promotion types and ages."""
    return [name for name in situation if name.startswith((KIND, "age_"))]


def rate_columns(situation: pd.DataFrame, log_volume: Floats, log_unit: float) -> dict[str, Floats]:
    """What the spread of a rate depends on once the later volume is this.

    Args:
        situation: Of each row (`training.uncertainty.covariates.of_target`).
        log_volume: Log of the later volume.
        log_unit: Log of what counts as one event.
    """
    table = rate_table(situation, [concern_of(situation)], log_volume[:, None], [log_unit])
    return {name: table[:, 0, 0, place] for place, name in enumerate((*shared_columns(situation), *OF_RATES))}


def rate_table(
    situation: pd.DataFrame | Situation, concerns: Sequence[Concern], log_volumes: Floats, log_units: Sequence[float]
) -> Floats:
    """What the spread of some rates depends on, over several later volumes.

    Args:
        situation: Of each row.
        concerns: By rate: what concerns it.
        log_volumes: Logs of later volumes, a row a row.
        log_units: By rate: log of what counts as one event.

    Returns:
        By row, rate and volume: the columns `shared_columns`, then OF_RATES.
    """
    shared = [column(situation, name) for name in shared_columns(situation)]
    table = np.empty((len(log_volumes), len(concerns), log_volumes.shape[1], len(shared) + len(OF_RATES)))
    for place, values in enumerate(shared):
        table[..., place] = values[:, None, None]
    per_volume = np.stack([one.log_events for one in concerns], axis=1)
    log_events = (per_volume[:, :, None] + log_volumes[:, None, :]) - np.asarray(log_units)[:, None]
    table[..., -6] = log_events
    table[..., -5] = log_events**2
    # A rate above 0 over a small exposure is that of one event or more, however small the rate expected.
    held = np.maximum(np.minimum(log_events, 6.0), -12.0)
    table[..., -4] = -np.log(-np.expm1(-np.exp(held)))
    table[..., -3] = (log_volumes - column(situation, "log_volume")[:, None])[:, None, :]
    table[..., -2] = np.stack([one.unsure for one in concerns], axis=1)[:, :, None]
    table[..., -1] = np.stack([one.own_events for one in concerns], axis=1)[:, :, None]
    return table


def fit_unit(log_events: Floats, some: np.ndarray) -> float:
    """Log of what counts as one event, so that a Poisson count of them is above 0 as often as something came."""
    share = float(np.clip(some.mean(), 0.5 / len(some), 1.0 - 0.5 / len(some)))
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2.0
        told = float(-np.expm1(-np.exp(np.clip(log_events - middle, -30.0, 30.0))).mean())
        low, high = (middle, high) if told > share else (low, middle)
    return (low + high) / 2.0


def volume_mixture(hurdle: Hurdle, situation: pd.DataFrame | Situation) -> Mixture:
    """The distribution of later volume."""
    columns, log_volume = volume_columns(situation), column(situation, "log_volume")
    return Mixture(*(part[:, None] for part in hurdle.parts(columns, log_volume, hurdle.corrections(situation))))


def rate_mixture(rate: Hurdle, log_unit: float, nodes: Floats, situation: pd.DataFrame) -> Mixture:
    """The distribution of a rate that will be counted over a later volume whose log is one of the nodes."""
    spreads = Spreads.of([rate], [log_unit], shared_columns(situation))
    return rate_mixtures(spreads, nodes, situation, [concern_of(situation)])


@dataclass(frozen=True, eq=False)
class Spreads:
    """How several rates are spread, made ready once.

    Attributes:
        hurdles: By rate.
        log_units: By rate: log of what counts as one event.
        lines: Of some, shift and spread (first axis): by rate, through the columns of `rate_table`.
    """

    hurdles: Sequence[Hurdle]
    log_units: Sequence[float]
    lines: Lines

    @classmethod
    def of(cls, hurdles: Sequence[Hurdle], log_units: Sequence[float], shared: Sequence[str]) -> "Spreads":
        """Of these rates, for situations with these columns (`shared_columns`)."""
        names = (*shared, *OF_RATES)
        heads = [head for of_all in zip(*(hurdle.heads for hurdle in hurdles)) for head in of_all]
        return cls(hurdles, log_units, lines(heads, names, (3, 1, len(hurdles), 1)))


def rate_mixtures(
    spreads: Spreads, nodes: Floats, situation: pd.DataFrame | Situation, concerns: Sequence[Concern]
) -> Mixture:
    """The distributions of several rates over later volumes whose logs are the nodes: row by row, rate by rate."""
    table = rate_table(situation, concerns, nodes, spreads.log_units)
    told = spreads.lines(table)
    if any(head.trees for hurdle in spreads.hurdles for head in hurdle.heads):
        told += np.stack([hurdle.corrections(situation) for hurdle in spreads.hurdles], axis=-1)[..., None]
    log_predicted = np.stack([one.log_predicted for one in concerns], axis=1)[:, :, None]
    return Mixture(*(part.reshape(-1, nodes.shape[1]) for part in bodies(told, log_predicted)))


def concern_of(situation: pd.DataFrame) -> Concern:
    """What concerns the rate that a situation is about (`training.uncertainty.covariates.of_target`)."""
    return Concern(**{name: column(situation, name) for name in Concern.__dataclass_fields__})


def volume_nodes(volume: Hurdle, calibration: Calibration, situation: pd.DataFrame | Situation, least: float) -> Floats:
    """Log volumes that stand, each with the same weight, for a later volume of at least `least`: NODES a row."""
    return nodes_of(volume_mixture(volume, situation), calibration, calibration.group_of(situation), least)


def nodes_of(mixture: Mixture, calibration: Calibration, group: Names, least: float) -> Floats:
    """The same of a distribution of later volume."""
    short = calibration(mixture.below(np.full((len(group), 1), least)), group)
    stated = calibration.stated(short + (1.0 - short) * MIDDLES, group)
    level = (stated - mixture.nothing) / np.maximum(1.0 - mixture.nothing, 1e-9)
    level = np.maximum(np.minimum(level, 1.0 - 1e-9), 1e-9)
    return np.maximum(mixture.centre + mixture.deviation * ndtri(level), np.log(least))


def tree_columns(situation: pd.DataFrame) -> pd.DataFrame:
    """What trees may depend on: the features that mean the same under every fit."""
    return situation[[name for name in situation if name.startswith(TREE)]]


def column(situation: pd.DataFrame | Situation, name: str) -> Floats:
    """A column as float64."""
    return np.asarray(situation[name], dtype=np.float64)
