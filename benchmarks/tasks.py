"""What do all peers get? The same training rows, the same held-out rows and the same tables of features."""

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from configs.settings import Settings
from features.funnel import Funnel
from features.funnel_model.empirical_bayes import estimate_variances
from features.matrix.feature_matrix import Features, build_features
from features.schema import KEY, Loaded
from training.boosting.model import CreativeModel
from training.boosting.recipe import Recipe, fit_on
from training.boosting.rolling_fits import plan_refits, with_refits
from training.boosting.stage_targets import actual_targets
from training.boosting.volume_offset import POWER
from training.data.dataset import Dataset, Mask, prepare, rows_of
from training.labels.splits import folds, holdout_split

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One comparison.

    Attributes:
        teaches: The rows that train, and nothing of creatives that must stay unseen.
        train: Which of its rows train.
        starts: First cutoff held out.
        judges: The rows that judge; the same dataset unless creatives are held out.
        held: Which of its rows judge.
    """

    teaches: Dataset
    train: Mask
    starts: pd.Timestamp
    judges: Dataset
    held: Mask

    @property
    def funnel(self) -> Funnel:
        """The funnel of the training data."""
        return self.teaches.funnel

    @property
    def observed(self) -> pd.DataFrame:
        """Counts of the held-out rows."""
        return self.judges.observed[self.held].reset_index(drop=True)

    @property
    def outcome(self) -> pd.DataFrame:
        """What came of the held-out rows."""
        return self.judges.outcome[self.held].reset_index(drop=True)

    @property
    def cold(self) -> npt.NDArray[np.bool_]:
        """Held-out rows whose creative never trained."""
        known = set(self.teaches.observed.loc[self.train, "creative_id"])
        return ~self.observed["creative_id"].isin(known).to_numpy()


@dataclass(frozen=True)
class Table:
    """What a direct peer reads of some rows, for one target.

    A peer learns the ratio of what came to the start: for a loss with a log link that is the same as an offset (in
    XGBoost `base_margin`) of log start, and it works for peers that know no offset.

    Attributes:
        values: Features, float64; codes of words are whole numbers, NaN where there is none.
        codes: Which columns are such codes.
        groups: What creatives share, as text, for mixed models; last the creative itself.
        start: What `CreativeModel` starts from before its trees: the offset.
        ratio: What came over the start; NaN on held-out rows.
        worth: Effective sample size of each row, mean 1; NaN on held-out rows.
        events: Events that make the ratio sure: 1/φ of the money expected; NaN on held-out rows.
    """

    values: pd.DataFrame
    codes: tuple[str, ...]
    groups: pd.DataFrame
    start: Floats
    ratio: Floats
    worth: Floats
    events: Floats

    def __len__(self) -> int:
        return len(self.values)

    def flat(self, level: float, power: float) -> "Table":
        """The same rows and the same loss with one start for all: for a peer that does better without the offset.

        Args:
            level: That start.
            power: Of the variance by which the weights of the loss scale: 1 Poisson.
        """
        scale = (level / self.start) ** (2 - power)
        worth = self.worth * scale
        return replace(
            self,
            start=np.full(len(self), level),
            ratio=self.ratio * self.start / level,
            worth=worth / worth.mean(),
        )


@dataclass(frozen=True)
class StageData:
    """One target as direct peers meet it: a setting is chosen on the last fold, then trained on all rows.

    Attributes:
        target: Its name.
        fit: Training rows of the last fold.
        stop: Its later rows: they stop early and choose.
        full: All training rows.
        held: The rows to predict, without their outcome.
    """

    target: str
    fit: Table
    stop: Table
    full: Table
    held: Table

    def flat(self) -> "StageData":
        """The same without an offset: every row starts from the mean of the training rows."""
        level = float(np.average(self.full.ratio * self.full.start, weights=self.full.worth / self.full.start))
        power = POWER if self.volume else 1.0
        fit, stop, full = (table.flat(level, power) for table in (self.fit, self.stop, self.full))
        held = replace(self.held, start=np.full(len(self.held), level))
        return StageData(self.target, fit, stop, full, held)

    @property
    def volume(self) -> bool:
        """Whether the target is later volume: over-dispersed more than a count, so Tweedie."""
        return self.target.startswith("later_")


def command(description: str) -> argparse.ArgumentParser:
    """What every comparison can be told."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, action="append", required=True, help="exports; may be repeated")
    parser.add_argument("--config", type=Path, default=Path("configs/default.yaml"), help="settings of the run")
    parser.add_argument("--truth", type=Path, help="of the sample world")
    parser.add_argument("--draws", type=int, default=200, help="of the bootstrap over creatives")
    parser.add_argument("--out", type=Path, required=True, help="JSON file to write")
    parser.add_argument("--markdown", type=Path, help="Markdown file to write")
    return parser


def make_task(loaded: Loaded, settings: Settings, cold_share: float = 0.0, seed: int = 7) -> Task:
    """The task of these data.

    Args:
        loaded: Of the store.
        settings: Of the run: ages, outcome window, holdout.
        cold_share: Share of the creatives held out altogether: nothing of them is in what trains, not even in the
            history of others, and only they judge. 0: all creatives train and judge, apart in time.
        seed: Draws them.
    """
    judges = prepare(loaded, settings)
    if not cold_share:
        train, held, starts = holdout_split(judges.rows, settings.split.holdout_days)
        teaches, train = _refitted(judges, train, starts)
        return Task(teaches, train, starts, judges, held)
    keys = loaded.creatives[KEY]
    names = np.sort(keys["creative_id"].unique())
    chosen = np.random.default_rng(seed).permutation(names)[: round(cold_share * len(names))]
    _, held, starts = holdout_split(judges.rows, settings.split.holdout_days)
    held = held & judges.observed["creative_id"].isin(chosen).to_numpy()
    kept = [
        frame[~frame["creative_id"].isin(chosen)].reset_index(drop=True) for frame in (loaded.metrics, loaded.creatives)
    ]
    teaches = prepare(replace(loaded, metrics=kept[0], creatives=kept[1]), settings)
    rows = teaches.rows
    mature = holdout_split(rows, settings.split.holdout_days)[0]
    teaches, train = _refitted(teaches, mature & (rows["closed_at"] <= starts).to_numpy(), starts)
    return Task(teaches, train, starts, judges, held)


def _refitted(dataset: Dataset, train: Mask, starts: pd.Timestamp) -> tuple[Dataset, Mask]:
    """With the mixed model as of the training rows, and those it can serve: all methods learn from the same rows."""
    ((served, _),), moments = plan_refits(dataset, [(train, starts)])
    return with_refits(dataset, moments), served


def stage_data(task: Task) -> list[StageData]:
    """Every target as direct peers meet it."""
    dataset = task.teaches
    full = fit_on(dataset, task.train, task.starts, Recipe())
    fit_mask, stop_mask, since = list(folds(dataset.rows, task.train, dataset.settings.split.folds))[-1]
    inner = fit_on(dataset, fit_mask, since, Recipe())
    made = {
        "full": (full, *rows_of(dataset, task.train, full.fitted), dataset.observed[task.train]),
        "fit": (inner, *rows_of(dataset, fit_mask, inner.fitted), dataset.observed[fit_mask]),
        "stop": (inner, *rows_of(dataset, stop_mask, inner.fitted), dataset.observed[stop_mask]),
    }
    held = build_features(task.observed, full.fitted)
    found = []
    for target in dataset.funnel.targets:
        spread = {
            "fit": _spread(target, *made["fit"][:3]),
            "full": _spread(target, *made["full"][:3]),
        }
        found.append(
            StageData(
                target,
                fit=_table(target, *made["fit"], spread["fit"]),
                stop=_table(target, *made["stop"], spread["fit"]),
                full=_table(target, *made["full"], spread["full"]),
                held=_bare(full, held, task.observed, _start(target, full, held)),
            )
        )
    return found


def _start(target: str, model: CreativeModel, features: Features) -> Floats:
    return model.predict(features, trees=False)[target].to_numpy(np.float64)


def expected_of(target: str, outcome: pd.DataFrame, start: Floats, funnel: Funnel) -> Floats:
    """What the start lets expect of the later exposure: money in CNY, or volume of a window covered in part."""
    if target.startswith("later_"):
        return start * outcome["covered_share"].to_numpy(np.float64)
    if target.endswith("gpm"):
        return start * outcome["later:impressions"].to_numpy(np.float64) / 1000.0
    return start * outcome["later:spend_cny"].to_numpy(np.float64)


def _spread(target: str, model: CreativeModel, features: Features, outcome: pd.DataFrame) -> tuple[float, float]:
    """φ and s² of the ratio of what came to the start, by moments, as `features.funnel_model.empirical_bayes` tells
    stages."""
    start = _start(target, model, features)
    ratio = actual_targets(outcome, model.fitted.funnel)[target].to_numpy(np.float64) / start
    expected = np.where(np.isfinite(ratio), expected_of(target, outcome, start, model.fitted.funnel), 0.0)
    return estimate_variances(ratio, np.nan_to_num(expected))


def _table(
    target: str,
    model: CreativeModel,
    features: Features,
    outcome: pd.DataFrame,
    observed: pd.DataFrame,
    spread: tuple[float, float],
) -> Table:
    """Rows whose outcome says something, weighted by 1/(φ/u + s²); volume as
    `training.boosting.stage_targets.volume_data` does."""
    start = _start(target, model, features)
    ratio = actual_targets(outcome, model.fitted.funnel)[target].to_numpy(np.float64) / start
    expected = expected_of(target, outcome, start, model.fitted.funnel)
    known = np.isfinite(ratio) & (expected > 0)
    start, ratio, expected = start[known], ratio[known], expected[known]
    dispersion, own = spread
    worth = 1.0 / (dispersion / expected + own)
    if target.startswith("later_"):
        worth = expected / start * start ** (2 - POWER)
    bare = _bare(model, features, observed.reset_index(drop=True), np.ones(len(known)))
    return Table(
        values=bare.values[known].reset_index(drop=True),
        codes=bare.codes,
        groups=bare.groups[known].reset_index(drop=True),
        start=start,
        ratio=ratio,
        worth=worth / worth.mean(),
        events=expected / dispersion,
    )


def _bare(model: CreativeModel, features: Features, observed: pd.DataFrame, start: Floats) -> Table:
    """Rows as they are known before their outcome."""
    unknown = np.full(len(start), np.nan)
    shared = [entity for entity in model.fitted.entities if len(entity.columns) == 2]
    groups = {
        entity.name: observed[entity.columns[1]].astype("str").fillna("") if entity.columns[1] in observed else ""
        for entity in shared
    }
    own = observed[KEY[0]].str.cat([observed[name] for name in KEY[1:]], sep="/")
    return Table(
        values=features.values,
        codes=tuple(feature.name for feature in features.catalogue if feature.categorical),
        groups=pd.DataFrame({**groups, "creative": own}, index=observed.index),
        start=start,
        ratio=unknown,
        worth=unknown,
        events=unknown,
    )
