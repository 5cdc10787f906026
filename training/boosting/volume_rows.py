"""Rows of the volume head: paces, the table that the trees read, volumes and weights."""

from dataclasses import dataclass, replace
from typing import Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import VOLUME, Funnel
from features.matrix.feature_matrix import FeatureMatrix, Features
from training.boosting.pooled_line import Groups

Floats = npt.NDArray[np.float64]

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
        creatives: (rows,) Creative ids.
        table: What the trees read (`volume_table`).
        codes: Places of its categorical columns.
        volume: (rows,) Later impressions (or spend) per whole outcome window; 0 where unknown.
        weight: (rows,) Share of the window over which it was counted; 0 where unknown.
    """

    groups: Groups
    creatives: npt.NDArray[np.object_]
    table: FeatureMatrix
    codes: list[int]
    volume: Floats
    weight: Floats

    @classmethod
    def of(cls, features: Features, funnel: Funnel, outcome: pd.DataFrame | None = None) -> Self:
        """Those of the features; without an outcome nothing is known of their volume."""
        table = volume_table(features, funnel)
        codes = {feature.name for feature in features.catalogue if feature.categorical}
        volume, weight = np.zeros(len(table)), np.zeros(len(table))
        if outcome is not None:
            later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
            covered = outcome["covered_share"].to_numpy(np.float64)
            known = np.isfinite(later) & (covered > 0)
            volume[known] = later[known] / covered[known]
            weight[known] = covered[known]
        return cls(
            groups=Groups.of(features),
            creatives=features.keys.categories("creative_id").texts(),
            table=table,
            codes=[place for place, name in enumerate(table.names) if name in codes],
            volume=volume,
            weight=weight,
        )

    @property
    def paces(self) -> dict[str, Floats]:
        """PACES → (rows,) log1p of the volume per PACE_DAYS; missing at age 0."""
        return {name: self.table[name] for name in PACES}

    def take(self, rows: npt.NDArray[np.int64]) -> Self:
        """These rows."""
        return replace(
            self,
            groups=Groups(self.groups.hours[rows], self.groups.promotion_types[rows]),
            creatives=self.creatives[rows],
            table=self.table.take(rows),
            volume=self.volume[rows],
            weight=self.weight[rows],
        )

    def lgb_set(self, label: Floats, start: Floats, reference: lgb.Dataset | None = None) -> lgb.Dataset:
        """Table and label of the known rows; a validation set takes its training set as reference."""
        known = self.weight > 0
        return lgb.Dataset(
            self.table.matrix[known],
            label=label[known],
            weight=self.weight[known],
            init_score=start[known],
            feature_name=[f"f{place}" for place in range(len(self.table.names))],
            categorical_feature=self.codes,
            reference=reference,
            params={"feature_pre_filter": False, "max_bin": 63, "verbosity": -1, "num_threads": 1},
        )


def volume_table(features: Features, funnel: Funnel) -> FeatureMatrix:
    """What the trees read: features that serve volume, paces, log rates of the funnel and their log products."""
    names = [feature.name for feature in features.catalogue if feature.serves(VOLUME)]
    table = features.values.select(names)
    rates = {stage: posterior.log_rate for stage, posterior in features.posteriors.items()}
    paces = _paces(features)
    more = {**paces, "acceleration": paces["pace_last_day"] - paces["pace_life"]}
    more |= {f"log_rate_{stage}": rate for stage, rate in rates.items()}
    more["log_gmv"] = sum((rates[stage] for stage in funnel.to_gmv or funnel.to_roi), np.zeros(len(table)))
    if funnel.to_gmv and "cost" in rates:
        more["log_roi"] = more["log_gmv"] - rates["cost"]
    return FeatureMatrix((*names, *more), np.column_stack([table, *more.values()]))


def _paces(features: Features) -> dict[str, Floats]:
    days = features.keys.floats("elapsed_hours") / 24
    unknown = np.full(len(days), np.nan)
    known = {name: features.values[name] for name in EARLY_VOLUME if name in features.values}
    life, day, late = (known.get(name, unknown) for name in EARLY_VOLUME)
    volumes = (np.expm1(life), np.expm1(day), np.expm1(life) * late)
    spans = (
        np.maximum(days, SHORTEST_DAYS),
        np.clip(days, SHORTEST_DAYS, 1.0),
        np.maximum(days, SHORTEST_DAYS) / 2,
    )
    return {
        name: np.log1p(np.where(days > 0, volume / span * PACE_DAYS, np.nan))
        for name, volume, span in zip(PACES, volumes, spans)
    }
