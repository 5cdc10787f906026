"""How many creatives with metrics carry tags."""

from dataclasses import dataclass

import pandas as pd

from features.bilingual import Words
from features.schema import KEY


@dataclass(frozen=True)
class TagCoverage:
    """How many creatives with metrics carry tags, from the sheet or from their file names.

    Attributes:
        creatives: Creatives with metrics.
        tagged: Those with a value of at least one tag.
        tags: Tags that at least one of them has.
    """

    creatives: int
    tagged: int
    tags: int

    @property
    def words(self) -> Words:
        """One sentence."""
        return Words(
            f"标签：{self.creatives:,} 个素材中 {self.tagged:,} 个有标签，用到 {self.tags} 种标签。",
            f"Tags: {self.tagged:,} of {self.creatives:,} creatives carry tags, {self.tags} tags used.",
        )


def tag_coverage(creatives: pd.DataFrame, observed: pd.DataFrame) -> TagCoverage:
    """Count the creatives that carry tags.

    Args:
        creatives: All creatives, with tags as `tag_<name>`.
        observed: KEY of those with metrics; each may stand in several rows.
    """
    running = creatives.merge(observed[KEY].drop_duplicates(), on=KEY)
    known = running[[name for name in map(str, running) if name.startswith("tag_")]].notna()
    return TagCoverage(len(running), int(known.any(axis=1).sum()), int(known.any(axis=0).sum()))
