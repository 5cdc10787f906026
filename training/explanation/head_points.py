"""SHAP values of every head as points that a page draws, and a table of the features that they are about."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.atomic_write import write_table
from features.matrix.catalogue import Catalogue
from features.matrix.feature_matrix import Features
from training.boosting.model import CreativeModel
from training.boosting.volume import CHOICES
from training.explanation.shap_values import tree_shap

if TYPE_CHECKING:
    import shap


FOLDER, POINTS, IMPORTANCE = "shap", "points.parquet", "importance.csv"
MOST_ROWS = 500
MOST_FEATURES = 12
SHADES = 5
"""Shades of a feature's value, from its lowest fifth to its highest."""
GREY = -1
"""Shade of a category, whose codes have no order, and of a missing value."""


def write_heads(model: CreativeModel, features: Features, folder: Path, seed: int = 0) -> None:
    """Write what the trees change in every head's log prediction: SHAP values times their weight in the stack.

    `shap/points.parquet` has a line per head, feature and row: `head`, `feature`, `zh`, `en`, `percent` (SHAP value ×
    100, which is about percent) and `shade`; `shap/importance.csv` has mean |SHAP value| by head and feature, largest
    first. Only the MOST_FEATURES largest of a head are there, and no head whose trees change nothing.

    Args:
        model: The fitted model.
        features: Of rows that it was not trained on; at most `MOST_ROWS` of them are taken, chosen at random.
        folder: Of the evaluation.
        seed: Of that choice.
    """
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for left in (target / POINTS, target / IMPORTANCE):
        left.unlink(missing_ok=True)  # of an earlier run
    found = explained_heads(model, features, seed)
    if not found:
        return
    shown = {name: importance(name, one, features.catalogue) for name, one in found.items()}
    parts = [points(one, shown[name]) for name, one in found.items()]
    write_table(pd.concat(parts, ignore_index=True), target / POINTS)
    write_table(pd.concat(shown.values(), ignore_index=True), target / IMPORTANCE)


def explained_heads(model: CreativeModel, features: Features, seed: int) -> "dict[str, shap.Explanation]":
    """Head → explanation of at most MOST_ROWS rows: values (rows, features) in percent of the log prediction, and data,
    the numbers of the features, NaN where they have no order. Heads whose trees change nothing are left out."""
    import shap

    rows = np.sort(np.random.default_rng(seed).permutation(len(features.values))[:MOST_ROWS])
    matrix = features.values.matrix[rows]
    numbers = matrix.copy()
    numbers[:, [feature.categorical for feature in features.catalogue]] = np.nan
    of_volume = {CHOICES[figure]: booster for figure, booster in model.volume.boosters.items()}
    weights = {name: head.stack.trees for name, head in model.heads.items()} | dict.fromkeys(of_volume, 1.0)
    boosters = {name: booster for name, booster in (model.boosters | of_volume).items() if weights[name] > 0}
    names = [feature.name for feature in features.catalogue]
    percent = {name: 100.0 * weights[name] * values[:, :-1] for name, values in tree_shap(boosters, matrix).items()}
    return {
        name: shap.Explanation(values, data=numbers, feature_names=names)
        for name, values in percent.items()
        if values.any()
    }


def importance(head: str, explained: "shap.Explanation", catalogue: Catalogue) -> pd.DataFrame:
    """The features with the largest mean |SHAP value| of a head, largest first; the index is their place."""
    size = np.abs(explained.values).mean(axis=0) / 100.0
    order = [place for place in np.argsort(-size, kind="stable")[:MOST_FEATURES].tolist() if size[place] > 0]
    labels = [(catalogue[place].name, catalogue[place].zh, catalogue[place].en) for place in order]
    table = pd.DataFrame(labels, columns=["feature", "zh", "en"], index=order)
    return table.assign(head=head, mean_abs_log=size[order])[["head", "feature", "zh", "en", "mean_abs_log"]]


def points(explained: "shap.Explanation", shown: pd.DataFrame) -> pd.DataFrame:
    """A line per feature and row: `head`, `feature`, `zh`, `en`, `percent`, `shade`."""
    parts = []
    for place, row in zip(shown.index, shown.to_dict("records")):
        own = {name: row[name] for name in ("head", "feature", "zh", "en")}
        parts.append(
            pd.DataFrame({"percent": explained.values[:, place], "shade": shades(explained.data[:, place])}).assign(
                **own
            )
        )
    return pd.concat(parts, ignore_index=True)


def shades(numbers: Floats) -> npt.NDArray[np.int64]:
    """(rows,) Fifth of each number among the known ones, by rank; equal numbers have the same shade."""
    known = pd.Series(numbers).rank(pct=True, method="average")
    return np.where(known.notna(), np.minimum((known * SHADES).fillna(0), SHADES - 1), GREY).astype(np.int64)
