"""Coverage of prediction intervals and reliability of predicted probabilities, on rows that did not calibrate them.

Outcomes have a mass at 0, so an interval that starts at 0 can hold more than its level, and never less than P(0).
Coverage is therefore judged by the randomised probability integral transform (Smith 1985; Czado, Gneiting and Held
2009): an outcome of 0 lies at a level drawn evenly between 0 and P(0), with a fixed seed. Whatever P(0) is, right
intervals then hold their level.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.arrays import Floats, Mask
from features.targets import TARGETS
from training.labels.outcomes import actual_targets
from training.uncertainty import OutOfSample, PredictiveUncertainty, RowUncertainty, early_volume

PROBABILITY_BINS = 10
ROI_LEVEL_SHARES = (0.3, 0.5, 0.7, 0.9)
"""P(ROI ≥ x) is evaluated at these quantiles x of the outcomes above 0."""
PIT_SEED = 20
"""Seed of the levels that outcomes of 0 are given."""
QUARTERS = ("q1", "q2", "q3", "q4")
GROUP_COLUMNS = [
    *("target", "age_hours", "quarter", "promotion_type", "enough_volume", "rows", "share"),
    *("covered", "below", "above", "width", "log_width"),
]
BIN_COLUMNS = ["chance", "bin", "rows", "stated", "true"]


@dataclass(frozen=True)
class Coverage:
    """Coverage of intervals and reliability of probabilities.

    Attributes:
        groups: One row per target, age, quarter of early volume and promotion type, and for all together (`all`):
            `rows`, `enough_volume` (rates: True for rows whose later volume reaches the least; volume: always True),
            `share` (of the later impressions, of an ROI of the spend, that these rows hold), `covered`, `below`,
            `above` (shares of outcomes), `width`, `log_width` (of log1p).
        bins: One row per probability (`roi`, `hit`) and tenth of it: `rows`, mean predicted probability `stated`,
            observed frequency `true`.
        brier: Probability → mean squared error; `<probability>_base`: that of predicting the mean frequency for every
            row.
    """

    groups: pd.DataFrame
    bins: pd.DataFrame
    brier: Mapping[str, float]

    def figures(self) -> dict[str, float]:
        """Return the metrics to log, by name."""
        found = {}
        for row in self.overall().to_dict("records"):
            for name in ("covered", "width", "log_width"):
                found[f"interval/{row['target']}/{name}"] = float(row[name])
        return {**found, **{f"interval/brier/{name}": value for name, value in self.brier.items()}}

    def overall(self) -> pd.DataFrame:
        """Return one row per target: all rows that count for it."""
        return self.groups[(self.groups["age_hours"] == "all") & self.groups["enough_volume"]]


def coverage(uncertainty: PredictiveUncertainty, rows: OutOfSample) -> Coverage:
    """Compute coverage and reliability on rows that did not calibrate the intervals."""
    funnel = uncertainty.funnel
    actual = actual_targets(rows.outcome, funnel)
    later = rows.outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    own = uncertainty.of(rows.predicted, rows.features)
    bounds = pd.DataFrame(own.intervals)
    bins: list[pd.DataFrame] = []
    brier: dict[str, float] = {}
    target = funnel.main_roi
    if target in uncertainty.targets:
        truth = actual[target].to_numpy(np.float64)
        compared = np.isfinite(truth) & (later >= uncertainty.min_volume)
        stated, true = [], []
        for level in roi_levels(truth[compared]):
            stated.append(own.chance(level)[compared])
            true.append(truth[compared] >= level)
        if stated:
            bins.append(reliability(np.concatenate(stated), np.concatenate(true)).assign(chance="roi"))
            brier |= _brier("roi", np.concatenate(stated), np.concatenate(true))
    if uncertainty.hit_measure:
        hits = uncertainty.hits(rows.outcome, rows.predicted["promotion_type"].astype("str"))
        predicted = own.hit_chance()
        known = np.isfinite(hits) & np.isfinite(predicted)
        if known.any():
            bins.append(reliability(predicted[known], hits[known] > 0).assign(chance="hit"))
            brier |= _brier("hit", predicted[known], hits[known] > 0)
    return Coverage(
        groups=group_coverage(bounds, actual, later, uncertainty.min_volume, rows, _sides(uncertainty, own, actual)),
        bins=pd.concat(bins, ignore_index=True)[BIN_COLUMNS] if bins else pd.DataFrame(columns=BIN_COLUMNS),
        brier=brier,
    )


def interval_side(own: RowUncertainty, target: str, truth: Floats, level: Floats | float) -> Floats:
    """(rows,) −1, 0 or 1: whether the randomised level of an outcome lies below, inside or above the interval.

    Args:
        own: Distributions of the rows.
        target: A calibrated target.
        truth: (rows,) Outcomes; NaN where not known.
        level: At which the intervals are computed: one, or (rows,).
    """
    known = np.nan_to_num(truth)
    at_zero = own.cdf(np.zeros(1), target)[:, 0] * np.random.default_rng(PIT_SEED).random(len(known))
    pit = np.where(known <= 0, at_zero, 1.0 - own.chance(known, target))
    low = own.intervals[f"{target}_low"]
    start = np.where(low > 0, 1.0 - own.chance(low, target), 0.0)
    side = (pit > start + level).astype(np.float64) - (pit < start)
    return np.where(np.isnan(truth), np.nan, side)


def _sides(uncertainty: PredictiveUncertainty, own: RowUncertainty, actual: pd.DataFrame) -> dict[str, Floats]:
    return {
        target: interval_side(own, target, actual[target].to_numpy(np.float64), own.levels(target))
        for target in uncertainty.targets
    }


def group_coverage(
    bounds: pd.DataFrame,
    actual: pd.DataFrame,
    later: Floats,
    least: float,
    rows: OutOfSample,
    sides: Mapping[str, Floats] | None = None,
) -> pd.DataFrame:
    """Compute the `groups` of `Coverage` for bounds of any method.

    Args:
        bounds: `<target>_low` and `<target>_high` per row; NaN where a row has no interval.
        actual: One column per target, same rows.
        later: Later volume per row.
        least: Least later volume of a row that counts for a rate.
        rows: The rows, for age, early volume and promotion type.
    """
    spend = rows.outcome["later:spend_cny"].to_numpy(np.float64) if "later:spend_cny" in rows.outcome else later
    early = early_volume(rows.features)
    quarter = np.searchsorted(np.quantile(early, [0.25, 0.5, 0.75]), early) if len(early) else np.zeros(0, dtype=int)
    frame = pd.DataFrame(
        {
            "age_hours": [f"{age:g}" for age in rows.features.keys["age_hours"]],
            "quarter": pd.Series(quarter).map(dict(enumerate(QUARTERS))).to_numpy(),
            "promotion_type": rows.features.keys.categories("promotion_type").texts().astype(str),
        }
    )
    found = []
    for target in map(str, actual):
        low, high = (bounds[f"{target}_{end}"].to_numpy(np.float64) for end in ("low", "high"))
        truth = actual[target].to_numpy(np.float64)
        known = np.isfinite(truth) & np.isfinite(low)
        is_volume = TARGETS[target].is_volume
        exposed = known if is_volume else known & (later > 0)
        compared = known if is_volume else known & (later >= least)
        side = (sides or {}).get(target, np.sign(np.maximum(truth - high, 0.0) + np.minimum(truth - low, 0.0)))
        figures = pd.DataFrame(
            {
                "covered": side == 0,
                "below": side < 0,
                "above": side > 0,
                "width": high - low,
                "log_width": np.log1p(high) - np.log1p(low),
            }
        ).astype(np.float64)
        for mask, is_enough in ((compared, True), (exposed, False)):
            if mask.any():
                overall = {**dict.fromkeys(frame, "all"), "rows": int(mask.sum()), "share": 1.0, **figures[mask].mean()}
                found.append(pd.DataFrame([overall]).assign(target=target, enough_volume=is_enough))
        if compared.any():
            held = spend if TARGETS[target].is_roi else later
            grouped = pd.concat([frame, figures], axis=1).assign(held=held)[compared].groupby(list(frame))
            share = grouped["held"].sum() / held[compared].sum() if held[compared].sum() > 0 else np.nan
            means = grouped[list(figures)].mean().assign(rows=grouped.size(), share=share).reset_index()
            found.append(means.assign(target=target, enough_volume=True))
    return pd.concat(found, ignore_index=True)[GROUP_COLUMNS] if found else pd.DataFrame(columns=GROUP_COLUMNS)


def roi_levels(truth: Floats) -> list[float]:
    """Return the ROI levels x at which P(ROI ≥ x) is evaluated: quantiles of the outcomes `truth`, (rows,), above 0."""
    some = truth[truth > 0]
    return [float(np.quantile(some, share)) for share in ROI_LEVEL_SHARES] if len(some) else []


def reliability(stated: Floats, true: Mask) -> pd.DataFrame:
    """Compute `bin`, `rows`, mean `stated` and frequency `true` of each tenth of probability that has rows."""
    place = np.minimum((stated * PROBABILITY_BINS).astype(np.int64), PROBABILITY_BINS - 1)
    grouped = pd.DataFrame({"bin": place, "stated": stated, "true": true.astype(np.float64)}).groupby("bin")
    return grouped.mean().assign(rows=grouped.size()).reset_index()


def _brier(name: str, stated: Floats, true: Mask) -> dict[str, float]:
    """Brier score (Brier 1950), and that of predicting the mean frequency for every row; both arrays are (rows,)."""
    share = float(true.mean())
    return {name: float(np.mean((stated - true) ** 2)), f"{name}_base": share * (1.0 - share)}
