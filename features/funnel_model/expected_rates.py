"""What is expected of creatives at every stage before their own counts.

Array axes: S stages, N rows. Variances are variances of a log rate.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from features.arrays import Floats
from features.funnel_model.effects import Effects


@dataclass(frozen=True)
class ExpectedRate:
    """What is expected of N creatives at one stage before their own counts. All arrays are (N,).

    Attributes:
        base_rate: Rate of the average creative of the promotion type at that time, numerator per exposure.
        log_effects: Term → log factor on the base rate.
        log_rate: Log base rate plus all effects.
        variance: Prior variance of the creative's log rate: s² plus the posterior variance of the effects.
    """

    base_rate: Floats
    log_effects: Effects
    log_rate: Floats
    variance: Floats


@dataclass(frozen=True, eq=False)
class ExpectedRates(Mapping[str, ExpectedRate]):
    """`ExpectedRate` of S stages as arrays, (S, N).

    Attributes:
        stages: Names of the stages, in the order of axis 0.
        base_rate: As of `ExpectedRate`; so are `log_rate` and `variance`.
        log_effects: Of each stage.
    """

    stages: tuple[str, ...]
    base_rate: Floats
    log_effects: Sequence[Effects]
    log_rate: Floats
    variance: Floats

    def take(self, rows: slice) -> "ExpectedRates":
        """The rates of these rows."""
        effects = [Effects(own.names, own.whole[:, rows], own.places) for own in self.log_effects]
        tables = (self.log_rate[:, rows], self.variance[:, rows])
        return ExpectedRates(self.stages, self.base_rate[:, rows], effects, *tables)

    def __getitem__(self, stage: str) -> ExpectedRate:
        place = self.stages.index(stage)
        return ExpectedRate(self.base_rate[place], self.log_effects[place], self.log_rate[place], self.variance[place])

    def __iter__(self) -> Iterator[str]:
        return iter(self.stages)

    def __len__(self) -> int:
        return len(self.stages)
