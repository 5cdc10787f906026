"""Errors of training and of model files.

configs.errors.GpmcastError
├── TooThinError       the data cannot support a model
├── BundleError        a model's files are missing, changed, or made for other features
├── EngineError        workers cannot be had, or were lost
└── ExplanationError   contributions do not add up to their prediction
"""

from configs.errors import GpmcastError


class TooThinError(GpmcastError):
    """Too few mature creatives, orders or days; the message has what was found, what is needed and the alternative."""


class BundleError(GpmcastError):
    """A model bundle is refused; the message has the file or feature, and what to do."""


class EngineError(GpmcastError):
    """The workers that a run needs cannot be started or reached, do not fit, or were lost."""


class ExplanationError(GpmcastError):
    """Contributions that do not add up to the prediction that they explain."""
