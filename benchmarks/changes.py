"""How far do predictions of the same rows differ in quality? Figures of every fold, and their change."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.challengers import rate_targets
from benchmarks.scores import exposures
from features.funnel import Plan
from training.boosting.stage_targets import actual_targets
from training.boosting.unseen import Unseen
from training.evaluation.metrics import ALL_AGES, OWN, evaluate

LEAST_GAIN = 0.0005
"""Relative fall of deviance that counts: a smaller one would be printed as 0.0 %."""


@dataclass(frozen=True)
class Figures:
    """How good predictions of the validation rows are.

    Attributes:
        deviances: Of each fold, the mean over the rates, or of volume; NaN where too little is known.
        rank_first: Rank correlation at age 0, all folds together; NaN where too few rows have that age.
        rank: At all ages.
    """

    deviances: tuple[float, ...]
    rank_first: float
    rank: float


@dataclass(frozen=True)
class Change:
    """Figures against those of the default; deviances relative, so that negative is better."""

    deviances: tuple[float, ...]
    rank_first: float
    rank: float

    @property
    def won(self) -> int:
        """Folds in which the deviance fell."""
        return sum(change < -LEAST_GAIN for change in self.deviances)

    @property
    def wins(self) -> bool:
        """Whether it fell in each of them: of three folds, chance alone gives every second variant two."""
        return 0 < len(self.deviances) == self.won

    def __str__(self) -> str:
        ranks_moved = np.nan_to_num([self.rank_first, self.rank])
        if np.all(np.abs(self.deviances) < LEAST_GAIN) and np.all(np.abs(ranks_moved) < LEAST_GAIN):
            return "0"
        by_fold = " ".join(f"{100.0 * value:+.1f}" for value in self.deviances)
        ranks = ", ".join("–" if np.isnan(rank) else f"{rank:+.3f}" for rank in (self.rank_first, self.rank))
        return f"{by_fold} ({self.won}/{len(self.deviances)}); {ranks}"


def figures(parts: Sequence[Unseen], plan: Plan, least_volume: float, of_volume: bool) -> Figures:
    """Figures of predictions, as `training.evaluation.metrics` defines them.

    Args:
        parts: By fold.
        plan: The funnel.
        least_volume: Later volume that a row needs for its rates to be judged.
        of_volume: Of later volume; otherwise the mean over the rates.
    """
    rates = rate_targets(plan)
    targets = [target for target in plan.targets if (target in rates) != of_volume]

    def told(predicted: pd.DataFrame, outcome: pd.DataFrame, ages: pd.Series) -> pd.DataFrame:
        actual, nobody = actual_targets(outcome, plan)[targets], np.zeros(len(outcome), dtype=bool)
        found = evaluate({OWN: predicted}, actual, exposures(outcome, plan), ages, nobody, least_volume)
        return found[found["part"] == "all"].groupby("age_hours")[["deviance", "spearman"]].mean()

    by_fold = [(part.predicted, part.outcome, part.features.keys["age_hours"]) for part in parts]
    whole = told(*(pd.concat(frames, ignore_index=True) for frames in zip(*by_fold)))["spearman"]
    deviances = tuple(float(told(*fold).loc[ALL_AGES, "deviance"]) for fold in by_fold)
    return Figures(deviances, float(whole.get(0, np.nan)), float(whole.loc[ALL_AGES]))


def against(own: Figures, default: Figures) -> Change:
    """A variant's figures less the default's; a fold of which too little is known is left out."""
    changes = [ours / theirs - 1.0 for ours, theirs in zip(own.deviances, default.deviances)]
    known = tuple(change for change in changes if np.isfinite(change))
    return Change(known, own.rank_first - default.rank_first, own.rank - default.rank)
