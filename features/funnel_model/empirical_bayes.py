"""Empirical-Bayes priors of every stage: shrinkage of observed rates, variance estimates, and the priors as arrays.

Every rate is written as a ratio to its expected value, r = count / (exposure · expected rate). With u the events that
inform the ratio, its variance around 1 is

    Var(r) = φ/u + s²

where φ is the dispersion of the counts (1 for Poisson counts) and s² is the variance between creatives or groups. The
posterior mean of the underlying ratio is the shrunk ratio (u·r + K)/(u + K) with K = φ/s²: the gamma–Poisson posterior
mean for counts, Bühlmann's credibility estimator (Bühlmann 1967) for sums of money.

Array axes in this package: S stages, N rows (creatives or snapshots), E entities (what creatives share: account,
product, KOC, tags). Arrays are float64 unless another type is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.entity_history import CHAIN, MARKET
from features.point_in_time.number_columns import Names
from features.stages import Stage

MIN_VARIANCE = 1e-4
MAX_VARIANCE = 25.0
"""Bounds of every estimated variance of a log rate: standard deviations from 1 % to a factor of e⁵."""


@dataclass(frozen=True)
class StagePrior:
    """Empirical-Bayes estimates of one stage from the training period.

    All variances are variances of a ratio around 1, which for small values equal variances of a log rate.

    Attributes:
        rate: Promotion type → numerator over exposure, pooled over the training period; only types with exposure.
        dispersion: φ, variance of a ratio times its events; 1 for counts.
        creative_variance: s², variance between creatives around their expected rate (over-dispersion).
        drift_variance: Lasting part of the variance of a creative's last days around its life before them.
        transient_variance: Part of that variance that does not last beyond those days.
        strengths: Entity → K of its history: the effective number of creatives (sum of weights) at which the history
            and the value it is shrunk to count equally.
        weights: Entity outside the nested chain (`entity_history.CHAIN`) → weight of its log factor in the log rate.
        cross_stage_weights: Stage at which own counts are observed → weight of their log evidence at this stage.
            Independent stages would have 1 for the stage itself and 0 for all others; they are not independent: bids
            follow conversion, so creatives that convert well cost more.
        log_level: Added to the log rate of every creative, so that the training period's total is met; 0 for stages
            other than those with `Stage.level_by_exposure`.
    """

    rate: Mapping[str, float]
    dispersion: float
    creative_variance: float
    drift_variance: float
    transient_variance: float
    strengths: Mapping[str, float]
    weights: Mapping[str, float]
    cross_stage_weights: Mapping[str, float]
    log_level: float = 0.0


Priors = Mapping[str, StagePrior]
"""Stage name → prior."""


@dataclass(frozen=True, eq=False)
class PriorArrays:
    """The priors of S stages as arrays, so that one vectorised step serves all stages.

    Scalars of a stage are stored as columns of shape (S, 1) and broadcast against arrays of shape (S, N).

    Attributes:
        stages: In the order of axis 0.
        priors: Of these stages.
        poisson: (S, 1) bool, `Stage.is_poisson`.
        promotion_types: Promotion type → its column in `rates`.
        rates: (S, T + 1), rate of each of T promotion types; the last column, the mean over the types, serves types
            that training did not see.
        dispersion: (S, 1), φ.
        drift_variance: (S, 1), as in `StagePrior`.
        transient_variance: (S, 1), as in `StagePrior`.
        log_levels: (S, 1), as in `StagePrior`.
        entities: E names: every entity that has a strength at one of the stages.
        strengths: (S, E, 1), K; 1 where the stage does not use the entity.
        weights: (S, E, 1); 0 where the stage does not use the entity.
        uses_entity: (S, E, 1) bool, whether the stage has a strength for the entity.
        cross_stage_weights: (S, S); axis 0: stage whose rate is updated, axis 1: stage at which counts are observed.
    """

    stages: tuple[Stage, ...]
    priors: tuple[StagePrior, ...]
    poisson: Mask
    promotion_types: Mapping[str, int]
    rates: Floats
    dispersion: Floats
    drift_variance: Floats
    transient_variance: Floats
    log_levels: Floats
    entities: tuple[str, ...]
    strengths: Floats
    weights: Floats
    uses_entity: Mask
    cross_stage_weights: Floats

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the stages."""
        return tuple(stage.name for stage in self.stages)

    @cached_property
    def priced(self) -> list[int]:
        """Places of the stages whose exposure is counted in reference prices."""
        return [place for place, stage in enumerate(self.stages) if stage.priced]

    @cached_property
    def shares(self) -> list[int]:
        """Places of the stages whose rate is a share."""
        return [place for place, stage in enumerate(self.stages) if stage.share]

    @cached_property
    def chain(self) -> dict[str, int]:
        """Nested entity → its place, from the market down."""
        return {name: self.entities.index(name) for name in (MARKET.name, *CHAIN) if name in self.entities}

    @cached_property
    def effects_of(self) -> list[tuple[tuple[str, ...], list[int]]]:
        """Names of the effects on the rate of each stage, and their places among E entities and then `chain`."""
        nested = list(self.chain)
        found = []
        for prior in self.priors:
            of_chain = {name: len(self.entities) + nested.index(name) for name in nested if name in prior.strengths}
            places = of_chain | {name: self.entities.index(name) for name in prior.weights}
            found.append((tuple(places), list(places.values())))
        return found

    @cached_property
    def early_columns(self) -> Names:
        """3·S columns with a creative's counts so far: numerators of all stages, then exposures, then events."""
        return self._count_columns(["early:"] * len(self.stages))

    @cached_property
    def last_days_columns(self) -> Names:
        """The same for the last days before the cutoff."""
        return self._count_columns(["last_days:"] * len(self.stages))

    @cached_property
    def market_columns(self) -> Names:
        """The same for all other creatives of the promotion type, each stage counted separately."""
        return self._count_columns([f"market:{stage.name}:" for stage in self.stages])

    @cached_property
    def history_columns(self) -> Names:
        """2·S·E columns of entity histories: all weights, then all weighted ratios; stage by stage, then by entity."""
        names = [f"hist:{entity}:{stage.name}" for stage in self.stages for entity in self.entities]
        return Names(tuple(f"{name}:{part}" for part in ("weight", "ratio") for name in names))

    def _count_columns(self, prefixes: Sequence[str]) -> Names:
        stages = self.stages
        parts = ([s.numerator for s in stages], [s.exposure for s in stages], [s.events_column for s in stages])
        return Names(tuple(prefix + name for names in parts for prefix, name in zip(prefixes, names)))


def stack_priors(stages: Sequence[Stage], priors: Priors) -> PriorArrays:
    """Arrange the priors of these stages as arrays.

    Args:
        stages: The S stages, in the order of axis 0.
        priors: By stage name.
    """
    own = [priors[stage.name] for stage in stages]
    types = list(dict.fromkeys(name for prior in own for name in prior.rate))
    entities = tuple(dict.fromkeys(name for prior in own for name in prior.strengths))
    mean = [float(np.mean(list(prior.rate.values()) or [safe_rate(0.0, 0.0)])) for prior in own]
    rates = [[*(prior.rate.get(name, rest) for name in types), rest] for prior, rest in zip(own, mean)]

    def column(name: str) -> Floats:  # (stages, 1)
        return np.array([[getattr(prior, name)] for prior in own], dtype=np.float64)

    def by_entity(name: str, missing: float) -> Floats:  # (stages, entities, 1)
        table = [[getattr(prior, name).get(entity, missing) for entity in entities] for prior in own]
        return np.array(table, dtype=np.float64).reshape(len(own), len(entities), 1)

    return PriorArrays(
        stages=tuple(stages),
        priors=tuple(own),
        poisson=np.array([[stage.is_poisson] for stage in stages]),
        promotion_types={name: place for place, name in enumerate(types)},
        rates=np.array(rates),
        dispersion=column("dispersion"),
        drift_variance=column("drift_variance"),
        transient_variance=column("transient_variance"),
        log_levels=column("log_level"),
        entities=entities,
        strengths=by_entity("strengths", 1.0),
        weights=by_entity("weights", 0.0),
        uses_entity=np.array([[[name in prior.strengths] for name in entities] for prior in own]).reshape(
            len(own), -1, 1
        ),
        cross_stage_weights=np.array(
            [[prior.cross_stage_weights.get(stage.name, 0.0) for stage in stages] for prior in own]
        ),
    )


def shrink(ratio: Floats, events: Floats, strength: float | Floats) -> Floats:
    """Posterior mean of a ratio whose prior mean is 1: (u·ratio + K)/(u + K), which is 1 where there are no events.

    Args:
        ratio: Observed over expected, any shape; any number where `events` is 0.
        events: u, same shape.
        strength: K = φ/s², pseudo-events of the prior; broadcasts against `ratio`.

    >>> shrink(np.array([2.0, 7.0]), np.array([10.0, 0.0]), strength=10.0).tolist()
    [1.5, 1.0]
    """
    return np.asarray((events * ratio + strength) / (events + strength))


def ratio_and_events(
    poisson: bool | Mask, count: Floats, exposure: Floats, events: Floats, rate: Floats
) -> tuple[Floats, Floats]:
    """Observed over expected, and the events u that inform the ratio.

    Args:
        poisson: Whether u is the expected count (`Stage.is_poisson`); (S, 1) for several stages at once.
        count: Numerator; (N,) or (S, N), as all arrays below.
        exposure: Exposure.
        events: u where the stage is not Poisson.
        rate: Expected rate, numerator per exposure.

    Returns:
        Ratio and u, of the shape of `count`; ratio 1 and u = 0 where nothing was exposed or one of them is not known.

    >>> clicks, impressions, rate = np.array([6.0, 0.0]), np.array([100.0, 0.0]), np.array([0.04, 0.04])
    >>> ratio, events = ratio_and_events(True, clicks, impressions, impressions, rate)
    >>> ratio.tolist(), events.tolist()  # 4 clicks are expected of 100 impressions
    ([1.5, 1.0], [4.0, 0.0])
    """
    expected = exposure * rate
    known = (expected > 0) & np.isfinite(expected) & np.isfinite(count) & np.isfinite(events)
    ratio = np.divide(count, expected, out=np.ones_like(expected), where=known)
    return ratio, np.where(known, np.where(poisson, expected, events), 0.0)


def stage_counts(stage: Stage, frame: pd.DataFrame | ArrayFrame, prefix: str = "") -> tuple[Floats, Floats, Floats]:
    """Numerator, exposure and events of a stage, each (N,), from the columns of a frame that have this prefix."""
    columns = (stage.numerator, stage.exposure, stage.events_column)
    count, exposure, events = (np.asarray(frame[prefix + name], dtype=np.float64) for name in columns)
    return count, exposure, events


def estimate_variances(ratio: Floats, events: Floats, dispersion: float | None = None) -> tuple[float, float]:
    """Estimate φ (unless given) and s² by the method of moments.

    E[(ratio − 1)²] = φ/u + s² is a regression of squared deviations on 1/u. It is solved by weighted least squares
    with weights 1/(φ/u + s²)², recomputed 20 times: the variance of a squared deviation is proportional to the square
    of its mean.

    Args:
        ratio: (N,) observed over expected.
        events: (N,) u; rows with 0 are left out.
        dispersion: φ where it is known.

    Returns:
        φ and s², s² within `MIN_VARIANCE` and `MAX_VARIANCE`.
    """
    known = events > 0
    square, inverse = (ratio[known] - 1.0) ** 2, 1.0 / events[known]
    if not len(square):
        return dispersion or 1.0, 1.0
    phi, variance = dispersion or float(np.median(square) / np.median(inverse)) or 1.0, 0.1
    for _ in range(20):
        weight = 1.0 / (phi * inverse + variance) ** 2
        if dispersion is None:
            design = np.column_stack([inverse, np.ones_like(inverse)]) * np.sqrt(weight)[:, None]
            solution = np.linalg.lstsq(design, square * np.sqrt(weight), rcond=None)[0]
            phi = float(max(solution[0], 1e-6))
            variance = float(solution[1])
        else:
            variance = float(np.sum(weight * (square - phi * inverse)) / np.sum(weight))
        variance = float(np.clip(variance, MIN_VARIANCE, MAX_VARIANCE))
    return phi, variance


def safe_rate(count: float, exposure: float) -> float:
    """Count over exposure, or (count + ½)/(exposure + 1) where nothing was counted: always above 0, so it has a log."""
    return (count + 0.5) / (exposure + 1.0) if count <= 0 else count / exposure
