"""How early is a forecast good enough to act on? Accuracy and decision value by what is still undecided at each age."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import NET_ROI, ROI
from training.evaluation.bootstrap import band, creative_draws, drawn_spearman
from training.evaluation.budget_replay import Budget, replay, roi_target, usual_roi
from training.evaluation.holdout_frame import PARTS, judged_rows
from training.evaluation.metrics import LEAST_ROWS

Floats = npt.NDArray[np.float64]

SHARE = 0.3
"""Of later spend that the replay of a run funds."""


def judged_earliness(beside: pd.DataFrame, least_volume: float, *, draws: int = 200) -> pd.DataFrame:
    """The curve of an evaluation: gpmcast beside the rules to beat; empty where the rows know no ROI.

    Break-even is what all spend of these rows earned: decision value is what choosing adds.
    """
    roi = next((target for target in (NET_ROI.name, ROI.name) if f"actual_{target}" in beside), None)
    if roi is None or not beside[f"actual_{roi}"].notna().any():
        return pd.DataFrame()
    predicted = {method: beside[f"{part}_{roi}"].to_numpy(np.float64) for method, part in PARTS.items()}
    budget = Budget(SHARE, usual_roi(beside))
    spent = beside["spent_cny"].to_numpy(np.float64)
    return earliness(beside, predicted, spent, budget, least_volume=least_volume, draws=draws)


def earliness(
    beside: pd.DataFrame,
    predicted: Mapping[str, Floats],
    spent_cny: Floats,
    budget: Budget,
    *,
    least_volume: float = 0.0,
    draws: int = 200,
    seed: int = 7,
) -> pd.DataFrame:
    """The earliness curve of each method.

    Undecided at an age is the spend of the outcome window that follows, as a share of it and all spend before: of the
    creatives that are judged at that age, so of those that lived that long. What comes after the window counts
    nowhere.

    Args:
        beside: As of `training.evaluation.holdout.judge`.
        predicted: Method → ROI predicted for each row.
        spent_cny: What each row's creative had spent at its cutoff.
        budget: Of the replay.
        least_volume: Later volume from which a row's ROI is compared (`evaluate.min_impressions`); a replay takes all.
        draws: Of the bootstrap over creatives.
        seed: Of the bootstrap.

    Returns:
        A row per age and method: `rows`, `undecided_share`, `spearman` with `_low` and `_high` (NaN under LEAST_ROWS
        rows), `captured_share` with `_low` and `_high`.
    """
    target = roi_target(beside)
    truth, spend = (beside[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    known = judged_rows(beside, target, least_volume)
    worth = replay(beside, predicted, budget, draws=draws, seed=seed).set_index(["age_hours", "rule"])
    ages = beside["age_hours"].to_numpy()
    lines = []
    for age in sorted(set(ages)):
        of_age, judged = ages == age, (ages == age) & known
        total = np.nansum(spend[of_age]) + np.nansum(spent_cny[of_age])
        undecided = float(np.nansum(spend[of_age]) / total) if total > 0 else float("nan")
        drawn = np.vstack([np.ones((1, judged.sum())), creative_draws(beside[judged], draws, seed)])
        for method, guess in predicted.items():
            if (age, method) not in worth.index:
                continue
            ranks = np.full(len(drawn), np.nan)
            if judged.sum() >= LEAST_ROWS:
                ranks = drawn_spearman(guess[judged], truth[judged], drawn)
            low, high = band(ranks[1:])
            gained = worth.loc[(age, method), ["captured_share", "captured_share_low", "captured_share_high"]]
            lines.append(
                {
                    "age_hours": age,
                    "method": method,
                    "rows": int(judged.sum()),
                    "undecided_share": undecided,
                    "spearman": float(ranks[0]),
                    "spearman_low": low,
                    "spearman_high": high,
                    **{str(name): float(value) for name, value in gained.items()},
                }
            )
    return pd.DataFrame(lines)
