"""Hyperparameters and number of trees of each stage: an Optuna study on time-ordered folds.

A trial trains every stage on every fold with one setting; the number of trees is read off the validation curves at no
extra cost. Each stage then takes the setting that helped it most, or the hand setting, or no trees at all.
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
from training.boosting.model import Choice, can_train, fit_volume_offset, lgb_dataset, parameters, stage_data
from training.boosting.optuna_study import best_value, completed, ended, has_waiting, open_study, storage_of
from training.boosting.stage_targets import StageData, stage_features
from training.boosting.volume_offset import TWEEDIE_POWER
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.engine import Engine
from training.labels.splits import folds

Floats = npt.NDArray[np.float64]

CLEAR_GAIN = 1.05
"""Factor by which a tuned setting's gain must exceed that of the hand setting: small gains on folds do not last."""

PATIENCE = 100
"""Rounds without a gain on the validation rows after which training on a fold stops."""

RANGES: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.1, True),
    "num_leaves": (3, 31, False),
    "min_data_in_leaf": (20, 200, True),
    "feature_fraction": (0.2, 0.9, False),
    "lambda_l2": (1.0, 200.0, True),
    "cat_smooth": (20.0, 200.0, True),
}
"""Least, most, whether on a log scale: where trees on an offset were found useful; more leaves or faster rates hurt."""


@dataclass
class Fold:
    """One fold: training and validation data of each stage, and LightGBM's datasets of them, by thread."""

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
        """What is sent to another process: LightGBM's datasets are rebuilt there."""
        return {**self.__dict__, "sets": {}}


def make_folds(dataset: Dataset, train: Mask, prior_kinds: Mapping[str, PriorKind] | None = None) -> list[Fold]:
    """The folds of a training period, each with priors and encoders fitted on its own past alone.

    Args:
        dataset: All rows.
        train: (rows,) Its training rows.
        prior_kinds: Stage → kind of its prior (`training.data.dataset.fit_features`).
    """
    cv_folds = []
    for fit_mask, validate_mask, start in folds(dataset.rows, train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit_mask, start, prior_kinds)
        fit, fit_outcome = rows_of(dataset, fit_mask, fitted)
        validate, validate_outcome = rows_of(dataset, validate_mask, fitted)
        volume = fit_volume_offset(fit, fit_outcome, dataset.funnel)
        cv_folds.append(
            Fold(
                fit,
                validate,
                stage_data(fit, fit_outcome, fitted, volume),
                stage_data(validate, validate_outcome, fitted, volume),
            )
        )
    return cv_folds


def tune(
    cv_folds: Sequence[Fold],
    settings: Settings,
    journal: Path,
    name: str,
    on_trial: Callable[[int, float], None] = lambda done, best: None,
    engine: Engine | None = None,
) -> dict[str, Choice]:
    """Run the study, or resume the one of this name.

    Args:
        cv_folds: Of `make_folds`.
        settings: Trials, jobs, seed and the hand setting.
        journal: File of the study, where no database is named (`training.boosting.optuna_study`); survives a killed
            run.
        name: Of the study: must change with the data and the settings.
        on_trial: Called after each trial with the number of trials and the best value.
        engine: Its workers run trials side by side; None: threads of this process.

    Returns:
        Stage → choice; empty without folds, because then nothing shows that trees help.
    """
    stages = [data.stage for data in cv_folds[0].fit_data] if cv_folds else []
    hand = settings.trees
    storage = storage_of(journal)
    study = open_study(storage, name, settings.tune.seed)
    trials = Trials(cv_folds, hand, storage, name, settings.tune.seed)
    on_trial(ended(study), best_value(study))
    for _ in range(2):  # twice: a trial lost with its worker may have been the hand setting
        if not has_waiting(study) and not any(trial.params == _point(hand) for trial in completed(study)):
            study.enqueue_trial(_point(hand))
        left = max(settings.tune.trials - ended(study), int(has_waiting(study)))
        if left <= 0 or not cv_folds:
            break
        if engine is None or not engine.trains:
            study.optimize(
                trials.objective,
                n_trials=left,
                n_jobs=min(settings.tune.jobs, left),
                callbacks=[lambda study, _: on_trial(ended(study), best_value(study))],
            )
        else:
            engine.run(_trial, trials, range(left), lambda *_: on_trial(ended(study), best_value(study)))
    rates = [stage for stage in stages if stage != VOLUME]
    chosen = choices(study, rates, hand)
    return chosen | {
        stage: _by_hand(cv_folds, place, settings) for place, stage in enumerate(stages) if stage == VOLUME
    }


@dataclass(frozen=True)
class Trials:
    """The inputs of a trial.

    Attributes:
        cv_folds: Of `make_folds`.
        hand: The hand setting.
        storage: Address of the study; may hold a password.
        name: Of the study.
        seed: Of the sampler.
    """

    cv_folds: Sequence[Fold]
    hand: Trees
    storage: str = field(repr=False)
    name: str
    seed: int

    def objective(self, trial: optuna.Trial) -> float:
        """Fall of validation deviance of all rates with one setting."""
        trees = _suggest(trial, self.hand)
        stages = self.cv_folds[0].fit_data
        rates = [(place, data.stage) for place, data in enumerate(stages) if data.stage != VOLUME]
        curves: dict[str, list[Floats]] = {stage: [] for _, stage in rates}
        for step, fold in enumerate(self.cv_folds):
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
    """Run one trial of a shared study."""
    study = open_study(trials.storage, trials.name, trials.seed + 1 + number, create=False)
    study.optimize(trials.objective, n_trials=1)


def choices(study: optuna.Study, stages: Sequence[str], hand: Trees) -> dict[str, Choice]:
    """Stage → the setting whose gain is clearly larger than the hand setting's, else the hand setting."""
    trials = completed(study)
    by_hand = next((trial for trial in trials if trial.params == _point(hand)), None)
    chosen = {}
    for stage in stages:
        best = max(trials, key=lambda trial: trial.user_attrs["gains"][stage])
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


def by_hand(cv_folds: Sequence[Fold], settings: Settings) -> dict[str, Choice]:
    """Stage → the hand setting, with the number of trees that helped most on these folds; no study."""
    stages = [data.stage for data in cv_folds[0].fit_data] if cv_folds else []
    return {stage: _by_hand(cv_folds, place, settings) for place, stage in enumerate(stages)}


def _by_hand(cv_folds: Sequence[Fold], place: int, settings: Settings) -> Choice:
    of_volume = cv_folds[0].fit_data[place].stage == VOLUME
    trees = Trees(**settings.volume_trees.model_dump()) if of_volume else settings.trees
    rounds, gain = best_rounds([gain_curve(fold, place, trees) for fold in cv_folds])
    return Choice(trees=trees, rounds=rounds, gain=gain)


def _suggest(trial: optuna.Trial, hand: Trees) -> Trees:
    found: dict[str, float] = {}
    for name, (least, most, log) in RANGES.items():
        own = getattr(hand, name)
        low, high = min(least, own), max(most, own)  # the ranges are widened to contain the hand setting
        if isinstance(least, int):
            found[name] = trial.suggest_int(name, int(low), int(high), log=log)
        else:
            found[name] = trial.suggest_float(name, low, high, log=log and low > 0)
    return hand.model_copy(update=found)


def _point(trees: Trees) -> dict[str, float]:
    return {name: getattr(trees, name) for name in RANGES}


def gain_curve(fold: Fold, place: int, trees: Trees) -> Floats:
    """(rounds + 1,) Fall of validation deviance per effective row after 0, 1, … trees."""
    data, validation = fold.fit_data[place], fold.validation_data[place]
    flat = np.zeros(trees.rounds + 1)
    if not can_train(data, trees) or not len(validation.rows) or not trees.rounds:
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
    scale = validation.weight.sum() / validation.effective_sample_size.sum()
    # Early stopping: nothing more was gained, so the curve stays where it ended.
    padded = np.pad(losses, (0, trees.rounds - len(losses)), mode="edge")
    return np.concatenate([[0.0], offset_loss(validation) - padded * scale])


def offset_loss(data: StageData) -> float:
    """Loss of the offset alone, per effective row: half its deviance up to a term of the labels alone."""
    return float(data.weight @ _loss(data) / data.effective_sample_size.sum())


def _loss(data: StageData) -> Floats:
    """(rows,) LightGBM's loss of the offset alone."""
    if data.stage == VOLUME:
        low, high = 1 - TWEEDIE_POWER, 2 - TWEEDIE_POWER
        return np.asarray(-data.label * np.exp(low * data.offset) / low + np.exp(high * data.offset) / high)
    return np.asarray(np.exp(data.offset) - data.label * data.offset)


def best_rounds(curves: Sequence[Floats]) -> tuple[int, float]:
    """The number of trees with the best mean gain, of those that gain on every fold, and that gain; 0 if none does.

    `curves`: one per fold, (rounds + 1,): reduction of the validation deviance by the first 0, 1, 2, … trees.
    """
    mean = np.where(np.min(curves, axis=0) > 0, np.mean(curves, axis=0), 0.0)
    rounds = int(np.argmax(mean))
    return rounds, float(mean[rounds])
