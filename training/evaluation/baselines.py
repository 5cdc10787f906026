"""The rules to beat, on the same rows: what is so goes on, and empirical Bayes alone."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS, Funnel
from features.matrix.feature_matrix import Features, Fitted, build_features
from training.boosting.model import CreativeModel
from training.boosting.stage_targets import compose

Floats = npt.NDArray[np.float64]

DAY_HOURS = 24.0


def carry_forward(observed: pd.DataFrame, features: Features, model: CreativeModel, outcome_days: int) -> pd.DataFrame:
    """Each target as it stands at the cutoff, carried on; where nothing is counted yet, the market's.

    Later volume is the pace of the last day (of the hours so far, in a life under a day) over the whole window; at
    age 0, the mean volume of the model's start.

    Returns:
        One column per target of the funnel, in row order.
    """
    funnel = model.fitted.funnel
    market = compose(
        {
            **{name: np.log(begin.market_rate) for name, begin in features.posteriors.items()},
            "volume": model.volume.log_volume(features),
        },
        funnel,
        features.reference_price,
    )
    carried = {}
    for target in funnel.targets:
        if TARGETS[target].is_volume:
            own = _pace(observed, funnel, outcome_days)
        elif TARGETS[target].net:
            own = _net_so_far(observed, target, market)
        else:
            own = _divide(_early(observed, "gmv_cny"), _base(observed, target))
        carried[target] = np.where(np.isnan(own), market[target].to_numpy(np.float64), own)
    return pd.DataFrame(carried)


def empirical_bayes(observed: pd.DataFrame, bayes: Fitted, model: CreativeModel) -> pd.DataFrame:
    """Each target from empirical Bayes alone, without mixed model and trees.

    Args:
        observed: Counts of the rows.
        bayes: Priors of empirical Bayes from the same training rows.
        model: Whose start of later volume is taken.
    """
    alone = CreativeModel(fitted=bayes, volume=model.volume, boosters={}, columns={})
    return alone.predict(build_features(observed, bayes))[bayes.funnel.targets]


def _net_so_far(observed: pd.DataFrame, target: str, market: pd.DataFrame) -> Floats:
    kept = _divide(_early(observed, "settled_net_cny"), _early(observed, "settled_gmv_cny"))
    if "keep" not in market:
        return _divide(_early(observed, "settled_net_cny"), _early(observed, "settled_spend_cny"))
    # Net money stands later than all else: gross money so far, times the share kept so far (else the market's).
    kept = np.where(np.isnan(kept), market["keep"].to_numpy(np.float64), kept)
    return _divide(_early(observed, "gmv_cny"), _base(observed, target)) * kept


def _base(observed: pd.DataFrame, target: str) -> Floats:
    return _early(observed, TARGETS[target].exposure) / TARGETS[target].scale


def _early(observed: pd.DataFrame, name: str) -> Floats:
    column = f"early:{name}"
    return observed[column].to_numpy(np.float64) if column in observed else np.full(len(observed), np.nan)


def _divide(top: Floats, below: Floats) -> Floats:
    return np.divide(top, below, out=np.full_like(below, np.nan), where=below > 0)


def _pace(observed: pd.DataFrame, funnel: Funnel, outcome_days: int) -> Floats:
    hours = np.minimum(observed["elapsed_hours"].to_numpy(np.float64), DAY_HOURS)
    last = observed[f"last_day:{funnel.volume_of}"].to_numpy(np.float64)
    return np.divide(last * outcome_days * DAY_HOURS, hours, out=np.full_like(hours, np.nan), where=hours > 0)
