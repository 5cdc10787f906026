"""A new model against what the champion really answered: the service's settled answers, both on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.arrays import Floats
from features.matrix.feature_matrix import build_features
from features.point_in_time.array_frame import ArrayFrame
from features.point_in_time.snapshots import SNAPSHOT
from features.schema import KEY
from training.boosting.model import CreativeModel
from training.data.dataset import Dataset
from training.evaluation.metrics import capped_exposure, poisson_losses, ratio
from training.registry.mlflow_client import Registered
from training.track_record.record import LIVE_ANSWERS
from training.track_record.resampling import Figure, Resampling

LEAST_CREATIVES = 30
"""Creatives below which live answers decide nothing."""


@dataclass(frozen=True)
class LiveComparison:
    """Deviance of a new model and of the champion's answers, on settled answers that neither was trained on.

    Attributes:
        new, old: Mean deviance over the shared rates; smaller is better.
        apart: New minus old, with its 90 % interval by creative.
    """

    new: float
    old: float
    apart: Figure

    @property
    def decides(self) -> bool:
        """Whether the two are told apart."""
        enough = self.apart.creatives >= LEAST_CREATIVES
        return enough and bool(self.apart.high < 0 or self.apart.low > 0)


def live_comparison(
    folder: Path, dataset: Dataset, new: CreativeModel, since: pd.Timestamp, champion: Registered
) -> LiveComparison | None:
    """Compare on the answers of the champion that `make score` found settled; None where there are none.

    Args:
        folder: Of the workspace.
        dataset: Of the new model.
        new: The new evaluation model.
        since: The new model was trained on outcomes closed before this moment.
        champion: The version that serves.
    """
    path = folder / LIVE_ANSWERS
    if not path.is_file():
        return None
    table = pd.read_parquet(path)
    of_champion = (table["model"] == champion.name) & (table["version"] == champion.version)
    known = pd.MultiIndex.from_frame(table[KEY]).isin(pd.MultiIndex.from_frame(dataset.source.creatives[KEY]))
    table = table[of_champion & (table["opens"] >= since) & known].reset_index(drop=True)
    stated = [str(name).removeprefix("predicted_") for name in table if str(name).startswith("predicted_")]
    targets = [name for name in stated if name in new.fitted.funnel.rate_targets]
    least = dataset.settings.evaluate.min_impressions
    table = table[table["later_volume"] >= least].dropna(subset=[f"actual_{name}" for name in targets])
    if table.empty or not targets:
        return None
    table = table.reset_index(drop=True)
    observed = dataset.source.observe(
        _snapshots(table, dataset.source.launches()), new.fitted.funnel, new.fitted.entities, dataset.settings
    )
    predicted = new.predict(build_features(ArrayFrame.of(observed), new.fitted))
    draws = Resampling.of(table)
    found = [
        np.mean([_deviance(guess[f"{before}{name}"], table, name, draws) for name in targets], axis=0)
        for guess, before in ((predicted, ""), (table, "predicted_"))
    ]
    apart = draws.figure(found[0] - found[1], np.ones(len(table), dtype=np.bool_))
    return LiveComparison(float(found[0][0]), float(found[1][0]), apart)


def _snapshots(table: pd.DataFrame, launches: pd.DataFrame) -> pd.DataFrame:
    """Snapshots (SNAPSHOT) at the begin of each answer's outcome window."""
    rows = table[[*KEY, "age_hours"]].assign(cutoff=table["opens"]).merge(launches, on=KEY, how="left")
    elapsed = (rows["cutoff"] - rows["launched_at"]).dt.total_seconds().clip(lower=0.0) / 3600.0
    return rows.assign(elapsed_hours=np.where(rows["age_hours"] > 0, elapsed, 0.0))[SNAPSHOT]


def _deviance(guess: Sequence[float] | pd.Series, table: pd.DataFrame, target: str, draws: Resampling) -> Floats:
    """Poisson deviance of each replicate, as `training.evaluation.metrics.evaluate` computes it."""
    truth, exposure = (table[f"{part}_{target}"].to_numpy(np.float64) for part in ("actual", "exposure"))
    weight = table["share"].to_numpy(np.float64) * capped_exposure(exposure)
    loss = poisson_losses(np.asarray(guess, dtype=np.float64), truth)
    sums = draws.totals(np.stack([2.0 * weight * loss, weight * truth], axis=1), np.ones(len(table), dtype=np.bool_))
    return ratio(sums[:, 0], sums[:, 1])
