"""Metrics of predictions on holdout rows, which rows count for them, and their bootstrap bands.

A *holdout frame* has one row per holdout snapshot: KEY, `age_hours`, `cutoff`, `cold`, `spent_cny` and, per target,
`predicted_<target>`, `carried_<target>`, `bayes_<target>`, `actual_<target>`, `exposure_<target>` and, where the model
has intervals, `typical_<target>`, `<target>_low` and `<target>_high`. `training.evaluation.holdout.evaluate_holdout`
makes it.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from features.arrays import Floats, Mask
from features.schema import KEY
from features.targets import RATE_TARGETS, VOLUME_TARGETS
from training.boosting.heads import EXPOSURE_CAP
from training.labels.judged import counts_for

ALL_AGES = -1
"""Value of the column `age_hours` for all ages together."""
CARRY, EMPIRICAL_BAYES, OWN = METHODS = ["carry-forward", "empirical Bayes", "gpmcast"]
COLUMN_PREFIXES = dict(zip(METHODS, ("carried", "bayes", "predicted")))
"""Method → prefix of its columns in a holdout frame."""
MIN_METRIC_ROWS = 10
"""Rows below which a metric is NaN."""
BAND_LEVEL = 0.9
"""Share of the bootstrap replicates inside a band."""
BOOTSTRAP_DRAWS, BOOTSTRAP_SEED = 200, 7
"""Replicates and seed of every bootstrap over creatives: methods are compared on the same replicates."""


def evaluate(
    predicted: Mapping[str, pd.DataFrame],
    actual: pd.DataFrame,
    exposure: Mapping[str, Floats],
    ages: pd.Series,
    cold: Mask,
    least_exposure: float,
) -> pd.DataFrame:
    """Compute the metrics of every method on the same rows.

    A row counts for a rate where its outcome is known and its later volume is at least `least_exposure`; for volume
    wherever the outcome is known.

    Args:
        predicted: Method → one column per target; axis 0: rows.
        actual: One column per target, same rows; NaN where the outcome is not known.
        exposure: Target → denominator of its rate per row (later impressions or spend in CNY; ones for volume), and
            `volume`: later volume per row.
        ages: Age of each row in hours.
        cold: True where the row's creative is not in the training data.
        least_exposure: Least later volume, in units of the funnel's volume (impressions or clicks).

    Returns:
        One row per target, age (ALL_AGES for all together), part (`all`, `cold`, `warm`) and method: `rows`,
        `spearman`, `weighted_spearman` (weighted by exposure), `log_error` (mean of |log1p predicted − log1p actual|,
        weighted by exposure, each weight clipped at ten times the median), `total` (Σ predicted · exposure / Σ actual ·
        exposure), `mean` (mean predicted / mean actual) and `deviance` (Poisson deviance per unit of the mean outcome,
        weights as for `log_error`; smaller is better). NaN where fewer than MIN_METRIC_ROWS rows count.
    """
    found: list[dict[str, object]] = []
    for target in map(str, actual):
        truth = actual[target].to_numpy(np.float64)
        weight = exposure[target]
        known = counts_for(target, truth, weight, exposure["volume"], least_exposure)
        for age in [ALL_AGES, *sorted(ages.unique())]:
            of_age = known if age == ALL_AGES else known & (ages == age).to_numpy(np.bool_)
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
                            **_metrics(guess, truth[rows], weight[rows]),
                        }
                    )
    return pd.DataFrame(found)


def score(figures: pd.DataFrame, method: str = OWN) -> float:
    """Return the mean deviance over the rate targets, all ages and rows together; smaller is better.

    The champion comparison uses this one number.
    """
    rows = figures[(figures["age_hours"] == ALL_AGES) & (figures["part"] == "all") & (figures["method"] == method)]
    rates = rows[rows["target"].isin(RATE_TARGETS)]
    return float(rates["deviance"].mean())


def evaluated_targets(holdout: pd.DataFrame) -> list[str]:
    """Return the targets of a holdout frame that have both predictions and outcomes, in column order."""
    names = [str(name).removeprefix("predicted_") for name in holdout if str(name).startswith("predicted_")]
    return [name for name in names if f"actual_{name}" in holdout]


def comparable_rows(holdout: pd.DataFrame, target: str, least_volume: float) -> Mask:
    """Return the rows of a holdout frame that count for a target, by the same rule as `evaluate`."""
    truth, exposure = (holdout[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    volume = next(f"actual_{name}" for name in VOLUME_TARGETS if f"actual_{name}" in holdout)
    return counts_for(target, truth, exposure, holdout[volume].to_numpy(np.float64), least_volume)


def creative_draws(keys: pd.DataFrame, draws: int) -> Floats:
    """Draw bootstrap weights by creative: the rows of one creative are dependent, so they are drawn together.

    Args:
        keys: KEY of each row.
        draws: Number of bootstrap replicates.

    Returns:
        Number of times each row is drawn; axis 0: replicates, axis 1: rows.
    """
    codes = keys.groupby(KEY, sort=True).ngroup().to_numpy()
    count = int(codes.max(initial=-1)) + 1
    if not count:
        return np.empty((draws, 0))
    drawn = np.random.default_rng(BOOTSTRAP_SEED).multinomial(count, np.full(count, 1.0 / count), size=draws)
    return drawn[:, codes].astype(np.float64)


def with_observed_sample(keys: pd.DataFrame, draws: int) -> Floats:
    """Return `creative_draws` below a first row of ones, so that index 0 of every statistic is the observed value."""
    return np.vstack([np.ones((1, len(keys))), creative_draws(keys, draws)])


def band(values: Floats) -> tuple[float, float]:
    """Return the quantiles that enclose BAND_LEVEL of the finite values, (draws,); NaN where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - BAND_LEVEL) / 2, (1 + BAND_LEVEL) / 2])
    return float(low), float(high)


def drawn_spearman(guess: Floats, truth: Floats, drawn: Floats) -> Floats:
    """Compute Spearman's rank correlation of each bootstrap replicate.

    Args:
        guess: Predictions; axis 0: rows. Ties share their mean rank.
        truth: Outcomes; axis 0: rows.
        drawn: As of `creative_draws`; axis 0: replicates, axis 1: rows.

    Returns:
        One correlation per replicate; NaN where predictions or outcomes do not vary.
    """
    left, right = _drawn_ranks(guess, drawn), _drawn_ranks(truth, drawn)
    total = np.maximum(drawn.sum(axis=1, keepdims=True), 1.0)
    left = left - (drawn * left).sum(axis=1, keepdims=True) / total
    right = right - (drawn * right).sum(axis=1, keepdims=True) / total
    below = np.sqrt((drawn * left**2).sum(axis=1) * (drawn * right**2).sum(axis=1))
    return np.divide((drawn * left * right).sum(axis=1), below, out=np.full(len(drawn), np.nan), where=below > 0)


def ratio(top: Floats, below: Floats) -> Floats:
    """Divide elementwise, broadcasting `below`; NaN where `below` is not above 0."""
    below = np.broadcast_to(below, top.shape)
    return np.divide(top, below, out=np.full(top.shape, np.nan), where=below > 0)


def capped_exposure(exposure: Floats) -> Floats:
    """(rows,) Weight of each row in errors: its exposure, at most EXPOSURE_CAP medians."""
    return np.minimum(exposure, EXPOSURE_CAP * np.median(exposure))


def poisson_losses(guess: Floats, truth: Floats) -> Floats:
    """(rows,) Half the Poisson deviance of each row."""
    guess = np.maximum(guess, 1e-9)
    return truth * np.log(np.where(truth > 0, truth, 1.0) / guess) - (truth - guess)


def _drawn_ranks(values: Floats, drawn: Floats) -> Floats:
    """Return the mean rank of each row's value in each replicate (axis 0: replicates, axis 1: rows).

    A row that a replicate does not contain gets the rank that its ties would have.
    """
    if not len(values):
        return np.empty_like(drawn)
    found, place = np.unique(values, return_inverse=True)
    order = np.argsort(place, kind="stable")
    edges = np.searchsorted(place[order], np.arange(len(found)))
    size = np.add.reduceat(drawn[:, order], edges, axis=1)
    return (np.cumsum(size, axis=1) - size + (size + 1.0) / 2.0)[:, place]


def _metrics(guess: Floats, truth: Floats, exposure: Floats) -> dict[str, float]:
    """All metrics of some rows; arrays are (rows,)."""
    names = ("spearman", "weighted_spearman", "log_error", "total", "mean", "deviance")
    if len(truth) < MIN_METRIC_ROWS:
        return dict.fromkeys(names, float("nan"))
    weight = capped_exposure(exposure)
    error = np.abs(np.log1p(guess) - np.log1p(truth))
    values = (
        _correlation(guess, truth, np.ones_like(truth)),
        _correlation(guess, truth, weight),
        float(np.average(error, weights=weight)),
        _quotient((guess * exposure).sum(), (truth * exposure).sum()),
        _quotient(guess.mean(), truth.mean()),
        _deviance(guess, truth, weight),
    )
    return dict(zip(names, values))


def _correlation(guess: Floats, truth: Floats, weight: Floats) -> float:
    """Spearman correlation with weights; arrays are (rows,)."""
    left, right = rankdata(guess), rankdata(truth)
    left, right = left - np.average(left, weights=weight), right - np.average(right, weights=weight)
    below = np.sqrt(np.average(left**2, weights=weight) * np.average(right**2, weights=weight))
    return float(np.average(left * right, weights=weight) / below) if below > 0 else float("nan")


def _deviance(guess: Floats, truth: Floats, weight: Floats) -> float:
    """Weighted Poisson deviance over the weighted mean outcome; arrays are (rows,)."""
    mean = np.average(truth, weights=weight)
    return float(2.0 * np.average(poisson_losses(guess, truth), weights=weight) / mean) if mean > 0 else float("nan")


def _quotient(top: float, below: float) -> float:
    return float(top / below) if below > 0 else float("nan")
