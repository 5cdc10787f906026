"""Tables by tenth of prediction: calibration (predicted over actual) and lift (what the best predicted bring)."""

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.targets import TARGETS
from training.evaluation.metrics import (
    ALL_AGES,
    BOOTSTRAP_DRAWS,
    COLUMN_PREFIXES,
    MIN_METRIC_ROWS,
    band,
    comparable_rows,
    evaluated_targets,
    ratio,
    with_observed_sample,
)

WHOLE = 0
"""Value of the column `decile` for all tenths together."""
DECILES = 10
IDEAL = "ideal"
"""Method that ranks by the actual outcome: the upper limit of lift."""
CALIBRATION_COLUMNS = [
    *("target", "age_hours", "decile", "rows", "share", "predicted", "actual"),
    *("total", "total_low", "total_high", "mean", "mean_low", "mean_high"),
]
LIFT_COLUMNS = ["target", "age_hours", "method", "tenth", "rows", "gained", "gained_low", "gained_high", "lift"]


def calibration_table(holdout: pd.DataFrame, least_volume: float, *, draws: int = BOOTSTRAP_DRAWS) -> pd.DataFrame:
    """Compute predicted over actual by tenth of prediction, with bands from a bootstrap over creatives.

    Tenths hold equally many rows and are cut once, on the observed rows: a replicate changes the weights inside a
    tenth, not its limits. With fewer rows than tenths only the whole is computed.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`).
        least_volume: Least later volume of a row that counts for a rate (`evaluate.min_impressions`).
        draws: Bootstrap replicates.

    Returns:
        One row per target, age (ALL_AGES for all together) and decile (1: the lowest predictions; WHOLE: all rows):
        `rows`, `share` (of the target's exposure that these rows hold; volume: of the outcome or of the prediction,
        whichever is larger), `predicted` and `actual` (means weighted by exposure), `total` (ratio of the sums over
        exposure) and `mean` (mean prediction over mean outcome, each row once), both with `_low` and `_high`. NaN where
        the outcomes sum to 0; bands are NaN also on fewer than MIN_METRIC_ROWS rows.
    """
    lines: list[dict[str, object]] = []
    for target in evaluated_targets(holdout):
        known = comparable_rows(holdout, target, least_volume)
        whole = _held(holdout[known], target).sum(axis=1)
        for age in [ALL_AGES, *sorted(holdout["age_hours"].unique())]:
            rows = holdout[known if age == ALL_AGES else known & (holdout["age_hours"] == age).to_numpy(np.bool_)]
            if len(rows):
                about = {"target": target, "age_hours": age}
                lines += [about | line for line in _deciles(rows, target, whole, draws)]
    return pd.DataFrame(lines, columns=CALIBRATION_COLUMNS)


def lift(holdout: pd.DataFrame, least_volume: float, *, draws: int = BOOTSTRAP_DRAWS) -> pd.DataFrame:
    """Compute lift and cumulative gain of each method, and of the ideal ranking by the outcome.

    Rows are taken from the highest prediction down, rows of equal prediction in equal shares, until the next tenth of
    the exposure is used: impressions for a GPM, spend for an ROI, creatives for a volume. The table says nothing about
    what *more* exposure of a creative would have brought.

    Args:
        holdout: A holdout frame (`training.evaluation.metrics`).
        least_volume: Least later volume of a row that counts for a rate (`evaluate.min_impressions`).
        draws: Replicates of the bootstrap over creatives; all methods share them.

    Returns:
        One row per target, age (ALL_AGES for all together), method and tenth (1: the best predicted): `rows` of that
        age, `gained` (share of the total outcome in the tenths so far) with `_low` and `_high`, and `lift` (outcome of
        this tenth over that of the mean tenth). Ages with fewer than MIN_METRIC_ROWS rows or without any outcome are
        left out.
    """
    lines: list[dict[str, object]] = []
    for target in evaluated_targets(holdout):
        known = comparable_rows(holdout, target, least_volume)
        for age in [ALL_AGES, *sorted(holdout["age_hours"].unique())]:
            rows = holdout[known if age == ALL_AGES else known & (holdout["age_hours"] == age).to_numpy(np.bool_)]
            truth, exposure = (rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
            if len(rows) < MIN_METRIC_ROWS or not (truth * exposure).sum() > 0:
                continue
            drawn = with_observed_sample(rows, draws)
            columns = {method: f"{prefix}_{target}" for method, prefix in COLUMN_PREFIXES.items()} | {
                IDEAL: f"actual_{target}"
            }
            for method, column in columns.items():
                if column not in rows:
                    continue
                curve = gained(rows[column].to_numpy(np.float64), drawn * exposure, truth)
                steps = np.diff(curve[0], prepend=0.0) * DECILES
                for tenth, step in enumerate(steps, start=1):
                    low, high = band(curve[1:, tenth - 1])
                    about = {"target": target, "age_hours": age, "method": method, "tenth": tenth, "rows": len(rows)}
                    value = float(curve[0, tenth - 1])
                    lines.append(about | {"gained": value, "gained_low": low, "gained_high": high, "lift": float(step)})
    return pd.DataFrame(lines, columns=LIFT_COLUMNS)


def gained(rank_by: Floats, cost: Floats, rate: Floats) -> Floats:
    """Compute the share of Σ rate · cost in the first 1, 2 … DECILES tenths of the cost, highest `rank_by` first.

    Args:
        rank_by: Score per row; rows of equal score are taken in equal shares.
        cost: Axis 0: bootstrap replicates, axis 1: rows.
        rate: Outcome per unit of cost, per row.

    Returns:
        Axis 0: replicates, axis 1: tenths; NaN where a replicate has no outcome.
    """
    values, place = np.unique(-rank_by, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(values)))

    def running(amount: Floats) -> Floats:
        sums = np.add.reduceat(amount[:, order], edges, axis=1)
        return np.concatenate([np.zeros((len(amount), 1)), np.cumsum(sums, axis=1)], axis=1)

    used, brought = running(cost), running(cost * rate)
    found = np.full((len(cost), DECILES), np.nan)
    shares = np.arange(1, DECILES + 1) / DECILES
    for draw, (spent, got) in enumerate(zip(used, brought)):
        if got[-1] > 0:
            found[draw] = np.interp(shares * spent[-1], spent, got) / got[-1]
    return found


def _held(rows: pd.DataFrame, target: str) -> Floats:
    """What each row holds of a target's exposure (axis 0); of a volume: of the outcome and of the prediction."""
    names = ("actual", "predicted") if TARGETS[target].is_volume else ("exposure",)
    return np.stack([rows[f"{name}_{target}"].to_numpy(np.float64) for name in names])


def _deciles(rows: pd.DataFrame, target: str, whole: Floats, draws: int) -> list[dict[str, object]]:
    guess, truth, exposure = (
        rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("predicted", "actual", "exposure")
    )
    decile = np.zeros(len(rows), dtype=np.int64)
    for number, part in enumerate(np.array_split(np.argsort(guess, kind="stable"), DECILES), start=1):
        decile[part] = number
    numbers = [WHOLE, *range(1, DECILES + 1)] if len(rows) >= DECILES else [WHOLE]
    # Axis 0: rows, axis 1: WHOLE and the tenths.
    member = np.stack([(decile == number) | (number == WHOLE) for number in numbers], axis=1).astype(np.float64)
    drawn = with_observed_sample(rows, draws)

    def sums(values: Floats) -> Floats:
        """Axis 0: replicates, axis 1: WHOLE and the tenths."""
        return drawn @ (member * values[:, None])

    totals = ratio(sums(guess * exposure), sums(truth * exposure))
    means = ratio(sums(guess), sums(truth))
    shares = ratio((_held(rows, target) @ member).T, whole).max(axis=1)
    shown = ratio(np.stack([member.T @ (guess * exposure), member.T @ (truth * exposure)]), member.T @ exposure)
    return [
        {
            "decile": number,
            "rows": int(member[:, spot].sum()),
            "share": float(shares[spot]),
            "predicted": float(shown[0, spot]),
            "actual": float(shown[1, spot]),
            **_with_band("total", totals[:, spot], member[:, spot].sum()),
            **_with_band("mean", means[:, spot], member[:, spot].sum()),
        }
        for spot, number in enumerate(numbers)
    ]


def _with_band(name: str, drawn: Floats, rows: float) -> dict[str, float]:
    low, high = band(drawn[1:]) if rows >= MIN_METRIC_ROWS else (np.nan, np.nan)
    return {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}
