"""The protocols that other packages use: one for a fitted model of uncertainty, one for the distributions of rows.

Another method of intervals is one more class that satisfies `PredictiveUncertainty`, and a line in `__init__.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.funnel import Funnel
from features.matrix.feature_matrix import Features

Predicted: TypeAlias = pd.DataFrame | Mapping[str, Floats]
"""Stage rates and targets by name, as `training.boosting.model.predicted_values` returns them."""


@dataclass(frozen=True)
class OutOfSample:
    """Rows that a model was not fitted on, all later than its training rows: out-of-fold rows or the holdout.

    Attributes:
        predicted: Of the model (`CreativeModel.predict`).
        features: Of the same rows, encoded by that model.
        outcome: Their outcomes (`training.labels.outcomes`).
    """

    predicted: pd.DataFrame
    features: Features
    outcome: pd.DataFrame


class RowUncertainty(Protocol):
    """The predictive distributions of some rows; arrays are (rows,). NaN: not calibrated, not known."""

    @property
    def intervals(self) -> Mapping[str, Floats]:
        """`<target>_low` and `<target>_high` of every target: the narrowest interval (of log1p) that holds the level.

        It starts at 0 where an outcome of 0 is likely; then only what lies above its upper end is left out.
        """
        ...

    def levels(self, target: str) -> Floats:
        """(rows,) Level at which the intervals of a target are computed: higher than nominal where few calibrated it.

        What is promised is the nominal level (`PredictiveUncertainty.level`).
        """
        ...

    def median(self, target: str) -> Floats:
        """(rows,) The median, always inside the interval."""
        ...

    def typical(self, target: str) -> Floats:
        """(rows,) The mean of log1p, transformed back by expm1: what ranks creatives by their outcomes.

        Not for sums of money: those are the predicted (expected) values.
        """
        ...

    def chance(self, threshold: Floats | float, target: str = "") -> Floats:
        """(rows,) P(target ≥ threshold); threshold: a number or (rows,); target: by default the main ROI."""
        ...

    def cdf(self, values: Floats, target: str) -> Floats:
        """(rows, values) P(target ≤ value) of a calibrated target, at non-negative values (values,)."""
        ...

    def support(self, target: str) -> tuple[float, float]:
        """Values above 0 between which nearly all of a calibrated target's distribution above 0 lies, over all rows."""
        ...

    def rate_variance(self, target: str) -> Floats:
        """(rows,) Variance of the log of the true rate, without the chance of single orders; NaN: not calibrated."""
        ...

    def rate_chance(self, threshold: Floats, target: str = "") -> Floats:
        """(rows,) P(true rate ≥ threshold): what a creative would show with any amount of traffic.

        `chance` is about one outcome window, in which few orders decide. Arguments are those of `chance`.
        """
        ...

    def hit_chance(self) -> Floats:
        """(rows,) P(the creative is a hit in its outcome window)."""
        ...

    def chances(self, threshold: Floats | float) -> tuple[Floats, Floats]:
        """`chance` of the main ROI and `hit_chance`, in one step."""
        ...

    def comparable_creatives(self, target: str = "") -> npt.NDArray[np.int64]:
        """Creatives whose outcomes calibrated the group of each row; 0 where the target is not calibrated."""
        ...

    def required_evidence(self, distinguish_probability: float) -> dict[str, Floats]:
        """What two creatives like each row's still need until they are ranked rightly with this probability.

        Returns:
            `own_events` counted so far, `more_events` needed, and the expected `more_cny` (spend) and `more_volume`
            (impressions; spend where there are none) that bring them. All are finite, but for `more_cny`: NaN where
            the cost of traffic is not known.
        """
        ...

    def spend_until_decided(
        self, threshold: Floats, below: float, above: float, probability: float
    ) -> Mapping[str, Floats]:
        """`rate_chance` of the main ROI, and what is missing until it is at most `below` or at least `above`.

        Args:
            threshold: (rows,) ROI to reach.
            below, above: Chances that decide.
            probability: With which one of them is reached then.

        Returns:
            `rate_chance` itself, `decide_events` (of `evidence_stage`) and `decide_cny` (the spend that brings them),
            each (rows,): the last two are 0 where it is decided, infinite where no amount of data decides with this
            probability, NaN where not calibrated.
        """
        ...

    def place_at_launch(self) -> Floats:
        """(rows,) Share of launch predictions of its promotion type (out of sample) whose main ROI lies below a row's.

        NaN where too few launches are known. It is a creative's rank among candidates, whichever they are.
        """
        ...


class PredictiveUncertainty(Protocol):
    """How far the predictions of a model are off, calibrated on rows that it was not fitted on.

    What is stated of a rate holds for a creative that gets at least `min_volume` in its outcome window; what is stated
    of volume and hits holds for all.
    """

    @property
    def funnel(self) -> Funnel:
        """Of the model."""
        ...

    @property
    def level(self) -> float:
        """Share of outcomes that intervals are to hold."""
        ...

    @property
    def min_volume(self) -> float:
        """Later impressions (spend where there are none) from which on rates are calibrated."""
        ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Calibrated targets: rates in the funnel's order, then later volume."""
        ...

    @property
    def calibration_rows(self) -> Mapping[str, int]:
        """Target → rows that could calibrate it; also of targets that had too few."""
        ...

    @property
    def hit_measure(self) -> str:
        """What hits are ranked by: `net_gmv`, `gmv` or `volume`; empty where too few hits were seen."""
        ...

    @property
    def hit_thresholds(self) -> Mapping[str, float]:
        """Promotion type → what a hit reaches by that measure in its window; empty where too few hits were seen."""
        ...

    @property
    def evidence_stage(self) -> str:
        """The stage whose events `required_evidence` counts."""
        ...

    def hits(self, outcome: pd.DataFrame, promotion_types: pd.Series) -> Floats:
        """(rows,) 1 where an outcome is a hit of its promotion type, 0 where not, NaN where that is not known."""
        ...

    def of(self, predicted: Predicted, features: Features) -> RowUncertainty:
        """The distributions of these rows; what several questions need is computed once."""
        ...

    def document(self) -> dict[str, object]:
        """As JSON, exact to the last bit; `training.uncertainty.read_uncertainty` reads it."""
        ...
