"""Compare the model with published figures on two public data sets, on the same splits and rows.

    python -m benchmarks.marks --data FOLDER [--only display|youtube] [--every N]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet. Trains once on each, with the default settings and the hand
setting of the trees (their number from folds inside the training period), and prints Spearman | R² of log1p, the total
by exposure and the mean over rows, predicted over actual: of the expected value (`gpmcast`) and of the typical value,
which ranks outcomes. Then the goals (GOALS), and whether they are reached.
--every takes every Nth video only, for a quick look.
"""

import argparse
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.load_files import read, read_frames, some_videos
from benchmarks.own_models import with_typical
from configs.settings import load_settings
from features.arrays import Mask
from features.matrix.feature_matrix import build_features
from features.point_in_time.counts import observe_loaded
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import SNAPSHOT, launches
from training.boosting.model import CreativeModel
from training.boosting.recipe import fit_on, out_of_fold, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, prepare
from training.labels.outcomes import MATURE
from training.uncertainty import fit_uncertainty

KNOWN: dict[str, dict[str, str]] = {
    "display gpm": {"carried forward": ".741|.394", "group mean": ".834|.637", "LightGBM": ".892|.775"},
    "display roi": {"carried forward": ".614|.015", "group mean": ".758|.279", "LightGBM": ".813|.662"},
    "youtube gpm": {"carried forward": ".853|-.32", "times the ratio": ".853|.706", "LightGBM": ".918|.832"},
    "youtube volume": {"early × growth": ".899|.797", "LightGBM": ".965|.932"},
}
"""Published figures of the same task, from the README of the data."""
EXPECTED, TYPICAL = "gpmcast", "gpmcast, typical"
RANK, FIT, TOTAL = "rank", "R²", "total"
GOALS: dict[str, list[tuple[str, str, float, float]]] = {
    "display gpm": [(EXPECTED, RANK, 0.885, 1.0), (EXPECTED, TOTAL, 0.9, 1.15), (TYPICAL, RANK, 0.885, 1.0)],
    "display roi": [(EXPECTED, RANK, 0.745, 1.0), (EXPECTED, TOTAL, 0.9, 1.15), (TYPICAL, RANK, 0.80, 1.0)],
    "youtube gpm": [(TYPICAL, RANK, 0.915, 1.0), (TYPICAL, FIT, 0.825, 1.0), (EXPECTED, TOTAL, 0.95, 1.1)],
    "youtube volume": [(TYPICAL, RANK, 0.925, 1.0), (TYPICAL, FIT, 0.85, 1.0), (EXPECTED, TOTAL, 0.95, 1.05)],
}
"""Task → line, figure, and its bounds."""


def main() -> None:
    """Print the figures of each data set with the published ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", choices=["display", "youtube"])
    parser.add_argument("--every", type=int, default=1)
    options = parser.parse_args()
    if options.only != "youtube":
        display(options.data)
    if options.only != "display":
        youtube(options.data, options.every)


def display(folder: Path) -> None:
    """Predict days t+3..t+9 from days t..t+2 and tags; t every ten days, training before 2020-05-25, test after."""
    settings = load_settings("configs/default.yaml").model_copy(update={"open_days": 0})
    dataset = prepare(read([folder / "display_ads_daily.csv.gz"], settings), settings)
    model = _train(dataset, pd.Timestamp("2020-05-25"))
    daily = dataset.loaded.metrics
    rows = []
    for first in pd.date_range("2020-04-01", "2020-06-20", freq="10D"):
        if first >= pd.Timestamp("2020-05-25"):
            cutoff, end = first + pd.Timedelta(days=3), first + pd.Timedelta(days=10)
            early = daily[daily["period_start"].ge(first) & daily["period_end"].le(cutoff)]
            later = daily[daily["period_start"].ge(cutoff) & daily["period_end"].le(end)]
            both = _sums(early).add_suffix("_early").join(_sums(later).add_suffix("_later"), how="inner")
            rows.append(both[both.filter(like="impressions").ge(1000).all(axis=1)].assign(cutoff=cutoff))
    table = pd.concat(rows).reset_index()
    predicted = _predict_at(dataset, model, table[["creative_id", "cutoff"]])
    for target, below in (("gpm", "impressions"), ("roi", "spend_cny")):
        scale = 1000.0 if target == "gpm" else 1.0
        exposure = table[f"{below}_later"]
        actual = scale * table["gmv_cny_later"] / exposure
        carried = scale * table["gmv_cny_early"] / table[f"{below}_early"]
        _print_figures(
            f"display {target}", {"carried forward, here": carried} | _both(predicted, target), actual, exposure
        )


def youtube(folder: Path, every: int = 1) -> None:
    """Predict likes per 1 000 new views within 72 ± 14 h from the first snapshot, at most 48 h after publication."""
    settings = load_settings("configs/youtube.yaml")
    tables = some_videos(folder, every)
    dataset = prepare(read_frames(tables, settings), settings)
    snapshots, videos = tables.values()
    published = videos[["video_id", "published_at"]]
    rows = snapshots.merge(published, on="video_id").sort_values(["video_id", "fetched_at"])
    age = rows["fetched_at"] - rows["published_at"]
    first = rows[~rows.duplicated("video_id") & age.le(pd.Timedelta(hours=48))]
    first = first[first["published_at"] >= pd.Timestamp("2026-06-01")]
    pairs = first.merge(rows, on="video_id", suffixes=("", "_later"))
    hours = (pairs["fetched_at_later"] - pairs["fetched_at"]).dt.total_seconds() / 3600
    pairs = pairs.assign(miss=(hours - 72).abs())[(hours - 72).abs() <= 14].sort_values("miss")
    table = pairs.drop_duplicates("video_id").reset_index(drop=True)
    views, likes = table["views_later"] - table["views"], table["likes_later"] - table["likes"]
    known = (views > 0) & (likes >= 0)
    table = table[known].reset_index(drop=True)
    views, likes = (part[known].reset_index(drop=True) for part in (views, likes))

    # Training videos were published before 2026-05-20, with what was known when the first test video came out.
    early = (dataset.observed["launched_at"] < pd.Timestamp("2026-05-20")).to_numpy(np.bool_)
    model = _train(dataset, pd.Timestamp("2026-06-01"), early)
    local = table["fetched_at"].dt.tz_localize("UTC").dt.tz_convert(settings.time_zone).dt.tz_localize(None)
    requested = pd.DataFrame({"creative_id": table["video_id"].astype("str"), "cutoff": local})
    predicted = _predict_at(dataset, model, requested)
    carried = 1000.0 * table["likes"] / table["views"]
    rates = {"carried forward, here": carried} | _both(predicted, "gpm")
    _print_figures("youtube gpm", rates, 1000.0 * likes / views, views)
    # Predictions are for a whole outcome window; the later snapshot covers a part of it.
    part = (table["fetched_at_later"] - table["fetched_at"]).dt.total_seconds() / (86_400 * settings.outcome_days)
    own = {name: volume * part for name, volume in _both(predicted, "later_impressions").items()}
    _print_figures("youtube volume", {"early views, here": table["views"]} | own, views, views * 0 + 1)


def _train(dataset: Dataset, until: pd.Timestamp, among: Mask | None = None) -> CreativeModel:
    rows = (dataset.rows["state"] == MATURE).to_numpy() & dataset.rows["closed_at"].le(until).to_numpy()
    if among is not None:
        rows &= among
    ((rows, _),), moments = plan_refits(dataset, [(rows, until)])
    dataset = with_refits(dataset, moments)
    recipe = recipe_by_hand(dataset, rows)
    model = fit_on(dataset, rows, until, recipe)
    validation = out_of_fold(dataset, rows, recipe)
    return replace(model, uncertainty=fit_uncertainty(validation, dataset.funnel, dataset.settings))


def _predict_at(dataset: Dataset, model: CreativeModel, requested: pd.DataFrame) -> pd.DataFrame:
    """Targets of each row's creative at its cutoff, and their typical values as `typical_<target>`."""
    loaded = dataset.loaded
    metrics = MetricRows.of(loaded)
    born = launches(metrics).frame(metrics.creatives)
    rows = requested.merge(born, on="creative_id", how="left")
    elapsed = (rows["cutoff"] - rows["launched_at"]).dt.total_seconds() / 3600
    rows = rows.assign(age_hours=elapsed, elapsed_hours=elapsed, cutoff=rows["cutoff"].astype("datetime64[us]"))
    counts = observe_loaded(rows[SNAPSHOT], metrics, model.fitted.funnel, model.fitted.entities, dataset.settings)
    features = build_features(counts, model.fitted)
    return with_typical(model.predict(features), features, model.uncertainty, model.fitted.funnel.targets)


def _both(predicted: pd.DataFrame, target: str) -> dict[str, pd.Series]:
    """Line → expected value, and typical value where the target is calibrated."""
    names = {EXPECTED: target, TYPICAL: f"typical_{target}"}
    return {line: predicted[name] for line, name in names.items() if name in predicted}


def _sums(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics.groupby("creative_id")[["impressions", "spend_cny", "gmv_cny"]].sum()


def _print_figures(task: str, predictions: Mapping[str, pd.Series], actual: pd.Series, exposure: pd.Series) -> None:
    known = np.isfinite(actual.to_numpy(np.float64))
    truth, weight = actual.to_numpy(np.float64)[known], exposure.to_numpy(np.float64)[known]
    print(f"{task}, {len(actual):,} rows")
    for name, figure in KNOWN[task].items():
        print(f"  {name:24} {figure:>12}   (published)")
    found: dict[tuple[str, str], float] = {}
    for name, series in predictions.items():
        predicted, log_truth = series.to_numpy(np.float64)[known], np.log1p(truth)
        rest = np.sum((np.log1p(predicted) - log_truth) ** 2) / np.sum((log_truth - log_truth.mean()) ** 2)
        found[name, RANK], found[name, FIT] = float(spearmanr(predicted, truth).statistic), float(1 - rest)
        found[name, TOTAL] = float(predicted @ weight / (truth @ weight))
        print(
            f"  {name:24} {found[name, RANK]:.3f}|{found[name, FIT]:.3f}   "
            f"total {found[name, TOTAL]:.2f}, mean {predicted.mean() / truth.mean():.2f}"
        )
    for line, figure, low, high in GOALS[task]:
        value = found.get((line, figure), float("nan"))
        verdict = "not measured" if np.isnan(value) else "reached" if low <= value <= high else "MISSED"
        print(f"  {verdict}: {line}, {figure} {value:.3f} ({low:g}–{high:g})")


if __name__ == "__main__":
    main()
