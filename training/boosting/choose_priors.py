"""Prior kind of each stage, funnel model or empirical Bayes: the one with the smaller loss on folds, with trees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from configs.settings import Trees
from features.funnel_model.posterior import EMPIRICAL_BAYES, FUNNEL_MODEL, PriorKind
from features.point_in_time.array_frame import Floats
from training.boosting.stage_targets import StageData
from training.boosting.tune import Fold, best_rounds, gain_curve, make_folds, offset_loss
from training.data.dataset import Dataset, Mask


@dataclass(frozen=True)
class Losses:
    """Mean validation deviance of a stage, per effective row, by kind of prior.

    Attributes:
        with_trees: With the hand setting's trees, as many as help on every fold.
        alone: Of the offset alone.
    """

    with_trees: Mapping[PriorKind, float]
    alone: Mapping[PriorKind, float]

    @property
    def better(self) -> PriorKind:
        """The kind with the smaller deviance with trees."""
        return FUNNEL_MODEL if self.with_trees[FUNNEL_MODEL] < self.with_trees[EMPIRICAL_BAYES] else EMPIRICAL_BAYES


def compare_priors(dataset: Dataset, train: Mask, trees: Trees) -> dict[str, Losses]:
    """Compare both kinds of prior for every rate, on time-ordered folds of the training rows.

    Both are evaluated on the same rows with the same weights, those of empirical Bayes.

    Args:
        dataset: All rows.
        train: (rows,) Training rows.
        trees: The hand setting.

    Returns:
        Stage → losses; empty without folds or without a fitted funnel model.
    """
    names = [stage.name for stage in dataset.funnel.stages]
    folds = {EMPIRICAL_BAYES: make_folds(dataset, train)} if dataset.funnel_models else {}
    if not folds.get(EMPIRICAL_BAYES):
        return {}
    folds[FUNNEL_MODEL] = [
        _with_weights_of(fold, by)
        for fold, by in zip(make_folds(dataset, train, dict.fromkeys(names, FUNNEL_MODEL)), folds[EMPIRICAL_BAYES])
    ]
    found = {}
    for place, name in enumerate(names):
        sizes = np.array([fold.validation_data[place].effective_sample_size.sum() for fold in folds[EMPIRICAL_BAYES]])
        if not sizes.any():
            continue  # no fold has an outcome of this stage
        gain = {kind: best_rounds([gain_curve(fold, place, trees) for fold in folds[kind]])[1] for kind in folds}
        mean = {kind: _mean_loss(own, place, sizes) for kind, own in folds.items()}
        found[name] = Losses({kind: mean[kind] - gain[kind] for kind in folds}, mean)
    return found


def choose_priors(losses: Mapping[str, Losses]) -> dict[str, PriorKind]:
    """Stage → the better kind of prior."""
    return {name: loss.better for name, loss in losses.items()}


def _mean_loss(folds: Sequence[Fold], place: int, sizes: Floats) -> float:
    """Mean loss of the offset alone over folds, weighted by their effective sample sizes."""
    losses = [offset_loss(fold.validation_data[place]) if rows else 0.0 for fold, rows in zip(folds, sizes)]
    return float(np.average(losses, weights=sizes))


def _with_weights_of(fold: Fold, other: Fold) -> Fold:
    """The fold with the weights of another: a prior must not choose the rows on which it is evaluated."""

    def reweighted(own: Sequence[StageData], others: Sequence[StageData]) -> list[StageData]:
        return [
            replace(one, weight=o.weight, effective_sample_size=o.effective_sample_size) for one, o in zip(own, others)
        ]

    return replace(
        fold,
        fit_data=reweighted(fold.fit_data, other.fit_data),
        validation_data=reweighted(fold.validation_data, other.validation_data),
    )
