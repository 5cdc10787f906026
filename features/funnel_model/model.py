"""What a creative is expected to do at each stage, from what it is: a fitted mixed model, applied.

log rate = intercept + Σ effect · column. Effects of one term share a variance, so a value of which little is known
stays near the mean creative (penalised quasi-likelihood, Breslow & Clayton 1993).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import Stage
from features.funnel_model.design_matrix import term_entries
from features.funnel_model.terms import KIND, TIME, Terms, is_word
from features.point_in_time.windowed_sums import Seconds, seconds

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class StageModel:
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
class FunnelModel:
    """The model as it stood at one moment.

    Attributes:
        origin: What had been reported by then taught it; it serves cutoffs from then on.
        terms: Its columns; of the crosses each stage uses its own.
        stages: By stage.
        relative: Word → how much more its effects spread than those of all words, over all stages together.
    """

    origin: pd.Timestamp
    terms: Terms
    stages: Mapping[str, StageModel]
    relative: Mapping[str, float]

    @cached_property
    def ready(self) -> "Ready":
        """All stages side by side."""
        return _ready(self)


@dataclass(frozen=True, eq=False)
class Ready:
    """The stages of a model side by side, made once: a line a stage, a column for every column of every term.

    Attributes:
        first: Term → place of its first column.
        effects, variances: Of the columns; the last column is of no term and 0.
        spreads: Word → by stage: variance of a value never seen.
        steps: Stage → its terms beside the level of the market.
        intercepts, own: Of the stages.
    """

    first: Mapping[str, int]
    effects: Floats
    variances: Floats
    spreads: Mapping[str, Floats]
    steps: Mapping[str, tuple[str, ...]]
    intercepts: Floats
    own: Floats
    _laid: dict[tuple[str, ...], "Laid"] = field(default_factory=dict)

    def laid(self, names: tuple[str, ...]) -> "Laid":
        """The same in the order of these terms; found once, as rows differ only in whether they tell the hour."""
        if names not in self._laid:
            places = {name: place for place, name in enumerate(names)}
            nowhere, none = self.effects.shape[1] - 1, np.zeros(len(self.own))
            self._laid[names] = Laid(
                first=np.array([self.first.get(name, nowhere) for name in names]),
                spreads=np.array([self.spreads.get(name, none) for name in names]).T[:, None],
                kind=places[KIND],
                time=places[TIME],
                stages={
                    stage: (line, own, [places[name] for name in own])
                    for line, (stage, held) in enumerate(self.steps.items())
                    for own in [tuple(name for name in held if name in places)]
                },
            )
        return self._laid[names]


@dataclass(frozen=True, eq=False)
class Laid:
    """A model's stages in the order of some terms.

    Attributes:
        first: By term: place of its first column; that of no term where the model has none.
        spreads: By stage and term: variance of a value never seen; 0 where the term is no word.
        kind, time: Places of these terms.
        stages: Stage → its line, its terms beside the level of the market, and their places.
    """

    first: npt.NDArray[np.int64]
    spreads: Floats
    kind: int
    time: int
    stages: Mapping[str, tuple[int, tuple[str, ...], list[int]]]


def _ready(state: FunnelModel) -> Ready:
    stages = list(state.stages.values())
    sizes: dict[str, int] = {}
    for stage in stages:
        sizes |= {name: len(effect) for name, effect in stage.effects.items()}
    ends = np.cumsum([0, *sizes.values()])
    first = dict(zip(sizes, ends.tolist()))
    effects, variances = np.zeros((2, len(stages), ends[-1] + 1))
    spreads = {name: np.zeros(len(stages)) for name in sizes if is_word(name)}
    for line, stage in enumerate(stages):
        for name, effect in stage.effects.items():
            columns = slice(first[name], first[name] + len(effect))
            effects[line, columns], variances[line, columns] = effect, stage.variances[name]
            if name in spreads:
                spreads[name][line] = stage.spreads[name]
    steps = {
        name: tuple(term for term in stage.effects if term not in (KIND, TIME)) for name, stage in state.stages.items()
    }
    intercepts, own = (np.array([getattr(stage, name) for stage in stages]) for name in ("intercept", "own"))
    return Ready(first, effects, variances, spreads, steps, intercepts, own)


@dataclass(frozen=True)
class Expectation:
    """What is expected of each snapshot's creative at one stage.

    Attributes:
        level: Rate of the mean creative of its promotion type at the time.
        log_effects: Term → log factor on it.
        log_rate: Log rate expected: of the level, and all steps.
        variance: How far its own rate may lie from that: s², and what is not yet known of the effects.
    """

    level: Floats
    log_effects: dict[str, Floats]
    log_rate: Floats
    variance: Floats


def serving(states: Sequence[FunnelModel], cutoffs: pd.Series) -> npt.NDArray[np.int64]:
    """Which state serves each cutoff: the last whose origin is not after it; the first where none is."""
    origins = np.array([state.origin for state in states], dtype="datetime64[us]")
    return np.maximum(np.searchsorted(origins, cutoffs.to_numpy("datetime64[us]"), side="right") - 1, 0)


def expectations(
    states: Sequence[FunnelModel], observed: pd.DataFrame, stages: Sequence[Stage]
) -> dict[str, Expectation]:
    """Of every stage, each row by the state that serves its cutoff.

    Args:
        states: In the order of their origins.
        observed: Rows of `features.point_in_time.counts`.
        stages: Of the funnel.
    """
    if not stages:
        return {}
    place = serving(states, observed["cutoff"])
    if (place == place[:1]).all():
        state = states[int(place[0])] if len(place) else states[-1]
        return expected(state, observed, seconds(observed["cutoff"]), stages)
    parts = []
    for number in np.unique(place):
        rows = np.flatnonzero(place == number)
        frame = observed.iloc[rows]
        parts.append((rows, expected(states[number], frame, seconds(frame["cutoff"]), stages)))
    return {stage.name: _joined([(rows, part[stage.name]) for rows, part in parts], len(place)) for stage in stages}


def _joined(parts: Sequence[tuple[npt.NDArray[np.int64], Expectation]], count: int) -> Expectation:
    names = dict.fromkeys(name for _, part in parts for name in part.log_effects)
    whole = Expectation(np.ones(count), {name: np.zeros(count) for name in names}, np.zeros(count), np.ones(count))
    for rows, part in parts:
        whole.level[rows], whole.log_rate[rows], whole.variance[rows] = part.level, part.log_rate, part.variance
        for name, step in part.log_effects.items():
            whole.log_effects[name][rows] = step
    return whole


def expected(
    state: FunnelModel, frame: pd.DataFrame, moments: Seconds, stages: Sequence[Stage]
) -> dict[str, Expectation]:
    """Of every stage, what one state expects of creatives.

    Args:
        state: Of the model.
        frame: Their attributes, with `launch_hour`.
        moments: Whose level of the market counts.
        stages: Of the funnel.
    """
    ready, entries = state.ready, term_entries(frame, moments, state.terms)
    laid, nowhere = ready.laid(entries.names), ready.effects.shape[1] - 1
    first = laid.first.repeat(np.diff(entries.edges))
    at = np.where((entries.places >= 0) & (first < nowhere), entries.places + first, nowhere)
    steps = _by_term(ready.effects.take(at, axis=1) * entries.values, entries.edges)
    steps[:, :, laid.kind] += ready.intercepts[:, None]
    unknown = _by_term(ready.variances.take(at, axis=1) * entries.values**2, entries.edges)
    unknown += laid.spreads * (at.take(entries.edges[:-1], axis=1) == nowhere)
    # A row's terms lie beside each other: their sum is the same for one row as for many.
    log_rate, variance = steps.sum(axis=-1), unknown.sum(axis=-1) + ready.own[:, None]
    level = np.exp(steps[:, :, laid.kind] + steps[:, :, laid.time])
    found = {}
    for stage in stages:
        line, terms, places = laid.stages[stage.name]
        told = dict(zip(terms, steps[line].take(places, axis=1).T))
        of_price = unknown_price(frame, state.terms) if stage.priced else 0.0
        found[stage.name] = Expectation(level[line], told, log_rate[line], variance[line] + of_price)
    return found


def _by_term(parts: Floats, edges: Sequence[int]) -> Floats:
    """Sums over each term's columns, one after the other: the same however many the company of a row needs."""
    sums = parts.take(edges[:-1], axis=2)
    for place, (first, last) in enumerate(pairwise(edges)):
        for column in range(first + 1, last):
            sums[:, :, place] += parts[:, :, column]
    return sums


def unknown_price(frame: pd.DataFrame, terms: Terms) -> Floats:
    """What an order is worth is as uncertain as its price, where that is not known: as prices differ."""
    if "log_price" not in terms.numbers:
        return np.zeros(len(frame))
    price = frame["price_cny"].to_numpy(np.float64) if "price_cny" in frame else np.full(len(frame), np.nan)
    return np.where(price > 0, 0.0, terms.numbers["log_price"][1] ** 2)
