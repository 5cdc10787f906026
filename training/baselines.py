"""The rules to beat, on the same rows: what is so goes on, and empirical Bayes alone."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import Features
from features.funnel import Plan
from training.model import CreativeModel
from training.stages import compose

Floats = npt.NDArray[np.float64]

DAY_HOURS = 24.0


def carry_forward(observed: pd.DataFrame, features: Features, model: CreativeModel, outcome_days: int) -> pd.DataFrame:
    """Each target as it stands at the cutoff, carried on; where nothing is counted yet, the market's.

    Later volume is the pace of the last day (of the hours so far, in a life under a day) over the whole window; at
    age 0, the mean volume of the model's start.

    Returns:
        One column per target of the plan, in row order.
    """
    plan = model.fitted.plan
    market = compose(
        {
            **{name: np.log(begin.market) for name, begin in features.starts.items()},
            "volume": model.volume.log_volume(features),
        },
        plan,
        features.reference_price,
    )
    carried = {}
    for target in plan.targets:
        own = _pace(observed, plan, outcome_days) if target.startswith("later_") else _so_far(observed, target)
        carried[target] = np.where(np.isnan(own), market[target].to_numpy(np.float64), own)
    return pd.DataFrame(carried)


def empirical_bayes(features: Features, model: CreativeModel) -> pd.DataFrame:
    """Each target from the start alone, without trees."""
    return model.predict(features, trees=False)[model.fitted.plan.targets]


def _so_far(observed: pd.DataFrame, target: str) -> Floats:
    def early(name: str) -> Floats:
        column = f"early:{name}"
        return observed[column].to_numpy(np.float64) if column in observed else np.full(len(observed), np.nan)

    money = early("settled_net_cny" if target.startswith("net_") else "gmv_cny")
    base = early("impressions") / 1000.0 if target.endswith("gpm") else early("spend_cny")
    return np.divide(money, base, out=np.full_like(base, np.nan), where=base > 0)


def _pace(observed: pd.DataFrame, plan: Plan, outcome_days: int) -> Floats:
    hours = np.minimum(observed["elapsed_hours"].to_numpy(np.float64), DAY_HOURS)
    last = observed[f"last_day:{plan.volume_of}"].to_numpy(np.float64)
    return np.divide(last * outcome_days * DAY_HOURS, hours, out=np.full_like(hours, np.nan), where=hours > 0)
