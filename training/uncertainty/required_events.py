"""How much more a creative must run until it can be told from another like it.

A stage's own counts of u events leave φ/(u + K) of variance on the log scale, K being φ over what is not known before a
creative runs. The counted difference of two candidates then correlates with the true one by r, r² = u/(u + K), and
their order is right with probability ½ + arcsin(r)/π. So told apart with probability p means u = K · r²/(1 − r²) with
r = sin(π(p − ½)): 1.9 K for 80 %.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import BaseModel, ConfigDict

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features
from training.uncertainty.covariates import Logs, Predicted, log_events, logs_of, rarest_stage

Floats = npt.NDArray[np.float64]


class Evidence(BaseModel):
    """The stage that decides how sure a rate is, and its noise.

    Attributes:
        target: The rate.
        stage: Its rarest stage.
        dispersion: φ: variance of the log that one event leaves.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str
    stage: str
    dispersion: float

    def needed(
        self, predicted: Predicted, features: Features, funnel: Funnel, distinguish_probability: float
    ) -> pd.DataFrame:
        """What is still missing until two creatives like each row's are told apart, as a frame (`figures`)."""
        return pd.DataFrame(self.figures(logs_of(predicted, features), features, funnel, distinguish_probability))

    def figures(
        self, logs: Logs, features: Features, funnel: Funnel, distinguish_probability: float
    ) -> dict[str, Floats]:
        """What is still missing until two creatives like each row's are told apart with this probability.

        Returns:
            In row order: `own_events` so far, `more_events`, and `more_cny`, the spend (NaN where the data do not tell
            what traffic costs) and `more_volume` (impressions; spend where there are none) expected to bring them.
        """
        posterior = features.posteriors[self.stage]
        own = np.where(np.isnan(posterior.own_events), 0.0, posterior.own_events)
        unknown = np.maximum(self.dispersion / np.maximum(posterior.variance, 1e-9) - own, 0.0)
        square = float(np.sin(np.pi * (distinguish_probability - 0.5)) ** 2)
        more = np.maximum(unknown * square / (1.0 - square) - own, 0.0)
        per_volume = np.exp(log_events(logs, funnel, TARGETS[self.target].gross.name))
        if self.stage != "order":
            per_volume = _exposure_events(logs, funnel, self.stage)
        volume = more / np.maximum(per_volume, 1e-12)
        cost = np.full(len(own), np.nan)
        if funnel.volume_of == "spend_cny":
            cost = np.ones(len(own))
        elif "cost" in logs:
            cost = np.exp(logs["cost"])
        return {"own_events": own, "more_events": more, "more_cny": volume * cost, "more_volume": volume}


def fit_evidence(features: list[Features], funnel: Funnel, target: str) -> Evidence:
    """φ of the rate's rarest stage, from how variance falls with events: 1/variance = (u + K)/φ."""
    stage = rarest_stage(funnel, target)
    own = np.concatenate([np.nan_to_num(rows.posteriors[stage].own_events) for rows in features])
    sure = np.concatenate([1.0 / np.maximum(rows.posteriors[stage].variance, 1e-9) for rows in features])
    few = own <= np.quantile(own, 0.9)  # at many events what drifts is left, not what was not counted
    own, sure = own[few], sure[few]
    spread = float(np.var(own))
    slope = float(np.mean((own - own.mean()) * (sure - sure.mean()))) / spread if spread > 0 else 1.0
    return Evidence(target=target, stage=stage, dispersion=1.0 / slope if slope > 0 else 1.0)


def _exposure_events(logs: Logs, funnel: Funnel, stage: str) -> Floats:
    """Events per unit of volume of a stage that is made sure by its exposure: clicks, impressions or CNY."""
    events = next(known.events for known in funnel.stages if known.name == stage)
    if events == "clicks" and "click" in logs:
        return np.exp(logs["click"])
    return np.ones(len(logs[funnel.volume_target]))
