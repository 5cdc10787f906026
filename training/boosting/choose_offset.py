"""What each stage starts from, the mixed model or empirical Bayes: what foretold later folds better, trees included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from configs.settings import Trees
from features.funnel_model.empirical_bayes import Floats
from features.funnel_model.posterior import EMPIRICAL_BAYES, FUNNEL_MODEL, PriorKind
from training.boosting.tune import Fold, best_rounds, gain_curve, make_folds, start_loss
from training.data.dataset import Dataset, Mask


@dataclass(frozen=True)
class Losses:
    """Mean validation deviance of a stage, per effective row, by what it starts from, and of the start alone.

    Attributes:
        with_trees: By kind, the hand setting's trees as far as they help on every fold.
        alone: By kind.
    """

    with_trees: Mapping[PriorKind, float]
    alone: Mapping[PriorKind, float]

    @property
    def better(self) -> PriorKind:
        """The kind with the smaller deviance."""
        return FUNNEL_MODEL if self.with_trees[FUNNEL_MODEL] < self.with_trees[EMPIRICAL_BAYES] else EMPIRICAL_BAYES


def compare_priors(dataset: Dataset, train: Mask, trees: Trees) -> dict[str, Losses]:
    """Every rate's losses under either kind, on time-ordered folds of the training rows.

    Both prior_kinds are judged on the same rows with the same weights, those of empirical Bayes. Without folds, or
    without
    a fitted mixed model, nothing is compared.
    """
    names = [stage.name for stage in dataset.funnel.stages]
    made = {EMPIRICAL_BAYES: make_folds(dataset, train)} if dataset.funnel_models else {}
    if not made.get(EMPIRICAL_BAYES):
        return {}
    made[FUNNEL_MODEL] = [
        _weighed_alike(fold, by)
        for fold, by in zip(make_folds(dataset, train, dict.fromkeys(names, FUNNEL_MODEL)), made[EMPIRICAL_BAYES])
    ]
    found = {}
    for place, name in enumerate(names):
        worth = np.array([fold.validation_data[place].worth.sum() for fold in made[EMPIRICAL_BAYES]])
        if not worth.any():
            continue  # no fold has an outcome of this stage
        gain = {kind: best_rounds([gain_curve(fold, place, trees) for fold in made[kind]])[1] for kind in made}
        mean = {kind: _mean_loss(folds, place, worth) for kind, folds in made.items()}
        found[name] = Losses({kind: mean[kind] - gain[kind] for kind in made}, mean)
    return found


def choose_priors(losses: Mapping[str, Losses]) -> dict[str, PriorKind]:
    """What each stage starts from."""
    return {name: loss.better for name, loss in losses.items()}


def _mean_loss(folds: Sequence[Fold], place: int, worth: Floats) -> float:
    """Of the starts alone: a fold of five rows counts as five rows."""
    losses = [start_loss(fold.validation_data[place]) if rows else 0.0 for fold, rows in zip(folds, worth)]
    return float(np.average(losses, weights=worth))


def _weighed_alike(fold: Fold, by: Fold) -> Fold:
    """The fold with the weights of another: a start must not choose the rows it is judged on."""
    return replace(
        fold,
        fit_data=[replace(own, weight=o.weight, worth=o.worth) for own, o in zip(fold.fit_data, by.fit_data)],
        validation_data=[
            replace(own, weight=o.weight, worth=o.worth) for own, o in zip(fold.validation_data, by.validation_data)
        ],
    )
