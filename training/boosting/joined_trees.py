"""The trees of several heads as one LightGBM model of several classes: one call scores a row for all of them.

Calling `Booster.predict` costs more than evaluating the trees of one row. LightGBM keeps the trees of a model of C
classes iteration by iteration, one for each class, and scores a class by its own trees in their order: the sum of a
head's trees has the same bits here as in its own model. A head with fewer trees than others gets trees that are 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

FIRST_TREE, LAST_TREE = "\nTree=0\n", "\nend of trees\n"
NO_TREE = "num_leaves=1\nnum_cat=0\nleaf_value=0\nis_linear=0\nshrinkage=1\n\n"
"""A tree that is 0, in LightGBM's text."""


@dataclass(frozen=True, eq=False)
class JoinedTrees:
    """Trees of C heads over the same columns.

    Attributes:
        names: Of the heads, in the order of the classes.
        booster: The trees; None without heads.
    """

    names: tuple[str, ...]
    booster: lgb.Booster | None

    @classmethod
    def of(cls, boosters: Mapping[str, lgb.Booster]) -> Self:
        """Join the models of some heads.

        Args:
            boosters: By name; each of one class, over the same columns.
        """
        if not boosters:
            return cls((), None)
        texts = [booster.model_to_string() for booster in boosters.values()]
        each = [_trees(text) for text in texts]
        one_by_one = (tree for of_iteration in zip_longest(*each, fillvalue=NO_TREE) for tree in of_iteration)
        trees = [f"Tree={number}\n{tree}" for number, tree in enumerate(one_by_one)]
        header = {
            **dict(line.partition("=")[::2] for line in texts[0][: texts[0].index(FIRST_TREE)].splitlines() if line),
            "num_class": str(len(boosters)),
            "num_tree_per_iteration": str(len(boosters)),
            "tree_sizes": " ".join(str(len(tree.encode())) for tree in trees),
        }
        del header["objective"]  # scores stay raw
        lines = (f"{name}={value}" if value else name for name, value in header.items())
        text = "\n".join(lines) + "\n\n" + "".join(trees) + "end of trees\n\npandas_categorical:null\n"
        return cls(tuple(boosters), lgb.Booster(model_str=text))

    def scores(self, matrix: Floats) -> dict[str, Floats]:
        """Head → (rows,) sum of its trees for the rows of (rows, features); empty without rows."""
        if self.booster is None or not len(matrix):
            return {}
        scores = np.asarray(self.booster.predict(matrix, raw_score=True, num_threads=1))
        return dict(zip(self.names, scores.reshape(len(matrix), -1).T))

    def contributions(self, matrix: Floats) -> dict[str, Floats]:
        """Head → (rows, features + 1) SHAP values, the trees' expected value in the last column; empty without rows."""
        if self.booster is None or not len(matrix):
            return {}
        values = np.asarray(self.booster.predict(matrix, pred_contrib=True, num_threads=1))
        return dict(zip(self.names, values.reshape(len(matrix), len(self.names), -1).swapaxes(0, 1)))


def _trees(text: str) -> list[str]:
    """Every tree of a model's text, without its number."""
    if FIRST_TREE not in text:
        return []
    parts = text[text.index(FIRST_TREE) : text.index(LAST_TREE) + 1].split("\nTree=")
    return [part.partition("\n")[2] for part in parts[1:]]
