"""Compare coverage and width of intervals and the calibration of chances with simpler methods.

    python -m benchmarks.intervals --data FOLDER [--sample var/sample-exports]
                                   [--only sample|display|youtube|worlds] [--seeds 11 12 13]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet; --seeds are of further sample worlds: a holdout has a few
hundred creatives, so the standard error of one world's coverage is two or three points. Each data set uses the default
split, the hand setting of the trees, calibration on out-of-fold rows of the training period, and evaluation on the
holdout. Compared on the same rows: plain CQR (Romano et al. 2019: LightGBM quantile regressions of log1p on the same
features, with one split-conformal correction from the same out-of-fold rows); for chances, the same calibration around
the prediction without trees (empirical Bayes), and its gamma–Poisson posterior without calibration. Prints for each
target whether the goals are reached.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import nbinom

from benchmarks.load_files import read
from configs.settings import Settings, load_settings
from features.funnel import TARGETS
from features.matrix.feature_matrix import Features
from sample.__main__ import main as make_sample
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on, out_of_fold, predict_out_of_sample, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stage_targets import actual_targets
from training.data.dataset import Dataset, Mask, fit_features, prepare, rows_of
from training.evaluation.coverage import MIN_GROUP_ROWS, group_coverage, reliability, roi_levels
from training.labels.splits import folds, holdout_split
from training.uncertainty import OutOfSample, PredictiveUncertainty, fit_uncertainty
from training.uncertainty.covariates import log_events, logs_of, stages_of

Floats = npt.NDArray[np.float64]

COVERED = (0.78, 0.84)
"""Goal: share of outcomes inside 80 % intervals, over all rows."""
LEAST_COVERED = 0.74
"""Goal: the same in every cell of MIN_GROUP_ROWS rows or more."""
OFF = 0.05
"""Goal: error of stated chances, in every decile of MIN_GROUP_ROWS rows or more."""
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
    parser.add_argument("--only", choices=["sample", "display", "youtube", "worlds"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13], help="of further sample worlds")
    options = parser.parse_args()
    sets: dict[str, tuple[list[Path], Settings]] = {
        "sample": ([options.sample], load_settings("configs/default.yaml")),
        "display": (
            [options.data / "display_ads_daily.csv.gz"],
            load_settings("configs/default.yaml").model_copy(update={"open_days": 0}),
        ),
        "youtube": (
            [options.data / "youtube_snapshots.parquet", options.data / "youtube_videos.parquet"],
            load_settings("configs/youtube.yaml"),
        ),
    }
    for name, (paths, settings) in sets.items():
        if options.only in (None, name):
            evaluate(name, prepare(read(paths, settings), settings))
    if options.only in (None, "worlds"):
        worlds(options.seeds)


def worlds(seeds: list[int]) -> None:
    """Print the figures of further sample worlds and their mean coverage."""
    settings, coverage = load_settings("configs/default.yaml"), []
    for seed in seeds:
        with TemporaryDirectory() as folder:
            exports = Path(folder) / "exports"
            make_sample(["--out", str(exports), "--truth", f"{folder}/truth.parquet", "--seed", str(seed)])
            coverage.append(evaluate(f"sample world {seed}", prepare(read([exports], settings), settings)))
    print("\nInside, world by world and in the mean:")
    print(pd.concat(coverage, axis=1).assign(mean=lambda table: table.mean(axis=1)).round(3).to_string())


def evaluate(name: str, dataset: Dataset) -> pd.Series:
    """Print the figures of one data set; return target → share of outcomes inside the interval."""
    train, holdout, until = holdout_split(dataset.rows, dataset.settings.split.holdout_days)
    ((train, _),), moments = plan_refits(dataset, [(train, until)])
    dataset = with_refits(dataset, moments)
    recipe = recipe_by_hand(dataset, train)
    calibration = out_of_fold(dataset, train, recipe)
    uncertainty = fit_uncertainty(calibration, dataset.funnel, dataset.settings)
    without_trees = fit_uncertainty(out_of_fold(dataset, train, Recipe()), dataset.funnel, dataset.settings)
    if uncertainty is None or without_trees is None:
        print(f"{name}: too few rows to calibrate")
        return pd.Series(name=name)
    model = fit_on(dataset, train, until, recipe)
    rows = predict_out_of_sample(dataset, holdout, model)
    print(f"\n{name}: {len(rows.predicted):,} holdout rows, calibrated on {dict(uncertainty.calibration_rows)}")
    cqr = plain_cqr(dataset, train, holdout, until, uncertainty)
    inside = _print_intervals(dataset, uncertainty, rows, cqr)
    start = replace(rows, predicted=model.predict(rows.features, trees=False))
    _print_chances(uncertainty, without_trees, rows, start, model)
    return inside.rename(name)


def _print_intervals(
    dataset: Dataset, uncertainty: PredictiveUncertainty, rows: OutOfSample, cqr: pd.DataFrame
) -> pd.Series:
    inside = {}
    actual = actual_targets(rows.outcome, dataset.funnel)
    later = rows.outcome[f"later:{dataset.funnel.volume_of}"].to_numpy(np.float64)
    bounds_of = {"gpmcast": pd.DataFrame(uncertainty.of(rows.predicted, rows.features).intervals), "plain CQR": cqr}
    cells = {
        name: group_coverage(bounds, actual, later, uncertainty.min_volume, rows) for name, bounds in bounds_of.items()
    }
    print("  target             method      rows  inside below above      width  log width  worst cell (of)")
    for target in dataset.funnel.targets:
        found = {}
        for name, of_all in cells.items():
            of_target = of_all[of_all["target"] == target]
            for counted in (True, False):
                overall = of_target[(of_target["age_hours"] == "all") & (of_target["judged"] == counted)]
                if overall.empty or (not counted and (name != "gpmcast" or TARGETS[target].is_volume)):
                    continue
                row = overall.iloc[0]
                big = of_target[(of_target["age_hours"] != "all") & (of_target["rows"] >= MIN_GROUP_ROWS)]
                worst = f"{big['covered'].min():.3f} ({len(big)})" if counted and len(big) else "–"
                label = name if counted else "any exposure"
                print(
                    f"  {target:18} {label:12}{int(row['rows']):6,}  {row['covered']:.3f} {row['below']:.3f} "
                    f"{row['above']:.3f} {row['width']:10.4g} {row['log_width']:10.3f}  {worst}"
                )
                if counted:
                    found[name] = row, big
        ours, big = found["gpmcast"]
        inside[target] = float(ours["covered"])
        other = found["plain CQR"][0]
        _print_goal(f"{target} inside {COVERED[0]:.0%}–{COVERED[1]:.0%}", COVERED[0] <= ours["covered"] <= COVERED[1])
        if len(big):
            _print_goal(
                f"{target} every cell {LEAST_COVERED:.0%} or more", bool((big["covered"] >= LEAST_COVERED).all())
            )
        _print_goal(f"{target} no wider than plain CQR", bool(ours["width"] <= other["width"]))
        _print_goal(f"{target} no wider on the log scale", bool(ours["log_width"] <= other["log_width"]))
    return pd.Series(inside)


def _print_chances(
    uncertainty: PredictiveUncertainty,
    without_trees: PredictiveUncertainty,
    rows: OutOfSample,
    start: OutOfSample,
    model: CreativeModel,
) -> None:
    funnel = uncertainty.funnel
    target = funnel.main_roi or funnel.targets[0]
    truth = actual_targets(rows.outcome, funnel)[target].to_numpy(np.float64)
    later = rows.outcome[f"later:{funnel.volume_of}"].to_numpy(np.float64)
    counted = np.isfinite(truth) & (later >= uncertainty.min_volume)
    methods: dict[str, Callable[[float], Floats]] = {
        "gpmcast": lambda threshold: uncertainty.of(rows.predicted, rows.features).chance(threshold, target),
        "EB, calibrated": lambda threshold: without_trees.of(start.predicted, rows.features).chance(threshold, target),
        "EB posterior": lambda threshold: posterior_chance(start.predicted, rows.features, model, target, threshold),
    }
    thresholds = roi_levels(truth[counted])
    true = [truth[counted] >= threshold for threshold in thresholds]
    stated = {name: [chance(threshold)[counted] for threshold in thresholds] for name, chance in methods.items()}
    brier = {}
    for name, chances in stated.items():
        each = [float(np.mean((chance - came) ** 2)) for chance, came in zip(chances, true)]
        brier[name] = float(np.mean(each))
        print(
            f"  P({target} ≥ x), Brier at x = {[float(f'{x:.3g}') for x in thresholds]}: {name:15} "
            f"{brier[name]:.4f}  {' '.join(f'{value:.4f}' for value in each)}"
        )
    _print_goal("Brier better than the calibrated EB's", brier["gpmcast"] < brier["EB, calibrated"])
    _print_goal("Brier better than the EB posterior's", brier["gpmcast"] < brier["EB posterior"])
    _print_bins(f"P({target} ≥ x)", np.concatenate(stated["gpmcast"]), np.concatenate(true))
    if uncertainty.hit_measure:
        hits = uncertainty.hits(rows.outcome, rows.predicted["promotion_type"].astype("str"))
        stated_hits = uncertainty.of(rows.predicted, rows.features).hit_chance()
        known = np.isfinite(hits) & np.isfinite(stated_hits)
        came = hits[known] > 0
        print(
            f"  P(hit by {uncertainty.hit_measure}): Brier {np.mean((stated_hits[known] - came) ** 2):.4f}, "
            f"of their share alone {came.mean() * (1 - came.mean()):.4f}"
        )
        _print_bins("P(hit)", stated_hits[known], came)


def _print_bins(name: str, stated: Floats, true: npt.NDArray[np.bool_]) -> None:
    bins = reliability(stated, true)
    for row in bins.to_dict("records"):
        print(f"    {name} {row['stated']:.3f} came true {row['true']:.3f} ({int(row['rows']):,} rows)")
    big = bins[bins["rows"] >= MIN_GROUP_ROWS]
    off = float((big["stated"] - big["true"]).abs().max()) if len(big) else 0.0
    _print_goal(f"{name} within ±{OFF} where {MIN_GROUP_ROWS} rows or more ({off:.3f} at most)", off <= OFF)


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
    per_volume = np.exp(log_events(logs_of(predicted, features), funnel, target))
    events = per_volume * predicted[funnel.volume_target].to_numpy(np.float64)
    variance = sum((features.posteriors[name].variance for name in stages_of(funnel, target)), np.zeros(len(predicted)))
    shape = 1.0 / np.maximum(variance, 1e-6)
    needed = np.ceil(threshold * events / predicted[target].to_numpy(np.float64) - 1e-9)
    return np.asarray(nbinom.sf(needed - 1, shape, shape / (shape + events)), dtype=np.float64)


def _print_goal(what: str, reached: bool) -> None:
    print(f"  {'reached' if reached else 'NOT reached'}: {what}")


if __name__ == "__main__":
    main()
