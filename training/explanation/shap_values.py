"""SHAP values of the heads by `shap.TreeExplainer`, and contributions as `shap.Explanation` for `shap.plots`.

`shap` is imported when a function needs it: that takes seconds, and a prediction does without (`pred_contrib` of
LightGBM gives the same numbers).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from features.arrays import Floats
from features.matrix.encoders import Encoder
from features.matrix.feature_matrix import Features
from training.explanation.contributions import LogContributions
from training.explanation.labels import CLIPPED, OWN_EVIDENCE, effect_label

if TYPE_CHECKING:
    import shap

Texts = npt.NDArray[np.object_]

MISSING = "–"
EFFECT = {"zh": "效应", "en": "effect"}


def tree_shap(boosters: Mapping[str, lgb.Booster], matrix: Floats) -> dict[str, Floats]:
    """SHAP values of every head's trees (Lundberg et al. 2020, path-dependent).

    Args:
        boosters: Head → its trees over all columns of the feature matrix.
        matrix: (rows, features) The feature matrix.

    Returns:
        Head → (rows, features + 1), the trees' expected value in the last column; empty without rows.
    """
    from shap import TreeExplainer

    found = {}
    for name, booster in boosters.items() if len(matrix) else ():
        explainer = TreeExplainer(booster, feature_perturbation="tree_path_dependent")
        values = explainer.shap_values(matrix)
        found[name] = np.column_stack([values, np.full(len(matrix), explainer.expected_value)])
    return found


def shap_explanation(
    contributions: LogContributions, features: Features, encoder: Encoder, language: Literal["zh", "en"] = "en"
) -> "shap.Explanation":
    """Contributions to one log prediction as `shap.Explanation`: effects, own evidence, limit of a share, SHAP values.

    Args:
        contributions: To a stage, a head or a target.
        features: Of the same rows.
        encoder: The model's (`CreativeModel.fitted.encoder`).
        language: Of the names.

    Returns:
        values (rows, contributions) and base_values (rows,), which add up to the log prediction; data: the features'
        numbers, NaN where there is none (an effect) or where it is a code; display_data: what readers see for them, of
        an effect the words that it belongs to.
    """
    import shap

    count, shown = len(contributions.baseline), display_data(features, encoder)
    zh_or_en = 0 if language == "zh" else 1
    places = {name: place for place, name in enumerate(features.catalogue.names)}
    names, columns, numbers, words = [], [], [], []
    own = [
        *zip(contributions.effect_names, map(effect_label, contributions.effect_names), contributions.effects.T),
        ("", OWN_EVIDENCE, contributions.own_evidence),
        ("", CLIPPED, contributions.clipped),
    ]
    for effect, label, column in own:
        names.append(f"{EFFECT[language]}: {label[zh_or_en]}")
        columns.append(column)
        numbers.append(np.full(count, np.nan))
        of = [places.get(part, places.get(f"tag_{part}")) for part in effect.split("*")]
        known = [shown[:, place] for place in of if place is not None]
        words.append(np.array([" × ".join(map(str, line)) for line in zip(*known)] or [MISSING] * count, dtype=object))
    for name, column in zip(contributions.feature_names, contributions.shap.T):
        feature = features.catalogue[places[name]]
        names.append((feature.zh, feature.en)[zh_or_en])
        columns.append(column)
        numbers.append(np.full(count, np.nan) if feature.categorical else features.values[name])
        words.append(shown[:, places[name]])
    return shap.Explanation(
        values=np.column_stack(columns),
        base_values=contributions.baseline,
        data=np.column_stack(numbers),
        display_data=np.column_stack(words),
        feature_names=names,
    )


def display_data(features: Features, encoder: Encoder) -> Texts:
    """(rows, features) what readers see: the word behind a code, else the number; a dash where it is missing."""
    matrix = features.values.matrix
    shown = np.full(matrix.shape, MISSING, dtype=object)
    for place, feature in enumerate(features.catalogue):
        known = np.flatnonzero(~np.isnan(matrix[:, place]))
        numbers = matrix[known, place]
        if feature.categorical:
            words = np.array(encoder.codes[feature.name], dtype=object)
            shown[known, place] = words[numbers.astype(np.int64)] if len(known) else []
        else:
            shown[known, place] = numbers
    return shown
