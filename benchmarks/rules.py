"""Rules by which teams decide without a model, as scores for a replay and, of ROI, as forecasts.

All use what a report shows at the cutoff: money, spend and orders so far. Thresholds are those of real teams.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats
from features.funnel import Funnel
from features.targets import TARGETS
from training.evaluation.metrics import ratio

LEAST_SPEND_CNY = 50.0
"""Below this spend a creative is ignored."""
PRIOR_SPEND_CNY = 200.0
"""Weight of the cohort's median ROI, in CNY of a creative's own spend."""
EXPLORE_ORDERS = 1.5
"""Spend before a creative is evaluated, in multiples of the value of an order."""
STOP_SPEND_CNY = 50.0
STOP_DAY_CNY = 100.0
BOOST_SPEND_CNY = 500.0
BOOST_ROI = 2.0
FADED = 0.5
ROTATE_HOURS = 7 * 24.0
DAY_HOURS = 24.0
RECENT_DAYS = 3.0
COHORT = ["promotion_type", "age_hours"]


def own_roi(observed: pd.DataFrame, part: str = "early") -> Floats:
    """ROI so far, after refunds where they are known, one per row; NaN before the first spend.

    Net gmv is known later than gross gmv, so the net share of settled gmv is applied to all gmv.
    """
    spend, gross = _of(observed, f"{part}:spend_cny"), _of(observed, f"{part}:gmv_cny")
    kept = ratio(_of(observed, f"{part}:settled_net_cny"), _of(observed, f"{part}:settled_gmv_cny"))
    return ratio(gross * np.where(np.isnan(kept), 1.0, kept), spend)


def cohort_median(observed: pd.DataFrame, cohort: pd.DataFrame) -> Floats:
    """Median ROI of the cohort's creatives of the same promotion type and age, without those ignored.

    Args:
        observed: Counts at the cutoff of the rows to score.
        cohort: The same of the training rows. An age without a cohort takes its type's median, a type without one that
            of all rows.
    """
    known = cohort[COHORT].assign(roi=own_roi(cohort))[_of(cohort, "early:spend_cny") >= LEAST_SPEND_CNY]
    everyone = float(known["roi"].median()) if len(known) else 1.0
    of_type = observed["promotion_type"].map(known.groupby("promotion_type")["roi"].median()).fillna(everyone)
    median = known.groupby(COHORT)["roi"].median().rename("median")
    found = observed[COHORT].join(median, on=COHORT)["median"]
    return found.fillna(of_type).to_numpy(np.float64)


def shrunk_roi(observed: pd.DataFrame, cohort: pd.DataFrame) -> Floats:
    """ROI so far, shrunk to the cohort's median with the weight of PRIOR_SPEND_CNY."""
    spend = np.nan_to_num(_of(observed, "early:spend_cny"))
    own = np.nan_to_num(own_roi(observed))
    return (own * spend + cohort_median(observed, cohort) * PRIOR_SPEND_CNY) / (spend + PRIOR_SPEND_CNY)


def plain_roi(observed: pd.DataFrame, cohort: pd.DataFrame) -> Floats:
    """ROI so far from LEAST_SPEND_CNY of spend on; below it the cohort's median."""
    enough = _of(observed, "early:spend_cny") >= LEAST_SPEND_CNY
    return np.where(enough, np.nan_to_num(own_roi(observed)), cohort_median(observed, cohort))


def team_forecasts(observed: pd.DataFrame, cohort: pd.DataFrame, funnel: Funnel) -> dict[str, pd.DataFrame]:
    """Forecasts of the ROI targets by the rules that have one: rule → a column per target, a row per observed row."""
    rois = [target for target in funnel.targets if TARGETS[target].is_roi]
    forecasts = {"teams: ROI so far": plain_roi, "teams: shrunk ROI": shrunk_roi} if rois else {}
    return {name: pd.DataFrame(dict.fromkeys(rois, rule(observed, cohort))) for name, rule in forecasts.items()}


def stopped(observed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether to stop: STOP_SPEND_CNY without an order, or three days of STOP_DAY_CNY without one."""
    orders = _of(observed, "early:orders") if "early:orders" in observed else _of(observed, "early:gmv_cny")
    recent = _of(observed, "last_days:orders") if "last_days:orders" in observed else _of(observed, "last_days:gmv_cny")
    never = (_of(observed, "early:spend_cny") >= STOP_SPEND_CNY) & (orders == 0)
    lived = observed["elapsed_hours"].to_numpy(np.float64) >= RECENT_DAYS * DAY_HOURS
    dry = lived & (_of(observed, "last_days:spend_cny") >= RECENT_DAYS * STOP_DAY_CNY) & (recent == 0)
    return never | dry


def boosted(observed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether to boost: more than BOOST_SPEND_CNY in three days (later: in its life) at an ROI above BOOST_ROI."""
    return (_of(observed, "early:spend_cny") > BOOST_SPEND_CNY) & (np.nan_to_num(own_roi(observed)) > BOOST_ROI)


def exploring(observed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether it is too early to decide: spend below EXPLORE_ORDERS times the value of an order (price if known)."""
    value = _of(observed, "price_cny") if "price_cny" in observed else np.full(len(observed), np.nan)
    usual = ratio(_of(observed, "early:gmv_cny").sum(keepdims=True), _of(observed, "early:orders").sum(keepdims=True))
    value = np.where(value > 0, value, np.nan_to_num(usual, nan=LEAST_SPEND_CNY))
    return np.nan_to_num(_of(observed, "early:spend_cny")) < EXPLORE_ORDERS * value


def faded(observed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether ROI of the last three days is at most FADED of its life's (teams compare seven days with the peak)."""
    life, recent = own_roi(observed), own_roi(observed, "last_days")
    return np.nan_to_num(recent, nan=np.inf) <= FADED * np.nan_to_num(life)


def rotated(observed: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether it is older than seven days."""
    return observed["elapsed_hours"].to_numpy(np.float64) > ROTATE_HOURS


def rule_scores(observed: pd.DataFrame, cohort: pd.DataFrame) -> Mapping[str, Floats]:
    """Rule → a score per row: higher scores are funded first; ties share a budget equally.

    Args:
        observed: Counts at the cutoff (`features.point_in_time.counts`), with spend and money.
        cohort: The same of the training rows.
    """
    stop, boost, explore = stopped(observed), boosted(observed), exploring(observed)
    shrunk = shrunk_roi(observed, cohort)
    factor = np.where(faded(observed) & (shrunk > 0), FADED, 1.0)
    top = float(shrunk.max(initial=0.0)) + 1.0
    return {
        "spend so far": np.nan_to_num(_of(observed, "early:spend_cny")),
        "ROI so far, from 50 CNY": plain_roi(observed, cohort),
        "shrunk ROI": shrunk,
        "stop without orders": 1.0 - stop,
        "boost winners": 1.0 + boost,
        "explore, then decide": np.where(explore, top, shrunk),
        "rotate after 7 days": 1.0 - rotated(observed),
        "all rules": np.where(stop & ~explore, -1.0, np.where(boost, top, 0.0) + shrunk * factor),
    }


def _of(observed: pd.DataFrame, name: str) -> Floats:
    return observed[name].to_numpy(np.float64) if name in observed else np.full(len(observed), np.nan)
