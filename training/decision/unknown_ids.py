"""Accounts, products and KOCs that a model's training data do not have: per creative, and folded for a summary."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from features.bilingual import Words, series
from features.matrix.catalogue import column_label
from features.point_in_time.as_of_table import IDS

EXAMPLES = 3
"""Ids that a summary names; the rest are counted."""
KnownIds = Mapping[str, frozenset[str]]
"""Column of IDS → the ids that the model's data have, for those that the model uses."""


@dataclass(frozen=True)
class UnknownIds:
    """The ids of one column that a model does not know.

    Attributes:
        column: One of IDS.
        ids: All of them, sorted.
        creatives: Creatives that have one.
    """

    column: str
    ids: tuple[str, ...]
    creatives: int

    @property
    def words(self) -> Words:
        """One sentence: how many, which, and on how many creatives."""
        zh, en = column_label(self.column)
        count, shown = len(self.ids), series(self.ids[:EXAMPLES])
        more = "" if count <= EXAMPLES else " …"
        return Words(
            f"模型没有见过的{zh}：{count:,} 个（{shown.zh}{more}），涉及 {self.creatives:,} 个素材，按未知{zh}预测；"
            "重新训练后就认识。",
            f"{en[:1].upper()}{en[1:]}: {count:,} not in the model's data ({shown.en}{more}), on {self.creatives:,} "
            "creatives, predicted as unknown until the model is trained again.",
        )


def unknown_of_each(creatives: pd.DataFrame, known: KnownIds) -> list[list[tuple[str, str]]]:
    """Return, for each creative, its (column, id) pairs that the model does not know."""
    found: list[list[tuple[str, str]]] = [[] for _ in range(len(creatives))]
    for column in (column for column in IDS if column in known and column in creatives):
        values = creatives[column].astype("object").reset_index(drop=True).dropna()
        for place, value in values[~values.isin(known[column])].items():
            found[int(str(place))].append((column, str(value)))
    return found


def unknown_ids(creatives: pd.DataFrame, known: KnownIds) -> list[UnknownIds]:
    """Fold the ids that the model does not know by column; columns without any are left out."""
    found: dict[str, list[str]] = {}
    for of_one in unknown_of_each(creatives, known):
        for column, value in of_one:
            found.setdefault(column, []).append(value)
    return [UnknownIds(column, tuple(sorted(set(ids))), len(ids)) for column, ids in found.items()]
