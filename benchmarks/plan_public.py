"""Rules for stopping on public display ads by day: what the ads earned after they were called below target.

The truth is not known: a call is contradicted where the ROI of all later days is at target or above. Amounts are
disguised, so the target is the ROI of all ads together, and rules in CNY cannot be tried.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from configs.decision_settings import PlanSettings
from features.arrays import Floats, Mask
from training.decision.plan.dispersion import day_pairs, upper_bounds
from training.decision.plan.evidence import log_e_below

FILE = "display_ads_daily.csv.gz"

LEAST_DAYS = 14
SETTINGS = PlanSettings()


def public_table(folder: Path) -> pd.DataFrame:
    """One row per rule: ads called below target, how many of these calls later days contradict, and spend after them.

    Args:
        folder: Of the public data sets.
    """
    if not (folder / FILE).exists():
        return pd.DataFrame({"public data": [f"{FILE} is not in {folder}"]})
    days = pd.read_csv(folder / FILE).sort_values(["ad_id", "date"])
    target = float(days["gmv"].sum() / days["cost"].sum())
    value = float(days["gmv"].sum() / days["conversions"].sum())
    ads = [ad[["cost", "gmv", "conversions"]].to_numpy(np.float64) for _, ad in days.groupby("ad_id")]
    ads = [ad for ad in ads if len(ad) >= LEAST_DAYS and ad[:, 0].sum() > 0]
    uneven = _dispersion(days, value)
    rules = {
        "plan": lambda spend, money, orders: _planned(spend, money, target, value * uneven),
        "3 × CPA without an order": lambda spend, money, orders: (orders == 0) & (spend >= 3.0 * value / target),
        "ROI below target after 3 × CPA": lambda spend, money, orders: (
            (spend >= 3.0 * value / target) & (money < target * spend)
        ),
    }
    return pd.DataFrame([_line(ads, target, name, rule) for name, rule in rules.items()])


def _dispersion(days: pd.DataFrame, value: float) -> float:
    """Bound on the index of the money of all ads together, in order values."""
    units, ads = pd.factorize(days["ad_id"])
    numbers = pd.to_datetime(days["date"]).to_numpy("datetime64[D]").astype(np.int64)
    money, spend = (days[name].to_numpy(np.float64) for name in ("gmv", "cost"))
    top, below = day_pairs(units.astype(np.int64), numbers, money / value, spend, len(ads))
    return float(upper_bounds(np.zeros(len(ads), dtype=np.int64), top, below)[0])


def _planned(spend: Floats, money: Floats, target: float, unit: float) -> Mask:
    """The plan's rule."""
    return np.asarray(log_e_below(money / unit, target * spend / unit) >= -np.log(SETTINGS.false_stop))


def _line(
    ads: list[Floats], target: float, name: str, rule: Callable[[Floats, Floats, Floats], Mask]
) -> dict[str, object]:
    """Figures of one rule; every ad is (days, 3) of cost, gmv, conversions."""
    called = contradicted = 0
    low = saved = lost_gain = 0.0
    for ad in ads:
        so_far = ad.cumsum(axis=0)
        calls = np.flatnonzero(rule(so_far[:, 0], so_far[:, 1], so_far[:, 2]))
        under = so_far[-1, 1] < target * so_far[-1, 0]
        low += so_far[-1, 0] if under else 0.0
        if len(calls) and calls[0] < len(ad) - 1:
            later = ad[calls[0] + 1 :].sum(axis=0)
            called += 1
            contradicted += int(later[1] >= target * later[0] > 0)
            saved += later[0] if under else 0.0
            lost_gain += later[1] - target * later[0]
    everything = sum(ad[:, 0].sum() for ad in ads)
    return {
        "rule": name,
        "ads": len(ads),
        "called below": called,
        "contradicted later": f"{contradicted / max(called, 1):.2f}",
        "spend of ads below target saved": f"{saved / max(low, 1e-9):.2f}",
        "gain stopped per 1 of spend": f"{lost_gain / everything:,.0f}",
    }
