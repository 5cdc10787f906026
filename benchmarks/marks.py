"""Compare the model with published figures on two public data sets, on the same splits and rows.

    python -m benchmarks.marks --data FOLDER [--only display|youtube] [--every N]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet. Trains once on each, with the default settings and the hand
setting of the trees (their number from folds inside the training period), and prints Spearman | R² of log1p.
--every takes every Nth video only, for a quick look.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from benchmarks.load_files import read, read_frames, some_videos
from configs.settings import load_settings
from features.matrix.feature_matrix import build_features
from features.point_in_time.counts import observe_loaded
from features.point_in_time.metric_rows import MetricRows
from features.point_in_time.snapshots import SNAPSHOT, launches
from training.boosting.model import CreativeModel
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, Mask, prepare
from training.labels.outcomes import MATURE

KNOWN: dict[str, dict[str, str]] = {
    "display gpm": {"carried forward": ".741|.394", "group mean": ".834|.637", "LightGBM": ".892|.775"},
    "display roi": {"carried forward": ".614|.015", "group mean": ".758|.279", "LightGBM": ".813|.662"},
    "youtube gpm": {"carried forward": ".853|-.32", "times the ratio": ".853|.706", "LightGBM": ".918|.832"},
    "youtube volume": {"early × growth": ".899|.797", "LightGBM": ".965|.932"},
}
"""Published figures of the same task, from the README of the data."""


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
        actual = scale * table["gmv_cny_later"] / table[f"{below}_later"]
        carried = scale * table["gmv_cny_early"] / table[f"{below}_early"]
        _print_figures(
            f"display {target}", len(table), {"carried forward, here": carried, "gpmcast": predicted[target]}, actual
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
    _print_figures(
        "youtube gpm",
        len(table),
        {"carried forward, here": carried, "gpmcast": predicted["gpm"]},
        1000.0 * likes / views,
    )
    # Predictions are for a whole outcome window; the later snapshot covers a part of it.
    part = (table["fetched_at_later"] - table["fetched_at"]).dt.total_seconds() / (86_400 * settings.outcome_days)
    paces = {"early views, here": table["views"], "gpmcast": predicted["later_impressions"] * part}
    _print_figures("youtube volume", len(table), paces, views)


def _train(dataset: Dataset, until: pd.Timestamp, among: Mask | None = None) -> CreativeModel:
    rows = (dataset.rows["state"] == MATURE).to_numpy() & dataset.rows["closed_at"].le(until).to_numpy()
    if among is not None:
        rows &= among
    ((rows, _),), moments = plan_refits(dataset, [(rows, until)])
    dataset = with_refits(dataset, moments)
    return fit_on(dataset, rows, until, recipe_by_hand(dataset, rows))


def _predict_at(dataset: Dataset, model: CreativeModel, requested: pd.DataFrame) -> pd.DataFrame:
    """Targets of each row's creative at its cutoff."""
    loaded = dataset.loaded
    metrics = MetricRows.of(loaded)
    born = launches(metrics).frame(metrics.creatives)
    rows = requested.merge(born, on="creative_id", how="left")
    elapsed = (rows["cutoff"] - rows["launched_at"]).dt.total_seconds() / 3600
    rows = rows.assign(age_hours=elapsed, elapsed_hours=elapsed, cutoff=rows["cutoff"].astype("datetime64[us]"))
    counts = observe_loaded(rows[SNAPSHOT], metrics, model.fitted.funnel, model.fitted.entities, dataset.settings)
    return model.predict(build_features(counts, model.fitted))


def _sums(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics.groupby("creative_id")[["impressions", "spend_cny", "gmv_cny"]].sum()


def _print_figures(task: str, count: int, predictions: Mapping[str, pd.Series], actual: pd.Series) -> None:
    known = np.isfinite(actual.to_numpy(np.float64))
    truth = actual.to_numpy(np.float64)[known]
    print(f"{task}, {count:,} rows")
    for name, figure in KNOWN[task].items():
        print(f"  {name:24} {figure:>12}   (published)")
    for name, series in predictions.items():
        predicted, log_truth = series.to_numpy(np.float64)[known], np.log1p(truth)
        rest = np.sum((np.log1p(predicted) - log_truth) ** 2) / np.sum((log_truth - log_truth.mean()) ** 2)
        total = predicted.sum() / truth.sum()
        print(f"  {name:24} {spearmanr(predicted, truth).statistic:.3f}|{1 - rest:.3f}   total {total:.2f}")


if __name__ == "__main__":
    main()
