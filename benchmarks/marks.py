"""How the model does on two public data sets, on the splits and rows for which other figures are known.

    python -m benchmarks.marks --data FOLDER [--only display|youtube] [--every N]

FOLDER holds display_ads_daily.csv.gz and youtube_*.parquet. Trains once on each, with the default settings and the hand
setting of the trees (their number from folds inside the training period), and prints Spearman | R² of log1p.
--every takes each Nth video only, for a quick look: fewer teach, and fewer judge.
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
from features.point_in_time.counts import observe
from features.point_in_time.snapshots import SNAPSHOT, launches
from training.boosting.model import CreativeModel
from training.boosting.recipe import fit_on, recipe_by_hand
from training.boosting.rolling_fits import plan_refits, with_refits
from training.data.dataset import Dataset, prepare
from training.labels.outcomes import MATURE

KNOWN: dict[str, dict[str, str]] = {
    "display gpm": {"carried forward": ".741|.394", "group mean": ".834|.637", "LightGBM": ".892|.775"},
    "display roi": {"carried forward": ".614|.015", "group mean": ".758|.279", "LightGBM": ".813|.662"},
    "youtube gpm": {"carried forward": ".853|-.32", "times the ratio": ".853|.706", "LightGBM": ".918|.832"},
    "youtube volume": {"early × growth": ".899|.797", "LightGBM": ".965|.932"},
}
"""Figures of the README beside the data, on the same task."""


def main() -> None:
    """Print the figures of each data set beside the known ones."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", choices=["display", "youtube"])
    parser.add_argument("--every", type=int, default=1)
    given = parser.parse_args()
    if given.only != "youtube":
        display(given.data)
    if given.only != "display":
        youtube(given.data, given.every)


def display(folder: Path) -> None:
    """Days t..t+2 and the tags tell days t+3..t+9; windows every ten days, train before 2020-05-25, test after."""
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
        _tell(f"display {target}", len(table), {"carried forward, here": carried, "gpmcast": predicted[target]}, actual)


def youtube(folder: Path, every: int = 1) -> None:
    """The first reading, at most 48 h old, tells likes per 1 000 new views until the one 72 ± 14 h later."""
    settings = load_settings("configs/youtube.yaml")
    tables = some_videos(folder, every)
    dataset = prepare(read_frames(tables, settings), settings)
    taken, videos = tables.values()
    published = videos[["video_id", "published_at"]]
    readings = taken.merge(published, on="video_id").sort_values(["video_id", "fetched_at"])
    age = readings["fetched_at"] - readings["published_at"]
    first = readings[~readings.duplicated("video_id") & age.le(pd.Timedelta(hours=48))]
    first = first[first["published_at"] >= pd.Timestamp("2026-06-01")]
    apart = first.merge(readings, on="video_id", suffixes=("", "_later"))
    hours = (apart["fetched_at_later"] - apart["fetched_at"]) / pd.Timedelta(hours=1)
    apart = apart.assign(miss=(hours - 72).abs())[(hours - 72).abs() <= 14].sort_values("miss")
    table = apart.drop_duplicates("video_id").reset_index(drop=True)
    views, likes = table["views_later"] - table["views"], table["likes_later"] - table["likes"]
    table, views, likes = (part[(views > 0) & (likes >= 0)].reset_index(drop=True) for part in (table, views, likes))

    # Trained on videos published before 2026-05-20, as known when the first test video came out.
    published = dataset.observed["launched_at"] < pd.Timestamp("2026-05-20")
    model = _train(dataset, pd.Timestamp("2026-06-01"), published.to_numpy())
    local = table["fetched_at"].dt.tz_localize("UTC").dt.tz_convert(settings.time_zone).dt.tz_localize(None)
    asked = pd.DataFrame({"creative_id": table["video_id"].astype("str"), "cutoff": local})
    predicted = _predict_at(dataset, model, asked)
    carried = 1000.0 * table["likes"] / table["views"]
    _tell(
        "youtube gpm",
        len(table),
        {"carried forward, here": carried, "gpmcast": predicted["gpm"]},
        1000.0 * likes / views,
    )
    # Told for a whole outcome window; the later reading covers a part of it.
    part = (table["fetched_at_later"] - table["fetched_at"]) / pd.Timedelta(days=settings.outcome_days)
    paces = {"early views, here": table["views"], "gpmcast": predicted["later_impressions"] * part}
    _tell("youtube volume", len(table), paces, views)


def _train(dataset: Dataset, until: pd.Timestamp, among: np.ndarray | None = None) -> CreativeModel:
    rows = (dataset.rows["state"] == MATURE).to_numpy() & dataset.rows["closed_at"].le(until).to_numpy()
    if among is not None:
        rows &= among
    ((rows, _),), moments = plan_refits(dataset, [(rows, until)])
    dataset = with_refits(dataset, moments)
    return fit_on(dataset, rows, until, recipe_by_hand(dataset, rows))


def _predict_at(dataset: Dataset, model: CreativeModel, asked: pd.DataFrame) -> pd.DataFrame:
    loaded = dataset.loaded
    born = launches(loaded.metrics, loaded.creatives)
    rows = asked.merge(born, on="creative_id", how="left")
    elapsed = (rows["cutoff"] - rows["launched_at"]) / pd.Timedelta(hours=1)
    rows = rows.assign(age_hours=elapsed, elapsed_hours=elapsed, cutoff=rows["cutoff"].astype("datetime64[us]"))
    counts = observe(rows[SNAPSHOT], loaded, model.fitted.funnel, model.fitted.entities, dataset.settings)
    return model.predict(build_features(counts, model.fitted))


def _sums(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics.groupby("creative_id")[["impressions", "spend_cny", "gmv_cny"]].sum()


def _tell(task: str, count: int, guesses: Mapping[str, pd.Series], actual: pd.Series) -> None:
    known = np.isfinite(actual.to_numpy(np.float64))
    truth = actual.to_numpy(np.float64)[known]
    print(f"{task}, {count:,} rows")
    for name, figure in KNOWN[task].items():
        print(f"  {name:24} {figure:>12}   (known)")
    for name, series in guesses.items():
        guess = series.to_numpy(np.float64)[known]
        rest = np.sum((np.log1p(guess) - np.log1p(truth)) ** 2) / np.sum(
            (np.log1p(truth) - np.log1p(truth).mean()) ** 2
        )
        total = guess.sum() / truth.sum()
        print(f"  {name:24} {spearmanr(guess, truth).statistic:.3f}|{1 - rest:.3f}   total {total:.2f}")


if __name__ == "__main__":
    main()
