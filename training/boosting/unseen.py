"""Rows that a model has not seen, with what it says of them and what came."""

from dataclasses import dataclass

import pandas as pd

from features.matrix.feature_matrix import Features


@dataclass(frozen=True)
class Unseen:
    """Rows that a model has not seen, all later than those that taught it.

    Attributes:
        predicted: Of the model (`CreativeModel.predict`).
        features: Of the rows, under what that model was fitted on.
        outcome: What came.
    """

    predicted: pd.DataFrame
    features: Features
    outcome: pd.DataFrame
