"""Top-10 lists: what was told of them, what came, and how much of the promise was the choice of the highest.

Who is chosen for a high forecast is chosen for its error too. The forecast of a list is corrected by conditional
shrinkage: the expected outcome given the forecast, E[money] = spend · exp(a) · forecast^b, by quasi-Poisson regression
on other creatives' matured answers (cross-fitted, so no list corrects itself). Given the forecast by which a list was
chosen, the choice adds no further bias (Copas 1983; Efron 2011, Tweedie's formula); b < 1 is the winner's curse.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.arrays import Floats, Mask
from training.track_record.matured import RULES
from training.track_record.quality import comparable
from training.track_record.resampling import Figure, Resampling

LIST_LENGTH = 10
LEAST_CANDIDATES = 30
"""Answers of a day below which its first ten are no choice."""
FOLDS = 5
LEAST_TOLD = 0.05
"""Forecasts below are shrunk as this one: the power has no value at 0."""
NORMAL_90 = 1.6449
STEPS = 50
MODEL = "model"
TOP_COLUMNS = ["promotion_type", "by", "lists", "figure", *Figure._fields]


def top_lists(table: pd.DataFrame, draws: Resampling, roi: str) -> pd.DataFrame:
    """The ten highest of each day, by the model's ROI and by simple rules.

    Args:
        table: Of `training.track_record.matured.Matured`.
        draws: Of its rows.
        roi: Main ROI target.

    Returns:
        One row per promotion type, what the list goes by (`model` or a rule) and figure, means by spend: `told` (the
        ROI by which the list was made), `corrected` (after shrinkage), `came`, `others` (what came of all other
        answers of those days), `slope` (b); `lists` is their number.
    """
    if not roi or f"actual_{roi}" not in table:
        return pd.DataFrame(columns=TOP_COLUMNS)
    types, share = table["promotion_type"].to_numpy(), table["share"].to_numpy(np.float64)
    spend = np.nan_to_num(table["spend_cny"].to_numpy(np.float64))
    money = spend * np.nan_to_num(table[f"actual_{roi}"].to_numpy(np.float64))
    known, weight = comparable(table, roi, 0.0), share * spend
    columns = {MODEL: f"predicted_{roi}"} | {rule: f"rule_{rule}" for rule in RULES}
    lines: list[dict[str, object]] = []
    for kind in sorted(set(types)):
        for by, column in columns.items():
            told = table[column].to_numpy(np.float64)
            of_type = (types == kind) & np.isfinite(told)
            days, first = _first_of_each_day(table, of_type, told)
            rows = first & known
            if not rows.any():
                continue
            told = np.nan_to_num(told)
            corrected, slope = shrunk(told, (money, spend, share), draws, of_type & known)
            found = {
                "told": draws.quotient(weight * told, weight, rows),
                "corrected": draws.quotient(weight * corrected, weight, rows),
                "came": draws.quotient(share * money, weight, rows),
                "others": draws.quotient(share * money, weight, days & known & ~first),
                "slope": slope,
            }
            lists = int(table["cutoff"].dt.normalize()[first].nunique())
            about = {"promotion_type": kind, "by": by, "lists": lists}
            lines += [about | {"figure": name} | one._asdict() for name, one in found.items()]
    return pd.DataFrame(lines, columns=TOP_COLUMNS)


def shrunk(told: Floats, came: tuple[Floats, Floats, Floats], draws: Resampling, rows: Mask) -> tuple[Floats, Figure]:
    """Expected ROI given the forecast, by a fit on other creatives; and the power b over all, with its interval.

    Args:
        told: (rows of the table,) forecasts.
        came: Money that came, spend, and the share of each answer that counts, each (rows,).
        draws: Of the rows.
        rows: Answers to fit on and to correct; elsewhere the result is NaN.
    """
    x = np.log(np.maximum(told, LEAST_TOLD))
    fold, found = draws.codes % FOLDS, np.full(len(told), np.nan)
    for number in range(FOLDS):
        level, power = fit_power(x, came, rows & (fold != number))[0]
        own = rows & (fold == number)
        found[own] = np.exp(level + power * x[own])
    (level, power), curvature = fit_power(x, came, rows)
    money, spend, share = came
    rest = np.where(rows, share * (money - spend * np.exp(level + power * x)), 0.0)
    scores = np.stack([np.bincount(draws.codes, rest), np.bincount(draws.codes, rest * x)])
    bread = np.linalg.pinv(curvature)
    error = float(np.sqrt((bread @ (scores @ scores.T) @ bread)[1, 1]))  # by creative: Liang and Zeger 1986
    half = NORMAL_90 * error
    return found, Figure(power, power - half, power + half, int(rows.sum()), len(np.unique(draws.codes[rows])))


def fit_power(
    x: Floats, came: tuple[Floats, Floats, Floats], rows: Mask
) -> tuple[tuple[float, float], npt.NDArray[np.float64]]:
    """Level a and power b of money = spend · exp(a + b · x), by quasi-Poisson, and the curvature (2, 2) there.

    Without any money a is that of nothing and b is 1: the forecasts are scaled alone.
    """
    used = rows & (came[1] > 0)
    (money, spend, share), x = (values[used] for values in came), x[used]
    earned = float((share * money).sum())
    if not earned > 0:
        return (float(np.log(LEAST_TOLD)), 1.0), np.zeros((2, 2))
    power = 1.0
    level = float(np.log(earned / (share * spend * np.exp(x)).sum()))
    for _ in range(STEPS):
        mean = share * spend * np.exp(level + power * x)
        rest = share * money - mean
        curvature = np.array([[mean.sum(), (mean * x).sum()], [(mean * x).sum(), (mean * x * x).sum()]])
        if np.linalg.cond(curvature) > 1e12:  # all forecasts alike
            break
        step = np.clip(np.linalg.solve(curvature, [rest.sum(), (rest * x).sum()]), -1.0, 1.0)
        level, power = level + float(step[0]), power + float(step[1])
        if np.abs(step).max() < 1e-8:
            break
    return (level, power), curvature


def _first_of_each_day(table: pd.DataFrame, rows: Mask, score: Floats) -> tuple[Mask, Mask]:
    """Rows of days with enough candidates, and of these the ten highest of each day, each creative once.

    Of the answers to a creative on one day the higher one stands for it.
    """
    frame = pd.DataFrame({"day": table["cutoff"].dt.normalize(), "unit": table["unit"], "score": score})[rows]
    ranked = frame.sort_values("score", ascending=False, kind="stable").drop_duplicates(["day", "unit"])
    ranked = ranked[ranked.groupby("day")["unit"].transform("size") >= LEAST_CANDIDATES]
    best = ranked[ranked.groupby("day").cumcount() < LIST_LENGTH]
    days, first = np.zeros(len(table), dtype=np.bool_), np.zeros(len(table), dtype=np.bool_)
    days[ranked.index], first[best.index] = True, True
    return days, first
