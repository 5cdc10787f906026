"""How good predictions are on rows they have not seen: by age, cold and warm, beside the rules to beat."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from features.funnel import RATE_TARGETS, TARGETS

Floats = npt.NDArray[np.float64]

ALL_AGES = -1
"""In the column `age_hours`: every age together."""
CARRY, EMPIRICAL_BAYES, OWN = METHODS = ["carry-forward", "empirical Bayes", "gpmcast"]
LEAST_ROWS = 10
"""Rows under which no figure is told."""


def evaluate(
    predicted: Mapping[str, pd.DataFrame],
    actual: pd.DataFrame,
    exposure: Mapping[str, Floats],
    ages: pd.Series,
    cold: npt.NDArray[np.bool_],
    least_exposure: float,
) -> pd.DataFrame:
    """Figures of every method on the same rows.

    A row is judged on a rate when its later exposure reaches `least_exposure` and its outcome is known; on volume
    always when it is known.

    Args:
        predicted: Method → one column per target, in row order.
        actual: One column per target; NaN where not known.
        exposure: Target → what its rate is out of (later impressions or spend; ones for volume).
        ages: Age of each row.
        cold: Whether training never saw the row's creative.
        least_exposure: For rates, in units of later volume.

    Returns:
        A row per target, age (ALL_AGES for all together), part (`all`, `cold`, `warm`) and method: `rows`,
        `spearman`, `weighted_spearman` (by exposure), `log_error` (mean of |log1p predicted − log1p actual|, by
        exposure with each row's share held at the median's tenfold), `total` (Σ predicted · exposure / Σ actual ·
        exposure), `mean` (mean predicted / mean actual) and `deviance` (Poisson, per unit of the mean, same weights
        as `log_error`; smaller is better). NaN where fewer than LEAST_ROWS rows are known.
    """
    found = []
    for target in actual:
        truth = actual[target].to_numpy(np.float64)
        weight = exposure[target]
        known = np.isfinite(truth) & (weight > 0)
        if not TARGETS[str(target)].is_volume:
            known &= exposure["volume"] >= least_exposure
        for age in [ALL_AGES, *sorted(ages.unique())]:
            of_age = known if age == ALL_AGES else known & (ages == age).to_numpy()
            for part, rows in (("all", of_age), ("cold", of_age & cold), ("warm", of_age & ~cold)):
                for method in predicted:
                    guess = predicted[method][target].to_numpy(np.float64)[rows]
                    found.append(
                        {
                            "target": target,
                            "age_hours": age,
                            "part": part,
                            "method": method,
                            "rows": int(rows.sum()),
                            **_figures(guess, truth[rows], weight[rows]),
                        }
                    )
    return pd.DataFrame(found)


def score(figures: pd.DataFrame, method: str = "gpmcast") -> float:
    """One figure to choose a champion by, smaller is better: mean deviance over the rates, all rows together."""
    rows = figures.query("age_hours == @ALL_AGES and part == 'all' and method == @method")
    rates = rows[rows["target"].isin(RATE_TARGETS)]
    return float(rates["deviance"].mean())


def _figures(guess: Floats, truth: Floats, exposure: Floats) -> dict[str, float]:
    names = ("spearman", "weighted_spearman", "log_error", "total", "mean", "deviance")
    if len(truth) < LEAST_ROWS:
        return dict.fromkeys(names, float("nan"))
    weight = np.minimum(exposure, 10.0 * np.median(exposure))
    error = np.abs(np.log1p(guess) - np.log1p(truth))
    values = (
        _correlation(guess, truth, np.ones_like(truth)),
        _correlation(guess, truth, weight),
        float(np.average(error, weights=weight)),
        _ratio((guess * exposure).sum(), (truth * exposure).sum()),
        _ratio(guess.mean(), truth.mean()),
        _deviance(guess, truth, weight),
    )
    return dict(zip(names, values))


def _correlation(guess: Floats, truth: Floats, weight: Floats) -> float:
    left, right = rankdata(guess), rankdata(truth)
    left, right = left - np.average(left, weights=weight), right - np.average(right, weights=weight)
    below = np.sqrt(np.average(left**2, weights=weight) * np.average(right**2, weights=weight))
    return float(np.average(left * right, weights=weight) / below) if below > 0 else float("nan")


def _deviance(guess: Floats, truth: Floats, weight: Floats) -> float:
    guess = np.maximum(guess, 1e-9)
    gain = truth * np.log(np.where(truth > 0, truth, 1.0) / guess) - (truth - guess)
    mean = np.average(truth, weights=weight)
    return float(2.0 * np.average(gain, weights=weight) / mean) if mean > 0 else float("nan")


def _ratio(top: float, below: float) -> float:
    return float(top / below) if below > 0 else float("nan")
