"""Predictive distributions: intervals, chances, hits and the evidence still required.

In: out-of-fold and holdout rows with their predictions (`OutOfSample`). Out: a `PredictiveUncertainty`. Other packages
import from here only; open `interface.py` first, then `fit.py`.
"""

from training.uncertainty.calibrated_hurdles import CalibratedHurdles
from training.uncertainty.covariates import early_volume
from training.uncertainty.fit import fit_uncertainty
from training.uncertainty.interface import OutOfSample, Predicted, PredictiveUncertainty, RowUncertainty

__all__ = [
    "OutOfSample",
    "Predicted",
    "PredictiveUncertainty",
    "RowUncertainty",
    "early_volume",
    "fit_uncertainty",
    "read_uncertainty",
]


def read_uncertainty(document: dict[str, object]) -> PredictiveUncertainty:
    """The fitted model of a bundle's `uncertainty.json` (`PredictiveUncertainty.document`).

    Raises:
        pydantic.ValidationError: The document was written by another version.
    """
    return CalibratedHurdles.model_validate(document)
