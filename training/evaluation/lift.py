"""What would one have got by taking the best predicted first? Lift by tenth, and the share gained so far."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.evaluation.bootstrap import band, creative_draws
from training.evaluation.holdout_frame import PARTS, judged_rows, judged_targets
from training.evaluation.metrics import ALL_AGES, LEAST_ROWS

Floats = npt.NDArray[np.float64]

IDEAL = "ideal"
"""Who knew what came."""
TENTHS = 10
COLUMNS = ["target", "age_hours", "method", "tenth", "rows", "gained", "gained_low", "gained_high", "lift"]


def lift(beside: pd.DataFrame, least_volume: float, *, draws: int = 200, seed: int = 7) -> pd.DataFrame:
    """Lift and cumulative gain of each method, and of who knew the outcome.

    Rows are taken from the highest prediction down, equal ones alike, until the next tenth of the exposure is used up:
    impressions of a GPM, spend of an ROI, creatives of a volume. Nothing is learned from how much *more* exposure
    would have brought.

    Args:
        beside: As of `training.evaluation.holdout.judge`.
        least_volume: Later volume from which a row's rates are compared (`evaluate.min_impressions`).
        draws: Of the bootstrap over creatives; every method sees the same ones.
        seed: Of the bootstrap.

    Returns:
        A row per target, age (ALL_AGES for all together), method and tenth (1 the best predicted): `rows` of that age,
        `gained` (share of all that came, in the tenths so far) with `_low` and `_high`, and `lift` (what came in this
        tenth over the mean tenth). Ages of fewer than LEAST_ROWS rows, or at which nothing came, are left out.
    """
    lines = []
    for target in judged_targets(beside):
        known = judged_rows(beside, target, least_volume)
        for age in [ALL_AGES, *sorted(beside["age_hours"].unique())]:
            rows = beside[known if age == ALL_AGES else known & (beside["age_hours"] == age).to_numpy()]
            truth, exposure = (rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
            if len(rows) < LEAST_ROWS or not (truth * exposure).sum() > 0:
                continue
            drawn = np.vstack([np.ones((1, len(rows))), creative_draws(rows, draws, seed)])
            scores = {method: rows[f"{part}_{target}"] for method, part in PARTS.items() if f"{part}_{target}" in rows}
            for method, score in {**scores, IDEAL: rows[f"actual_{target}"]}.items():
                curve = gained(score.to_numpy(np.float64), drawn * exposure, truth)
                steps = np.diff(curve[0], prepend=0.0) * TENTHS
                for tenth, step in enumerate(steps, start=1):
                    low, high = band(curve[1:, tenth - 1])
                    about = {"target": target, "age_hours": age, "method": method, "tenth": tenth, "rows": len(rows)}
                    value = float(curve[0, tenth - 1])
                    lines.append(about | {"gained": value, "gained_low": low, "gained_high": high, "lift": float(step)})
    return pd.DataFrame(lines, columns=COLUMNS)


def gained(score: Floats, cost: Floats, rate: Floats) -> Floats:
    """Share of Σ rate · cost that the first one, two … ten tenths of the cost bring, the highest scores first.

    Args:
        score: Of each row; rows of equal score are taken alike.
        cost: Draws × rows.
        rate: What each row brings per cost.

    Returns:
        Draws × TENTHS; NaN where a draw brings nothing.
    """
    values, place = np.unique(-score, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(values)))

    def running(amount: Floats) -> Floats:
        sums = np.add.reduceat(amount[:, order], edges, axis=1)
        return np.concatenate([np.zeros((len(amount), 1)), np.cumsum(sums, axis=1)], axis=1)

    used, brought = running(cost), running(cost * rate)
    found = np.full((len(cost), TENTHS), np.nan)
    shares = np.arange(1, TENTHS + 1) / TENTHS
    for draw, (spent, got) in enumerate(zip(used, brought)):
        if got[-1] > 0:
            found[draw] = np.interp(shares * spent[-1], spent, got) / got[-1]
    return found
