"""What a creative is expected to do at each stage, from what it is: a fitted mixed model, applied.

log rate = intercept + Σ effect · column. Effects of one term share a variance, so a value of which little is known
stays near the mean creative (penalised quasi-likelihood, Breslow & Clayton 1993).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Stage
from features.terms import KIND, TIME, Columns, Terms, described_by, is_word, term_columns
from features.window import seconds

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MixedStage:
    """One stage.

    Attributes:
        intercept: Log rate of the mean creative of no promotion type in particular.
        own: s²: how far creatives lie from what is expected of them, as a squared log factor.
        dispersion: φ: luck of the draw, 1 for counts.
        effects: Term → effect of each of its columns.
        variances: Term → what is not yet known of each effect, as a squared log factor.
        spreads: Random term → σ²: variance of its effects, which a value never seen has.
    """

    intercept: float
    own: float
    dispersion: float
    effects: Mapping[str, Floats]
    variances: Mapping[str, Floats]
    spreads: Mapping[str, float]


@dataclass(frozen=True)
class Mixed:
    """The model as it stood at one moment.

    Attributes:
        origin: What had been reported by then taught it; it serves cutoffs from then on.
        terms: Its columns; of the crosses each stage uses its own.
        stages: By stage.
        relative: Word → how much more its effects spread than those of all words, over all stages together.
    """

    origin: pd.Timestamp
    terms: Terms
    stages: Mapping[str, MixedStage]
    relative: Mapping[str, float]


@dataclass(frozen=True)
class Expectation:
    """What is expected of each snapshot's creative at one stage.

    Attributes:
        level: Rate of the mean creative of its promotion type at the time.
        log_steps: Term → log factor on it.
        variance: How far its own rate may lie from that: s², and what is not yet known of the effects.
    """

    level: Floats
    log_steps: dict[str, Floats]
    variance: Floats

    @property
    def log_rate(self) -> Floats:
        """Log rate expected."""
        return np.log(self.level) + sum(self.log_steps.values(), np.zeros_like(self.level))


def serving(states: Sequence[Mixed], cutoffs: pd.Series) -> npt.NDArray[np.int64]:
    """Which state serves each cutoff: the last whose origin is not after it; the first where none is."""
    origins = np.array([state.origin for state in states], dtype="datetime64[us]")
    return np.maximum(np.searchsorted(origins, cutoffs.to_numpy("datetime64[us]"), side="right") - 1, 0)


def expectations(states: Sequence[Mixed], observed: pd.DataFrame, stages: Sequence[Stage]) -> dict[str, Expectation]:
    """Of every stage, each row by the state that serves its cutoff.

    Args:
        states: In the order of their origins.
        observed: Rows of `features.observe`.
        stages: Of the funnel.
    """
    count = len(observed)
    found = {stage.name: Expectation(np.ones(count), {}, np.ones(count)) for stage in stages}
    if not found:
        return {}
    place = serving(states, observed["cutoff"])
    for number in np.unique(place):
        rows, state = np.flatnonzero(place == number), states[number]
        frame = observed[[name for name in ("cutoff", *described_by(state.terms)) if name in observed]].iloc[rows]
        columns = term_columns(frame, seconds(frame["cutoff"]), state.terms)
        for stage in stages:
            of_stage, into = state.stages[stage.name], found[stage.name]
            steps = log_steps(columns, of_stage)
            into.level[rows] = np.exp(steps.pop(KIND) + steps.pop(TIME))
            into.variance[rows] = of_stage.own + unknown(columns, of_stage)
            if stage.priced:
                into.variance[rows] += unknown_price(frame, state.terms)
            for name, step in steps.items():
                into.log_steps.setdefault(name, np.zeros(count))[rows] = step
    return found


def log_steps(columns: Columns, stage: MixedStage) -> dict[str, Floats]:
    """Each term's part of the log rate; the promotion type's holds the intercept."""
    steps = {name: np.asarray(columns[name] @ effect) for name, effect in stage.effects.items()}
    return {**steps, KIND: steps[KIND] + stage.intercept}


def unknown(columns: Columns, stage: MixedStage) -> Floats:
    """Variance of the log rate from effects that are not known yet: of values never seen, all of theirs."""
    total = np.zeros(columns[KIND].shape[0])
    for name, variance in stage.variances.items():
        held = columns[name].multiply(columns[name])
        total += held @ variance
        if is_word(name):
            total += stage.spreads[name] * (np.asarray(columns[name].sum(axis=1)).ravel() == 0.0)
    return total


def unknown_price(frame: pd.DataFrame, terms: Terms) -> Floats:
    """What an order is worth is as uncertain as its price, where that is not known: as prices differ."""
    if "log_price" not in terms.numbers:
        return np.zeros(len(frame))
    price = frame["price_cny"].to_numpy(np.float64) if "price_cny" in frame else np.full(len(frame), np.nan)
    return np.where(price > 0, 0.0, terms.numbers["log_price"][1] ** 2)
