"""Predictive distributions: intervals, chances, typical values, hits and the evidence still required.

In: out-of-fold and holdout rows with their predictions (`OutOfSample`). Out: a `PredictiveUncertainty`. Other packages
import from here only; open `interface.py` first, then `distribution.py` and `fit.py`.
"""

from training.uncertainty.distribution import CompoundUncertainty
from training.uncertainty.fit import fit_uncertainty
from training.uncertainty.hits_and_evidence import reached_by
from training.uncertainty.interface import OutOfSample, Predicted, PredictiveUncertainty, RowUncertainty
from training.uncertainty.recalibration import early_volume

__all__ = [
    "OutOfSample",
    "Predicted",
    "PredictiveUncertainty",
    "RowUncertainty",
    "early_volume",
    "fit_uncertainty",
    "reached_by",
    "read_uncertainty",
]


def read_uncertainty(document: dict[str, object]) -> PredictiveUncertainty:
    """The fitted model of a bundle's `uncertainty.json` (`PredictiveUncertainty.document`).

    Raises:
        pydantic.ValidationError: The document was written by another version.
    """
    return CompoundUncertainty.model_validate(document)
