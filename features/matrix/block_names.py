"""Names of the arrays that the feature matrix is put together from, in the order of their lines."""

from collections.abc import Sequence
from dataclasses import dataclass

from features.funnel import Funnel
from features.point_in_time.number_columns import Names
from features.stages import VOLUME

STAGE_PARTS = ("own", "own_events", "base", "bayes", "prior", "rate", "variance")
HEAD_PARTS = ("funnel", "funnel_less_bayes")


@dataclass(frozen=True, eq=False)
class BlockNames:
    """Names of the blocks of numbers that the feature matrix is put together from.

    Attributes:
        declared: All features, in the order of the columns.
        stages: STAGE_PARTS of every stage, part by part.
        heads: HEAD_PARTS of every head, part by part.
        factors: Of the histories of entities, stage by stage; that of the market is no feature.
        launched: Columns of counts: others launched, by entity without the market.
        volume: Columns of counts: their volume.
        others: Volume of each of the others, and others launched.
    """

    declared: Names
    stages: Names
    heads: Names
    factors: Names
    launched: Names
    volume: Names
    others: Names

    @classmethod
    def of(
        cls, funnel: Funnel, declared: tuple[str, ...], shared: Sequence[str], entities: Sequence[str]
    ) -> "BlockNames":
        """Name the blocks.

        Args:
            funnel: The funnel.
            declared: Names of all features, in the order of the columns.
            shared: Names of what creatives share, the market left out.
            entities: Names of what has a history in the priors.
        """
        stages, heads, volume = funnel.stages, funnel.heads, funnel.volume_of
        return cls(
            declared=Names(declared),
            stages=Names(tuple(f"{part}_{stage.name}" for part in STAGE_PARTS for stage in stages)),
            heads=Names(tuple(f"{part}_{head.name}" for part in HEAD_PARTS for head in heads)),
            factors=Names(tuple(f"hist_{name}_{stage.name}" for stage in stages for name in entities)),
            launched=Names(tuple(f"launched:{name}" for name in shared)),
            volume=Names(tuple(f"hist:{name}:{volume}" for name in shared)),
            others=Names((*(f"hist_{name}_{VOLUME}" for name in shared), *(f"launched_{name}" for name in shared))),
        )
