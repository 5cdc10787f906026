"""What the training period says of several stages side by side: a line a stage, so that one step serves them all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.funnel import Stage
from features.funnel_model.empirical_bayes import Floats, Priors, StagePrior, safe_rate


@dataclass(frozen=True, eq=False)
class Stacked:
    """Priors as arrays; those of one number a stage are columns, to meet arrays of stages × rows.

    Attributes:
        stages: In the order of the lines.
        priors: Of these.
        poisson: Whether the spread of a stage's events is known (`Stage.events`).
        kinds: Promotion type → its place in `rates`.
        rates: Of the market by promotion type; the last column is that of a type never seen.
        dispersion, own, drift, flutter: As in `StagePrior`.
        entities: Names of what has a strength at one of the stages.
        strengths, weights, held: By stage and entity; not held: the stage has no history of this entity.
        trust: By stage: what the log factor of own counts at each of the stages says here.
    """

    stages: tuple[Stage, ...]
    priors: tuple[StagePrior, ...]
    poisson: npt.NDArray[np.bool_]
    kinds: Mapping[str, int]
    rates: Floats
    dispersion: Floats
    own: Floats
    drift: Floats
    flutter: Floats
    entities: tuple[str, ...]
    strengths: Floats
    weights: Floats
    held: npt.NDArray[np.bool_]
    trust: Floats

    def figures(self, prefix: str, *, by_stage: bool = False) -> list[str]:
        """Columns of a frame: numerators of all stages, then exposures, then events.

        Args:
            prefix: Before each name.
            by_stage: Whether the stage's name follows it.
        """
        return self._figures[prefix, by_stage]

    @cached_property
    def _figures(self) -> "_Names":
        return _Names(self.stages)

    @cached_property
    def histories(self) -> list[str]:
        """Columns of a frame, stage by stage, entity by entity: weights, then weights × ratios."""
        names = [f"hist:{entity}:{stage.name}" for stage in self.stages for entity in self.entities]
        return [f"{name}:{part}" for part in ("weight", "ratio") for name in names]


class _Names(dict[tuple[str, bool], list[str]]):
    def __init__(self, stages: Sequence[Stage]) -> None:
        super().__init__()
        self._stages = stages

    def __missing__(self, key: tuple[str, bool]) -> list[str]:
        prefix, by_stage = key
        before = [f"{prefix}{stage.name}:" if by_stage else prefix for stage in self._stages]
        events = [s.exposure if s.events == "expected" else s.events for s in self._stages]
        of_all = ([s.numerator for s in self._stages], [s.exposure for s in self._stages], events)
        self[key] = [part + name for names in of_all for part, name in zip(before, names)]
        return self[key]


def stack(stages: Sequence[Stage], priors: Priors) -> Stacked:
    """The priors of these stages side by side."""
    told = [priors[stage.name] for stage in stages]
    kinds = list(dict.fromkeys(kind for prior in told for kind in prior.rate))
    entities = tuple(dict.fromkeys(name for prior in told for name in prior.strengths))
    mean = [float(np.mean(list(prior.rate.values()) or [safe_rate(0.0, 0.0)])) for prior in told]
    rates = [[*(prior.rate.get(kind, rest) for kind in kinds), rest] for prior, rest in zip(told, mean)]

    def column(name: str) -> Floats:
        return np.array([[getattr(prior, name)] for prior in told], dtype=np.float64)

    def by_entity(name: str, missing: float) -> Floats:
        table = [[getattr(prior, name).get(entity, missing) for entity in entities] for prior in told]
        return np.array(table, dtype=np.float64).reshape(len(told), len(entities), 1)

    return Stacked(
        stages=tuple(stages),
        priors=tuple(told),
        poisson=np.array([[stage.events == "expected"] for stage in stages]),
        kinds={kind: place for place, kind in enumerate(kinds)},
        rates=np.array(rates),
        dispersion=column("dispersion"),
        own=column("own"),
        drift=column("drift"),
        flutter=column("flutter"),
        entities=entities,
        strengths=by_entity("strengths", 1.0),
        weights=by_entity("weights", 0.0),
        held=np.array([[[name in prior.strengths] for name in entities] for prior in told]).reshape(len(told), -1, 1),
        trust=np.array([[prior.trust.get(stage.name, 0.0) for stage in stages] for prior in told]),
    )
