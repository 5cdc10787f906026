"""Hyperparameters, number of trees and stack of every head: one Optuna study per head on time-ordered folds.

A trial trains the head on every fold with one setting and predicts the validation rows with 0, 10, 20, … trees; its
value is the pooled deviance of the best stack over these numbers of trees. A found setting replaces the hand setting
only if its gain exceeds one standard error over creatives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import optuna
from threadpoolctl import threadpool_limits

from configs.settings import Settings, Trees
from training.boosting.cv_folds import Fold
from training.boosting.model import Choice
from training.boosting.optuna_study import best_trial, ended, hand_trial, has_waiting, open_study
from training.boosting.stack import ratio_with_error
from training.boosting.subjects import Subject, subjects
from training.engine import Engine

FEW_CREATIVES, MANY_CREATIVES = 300, 30_000
"""Training creatives at which the ranges are narrowest and widest; between them they widen with the logarithm."""
OnTrial = Callable[[str, int, float], None]
"""Called with the head, its trials done, and the best value over the hand setting's."""


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
    for head, subject in subjects(cv_folds, settings).items():
        study_name = f"{name}-{head}"
        trials = Trials(subject, storage, study_name, settings.tune.seed, ranges(creatives))
        with threadpool_limits(1):  # on busy cores, contention between threads made trials 15 times slower
            _run_study(trials, settings, head, on_trial, engine)
            study = open_study(storage, study_name, settings.tune.seed)
            found[head] = choose(subject, trials.setting(best_trial(study).params))
    return found


def _run_study(trials: "Trials", settings: Settings, head: str, on_trial: OnTrial, engine: Engine | None) -> None:
    study = open_study(trials.storage, trials.name, trials.seed)

    def report(*_: object) -> None:
        on_trial(head, ended(study), _relative_best(study, trials))

    report()
    for _ in range(2):  # twice: a trial lost with its worker may have been the hand setting
        if not has_waiting(study) and hand_trial(study, trials.point(trials.subject.hand)) is None:
            study.enqueue_trial(trials.point(trials.subject.hand))
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
    hand = hand_trial(study, trials.point(trials.subject.hand))
    if hand is None or not hand.value:
        return 1.0
    return float(best_trial(study).value or hand.value) / float(hand.value)


def choose(subject: Subject, found: Trees) -> Choice:
    """The hand setting, or the found one if its gain exceeds one standard error over creatives."""
    by_hand = subject.try_setting(subject.hand)
    choice = by_hand.choice(subject.hand)
    if found == subject.hand:
        return choice
    tuned = subject.try_setting(found)
    gain, error = ratio_with_error(by_hand.losses - tuned.losses, tuned.amounts, tuned.creative)
    other = replace(tuned.choice(found), tuned=True)
    promoted, refused = (other, choice) if gain > error else (choice, other)
    return replace(promoted, alternative=refused, gain=gain, gain_error=error)


def by_hand(cv_folds: Sequence[Fold], settings: Settings) -> dict[str, Choice]:
    """Head → the hand setting, with number of trees and stack chosen on these folds; no study."""
    with threadpool_limits(1):
        return {name: choose(subject, subject.hand) for name, subject in subjects(cv_folds, settings).items()}


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
        subject: What is tuned.
        storage: Address of the study; may hold a password.
        name: Of the study.
        seed: Of the sampler.
        limits: Hyperparameter → range; widened to contain the hand setting.
    """

    subject: Subject
    storage: str = field(repr=False)
    name: str
    seed: int
    limits: dict[str, Range]

    def objective(self, trial: optuna.Trial) -> float:
        """Pooled out-of-fold deviance with one setting."""
        trees = self._suggest(trial)
        is_hand = trial.params == self.point(self.subject.hand)

        def prune(fold: int, value: float) -> None:
            trial.report(value, fold)
            if trial.should_prune() and not is_hand:
                raise optuna.TrialPruned

        return self.subject.value(trees, prune)

    def _suggest(self, trial: optuna.Trial) -> Trees:
        found: dict[str, Any] = {"extra_trees": trial.suggest_categorical("extra_trees", [True, False])}
        for name in self.subject.tuned:
            (least, most, log), own = self.limits[name], getattr(self.subject.hand, name)
            low, high = min(least, own), max(most, own)
            if isinstance(own, int):
                found[name] = trial.suggest_int(name, int(low), int(high), log=log)
            else:
                found[name] = trial.suggest_float(name, low, high, log=log and low > 0)
        return self.setting(found)

    def setting(self, params: dict[str, Any]) -> Trees:
        """The setting of a trial's parameters."""
        return self.subject.hand.model_copy(update=params)

    def point(self, trees: Trees) -> dict[str, Any]:
        """A setting as the parameters of a trial."""
        return {name: getattr(trees, name) for name in ("extra_trees", *self.subject.tuned)}


def _trial(trials: Trials, number: int) -> None:
    """Run one trial of a shared study."""
    study = open_study(trials.storage, trials.name, trials.seed + 1 + number, create=False)
    study.optimize(trials.objective, n_trials=1)
