"""Compare typical values, widths of intervals and accuracy of chances with simpler methods: sample and public data.

    python -m benchmarks.intervals --data FOLDER [--sample var/sample-exports] [--only sample|display|youtube]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet. Each data set uses the default split, the hand setting of
the trees, calibration on out-of-fold rows of the training period, and evaluation on the holdout. Compared on the same
rows: plain CQR (Romano et al. 2019: LightGBM quantile regressions of log1p on the same features, with one
split-conformal correction from the same out-of-fold rows); for chances, the same calibration around the prediction
without trees (empirical Bayes), and its gamma–Poisson posterior without calibration. Prints for each target whether the
goals are reached, and the rank correlation of the typical and of the expected value with the outcome. Coverage is by
the randomised PIT (`training.evaluation.coverage`); that of plain CQR, which states no distribution, counts outcomes
inside. Coverage by group and reliability are in every run's evaluation.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
from scipy.stats import nbinom, spearmanr

from benchmarks.load_files import read
from configs.settings import Settings, load_settings
from features.arrays import Floats, Mask
from features.matrix.feature_matrix import Features
from features.targets import TARGETS
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on, out_of_fold, predict_out_of_sample, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, fit_features, prepare, rows_of
from training.evaluation.coverage import interval_side, roi_levels
from training.labels.outcomes import actual_targets
from training.labels.splits import folds, holdout_split
from training.uncertainty import OutOfSample, PredictiveUncertainty, fit_uncertainty
from training.uncertainty.compound import columns_of

COVERED = (0.78, 0.82)
"""Goal: share of outcomes inside 80 % intervals, over all rows, by the randomised PIT."""
QUANTILE_TREES = {
    "objective": "quantile",
    "num_leaves": 8,
    "learning_rate": 0.05,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "max_bin": 63,
    "num_threads": 1,
    "seed": 0,
    "verbosity": -1,
}
QUANTILE_ROUNDS = 200


def main() -> None:
    """Print the figures of each data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the public data")
    parser.add_argument("--sample", type=Path, default=Path("var/sample-exports"), help="the sample world's exports")
    parser.add_argument("--only", choices=["sample", "display", "youtube"])
    options = parser.parse_args()
    default = load_settings("configs/default.yaml")
    sets: dict[str, tuple[list[Path], Settings]] = {
        "sample": ([options.sample], default),
        "display": ([options.data / "display_ads_daily.csv.gz"], load_settings("configs/display_ads.yaml")),
        "youtube": (
            [options.data / "youtube_snapshots.parquet", options.data / "youtube_videos.parquet"],
            load_settings("configs/youtube.yaml"),
        ),
    }
    for name, (paths, settings) in sets.items():
        if options.only in (None, name):
            evaluate(name, prepare(read(paths, settings), settings))


def evaluate(name: str, dataset: Dataset) -> None:
    """Print the figures of one data set."""
    train, holdout, until = holdout_split(dataset.rows, dataset.settings.split.holdout_days)
    ((train, _),), moments = plan_refits(dataset, [(train, until)])
    dataset = with_refits(dataset, moments)
    recipe = recipe_by_hand(dataset, train)
    uncertainty = fit_uncertainty(out_of_fold(dataset, train, recipe), dataset.funnel, dataset.settings)
    without_trees = fit_uncertainty(out_of_fold(dataset, train, Recipe()), dataset.funnel, dataset.settings)
    if uncertainty is None or without_trees is None:
        print(f"{name}: too few rows to calibrate")
        return
    model = fit_on(dataset, train, until, recipe)
    rows = predict_out_of_sample(dataset, holdout, model)
    print(f"\n{name}: {len(rows.predicted):,} holdout rows, calibrated on {dict(uncertainty.calibration_rows)}")
    _print_intervals(dataset, uncertainty, rows, plain_cqr(dataset, train, holdout, until, uncertainty))
    offset_rows = replace(rows, predicted=model.predict(rows.features, trees=False))
    _print_chances(uncertainty, without_trees, rows, offset_rows, model)


def _print_intervals(
    dataset: Dataset, uncertainty: PredictiveUncertainty, rows: OutOfSample, cqr: pd.DataFrame
) -> None:
    """Print coverage and mean widths of both methods per target."""
    actual = actual_targets(rows.outcome, dataset.funnel)
    later = rows.outcome[f"later:{dataset.funnel.volume_of}"].to_numpy(np.float64)
    own = uncertainty.of(rows.predicted, rows.features)
    bounds_of = {"gpmcast": pd.DataFrame(own.intervals), "plain CQR": cqr}
    print("  target             method      rows  inside below above      width  log width")
    for target in dataset.funnel.targets:
        truth = actual[target].to_numpy(np.float64)
        known = np.isfinite(truth) & (TARGETS[target].is_volume | (later >= uncertainty.min_volume))
        known &= np.isfinite(bounds_of["gpmcast"][f"{target}_low"].to_numpy(np.float64))
        if not known.any():
            continue
        widths = {}
        for name, bounds in bounds_of.items():
            low, high = (bounds[f"{target}_{end}"].to_numpy(np.float64)[known] for end in ("low", "high"))
            side = (truth[known] > high).astype(np.float64) - (truth[known] < low)
            if name == "gpmcast":
                side = interval_side(own, target, truth, own.levels(target))[known]
            below, above = (side < 0).mean(), (side > 0).mean()
            inside, width = 1 - below - above, (high - low).mean()
            log_width = (np.log1p(high) - np.log1p(low)).mean()
            widths[name] = inside, width, log_width
            print(f"  {target:18} {name:12}{known.sum():6,}  {inside:.3f} {below:.3f} {above:.3f} "
                  f"{width:10.4g} {log_width:10.3f}")  # fmt: skip
        typical, expected = (
            spearmanr(values[known], truth[known]).statistic
            for values in (own.typical(target), rows.predicted[target].to_numpy(np.float64))
        )
        print(f"  {target:18} rank against outcomes: typical {typical:.3f}, expected {expected:.3f}")
        ours, other = widths["gpmcast"], widths["plain CQR"]
        _print_goal(f"{target} inside {COVERED[0]:.0%}–{COVERED[1]:.0%}", bool(COVERED[0] <= ours[0] <= COVERED[1]))
        _print_goal(f"{target} no wider than plain CQR", bool(ours[1] <= other[1]))
        _print_goal(f"{target} no wider on the log scale", bool(ours[2] <= other[2]))


def _print_chances(
    uncertainty: PredictiveUncertainty,
    without_trees: PredictiveUncertainty,
    rows: OutOfSample,
    offset_rows: OutOfSample,
    model: CreativeModel,
) -> None:
    """Print Brier scores of P(target ≥ x) at several x; `offset_rows` holds the predictions without trees."""
    funnel = uncertainty.funnel
    target = funnel.main_roi or funnel.targets[0]
    truth = actual_targets(rows.outcome, funnel)[target].to_numpy(np.float64)
    later = rows.outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    known = np.isfinite(truth) & (later >= uncertainty.min_volume)
    methods: dict[str, Callable[[float], Floats]] = {
        "gpmcast": lambda threshold: uncertainty.of(rows.predicted, rows.features).chance(threshold, target),
        "EB, calibrated": lambda threshold: without_trees.of(offset_rows.predicted, rows.features).chance(
            threshold, target
        ),
        "EB posterior": lambda threshold: posterior_chance(
            offset_rows.predicted, rows.features, model, target, threshold
        ),
    }
    thresholds = roi_levels(truth[known])
    print(f"  P({target} ≥ x), Brier score in the mean and at x = {[float(f'{x:.3g}') for x in thresholds]}")
    brier = {}
    for name, chance in methods.items():
        each = [float(np.mean((chance(x)[known] - (truth[known] >= x)) ** 2)) for x in thresholds]
        brier[name] = float(np.mean(each))
        print(f"    {name:15} {brier[name]:.4f}  {' '.join(f'{score:.4f}' for score in each)}")
    _print_goal("Brier better than the calibrated EB's", brier["gpmcast"] < brier["EB, calibrated"])
    _print_goal("Brier better than the EB posterior's", brier["gpmcast"] < brier["EB posterior"])


def plain_cqr(
    dataset: Dataset, train: Mask, holdout: Mask, until: pd.Timestamp, uncertainty: PredictiveUncertainty
) -> pd.DataFrame:
    """Interval bounds of plain CQR, a row per holdout row: `<target>_low` and `<target>_high`."""
    funnel, level = dataset.funnel, uncertainty.level
    fits = [*folds(dataset.rows, train, dataset.settings.split.folds), (train, holdout, until)]
    sets = []
    for fit, validate, begins in fits:
        fitted = fit_features(dataset, fit, begins)
        sets.append((*rows_of(dataset, fit, fitted), *rows_of(dataset, validate, fitted)))
    table: dict[str, Floats] = {}
    for target in funnel.targets:
        scores, ends = [], (np.zeros(0), np.zeros(0))
        for features, outcome, validation, later_outcome in sets:
            label, known = _labels(
                outcome, funnel.volume_of, actual_targets(outcome, funnel)[target], uncertainty.min_volume
            )
            truth, compared = _labels(
                later_outcome, funnel.volume_of, actual_targets(later_outcome, funnel)[target], uncertainty.min_volume
            )
            low, high = (
                _quantile_trees(features.values.matrix[known], label[known], share, validation.values.matrix)
                for share in ((1 - level) / 2, (1 + level) / 2)
            )
            scores.append(np.maximum(low - truth, truth - high)[compared])
            ends = low, high
        of_folds = np.concatenate(scores[:-1])
        share = min(1.0, level * (len(of_folds) + 1) / len(of_folds))
        widen = float(np.quantile(of_folds, share, method="higher"))
        table[f"{target}_low"] = np.maximum(np.expm1(ends[0] - widen), 0.0)
        table[f"{target}_high"] = np.maximum(np.expm1(ends[1] + widen), table[f"{target}_low"])
    return pd.DataFrame(table)


def _labels(outcome: pd.DataFrame, volume_of: str, actual: pd.Series, least: float) -> tuple[Floats, Mask]:
    """log1p of the actual values, and the mask of the rows to use."""
    truth = actual.to_numpy(np.float64)
    known = np.isfinite(truth)
    if not TARGETS[str(actual.name)].is_volume:
        known &= outcome[f"later:{volume_of}"].to_numpy(np.float64) >= least
    return np.log1p(truth), known


def _quantile_trees(values: Floats, label: Floats, share: float, rows: Floats) -> Floats:
    """Predict this quantile of the label for `rows`."""
    table = lgb.Dataset(values, label=label)
    trees = lgb.train({**QUANTILE_TREES, "alpha": share}, table, num_boost_round=QUANTILE_ROUNDS)
    return np.asarray(trees.predict(rows, num_threads=1), dtype=np.float64)


def posterior_chance(
    predicted: pd.DataFrame, features: Features, model: CreativeModel, target: str, threshold: float
) -> Floats:
    """P(target ≥ threshold) by empirical Bayes alone, one per row.

    The posterior of the rate is a gamma distribution, so the number of events in the predicted volume is negative
    binomial; every event counts with its expected value.
    """
    funnel = model.fitted.funnel
    columns = columns_of(predicted, features, funnel)
    volume = predicted[funnel.volume_target].to_numpy(np.float64)
    events = np.exp(columns[f"per_volume:{target}"] - columns["log_value"]) * volume
    variance = columns[f"variance:{target}"]
    shape = 1.0 / np.maximum(variance, 1e-6)
    needed = np.ceil(threshold * events / predicted[target].to_numpy(np.float64) - 1e-9)
    return np.asarray(nbinom.sf(needed - 1, shape, shape / (shape + events)), dtype=np.float64)


def _print_goal(what: str, reached: bool) -> None:
    print(f"  {'reached' if reached else 'NOT reached'}: {what}")


if __name__ == "__main__":
    main()
