"""Prior and posterior log rate of every stage for each snapshot: what LightGBM takes as offset and as features.

The prior mean is what is expected of a creative before its own counts: the prediction of the funnel model
(`features.funnel_model.model`), or of empirical Bayes (`features.funnel_model.history_rates`) without one. The
creative's own counts then update it by a two-step Kalman filter, and the log evidence found at each stage is passed on
to the others (`cross_stage_evidence`):

    log rate = log prior + Σ over stages j of weight[stage, j] · log evidence[j]

`StagePrior.log_level` is added to the log prior after the update, so that own counts do not undo it.

Array axes: S stages, N rows (snapshots), E entities. All variances are variances of a log rate.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.arrays import Floats
from features.funnel import Funnel
from features.funnel_model.effects import Effects
from features.funnel_model.empirical_bayes import (
    PriorArrays,
    Priors,
    StagePrior,
    ratio_and_events,
    shrink,
    stack_priors,
)
from features.funnel_model.expected_rates import ExpectedRates
from features.funnel_model.history_rates import EmpiricalBayesRates, empirical_bayes_rates
from features.funnel_model.model import FunnelModel, predict_as_of
from features.point_in_time.array_frame import ArrayFrame, Rows
from features.point_in_time.counts import RECENT_DAYS

ROWS_AT_ONCE = 4096
"""Rows computed in one step, all stages at once; bounds memory."""


@dataclass(frozen=True)
class StagePosterior:
    """Prior and posterior of one stage for N snapshots. All arrays are (N,) float64.

    Attributes:
        market_rate: Rate of the market of the promotion type, numerator per exposure.
        log_entity_effects: Entity → log factor of its history relative to the average creative of the market,
            whichever prior is in use.
        base_rate: Rate that the effects multiply, with the stage's level (`StagePrior.log_level`).
        log_effects: Entity (empirical Bayes) or term (funnel model) → log factor; 0 where nothing is known.
        log_prior: Log rate before the creative's own counts: log base rate plus all effects.
        log_own_evidence: Log factor from the creative's own early counts at all stages.
        own_events: Events in its own counts at this stage.
        variance: Posterior variance of the log rate after its own counts.
    """

    market_rate: Floats
    log_entity_effects: Effects
    base_rate: Floats
    log_effects: Effects
    log_prior: Floats
    log_own_evidence: Floats
    own_events: Floats
    variance: Floats

    @property
    def log_rate(self) -> Floats:
        """Posterior log rate, axis 0: stages, axis 1: rows: prior plus own evidence."""
        return self.log_prior + self.log_own_evidence


@dataclass(frozen=True, eq=False)
class Posteriors(Mapping[str, StagePosterior]):
    """`StagePosterior` of S stages as arrays, (S, N).

    Attributes:
        stages: Names of the stages, in the order of axis 0.
        history: Empirical Bayes, whichever prior is in use.
        log_effects: Of each stage, as of `StagePosterior`.
        base_rate: As of `StagePosterior`; so are the arrays after it.
    """

    stages: tuple[str, ...]
    history: EmpiricalBayesRates
    log_effects: Sequence[Effects]
    base_rate: Floats
    log_prior: Floats
    log_own_evidence: Floats
    own_events: Floats
    variance: Floats

    @property
    def tables(self) -> dict[str, Floats]:
        """Its own arrays by name."""
        names = ("base_rate", "log_prior", "log_own_evidence", "own_events", "variance")
        return {name: getattr(self, name) for name in names}

    @cached_property
    def log_rate(self) -> Floats:
        """(S, N) Posterior log rate: prior plus own evidence."""
        return self.log_prior + self.log_own_evidence

    def take(self, rows: Rows) -> "Posteriors":
        """The posteriors of these rows."""
        history = EmpiricalBayesRates(self.history.arrays, **_taken(self.history.tables, rows))
        effects = [Effects(own.names, own.whole[:, rows], own.places) for own in self.log_effects]
        return Posteriors(self.stages, history, effects, **_taken(self.tables, rows))

    def product_variance(self, stages: Collection[str]) -> Floats:
        """(N,) Posterior variance of the log of a product of stages, which are taken as independent."""
        return self.variance.take([self.stages.index(stage) for stage in stages], axis=0).sum(axis=0)

    def __getitem__(self, stage: str) -> StagePosterior:
        place, history = self.stages.index(stage), self.history
        return StagePosterior(
            market_rate=history.market_rate[place],
            log_entity_effects=Effects(history.arrays.entities, history.log_entity_effects[place], history.places),
            base_rate=self.base_rate[place],
            log_effects=self.log_effects[place],
            log_prior=self.log_prior[place],
            log_own_evidence=self.log_own_evidence[place],
            own_events=self.own_events[place],
            variance=self.variance[place],
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages)

    def __len__(self) -> int:
        return len(self.stages)


def posteriors_of(
    observed: ArrayFrame,
    funnel: Funnel,
    priors: Priors,
    models: Sequence[FunnelModel] = (),
    arrays: PriorArrays | None = None,
) -> Posteriors:
    """Compute prior and posterior of every stage of the funnel, for N snapshots.

    Args:
        observed: N rows of `features.point_in_time.counts`.
        funnel: The funnel.
        priors: Of every stage, fitted with the same `models`.
        models: Funnel models by rising origin; each row uses the last one whose origin is not after its cutoff. Without
            any, empirical Bayes is the prior.
        arrays: `stack_priors(funnel.stages, priors)`, where the caller keeps it.
    """
    arrays, count = arrays or stack_priors(funnel.stages, priors), len(observed)
    expected = predict_as_of(models, observed, funnel.stages) if models else None
    if count <= ROWS_AT_ONCE:
        return _posteriors(arrays, observed, expected)
    slices = [slice(first, first + ROWS_AT_ONCE) for first in range(0, count, ROWS_AT_ONCE)]
    parts = ((rows, _posteriors(arrays, observed.take(rows), expected and expected.take(rows))) for rows in slices)
    return _joined(arrays, parts, count, expected)


def _posteriors(arrays: PriorArrays, observed: ArrayFrame, expected: ExpectedRates | None) -> Posteriors:
    """Posteriors of few rows; without expected rates of a funnel model, empirical Bayes is the prior."""
    history = empirical_bayes_rates(arrays, observed)
    prior = expected or history.expected_rates
    factor, events, variance = own_evidence(arrays, observed, np.exp(prior.log_rate), prior.variance)
    return Posteriors(
        stages=arrays.names,
        history=history,
        log_effects=prior.log_effects,
        base_rate=prior.base_rate * np.exp(arrays.log_levels),
        log_prior=prior.log_rate + arrays.log_levels,
        log_own_evidence=cross_stage_evidence(np.log(factor), arrays.cross_stage_weights),
        own_events=events,
        variance=variance,
    )


def _taken(tables: Mapping[str, Floats], rows: Rows) -> dict[str, Floats]:
    return {name: values[..., rows] for name, values in tables.items()}


def _joined(
    arrays: PriorArrays, parts: Iterable[tuple[slice, Posteriors]], count: int, expected: ExpectedRates | None
) -> Posteriors:
    """Put parts together, one after the other; `expected` is of all `count` rows."""
    tables: tuple[dict[str, Floats], dict[str, Floats]] = {}, {}
    for rows, part in parts:
        for whole, own in zip(tables, (part.history.tables, part.tables)):
            for name, values in own.items():
                if name not in whole:
                    whole[name] = np.empty((*values.shape[:-1], count))
                whole[name][..., rows] = values
    history = EmpiricalBayesRates(arrays, **tables[0])
    return Posteriors(arrays.names, history, (expected or history.expected_rates).log_effects, **tables[1])


def own_evidence(
    arrays: PriorArrays, observed: ArrayFrame, rate: Floats, variance: Floats
) -> tuple[Floats, Floats, Floats]:
    """Update the expected rate by a creative's own counts: a scalar Kalman filter (Kalman 1960) in two steps.

    Step 1 uses the life up to the last days. Between the steps the log rate drifts: its variance grows by the drift
    variance, times the share of step 1's information in the estimate (without earlier counts, `variance` holds all of
    the uncertainty already). Step 2 uses the last days. A step with variance v, u events and K = φ/v gives

        factor = (u · ratio + K)/(u + K),    new variance = φ/(u + K)

    which is the Kalman update of a ratio observed with variance φ/u. Transient variance is added to the observation
    variance by discounting the events (`discounted_events`).

    Args:
        arrays: Priors of S stages.
        observed: N rows.
        rate: (S, N), expected rate before own counts.
        variance: (S, N), variance of its logarithm.

    Returns:
        (S, N) each: factor on the rate, number of events counted (not discounted), posterior variance.
    """
    last_days = observed.stack(arrays.last_days_columns).reshape(3, *rate.shape)
    ratio, older_events, periods = before_last_days(arrays, observed, rate, last_days)
    count, exposure, last_events = last_days
    events = discounted_events(older_events, arrays, periods)
    strength = arrays.dispersion / variance
    factor = shrink(ratio, events, strength)
    events_and_prior = events + strength
    variance = arrays.dispersion / events_and_prior + arrays.drift_variance * (events / events_and_prior)
    ratio, last_events = ratio_and_events(arrays.poisson, count, exposure, last_events, rate * factor)
    events, strength = discounted_events(last_events, arrays, 1.0), arrays.dispersion / variance
    return factor * shrink(ratio, events, strength), older_events + last_events, arrays.dispersion / (events + strength)


def before_last_days(
    arrays: PriorArrays, observed: ArrayFrame, rate: Floats, last_days: Floats | None = None
) -> tuple[Floats, Floats, Floats]:
    """A creative's life up to its last days, against a rate of shape (S, N).

    Args:
        arrays: Priors of S stages.
        observed: N rows.
        rate: (S, N) expected rate.
        last_days: (3, S, N) the counts `arrays.last_days_columns`, where the caller has them.

    Returns:
        Ratio (S, N), events (S, N), and the length of that life (N,) in periods of `RECENT_DAYS`, at least 1.
    """
    life = observed.stack(arrays.early_columns).reshape(3, *rate.shape)
    if last_days is None:
        last_days = observed.stack(arrays.last_days_columns).reshape(3, *rate.shape)
    count, exposure, events = np.maximum(life - last_days, 0.0)
    ratio, events = ratio_and_events(arrays.poisson, count, exposure, events, rate)
    days = observed.floats("elapsed_hours") / 24.0
    return ratio, events, np.maximum(days / RECENT_DAYS - 1.0, 1.0)


def discounted_events(events: Floats, prior: StagePrior | PriorArrays, periods: Floats | float) -> Floats:
    """Events u' that are as informative without transient variance as u events are with it; elementwise.

    1/u' = 1/u + transient variance/(φ · periods): transient deviations average out over independent periods.
    """
    return events / (1.0 + events * prior.transient_variance / (prior.dispersion * periods))


def cross_stage_evidence(log_evidence: Floats, weights: Floats) -> Floats:
    """Combine the log evidence of own counts at all stages into one log factor per stage.

    Args:
        log_evidence: (S, N), log factor of the own counts at each stage.
        weights: (S, S), `PriorArrays.cross_stage_weights`.

    Returns:
        (S, N): weights @ log_evidence. It is summed stage by stage, in their order, because a matrix product rounds
        differently for one row than for many.

    >>> evidence = np.log([[2.0], [3.0]])  # clicks twice, orders three times what was expected
    >>> np.exp(cross_stage_evidence(evidence, np.array([[1.0, 0.0], [0.5, 1.0]]))).round(3).ravel().tolist()
    [2.0, 4.243]
    """
    return np.asarray(np.add.accumulate(weights[:, :, None] * log_evidence, axis=1)[:, -1])
