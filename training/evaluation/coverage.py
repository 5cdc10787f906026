"""Do intervals hold what they promise, and are stated chances those at which things come true?"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.funnel import TARGETS
from training.boosting.stage_targets import actual_targets
from training.uncertainty import OutOfSample, PredictiveUncertainty, early_volume

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEAST_ROWS = 200
"""Rows under which a cell or a bin is not judged."""
BINS = 10
ASKED_SHARES = (0.3, 0.5, 0.7, 0.9)
"""Chances are asked of targets that these shares of outcomes above 0 stay below."""
QUARTERS = ("q1", "q2", "q3", "q4")


@dataclass(frozen=True)
class Coverage:
    """How intervals and chances did on rows that the model had not seen.

    Attributes:
        cells: A row per target, age, quarter of early volume and promotion type, and for all together (`all`): `rows`,
            `judged` (rates: whether later volume reached the least; volume: all), `covered`, `below`, `above`,
            `width`, `log_width` (of log1p).
        bins: A row per chance asked (`roi`, `hit`) and tenth of chance: `rows`, `stated`, `true`.
        brier: Chance → mean squared error; `<chance>_base`: of the share that came true, told of every row.
    """

    cells: pd.DataFrame
    bins: pd.DataFrame
    brier: Mapping[str, float]

    def figures(self) -> dict[str, float]:
        """What is logged of it, by name."""
        told = {}
        for row in self.overall().to_dict("records"):
            for name in ("covered", "width", "log_width"):
                told[f"interval/{row['target']}/{name}"] = float(row[name])
        return {**told, **{f"interval/brier/{name}": value for name, value in self.brier.items()}}

    def overall(self) -> pd.DataFrame:
        """The cell of all judged rows, per target."""
        return self.cells[(self.cells["age_hours"] == "all") & self.cells["judged"]]

    def summary(self) -> str:
        """In a line."""
        shares = ", ".join(f"{row['target']} {row['covered']:.0%}" for row in self.overall().to_dict("records"))
        enough = self.bins[(self.bins["rows"] >= LEAST_ROWS) & (self.bins["chance"] == "roi")]
        off = (enough["stated"] - enough["true"]).abs().max()
        worst = f"; chances of ROI are off by {off:.0%} at most" if len(enough) else ""
        return f"Outcomes inside their intervals: {shares}{worst}."


def coverage(uncertainty: PredictiveUncertainty, rows: OutOfSample) -> Coverage:
    """Intervals and chances of some rows, none of which calibrated them."""
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
        judged = np.isfinite(truth) & (later >= uncertainty.min_volume)
        stated, true = [], []
        for asked in asked_targets(truth[judged]):
            stated.append(own.chance(asked)[judged])
            true.append(truth[judged] >= asked)
        if stated:
            bins.append(reliability(np.concatenate(stated), np.concatenate(true)).assign(chance="roi"))
            brier |= _brier("roi", np.concatenate(stated), np.concatenate(true))
    if uncertainty.hit_measure:
        hits = uncertainty.hits(rows.outcome, rows.predicted["promotion_type"].astype("str"))
        told = own.hit_chance()
        known = np.isfinite(hits) & np.isfinite(told)
        if known.any():
            bins.append(reliability(told[known], hits[known] > 0).assign(chance="hit"))
            brier |= _brier("hit", told[known], hits[known] > 0)
    empty = pd.DataFrame(columns=["chance", "bin", "rows", "stated", "true"])
    return Coverage(
        cells=covered_cells(bounds, actual, later, uncertainty.min_volume, rows),
        bins=pd.concat(bins, ignore_index=True)[list(empty)] if bins else empty,
        brier=brier,
    )


def covered_cells(
    bounds: pd.DataFrame, actual: pd.DataFrame, later: Floats, least: float, rows: OutOfSample
) -> pd.DataFrame:
    """The cells of `Coverage`, for bounds however they were made; a target whose bounds are missing has none."""
    early = early_volume(rows.features)
    quarter = np.searchsorted(np.quantile(early, [0.25, 0.5, 0.75]), early) if len(early) else np.zeros(0, dtype=int)
    frame = pd.DataFrame(
        {
            "age_hours": rows.features.keys["age_hours"].map("{:g}".format).astype("str").to_numpy(),
            "quarter": pd.Series(quarter).map(dict(enumerate(QUARTERS))).to_numpy(),
            "promotion_type": rows.features.keys["promotion_type"].astype("str").to_numpy(),
        }
    )
    found = []
    for target in actual:
        low, high = (bounds[f"{target}_{end}"].to_numpy(np.float64) for end in ("low", "high"))
        truth = actual[target].to_numpy(np.float64)
        known = np.isfinite(truth) & np.isfinite(low)
        is_volume = TARGETS[str(target)].is_volume
        exposed = known if is_volume else known & (later > 0)
        judged = known if is_volume else known & (later >= least)
        figures = pd.DataFrame(
            {
                "covered": (truth >= low) & (truth <= high),
                "below": truth < low,
                "above": truth > high,
                "width": high - low,
                "log_width": np.log1p(high) - np.log1p(low),
            }
        ).astype(np.float64)
        for mask, is_judged in ((judged, True), (exposed, False)):
            if mask.any():
                overall = {**dict.fromkeys(frame, "all"), "rows": int(mask.sum()), **figures[mask].mean()}
                found.append(pd.DataFrame([overall]).assign(target=target, judged=is_judged))
        if judged.any():
            cells = pd.concat([frame, figures], axis=1)[judged].groupby(list(frame))
            means = cells.mean().assign(rows=cells.size()).reset_index()
            found.append(means.assign(target=target, judged=True))
    names = ["target", *frame, "judged", "rows", "covered", "below", "above", "width", "log_width"]
    return pd.concat(found, ignore_index=True)[names] if found else pd.DataFrame(columns=names)


def asked_targets(truth: Floats) -> list[float]:
    """Targets at which chances are checked: spread over the outcomes above 0."""
    some = truth[truth > 0]
    return [float(np.quantile(some, share)) for share in ASKED_SHARES] if len(some) else []


def reliability(stated: Floats, true: Mask) -> pd.DataFrame:
    """Of each tenth of chance that has rows: `bin`, `rows`, mean `stated`, share `true`."""
    place = np.minimum((stated * BINS).astype(np.int64), BINS - 1)
    grouped = pd.DataFrame({"bin": place, "stated": stated, "true": true.astype(np.float64)}).groupby("bin")
    return grouped.mean().assign(rows=grouped.size()).reset_index()


def _brier(name: str, stated: Floats, true: Mask) -> dict[str, float]:
    share = float(true.mean())
    return {name: float(np.mean((stated - true) ** 2)), f"{name}_base": share * (1.0 - share)}
