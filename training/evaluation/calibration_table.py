"""Is as much predicted as came: in total and on average, at every age, and by tenth of what was predicted?"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.evaluation.bootstrap import band, creative_draws
from training.evaluation.holdout_frame import judged_rows, judged_targets
from training.evaluation.metrics import ALL_AGES, LEAST_ROWS

Floats = npt.NDArray[np.float64]

WHOLE = 0
"""In the column `decile`: all tenths together."""
DECILES = 10
COLUMNS = [
    *("target", "age_hours", "decile", "rows", "predicted", "actual"),
    *("total", "total_low", "total_high", "mean", "mean_low", "mean_high"),
]


def calibration_table(beside: pd.DataFrame, least_volume: float, *, draws: int = 200, seed: int = 7) -> pd.DataFrame:
    """Predicted over actual, with bands from a bootstrap over creatives.

    Tenths hold as many rows each and are cut once, on the rows as they are: a draw changes who is in a tenth, not
    where it ends. Of fewer rows than tenths only the whole is told.

    Args:
        beside: As of `training.evaluation.holdout.judge`.
        least_volume: Later volume from which a row's rates are compared (`evaluate.min_impressions`).
        draws: Of the bootstrap.
        seed: Of the bootstrap.

    Returns:
        A row per target, age (ALL_AGES for all together) and decile (1 the lowest predictions, WHOLE for all):
        `rows`, `predicted` and `actual` (means by exposure), `total` (their ratio, that of the sums over exposures)
        and `mean` (mean prediction over mean outcome, each row once), both with `_low` and `_high`. NaN where nothing
        came; the bands also on fewer than LEAST_ROWS rows, which cannot tell their own luck.
    """
    lines = []
    for target in judged_targets(beside):
        known = judged_rows(beside, target, least_volume)
        for age in [ALL_AGES, *sorted(beside["age_hours"].unique())]:
            rows = beside[known if age == ALL_AGES else known & (beside["age_hours"] == age).to_numpy()]
            if len(rows):
                lines += [{"target": target, "age_hours": age, **line} for line in _lines(rows, target, draws, seed)]
    return pd.DataFrame(lines, columns=COLUMNS)


def _lines(rows: pd.DataFrame, target: str, draws: int, seed: int) -> list[dict[str, float]]:
    guess, truth, exposure = (
        rows[f"{part}_{target}"].to_numpy(np.float64) for part in ("predicted", "actual", "exposure")
    )
    place = np.zeros(len(rows), dtype=np.int64)
    for number, part in enumerate(np.array_split(np.argsort(guess, kind="stable"), DECILES), start=1):
        place[part] = number
    numbers = [WHOLE, *range(1, DECILES + 1)] if len(rows) >= DECILES else [WHOLE]
    member = np.stack([(place == number) | (number == WHOLE) for number in numbers], axis=1).astype(np.float64)
    drawn = np.vstack([np.ones((1, len(rows))), creative_draws(rows, draws, seed)])

    def sums(values: Floats) -> Floats:
        return drawn @ (member * values[:, None])

    totals = _ratio(sums(guess * exposure), sums(truth * exposure))
    means = _ratio(sums(guess), sums(truth))
    shown = _ratio(np.stack([member.T @ (guess * exposure), member.T @ (truth * exposure)]), member.T @ exposure)
    return [
        {
            "decile": number,
            "rows": int(member[:, spot].sum()),
            "predicted": float(shown[0, spot]),
            "actual": float(shown[1, spot]),
            **_banded("total", totals[:, spot], member[:, spot].sum()),
            **_banded("mean", means[:, spot], member[:, spot].sum()),
        }
        for spot, number in enumerate(numbers)
    ]


def _banded(name: str, drawn: Floats, rows: float) -> dict[str, float]:
    low, high = band(drawn[1:]) if rows >= LEAST_ROWS else (np.nan, np.nan)
    return {name: float(drawn[0]), f"{name}_low": low, f"{name}_high": high}


def _ratio(top: Floats, below: Floats) -> Floats:
    below = np.broadcast_to(below, top.shape)
    return np.divide(top, below, out=np.full(top.shape, np.nan), where=below > 0)
