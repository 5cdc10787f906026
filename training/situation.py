"""What is known of a prediction that tells how far off it may be: its size, its age, its evidence, how unsure it is."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import Features
from features.funnel import Plan

Floats = npt.NDArray[np.float64]

AGE_STEPS_HOURS = (0.0, 12.0, 24.0, 72.0)
"""Ages up to each of these are alike, and those beyond the last."""
ABOUT = ("log_impressions", "log_last_day", "last_day_share", "late_half_share", "live_siblings")
"""Features that tell how sure later volume is."""
KIND = "is_"
TREE = "tree_"


def situation(predicted: pd.DataFrame, features: Features, plan: Plan, kinds: Sequence[str]) -> pd.DataFrame:
    """Of each row: what the spread of later volume, and of all rates, depends on.

    Args:
        predicted: Of `CreativeModel.predict`, same rows.
        features: The rows.
        plan: Their funnel.
        kinds: Promotion types of the rows that taught; of others nothing is said.

    Returns:
        In row order: `creative`, `kind` (promotion type), `step` (place in AGE_STEPS_HOURS), `early` (volume so far),
        `log_volume` (log of the predicted later volume), and columns that start with `is_`, `age_`, `about_` and
        `tree_`.
    """
    hours = features.keys["elapsed_hours"].to_numpy(np.float64)
    kind = features.keys["promotion_type"].astype("str").reset_index(drop=True)
    step = np.searchsorted(AGE_STEPS_HOURS, hours)
    values = features.values
    columns: dict[str, object] = {
        "creative": features.keys["creative_id"].astype("str").reset_index(drop=True),
        "kind": kind,
        "step": step,
        "early": early_volume(features),
        "log_volume": _log(predicted[f"later_{plan.volume_of}"]),
    }
    for place in range(len(AGE_STEPS_HOURS) + 1):
        columns[f"age_{place}"] = (step == place).astype(np.float64)
    known = kind.isin(kinds).to_numpy()
    for name in kinds:
        columns[KIND + name] = np.where(known, (kind == name).to_numpy(np.float64), np.nan)
    for name in ABOUT:
        if name in values:
            columns[f"about_{name}"] = values[name].to_numpy(np.float64)
    for feature in features.catalogue:
        # Codes of words and parts of texts are numbered anew by every fit, so they mean nothing across folds.
        if not feature.categorical and feature.unit != "score":
            columns[TREE + feature.name] = values[feature.name].to_numpy(np.float64)
    columns |= {f"{TREE}predicted_{name}": _log(predicted[name]) for name in predicted if name not in features.keys}
    return pd.DataFrame(columns)


def early_volume(features: Features) -> Floats:
    """Impressions (spend, where there are none) so far; 0 where they are not known."""
    if "log_impressions" not in features.values:
        return np.zeros(len(features.values))
    return np.nan_to_num(np.expm1(features.values["log_impressions"].to_numpy(np.float64)))


def of_target(
    frame: pd.DataFrame, predicted: pd.DataFrame, features: Features, plan: Plan, target: str
) -> pd.DataFrame:
    """A situation with what concerns one rate.

    Returns:
        `frame` with `log_predicted`, `log_events` (events expected per unit of later volume), `unsure` (variance of the
        log left by what is known, summed over the target's stages), `own_events` (log1p of the events counted so far
        at its rarest stage).
    """
    stages = stages_of(plan, target)
    rarest = rarest_stage(plan, target)
    unsure = sum((features.starts[name].variance for name in stages), np.zeros(len(frame)))
    return frame.assign(
        log_predicted=_log(predicted[target]),
        log_events=log_events(predicted, plan, target),
        unsure=np.log(np.maximum(unsure, 1e-9)),
        own_events=np.log1p(np.nan_to_num(features.starts[rarest].own_events)),
    )


def stages_of(plan: Plan, target: str) -> list[str]:
    """Names of the stages that a rate is made of."""
    if target.endswith("roi") and not plan.to_gmv:
        names = list(plan.to_roi)
    else:
        names = [*plan.to_gmv, *(["cost"] if target.endswith("roi") else [])]
    return names + (["keep"] if target.startswith("net_") and plan.has("keep") else [])


def rarest_stage(plan: Plan, target: str) -> str:
    """The stage whose events are the fewest, and so decide how sure the rate is: orders where they are counted."""
    names = stages_of(plan, target)
    return "order" if "order" in names else names[-1] if not plan.to_gmv else plan.to_gmv[-1]


def log_events(predicted: pd.DataFrame, plan: Plan, target: str) -> Floats:
    """Log of the events expected per unit of later volume: orders (kept ones, of a net target), else CNY earned."""
    names = stages_of(plan, target)
    if "order" in names:
        counted = [name for name in names if name in ("click", "order", "keep")]
    else:
        counted = [name for name in names if name != "cost"]
    return sum((_log(predicted[name]) for name in counted), np.zeros(len(predicted)))


def _log(values: pd.Series) -> Floats:
    return np.log(np.maximum(values.to_numpy(np.float64), 1e-12))
