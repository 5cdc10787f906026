"""Rows of the volume head: paces, what the trees read, volumes and weights."""

from dataclasses import dataclass
from typing import Self, TypeAlias

import lightgbm as lgb
import numpy as np
import pandas as pd

from features.arrays import Floats
from features.matrix.catalogue import Catalogue
from features.matrix.feature_matrix import Features
from training.boosting.lightgbm_parameters import DATASET_PARAMETERS
from training.boosting.pooled_line import Groups

Paces: TypeAlias = dict[str, Floats]
"""PACES → (rows,)."""

PACE_DAYS = 7.0
"""Days over which a pace is stated."""
PACES = ("pace_life", "pace_last_day", "pace_late_half")
EARLY_VOLUME = ("log_impressions", "log_last_day", "late_half_share")
"""Features that the paces are made of."""
SHORTEST_DAYS = 1 / 24
"""Shortest span that a pace is taken over."""


@dataclass(frozen=True)
class VolumeRows:
    """Rows as arrays.

    Attributes:
        groups: Age and promotion type.
        paces: PACES → (rows,) log1p of the volume per PACE_DAYS; missing at age 0.
        matrix: (rows, features) What the trees read: all of the feature matrix.
        catalogue: Of its columns.
        volume: (rows,) Later impressions (or spend) per whole outcome window; 0 where unknown.
        weight: (rows,) Share of the window over which it was counted; 0 where unknown.
    """

    groups: Groups
    paces: Paces
    matrix: Floats
    catalogue: Catalogue
    volume: Floats
    weight: Floats

    @classmethod
    def of(cls, features: Features, outcome: pd.DataFrame | None = None, volume_of: str = "") -> Self:
        """Those of the features; without an outcome nothing is known of their volume, the column `volume_of`."""
        matrix = features.values.matrix
        volume, weight = np.zeros(len(matrix)), np.zeros(len(matrix))
        if outcome is not None:
            later = outcome[f"later:{volume_of}"].to_numpy(np.float64)
            covered = outcome["covered_share"].to_numpy(np.float64)
            known = np.isfinite(later) & (covered > 0)
            volume[known] = later[known] / covered[known]
            weight[known] = covered[known]
        return cls(
            groups=Groups.of(features),
            paces=paces_of(features),
            matrix=matrix,
            catalogue=features.catalogue,
            volume=volume,
            weight=weight,
        )

    def lgb_set(self, label: Floats, start: Floats, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        """Table and label of the known rows; a validation set takes its training set as reference."""
        known = self.weight > 0
        return lgb.Dataset(
            self.matrix[known],
            label=label[known],
            weight=self.weight[known],
            init_score=start[known],
            feature_name=[f"f{place}" for place in range(self.matrix.shape[1])],
            categorical_feature=[place for place, feature in enumerate(self.catalogue) if feature.categorical],
            reference=reference,
            params=DATASET_PARAMETERS,
        )


def paces_of(features: Features) -> Paces:
    """PACES → (rows,) log1p of the volume per PACE_DAYS; missing at age 0."""
    days = features.keys.floats("elapsed_hours") / 24
    life, day, late = (
        features.values[name] if name in features.values else np.full(len(days), np.nan) for name in EARLY_VOLUME
    )
    life, day = np.expm1(np.array([life, day]))
    lived = np.maximum(days, SHORTEST_DAYS)
    volumes, spans = np.array([life, day, life * late]), np.array([lived, np.minimum(lived, 1.0), lived / 2])
    return dict(zip(PACES, np.log1p(np.where(days > 0, volumes / spans * PACE_DAYS, np.nan))))


def fastest(paces: Paces) -> Floats:
    """(rows,) log1p of PACE_DAYS at the fastest of a row's paces; 0 at age 0, which has none."""
    found = np.array(list(paces.values()))
    return np.where(np.isnan(found), 0.0, found).max(axis=0, initial=0.0)
