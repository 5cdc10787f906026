"""Pictures of an evaluation: rank correlation by age, predicted against actual, and how early a forecast is of use."""

from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd

from training.evaluate import ALL_AGES, LEAST_ROWS, METHODS, Floats

matplotlib.use("Agg")
from matplotlib import pyplot as plt

COLOURS = dict(zip(METHODS, ("#9aa0a6", "#e69f00", "#0072b2")))
BINS = 10


def draw(figures: pd.DataFrame, beside: pd.DataFrame, folder: Path) -> list[Path]:
    """Write `ranking.png` and `calibration.png` into the folder.

    Args:
        figures: Of `training.evaluate.evaluate`.
        beside: Predicted and actual targets of the held-out rows.
        folder: Made if absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    targets = list(dict.fromkeys(figures["target"]))
    return [
        _ranking(figures, targets, folder / "ranking.png"),
        _calibration(beside, targets, folder / "calibration.png"),
    ]


def draw_earliness(curve: pd.DataFrame, folder: Path) -> Path:
    """Write `earliness.png`: rank correlation and decision value by age, each with its share of spend undecided.

    Args:
        curve: Of `training.earliness.earliness`; ages of fewer than LEAST_ROWS rows are left out.
        folder: Made if absent.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shown = (
        ("spearman", "rank correlation of ROI with what came"),
        ("captured_share", "replay: from everyone alike (0) to the oracle (1)"),
    )
    picture, axes = plt.subplots(1, len(shown), figsize=(10, 4), squeeze=False)
    rows = curve[(curve["rows"] >= LEAST_ROWS) & curve["undecided_share"].notna()]
    ages = rows.drop_duplicates("age_hours").set_index("age_hours")["undecided_share"].sort_index()
    for axis, (name, title) in zip(axes[0], shown):
        for method, of_method in rows.groupby("method"):
            places = ages.index.get_indexer(of_method["age_hours"])
            line = axis.plot(places, of_method[name], marker="o", ms=3, color=COLOURS.get(str(method)), label=method)
            low, high = of_method[f"{name}_low"], of_method[f"{name}_high"]
            axis.fill_between(places, low, high, color=line[0].get_color(), alpha=0.12, lw=0)
        axis.axhline(0.0, color="#9aa0a6", lw=1)
        axis.set_ylim(max(-1.0, axis.get_ylim()[0]), 1.0)
        axis.set_xticks(range(len(ages)), [f"{age:g}\n{share:.0%}" for age, share in ages.items()], fontsize=7)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("age in hours, and spend still undecided", fontsize=8)
        axis.tick_params(axis="y", labelsize=7)
        axis.grid(alpha=0.3)
    if len(rows):
        axes[0][0].legend(fontsize=7)
    return _save(picture, folder / "earliness.png")


def _ranking(figures: pd.DataFrame, targets: list[str], path: Path) -> Path:
    picture, axes = plt.subplots(1, len(targets), figsize=(3.2 * len(targets), 3.4), sharey=True, squeeze=False)
    rows = figures[(figures["part"] == "all") & (figures["age_hours"] != ALL_AGES)].dropna(subset=["spearman"])
    for axis, target in zip(axes[0], targets):
        of_target = rows[rows["target"] == target]
        ages = sorted(of_target["age_hours"].unique())
        for method, of_method in of_target.groupby("method"):
            places = [ages.index(age) for age in of_method["age_hours"]]
            axis.plot(places, of_method["spearman"], marker="o", ms=3, color=COLOURS[str(method)], label=method)
        step = max(1, len(ages) // 8)
        axis.set_xticks(range(0, len(ages), step), [f"{age:g}" for age in ages[::step]], fontsize=7)
        axis.set_title(target, fontsize=9)
        axis.set_xlabel("age, hours", fontsize=8)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("rank correlation with what came", fontsize=8)
    if axes[0][0].lines:
        axes[0][0].legend(fontsize=7)
    return _save(picture, path)


def _calibration(beside: pd.DataFrame, targets: list[str], path: Path) -> Path:
    picture, axes = plt.subplots(1, len(targets), figsize=(3.2 * len(targets), 3.4), squeeze=False)
    for axis, target in zip(axes[0], targets):
        rows = beside[[f"{part}_{target}" for part in ("predicted", "actual", "exposure")]].dropna()
        rows = rows[rows[f"exposure_{target}"] > 0].sort_values(f"predicted_{target}", kind="stable")
        if len(rows) >= BINS:
            means = np.array([_weighted_means(part) for part in np.array_split(rows.to_numpy(np.float64), BINS)])
            axis.plot(means[:, 0], means[:, 1], marker="o", ms=4, color=COLOURS["gpmcast"])
            top = means.max() * 1.05
            axis.plot([0, top], [0, top], color="#9aa0a6", lw=1)
        axis.set_title(target, fontsize=9)
        axis.set_xlabel("predicted, tenths of rows", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.grid(alpha=0.3)
    axes[0][0].set_ylabel("what came, mean by exposure", fontsize=8)
    return _save(picture, path)


def _weighted_means(rows: Floats) -> Floats:
    """Mean predicted and mean actual of some rows, by exposure, each row's share held at the median's tenfold."""
    weight = np.minimum(rows[:, 2], 10.0 * np.median(rows[:, 2]))
    return np.average(rows[:, :2], axis=0, weights=weight)


def _save(picture: plt.Figure, path: Path) -> Path:
    picture.tight_layout()
    picture.savefig(path, dpi=130)
    plt.close(picture)
    return path
