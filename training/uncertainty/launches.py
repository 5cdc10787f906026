"""What creatives were predicted at their launch: the reference among which a waiting creative has its place.

The place is stored with the model instead of being found among the candidates of a list, so that a creative alone has
the place that it has in company.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict

from features.arrays import Floats
from features.funnel import Funnel
from training.uncertainty.interface import OutOfSample

LEVELS = np.linspace(0.0, 1.0, 201)
"""Levels of the quantiles that are kept."""


class LaunchPredictions(BaseModel):
    """Quantiles of the main ROI as predicted at launch.

    Attributes:
        quantiles: Promotion type → (len(LEVELS),) rising, at LEVELS; types with too few launches are absent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    quantiles: Mapping[str, tuple[float, ...]]

    def place(self, roi: Floats, promotion_types: npt.NDArray[np.object_]) -> Floats:
        """(rows,) Share of launch predictions of each row's type that lie below its own; NaN where too few are known.

        Args:
            roi: (rows,) Predicted main ROI.
            promotion_types: (rows,)
        """
        found = np.full(len(roi), np.nan)
        for name in self._tables.keys() & promotion_types.tolist():
            mine = promotion_types == name
            found[mine] = np.interp(roi[mine], self._tables[name], LEVELS)
        return found

    @cached_property
    def _tables(self) -> dict[str, Floats]:
        return {name: np.array(quantiles) for name, quantiles in self.quantiles.items()}


def fit_launches(rows: Sequence[OutOfSample], funnel: Funnel, min_rows: int) -> LaunchPredictions:
    """Take the quantiles from out-of-sample rows at age 0.

    Args:
        rows: Out-of-sample rows of any age.
        funnel: Of the models that predicted them.
        min_rows: Rows at age 0 that a promotion type needs.
    """
    if not funnel.main_roi:
        return LaunchPredictions(quantiles={})
    at_launch = [part.features.keys.floats("elapsed_hours") == 0.0 for part in rows]
    roi = np.concatenate(
        [part.predicted[funnel.main_roi].to_numpy(np.float64)[own] for part, own in zip(rows, at_launch)]
    )
    types = np.concatenate(
        [part.features.keys.categories("promotion_type").texts()[own] for part, own in zip(rows, at_launch)]
    )
    found: dict[str, tuple[float, ...]] = {}
    for name in sorted(set(types.tolist())):
        mine = roi[(types == name) & np.isfinite(roi)]
        if len(mine) >= min_rows:
            found[str(name)] = tuple(np.quantile(mine, LEVELS).tolist())
    return LaunchPredictions(quantiles=found)
