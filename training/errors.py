"""What can be wrong with training or with a model's files.

configs.errors.GpmcastError
├── TooThinError       the data cannot support a model
├── BundleError        a model's files are missing, changed, or made for other features
├── EngineError        workers cannot be had, or were lost
└── ExplanationError   contributions do not add up to their prediction
"""

from configs.errors import GpmcastError


class TooThinError(GpmcastError):
    """Too few mature creatives, orders or days; says what is there, what is needed and what can be had instead."""


class BundleError(GpmcastError):
    """A model bundle that is refused; says which file or feature, and what to do."""


class EngineError(GpmcastError):
    """The workers that a run asked for cannot be had, cannot take part, or were lost."""


class ExplanationError(GpmcastError):
    """Contributions that do not add up to the prediction that they explain."""
