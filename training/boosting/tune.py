"""Hyperparameters, number of trees and stack of every head: one Optuna study per head on time-ordered folds.

A trial trains the head on every fold with one setting and predicts the validation rows with 0, 10, 20, … trees; its
value is the pooled deviance of the best stack over these numbers of trees. A found setting replaces the hand setting
only if its gain exceeds one standard error over creatives.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import optuna

from configs.settings import Settings, Trees
from features.funnel import Head
from features.matrix.feature_matrix import Features
from training.boosting.heads import HeadRows, can_train, head_rows, lgb_dataset, parameters
from training.boosting.model import Choice
from training.boosting.optuna_study import best_trial, ended, hand_trial, has_waiting, open_study
from training.boosting.stack import FUNNEL_ALONE, MEMBERS, Stack, deviance, fit_stack, gain_with_error
from training.data.dataset import Dataset, Mask, fit_features, rows_of
from training.engine import Engine
from training.labels.splits import folds

Floats = npt.NDArray[np.float64]

PATIENCE = 100
"""Trees without a gain on the validation rows after which training on a fold stops."""
ROUNDS = (0, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 600, 800, 1000, 1250, 1500)
"""Numbers of trees that are compared."""
FEW_CREATIVES, MANY_CREATIVES = 300, 30_000
"""Training creatives at which the ranges are narrowest and widest; between them they widen with the logarithm."""
OnTrial = Callable[[str, int, float], None]
"""Called with the head, its trials done, and the best value over the hand setting's."""


@dataclass
class HeadFold:
    """One fold of one head: training and validation rows, and LightGBM's datasets of them, by thread."""

    fit: HeadRows
    fit_features: Features
    validation: HeadRows
    validation_features: Features
    sets: dict[int, tuple[lgb.Dataset, lgb.Dataset]] = field(default_factory=dict)

    def pair(self) -> tuple[lgb.Dataset, lgb.Dataset]:
        """Training and validation set; each thread has its own."""
        key = threading.get_ident()
        if key not in self.sets:
            fit = lgb_dataset(self.fit, self.fit_features)
            self.sets[key] = (fit, lgb_dataset(self.validation, self.validation_features, reference=fit))
        return self.sets[key]

    def __getstate__(self) -> dict[str, object]:
        """What is sent to another process: LightGBM's datasets are rebuilt there."""
        return {**self.__dict__, "sets": {}}


@dataclass(frozen=True)
class Fold:
    """One fold of all heads: features and outcomes of its training and validation rows.

    Attributes:
        heads: Head → its rows.
        fit: Features and outcomes of the training rows.
        validation: Of the validation rows.
    """

    heads: dict[str, HeadFold]
    fit: tuple[Features, Any]
    validation: tuple[Features, Any]


def make_folds(dataset: Dataset, train: Mask) -> list[Fold]:
    """The folds of a training period, each with priors and encoders fitted on its own past alone.

    Args:
        dataset: All rows.
        train: (rows,) Its training rows.
    """
    found = []
    for fit_mask, validation_mask, start in folds(dataset.rows, train, dataset.settings.split.folds):
        fitted = fit_features(dataset, fit_mask, start)
        fit, validation = rows_of(dataset, fit_mask, fitted), rows_of(dataset, validation_mask, fitted)
        found.append(Fold(head_folds(dataset, dataset.funnel.heads, fit, validation), fit, validation))
    return found


def head_folds(
    dataset: Dataset, heads: Sequence[Head], fit: tuple[Features, Any], validation: tuple[Features, Any]
) -> dict[str, HeadFold]:
    """Head → its rows of one fold; heads without a row that can be evaluated are left out."""
    least, funnel = dataset.settings.evaluate.min_impressions, dataset.funnel
    found = {}
    for head in heads:
        rows = [head_rows(head, *part, funnel, least) for part in (fit, validation)]
        if rows[1].deviance_weight @ rows[1].ratio > 0:
            found[head.name] = HeadFold(rows[0], fit[0], rows[1], validation[0])
    return found


@dataclass(frozen=True)
class Tried:
    """One setting on all folds.

    Attributes:
        rounds: Number of trees of the best stack.
        stack: That stack.
        value: Its pooled deviance with the penalty of the stack's fit.
        logs: Of each fold, (rows,) out-of-fold log predictions.
    """

    rounds: int
    stack: Stack
    value: float
    logs: list[Floats]


def try_setting(
    parts: Sequence[HeadFold], trees: Trees, on_fold: Callable[[int, float], None] = lambda fold, value: None
) -> Tried:
    """Train a head on every fold with one setting, and choose number of trees and stack by the pooled deviance.

    Args:
        parts: The head's folds.
        trees: The setting.
        on_fold: Called after each fold with its number and the value on the folds so far.
    """
    scores: list[list[Floats]] = []
    best = Tried(0, FUNNEL_ALONE, float("inf"), [])
    for place, part in enumerate(parts):
        scores.append(scores_by_rounds(part, trees))
        best = best_stack([one.validation for one in parts[: place + 1]], scores, trees.rounds)
        on_fold(place, best.value)
    return best


def best_stack(
    rows: Sequence[HeadRows], scores: Sequence[Sequence[Floats]], most: int, members: Sequence[str] = MEMBERS
) -> Tried:
    """Choose number of trees and stack by the pooled deviance.

    Args:
        rows: Validation rows of each fold.
        scores: Of each fold, `scores_by_rounds`.
        most: Number of trees up to which they are compared.
        members: Members of the stack that may have a weight.
    """
    compared = [rounds for rounds in ROUNDS if rounds <= most]
    fits = [fit_stack(rows, [own[place] for own in scores], members) for place in range(len(compared))]
    place = int(np.argmin([value for _, value in fits]))  # the fewest trees among equals
    stack, value = fits[place]
    logs = [stack.log(part.log_bayes, part.log_funnel, own[place]) for part, own in zip(rows, scores)]
    return Tried(compared[place], stack, value, logs)


def scores_by_rounds(part: HeadFold, trees: Trees) -> list[Floats]:
    """For each of ROUNDS up to the setting's, (validation rows,) sum of so many trees."""
    compared = [rounds for rounds in ROUNDS if rounds <= trees.rounds]
    score = np.zeros(len(part.validation))
    if not can_train(part.fit, trees) or not trees.rounds:
        return [score] * len(compared)
    fit, validation = part.pair()
    booster = lgb.train(
        parameters(trees),
        fit,
        num_boost_round=compared[-1],
        valid_sets=[validation],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    table = part.validation_features.values.matrix[part.validation.rows]
    found, trained = [score], booster.current_iteration()
    for before, after in pairwise(compared):
        if before < trained:
            score = score + np.asarray(
                booster.predict(
                    table, raw_score=True, start_iteration=before, num_iteration=after - before, num_threads=1
                )
            )
        found.append(score)  # after early stopping the trees stay as they are
    return found


def tune(
    cv_folds: Sequence[Fold],
    settings: Settings,
    creatives: int,
    name: str,
    storage: str,
    on_trial: OnTrial = lambda head, done, best: None,
    engine: Engine | None = None,
) -> dict[str, Choice]:
    """Run a study per head, or resume those of this name.

    Args:
        cv_folds: Of `make_folds`.
        settings: Trials, jobs, seed and the hand setting.
        creatives: Number of training creatives: the ranges widen with it.
        name: Of the studies: must change with the data and the settings.
        storage: Address of the studies (`training.boosting.optuna_study.storage_of`).
        on_trial: Called after each trial.
        engine: Its workers run trials side by side; None: threads of this process.

    Returns:
        Head → choice; empty without folds, because then nothing shows that trees help.
    """
    found = {}
    for head in dict.fromkeys(name for fold in cv_folds for name in fold.heads):
        parts = [fold.heads[head] for fold in cv_folds if head in fold.heads]
        study_name = f"{name}-{head}"
        trials = Trials(parts, settings.trees, storage, study_name, settings.tune.seed, ranges(creatives))
        _run_study(trials, settings, head, on_trial, engine)
        study = open_study(storage, study_name, settings.tune.seed)
        found[head] = choose(parts, settings.trees, trials.setting(best_trial(study).params))
    return found


def _run_study(trials: "Trials", settings: Settings, head: str, on_trial: OnTrial, engine: Engine | None) -> None:
    study = open_study(trials.storage, trials.name, trials.seed)

    def report(*_: object) -> None:
        on_trial(head, ended(study), _relative_best(study, trials))

    report()
    for _ in range(2):  # twice: a trial lost with its worker may have been the hand setting
        if not has_waiting(study) and hand_trial(study, trials.point(trials.hand)) is None:
            study.enqueue_trial(trials.point(trials.hand))
        left = max(settings.tune.trials - ended(study), int(has_waiting(study)))
        if left <= 0:
            break
        if engine is None or not engine.trains:
            jobs = min(settings.tune.jobs, left)
            study.optimize(trials.objective, n_trials=left, n_jobs=jobs, callbacks=[report])
        else:
            engine.run(_trial, trials, range(left), report)


def _relative_best(study: optuna.Study, trials: "Trials") -> float:
    """Best value over the hand setting's; 1 until the hand setting has a value."""
    hand = hand_trial(study, trials.point(trials.hand))
    if hand is None or not hand.value:
        return 1.0
    return float(best_trial(study).value or hand.value) / float(hand.value)


def choose(parts: Sequence[HeadFold], hand: Trees, found: Trees) -> Choice:
    """The hand setting, or the found one if its gain exceeds one standard error over creatives."""
    rows = [part.validation for part in parts]
    by_hand = try_setting(parts, hand)
    choice = _choice(rows, hand, by_hand)
    if found == hand:
        return choice
    tuned = try_setting(parts, found)
    gain, error = gain_with_error(rows, by_hand.logs, tuned.logs)
    other = replace(_choice(rows, found, tuned), tuned=True)
    promoted, refused = (other, choice) if gain > error else (choice, other)
    return replace(promoted, alternative=refused, gain=gain, gain_error=error)


def _choice(rows: Sequence[HeadRows], trees: Trees, tried: Tried) -> Choice:
    return Choice(
        trees=trees,
        rounds=tried.rounds,
        stack=tried.stack,
        deviance=deviance(rows, tried.logs),
        funnel_deviance=deviance(rows, [part.log_funnel for part in rows]),
    )


def by_hand(cv_folds: Sequence[Fold], settings: Settings) -> dict[str, Choice]:
    """Head → the hand setting, with number of trees and stack chosen on these folds; no study."""
    found = {}
    for head in dict.fromkeys(name for fold in cv_folds for name in fold.heads):
        parts = [fold.heads[head] for fold in cv_folds if head in fold.heads]
        found[head] = choose(parts, settings.trees, settings.trees)
    return found


Range = tuple[float, float, bool]
"""Least, most, whether on a log scale."""


def ranges(creatives: int) -> dict[str, Range]:
    """Ranges of the study: few creatives allow small, strongly penalised trees only, many also strong learners."""
    width = np.log(max(creatives, 1) / FEW_CREATIVES) / np.log(MANY_CREATIVES / FEW_CREATIVES)
    share = float(np.clip(width, 0.0, 1.0))

    def between(few: float, many: float) -> float:
        return float(few * (many / few) ** share)

    return {
        "learning_rate": (0.01, between(0.05, 0.2), True),
        "num_leaves": (3, round(between(8, 127)), True),
        "min_data_in_leaf": (round(between(60, 10)), 200, True),
        "feature_fraction": (0.2, 0.9, False),
        "lambda_l2": (between(20.0, 1.0), 200.0, True),
        "cat_smooth": (20.0, 200.0, True),
        "tweedie_power": (1.1, 1.9, False),
    }


@dataclass(frozen=True)
class Trials:
    """The inputs of a trial.

    Attributes:
        parts: The head's folds.
        hand: The hand setting.
        storage: Address of the study; may hold a password.
        name: Of the study.
        seed: Of the sampler.
        limits: Hyperparameter → range; widened to contain the hand setting.
    """

    parts: Sequence[HeadFold]
    hand: Trees
    storage: str = field(repr=False)
    name: str
    seed: int
    limits: dict[str, Range]

    def objective(self, trial: optuna.Trial) -> float:
        """Pooled out-of-fold deviance of the stack with one setting."""
        trees = self._suggest(trial)
        is_hand = trial.params == self.point(self.hand)

        def prune(fold: int, value: float) -> None:
            trial.report(value, fold)
            if trial.should_prune() and not is_hand:
                raise optuna.TrialPruned

        return try_setting(self.parts, trees, prune).value

    def _suggest(self, trial: optuna.Trial) -> Trees:
        found: dict[str, Any] = {"extra_trees": trial.suggest_categorical("extra_trees", [True, False])}
        for name, (least, most, log) in self.limits.items():
            own = getattr(self.hand, name)
            low, high = min(least, own), max(most, own)
            if isinstance(own, int):
                found[name] = trial.suggest_int(name, int(low), int(high), log=log)
            else:
                found[name] = trial.suggest_float(name, low, high, log=log and low > 0)
        return self.setting(found)

    def setting(self, params: dict[str, Any]) -> Trees:
        """The setting of a trial's parameters."""
        return self.hand.model_copy(update=params)

    def point(self, trees: Trees) -> dict[str, Any]:
        """A setting as the parameters of a trial."""
        return {name: getattr(trees, name) for name in ("extra_trees", *self.limits)}


def _trial(trials: Trials, number: int) -> None:
    """Run one trial of a shared study."""
    study = open_study(trials.storage, trials.name, trials.seed + 1 + number, create=False)
    study.optimize(trials.objective, n_trials=1)
