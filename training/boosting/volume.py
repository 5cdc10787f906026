"""Head of later volume: for now a Tweedie regression without trees."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Trees
from features.funnel import Funnel
from features.matrix.feature_matrix import Features
from training.boosting.volume_offset import VolumeOffset, fit_volume

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class VolumeHead:
    """The fitted head."""

    offset: VolumeOffset
    booster: lgb.Booster | None = None

    def log_expected(self, features: Features) -> Floats:
        """(rows,) Log of the volume expected over a whole outcome window."""
        return self.offset.log_volume(features)

    def document(self) -> dict[str, object]:
        """As plain JSON."""
        return self.offset.model_dump(mode="json")

    @classmethod
    def from_document(cls, document: Mapping[str, object], booster: lgb.Booster | None, funnel: Funnel) -> Self:
        """The head of `document`."""
        return cls(VolumeOffset.model_validate(document), booster)


def fit_volume_head(
    features: Features, outcome: pd.DataFrame, funnel: Funnel, trees: Trees, rounds: int, seed: int = 0
) -> VolumeHead:
    """Fit the head on training rows."""
    later = outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    return VolumeHead(fit_volume(features, later, outcome["covered_share"].to_numpy(np.float64)))
