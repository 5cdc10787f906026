"""What else could predict the targets, fitted on the same folds: a model of each target, and trees without a start."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.ablations import ROUNDS_WITHOUT_OFFSET, flat, flat_fold
from benchmarks.tasks import expected_of
from configs.settings import Trees
from features.funnel import VOLUME, Plan
from features.funnel_model.empirical_bayes import moments
from features.matrix.catalogue import Catalogue
from features.matrix.feature_matrix import Features
from training.boosting.model import fit_model, parameters, teaches
from training.boosting.recipe import Recipe
from training.boosting.stage_targets import Lesson, actual_targets, compose
from training.boosting.tune import Fold, best_rounds, by_hand, gain_curve, make_folds
from training.boosting.unseen import Unseen
from training.boosting.volume_offset import POWER
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.labels.splits import folds

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Ground:
    """Where a challenger meets the default.

    Attributes:
        dataset: All rows, with the mixed model's states.
        rows: The training rows.
        until: The moment they are trained at.
        recipe: The default's.
        parts: What the default says of the validation rows of every fold.
    """

    dataset: Dataset
    rows: Mask
    until: pd.Timestamp
    recipe: Recipe
    parts: list[Unseen]


def by_target(ground: Ground, trees: Trees) -> list[Unseen]:
    """One Tweedie model per rate that is asked for, with the log of the funnel's start product as offset.

    The start product is that of the default, before its trees; rows weigh by their effective sample size; as many
    trees as help on every fold.
    """
    dataset, plan = ground.dataset, ground.dataset.plan
    made = make_folds(dataset, ground.rows, ground.recipe.kinds)
    masks = list(_masks(ground))
    said = [part.predicted.copy() for part in ground.parts]
    for target in rate_targets(plan):
        of_target = [_target_fold(target, dataset, fold, *mask) for fold, mask in zip(made, masks)]
        rounds, _ = best_rounds([gain_curve(fold, 0, trees) for fold in of_target])
        for fold, predicted in zip(of_target, said):
            log_rate = np.log(start_targets(fold.validate, plan)[target].to_numpy(np.float64))
            if rounds and teaches(fold.fit_lessons[0], trees):
                settings = parameters(trees, VOLUME, dataset.settings.tune.seed)
                booster = lgb.train(settings, fold.pair(0)[0], num_boost_round=rounds)
                table = fold.validate.values.to_numpy(np.float64)
                log_rate = log_rate + booster.predict(table, raw_score=True, num_threads=1)
            predicted[target] = np.exp(log_rate)
    return [replace(part, predicted=predicted) for part, predicted in zip(ground.parts, said)]


def halfway(ground: Ground, trees: Trees) -> list[Unseen]:
    """The geometric mean of the default and of a model per target."""
    targets = rate_targets(ground.dataset.plan)
    found = []
    for ours, theirs in zip(ground.parts, by_target(ground, trees)):
        middle = np.sqrt(ours.predicted[targets] * theirs.predicted[targets])
        found.append(replace(ours, predicted=ours.predicted.assign(**{name: middle[name] for name in targets})))
    return found


def trees_alone(ground: Ground, trees: Trees) -> list[Unseen]:
    """The same funnel by trees that start from the market's rate: what the start tells they must learn."""
    dataset, seed = ground.dataset, ground.dataset.settings.tune.seed
    allowed = trees.model_copy(update={"rounds": max(trees.rounds, ROUNDS_WITHOUT_OFFSET)})
    settings = dataset.settings.model_copy(update={"trees": allowed})
    made = [narrowed(flat_fold(fold), rate_stages(dataset.plan)) for fold in make_folds(dataset, ground.rows)]
    chosen = by_hand(made, settings)
    found = []
    for fit, validate, start in folds(dataset.rows, ground.rows, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit, start)
        features, outcome = rows_of(dataset, fit, fitted)
        model = fit_model(flat(features), outcome, fitted, chosen, seed=seed)
        held, came = rows_of(dataset, validate, fitted)
        found.append(Unseen(model.predict(flat(held)), held, came))
    return found


def rate_targets(plan: Plan) -> list[str]:
    """What is predicted, without volume."""
    return [target for target in plan.targets if not target.startswith("later_")]


def rate_stages(plan: Plan) -> set[str]:
    """Stages that the rates are made of; the others are explained only."""
    return {*plan.to_gmv, *plan.to_roi, "keep", "cost"}


def narrowed(fold: Fold, stages: Collection[str]) -> Fold:
    """A fold with the lessons of these stages alone."""
    fit, validate = (
        [lesson for lesson in part if lesson.stage in stages] for part in (fold.fit_lessons, fold.validate_lessons)
    )
    return Fold(fold.fit, fold.validate, fit, validate)


def start_targets(features: Features, plan: Plan) -> pd.DataFrame:
    """The targets as the start alone has them; volume is left at 1."""
    shares = {stage.name for stage in plan.stages if stage.share}
    logs = {
        name: np.minimum(begin.log_rate, 0.0) if name in shares else begin.log_rate
        for name, begin in features.starts.items()
    }
    return compose({**logs, VOLUME: np.zeros(len(features.values))}, plan, features.reference_price)


def _masks(ground: Ground) -> Iterator[tuple[Mask, Mask]]:
    dataset = ground.dataset
    for fit, validate, _ in folds(dataset.rows, ground.rows, dataset.settings.split.folds):
        yield fit, validate


def _target_fold(target: str, dataset: Dataset, fold: Fold, fit: Mask, validate: Mask) -> Fold:
    """A fold with one lesson, the target's; its loss is that of volume (Tweedie), its features are all there are."""
    came = [dataset.outcome[mask].reset_index(drop=True) for mask in (fit, validate)]
    fitted, held = (
        replace(part, catalogue=Catalogue(replace(feature, stages=()) for feature in part.catalogue))
        for part in (fold.fit, fold.validate)
    )
    ratio, expected, _ = _ratios(target, fold.fit, came[0], dataset.plan)
    spread = moments(None, ratio, expected, None)
    taught, judged = (
        _target_lesson(target, part, outcome, dataset.plan, spread)
        for part, outcome in zip((fold.fit, fold.validate), came)
    )
    return Fold(fitted, held, [taught], [judged])


def _target_lesson(
    target: str, features: Features, outcome: pd.DataFrame, plan: Plan, spread: tuple[float, float]
) -> Lesson:
    ratio, expected, start = _ratios(target, features, outcome, plan)
    rows = np.flatnonzero(expected > 0)
    worth = 1.0 / (spread[0] / expected[rows] + spread[1])
    worth = worth / worth.mean() if len(worth) else worth
    return Lesson(
        stage=VOLUME,
        rows=rows,
        label=ratio[rows] * start[rows],
        weight=worth / start[rows] ** (2 - POWER),
        worth=worth,
        offset=np.log(start[rows]),
    )


def _ratios(target: str, features: Features, outcome: pd.DataFrame, plan: Plan) -> tuple[Floats, Floats, Floats]:
    """What came over the start, what the start let expect of the later exposure (0 where unknown), and the start."""
    start = start_targets(features, plan)[target].to_numpy(np.float64)
    ratio = actual_targets(outcome, plan)[target].to_numpy(np.float64) / start
    expected = expected_of(target, outcome, start, plan)
    return ratio, np.where(np.isfinite(ratio) & np.isfinite(expected), expected, 0.0), start
