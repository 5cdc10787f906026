"""A state of the mixed model as plain data, and back."""

from typing import Any

import numpy as np
import pandas as pd

from features.funnel_model.model import FunnelModel, StageModel
from features.funnel_model.terms import Terms


def to_document(state: FunnelModel) -> dict[str, Any]:
    """What JSON can hold of a state: every number comes back as it was, to the last bit."""
    return {
        "origin": state.origin.isoformat(),
        "terms": state.terms.model_dump(mode="json"),
        "relative": dict(state.relative),
        "stages": {
            name: {
                "intercept": stage.intercept,
                "own": stage.own,
                "dispersion": stage.dispersion,
                "effects": {term: effect.tolist() for term, effect in stage.effects.items()},
                "variances": {term: variance.tolist() for term, variance in stage.variances.items()},
                "spreads": dict(stage.spreads),
            }
            for name, stage in state.stages.items()
        },
    }


def from_document(document: dict[str, Any]) -> FunnelModel:
    """The state that a document tells of.

    Raises:
        KeyError, TypeError, ValueError: It tells of none.
    """
    return FunnelModel(
        origin=pd.Timestamp(document["origin"]),
        terms=Terms.model_validate(document["terms"]),
        relative=document["relative"],
        stages={
            name: StageModel(
                intercept=stage["intercept"],
                own=stage["own"],
                dispersion=stage["dispersion"],
                effects={term: np.array(effect, dtype=np.float64) for term, effect in stage["effects"].items()},
                variances={term: np.array(part, dtype=np.float64) for term, part in stage["variances"].items()},
                spreads=stage["spreads"],
            )
            for name, stage in document["stages"].items()
        },
    )
