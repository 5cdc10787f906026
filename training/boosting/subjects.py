"""What a study tunes: a head of a ratio, or one figure of later volume; how a setting is tried on the folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from configs.settings import Settings, Trees
from features.arrays import Floats
from training.boosting.cv_folds import Fold, HeadFold
from training.boosting.heads import HeadRows, can_train, creative_hashes, head_level, parameters
from training.boosting.model import Choice
from training.boosting.stack import FUNNEL_ALONE, Stack, fit_stack, members_of, row_losses
from training.boosting.volume import CHOICES, Figure, best_volume_rounds, fit_volume_head, volume_curve, volume_deviance

PATIENCE = 100
"""Trees without a gain on the validation rows after which training on a fold stops."""
ROUNDS = (0, 10, 20, 30, 40, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 600, 800, 1000, 1250, 1500)
"""Numbers of trees that are compared, and the setting's own."""
CAREFUL_UNTIL, STRONG_FROM = 5_000, 20_000
"""Training creatives up to which the hand setting is that of the settings, and from which it is strongest."""
OnFold = Callable[[int, float], None]
"""Called after each fold with its number and the value on the folds so far."""


def no_report(fold: int, value: float) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class Tried:
    """One setting on all folds; every array is over the validation rows of all folds.

    Attributes:
        rounds: Number of trees.
        value: What a study minimises: the pooled deviance, with the penalty of the stack's fit.
        losses: (rows,) out-of-fold deviance of each row, weighted.
        offset_losses: The same of the funnel alone (volume: without trees).
        amounts: (rows,) what the summed deviance is divided by: the weighted outcome (volume: the weight).
        creative: (rows,) uint64, hash of the creative.
        stack: Of a head.
    """

    rounds: int
    value: float
    losses: Floats
    offset_losses: Floats
    amounts: Floats
    creative: npt.NDArray[np.uint64]
    stack: Stack = FUNNEL_ALONE

    def choice(self, trees: Trees) -> Choice:
        """This setting as a choice."""
        total = float(self.amounts.sum())
        own, alone = (float(part.sum()) / total if total else None for part in (self.losses, self.offset_losses))
        return Choice(trees, self.rounds, self.stack, deviance=own, funnel_deviance=alone)


class Subject(Protocol):
    """What a study tunes: a head, or one figure of later volume."""

    @property
    def hand(self) -> Trees:
        """The hand setting."""
        ...

    @property
    def tuned(self) -> tuple[str, ...]:
        """Numeric hyperparameters that the study varies."""
        ...

    def value(self, trees: Trees, on_fold: OnFold) -> float:
        """What a study minimises: the pooled deviance with one setting and its best number of trees.

        Args:
            trees: The setting.
            on_fold: Called after each fold with its number and the value on the folds so far.
        """
        ...

    def try_setting(self, trees: Trees) -> Tried:
        """The same, with number of trees and deviance of every row."""
        ...


TUNED = ("learning_rate", "num_leaves", "min_data_in_leaf", "feature_fraction", "lambda_l2", "cat_smooth")


@dataclass(frozen=True)
class HeadSubject:
    """A head; its deviance is that of the best stack.

    Attributes:
        parts: The head's folds.
        hand: The hand setting.
    """

    parts: Sequence[HeadFold]
    hand: Trees
    tuned: tuple[str, ...] = (*TUNED, "tweedie_power")

    def value(self, trees: Trees, on_fold: OnFold) -> float:
        """Pooled deviance of the best stack, with the penalty of its fit."""
        return self.try_setting(trees, on_fold).value

    def try_setting(self, trees: Trees, on_fold: OnFold = no_report) -> Tried:
        """Train on every fold, and choose number of trees and stack by the pooled deviance."""
        scores: list[list[Floats]] = []
        for place, part in enumerate(self.parts):
            scores.append(scores_by_rounds(part, trees))
            rows = [one.validation for one in self.parts[: place + 1]]
            rounds, stack, value, logs = best_stack(rows, scores, trees.rounds)
            on_fold(place, value)
        losses, amounts = row_losses(rows, logs)
        return Tried(
            rounds=rounds,
            value=value,
            losses=losses,
            offset_losses=row_losses(rows, [part.log_funnel for part in rows])[0],
            amounts=amounts,
            creative=np.concatenate([part.creative for part in rows]),
            stack=stack,
        )


@dataclass(frozen=True)
class VolumeSubject:
    """Typical or expected later volume.

    Attributes:
        cv_folds: The folds.
        hand: The hand setting.
        figure: Which.
    """

    cv_folds: Sequence[Fold]
    hand: Trees
    figure: Figure
    tuned: tuple[str, ...] = TUNED

    def value(self, trees: Trees, on_fold: OnFold) -> float:
        """Pooled loss with the best number of trees."""
        return self._best_rounds(trees, on_fold)[1]

    def _best_rounds(self, trees: Trees, on_fold: OnFold) -> tuple[int, float]:
        curves = []
        for place, fold in enumerate(self.cv_folds):
            curves.append(volume_curve(fold.fit, fold.validation, fold.funnel, trees, self.figure))
            best = best_volume_rounds(curves)
            on_fold(place, best[1])
        return best

    def try_setting(self, trees: Trees) -> Tried:
        """Train on every fold, and choose the number of trees by the pooled loss."""
        rounds, value = self._best_rounds(trees, no_report)
        (losses, amounts), (alone, _) = self._deviances(trees, rounds), self._deviances(trees, 0)
        creative = np.concatenate([creative_hashes(fold.validation[0]) for fold in self.cv_folds])
        return Tried(rounds, value, losses, alone, amounts, creative)

    def _deviances(self, trees: Trees, rounds: int) -> tuple[Floats, Floats]:
        found = []
        for fold in self.cv_folds:
            head = fit_volume_head(fold.fit, fold.funnel, {self.figure: trees}, {self.figure: rounds})
            found.append(volume_deviance(head, fold.validation, fold.funnel, self.figure))
        return np.concatenate([losses for losses, _ in found]), np.concatenate([weight for _, weight in found])


def best_stack(
    rows: Sequence[HeadRows], scores: Sequence[Sequence[Floats]], most: int, members: Sequence[str] | None = None
) -> tuple[int, Stack, float, list[Floats]]:
    """Choose number of trees and stack by the pooled deviance.

    Args:
        rows: Validation rows of each fold.
        scores: Of each fold, `scores_by_rounds`.
        most: Number of trees up to which they are compared.
        members: Members of the stack that may have a weight; None: those of the head (`members_of`).

    Returns:
        Number of trees, stack, its pooled deviance with penalty, and of each fold (rows,) out-of-fold log predictions.
    """
    compared = compared_rounds(most)
    members = members_of(rows[0].head) if members is None else members
    fits = [fit_stack(rows, [own[place] for own in scores], members) for place in range(len(compared))]
    place = int(np.argmin([value for _, value in fits]))  # the fewest trees among equals
    stack, value = fits[place]
    logs = [stack.log(part.log_bayes, part.log_funnel, own[place]) for part, own in zip(rows, scores)]
    return compared[place], stack, value, logs


def compared_rounds(most: int) -> list[int]:
    """Numbers of trees that are compared, up to this one."""
    return [*(rounds for rounds in ROUNDS if rounds < most), most]


def scores_by_rounds(part: HeadFold, trees: Trees) -> list[Floats]:
    """For each of `compared_rounds`, (validation rows,) level and sum of so many trees."""
    compared = compared_rounds(trees.rounds)
    score, own_score = np.zeros(len(part.validation)), np.zeros(len(part.fit))
    found = [score + head_level(part.fit)]
    if not can_train(part.fit, trees) or not trees.rounds:
        return found * len(compared)
    fit, validation = part.pair()
    booster = lgb.train(
        parameters(trees),
        fit,
        num_boost_round=compared[-1],
        valid_sets=[validation],
        callbacks=[lgb.early_stopping(PATIENCE, verbose=False)],
    )
    table = part.validation_features.values.matrix[part.validation.rows]
    own_table, trained = part.fit_features.values.matrix[part.fit.rows], booster.current_iteration()
    for before, after in pairwise(compared):
        if before < trained:
            some = {"raw_score": True, "start_iteration": before, "num_iteration": after - before, "num_threads": 1}
            score = score + np.asarray(booster.predict(table, **some))
            own_score = own_score + np.asarray(booster.predict(own_table, **some))
        found.append(score + head_level(part.fit, own_score))  # after early stopping the trees stay as they are
    return found


def subjects(cv_folds: Sequence[Fold], settings: Settings) -> dict[str, Subject]:
    """Head → what a study tunes: the heads, then typical and expected later volume; none without folds."""
    found: dict[str, Subject] = {}
    if not cv_folds:
        return found
    last = cv_folds[-1]
    count = len(np.unique(np.concatenate([creative_hashes(features) for features, _ in (last.fit, last.validation)])))
    of_volume = hand_setting(Trees(**settings.volume_trees.model_dump()), count)
    hand = hand_setting(settings.trees, count)
    for head in dict.fromkeys(name for fold in cv_folds for name in fold.heads):
        found[head] = HeadSubject([fold.heads[head] for fold in cv_folds if head in fold.heads], hand)
    return found | {name: VolumeSubject(cv_folds, of_volume, figure) for figure, name in CHOICES.items()}


def hand_setting(trees: Trees, creatives: int) -> Trees:
    """The hand setting for this number of training creatives: that of the settings, and stronger for tens of thousands.

    From CAREFUL_UNTIL to STRONG_FROM creatives, with the logarithm, leaves rise fourfold, the rate threefold, and the
    penalty falls to a fifth: 1 500 trees of 8 leaves underfit there.
    """
    share = np.log(max(creatives, 1) / CAREFUL_UNTIL) / np.log(STRONG_FROM / CAREFUL_UNTIL)
    share = float(np.clip(share, 0.0, 1.0))
    return trees.model_copy(
        update={
            "num_leaves": min(round(trees.num_leaves * 4.0**share), 255),
            "learning_rate": min(trees.learning_rate * 3.0**share, 1.0),
            "lambda_l2": trees.lambda_l2 / 5.0**share,
        }
    )
