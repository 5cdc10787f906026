"""Which tree settings, and how many trees, help each stage: an Optuna study on time-ordered folds.

A trial trains every stage on every fold with one setting; the number of trees costs nothing extra, being read off the
validation curves. Each stage then keeps the setting that helped it, or the hand setting, or no trees at all.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import optuna

from configs.settings import Settings, Trees
from features.funnel import VOLUME
from features.funnel_model.posterior import PriorKind
from features.matrix.feature_matrix import Features
from training.boosting.model import Choice, can_train, fit_volume_start, lgb_dataset, parameters, stage_data
from training.boosting.optuna_study import best_value, complete, done, open_study, storage_of, waits
from training.boosting.stage_targets import StageData, stage_features
from training.boosting.volume_offset import POWER
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.engine import Engine
from training.labels.splits import folds

Floats = npt.NDArray[np.float64]

CLEAR_GAIN = 1.05
"""A tuned setting must help a stage this much more than the hand setting: gains on folds vanish easily."""

PATIENCE = 100
"""Rounds without a gain on the validation rows after which a fold needs no more."""

RANGES: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.1, True),
    "num_leaves": (3, 31, False),
    "min_data_in_leaf": (20, 200, True),
    "feature_fraction": (0.2, 0.9, False),
    "lambda_l2": (1.0, 200.0, True),
    "cat_smooth": (20.0, 200.0, True),
}
"""Least, most, on a log scale: where trees after a start were found useful; more leaves or a faster rate hurt."""


@dataclass
class Fold:
    """One fold: what each stage learns from and is judged on, and LightGBM's own form of it, by thread."""

    fit: Features
    validate: Features
    fit_data: list[StageData]
    validation_data: list[StageData]
    sets: dict[tuple[int, str], tuple[lgb.Dataset, lgb.Dataset]] = field(default_factory=dict)

    def pair(self, place: int) -> tuple[lgb.Dataset, lgb.Dataset]:
        """Training and validation set of the stage at this place; each thread has its own."""
        data = self.fit_data[place]
        key = (threading.get_ident(), data.stage)
        if key not in self.sets:
            columns = stage_features(self.fit, data.stage)
            fit = lgb_dataset(data, self.fit, columns)
            self.sets[key] = (fit, lgb_dataset(self.validation_data[place], self.validate, columns, reference=fit))
        return self.sets[key]

    def __getstate__(self) -> dict[str, object]:
        """What goes to another process, also from a worker that has used it: LightGBM's own form is made anew there."""
        return {**self.__dict__, "sets": {}}


def make_folds(dataset: Dataset, train: Mask, prior_kinds: Mapping[str, PriorKind] | None = None) -> list[Fold]:
    """The folds of a training period, each with priors and maps of its own past alone.

    Args:
        dataset: All rows.
        train: Its training rows.
        prior_kinds: What each stage starts from (`training.data.dataset.fit_features`).
    """
    made = []
    for fit_mask, validate_mask, start in folds(dataset.rows, train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit_mask, start, prior_kinds)
        fit, fit_outcome = rows_of(dataset, fit_mask, fitted)
        validate, validate_outcome = rows_of(dataset, validate_mask, fitted)
        begin = fit_volume_start(fit, fit_outcome, dataset.funnel)
        made.append(
            Fold(
                fit,
                validate,
                stage_data(fit, fit_outcome, fitted, begin),
                stage_data(validate, validate_outcome, fitted, begin),
            )
        )
    return made


def tune(
    made: Sequence[Fold],
    settings: Settings,
    journal: Path,
    name: str,
    tell: Callable[[int, float], None] = lambda done, best: None,
    engine: Engine | None = None,
) -> dict[str, Choice]:
    """The study; resumed where it was left if one of this name is kept.

    Args:
        made: Folds.
        settings: Trials, jobs, seed and the hand setting.
        journal: File of the study, where no database is named (`training.boosting.optuna_study`); survives a killed
        run.
        name: Of the study: must change with the data and the settings.
        tell: Called after each trial with the number done and the best value.
        engine: Whose workers run trials side by side; without one, threads of this process.

    Returns:
        By stage; without folds nothing shows that trees help, so no stage is named and all stay at their start.
    """
    stages = [data.stage for data in made[0].fit_data] if made else []
    hand = settings.trees
    storage = storage_of(journal)
    study = open_study(storage, name, settings.tune.seed)
    trials = Trials(made, hand, storage, name, settings.tune.seed)
    tell(done(study), best_value(study))
    for _ in range(2):  # a trial that is lost with its worker was perhaps the hand setting: once more, then
        if not waits(study) and not any(trial.params == _point(hand) for trial in complete(study)):
            study.enqueue_trial(_point(hand))
        left = max(settings.tune.trials - done(study), int(waits(study)))
        if left <= 0 or not made:
            break
        if engine is None or not engine.trains:
            study.optimize(
                trials.objective,
                n_trials=left,
                n_jobs=min(settings.tune.jobs, left),
                callbacks=[lambda study, _: tell(done(study), best_value(study))],
            )
        else:
            engine.run(_trial, trials, range(left), lambda *_: tell(done(study), best_value(study)))
    rates = [stage for stage in stages if stage != VOLUME]
    chosen = choices(study, rates, hand)
    return chosen | {stage: _by_hand(made, place, settings) for place, stage in enumerate(stages) if stage == VOLUME}


@dataclass(frozen=True)
class Trials:
    """What a trial needs.

    Attributes:
        made: Folds.
        hand: The hand setting.
        storage: Where the study is kept; may hold a password.
        name: Of the study.
        seed: Of what is tried.
    """

    made: Sequence[Fold]
    hand: Trees
    storage: str = field(repr=False)
    name: str
    seed: int

    def objective(self, trial: optuna.Trial) -> float:
        """Fall of validation deviance of all rates with one setting."""
        trees = _suggest(trial, self.hand)
        lessons_ = self.made[0].fit_data
        rates = [(place, data.stage) for place, data in enumerate(lessons_) if data.stage != VOLUME]
        curves: dict[str, list[Floats]] = {stage: [] for _, stage in rates}
        for step, fold in enumerate(self.made):
            for place, stage in rates:
                curves[stage].append(gain_curve(fold, place, trees))
            trial.report(sum(float(np.mean(curves[stage], axis=0).max()) for _, stage in rates), step)
            if trial.should_prune() and trial.params != _point(self.hand):
                raise optuna.TrialPruned
        best = {stage: best_rounds(curves[stage]) for _, stage in rates}
        trial.set_user_attr("rounds", {stage: rounds for stage, (rounds, _) in best.items()})
        trial.set_user_attr("gains", {stage: gain for stage, (_, gain) in best.items()})
        return sum(gain for _, gain in best.values())


def _trial(trials: Trials, number: int) -> None:
    """One trial of a shared study."""
    study = open_study(trials.storage, trials.name, trials.seed + 1 + number, anew=False)
    study.optimize(trials.objective, n_trials=1)


def choices(study: optuna.Study, stages: Sequence[str], hand: Trees) -> dict[str, Choice]:
    """For each stage the setting that helped it clearly more than the hand setting, else the hand setting."""
    ended = complete(study)
    by_hand = next((trial for trial in ended if trial.params == _point(hand)), None)
    chosen = {}
    for stage in stages:
        best = max(ended, key=lambda trial: trial.user_attrs["gains"][stage])
        kept = best
        if by_hand is not None and best.user_attrs["gains"][stage] < CLEAR_GAIN * by_hand.user_attrs["gains"][stage]:
            kept = by_hand
        chosen[stage] = Choice(
            trees=hand.model_copy(update=kept.params),
            rounds=int(kept.user_attrs["rounds"][stage]),
            gain=float(kept.user_attrs["gains"][stage]),
            tuned=kept is not by_hand,
        )
    return chosen


def by_hand(made: Sequence[Fold], settings: Settings) -> dict[str, Choice]:
    """The hand setting for every stage, with as many trees as helped it on these folds; no study."""
    stages = [data.stage for data in made[0].fit_data] if made else []
    return {stage: _by_hand(made, place, settings) for place, stage in enumerate(stages)}


def _by_hand(made: Sequence[Fold], place: int, settings: Settings) -> Choice:
    of_volume = made[0].fit_data[place].stage == VOLUME
    trees = Trees(**settings.volume_trees.model_dump()) if of_volume else settings.trees
    rounds, gain = best_rounds([gain_curve(fold, place, trees) for fold in made])
    return Choice(trees=trees, rounds=rounds, gain=gain)


def _suggest(trial: optuna.Trial, hand: Trees) -> Trees:
    found: dict[str, float] = {}
    for name, (least, most, log) in RANGES.items():
        own = getattr(hand, name)
        low, high = min(least, own), max(most, own)  # a hand setting outside them is tried too
        if isinstance(least, int):
            found[name] = trial.suggest_int(name, int(low), int(high), log=log)
        else:
            found[name] = trial.suggest_float(name, low, high, log=log and low > 0)
    return hand.model_copy(update=found)


def _point(trees: Trees) -> dict[str, float]:
    return {name: getattr(trees, name) for name in RANGES}


def gain_curve(fold: Fold, place: int, trees: Trees) -> Floats:
    """Fall of validation deviance per effective row after 0, 1, … trees."""
    data, judged = fold.fit_data[place], fold.validation_data[place]
    flat = np.zeros(trees.rounds + 1)
    if not can_train(data, trees) or not len(judged.rows) or not trees.rounds:
        return flat
    fit, validate = fold.pair(place)
    record: dict[str, Mapping[str, list[float]]] = {}
    lgb.train(
        parameters(trees, data.stage),
        fit,
        num_boost_round=trees.rounds,
        valid_sets=[validate],
        valid_names=["validate"],
        callbacks=[lgb.record_evaluation(record), lgb.early_stopping(PATIENCE, verbose=False)],
    )
    losses = next(iter(record["validate"].values()))
    scale = judged.weight.sum() / judged.worth.sum()
    # Fewer rounds than asked: nothing more was gained, so the curve stays where it ended.
    padded = np.pad(losses, (0, trees.rounds - len(losses)), mode="edge")
    return np.concatenate([[0.0], start_loss(judged) - padded * scale])


def start_loss(data: StageData) -> float:
    """Deviance of the start alone, per effective row, but for a term of the labels alone."""
    return float(data.weight @ _loss(data) / data.worth.sum())


def _loss(data: StageData) -> Floats:
    """LightGBM's loss of the start alone, row by row."""
    if data.stage == VOLUME:
        low, high = 1 - POWER, 2 - POWER
        return np.asarray(-data.label * np.exp(low * data.offset) / low + np.exp(high * data.offset) / high)
    return np.asarray(np.exp(data.offset) - data.label * data.offset)


def best_rounds(curves: Sequence[Floats]) -> tuple[int, float]:
    """How many trees did best, of those numbers that helped on every fold; none if no number did."""
    mean = np.where(np.min(curves, axis=0) > 0, np.mean(curves, axis=0), 0.0)
    rounds = int(np.argmax(mean))
    return rounds, float(mean[rounds])
